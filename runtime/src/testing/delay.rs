//! Calls to a dependency that take longer than they would.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
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
    /// Nothing where no clock goes that far.
    until: Option<Instant>,
    /// The thread that tells when it is over, once the call is polled.
    sleeper: Option<Sleeper>,
}

/// A thread of its own for each call: there is no timer that every executor has. It ends with this.
#[derive(Debug)]
struct Sleeper {
    waker: Arc<Mutex<Waker>>,
    _ends: Sender<()>,
}

impl Waiting {
    pub(crate) fn of(site: &'static Site) -> Option<Self> {
        let by = asked(site)?;
        Some(Waiting { until: Instant::now().checked_add(by), sleeper: None })
    }

    /// Whether the call has to wait longer; then its task is woken when it no longer has to.
    pub(crate) fn is_on(&mut self, cx: &Context<'_>) -> bool {
        let left = self
            .until
            .map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return false;
        }
        if let Some(sleeper) = &self.sleeper {
            sleeper.waker.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
            return true;
        }
        self.sleeper = Sleeper::start(left, cx.waker());
        if self.sleeper.is_none() {
            thread::sleep(left);
        }
        self.sleeper.is_some()
    }
}

impl Sleeper {
    fn start(left: Duration, waker: &Waker) -> Option<Self> {
        let waker = Arc::new(Mutex::new(waker.clone()));
        let (ends, ended) = mpsc::channel();
        let told = Arc::clone(&waker);
        let sleep = move || {
            if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                let waker = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                waker.wake();
            }
        };
        thread::Builder::new().name("candor-delay".to_owned()).spawn(sleep).ok()?;
        Some(Sleeper { waker, _ends: ends })
    }
}
