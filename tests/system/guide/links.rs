//! Links between the pages of the guide, which work on both sides: in the repository and in the documentation.
//!
//! A page links with `[text][page.md#anchor]`, and defines its labels at its end as relative paths. In the
//! documentation, `runtime/src/_guide/links.md` precedes each page and defines the same labels as modules.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::programs::root;

/// Pages for those who change candor, which are not in the documentation.
const OUTSIDE: [&str; 1] = ["design.md"];

/// The pages of the guide, by file name.
fn pages() -> Vec<(String, PathBuf)> {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs"))
        .expect("the guide")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| !OUTSIDE.contains(&name.as_str()))
        .collect();
    pages.sort();
    assert!(pages.len() > 6, "{pages:?}");
    pages
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether a label is a path, not a word in brackets.
fn is_path(label: &str) -> bool {
    let file = label.split('#').next().unwrap_or_default();
    let is_page = Path::new(file).extension().is_some_and(|extension| extension == "md");
    is_page || file.starts_with("../") || file.starts_with("pictures/")
}

/// Calls `change` with each line outside code blocks, and returns all lines.
fn map_prose(text: &str, mut change: impl FnMut(&str) -> String) -> String {
    let mut is_code = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            out.push_str(&change(line));
            out.push('\n');
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Changes `[text](page.md)` to `[text][page.md]`.
fn with_references(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, behind)) = after.split_once(')') else { break };
        out.push_str(before);
        let (open, close) = if is_path(target) { ("][", "]") } else { ("](", ")") };
        let _ = write!(out, "{open}{target}{close}");
        rest = behind;
    }
    out + rest
}

/// The text of a page without the definitions at its end, its labels, and its other targets.
fn parts(text: &str) -> (String, BTreeSet<String>, BTreeSet<String>) {
    let body: Vec<&str> = text.lines().collect();
    let is_definition = |line: &&&str| {
        let label = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        line.is_empty() || label.is_some_and(|(label, target)| label == target && is_path(label))
    };
    let definitions = body.iter().rev().take_while(is_definition).count();
    let body = body[..body.len() - definitions].join("\n");
    let (mut labels, mut anchors) = (BTreeSet::new(), BTreeSet::new());
    let body = map_prose(&body, |line| {
        let line = with_references(line);
        for label in line.split("][").skip(1).filter_map(|rest| rest.split(']').next()) {
            if is_path(label) {
                labels.insert(label.to_owned());
            }
        }
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with('#') {
                anchors.insert(target.to_owned());
            }
        }
        line
    });
    (body, labels, anchors)
}

/// The page as it should be: with references, and their definitions at the end.
fn complete(body: &str, labels: &BTreeSet<String>) -> String {
    let mut page = body.to_owned();
    if !labels.is_empty() {
        page.push('\n');
    }
    for label in labels {
        let _ = writeln!(page, "[{label}]: {label}");
    }
    page
}

/// The target of a label in the documentation. Files that are not in it are shown by the repository.
fn in_the_documentation(label: &str) -> String {
    let (file, anchor) = label.split_once('#').map_or((label, ""), |(file, anchor)| (file, anchor));
    let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
    if file == "README.md" {
        return format!("crate::_guide{anchor}");
    }
    if !file.contains('/') && !OUTSIDE.contains(&file) {
        return format!(
            "crate::_guide::{}{anchor}",
            file.trim_end_matches(".md").replace('-', "_")
        );
    }
    let manifest = read(&root().join("Cargo.toml"));
    let repository = manifest.split("repository = \"").nth(1).expect("a repository");
    let repository = repository.split('"').next().expect("its end");
    let path = file.strip_prefix("../").map_or_else(|| format!("docs/{file}"), str::to_owned);
    let form = if file.starts_with("pictures/") { "raw" } else { "blob" };
    format!("{repository}/{form}/HEAD/{path}{anchor}")
}

/// The anchors of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    map_prose(text, |line| {
        if line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            anchors.insert(heading.chars().filter(kept).collect::<String>().replace(' ', "-"));
        }
        String::new()
    });
    anchors
}

/// Asserts that a target, relative to the folder of `page`, exists and has the anchor.
fn assert_resolves(page: &Path, target: &str) {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.to_owned() } else { page.with_file_name(file) };
    assert!(path.exists(), "{} links to {target}, which does not exist", page.display());
    let is_there = anchor.is_empty() || anchors(&read(&path)).contains(anchor);
    assert!(is_there, "{} links to {target}, but the page has no such heading", page.display());
}

/// Asserts that a file has this text, or writes it if the environment asks for that.
fn assert_is(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, wanted).expect("the file can be written");
    }
    assert!(
        read(path) == wanted,
        "the links of {} are not complete; run `UPDATE_EXPECT=1 cargo system --test system guide::links`",
        path.display()
    );
}

#[test]
fn links_of_the_guide_resolve_in_the_repository_and_in_the_documentation() {
    let mut all = BTreeSet::new();
    for (_, page) in pages() {
        let (body, labels, anchors) = parts(&read(&page));
        for target in labels.iter().chain(&anchors) {
            assert_resolves(&page, target);
        }
        assert_is(&page, &complete(&body, &labels));
        all.extend(labels);
    }
    let mut links = String::new();
    for label in &all {
        let _ = writeln!(links, "[{label}]: {}", in_the_documentation(label));
    }
    assert_is(&root().join("runtime/src/_guide/links.md"), &links);
}

#[test]
fn links_of_the_other_pages_resolve() {
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "examples/README.md",
        "docs/design.md",
    ] {
        let page = root().join(page);
        map_prose(&read(&page), |line| {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if !target.starts_with("http") && !target.contains(char::is_whitespace) {
                    assert_resolves(&page, target);
                }
            }
            String::new()
        });
    }
}

#[test]
fn each_page_of_the_guide_is_a_module_of_the_documentation() {
    let modules = read(&root().join("runtime/src/_guide.rs"));
    let wanted: Vec<String> = pages()
        .into_iter()
        .filter(|(name, _)| name != "README.md")
        .map(|(name, _)| {
            format!("{} = \"{name}\",", name.trim_end_matches(".md").replace('-', "_"))
        })
        .collect();
    let listed = modules.lines().map(str::trim).filter(|line| line.ends_with(".md\","));
    assert_eq!(listed.collect::<Vec<_>>(), wanted);
}

#[test]
fn a_link_becomes_a_reference_with_a_definition() {
    let (body, labels, anchors) = parts(
        "See [a](a-b.md#c), [d](#e), [f][../README.md] and [g](https://g.example).\n\n```sh\n[h](h.md)\n```\n",
    );
    assert_eq!(
        complete(&body, &labels),
        "See [a][a-b.md#c], [d](#e), [f][../README.md] and [g](https://g.example).\n\n```sh\n[h](h.md)\n```\n\
         \n[../README.md]: ../README.md\n[a-b.md#c]: a-b.md#c\n"
    );
    assert_eq!(anchors.into_iter().collect::<Vec<_>>(), ["#e"]);
    assert_eq!(in_the_documentation("a-b.md#c"), "crate::_guide::a_b#c");
    let (again, _, _) = parts(&complete(&body, &labels));
    assert_eq!(again, body);
    // The last line is not a definition.
    let (body, labels, _) = parts("- [a][a-b.md]: the first page\n\n[a-b.md]: a-b.md\n");
    assert_eq!(complete(&body, &labels), "- [a][a-b.md]: the first page\n\n[a-b.md]: a-b.md\n");
}
