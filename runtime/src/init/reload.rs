//! Levels that change while the program runs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing_core::metadata::LevelFilter;

use super::error::InitError;
use crate::base::clock::Tick;
use crate::base::{serial, timer};
use crate::format::record::{Record, Severity};
use crate::json::{escape, members};
use crate::levels::{self, ForAWhile, InForce, Levels};
use crate::logger::Logger;

/// Sets the levels until they are set again.
pub(crate) fn set(logger: &Logger, directives: &str) -> Result<(), InitError> {
    let levels = Levels::parse(directives, false).map_err(|why| wrong(&why))?;
    change(logger, |in_force| in_force.set = levels.clone());
    say(logger, "set", None);
    Ok(())
}

/// Adds levels, which are taken away again when the time is over.
pub(crate) fn raise_for(
    logger: &Arc<Logger>,
    time: Duration,
    directives: &str,
) -> Result<(), InitError> {
    let levels = Levels::parse_raise(directives).map_err(|why| wrong(&why))?;
    if levels.max() == LevelFilter::OFF {
        return Err(wrong("a raise has to name a level, as in `deps=debug`"));
    }
    let levels = Arc::new(levels);
    let number = serial::next();
    let until = timer::in_time(time);
    let known = Arc::downgrade(logger);
    // First what takes it back: levels that stay up for ever are worse than none.
    timer::at(until, move || fall_back(&known, number)).map_err(|source| {
        InitError::new(format!(
            "the thread that lowers the levels again can't be started: {source}"
        ))
    })?;
    let raised = ForAWhile { number, levels, until };
    change(logger, |in_force| in_force.raised.push(raised.clone()));
    say(logger, "raised", Some(time));
    Ok(())
}

fn fall_back(logger: &Weak<Logger>, number: u64) {
    if let Some(logger) = logger.upgrade() {
        change(&logger, |in_force| in_force.raised.retain(|raised| raised.number != number));
        say(&logger, "fell_back", None);
    }
}

fn wrong(why: &str) -> InitError {
    InitError::new(format!("the level directives are wrong: {why}"))
}

fn change(logger: &Logger, change: impl Fn(&mut InForce)) {
    logger.levels.rcu(|known| {
        let mut next = InForce::clone(known);
        change(&mut next);
        next
    });
    levels::rebuild();
}

/// The line of a change, which no level keeps back.
fn say(logger: &Logger, change: &str, time: Option<Duration>) {
    let record = Record {
        at: Tick::now(),
        severity: Severity::Info,
        logger: "candor",
        message: "levels_changed",
        has_exc: false,
        capped: false,
    };
    let in_force = logger.levels.load_full();
    logger.write_always(&record, |out| {
        let mut text = |key: &str, value: &str| {
            members::open(out, key);
            escape::json_string(value, out);
        };
        text("event", "levels_changed");
        text("change", change);
        text("levels", &in_force.set.to_string());
        if !in_force.raised.is_empty() {
            let raised: Vec<_> =
                in_force.raised.iter().map(|raised| raised.levels.to_string()).collect();
            text("raised", &raised.join(","));
        }
        if let Some(time) = time {
            members::open(out, "seconds");
            crate::redact::loggable::Encoder::json(out, logger.value_limit).f64(time.as_secs_f64());
        }
    });
}
