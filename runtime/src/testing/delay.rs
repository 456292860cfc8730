//! Delays of dependency calls. The calls themselves wait in `current::delay`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::lines::Lines;

/// Delays every call to this dependency until the guard is dropped.
///
/// The call waits before its body runs, so the delay is part of its `duration_ms`, of `dependency_ms` and of timeouts
/// around it. An async call does not block its thread and can be cancelled; a sync call sleeps. The delay is real time,
/// even under a runtime with a paused clock.
///
/// It applies to calls of this [capture](super::capture) on all threads, and not to other tests. If a dependency has
/// several delays, the last one applies.
///
/// ```
/// use std::time::Duration;
/// use candor::testing::{capture, delay};
///
/// #[candor::dependency_call("payments")]
/// fn charge() {}
///
/// let captured = capture();
/// let slow = delay("payments", Duration::from_millis(20));
/// charge();
/// drop(slow);
/// captured.assert_dependency("payments").took_at_least(Duration::from_millis(20));
/// ```
///
/// # Panics
///
/// Panics if nothing is captured on this thread.
#[track_caller]
pub fn delay(dependency: &str, by: Duration) -> Delay {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Some(lines) = Lines::of_this_thread() else {
        panic!("a delay belongs to a capture: call `capture()` first, and keep what it returns");
    };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    lines.store().delays.push((number, dependency.to_owned(), by));
    Delay { lines, number }
}

/// Guard of a [`delay`].
#[derive(Debug)]
#[must_use = "calls are slowed only as long as the guard lives"]
pub struct Delay {
    lines: Lines,
    number: u64,
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.lines.store().delays.retain(|(number, ..)| *number != self.number);
    }
}
