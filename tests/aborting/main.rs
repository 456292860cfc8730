//! The programs of the fault suite whose panics end the process, built with the profile `aborting`.
//!
//! Usage: `aborting <name>`.

#![cfg(unix)]

#[path = "../fixtures/faults/process/abort.rs"]
mod abort;
#[path = "../fixtures/faults/process/setup.rs"]
mod setup;

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    abort::program(&name).unwrap_or_else(|| panic!("there is no program {name}"))();
}
