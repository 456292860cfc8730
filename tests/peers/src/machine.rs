//! What the figures depend on beside the code.

use std::fs;
use std::thread;

pub(crate) fn describe() -> String {
    let clock =
        fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
            .unwrap_or_else(|_| "unknown".to_owned());
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let profile = if cfg!(debug_assertions) {
        "DEBUG BUILD, so the figures mean nothing; use --release"
    } else {
        "release profile with its defaults (no LTO)"
    };
    format!("clock source {}, {cpus} CPUs, {}, {profile}", clock.trim(), env!("RUSTC_VERSION"))
}
