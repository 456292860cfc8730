//! Annotated functions get the same diagnostics from the compiler and clippy as plain ones.
//!
//! A small package compiles the functions of `gallery/` twice: unchanged, and with each attribute replaced in
//! place, so that lines and columns stay the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A diagnostic: its code, and the start of each primary span.
type Diagnostic = (String, Vec<(u64, u64)>);

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
             async-trait = \"0.1\"\n",
            tests.join("../runtime"),
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
        fs::copy(tests.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("a lockfile");
        Package { folder }
    }

    fn write(&self, program: &str, text: &str) {
        fs::write(self.folder.join(format!("src/bin/{program}.rs")), text).expect("a program");
    }

    /// The messages about the programs of the package, with the program's name.
    fn messages(&self, command: &str) -> Vec<(String, Value)> {
        let output = Command::new(env!("CARGO"))
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
    let mut at: Vec<_> = spans
        .iter()
        .filter(|span| span["is_primary"] == true)
        .filter_map(|span| Some((span["line_start"].as_u64()?, span["column_start"].as_u64()?)))
        .collect();
    at.sort_unstable();
    let code = message["code"]["code"].as_str().unwrap_or("no code").to_owned();
    (!at.is_empty()).then_some((code, at))
}

/// The source without the attributes, with the same lines.
fn plain(source: &str) -> String {
    let without = |line: &str| {
        let rest = line.trim_start();
        if rest.starts_with("#[step_timed") || rest.starts_with("#[dependency_call") {
            "#[rustfmt::skip]".to_owned()
        } else if rest.starts_with("use candor::") {
            String::new()
        } else {
            line.to_owned()
        }
    };
    source.lines().map(without).collect::<Vec<_>>().join("\n")
}

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gallery").join(name);
    fs::read_to_string(path).expect("a source")
}

#[test]
fn attributes_add_no_clippy_lints() {
    let installed = Command::new(env!("CARGO")).args(["clippy", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("skipped: clippy is not installed");
        return;
    }
    let package = Package::new("shapes_gallery", 2024);
    let source = source("shapes.rs");
    package.write("timed", &source);
    package.write("plain", &plain(&source));
    // An error would keep clippy from reporting lints.
    let mut lints = [BTreeSet::new(), BTreeSet::new()];
    for (program, message) in package.messages("clippy") {
        assert_ne!(message["level"], "error", "{}", message["rendered"]);
        if let Some(diagnostic) = diagnostic(&message) {
            lints[usize::from(program == "timed")].insert(diagnostic);
        }
    }
    let [plain, timed] = lints;
    let new: Vec<_> = timed.difference(&plain).collect();
    let shapes = source.lines().filter(|line| line.trim_start().starts_with("// shape:")).count();
    println!("{shapes} shapes, {} lints plain, {} timed", plain.len(), timed.len());
    assert!(shapes >= 58);
    assert!(!plain.is_empty(), "clippy looked at nothing");
    assert!(new.is_empty(), "new lints: {new:#?}");
}

#[test]
fn attributes_do_not_change_warnings_about_user_code() {
    let package = Package::new("shapes_warnings", 2024);
    let source = source("warnings.rs");
    package.write("timed", &source);
    package.write("plain", &plain(&source));
    let mut warnings = [BTreeSet::new(), BTreeSet::new()];
    for (program, message) in package.messages("check") {
        assert_ne!(message["level"], "error", "{}", message["rendered"]);
        if let Some(diagnostic) = diagnostic(&message) {
            warnings[usize::from(program == "timed")].insert(diagnostic);
        }
    }
    let [plain, timed] = warnings;
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
    assert!(cases.len() >= 30);
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
    package.write("timed", &source("edition_2021.rs"));
    let diagnostics: BTreeSet<_> =
        package.messages("check").iter().filter_map(|(_, m)| diagnostic(m)).collect();
    let codes: Vec<_> = diagnostics.iter().map(|(code, _)| code.as_str()).collect();
    // The expected warning shows that the source was compiled.
    assert_eq!(codes, ["unused_variables"]);
}
