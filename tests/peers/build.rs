//! Passes the compiler's version to the table, and writes the thousand functions of `sites/`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

const SITES: usize = 1_000;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var_os("RUSTC")
        .and_then(|rustc| Command::new(rustc).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo::rustc-env=RUSTC_VERSION={}", version.as_deref().unwrap_or("unknown").trim());
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets `OUT_DIR`"))?;
    let file = Path::new(&out).join("sites.rs");
    fs::write(&file, sites())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

fn sites() -> String {
    let mut out = String::new();
    for (table, prefix, attribute) in [
        ("STEPS", "step", "#[candor::step_timed(fields(order_id = order_id))]\n"),
        ("BARE", "bare", ""),
    ] {
        let mut names = String::new();
        for number in 0..SITES {
            // Writing into a `String` does not fail.
            let _ = write!(
                out,
                "{attribute}#[inline(never)]\n\
                 fn {prefix}_{number}(order_id: u64) -> u64 {{ black_box(order_id.wrapping_add({number})) }}\n"
            );
            let _ = write!(names, "{prefix}_{number},");
        }
        let _ = writeln!(
            out,
            "/// All of them.\npub static {table}: [fn(u64) -> u64; {SITES}] = [{names}];"
        );
    }
    out
}
