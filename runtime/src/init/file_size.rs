//! The signal `SIGXFSZ`, by which Unix ends a process that writes beyond its file size limit (`ulimit -f`).
//!
//! A log file that reaches the limit would end the service. With a handler for the signal, the write fails instead, and
//! the line is dropped and counted.

/// Sets a handler that does nothing, unless the process has changed what the signal does.
///
/// Ignoring the signal would have the same effect here, but also in each program that this process starts.
#[cfg(unix)]
pub(super) fn outlive_limit() {
    use std::{mem, ptr};

    extern "C" fn nothing(_: libc::c_int) {}

    #[expect(unsafe_code, reason = "no safe function sets the handler of a signal")]
    // SAFETY: `action` is a C structure of integers, for which zeros are valid. Both calls get valid pointers to it or
    // null. The handler has the signature that is expected without `SA_SIGINFO`, and does nothing, so it is safe at any
    // point of the program.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        let is_known = libc::sigaction(libc::SIGXFSZ, ptr::null(), &raw mut action) == 0;
        if is_known && action.sa_sigaction == libc::SIG_DFL {
            action.sa_sigaction = nothing as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGXFSZ, &raw const action, ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
pub(super) fn outlive_limit() {}
