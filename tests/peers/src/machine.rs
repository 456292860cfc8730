//! The properties of the machine that the figures depend on.

use std::fs;
use std::thread;

pub(crate) fn describe() -> String {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let profile = if cfg!(debug_assertions) {
        "DEBUG BUILD, so the figures mean nothing; use --release"
    } else {
        "release profile with its defaults (no LTO)"
    };
    format!(
        "clock source {}, {cpus} CPUs, load {}, {}, {profile}",
        clock_source(),
        load(),
        env!("RUSTC_VERSION")
    )
}

pub(crate) fn clock_source() -> String {
    fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// The load of the last minute; the figures are unreliable if it exceeds the number of CPUs.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("unknown").to_owned()
}
