use std::sync::Arc;
use std::time::Instant;

use tracing_core::metadata::LevelFilter;
use tracing_core::{Level, Metadata};

use super::directives::Levels;

/// The levels that hold now: those that were set, and for a while those that were raised.
#[derive(Debug, Clone, Default)]
pub(crate) struct InForce {
    pub(crate) set: Levels,
    pub(crate) raised: Vec<ForAWhile>,
}

/// Levels that are taken away again.
#[derive(Debug, Clone)]
pub(crate) struct ForAWhile {
    pub(crate) number: u64,
    pub(crate) levels: Arc<Levels>,
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
    pub(crate) until: Instant,
}

impl From<Levels> for InForce {
    fn from(set: Levels) -> Self {
        InForce { set, raised: Vec::new() }
    }
}

impl InForce {
    pub(crate) fn allows(&self, metadata: &Metadata<'_>) -> bool {
        self.allow(metadata.target(), *metadata.level())
    }

    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        self.set.allow(target, level)
            || self.raised.iter().any(|raised| raised.levels.allow(target, level))
    }

    pub(crate) fn max(&self) -> LevelFilter {
        self.raised.iter().map(|raised| raised.levels.max()).fold(self.set.max(), LevelFilter::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_raised_adds_to_what_is_set() {
        let mut levels = InForce::from(Levels::parse("warn,app=info", false).expect("valid"));
        let raise = Levels::parse_raise("deps=debug,app=error").expect("valid");
        assert!(!levels.allow("deps", Level::DEBUG));
        levels.raised.push(ForAWhile { number: 1, levels: Arc::new(raise), until: Instant::now() });
        assert!(levels.allow("deps", Level::DEBUG));
        assert!(levels.allow("app", Level::INFO), "a raise takes nothing away");
        assert!(!levels.allow("other", Level::INFO), "a raise is for what it names");
        assert_eq!(levels.max(), LevelFilter::DEBUG);
    }
}
