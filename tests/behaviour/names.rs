//! Checks that no two types of one crate have the same name.
//!
//! A reader who finds `State` in a signature should not have to look at the imports to learn which one
//! it is. Aliases and traits count as types. Not counted are items inside functions, `macro_rules!`
//! bodies and `#[cfg(test)]` modules, which nothing outside of them can mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Duplicates that stay, each with its reason: crate, name, reason.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

#[test]
fn no_two_types_of_a_crate_have_the_same_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let cli = if root.join("cli").exists() { "cli/src" } else { "runtime/src/bin" };
    let mut duplicates = BTreeMap::new();
    for (name, folder) in [("runtime", "runtime/src"), ("macros", "macros/src"), ("cli", cli)] {
        let sources = sources(&root.join(folder));
        assert!(!sources.is_empty(), "{folder} has no source files");
        for (type_name, places) in duplicates_in(&sources) {
            duplicates.insert((name, type_name), places);
        }
    }
    for (name, type_name, reason) in EXCEPTIONS {
        let known = duplicates.remove(&(name, type_name.to_owned()));
        assert!(known.is_some(), "`{type_name}` of {name} is unique now; remove: {reason}");
    }
    assert!(duplicates.is_empty(), "types of one crate with the same name: {duplicates:#?}");
}

#[test]
fn a_second_type_of_the_same_name_is_reported() {
    let first = "pub(crate) struct State<'a> { held: &'a str }\n#[cfg(unix)] struct Id;\n\
                 #[cfg(not(unix))]\nstruct Id;\nenum Alone { State }\n";
    let second = "//! struct Alone;\nmod inner {\n    pub trait State {}\n}\nmacro_rules! item { () => { struct Alone; } }\n\
                  fn work() -> char {\n    struct Alone;\n    let _ = (\"struct Alone;\", r#\"\" struct Alone;\"#);\n    '\"'\n}\n\
                  impl Iterator for Other {\n    type Alone = u8;\n}\n/* /* */ struct Alone; */\n\
                  #[cfg(test)]\nmod tests {\n    struct Alone;\n}\n#[cfg(test)]\nstruct Alone;\n";
    let sources = [first, second, "pin_project! { union Kept {} }", "type Kept = u8;"];
    let names = ["first.rs", "second.rs", "third.rs", "fourth.rs"];
    let sources: Vec<_> =
        names.into_iter().map(PathBuf::from).zip(sources.map(str::to_owned)).collect();
    let reported = duplicates_in(&sources);
    let reported: Vec<_> = reported.iter().map(|(name, places)| (&**name, &**places)).collect();
    assert_eq!(
        reported,
        [
            ("Kept", &["fourth.rs:1".to_owned(), "third.rs:1".to_owned()][..]),
            ("State", &["first.rs:1".to_owned(), "second.rs:3".to_owned()][..]),
        ]
    );
}

/// Every `.rs` file below `folder` with its path in it, without binaries.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).expect("a source folder") {
            let path = entry.expect("an entry").path();
            let inner = path.strip_prefix(folder).expect("below it").to_owned();
            if path.is_dir() {
                // Snapshots hold the code of test cases.
                folders.extend((inner != Path::new("snapshots")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push((inner, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    sources
}

/// Names that are declared in more than one module, with the places of their declarations.
fn duplicates_in(sources: &[(PathBuf, String)]) -> BTreeMap<String, Vec<String>> {
    // Two declarations in one module exclude each other by `#[cfg]`, and so are one type.
    let mut modules = BTreeMap::<String, BTreeMap<(&Path, String), String>>::new();
    for (path, source) in sources {
        for Declaration { name, module, line } in declarations(source) {
            let place = format!("{}:{line}", path.display());
            modules.entry(name).or_default().entry((path, module)).or_insert(place);
        }
    }
    modules.retain(|_, modules| modules.len() > 1);
    let places = |modules: BTreeMap<_, String>| -> Vec<String> {
        modules.into_values().collect::<BTreeSet<_>>().into_iter().collect()
    };
    modules.into_iter().map(|(name, modules)| (name, places(modules))).collect()
}

/// An item that declares a type at module level.
struct Declaration {
    name: String,
    /// The path of its module within the file, such as `inner::`.
    module: String,
    line: usize,
}

/// Finds the declarations of one source file by its brackets and keywords.
fn declarations(source: &str) -> Vec<Declaration> {
    let mut found = Vec::new();
    let tokens = tokens(source);
    // One entry for each open bracket: the name of the module that it opens, if it opens one.
    let mut open: Vec<Option<&str>> = Vec::new();
    // The item that comes next is compiled for tests only.
    let mut is_test = false;
    for (at, (line, token)) in tokens.iter().enumerate() {
        let before = |n: usize| at.checked_sub(n).map_or("", |at| tokens[at].1);
        let after = |n: usize| tokens.get(at + n).map_or("", |(_, token)| *token);
        let is_at_module_level = open.iter().all(Option::is_some);
        match *token {
            "#" if is_at_module_level && after(1) == "[" && after(2) == "cfg" => {
                is_test |= after(4) == "test" || (after(4) == "all" && after(6) == "test");
            }
            "{" if before(2) == "mod" && !is_test => open.push(Some(before(1))),
            // What the macro is given are ordinary items.
            "{" if before(1) == "!" && before(2) == "pin_project" => open.push(Some("")),
            "{" | "(" | "[" => open.push(None),
            "}" | ")" | "]" => {
                open.pop();
                // An item ends with its braces; attributes before it end with a bracket.
                is_test &= *token != "}" || !open.iter().all(Option::is_some);
            }
            ";" if is_at_module_level => is_test = false,
            "struct" | "enum" | "trait" | "union" | "type"
                if is_at_module_level && !is_test && is_name(after(1)) =>
            {
                let module = open.iter().flatten().map(|name| format!("{name}::")).collect();
                found.push(Declaration { name: after(1).to_owned(), module, line: *line });
            }
            _ => {}
        }
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of a source with their lines, without comments and literals.
fn tokens(source: &str) -> Vec<(usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(length) = string(rest) {
            length
        } else if let Some(length) = character(rest) {
            length
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        let is_sign = length == first.len_utf8() && !first.is_whitespace();
        if is_sign || (is_word(first) && token.chars().all(is_word)) {
            tokens.push((line, token));
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length of a block comment, which can hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    for (at, pair) in text.as_bytes().windows(2).enumerate() {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 2;
        }
    }
    text.len()
}

/// The length of the string literal at the beginning, with its prefix.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'b' | 'c' | 'r')).filter(|length| *length <= 2)?;
    let hashes = text[prefix..].find(|c| c != '#')?;
    let begin = prefix + hashes;
    if !text[begin..].starts_with('"') || (hashes > 0 && !text[..prefix].ends_with('r')) {
        return None;
    }
    if text[..prefix].ends_with('r') {
        let end = format!("\"{}", &text[prefix..begin]);
        return text[begin + 1..].find(&end).map(|at| begin + 1 + at + end.len());
    }
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(begin + 1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the character literal at the beginning; a lifetime is not one.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if let Some(escaped) = inner.strip_prefix('\\') {
        // The escaped character can be a quote itself.
        let skipped = escaped.chars().next()?.len_utf8();
        return escaped[skipped..].find('\'').map(|at| 2 + skipped + at + 1);
    }
    let length = inner.chars().next()?.len_utf8();
    inner[length..].starts_with('\'').then_some(length + 2)
}
