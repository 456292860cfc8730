//! Catches panics of user code and of other layers, and ends the recursion of values that log themselves.
//!
//! User code is `Display`, `Debug` and `Error` impls and closures that run while a line is made. Panics of layers are
//! caught only where they would abort the process.
//!
//! The panic hook checks [`is_catching`] and does not report a panic of user code, because the line itself shows
//! `<unprintable>`. It reports a panic of a layer like any other.

use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// How many values may be formatted inside each other on a thread, each in a log call of the one around it.
const NESTED_VALUES: u32 = 4;

/// One value in the upper half of [`DEPTH`].
const VALUE: u32 = 1 << 16;

thread_local! {
    /// How many calls of [`catch`] this thread is in, and in the upper half, of how many values.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static IS_IN_PANIC_HOOK: Cell<bool> = const { Cell::new(false) };
    /// The time until which the panic hook may wait, if it has waited.
    static HOOK_DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Why a value has no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unshown {
    Panicked,
    /// The value is formatted inside too many others.
    Nested,
}

/// Counts a call of user code while it lives.
struct Depth(u32);

impl Depth {
    #[inline]
    fn enter(difference: u32) -> Self {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().wrapping_add(difference)));
        Depth(difference)
    }
}

impl Drop for Depth {
    #[inline]
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().wrapping_sub(self.0)));
    }
}

/// Runs `f` and returns its value, or `None` if it panics.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Option<T> {
    let _depth = Depth::enter(1);
    contain(f)
}

/// Runs `f`, which formats one value of a log call, and returns its result.
///
/// The value may log while it is formatted, and its line may contain the same value again. That recursion ends when
/// [`NESTED_VALUES`] values are being formatted.
pub(crate) fn catch_value<T>(f: impl FnOnce() -> T) -> Result<T, Unshown> {
    if is_nested_too_deep() {
        return Err(Unshown::Nested);
    }
    let _depth = Depth::enter(VALUE | 1);
    contain(f).ok_or(Unshown::Panicked)
}

fn is_nested_too_deep() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) / VALUE >= NESTED_VALUES
}

/// Whether a panic on this thread would be caught by [`catch`].
pub(crate) fn is_catching() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) & (VALUE - 1) > 0
}

/// Runs `f` and returns its value, or `None` if it panics. The panic hook reports the panic.
#[inline(always)]
pub(crate) fn contain<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Drops the payload of a panic. This may panic too, and the second payload is leaked.
#[cold]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
}

/// Runs code of others in a destructor; `None` if it panics while the thread is unwinding, which would abort the
/// process. Otherwise the panic reaches the caller.
#[cfg(feature = "http")]
pub(crate) fn while_unwinding<T>(f: impl FnOnce() -> T) -> Option<T> {
    call_layers(f, || {})
}

/// Calls code of other layers; `None` if it panics where the panic would abort the process.
///
/// candor calls layers from destructors, and a panic that leaves a destructor aborts the process while the thread
/// unwinds, or while its thread-locals are destroyed. Elsewhere, the panic reaches the caller, as with `#[instrument]`.
/// `on_panic` runs in both cases.
///
/// Thread-locals that were first used after candor's are destroyed before candor's. Their destructors can't be told
/// from other code, so a panic of a layer in them aborts the process.
pub(crate) fn call_layers<T>(f: impl FnOnce() -> T, on_panic: impl FnOnce()) -> Option<T> {
    let was_panicking = thread::panicking();
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            on_panic();
            if was_panicking || thread_end::has_begun() || is_of_ending_thread(&*payload) {
                discard(payload);
                return None;
            }
            resume_unwind(payload)
        }
    }
}

/// Tells whether the thread's locals are being destroyed.
pub(crate) mod thread_end {
    struct Mark;

    impl Drop for Mark {
        fn drop(&mut self) {}
    }

    thread_local! {
        /// Has a destructor, so that it can't be accessed after its own destruction.
        static MARK: Mark = const { Mark };
    }

    /// Makes [`has_begun`] return true on this thread while the thread-locals that exist so far are destroyed.
    pub(crate) fn watch() {
        let _ = MARK.try_with(|_| ());
    }

    #[inline]
    pub(crate) fn has_begun() -> bool {
        MARK.try_with(|_| ()).is_err()
    }
}

/// Whether a panic has this message because the thread's locals are being destroyed: that of a thread-local in `std`,
/// or one of the registry of `tracing-subscriber`, which then makes no spans.
#[cold]
fn is_of_ending_thread(payload: &(dyn Any + Send)) -> bool {
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let messages = [
        "cannot access a Thread Local Storage value during or after destruction",
        "Unable to allocate another span",
        "Thread count overflowed the configured max count",
    ];
    message.is_some_and(|message| messages.iter().any(|known| message.contains(known)))
}

/// Marks this thread as running candor's panic hook while it lives.
pub(crate) struct PanicHookGuard(());

impl PanicHookGuard {
    /// Returns `None` if the thread is already running it.
    pub(crate) fn enter() -> Option<Self> {
        let was_in_hook = IS_IN_PANIC_HOOK.try_with(|is_in_hook| is_in_hook.replace(true));
        (was_in_hook == Ok(false)).then_some(PanicHookGuard(()))
    }
}

impl Drop for PanicHookGuard {
    fn drop(&mut self) {
        let _ = IS_IN_PANIC_HOOK.try_with(|is_in_hook| is_in_hook.set(false));
        end_panic_hook_wait();
    }
}

/// Whether this thread is running candor's panic hook, in which another panic aborts the process.
pub(crate) fn is_in_panic_hook() -> bool {
    IS_IN_PANIC_HOOK.try_with(Cell::get).unwrap_or(false)
}

/// The time until which candor's panic hook may wait on this thread: `wait` after the first call in the hook, however
/// many lines it writes. `None` outside the hook.
pub(crate) fn panic_hook_deadline(wait: Duration) -> Option<Instant> {
    if !is_in_panic_hook() {
        return None;
    }
    let deadline = HOOK_DEADLINE.try_with(|deadline| {
        let until = deadline.get().unwrap_or_else(|| Instant::now() + wait);
        deadline.set(Some(until));
        until
    });
    deadline.ok()
}

/// Ends the time of [`panic_hook_deadline`]. Hooks that run after candor's own lines have a time of their own.
pub(crate) fn end_panic_hook_wait() {
    let _ = HOOK_DEADLINE.try_with(|deadline| deadline.set(None));
}
