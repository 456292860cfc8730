//! Faults of processes: forks, aborts, guards in a place that is not theirs.

#[cfg(unix)]
mod abort;
#[cfg(unix)]
mod fork;
#[cfg(unix)]
mod panic_abort;
