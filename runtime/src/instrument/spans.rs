//! Requests and jobs that a span of another crate begins, if no request is current.

use std::sync::Arc;

use super::step::{millis, span_ended, span_succeeded};
use super::{job, query, totals, wide};
use crate::base::clock::Tick;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::Severity;
use crate::json::append::number;
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::timed_spans::{Beginning, EndedRequest, SpanHooks};
use crate::logger::{Logger, notices};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::metrics::Observation;
use crate::outcome::kind::Outcome;
use crate::redact::loggable::Encoder;
#[cfg(all(feature = "metrics", feature = "http"))]
use crate::redact::shown::Redacted;
use crate::request::Request;
use crate::site::{Site, event_sites};

/// The functions that a logger calls for timed spans.
pub(crate) const HOOKS: SpanHooks = SpanHooks {
    request_began,
    step_succeeded: span_succeeded,
    step_ended: span_ended,
    request_ended,
};

event_sites! {
    REQUEST_STARTED = "request_started" DEBUG "http" [query];
    REQUEST_COMPLETED = "request_completed" INFO "http"
        [status grpc_status duration_ms outcome route steps dependency_calls dependency_ms retries slowest_step cause
         lines_suppressed lines_sampled_away lines_left_out step_own_ms dependencies wide_fields_dropped].uncapped();
}

/// Writes `request_started` or `job_started`.
fn request_began(logger: &Logger, request: &Arc<Request>, beginning: &Beginning<'_>) {
    let site = if beginning.job.is_some() { &job::STARTED } else { &REQUEST_STARTED };
    write(logger, site, request, Severity::Debug, Tick::now(), |out, limit| {
        members::text(out, "event", site.spec.event);
        if let Some(job) = beginning.job {
            members::open(out, "job");
            Encoder::json(out, limit).shown(Shown::literal(job));
        }
        if let Some(query) = beginning.query {
            members::open(out, "query");
            query::write(query, limit, out);
        }
    });
}

/// Writes the completion line.
fn request_ended(logger: &Logger, ended: &EndedRequest<'_>) {
    let EndedRequest { request, at, .. } = *ended;
    request.set_over();
    if ended.outcome == Outcome::Panicked {
        notices::panicked();
    }
    let severity = match ended.outcome {
        Outcome::Ok => Severity::Info,
        Outcome::Error | Outcome::Panicked => Severity::Error,
        Outcome::Cancelled => Severity::Warn,
    };
    logger.end_folds(request);
    let left_out = request
        .story()
        .and_then(|story| logger.end_story(request, story, severity >= Severity::Warn, at));
    let observation = observe(ended);
    let site = if ended.job.is_some() { &job::COMPLETED } else { &REQUEST_COMPLETED };
    let fields = renamed(ended.fields, site.spec.names());
    let is_written = write(logger, site, request, severity, at, |out, limit| {
        members::text(out, "event", site.spec.event);
        if let Some(job) = ended.job {
            members::open(out, "job");
            Encoder::json(out, limit).shown(Shown::literal(job));
        } else {
            write_status(ended, out);
        }
        millis(out, "duration_ms", at.since(request.started));
        out.push_str(ended.outcome.member());
        if let Some(failure) = ended.failure.filter(|_| ended.outcome == Outcome::Error) {
            if ended.job.is_some() {
                members::text(out, "error", failure.evidence);
            }
            if let Some(detail) = &failure.detail {
                members::open(out, "error_detail");
                Encoder::json(out, limit).shown(detail);
            }
        }
        if let Some(route) = ended.route.filter(|_| ended.job.is_none()) {
            members::open(out, "route");
            Encoder::json(out, limit).shown(route);
        }
        totals::write(request, at, ended.outcome != Outcome::Ok, limit, out);
        wide::write(request, left_out, out);
        wide::write_fields(request, site.spec.names(), limit, &fields, out);
    });
    if is_written {
        observation.line_written(Some(request), at);
    }
}

/// The members, with an underscore after each key that the line itself uses.
fn renamed(fields: &str, own: &[&str]) -> String {
    let mut out = String::new();
    for member in members::walk(fields, 0) {
        if own.contains(&member.key) || member.key.starts_with("error_") {
            members::renamed(&mut out, member.key, member.value);
        } else {
            out.push_str(&fields[member.start..member.end]);
        }
    }
    out
}

fn write_status(ended: &EndedRequest<'_>, out: &mut String) {
    members::open(out, "status");
    match ended.http_status {
        Some(status) => number(status.into(), out),
        None => out.push_str("null"),
    }
    if let Some(status) = ended.grpc_status {
        members::open(out, "grpc_status");
        number(status.into(), out);
    }
}

fn write(
    logger: &Logger,
    site: &'static Site,
    request: &Arc<Request>,
    severity: Severity,
    at: Tick,
    fields: impl Fn(&mut String, usize),
) -> bool {
    let record = site.record(severity, at);
    let prefix = site.prefix(severity, &logger.template);
    current::with_line_buffer(|buffer| {
        let spans = SpanScope::Nothing;
        logger.write_in(buffer, Some(request), &record, spans, prefix, |out| {
            fields(out, logger.value_limit);
        })
    })
}

/// Counts a request or job that has ended, if metrics are on.
fn observe(ended: &EndedRequest<'_>) -> Observation {
    #[cfg(feature = "metrics")]
    if metrics::is_on() {
        let took = ended.at.nanos_since(ended.request.started);
        let outcome = ended.outcome.as_str();
        if let Some(job) = ended.job {
            return metrics::job_ended(job, outcome, None, took);
        }
        #[cfg(feature = "http")]
        {
            let method = ended.request.method.as_ref();
            let method = metrics::method_label(method.map_or("", |method| method.as_str()));
            let route = ended.route.map(Redacted::as_str);
            let status = metrics::status_class(ended.http_status);
            return metrics::request_ended(method, route, status, outcome, took);
        }
    }
    #[cfg(not(feature = "metrics"))]
    let _ = ended;
    Observation::NONE
}
