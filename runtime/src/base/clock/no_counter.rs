//! Where the processor's counter is not used, the system's clock is.

use std::time::Instant;

pub(super) fn now() -> Option<u64> {
    None
}

pub(super) fn begin(_: Instant) {}

pub(super) fn learn(_: u64) {}

pub(super) fn check(_: impl Fn() -> u64) {}
