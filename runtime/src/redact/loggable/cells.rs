//! Cells, locks and their guards: a value that is in use is not waited for.

use std::cell::{Cell, OnceCell, Ref, RefCell, RefMut};
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use std::sync::{
    Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use std::{rc, sync};

use super::traits::elements;
use super::{Element, Encoder, Loggable};

impl<T: Loggable + Copy> Loggable for Cell<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.get().log(to);
    }
}

impl<T: Element + Copy> Element for Cell<T> {}

/// The value, or `"<borrowed>"` while it is mutably borrowed.
impl<T: Loggable + ?Sized> Loggable for RefCell<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self.try_borrow() {
            Ok(value) => value.log(to),
            Err(_) => to.text("<borrowed>"),
        }
    }
}

impl<T: Element + ?Sized> Element for RefCell<T> {}

macro_rules! locks {
    ($($type:ident $try:ident),*) => {$(
        /// The value, `"<locked>"` while another thread holds the lock, or `"<poisoned>"` if a holder panicked.
        impl<T: Loggable + ?Sized> Loggable for $type<T> {
            fn log(&self, to: &mut Encoder<'_>) {
                match self.$try() {
                    Ok(value) => value.log(to),
                    Err(TryLockError::WouldBlock) => to.text("<locked>"),
                    Err(TryLockError::Poisoned(_)) => to.text("<poisoned>"),
                }
            }
        }

        impl<T: Element + ?Sized> Element for $type<T> {}
    )*};
}

locks!(Mutex try_lock, RwLock try_read);

macro_rules! guards {
    ($($type:ident),*) => {$(
        impl<T: Loggable + ?Sized> Loggable for $type<'_, T> {
            fn log(&self, to: &mut Encoder<'_>) {
                (**self).log(to);
            }
        }

        impl<T: Element + ?Sized> Element for $type<'_, T> {}
    )*};
}

guards!(Ref, RefMut, MutexGuard, RwLockReadGuard, RwLockWriteGuard);

macro_rules! options {
    ($($type:ty => $get:expr),*) => {$(
        /// The value, or `null` if there is none.
        impl<T: Loggable> Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                let get = $get;
                match get(self) {
                    Some(value) => value.log(to),
                    None => to.null(),
                }
            }
        }

        impl<T: Element> Element for $type {}
    )*};
}

options! {
    OnceCell<T> => OnceCell::get,
    OnceLock<T> => OnceLock::get,
    rc::Weak<T> => rc::Weak::upgrade,
    sync::Weak<T> => sync::Weak::upgrade
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
