//! What call sites may write changes while the program runs: levels are set, and some requests write more than others.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use tracing_core::callsite;

/// How often call sites were to be asked anew, and up to which of these they have been.
static WANTED: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static REBUILDING: Mutex<()> = Mutex::new(());

thread_local! {
    static IS_REBUILDING: Cell<bool> = const { Cell::new(false) };
}

/// Has every call site ask again whether it may write.
///
/// One thread at a time does it, since of two at once an older answer may stay. Nobody waits for that one
/// for long: it holds tracing's own lock, which the one who waits may hold as well.
pub(crate) fn rebuild() {
    let mine = WANTED.fetch_add(1, Ordering::SeqCst) + 1;
    for patience in 0..ROUNDS {
        if DONE.load(Ordering::SeqCst) >= mine || IS_REBUILDING.try_with(Cell::get).unwrap_or(true)
        {
            return;
        }
        let guard = match REBUILDING.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) if patience < ROUNDS / 2 => {
                thread::yield_now();
                continue;
            }
            Err(TryLockError::WouldBlock) => {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
        };
        let _rebuilding = Rebuilding::begin();
        // A layer that is asked may change levels itself, which comes back here and goes away again.
        for _ in 0..AGAIN {
            let wanted = WANTED.load(Ordering::SeqCst);
            callsite::rebuild_interest_cache();
            DONE.store(wanted, Ordering::SeqCst);
            if WANTED.load(Ordering::SeqCst) == wanted {
                break;
            }
        }
        drop(guard);
    }
}

/// How often a thread looks whether it can do its work: for a tenth of a second at most.
const ROUNDS: u32 = 200;
/// How often call sites are asked in a row: a layer that changes levels whenever it is asked has no end.
const AGAIN: u32 = 4;

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
