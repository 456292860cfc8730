//! The line at a request's end: exactly one, whatever the end is.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderName, StatusCode, header, response};
use tracing_core::dispatcher;

use super::fields::Fields;
use super::layer::Route;
use super::settings::Settings;
use super::site;
use super::started::header_text;
use crate::base::clock::Tick;
use crate::current::{Frame, FrameGuard};
use crate::format::record::Severity;
use crate::instrument::totals;
use crate::json::append::{append, number};
use crate::json::members;
use crate::logger::{CandorLayer, emit};
use crate::redact::keys;
use crate::redact::loggable::Encoder;
use crate::request::Request;

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

/// Codes by which a gRPC service says that it is itself at fault: unknown, deadline exceeded, unimplemented, internal,
/// unavailable, data loss.
const GRPC_FAULTS: [u64; 6] = [2, 4, 12, 13, 14, 15];

/// Room for the numbers of the line up to its content type, and what stands between them.
const NUMBERS_ROOM: usize = 192;

/// A request that has not ended yet. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Open {
    request: Arc<Request>,
    /// What runs in the body works in it.
    frame: Frame,
    route: Option<Route>,
    client_request_id: Option<String>,
    status: Option<StatusCode>,
    content_type: Option<Cow<'static, str>>,
    /// What a gRPC service answered, which is 200 to HTTP whatever it is.
    grpc_status: Option<u64>,
    pub(super) bytes: u64,
    /// How many there will be, where the response says so.
    content_length: Option<u64>,
    /// Fields of the owner's, as members.
    fields: String,
    settings: Arc<Settings>,
    /// Whether the service or the body runs now: a panic that unwinds then is the request's own.
    running: bool,
    ended: bool,
}

impl Open {
    pub(super) fn new(
        request: Arc<Request>,
        route: Option<Route>,
        client_request_id: Option<String>,
        settings: Arc<Settings>,
    ) -> Self {
        Open {
            frame: Frame::of(Arc::clone(&request)),
            request,
            route,
            client_request_id,
            status: None,
            content_type: None,
            grpc_status: None,
            bytes: 0,
            content_length: None,
            fields: String::new(),
            settings,
            running: false,
            ended: false,
        }
    }

    /// Marks a request as running from here on, or no more.
    pub(super) fn run(open: &mut Option<Box<Self>>, running: bool) {
        if let Some(open) = open {
            open.running = running;
        }
    }

    /// Asks the service's own code something: where it panics, so does the request.
    pub(super) fn ask<T>(&mut self, question: impl FnOnce() -> T) -> T {
        self.running = true;
        let answer = question();
        self.running = false;
        answer
    }

    pub(super) fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// Makes the request the current one, for code of the owner's or of the body.
    pub(super) fn enter(&mut self) -> FrameGuard<&mut Frame> {
        FrameGuard::enter(&mut self.frame)
    }

    pub(super) fn responded(&mut self, response: &response::Parts) {
        let headers = &response.headers;
        self.status = Some(response.status);
        self.content_type = content_type(headers);
        self.grpc_answered(headers);
        self.content_length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if !self.settings.response_fields.is_empty() {
            let settings = Arc::clone(&self.settings);
            self.fields = {
                let _here = self.enter();
                let taken = site::COMPLETED.spec.names();
                Fields::told(&settings.response_fields, response, taken)
            };
        }
    }

    /// Reads the answer of a gRPC service in headers or trailers.
    pub(super) fn grpc_answered(&mut self, headers: &HeaderMap) {
        const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
        let answer = headers.get(GRPC_STATUS).and_then(|status| status.to_str().ok()?.parse().ok());
        self.grpc_status = answer.or(self.grpc_status);
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
        self.request.is_over.store(true, Ordering::Relaxed);
        let now = Tick::now();
        let refused = self.status.is_some_and(|status| status.as_u16() >= 400)
            || self.grpc_status.is_some_and(|status| status != 0);
        if let Some(switches) = self.request.switches.as_deref().filter(|_| refused) {
            switches.speak_up();
        }
        let slow = self.settings.slow;
        let failed = self.status.is_some_and(|status| status.is_server_error())
            || self.grpc_status.is_some_and(|status| GRPC_FAULTS.contains(&status));
        let (outcome, severity) = match end {
            End::Panicked => ("panicked", Severity::Error),
            End::Cancelled => ("cancelled", Severity::Warn),
            End::BodyError => ("error", Severity::Error),
            End::Sent if failed => ("error", Severity::Error),
            End::Sent if slow.is_some_and(|slow| now.since(self.request.started) >= slow) => {
                ("ok", Severity::Warn)
            }
            End::Sent => ("ok", Severity::Info),
        };
        let (recorded, lost) = self.settle_recorder(severity >= Severity::Warn);
        emit::emit_at(&site::COMPLETED, Some(&self.request), severity, now, |out, limit| {
            self.write(outcome, now, limit, out);
            for (key, lines) in [("lines_recorded", recorded), ("lines_recorded_lost", lost)] {
                if lines > 0 {
                    members::open(out, key);
                    Encoder::json(out, limit).u64(lines);
                }
            }
            out.push_str(&self.fields);
        });
    }

