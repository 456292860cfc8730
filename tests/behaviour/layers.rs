//! Each folder of the runtime uses only the folders before it, so that a reader can start with the lowest.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `runtime/src`, the lowest first, as in its `lib.rs` and in `docs/design.md`.
const LAYERS: [&str; 17] = [
    "base",
    "json",
    "levels",
    "redact",
    "format",
    "outcome",
    "sink",
    "request",
    "metrics",
    "site",
    "current",
    "logger",
    "layer",
    "instrument",
    "init",
    "http",
    "testing",
];

/// Files above all layers, which only re-export, collect or document.
const ABOVE: [&str; 6] = ["__private", "_guide", "inventory", "lib", "policy", "prelude"];

/// The upward imports of a file, by its path within `runtime/src`.
fn upward_imports(path: &str, source: &str) -> Vec<String> {
    let layer = path.split('/').next().unwrap_or_default();
    let own = LAYERS.iter().position(|known| *known == layer);
    let Some(own) = own else {
        let known = ABOVE.contains(&layer.trim_end_matches(".rs"));
        return if known {
            vec![]
        } else {
            vec![format!("{path}: is in no layer (docs/design.md)")]
        };
    };
    let mut found = Vec::new();
    for (number, line) in source.lines().enumerate() {
        if line == "#[cfg(test)]" {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        for used in names_after_crate(line) {
            let position = LAYERS.iter().position(|known| *known == used);
            let is_above = ABOVE.contains(&used) || position.is_some_and(|used| used > own);
            if is_above {
                let number = number + 1;
                found.push(format!(
                    "{path}:{number} uses `{used}`: a layer uses only those before it (docs/design.md)"
                ));
            }
        }
    }
    found
}

/// The first names of all paths that begin with `crate::`, also of a group: `crate::{a::b, c}`.
fn names_after_crate(line: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        // `$crate` begins a path in generated code.
        if line[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let group = rest.strip_prefix('{').map_or(rest, |group| group.trim_end_matches(['}', ';']));
        let is_group = group.len() != rest.len();
        let mut depth = 0;
        for part in group.split_inclusive([',', '{', '}']) {
            let name = part.trim_start();
            let end = name.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(name.len());
            if depth == 0 && end > 0 {
                names.push(&name[..end]);
            }
            if !is_group {
                break;
            }
            depth += part.matches('{').count();
            depth -= part.matches('}').count().min(depth);
        }
    }
    names
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The mistakes that `check` finds in the sources of the runtime, one a line.
fn mistakes(check: fn(&str, &str) -> Vec<String>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 100, "the sources are found");
    let mut found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(&root).expect("a file of the folder");
            let source = fs::read_to_string(file).expect("a source file");
            check(&path.to_string_lossy().replace('\\', "/"), &source)
        })
        .collect();
    found.sort();
    found.join("\n")
}

#[test]
fn a_layer_uses_only_those_before_it() {
    assert_eq!(mistakes(upward_imports), "");
}

/// Calls that would write text without redaction, by the path of the file within `runtime/src`.
fn unredacted_text(path: &str, source: &str) -> Vec<String> {
    // `testing` reads lines, with a method of the same name, and writes none.
    let layer = path.split('/').next().unwrap_or_default();
    if ["json", "redact", "testing"].contains(&layer) {
        return vec![];
    }
    let has_argument = |line: &str, method: &str| {
        line.match_indices(method).any(|(at, _)| !line[at + method.len()..].starts_with(')'))
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        if line == "#[cfg(test)]" {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.contains("Shown::redacted") {
            found.push(format!(
                "{path}:{number} calls `Shown::redacted`: only `redact` and `json` declare text redacted; use a \
                 function of `redact::shown`"
            ));
        }
        for method in [".text(", ".display(", ".unit("] {
            if has_argument(line, method) {
                found.push(format!(
                    "{path}:{number} calls `{method}…)` of an encoder, which takes text without redaction; use \
                     `Encoder::shown`"
                ));
            }
        }
    }
    found
}

#[test]
fn only_redacted_text_is_written() {
    assert_eq!(mistakes(unredacted_text), "");
}

#[test]
fn text_without_redaction_is_reported_with_its_line() {
    let source = "let id = Shown::redacted(id);\n// Shown::redacted\nEncoder::json(out, limit)\n    .text(name);\n\
                  failure.text();\nto.text(&name);\n#[cfg(test)]\nto.text(name);\n";
    let found = unredacted_text("http/started.rs", source);
    let places: Vec<_> = found.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(places, ["http/started.rs:1", "http/started.rs:4", "http/started.rs:6"]);
    assert!(unredacted_text("redact/shown.rs", source).is_empty());
}

#[test]
fn the_folders_stand_in_lib_rs_in_the_order_of_the_layers() {
    let lib = include_str!("../../runtime/src/lib.rs");
    let positions = LAYERS.map(|layer| {
        lib.find(&format!("\nmod {layer};")).or_else(|| lib.find(&format!("\npub mod {layer};")))
    });
    assert!(positions.iter().all(Option::is_some), "{positions:?}");
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn an_import_of_a_later_layer_is_reported_with_its_line() {
    let source = "use crate::base::clock::Tick;\n// crate::http\nuse crate::{json, logger::Logger};\n\
                  fn f() { crate::testing::capture(); $crate::http::x() }\n#[cfg(test)]\nuse crate::init;\n";
    let expected = |line: u32, used: &str| {
        format!(
            "format/template.rs:{line} uses `{used}`: a layer uses only those before it (docs/design.md)"
        )
    };
    assert_eq!(
        upward_imports("format/template.rs", source),
        [expected(3, "logger"), expected(4, "testing")]
    );
    assert_eq!(
        upward_imports("helpers/x.rs", ""),
        ["helpers/x.rs: is in no layer (docs/design.md)"]
    );
}
