//! The line at a request's end: exactly one, whatever the end is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Response, StatusCode, header};

use super::site;
use super::started::header_text;
use crate::clock::Tick;
use crate::context::{Cause, Request};
use crate::dependency::Category;
use crate::emit;
use crate::format::members;
use crate::loggable::Encoder;
use crate::record::Severity;
use crate::step::millis;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The response went out to its end.
    Sent,
    /// The response's body failed half way.
    BodyError,
    /// The client went away, or the server dropped the request.
    Cancelled,
    Panicked,
}

/// A request that has not ended yet. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Open {
    request: Arc<Request>,
    route: Option<String>,
    client_request_id: Option<String>,
    status: Option<StatusCode>,
    content_type: Option<String>,
    pub(super) bytes: u64,
    /// How many there will be, where the response says so.
    content_length: Option<u64>,
    /// Whether the service or the body runs now: a panic that unwinds then is the request's own.
    running: bool,
    ended: bool,
}

impl Open {
    pub(super) fn new(
        request: Arc<Request>,
        route: Option<String>,
        client_request_id: Option<String>,
    ) -> Self {
        Open {
            request,
            route,
            client_request_id,
            status: None,
            content_type: None,
            bytes: 0,
            content_length: None,
            running: false,
            ended: false,
        }
    }

    /// Marks a request as running from here on, or no more.
    pub(super) fn run(open: &mut Option<Self>, running: bool) {
        if let Some(open) = open {
            open.running = running;
        }
    }

    pub(super) fn request(&self) -> &Arc<Request> {
        &self.request
    }

    pub(super) fn responded<B>(&mut self, response: &Response<B>) {
        let headers = response.headers();
        self.status = Some(response.status());
        self.content_type = header_text(headers, &header::CONTENT_TYPE);
        self.content_length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
    }

    /// Whether as many bytes went out as the response says.
    pub(super) fn is_whole(&self) -> bool {
        self.content_length == Some(self.bytes)
    }

    /// Writes the line, unless it is written already.
    pub(super) fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let failed = self.status.is_some_and(|status| status.is_server_error());
        let (outcome, severity) = match end {
            End::Panicked => ("panicked", Severity::Error),
            End::Cancelled => ("cancelled", Severity::Warn),
            End::BodyError => ("error", Severity::Error),
            End::Sent if failed => ("error", Severity::Error),
            End::Sent => ("ok", Severity::Info),
        };
        let now = Tick::now();
        emit::emit_at(&site::COMPLETED, Some(&self.request), severity, now, None, |out, limit| {
            self.write(outcome, now, limit, out);
        });
    }

    fn write(&self, outcome: &str, now: Tick, limit: usize, out: &mut String) {
        let sums = self.request.sums_at(now);
        let text = |out: &mut String, key: &str, value: &str| {
            members::open(out, key);
            Encoder::json(out, limit).text(value);
        };
        let number = |out: &mut String, key: &str, value: u64| {
            members::open(out, key);
            Encoder::json(out, limit).u64(value);
        };
        text(out, "event", "request_completed");
        members::open(out, "status");
        match self.status {
            Some(status) => Encoder::json(out, limit).u64(status.as_u16().into()),
            None => out.push_str("null"),
        }
        millis(out, "duration_ms", now.since(self.request.started));
        text(out, "outcome", outcome);
        if let Some(content_type) = &self.content_type {
            text(out, "content_type", content_type);
        }
        number(out, "response_bytes", self.bytes);
        if let Some(route) = &self.route {
            text(out, "route", route);
        }
        number(out, "steps", self.request.steps().into());
        number(out, "dependency_calls", self.request.dependency_calls().into());
        millis(out, "dependency_ms", Duration::from_nanos(sums.dependency_nanos));
        number(out, "retries", sums.retries);
        if let Some((slowest, _)) = sums.slowest {
            text(out, "slowest_step", slowest);
        }
        if outcome != "ok"
            && let Some(cause) = sums.cause
        {
            members::open(out, "cause");
            write_cause(&cause, limit, out);
        }
        let suppressed = self.request.suppressed.load(Ordering::Relaxed);
        if suppressed > 0 {
            number(out, "lines_suppressed", suppressed);
        }
        if let Some(id) = &self.client_request_id {
            text(out, "client_request_id", id);
        }
    }
}

fn write_cause(cause: &Cause, limit: usize, out: &mut String) {
    Encoder::json(out, limit).object("Cause", |object| {
        object.field("step", &crate::policy::clear(cause.step));
        if let Some(dependency) = cause.dependency {
            object.field("dependency", &crate::policy::clear(dependency));
        }
        object.field("step_id", &cause.step_id);
        if let Some(category) = cause.category.map(Category::as_str) {
            object.field("category", &crate::policy::clear(category));
        }
    });
}

impl Drop for Open {
    fn drop(&mut self) {
        let panicked = self.running && std::thread::panicking();
        self.end(if panicked { End::Panicked } else { End::Cancelled });
    }
}
