//! Turns redaction at run time off on one thread, so that the leak tests can show that they would fail.
//!
//! Only a build of candor's own checkout can do this: `.cargo/config.toml` sets `CANDOR_REDACTION_SWITCH`, and the build
//! must have debug assertions. In every other build, [`is_off`] is `false` at compile time.

#[cfg(all(debug_assertions, feature = "subscriber"))]
const fn is_switchable() -> bool {
    option_env!("CANDOR_REDACTION_SWITCH").is_some()
}

#[cfg(all(debug_assertions, feature = "subscriber"))]
thread_local! {
    static OFF: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether redaction is off on this thread.
#[inline]
pub(crate) fn is_off() -> bool {
    #[cfg(all(debug_assertions, feature = "subscriber"))]
    return is_switchable() && OFF.get();
    #[cfg(not(all(debug_assertions, feature = "subscriber")))]
    return false;
}

/// Runs `f` with redaction turned off on this thread.
///
/// # Panics
///
/// Panics if candor was not compiled in its own checkout.
#[cfg(all(debug_assertions, feature = "subscriber"))]
pub fn without_redaction<T>(f: impl FnOnce() -> T) -> T {
    struct TurnOn;
    impl Drop for TurnOn {
        fn drop(&mut self) {
            OFF.set(false);
        }
    }
    assert!(is_switchable(), "redaction can only be turned off in candor's own checkout");
    let _turn_on = TurnOn;
    OFF.set(true);
    f()
}
