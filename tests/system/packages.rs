//! What a package contains besides its code: README, licences, and the lists of features and variables.
//!
//! `.ci/package` builds the packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::programs::root;

/// The folders of the packages that are published.
const PUBLISHED: [&str; 3] = ["runtime", "macros", "cli"];

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{} can't be read: {e}", path.display()))
}

/// The address of the repository, as the packages name it.
fn repository() -> String {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("repository = "));
    line.expect("a repository").trim_matches('"').to_owned()
}

/// The README as a package contains it: links to files of the repository have its address.
fn with_absolute_links(readme: &str, repository: &str) -> String {
    let mut out = String::new();
    let mut rest = readme;
    while let Some((before, link)) = rest.split_once("](") {
        let is_picture = before.rsplit_once('[').is_some_and(|(text, _)| text.ends_with('!'));
        out.push_str(before);
        out.push_str("](");
        if !link.starts_with("http") && !link.starts_with('#') {
            out.push_str(repository);
            out.push_str(if is_picture { "/raw/HEAD/" } else { "/blob/HEAD/" });
        }
        rest = link;
    }
    out.push_str(rest);
    out
}

#[test]
fn the_readme_of_the_library_is_that_of_the_repository_with_absolute_links() {
    let wanted = with_absolute_links(&read("README.md"), &repository());
    if env::var_os("UPDATE_README").is_some() {
        fs::write(root().join("runtime/README.md"), &wanted).expect("the file can be written");
    }
    assert!(
        read("runtime/README.md") == wanted,
        "runtime/README.md differs from README.md; update it with \
         `UPDATE_README=1 cargo system --test system packages::`"
    );
}

#[test]
fn links_become_absolute() {
    let readme = "![a [b](docs/c.svg) [d](e.md#f), [g](#h) and [i](https://j)";
    let wanted =
        "![a [b](R/blob/HEAD/docs/c.svg) [d](R/blob/HEAD/e.md#f), [g](#h) and [i](https://j)";
    assert_eq!(with_absolute_links(readme, "R"), wanted);
    assert_eq!(with_absolute_links("![a](docs/b.svg)", "R"), "![a](R/raw/HEAD/docs/b.svg)");
}

#[test]
fn links_to_the_repository_in_the_packages_resolve() {
    let repository = repository();
    for package in PUBLISHED {
        let readme = read(format!("{package}/README.md"));
        for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://docs.rs/") {
                continue;
            }
            let path = link.strip_prefix(&repository).unwrap_or_else(|| {
                panic!("{package}/README.md links to {link}, which is not below {repository}")
            });
            let path = path.trim_start_matches("/blob/HEAD/").trim_start_matches("/raw/HEAD/");
            let path: PathBuf = path.split('#').next().unwrap_or_default().into();
            assert!(root().join(&path).exists(), "{package}/README.md links to {link}");
        }
    }
}

#[test]
fn each_package_contains_the_licences() {
    for package in PUBLISHED {
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(read(format!("{package}/{file}")), read(file), "{package}/{file}");
        }
    }
}

/// The lines of the README's code blocks, without the fences.
fn code(readme: &str) -> impl Iterator<Item = &str> {
    readme.split("```").skip(1).step_by(2).flat_map(|block| block.lines().skip(1))
}

#[test]
fn the_readme_is_short_and_has_no_hidden_code() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 160, "{} lines", readme.lines().count());
    assert!(code(&readme).all(|line| !line.starts_with("# ")), "a line that rustdoc would hide");
    let first = readme.lines().position(|line| line.starts_with("cargo add candor"));
    assert!(first.is_some_and(|line| line < 20), "`cargo add` is on the first screen");
}

/// The cells of the last column of the table below a heading.
fn results(page: &str, heading: &str) -> Vec<String> {
    let section = page.split(&format!("{heading}\n")).nth(1).expect("the heading");
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .filter_map(|row| row.trim_end_matches(" |").rsplit("| ").next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_shows_the_ratios_of_the_page_on_performance() {
    let shown = results(&read("README.md"), "## Performance");
    assert_eq!(shown.len(), 6, "{shown:?}");
    assert_eq!(shown, results(&read("docs/performance.md"), "# Performance"));
}

/// The names in backticks in the first column of the tables below a heading.
fn names_of(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split(&format!("{heading}\n")).nth(1).expect("the heading");
    let rows = section.lines().take_while(|line| !line.trim_start_matches("//! ").starts_with('#'));
    rows.filter_map(|line| line.trim_start_matches("//! ").strip_prefix("| `"))
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split([',', '`', ' ']))
        .filter(|name| !name.is_empty() && !name.contains(['(', '…']))
        .map(str::to_owned)
        .collect()
}

/// The features in the manifest of the library.
fn features() -> BTreeSet<String> {
    let manifest = read("runtime/Cargo.toml");
    let section = manifest.split("[features]\n").nth(1).expect("features");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.starts_with(['#', ' ', ']']))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name != "default")
        .collect()
}

#[test]
fn every_feature_is_documented_and_none_is_internal() {
    let features = features();
    assert!(features.len() > 30, "{features:?}");
    assert_eq!(names_of(&read("docs/configuration.md"), "## Features"), features);
    assert_eq!(names_of(&read("runtime/src/lib.rs"), "//! # Feature flags"), features);
    assert!(features.iter().all(|name| !name.starts_with('_')), "{features:?}");
}

/// The string literals of a source that are the name of a `LOG_…` variable.
fn variables_of(source: &str, names: &mut BTreeSet<String>) {
    for literal in source.split('"').filter(|text| text.starts_with("LOG_")) {
        if literal.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            names.insert(literal.to_owned());
        }
    }
}

fn read_all(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            variables_of(&fs::read_to_string(&path).expect("a source"), names);
        }
    }
}

#[test]
fn every_variable_is_documented() {
    let mut read_by_candor = BTreeSet::new();
    read_all(&root().join("runtime/src/init"), &mut read_by_candor);
    let page = read("docs/configuration.md");
    let mut documented = names_of(&page, "## Environment variables");
    documented.retain(|name| name.starts_with("LOG_"));
    assert!(documented.len() > 20, "{documented:?}");
    assert_eq!(documented, read_by_candor);
}
