//! What entering a site and its usual end look at, side by side, so that a step at a place where none has been for
//! a while waits for little memory.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::named::Named;
use super::{ASKED, Spec};
use crate::format::record::Severity;

/// What may be wanted of a site: nothing,
pub(super) const OFF: usize = 0;
/// no more than the line of a bad end,
pub(super) const QUIET: usize = 1;
/// anything,
pub(super) const ON: usize = 2;
/// its usual line, by all requests alike, and no span.
pub(super) const PLAIN: usize = 3;

/// A line of the cache.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Hot {
    /// What is wanted of this site, and the count of [`ASKED`] at which that was so.
    known: AtomicUsize,
    /// An end after so many nanoseconds is not the usual one any more.
    pub(super) slow_from: u64,
    named: OnceLock<&'static Named>,
    /// The step's, where it stands in JSON as it is.
    name: Option<&'static str>,
    /// That of the usual line.
    pub(super) severity: Severity,
    /// Whether it is no call and asks for nothing beside its line.
    pub(super) is_simple: bool,
    /// Whether a good end has no line where the usual one is not wanted.
    pub(super) may_be_quiet: bool,
}

/// The unchanging parts of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usual {
    pub(crate) severity: Severity,
    /// Between its time and its request.
    pub(crate) named: &'static str,
    /// The name of the step, which stands in JSON as it is.
    pub(crate) name: &'static str,
}

impl Hot {
    pub(super) const fn new(spec: &Spec) -> Self {
        let is_step = spec.call.is_none();
        let (severity, slow_from) = match spec.slow_nanos {
            0 => (Severity::of(spec.level), u64::MAX),
            limit => (Severity::Debug, limit),
        };
        Hot {
            known: AtomicUsize::new(usize::MAX),
            slow_from,
            named: OnceLock::new(),
            name: if needs_no_escape(spec.name) { Some(spec.name) } else { None },
            severity,
            is_simple: is_step && !spec.busy,
            may_be_quiet: is_step && spec.slow_nanos == 0,
        }
    }

    /// What is wanted, as far as that is known.
    #[inline]
    pub(super) fn wanted(&self) -> Option<usize> {
        let known = self.known.load(Ordering::Relaxed);
        (known >> 2 == ASKED.load(Ordering::Relaxed)).then_some(known & 3)
    }

    /// Keeps what is wanted as of a count of [`ASKED`].
    pub(super) fn know(&self, asked: usize, wanted: usize) {
        self.known.store(asked << 2 | wanted, Ordering::Relaxed);
    }

    /// The first form of [`Named`] is kept; a layer with another one does without.
    #[inline]
    pub(super) fn usual(&self, form: u64, make: impl FnOnce() -> &'static Named) -> Option<Usual> {
        let named = self.named.get_or_init(make).in_form(form)?;
        Some(Usual { severity: self.severity, named, name: self.name? })
    }
}

/// Whether JSON has nothing to escape in it.
const fn needs_no_escape(text: &str) -> bool {
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        if !matches!(first, b' '..=b'~') || matches!(first, b'"' | b'\\') {
            return false;
        }
        bytes = rest;
    }
    true
}