    /// Writes what was kept for a bad end, or forgets it: how many lines that were, and how many are lost.
    fn settle_recorder(&self, is_bad: bool) -> (u64, u64) {
        let switches = self.request.switches.as_deref();
        let Some(recorder) = switches.and_then(|switches| switches.recorder.as_ref()) else {
            return (0, 0);
        };
        let written = dispatcher::get_default(|dispatch| {
            let core = dispatch.downcast_ref::<CandorLayer>().filter(|_| is_bad)?;
            Some(core.logger.write_kept(&self.request, recorder))
        });
        written.unwrap_or_else(|| {
            recorder.forget();
            (0, 0)
        })
    }

    fn write(&self, outcome: &str, now: Tick, limit: usize, out: &mut String) {
        let text = |out: &mut String, opening: &str, value: Option<&str>| {
            if let Some(value) = value {
                out.push_str(opening);
                Encoder::json(out, limit).text(value);
            }
        };
        append(out, NUMBERS_ROOM, |pieces| {
            pieces.put(",\"event\":\"request_completed\",\"status\":");
            match self.status {
                Some(status) => pieces.number(status.as_u16().into()),
                None => pieces.put("null"),
            }
            if let Some(status) = self.grpc_status {
                pieces.put(",\"grpc_status\":");
                pieces.number(status);
            }
            pieces.put(",\"duration_ms\":");
            pieces.millis(now.nanos_since(self.request.started));
            pieces.put(",\"outcome\":\"");
            pieces.put(outcome);
            pieces.put("\"");
        });
        text(out, ",\"content_type\":", self.content_type.as_deref());
        out.push_str(",\"response_bytes\":");
        number(self.bytes, out);
        text(out, ",\"route\":", self.route.as_ref().map(Route::as_str));
        totals::write(&self.request, now, outcome != "ok", limit, out);
        text(out, ",\"client_request_id\":", self.client_request_id.as_deref());
    }
}

/// The type of the content. Most have one of a few.
fn content_type(headers: &HeaderMap) -> Option<Cow<'static, str>> {
    const KNOWN: [&str; 4] = [
        "application/json",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "application/grpc",
    ];
    let value = headers.get(header::CONTENT_TYPE)?;
    match KNOWN.iter().find(|known| known.as_bytes() == value.as_bytes()) {
        Some(known) if !keys::is_adjusted() => Some(Cow::Borrowed(known)),
        _ => header_text(headers, &header::CONTENT_TYPE).map(Cow::Owned),
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let panicked = self.running && std::thread::panicking();
        self.end(if panicked { End::Panicked } else { End::Cancelled });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::context::RequestContext;

    /// What does not fit into the room of numbers is left out.
    #[test]
    fn the_largest_numbers_fit() {
        let request = RequestContext::with_id("r").request;
        let mut open = Open::new(request, None, None, Arc::default());
        open.status = Some(StatusCode::IM_A_TEAPOT);
        open.grpc_status = Some(u64::MAX);
        open.bytes = u64::MAX;
        let mut out = String::new();
        open.write("cancelled", Tick::of_nanos(u64::MAX), 100, &mut out);
        let beginning = ",\"event\":\"request_completed\",\"status\":418,\"grpc_status\":18446744073709551615,\
                         \"duration_ms\":18446744";
        assert!(out.starts_with(beginning), "{out}");
        let end = ",\"outcome\":\"cancelled\",\"response_bytes\":18446744073709551615,\"steps\":0";
        assert!(out.contains(end), "{out}");
    }
}
