//! Rebuilds the interest that `tracing` caches for each call site.
//!
//! `tracing` asks the subscribers once per call site whether they are interested, and caches the answer. When levels
//! change while the program runs, [`rebuild`] has to ask for all call sites again.
//!
//! **One rebuild at a time.** For each call site, a rebuild asks the subscribers and then stores their answer. If
//! thread A asks before a change of levels and thread B after it, but A stores last, the outdated answer stays cached
//! until the next change. [`REBUILDING`] therefore admits one thread.
//!
//! **No unlimited wait.** A rebuild takes tracing's locks of the dispatchers and call sites. A thread that calls
//! `rebuild` may hold one of them already, because `tracing` holds them while it asks a layer and the layer may change
//! levels; waiting for `REBUILDING` could then be a deadlock. So [`rebuild`] only tries the lock, [`MAX_ATTEMPTS`]
//! times within about a tenth of a second. If it gives up, a call site may keep an outdated level for a while.
//!
//! **The thread with the lock serves the others.** [`REQUESTED`] counts the calls of `rebuild`. The thread that
//! rebuilds reads it before it starts and stores the value in [`COMPLETED`] when it has finished: all changes up to
//! that call are covered. It rebuilds again if `REQUESTED` has grown meanwhile, at most [`MAX_REBUILDS`] times in a
//! row, since a layer that changes levels while it is asked would keep it going forever. A call from within a rebuild
//! of its own thread only counts its request and returns.
//!
//! **Limitation.** While only one subscriber is registered, `tracing` asks the default subscriber of the thread that
//! rebuilds instead. A subscriber that is the default of one thread only (`with_default`, as in tests) is therefore not
//! asked if another thread changes levels, or if its own thread does so while it writes a line.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tracing_core::callsite;

use crate::base::fork::ForkLocks;
use crate::base::sync;

/// How many rebuilds were requested.
static REQUESTED: AtomicU64 = AtomicU64::new(0);
/// The requests that were served: all up to this number.
static COMPLETED: AtomicU64 = AtomicU64::new(0);
/// Held by the thread that rebuilds.
static REBUILDING: Mutex<()> = Mutex::new(());

/// How often a thread tries the lock: first yielding, then every millisecond.
const MAX_ATTEMPTS: u32 = 200;
/// How often one thread rebuilds in a row.
const MAX_REBUILDS: u32 = 4;

thread_local! {
    /// Whether this thread holds `REBUILDING`.
    static IS_REBUILDING: Cell<bool> = const { Cell::new(false) };
}

/// Has every call site ask the subscribers again whether it may write. The steps are explained at the top of the file.
pub(crate) fn rebuild() {
    let request = REQUESTED.fetch_add(1, Ordering::SeqCst) + 1;
    for attempt in 0..MAX_ATTEMPTS {
        if COMPLETED.load(Ordering::SeqCst) >= request
            || IS_REBUILDING.try_with(Cell::get).unwrap_or(true)
        {
            return;
        }
        let Some(_lock) = sync::try_lock(&REBUILDING) else {
            if attempt < MAX_ATTEMPTS / 2 {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_millis(1));
            }
            continue;
        };
        let _rebuilding = Rebuilding::begin();
        for _ in 0..MAX_REBUILDS {
            let requested = REQUESTED.load(Ordering::SeqCst);
            callsite::rebuild_interest_cache();
            COMPLETED.store(requested, Ordering::SeqCst);
            if REQUESTED.load(Ordering::SeqCst) == requested {
                break;
            }
        }
    }
}

/// Sets `IS_REBUILDING` while it lives, so that it is reset if a layer panics.
struct Rebuilding;

impl Rebuilding {
    fn begin() -> Self {
        let _ = IS_REBUILDING.try_with(|it| it.set(true));
        Rebuilding
    }
}

impl Drop for Rebuilding {
    fn drop(&mut self) {
        let _ = IS_REBUILDING.try_with(|it| it.set(false));
    }
}

/// Takes the lock before a fork, and with it those that `tracing` takes during a rebuild.
pub(super) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&REBUILDING), |(), _| {});
}
