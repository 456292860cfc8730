//! What the line at the end of a request or a job adds up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Tick;
use crate::context::{Cause, Request};
use crate::dependency::Category;
use crate::format::members;
use crate::loggable::Encoder;
use crate::policy::clear;
use crate::step::millis;

/// Appends the sums as members, and on a bad end what it began with.
pub(crate) fn write(request: &Request, now: Tick, is_bad: bool, limit: usize, out: &mut String) {
    let sums = request.sums_at(now);
    number("steps", request.steps().into(), limit, out);
    number("dependency_calls", request.dependency_calls().into(), limit, out);
    millis(out, "dependency_ms", Duration::from_nanos(sums.dependency_nanos));
    number("retries", sums.retries, limit, out);
    if let Some((slowest, _)) = sums.slowest {
        members::open(out, "slowest_step");
        Encoder::json(out, limit).text(slowest);
    }
    if let Some(cause) = sums.cause.filter(|_| is_bad) {
        members::open(out, "cause");
        write_cause(&cause, limit, out);
    }
    let left_out = [
        ("lines_suppressed", request.suppressed.load(Ordering::Relaxed)),
        ("lines_sampled_away", request.lines_sampled_away()),
    ];
    for (key, lines) in left_out {
        if lines > 0 {
            number(key, lines, limit, out);
        }
    }
}

fn number(key: &str, value: u64, limit: usize, out: &mut String) {
    members::open(out, key);
    Encoder::json(out, limit).u64(value);
}

fn write_cause(cause: &Cause, limit: usize, out: &mut String) {
    Encoder::json(out, limit).object("Cause", |object| {
        object.field("step", &clear(cause.step));
        if let Some(dependency) = cause.dependency {
            object.field("dependency", &clear(dependency));
        }
        object.field("step_id", &cause.step_id);
        if let Some(category) = cause.category.map(Category::as_str) {
            object.field("category", &clear(category));
        }
    });
}
