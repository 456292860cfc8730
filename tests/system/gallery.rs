//! Annotated functions get the same diagnostics from the compiler and clippy as plain ones.
//!
//! A small package compiles the functions of `gallery/` twice: unchanged, and with each attribute replaced in
//! place, so that lines and columns stay the same. The full tests do both again with each function on one line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A diagnostic: its code, and the file and start of each primary span. The file is without the `timed` or `plain`
/// that its path begins with.
type Diagnostic = (String, Vec<(String, u64, u64)>);

/// The modules of the gallery that compile in each edition.
const MODULES: [&str; 8] =
    ["signatures", "arguments", "bodies", "items", "attributes", "returned", "made", "services"];

/// The root of a program of the gallery, above its modules.
const ROOT: &str = "#![allow(dead_code)]
#![warn(clippy::all, clippy::pedantic, clippy::nursery)]
type Answer<T> = Result<T, std::io::Error>;
async fn breathe() {
    std::future::ready(()).await;
}
fn main() {}
";

struct Package {
    folder: PathBuf,
}

impl Package {
    fn new(name: &str, edition: u16) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = target().join("gallery").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src/bin")).expect("a folder");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\n[workspace]\n\
             [dependencies]\ncandor = {{ path = {:?}, features = [\"stream\"] }}\n\
             futures = {{ version = \"0.3\", default-features = false, features = [\"std\"] }}\n\
             async-trait = \"0.1\"\n\
             tracing = {{ version = \"0.1\", default-features = false }}\n",
            tests.join("../runtime"),
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
        fs::copy(tests.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("a lockfile");
        Package { folder }
    }

    fn write(&self, program: &str, text: &str) {
        fs::write(self.folder.join(format!("src/bin/{program}.rs")), text).expect("a program");
    }

    /// A program of modules, each with its text.
    fn write_modules(&self, program: &str, modules: &[(&str, String)]) {
        let folder = self.folder.join("src/bin").join(program);
        fs::create_dir_all(&folder).expect("a folder");
        let mut root = ROOT.to_owned();
        for (module, text) in modules {
            root.push_str(&format!("mod {module};\n"));
            fs::write(folder.join(format!("{module}.rs")), text).expect("a module");
        }
        fs::write(folder.join("main.rs"), root).expect("a program");
    }

    /// The diagnostics of the plain programs and of the timed ones. None may be an error.
    fn diagnostics(&self, command: &str) -> [BTreeSet<Diagnostic>; 2] {
        let mut diagnostics = [BTreeSet::new(), BTreeSet::new()];
        for (program, message) in self.messages(command) {
            assert_ne!(message["level"], "error", "{}", message["rendered"]);
            if let Some(diagnostic) = diagnostic(&message) {
                diagnostics[usize::from(program.starts_with("timed"))].insert(diagnostic);
            }
        }
        diagnostics
    }

    /// The messages about the programs of the package, with the program's name.
    fn messages(&self, command: &str) -> Vec<(String, Value)> {
        let output = candor_tests::cargo()
            .args([
                command,
                "--offline",
                "--quiet",
                "--bins",
                "--keep-going",
                "--message-format=json",
            ])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", target().join("gallery/target"))
            .output()
            .expect("cargo runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let own = format!("{:?}", self.folder.join("src")).replace('"', "");
        let messages: Vec<_> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["reason"] == "compiler-message")
            .filter(|line| {
                line["target"]["src_path"].as_str().is_some_and(|path| path.starts_with(&own))
            })
            .filter_map(|line| {
                Some((line["target"]["name"].as_str()?.to_owned(), line["message"].clone()))
            })
            .collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!messages.is_empty(), "no messages about the package: {errors}");
        messages
    }
}

/// The target folder of this build.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(3).expect("target/debug/deps").to_owned()
}

/// The diagnostic of a message, if it points into the source.
fn diagnostic(message: &Value) -> Option<Diagnostic> {
    let spans = message["spans"].as_array()?;
    let start = |span: &Value| {
        let (_, file) = span["file_name"].as_str()?.strip_prefix("src/bin/")?.split_at(5);
        Some((file.to_owned(), span["line_start"].as_u64()?, span["column_start"].as_u64()?))
    };
    let mut at: Vec<_> =
        spans.iter().filter(|span| span["is_primary"] == true).filter_map(start).collect();
    at.sort_unstable();
    let code = message["code"]["code"].as_str().unwrap_or("no code").to_owned();
    (!at.is_empty()).then_some((code, at))
}

