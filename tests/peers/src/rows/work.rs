//! What every line tells: one step and one event of the same request.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const REQUEST_ID: &str = "0195f3a2-7c1e-7a40-9d52-3f6b8e21c704";
pub(super) const USER_ID: &str = "u-1042";
pub(super) const METHOD: &str = "POST";
pub(super) const PATH: &str = "/v1/orders/checkout";

/// The work that is timed. It is the body of functions that are never inlined, so that the annotated
/// one and the bare one are one call each.
#[inline]
pub(super) fn charge(order_id: u64) -> u64 {
    black_box(order_id)
}

/// What a hand-written line has to keep for itself, where a library knows of spans only or of
/// nothing.
#[derive(Debug)]
pub(super) struct HandKept {
    began: Instant,
    lines: AtomicU64,
    steps: AtomicU64,
}

impl HandKept {
    pub(super) fn new() -> Self {
        HandKept { began: Instant::now(), lines: AtomicU64::new(0), steps: AtomicU64::new(0) }
    }

    pub(super) fn next_line(&self) -> u64 {
        self.lines.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn next_step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn offset_ms(&self, at: Instant) -> f64 {
        millis(at.duration_since(self.began))
    }
}

/// Milliseconds with three decimals.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
