use std::sync::{Arc, RwLock};

use tracing_core::metadata::LevelFilter;
use tracing_core::{Level, Metadata};

use super::directives::Levels;
use super::interest::rebuild;
use crate::base::sync;

/// The levels that some requests of this moment write at, each with how many requests do.
static RAISED: RwLock<Vec<(Arc<Levels>, usize)>> = RwLock::new(Vec::new());

/// Levels that some request writes at, as long as this lives.
#[derive(Debug)]
pub(crate) struct Raised(Arc<Levels>);

impl Raised {
    /// Requests that share their levels, as those of one edge do, have the call sites asked once.
    pub(crate) fn begin(levels: Arc<Levels>) -> Self {
        let mut raised = sync::write(&RAISED);
        let known = raised.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &levels));
        let is_new = known.is_none();
        match known {
            Some((_, count)) => *count += 1,
            None => raised.push((Arc::clone(&levels), 1)),
        }
        drop(raised);
        if is_new {
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
        let Some(at) = raised.iter().position(|(known, _)| Arc::ptr_eq(known, &self.0)) else {
            return;
        };
        raised[at].1 -= 1;
        let was_last = raised[at].1 == 0;
        if was_last {
            raised.swap_remove(at);
        }
        drop(raised);
        if was_last {
            rebuild();
        }
    }
}

/// Whether some request may write here that others may not.
pub(crate) fn is_raised_for_some(metadata: &Metadata<'_>) -> bool {
    let raised = sync::read(&RAISED);
    let (target, level): (_, Level) = (metadata.target(), *metadata.level());
    raised.iter().any(|(levels, _)| levels.allow(target, level))
}

/// The most detailed level that some request may write at.
pub(crate) fn max_raised() -> LevelFilter {
    let raised = sync::read(&RAISED);
    raised.iter().map(|(levels, _)| levels.max()).fold(LevelFilter::OFF, LevelFilter::max)
}
