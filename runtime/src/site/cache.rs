//! The data that a step reads from its site on entry and for its usual line, in one cache line, so that a step at a
//! site that has not run for a while waits for memory only once.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Spec;
use super::interest::INTEREST_EPOCH;
use super::prefix::PrefixCache;
use crate::format::record::Severity;
use crate::format::sites::LazySiteId;
use crate::format::template::Template;

/// Which lines of a site could be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// No line and no span is wanted, but its duration is counted.
    Timing,
    /// Only the line of a failure, and no span.
    ErrorOnly,
    /// Any line, or a span.
    All,
    /// The usual line of a step, for every request, and no span.
    FastStep,
    /// The same for a call.
    FastCall,
}

impl Wanted {
    const fn of(bits: usize) -> Self {
        match bits & 7 {
            0 => Wanted::Nothing,
            1 => Wanted::Timing,
            2 => Wanted::ErrorOnly,
            3 => Wanted::All,
            4 => Wanted::FastStep,
            _ => Wanted::FastCall,
        }
    }
}

/// One cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct SiteCache {
    /// A [`Wanted`] in the lowest three bits, and above them the interest epoch in which it was computed.
    interest: AtomicUsize,
    /// A step that takes this many nanoseconds or more does not write the usual line.
    pub(super) slow_from: u64,
    prefix: PrefixCache,
    /// The site's index in the counts of lines.
    pub(super) id: LazySiteId,
    /// The step's name, if it needs no escaping in JSON.
    name: Option<&'static str>,
    /// The severity of the usual line.
    pub(super) severity: Severity,
    /// Whether the line has only the fields that all steps or calls have.
    pub(super) is_simple: bool,
    /// Whether a success writes no line if the usual line is off.
    pub(super) may_be_error_only: bool,
}

/// The kind of a usual line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastPath {
    Step,
    Call,
}

/// The parts of a usual line that never change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FastLine {
    pub(crate) severity: Severity,
    /// Between time and request.
    pub(crate) prefix: &'static str,
    /// The step's name, which needs no escaping.
    pub(crate) name: &'static str,
}

impl SiteCache {
    pub(super) const fn new(spec: &Spec) -> Self {
        let is_step = spec.call.is_none();
        let (severity, slow_from) = match spec.slow_nanos {
            0 => (Severity::of(spec.level), u64::MAX),
            limit => (Severity::Debug, limit),
        };
        SiteCache {
            interest: AtomicUsize::new(usize::MAX),
            slow_from,
            prefix: PrefixCache::new(),
            id: LazySiteId::new(),
            name: if needs_no_escape(spec.name) { Some(spec.name) } else { None },
            severity,
            is_simple: !spec.busy && !spec.takes_context,
            may_be_error_only: is_step && spec.slow_nanos == 0,
        }
    }

    /// Which lines are wanted, if that is known in the current interest epoch.
    #[inline]
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let known = self.interest.load(Ordering::Relaxed);
        let is_current = known >> 3 == INTEREST_EPOCH.load(Ordering::Relaxed);
        is_current.then(|| Wanted::of(known))
    }

    /// Caches which lines are wanted, as answered in this interest epoch.
    pub(super) fn store_interest(&self, epoch: usize, wanted: Wanted) {
        self.interest.store(epoch << 3 | wanted as usize, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn fast_line(&self, spec: &Spec, template: &Template) -> Option<FastLine> {
        let prefix = self.prefix.shared(template, self.severity, spec.target, spec.event)?;
        Some(FastLine { severity: self.severity, prefix, name: self.name? })
    }
}

/// Whether the text can stand between the quotes of a JSON string as it is.
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
