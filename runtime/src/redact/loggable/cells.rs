//! Cells, locks and their guards: a value that is in use is not waited for.

use std::cell::{Cell, OnceCell, Ref, RefCell, RefMut};
use std::ops::Deref;
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use std::sync::{
    Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
    TryLockResult,
};
use std::{rc, sync};

use super::traits::{elements, loggable};
use super::{Encoder, Loggable};

loggable! {
    [T: Copy] Cell<T> where T => |cell, to| cell.get().log(to);
    /// The value, or `"<borrowed>"` while it is mutably borrowed.
    [T: ?Sized] RefCell<T> where T => |cell, to| match cell.try_borrow() {
        Ok(value) => value.log(to),
        Err(_) => to.text("<borrowed>"),
    };
    /// The value, `"<locked>"` while another thread holds the lock, or `"<poisoned>"` if a holder panicked.
    [T: ?Sized] Mutex<T> where T => |lock, to| locked(&lock.try_lock(), to);
    /// The value, `"<locked>"` while another thread holds the lock, or `"<poisoned>"` if a holder panicked.
    [T: ?Sized] RwLock<T> where T => |lock, to| locked(&lock.try_read(), to);
    [T: ?Sized] Ref<'_, T> where T => |guard, to| (**guard).log(to);
    [T: ?Sized] RefMut<'_, T> where T => |guard, to| (**guard).log(to);
    [T: ?Sized] MutexGuard<'_, T> where T => |guard, to| (**guard).log(to);
    [T: ?Sized] RwLockReadGuard<'_, T> where T => |guard, to| (**guard).log(to);
    [T: ?Sized] RwLockWriteGuard<'_, T> where T => |guard, to| (**guard).log(to);
    /// The value, or `null` if there is none.
    [T] OnceCell<T> where T => |cell, to| cell.get().log(to);
    /// The value, or `null` if there is none.
    [T] OnceLock<T> where T => |cell, to| cell.get().log(to);
    /// The value, or `null` if there is none.
    [T] rc::Weak<T> where T => |weak, to| weak.upgrade().log(to);
    /// The value, or `null` if there is none.
    [T] sync::Weak<T> where T => |weak, to| weak.upgrade().log(to);
}

fn locked<G: Deref<Target: Loggable>>(value: &TryLockResult<G>, to: &mut Encoder<'_>) {
    match value {
        Ok(guard) => (**guard).log(to),
        Err(TryLockError::WouldBlock) => to.text("<locked>"),
        Err(TryLockError::Poisoned(_)) => to.text("<poisoned>"),
    }
}

macro_rules! atomics {
    ($($type:ty)*) => {$(
        impl Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                self.load(Ordering::Relaxed).log(to);
            }
        }
    )*};
}

atomics! {
    AtomicBool AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}

// Not `AtomicU8`: a list of them is bytes.
elements! {
    AtomicBool AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
}
