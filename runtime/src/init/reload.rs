//! Changes levels while the process runs. Each change is logged as `levels_changed`.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tracing_core::metadata::LevelFilter;

use super::config::{invalid_levels, parse_levels};
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake};
use crate::base::timer::Task;
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
    raise(logger, time, levels, timer::schedule_prompt).map_err(|source| {
        let message = "can't start the thread that lowers the levels again";
        ConfigMistake::new(ConfigErrorKind::Io, message).caused_by(source)
    })?;
    Ok(())
}

fn raise(
    logger: &Arc<Logger>,
    time: Duration,
    levels: Levels,
    schedule: impl FnOnce(Instant, Task) -> io::Result<()>,
) -> io::Result<()> {
    let id = serial::next();
    let until = timer::after(time);
    let weak = Arc::downgrade(logger);
    // Scheduled first, because levels that are never lowered again are worse than none.
    schedule(until, Box::new(move || fall_back(&weak, id)))?;
    let raised = TemporaryRaise { id, levels: Arc::new(levels), until };
    update(logger, |active| active.raised.push(raised.clone()));
    // The timer may have been faster, and then found nothing to lower.
    let is_over = Instant::now() >= until && lower(logger, id);
    log_change(logger, "raised", Some(time));
    if is_over {
        log_change(logger, "fell_back", None);
    }
    Ok(())
}

/// Lowers the levels when their time is over. The line is written by another thread, because the output may stall.
fn fall_back(logger: &Weak<Logger>, id: u64) {
    if let Some(logger) = logger.upgrade()
        && lower(&logger, id)
    {
        let write = move || log_change(&logger, "fell_back", None);
        // Without a thread, the line is lost.
        let _ = timer::schedule(Instant::now(), write);
    }
}

/// Ends a raise. Returns false if it has not begun or is over already.
fn lower(logger: &Logger, id: u64) -> bool {
    let is_it = |raised: &TemporaryRaise| raised.id == id;
    let before = update(logger, |active| active.raised.retain(|raised| !is_it(raised)));
    before.raised.iter().any(is_it)
}

/// Applies a change, and returns the levels before it.
fn update(logger: &Logger, change: impl Fn(&mut ActiveLevels)) -> Arc<ActiveLevels> {
    let before = logger.levels.rcu(|levels| {
        let mut next = ActiveLevels::clone(levels);
        change(&mut next);
        next
    });
    logger.levels_version.store(serial::next(), Ordering::Release);
    levels::rebuild();
    before
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_a_raise_whose_time_was_over_before_it_began_never_ended() {
        let config = crate::Config::new().writer(io::sink());
        let (_layer, logging) = config.build::<tracing_subscriber::Registry>().expect("a layer");
        let logger = &logging.logger;
        let levels = Levels::parse_raise("debug").expect("levels");
        let run_now = |_, task: Task| {
            task();
            Ok(())
        };
        raise(logger, Duration::ZERO, levels, run_now).expect("it is scheduled");
        assert!(logger.levels.load().raised.is_empty());
    }
}
