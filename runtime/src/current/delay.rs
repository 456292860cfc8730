//! Waiting in a dependency call that a test delays with `candor::testing::delay`.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::lock;

/// The delay of a call that is a future.
#[derive(Debug)]
pub(crate) struct Delayed {
    /// `None` if it is later than the clock can represent.
    until: Option<Instant>,
    /// Wakes the task when the delay is over.
    sleeper: Option<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    waker: Arc<Mutex<Waker>>,
    /// Dropped with the call, so that the thread ends.
    _end: Sender<()>,
}

impl Delayed {
    pub(crate) fn new(delay: Duration) -> Self {
        Delayed { until: Instant::now().checked_add(delay), sleeper: None }
    }

    /// Whether the call still has to wait; if so, the task is woken later.
    pub(crate) fn is_pending(&mut self, cx: &Context<'_>) -> bool {
        let left = self
            .until
            .map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return false;
        }
        if let Some(sleeper) = &self.sleeper {
            lock(&sleeper.waker).clone_from(cx.waker());
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
        let (end, ended) = mpsc::channel();
        let latest = Arc::clone(&waker);
        let sleep = move || {
            if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                let waker = lock(&latest).clone();
                waker.wake();
            }
        };
        thread::Builder::new().name("candor-delay".to_owned()).spawn(sleep).ok()?;
        Some(Sleeper { waker, _end: end })
    }
}
