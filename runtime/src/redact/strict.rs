//! Strict mode: a value without a redaction policy shows its shape only.
//!
//! Without strict mode, candor is designed to keep secrets out of the log. With strict mode, it also keeps out
//! personal data.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;

use super::{keys, off};
use crate::levels;

/// Read by every redaction, so it is an atomic and not part of [`ALLOWED`]. Strict mode belongs to the process and
/// not to a layer, because fields are rendered before a layer is known.
static ON: AtomicBool = AtomicBool::new(false);

/// Whether [report mode](super::strict_report) is on. It has no effect in strict mode.
static REPORTS: AtomicBool = AtomicBool::new(false);

static ALLOWED: ArcSwapOption<Allowed> = ArcSwapOption::const_empty();

/// The exceptions that the owner configured.
struct Allowed {
    /// Path segments, query parameters and headers, in lower case.
    names: HashSet<String>,
    /// Targets whose messages are shown.
    targets: Vec<String>,
}

/// Headers whose values describe the message and not a person; always shown, the [parameters of media
/// types](super::media_type) except for some.
#[rustfmt::skip]
const HARMLESS_HEADERS: [&str; 15] = [
    "accept", "accept-encoding", "cache-control", "connection", "content-encoding", "content-length", "content-type",
    "date", "expect", "te", "traceparent", "transfer-encoding", "upgrade", "vary", "x-request-id",
];

/// Turns strict mode on, for the rest of the process.
pub(crate) fn install(names: impl IntoIterator<Item = String>, targets: Vec<String>) {
    allow(names, targets);
    ON.store(true, Ordering::Release);
    keys::rules_changed();
}

/// Turns report mode on, for the rest of the process, unless strict mode is on.
pub(crate) fn install_report(names: impl IntoIterator<Item = String>, targets: Vec<String>) {
    if !ON.load(Ordering::Acquire) {
        allow(names, targets);
        REPORTS.store(true, Ordering::Release);
    }
}

fn allow(names: impl IntoIterator<Item = String>, targets: Vec<String>) {
    let names = names.into_iter().map(|name| name.to_lowercase()).collect();
    ALLOWED.store(Some(Arc::new(Allowed { names, targets })));
}

#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Acquire) && !off::is_off()
}

/// Whether values that strict mode would hide are reported.
#[inline]
pub(crate) fn is_reported() -> bool {
    REPORTS.load(Ordering::Acquire) && !ON.load(Ordering::Acquire)
}

/// Whether the value of this header or parameter, or this path segment, is shown in strict mode.
pub(super) fn is_allowed(name: &str) -> bool {
    let name = name.to_lowercase();
    HARMLESS_HEADERS.contains(&&*name) || is_listed(&name)
}

/// Whether the owner listed this name, which is in lower case.
pub(super) fn is_listed(name: &str) -> bool {
    ALLOWED.load().as_ref().is_some_and(|allowed| allowed.names.contains(name))
}

/// Whether messages of events of this target are hidden: strict mode is on, and the target is not listed.
#[inline]
pub(crate) fn hides_messages_of(target: &str) -> bool {
    is_on() && !is_listed_target(target)
}

/// Whether the owner listed this target.
#[cold]
pub(crate) fn is_listed_target(target: &str) -> bool {
    let allowed = ALLOWED.load();
    let mut targets = allowed.iter().flat_map(|allowed| &allowed.targets);
    targets.any(|listed| levels::covers(target, listed))
}
