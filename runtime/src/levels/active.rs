//! The levels of a logger: those that were set, and those that are raised for a limited time.

use std::sync::Arc;
use std::time::Instant;

use tracing_core::Level;
use tracing_core::metadata::LevelFilter;

use super::directives::Levels;

/// The levels that are in effect. A raise only adds to `set`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActiveLevels {
    pub(crate) set: Levels,
    pub(crate) raised: Vec<TemporaryRaise>,
}

/// Levels that apply until a timer removes them.
#[derive(Debug, Clone)]
pub(crate) struct TemporaryRaise {
    /// Identifies the raise for its timer.
    pub(crate) id: u64,
    pub(crate) levels: Arc<Levels>,
    pub(crate) until: Instant,
}

impl ActiveLevels {
    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        self.set.allow(target, level)
            || self.raised.iter().any(|raised| raised.levels.allow(target, level))
    }

    /// The most verbose level of any target.
    pub(crate) fn max(&self) -> LevelFilter {
        self.raised.iter().map(|raised| raised.levels.max()).fold(self.set.max(), LevelFilter::max)
    }
}
