//! Checks that the summary of a public item fits into the lists of rustdoc: its first paragraph has under 80
//! characters, without the targets of its links.

use std::fs;
use std::path::{Path, PathBuf};

const LIMIT: usize = 80;

/// Pages that are the documentation of a macro.
const PAGES: [&str; 4] = ["step_timed", "dependency_call", "instrument", "redact"];

#[test]
fn the_summary_of_a_public_item_is_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    for path in
        ["runtime/src", "macros/src"].into_iter().flat_map(|folder| sources(&root.join(folder)))
    {
        let source = fs::read_to_string(&path).expect("UTF-8");
        let place = path.strip_prefix(root).expect("in the workspace").display();
        found.extend(
            summaries(&source)
                .into_iter()
                .map(|(line, summary)| (format!("{place}:{line}"), summary)),
        );
    }
    assert!(found.len() > 400, "the public items are missing: {}", found.len());
    for page in PAGES {
        let text = fs::read_to_string(root.join("macros/docs").join(page).with_extension("md"));
        found.push((
            page.to_owned(),
            shown(text.expect("a page").split("\n\n").next().expect("a paragraph")),
        ));
    }
    found.retain(|(_, summary)| summary.chars().count() >= LIMIT);
    assert!(found.is_empty(), "summaries of {LIMIT} characters or more: {found:#?}");
}

#[test]
fn only_public_documented_items_have_a_summary() {
    let source = "/// The [first](super::First), the\n/// [`second`][s], [`third`] and `#[fourth]`.\n///\n/// More.\n#[derive(Debug)]\n\
                  #[expect(\n    clippy::all,\n)]\npub struct One;\n\n/// Hidden.\n#[doc(hidden)]\npub fn two() {}\n\n\
                  /// Internal.\npub(crate) fn three() {}\n\n    /// Indented.\n    pub fn four() {}\n";
    let expected = [(1, "The first, the `second`, `third` and `#[fourth]`."), (18, "Indented.")];
    assert_eq!(summaries(source), expected.map(|(line, summary)| (line, summary.to_owned())));
}

/// Every `.rs` file below `folder`, without snapshots of generated code.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("snapshots") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The first paragraph of each doc comment above a `pub` item, with its line number.
fn summaries(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut paragraph = Vec::new();
    let (mut begin, mut is_complete, mut is_hidden, mut is_in_attribute) = (0, false, false, false);
    for (number, line) in (1..).zip(source.lines().map(str::trim)) {
        if let Some(text) = line.strip_prefix("///") {
            if paragraph.is_empty() {
                begin = number;
            }
            is_complete |= text.is_empty();
            if !is_complete {
                paragraph.push(text.trim());
            }
        } else if line.starts_with("#[") || is_in_attribute {
            is_hidden |= line == "#[doc(hidden)]";
            is_in_attribute = !line.ends_with(']');
        } else {
            if line.starts_with("pub ") && !paragraph.is_empty() && !is_hidden {
                found.push((begin, shown(&paragraph.join(" "))));
            }
            paragraph.clear();
            (is_complete, is_hidden) = (false, false);
        }
    }
    found
}

/// A paragraph with the text of its links alone: `[text](target)`, `[text][target]` and `[text]`.
fn shown(paragraph: &str) -> String {
    let mut out = String::new();
    let mut rest = paragraph;
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        rest = link;
        // `#[attribute]` is not a link.
        if before.ends_with('#') {
            out.push('[');
            continue;
        }
        let Some((text, after)) = link.split_once(']') else { break };
        out.push_str(text);
        let end = match after.as_bytes().first() {
            Some(b'(') => after.find(')'),
            Some(b'[') => after.find(']'),
            _ => None,
        };
        rest = end.map_or(after, |end| &after[end + 1..]);
    }
    out + rest
}
