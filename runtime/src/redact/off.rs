//! The leak suite's proof that its cases can fail: run-time redaction turned off on one thread.
//!
//! Nothing of it is in a build without candor's own hidden feature, which only its tests ask for, or without
//! debug assertions.

#[cfg(all(feature = "__redaction_off", debug_assertions))]
thread_local! {
    static OFF: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether nothing is redacted on this thread.
#[inline]
pub(crate) fn is_off() -> bool {
    #[cfg(all(feature = "__redaction_off", debug_assertions))]
    return OFF.get();
    #[cfg(not(all(feature = "__redaction_off", debug_assertions)))]
    return false;
}

/// Runs `f` while nothing is redacted on this thread.
#[cfg(all(feature = "__redaction_off", debug_assertions))]
pub fn without_redaction<T>(f: impl FnOnce() -> T) -> T {
    struct On;
    impl Drop for On {
        fn drop(&mut self) {
            OFF.set(false);
        }
    }
    let _on = On;
    OFF.set(true);
    f()
}
