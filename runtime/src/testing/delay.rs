//! Calls to a dependency that take longer than they would.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::Lines;
use crate::site::Site;

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

/// How much longer a call of this site takes that begins here.
fn asked(site: &'static Site) -> Option<Duration> {
    let lines = Lines::of_this_thread()?;
    let store = lines.store();
    let delays = store.delays.iter().rev();
    delays.filter(|(_, name, _)| name == site.dependency()).map(|(.., by)| *by).next()
}

/// Waits on this thread, where the call that begins here is slowed.
pub(crate) fn wait_here(site: &'static Site) {
    if let Some(by) = asked(site) {
        thread::sleep(by);
    }
}

/// What a slowed async call waits for.
#[derive(Debug)]
pub(crate) struct Waiting {
    until: Instant,
    /// Who is told that it is over; nothing until the call is polled.
    waker: Option<Arc<Mutex<Waker>>>,
}

impl Waiting {
    pub(crate) fn of(site: &'static Site) -> Option<Self> {
        asked(site).map(|by| Waiting { until: Instant::now() + by, waker: None })
    }

    /// Whether the call has to wait longer; then the task is woken when it no longer has to.
    pub(crate) fn is_on(&mut self, cx: &Context<'_>) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if let Some(waker) = &self.waker {
            waker.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
            return true;
        }
        // A thread of its own for each: there is no timer that every executor has.
        let waker = Arc::new(Mutex::new(cx.waker().clone()));
        let shared = Arc::clone(&waker);
        let sleeper = thread::Builder::new().name("candor-delay".to_owned()).spawn(move || {
            thread::sleep(left);
            let waker = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
            waker.wake();
        });
        if sleeper.is_err() {
            thread::sleep(left);
            return false;
        }
        self.waker = Some(waker);
        true
    }
}
