//! The totals of a request or job, on the line of its completion.

use std::sync::atomic::Ordering;

use crate::base::clock::Tick;
use crate::json::append::{append, number};
use crate::json::members;
use crate::outcome::{AnswerStatus, Category};
use crate::redact::loggable::Encoder;
use crate::redact::policy::clear;
use crate::request::Request;
use crate::request::totals::Cause;

/// Capacity for the four numbers of every such line, with their keys.
const NUMBERS_CAPACITY: usize = 192;

/// The numbers of a request without steps and calls.
const NOTHING: &str = ",\"steps\":0,\"dependency_calls\":0,\"dependency_ms\":0.000,\"retries\":0";

/// Appends the totals as members, and the cause of a failure. `limit` is the maximum length of a value in bytes.
pub(crate) fn write(
    request: &Request,
    now: Tick,
    has_failed: bool,
    limit: usize,
    out: &mut String,
) {
    let totals = request.totals_at(now, has_failed);
    let (steps, calls) = (request.steps(), request.dependency_calls());
    if steps == 0 && calls == 0 {
        out.push_str(NOTHING);
    } else {
        append(out, NUMBERS_CAPACITY, |pieces| {
            pieces.put(",\"steps\":");
            pieces.number(steps.into());
            pieces.put(",\"dependency_calls\":");
            pieces.number(calls.into());
            pieces.put(",\"dependency_ms\":");
            pieces.millis(totals.dependency_nanos);
            pieces.put(",\"retries\":");
            pieces.number(totals.retries);
        });
    }
    if let Some(slowest) = totals.slowest {
        out.push_str(",\"slowest_step\":");
        Encoder::json(out, limit).shown(slowest);
    }
    if let Some(cause) = totals.cause {
        members::open(out, "cause");
        write_cause(&cause, limit, out);
    }
    let left_out = [
        ("lines_suppressed", request.suppressed.load(Ordering::Relaxed)),
        ("lines_sampled_away", request.lines_sampled_away()),
    ];
    for (key, lines) in left_out {
        if lines > 0 {
            members::open(out, key);
            number(lines, out);
        }
    }
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
        match cause.status {
            Some(AnswerStatus::Http(status)) => {
                object.field("status", &status);
            }
            Some(AnswerStatus::Grpc(code)) => {
                object.field("grpc_status", &code);
            }
            None => {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::context::RequestContext;

    /// `append` drops pieces beyond `NUMBERS_CAPACITY`.
    #[test]
    fn the_largest_numbers_fit() {
        let request = RequestContext::with_id("r").request;
        request.call_started(Tick::of_nanos(1));
        request.call_ended(Tick::of_nanos(u64::MAX), u64::MAX);
        let mut out = String::new();
        write(&request, Tick::of_nanos(u64::MAX), false, 100, &mut out);
        assert_eq!(
            out,
            ",\"steps\":4294967295,\"dependency_calls\":1,\"dependency_ms\":18446744073709.551,\
             \"retries\":18446744073709551615"
        );
    }
}
