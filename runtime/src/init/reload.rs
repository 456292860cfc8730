//! Changes levels while the process runs. Each change is logged as `levels_changed`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing_core::metadata::LevelFilter;

use super::config::{invalid_levels, parse_levels};
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake};
use crate::base::{serial, timer};
use crate::format::record::{Record, Severity};
use crate::json::members;
use crate::levels::{self, ActiveLevels, Levels, TemporaryRaise};
use crate::logger::Logger;
use crate::redact::loggable::Encoder;
use crate::redact::shown;

/// Replaces the levels that are set; raises stay.
pub(crate) fn set(logger: &Logger, directives: &str) -> Result<(), ConfigError> {
    let levels = parse_levels(directives)?;
    update(logger, |active| active.set = levels.clone());
    log_change(logger, "set", None);
    Ok(())
}

/// Raises levels for `time`.
pub(crate) fn raise_for(
    logger: &Arc<Logger>,
    time: Duration,
    directives: &str,
) -> Result<(), ConfigError> {
    let invalid = |why: &str| invalid_levels(directives, why);
    let levels = Levels::parse_raise(directives).map_err(|why| invalid(&why))?;
    if levels.max() == LevelFilter::OFF {
        return Err(
            invalid("the directives must name a level to raise to, as in `deps=debug`").into()
        );
    }
    let levels = Arc::new(levels);
    let id = serial::next();
    let until = timer::after(time);
    let weak = Arc::downgrade(logger);
    // Scheduled first, because levels that are never lowered again are worse than none.
    timer::schedule(until, move || fall_back(&weak, id)).map_err(|source| {
        let message = "can't start the thread that lowers the levels again";
        ConfigMistake::new(ConfigErrorKind::Io, message).caused_by(source)
    })?;
    let raised = TemporaryRaise { id, levels, until };
    update(logger, |active| active.raised.push(raised.clone()));
    log_change(logger, "raised", Some(time));
    Ok(())
}

fn fall_back(logger: &Weak<Logger>, id: u64) {
    if let Some(logger) = logger.upgrade() {
        update(&logger, |active| active.raised.retain(|raised| raised.id != id));
        log_change(&logger, "fell_back", None);
    }
}

fn update(logger: &Logger, change: impl Fn(&mut ActiveLevels)) {
    logger.levels.rcu(|levels| {
        let mut next = ActiveLevels::clone(levels);
        change(&mut next);
        next
    });
    logger.levels_version.store(serial::next(), Ordering::Release);
    levels::rebuild();
}

/// Writes the line of a change at any level.
fn log_change(logger: &Logger, change: &'static str, time: Option<Duration>) {
    let record = Record::own(Severity::Info, "levels_changed");
    let active = logger.levels.load_full();
    logger.write_always(&record, |out| {
        members::text(out, "event", "levels_changed");
        members::text(out, "change", change);
        members::text(out, "levels", &shown::text(&active.set.to_string()));
        if !active.raised.is_empty() {
            let raised: Vec<_> =
                active.raised.iter().map(|raised| raised.levels.to_string()).collect();
            members::text(out, "raised", &shown::text(&raised.join(",")));
        }
        if let Some(time) = time {
            members::open(out, "seconds");
            Encoder::json(out, logger.value_limit).f64(time.as_secs_f64());
        }
    });
}
