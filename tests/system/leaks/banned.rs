//! The `clippy.toml` of the docs: clippy rejects every macro that logs or prints values without a policy.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

const PROGRAM: &str = r#"
fn main() {
    candor::trace!(order = 7, "fine");
    candor::debug!("fine");
    candor::info!(order = 7, "fine {}", 7);
    candor::warn!("fine");
    candor::error!("fine");
    candor::critical!("fine");
    work();
    let refused = "below";
    tracing::trace!("{refused}");
    tracing::debug!("{refused}");
    tracing::info!("{refused}");
    tracing::warn!("{refused}");
    tracing::error!("{refused}");
    tracing::event!(tracing::Level::INFO, "{refused}");
    log::trace!("{refused}");
    log::debug!("{refused}");
    log::info!("{refused}");
    log::warn!("{refused}");
    log::error!("{refused}");
    log::log!(log::Level::Info, "{refused}");
    print!("{refused}");
    println!("{refused}");
    eprint!("{refused}");
    eprintln!("{refused}");
    dbg!(refused);
}

#[candor::step_timed]
fn work() {}
"#;

/// The lines for clippy in the crate's docs.
fn documented() -> String {
    let docs = include_str!("../../../runtime/src/lib.rs");
    let blocks =
        docs.split("//! ```toml\n").skip(1).filter_map(|rest| rest.split("//! ```").next());
    let block = blocks.into_iter().find(|block| block.contains("disallowed-macros"));
    let lines = block.expect("a block").lines();
    lines.map(|line| format!("{}\n", line.trim_start_matches("//!"))).collect()
}

#[test]
fn clippy_rejects_the_macros_that_the_docs_ban() {
    let program = std::env::current_exe().expect("a program");
    let target = program.ancestors().nth(3).expect("target/debug/deps").join("gallery");
    let folder = target.join("banned");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src")).expect("a folder");
    let manifest = format!(
        "[package]\nname = \"banned\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         candor = {{ path = {:?}, features = [\"stream\"] }}\nlog = \"0.4\"\ntracing = {{ version = \"0.1\", default-features = false, \
         features = [\"std\"] }}\n",
        tests.join("../runtime")
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(folder.join("clippy.toml"), documented()).expect("a configuration");
    fs::write(folder.join("src/main.rs"), PROGRAM).expect("a program");
    fs::copy(tests.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("a lockfile");
    let output = candor_tests::cargo()
        .args(["clippy", "--offline", "--quiet", "--message-format=json"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", target.join("target"))
        .output()
        .expect("cargo runs");
    let refused: BTreeSet<u64> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"]["code"]["code"] == "clippy::disallowed_macros")
        .map(|line| line["message"]["spans"][0].clone())
        // The macros of tracing use each other.
        .filter(|span| span["file_name"] == "src/main.rs")
        .filter_map(|span| span["line_start"].as_u64())
        .collect();
    let wanted: BTreeSet<u64> = PROGRAM
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.contains("refused}") || line.contains("(refused"))
        .map(|(_, number)| number)
        .collect();
    assert_eq!(refused, wanted, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(wanted.len(), 17);
}