/// The attribute in place of candor's.
const OTHER: &str = "#[rustfmt::skip]";

/// Whether the line begins one of candor's attributes on a function or block.
fn is_attribute(line: &str) -> bool {
    let Some(attribute) = line.trim_start().strip_prefix("#[") else { return false };
    let is_candors =
        |path: &str| matches!(path.rsplit("::").next(), Some("step_timed" | "dependency_call"));
    let (path, arguments) = attribute.split_once(['(', ']']).unwrap_or((attribute, ""));
    is_candors(path) || path == "cfg_attr" && arguments.split([' ', '(', ')']).any(is_candors)
}

/// The source with each attribute as long as the other one in its place, at least.
fn padded(source: &str) -> String {
    let pad = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let width = if is_attribute(line) { indent + OTHER.len() } else { 0 };
        format!("{line:width$}")
    };
    source.lines().map(pad).collect::<Vec<_>>().join("\n")
}

/// The source without the attributes, with the same lines.
fn plain(source: &str) -> String {
    let mut is_inside = false;
    let without = |line: &str| {
        if is_inside || is_attribute(line) {
            is_inside = !line.trim_end().ends_with(']');
            let indent = line.len() - line.trim_start().len();
            format!("{:width$}", " ".repeat(indent) + OTHER, width = line.len())
        } else if line.trim_start().starts_with("use candor::") {
            String::new()
        } else {
            line.to_owned()
        }
    };
    source.lines().map(without).collect::<Vec<_>>().join("\n")
}

/// Whether the line begins a function.
fn is_function(line: &str) -> bool {
    const WORDS: [&str; 7] = ["pub", "$vis", "default", "const", "async", "unsafe", "extern"];
    let is_before =
        |word: &str| WORDS.contains(&word) || word.starts_with("pub(") || word.starts_with('"');
    line.split_once("fn ").is_some_and(|(before, _)| before.split_whitespace().all(is_before))
}

/// The source with each function on one line.
fn one_line(source: &str) -> String {
    let mut joined = Vec::new();
    let mut lines = source.lines();
    while let Some(first) = lines.next() {
        let mut line = first.to_owned();
        if is_function(first) && !first.ends_with(['}', ';']) {
            let indent = first.len() - first.trim_start().len();
            for next in lines.by_ref() {
                let next_indent = next.len() - next.trim_start().len();
                let text = next.trim_start();
                if let Some(text) = text.strip_prefix("//!") {
                    line.push_str(&format!(" #![doc = {text:?}]"));
                } else if let Some(text) = text.strip_prefix("///") {
                    line.push_str(&format!(" #[doc = {text:?}]"));
                } else if !text.starts_with("//") {
                    line.push(' ');
                    line.push_str(text);
                }
                if next_indent == indent && (text.starts_with('}') || text.ends_with(';')) {
                    break;
                }
            }
        }
        joined.push(line);
    }
    joined.join("\n")
}

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gallery").join(name);
    fs::read_to_string(path).expect("a source")
}

