//! Turns redaction at run time off on one thread, so that the leak tests can show that they would fail.
//!
//! It is compiled only with candor's hidden feature `__redaction_off`, which only its own tests enable, and only with
//! debug assertions.

#[cfg(all(feature = "__redaction_off", debug_assertions))]
thread_local! {
    static OFF: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether redaction is off on this thread.
#[inline]
pub(crate) fn is_off() -> bool {
    #[cfg(all(feature = "__redaction_off", debug_assertions))]
    return OFF.get();
    #[cfg(not(all(feature = "__redaction_off", debug_assertions)))]
    return false;
}

/// Runs `f` with redaction turned off on this thread.
#[cfg(all(feature = "__redaction_off", debug_assertions))]
pub fn without_redaction<T>(f: impl FnOnce() -> T) -> T {
    struct TurnOn;
    impl Drop for TurnOn {
        fn drop(&mut self) {
            OFF.set(false);
        }
    }
    let _turn_on = TurnOn;
    OFF.set(true);
    f()
}
