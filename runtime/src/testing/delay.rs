//! Delays of dependency calls. The calls themselves wait in `current::delay`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::lines::Lines;

/// Makes every call to this dependency take at least so much longer, until the guard is dropped.
///
/// The time passes inside the call, before its body, so that it counts in `duration_ms` and in whatever
/// is around: a timeout, `dependency_ms`. An async call waits without a hold on its thread, and can be
/// cancelled; a sync one sleeps. It is real time, also under a runtime whose clock is paused.
///
/// Only calls of this [capture](super::capture) are slowed, wherever they run; other tests are not. The
/// last of several delays of one dependency holds.
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
/// Where nothing is captured on this thread: begin with a capture.
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

/// The guard of [`delay`].
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
