//! Stands in for `counter.rs` on other platforms: every reading comes from the system's clock.

use std::time::Instant;

pub(super) fn now() -> Option<u64> {
    None
}

pub(super) fn begin(_: Instant) {}

pub(super) fn calibrate(_: u64) {}

pub(super) fn check(_: impl Fn() -> u64) {}