#[test]
fn attributes_add_no_clippy_lints() {
    let installed = candor_tests::cargo().args(["clippy", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("skipped: clippy is not installed");
        return;
    }
    let package = Package::new("shapes_gallery", 2024);
    let modules = ["shapes"].iter().chain(&MODULES).copied();
    let modules: Vec<_> = modules.map(|module| (module, padded(&module_source(module)))).collect();
    let with = |change: &dyn Fn(&str) -> String| -> Vec<_> {
        modules.iter().map(|(module, text)| (*module, change(text))).collect()
    };
    package.write_modules("timed", &modules);
    package.write_modules("plain", &with(&plain));
    if candor_tests::is_full() {
        package.write_modules("timed_lines", &with(&one_line));
        package.write_modules("plain_lines", &with(&|text| one_line(&plain(text))));
    }
    let [plain_lints, timed_lints] = package.diagnostics("clippy");
    let shapes: usize = modules.iter().map(|(_, text)| text.matches("// shape:").count()).sum();
    println!("{shapes} shapes, {} lints plain, {} timed", plain_lints.len(), timed_lints.len());
    assert!(shapes >= 340);
    assert!(plain_lints.len() >= 50, "clippy looked at nothing");
    let new: Vec<_> = timed_lints.difference(&plain_lints).collect();
    assert!(new.is_empty(), "new lints: {new:#?}");
}

/// The text of a module of the gallery.
fn module_source(module: &str) -> String {
    source(&if module == "shapes" { "shapes.rs".to_owned() } else { format!("shapes/{module}.rs") })
}

#[test]
fn attributes_do_not_change_warnings_about_user_code() {
    let package = Package::new("shapes_warnings", 2024);
    let source = source("warnings.rs");
    package.write("timed", &source);
    package.write("plain", &plain(&source));
    let [plain, timed] = package.diagnostics("check");
    assert!(plain.len() >= 12, "{plain:#?}");
    assert_eq!(timed, plain);
}

/// Cases with another code or location, each with the reason.
const DIFFERENCES: [(&str, &str); 4] = [
    (
        "not the promised opaque type of a future",
        "one error at the body, without a second one at the type",
    ),
    ("break outside of a loop", "the body is inside a closure, which has its own error code"),
    ("not the promised opaque type", "the error names the wrapper of the returned future"),
    ("wrong item of the boxed future", "the error names the wrapper of the returned future"),
];

#[test]
fn errors_in_a_body_are_those_of_the_plain_function() {
    let package = Package::new("shapes_broken", 2024);
    let source = source("broken.rs");
    let (_, source) = source.split_once("\n#!").expect("a head");
    let (head, cases) = source.split_once("\n// ").expect("cases");
    let cases: Vec<_> = cases.split("\n// ").filter_map(|case| case.split_once('\n')).collect();
    assert!(cases.len() >= 30);
    let cases = candor_tests::sampled(cases, 4);
    for (at, (_, body)) in cases.iter().enumerate() {
        let text = format!("#!{head}\n{body}\n");
        package.write(&format!("timed{at:02}"), &text);
        package.write(&format!("plain{at:02}"), &plain(&text));
    }
    let mut errors = vec![[BTreeSet::new(), BTreeSet::new()]; cases.len()];
    let mut named = Vec::new();
    for (program, message) in package.messages("check") {
        let (kind, at) = program.split_at(5);
        let at: usize = at.parse().expect("a number");
        if message["level"] != "error" {
            continue;
        }
        if let Some(diagnostic) = diagnostic(&message) {
            errors[at][usize::from(kind == "timed")].insert(diagnostic);
        }
        if kind == "timed" {
            named.extend(generated(&message).map(|word| (cases[at].0, word)));
        }
    }
    let differs = |case: &str| DIFFERENCES.iter().any(|(name, _)| *name == case);
    let mut identical = 0;
    for ((case, _), [plain, timed]) in cases.iter().zip(&errors) {
        assert!(!plain.is_empty(), "`{case}` compiles");
        if differs(case) {
            assert_ne!(plain, timed, "`{case}` is the same by now");
        } else {
            assert_eq!(timed, plain, "{case}");
            identical += 1;
        }
    }
    println!("{identical} of {} identical", cases.len());
    named.retain(|(case, _)| !differs(case));
    assert!(named.is_empty(), "generated names: {named:?}");
}

/// Generated names that the texts of a message mention.
fn generated(message: &Value) -> impl Iterator<Item = String> {
    let mut texts = Vec::new();
    let mut messages = vec![message];
    while let Some(message) = messages.pop() {
        texts.extend(message["message"].as_str().map(str::to_owned));
        for span in message["spans"].as_array().into_iter().flatten() {
            texts.extend(span["label"].as_str().map(str::to_owned));
        }
        messages.extend(message["children"].as_array().into_iter().flatten());
    }
    let is_generated = |text: &String| {
        ["__", "candor", "Step", "Running", "step_timed"].iter().any(|word| text.contains(word))
    };
    texts.into_iter().filter(is_generated)
}

#[test]
fn edition_2021_compiles() {
    let package = Package::new("shapes_edition", 2021);
    let modules: Vec<_> = MODULES.iter().map(|module| (*module, module_source(module))).collect();
    let plain: Vec<_> = modules.iter().map(|(module, text)| (*module, plain(text))).collect();
    package.write_modules("timed_gallery", &modules);
    package.write_modules("plain_gallery", &plain);
    // The expected warning shows that the source was compiled.
    package.write("timed", &source("edition_2021.rs"));
    let [plain, mut timed] = package.diagnostics("check");
    let own = timed.extract_if(.., |(_, at)| at[0].0 == ".rs");
    let codes: Vec<_> = own.map(|(code, _)| code).collect();
    assert_eq!(codes, ["unused_variables"]);
    let new: Vec<_> = timed.difference(&plain).collect();
    assert!(new.is_empty(), "new warnings: {new:#?}");
}
