//! Locks of objects of which a process has many, such as requests, spans and calls.
//!
//! A fork can't hold all of them, because nothing lists these objects. If another thread held such a lock during the
//! fork, it is never released in the child. So a forked child tries to take a contended lock for a limited time. Then
//! it gives up and uses a new value, which is leaked: the data of the object is lost in the child.
//!
//! In a process that was not forked, these are plain locks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use super::fork;
use super::sync;

/// How many times a child tries to take a lock before it pauses between the attempts.
const YIELDS: u32 = 100;
/// How many times it tries after that. Not a time limit: while the process is stopped, the holder does not run either.
const PAUSES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// The address of the lock that this process gave up on last. It is not waited for again.
static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);

#[inline]
pub(crate) fn lock<T: Default>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if fork::generation() == 0 { sync::lock(mutex) } else { lock_in_child(mutex) }
}

#[inline]
pub(crate) fn read<T: Default>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    if fork::generation() == 0 { sync::read(lock) } else { read_in_child(lock) }
}

#[inline]
pub(crate) fn write<T: Default>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    if fork::generation() == 0 { sync::write(lock) } else { write_in_child(lock) }
}

/// Locks a value. Returns `None` in a child if the lock is never released there.
#[inline]
pub(crate) fn if_released<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if fork::generation() == 0 {
        return Some(sync::lock(mutex));
    }
    attempt(mutex, |mutex| sync::try_lock(mutex))
}

#[cold]
fn lock_in_child<T: Default>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    attempt(mutex, |mutex| sync::try_lock(mutex))
        .unwrap_or_else(|| sync::lock(Box::leak(Box::default())))
}

#[cold]
fn read_in_child<T: Default>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    let try_read = |lock| {
        let guard = sync::try_read(lock);
        if guard.is_none() {
            // A writer that waited during the fork keeps readers out, until another writer has had the lock.
            drop(sync::try_write(lock));
        }
        guard
    };
    attempt(lock, try_read).unwrap_or_else(|| sync::read(Box::leak(Box::default())))
}

#[cold]
fn write_in_child<T: Default>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    attempt(lock, sync::try_write).unwrap_or_else(|| sync::write(Box::leak(Box::default())))
}

/// Waits for the lock as long as a holder that exists in the child may need to release it.
fn attempt<'a, L, G>(lock: &'a L, attempt: impl Fn(&'a L) -> Option<G>) -> Option<G> {
    let address = (&raw const *lock).addr();
    let pauses = if GIVEN_UP.load(Ordering::Relaxed) == address { 0 } else { PAUSES };
    for failed in 0..YIELDS + pauses {
        let taken = attempt(lock);
        if taken.is_some() {
            if pauses == 0 {
                // The holder was slow, or another object has this address now.
                GIVEN_UP.store(0, Ordering::Relaxed);
            }
            return taken;
        }
        if failed < YIELDS { thread::yield_now() } else { thread::sleep(PAUSE) }
    }
    GIVEN_UP.store(address, Ordering::Relaxed);
    None
}
