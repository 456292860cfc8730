//! Levels that single requests raise for themselves.
//!
//! A call site that only some requests enable must have the interest `sometimes`. The interest of the call sites is
//! therefore rebuilt when the first request raises its levels and when the last one ends.

use std::sync::{Arc, RwLock};

use tracing_core::metadata::LevelFilter;
use tracing_core::{Level, Metadata};

use super::directives::Levels;
use super::interest::rebuild;
use crate::base::fork::ForkLocks;
use crate::base::sync;

/// The levels that requests raise at the moment, each with the number of [`Raised`] that hold it.
static RAISED: RwLock<Vec<(Arc<Levels>, usize)>> = RwLock::new(Vec::new());

/// Raises levels while it lives. Which requests they apply to is decided by the request that owns it.
#[derive(Debug)]
pub(crate) struct Raised(Arc<Levels>);

impl Raised {
    /// Raises `levels`. Call sites are asked again only if no other `Raised` shares the same `Arc`, as the requests
    /// of one HTTP layer do.
    pub(crate) fn begin(levels: Arc<Levels>) -> Self {
        let mut raised = sync::write(&RAISED);
        let shared = raised.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &levels));
        let is_first = shared.is_none();
        match shared {
            Some((_, count)) => *count += 1,
            None => raised.push((Arc::clone(&levels), 1)),
        }
        drop(raised);
        if is_first {
            rebuild();
        }
        Raised(levels)
    }

    pub(crate) fn levels(&self) -> &Levels {
        &self.0
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        let mut raised = sync::write(&RAISED);
        let Some(at) = raised.iter().position(|(other, _)| Arc::ptr_eq(other, &self.0)) else {
            return;
        };
        raised[at].1 -= 1;
        let is_last = raised[at].1 == 0;
        if is_last {
            raised.swap_remove(at);
        }
        drop(raised);
        if is_last {
            rebuild();
        }
    }
}

/// Whether some request has raised its levels to include this call site.
pub(crate) fn is_raised_for_any(metadata: &Metadata<'_>) -> bool {
    let (target, level): (_, Level) = (metadata.target(), *metadata.level());
    sync::read(&RAISED).iter().any(|(levels, _)| levels.allow(target, level))
}

/// The most verbose level that some request has raised.
pub(crate) fn max_raised() -> LevelFilter {
    let raised = sync::read(&RAISED);
    raised.iter().map(|(levels, _)| levels.max()).fold(LevelFilter::OFF, LevelFilter::max)
}

/// Takes the lock before a fork.
pub(super) fn hold(locks: &mut ForkLocks) {
    locks.hold_rw((), |()| &RAISED);
}
