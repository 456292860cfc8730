//! The interest epoch: counts how often `tracing` has asked its subscribers which call sites they want.
//!
//! A site caches which of its lines are wanted, together with the epoch of the answer. When subscribers or levels
//! change, `tracing` asks about every call site again, first about all `DefaultCallsite`s (a site has six) and then
//! about those of other types. The [`Sentinel`] is of another type: when its turn comes, the answers of all sites are
//! in, and it begins the next epoch. An answer that was cached in an earlier epoch is not trusted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use tracing_core::callsite::{self, Callsite, DefaultCallsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Level, Metadata};

use crate::base::catch::{call_layers, thread_end};

/// 0 until the sentinel is registered; nothing is cached in that epoch.
pub(super) static INTEREST_EPOCH: AtomicUsize = AtomicUsize::new(0);

/// A call site that writes nothing.
#[derive(Debug)]
struct Sentinel;

static SENTINEL: Metadata<'static> = Metadata::new(
    "interest",
    "candor",
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Sentinel)),
    Kind::EVENT,
);

impl Callsite for Sentinel {
    fn set_interest(&self, _: Interest) {
        INTEREST_EPOCH.fetch_add(1, Ordering::Release);
    }

    fn metadata(&self) -> &Metadata<'_> {
        &SENTINEL
    }
}

/// Returns the interest of the subscribers in a call site.
///
/// The first call registers the call site, which calls all layers. If one of them panics while the thread unwinds or
/// ends, the interest is `sometimes`.
#[inline]
pub(crate) fn interest_of(site: &'static DefaultCallsite) -> Interest {
    let is_ending = thread::panicking() || thread_end::has_begun();
    if is_ending { interest_while_ending(site) } else { site.interest() }
}

#[cold]
fn interest_while_ending(site: &'static DefaultCallsite) -> Interest {
    call_layers(|| site.interest(), || {}).unwrap_or_else(Interest::sometimes)
}

/// Registers the sentinel.
///
/// Not under a `Once`: a layer that is asked for its interest may itself enter a step, which would deadlock.
#[cold]
pub(super) fn register_sentinel() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::Relaxed) {
        callsite::register(&Sentinel);
    }
}

/// Makes every site check again which of its lines are wanted.
#[cfg(feature = "metrics")]
pub(crate) fn ask_again() {
    // In epoch 0, nothing is cached. The epoch ends when the sentinel is registered.
    let next = |epoch| (epoch > 0).then_some(epoch + 1);
    let _ = INTEREST_EPOCH.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
}

/// Called with the usual event of a site that no subscriber wants.
static ON_NEVER: OnceLock<fn(&Metadata<'_>)> = OnceLock::new();

/// Sets the function that is called for sites whose usual event no subscriber wants.
pub(crate) fn on_never(notice: fn(&Metadata<'_>)) {
    let _ = ON_NEVER.set(notice);
}

pub(super) fn notice_never(metadata: &Metadata<'_>) {
    if let Some(notice) = ON_NEVER.get() {
        notice(metadata);
    }
}
