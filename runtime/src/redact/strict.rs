//! Strict mode: what nobody decided about shows its shape only.
//!
//! Without it candor promises no secrets, with it no personal data.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use super::{keys, off};

/// One plain load for the many that have it off. It is the process's, not a layer's: what is gathered
/// before a layer writes it has to know.
static ON: AtomicBool = AtomicBool::new(false);

/// What may be seen beside [`HARMLESS`], in lower case.
static ALLOWED: ArcSwapOption<HashSet<String>> = ArcSwapOption::const_empty();

/// Headers whose values say something of the message and nothing of a person.
const HARMLESS: [&str; 15] = [
    "accept",
    "accept-encoding",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "te",
    "traceparent",
    "transfer-encoding",
    "upgrade",
    "vary",
    "x-request-id",
];

pub(crate) fn install(allowed: impl IntoIterator<Item = String>) {
    let allowed = allowed.into_iter().map(|name| name.to_lowercase()).collect();
    ALLOWED.store(Some(std::sync::Arc::new(allowed)));
    ON.store(true, Ordering::Release);
    keys::changed();
}

#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Acquire) && !off::is_off()
}

pub(super) fn is_allowed(name: &str) -> bool {
    let name = name.to_lowercase();
    HARMLESS.contains(&&*name)
        || ALLOWED.load().as_ref().is_some_and(|allowed| allowed.contains(&name))
}

/// The lowest address at which one of the program's own texts was seen.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// A program's texts are not farther apart.
const FARTHEST: usize = 1 << 30;
/// How far below a call site's names its message may stand.
const NEAR: usize = 1 << 20;

/// Notes where a text of a call site is, which the compiler put among the program's constants.
pub(crate) fn saw(text: &'static str) {
    let at = text.as_ptr().addr();
    if at < constants_end() && at > constants_end().saturating_sub(FARTHEST) {
        LOWEST.fetch_min(at, Ordering::Relaxed);
    }
}

/// Whether a text is one of the program's constants, such as a message without arguments. `tracing` hands a
/// message over as a `Debug`, behind which its arguments can't be seen; but text that was put together at run
/// time is on the heap or the stack, and linkers place constants before what can be written.
pub(crate) fn is_constant(text: &str) -> bool {
    let at = text.as_ptr().addr();
    let lowest = LOWEST.load(Ordering::Relaxed).saturating_sub(NEAR);
    !text.is_empty() && (lowest..constants_end()).contains(&at)
}

/// A static that is written to stands behind all constants, and before the heap.
fn constants_end() -> usize {
    std::ptr::from_ref(&LOWEST).addr()
}

#[cfg(test)]
mod tests {
    use super::{is_constant, saw};

    #[test]
    fn a_constant_is_told_from_text_made_at_run_time() {
        saw(file!());
        saw(module_path!());
        assert!(is_constant("a message without arguments"));
        assert!(is_constant("another"));
        let made = format!("a message with {}", std::process::id());
        assert!(!is_constant(&made) && !is_constant(&made.clone()[3..]));
        let on_the_stack = *b"text";
        assert!(!is_constant(std::str::from_utf8(&on_the_stack).expect("UTF-8")));
        assert!(!is_constant(Box::leak(made.into_boxed_str())));
        assert!(!is_constant(""));
    }
}
