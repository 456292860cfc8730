//! The levels of a logger: those that were set, and those that are raised for a limited time.

use std::sync::Arc;
use std::time::Instant;

use tracing_core::metadata::LevelFilter;
use tracing_core::{Level, Metadata};

use super::directives::Levels;

/// What a logger writes at the moment. A raise only adds to `set`.
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

impl From<Levels> for ActiveLevels {
    fn from(set: Levels) -> Self {
        ActiveLevels { set, raised: Vec::new() }
    }
}

impl ActiveLevels {
    pub(crate) fn allows(&self, metadata: &Metadata<'_>) -> bool {
        self.allow(metadata.target(), *metadata.level())
    }

    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        self.set.allow(target, level)
            || self.raised.iter().any(|raised| raised.levels.allow(target, level))
    }

    /// The most verbose level of any target.
    pub(crate) fn max(&self) -> LevelFilter {
        self.raised.iter().map(|raised| raised.levels.max()).fold(self.set.max(), LevelFilter::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raise_adds_to_the_levels_that_are_set() {
        let mut levels = ActiveLevels::from(Levels::parse("warn,app=info", false).expect("valid"));
        let raise = Arc::new(Levels::parse_raise("deps=debug,app=error").expect("valid"));
        assert!(!levels.allow("deps", Level::DEBUG));
        levels.raised.push(TemporaryRaise { id: 1, levels: raise, until: Instant::now() });
        assert!(levels.allow("deps", Level::DEBUG));
        assert!(levels.allow("app", Level::INFO), "a raise does not lower a level");
        assert!(!levels.allow("other", Level::INFO), "a raise applies to its targets only");
        assert_eq!(levels.max(), LevelFilter::DEBUG);
    }
}
