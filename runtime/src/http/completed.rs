//! A request in flight, and its `request_completed` line: exactly one, however the request completes.

use std::mem;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, response};
use http_body::{Body, Frame as BodyFrame};
use tracing_core::dispatcher;

use super::fields::Fields;
use super::headers::ResponseHeaders;
use super::route::Route;
use super::settings::Settings;
use super::site;
use super::trust::DebugRequest;
use crate::base::clock::Tick;
use crate::current::Frame;
use crate::format::record::Severity;
use crate::instrument::context::RequestSpan;
use crate::instrument::{totals, wide};
use crate::json::append::{append, number};
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::{CandorLayer, emit, notices, story};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::metrics::Observation;
use crate::outcome::grpc;
use crate::redact::keys;
use crate::redact::loggable::Encoder;
use crate::redact::shown::{self, Redacted};
use crate::request::{Origin, Request};

/// How a request completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completion {
    /// The whole response was sent.
    Sent,
    /// The service or the response body returned an error.
    Failed,
    /// The client disconnected, or the server dropped the request.
    Cancelled,
    Panicked,
}

/// Capacity for the members up to `outcome`.
const NUMBERS_CAPACITY: usize = 192;

/// A request that has not completed yet. Dropping it completes the request.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) request: Arc<Request>,
    /// Current while code of the request runs, in its span.
    pub(super) frame: Frame,
    pub(super) span: RequestSpan,
    method: Method,
    pub(super) route: Option<Route>,
    pub(super) client_request_id: Option<Redacted<'static>>,
    pub(super) debug: DebugRequest,
    status: Option<StatusCode>,
    content_type: Option<Redacted<'static>>,
    /// The gRPC status. Its HTTP status is 200 in any case.
    grpc_status: Option<u16>,
    /// Bytes of the body so far.
    bytes: u64,
    /// The `Content-Length` header.
    content_length: Option<u64>,
    /// Members added by `response_fields`.
    fields: String,
    pub(super) settings: Arc<Settings>,
    version: Version,
    /// Whether the caller counts the bytes of the body, and candor does not see the body.
    counts_by_hand: bool,
    is_completed: bool,
}

/// Marks a request as panicked if the code that handles it panics.
#[derive(Debug)]
pub(super) struct PanicWatch<'a>(&'a Request);

impl<'a> PanicWatch<'a> {
    /// Runs code of the service. If it panics, the request completes as panicked.
    #[inline]
    pub(super) fn run<T>(request: &'a Request, work: impl FnOnce() -> T) -> T {
        let watch = PanicWatch::begin(request);
        let value = work();
        watch.end();
        value
    }

    /// Returns a guard that marks the request as panicked if it is dropped by a panic.
    #[inline]
    pub(super) fn begin(request: &'a Request) -> Self {
        PanicWatch(request)
    }

    /// Ends the watch without a panic.
    #[inline]
    pub(super) fn end(self) {
        mem::forget(self);
    }
}

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.has_panicked.store(true, Ordering::Relaxed);
    }
}

impl OpenRequest {
    pub(super) fn new(
        request: Arc<Request>,
        parts: &Parts,
        client_request_id: Option<Redacted<'static>>,
        debug: DebugRequest,
        settings: Arc<Settings>,
    ) -> Box<Self> {
        let counts_by_hand = request.origin == Origin::ByHand;
        // Boxed, since its owners are moved often. The box comes first, so that the request is built in it.
        let new = Box::new_uninit();
        Box::write(
            new,
            OpenRequest {
                frame: Frame::of(Arc::clone(&request)),
                span: RequestSpan::Nothing,
                request,
                method: parts.method.clone(),
                route: Route::of(&parts.extensions),
                client_request_id,
                debug,
                status: None,
                content_type: None,
                grpc_status: None,
                bytes: 0,
                content_length: None,
                fields: String::new(),
                settings,
                version: parts.version,
                counts_by_hand,
                is_completed: false,
            },
        )
    }

    /// Runs code within the request. If the code panics, the request completes as panicked.
    pub(super) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let Self { request, frame, span, .. } = self;
        let _entered = span.enter_in(frame);
        PanicWatch::run(request, work)
    }

    /// Removes what the handler has left in the frame: steps that have not ended, and another request whose guard was
    /// not dropped.
    pub(super) fn reset_frame(&mut self) {
        let request = self.frame.request.take().filter(|it| Arc::ptr_eq(it, &self.request));
        self.frame = Frame::of(request.unwrap_or_else(|| Arc::clone(&self.request)));
    }

    /// Whether it is not known yet how the request ends.
    pub(super) fn is_running(&self) -> bool {
        !self.is_completed && !self.request.has_panicked.load(Ordering::Relaxed)
    }

    /// Whether the request ends with the last byte of its body. From HTTP/2 on, servers poll a body to its end, since
    /// trailers may follow.
    pub(super) fn ends_with_last_byte(&self) -> bool {
        self.counts_by_hand || self.version < Version::HTTP_2
    }

    /// Takes the members of `request_completed` from the response headers.
    ///
    /// Completes the request if the response has no body.
    pub(super) fn set_response(&mut self, response: &response::Parts) {
        let headers = ResponseHeaders::of(&response.headers);
        self.status = Some(response.status);
        self.content_type = headers.content_type.map(content_type);
        self.grpc_status = headers.grpc_status.and_then(number_of).or(self.grpc_status);
        self.content_length = headers.content_length.and_then(number_of);
        if !self.settings.response_fields.is_empty() {
            let settings = Arc::clone(&self.settings);
            let reserved = site::COMPLETED.spec.names();
            self.fields =
                self.run(|| Fields::collect(&settings.response_fields, response, reserved));
        }
        if has_no_body(&self.method, response.status) {
            self.complete(Completion::Sent);
        }
    }

    /// Reads the gRPC status from trailers.
    pub(super) fn set_grpc_status(&mut self, trailers: &HeaderMap) {
        const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
        self.grpc_status = trailers.get(GRPC_STATUS).and_then(number_of).or(self.grpc_status);
    }

    /// Completes the request if the body, which is polled from now on, is at its end already.
    pub(super) fn begin_body(&mut self, body: &impl Body) {
        self.counts_by_hand = false;
        if self.run(|| body.is_end_stream()) {
            self.complete(Completion::Sent);
        }
    }

    pub(super) fn add_bytes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Counts a polled frame of the body and its `bytes`. Completes the request if the frame is the last one.
    pub(super) fn add_frame<D, E>(
        &mut self,
        frame: &Poll<Option<Result<BodyFrame<D>, E>>>,
        bytes: usize,
    ) {
        self.add_bytes(bytes);
        match frame {
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers are the last frame; servers do not poll again after them.
                if let Some(trailers) = frame.trailers_ref() {
                    self.set_grpc_status(trailers);
                    self.complete(Completion::Sent);
                }
            }
            Poll::Ready(Some(Err(_))) => self.complete(Completion::Failed),
            Poll::Ready(None) => self.complete(Completion::Sent),
            Poll::Pending => {}
        }
    }

    /// Writes `request_completed`, unless it has been written.
    pub(super) fn complete(&mut self, completion: Completion) {
        if mem::replace(&mut self.is_completed, true) {
            return;
        }
        if !self.span.is_seen() {
            return self.write_completed(completion);
        }
        // This may be the drop of a body that another request reads.
        let (mut frame, mut span) = (mem::take(&mut self.frame), mem::take(&mut self.span));
        span.run_in_any_case(&mut frame, || self.write_completed(completion));
        (self.frame, self.span) = (frame, span);
    }

    fn write_completed(&self, completion: Completion) {
        self.request.set_over();
        let now = Tick::now();
        let is_unsuccessful = self.status.is_some_and(|status| status.as_u16() >= 400)
            || self.grpc_status.is_some_and(|status| status != 0);
        if let Some(overrides) = self.request.overrides.as_deref().filter(|_| is_unsuccessful) {
            overrides.unmute();
        }
        let is_slow =
            self.settings.slow.is_some_and(|slow| now.since(self.request.started) >= slow);
        let is_server_error = self.status.is_some_and(|status| status.is_server_error())
            || self.grpc_status.is_some_and(grpc::is_fault);
        let (outcome, severity) = match completion {
            Completion::Panicked => {
                notices::panicked();
                ("panicked", Severity::Error)
            }
            Completion::Cancelled => ("cancelled", Severity::Warn),
            Completion::Failed => ("error", Severity::Error),
            Completion::Sent if is_server_error => ("error", Severity::Error),
            Completion::Sent if is_slow => ("ok", Severity::Warn),
            Completion::Sent => ("ok", Severity::Info),
        };
        let left_out = story::end(&self.request, severity >= Severity::Warn, now);
        let (recorded, lost) = self.finish_recorder(severity >= Severity::Warn);
        let observation = self.observe(outcome, now);
        let request = Some(&self.request);
        let is_written = emit::emit_at(&site::COMPLETED, request, severity, now, |out, limit| {
            self.write(outcome, now, limit, out);
            for (key, lines) in [("lines_recorded", recorded), ("lines_recorded_lost", lost)] {
                if lines > 0 {
                    members::open(out, key);
                    Encoder::json(out, limit).u64(lines);
                }
            }
            wide::write(&self.request, left_out, out);
            let own = site::COMPLETED.spec.names();
            wide::write_fields(&self.request, own, limit, &self.fields, out);
        });
        if is_written {
            observation.line_written(request, now);
        }
    }

    /// Counts the request, if metrics are on.
    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "counts nothing"))]
    fn observe(&self, outcome: &'static str, now: Tick) -> Observation {
        #[cfg(feature = "metrics")]
        if metrics::is_on() {
            let route = self.route.as_ref().map(Route::redacted);
            let route = route.as_ref().map(Redacted::as_str);
            let took = now.nanos_since(self.request.started);
            let method = metrics::method_label(self.method.as_str());
            let status = metrics::status_class(self.status.map(|status| status.as_u16()));
            return metrics::request_ended(method, route, status, outcome, took);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (outcome, now);
        Observation::NONE
    }

    /// Writes the recorded lines if `is_failure`, else discards them. Returns how many were written, and how many were
    /// evicted earlier.
    fn finish_recorder(&self, is_failure: bool) -> (u64, u64) {
        let overrides = self.request.overrides.as_deref();
        let Some(recorder) = overrides.and_then(|overrides| overrides.recorder.as_ref()) else {
            return (0, 0);
        };
        let written = dispatcher::get_default(|dispatch| {
            let core = dispatch.downcast_ref::<CandorLayer>().filter(|_| is_failure)?;
            Some(core.logger.write_kept(&self.request, recorder))
        });
        written.unwrap_or_else(|| {
            recorder.forget();
            (0, 0)
        })
    }

    fn write(&self, outcome: &str, now: Tick, limit: usize, out: &mut String) {
        let text = |out: &mut String, key: &'static str, value: Option<Shown<'_>>| {
            if let Some(value) = value {
                out.push_str(key);
                Encoder::json(out, limit).shown(value);
            }
        };
        append(out, NUMBERS_CAPACITY, |pieces| {
            pieces.put(",\"event\":\"request_completed\",\"status\":");
            match self.status {
                Some(status) => pieces.number(status.as_u16().into()),
                None => pieces.put("null"),
            }
            if let Some(status) = self.grpc_status {
                pieces.put(",\"grpc_status\":");
                pieces.number(status.into());
            }
            pieces.put(",\"duration_ms\":");
            pieces.millis(now.nanos_since(self.request.started));
            pieces.put(",\"outcome\":\"");
            pieces.put(outcome);
            pieces.put("\"");
        });
        text(out, ",\"content_type\":", self.content_type.as_ref().map(Redacted::shown));
        out.push_str(",\"response_bytes\":");
        number(self.bytes, out);
        let route = self.route.as_ref().map(Route::redacted);
        text(out, ",\"route\":", route.as_ref().map(Redacted::shown));
        totals::write(&self.request, now, outcome != "ok", limit, out);
        let client_id = self.client_request_id.as_ref();
        text(out, ",\"client_request_id\":", client_id.map(Redacted::shown));
    }
}

/// Whether servers skip the body of this response (RFC 9110, section 6.4.1).
fn has_no_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || (method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

fn number_of<T: FromStr>(value: &HeaderValue) -> Option<T> {
    value.to_str().ok()?.parse().ok()
}

/// The scrubbed content type. Common ones need no scrubbing and no allocation.
fn content_type(value: &HeaderValue) -> Redacted<'static> {
    const KNOWN: [&str; 4] = [
        "application/json",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "application/grpc",
    ];
    match KNOWN.iter().find(|known| known.as_bytes() == value.as_bytes()) {
        Some(known) if !keys::is_adjusted() => (*known).into(),
        _ => shown::header(header::CONTENT_TYPE.as_str(), value.as_bytes()),
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        // A server that knows the length from the header does not poll the body again after the last byte.
        let is_sent = self.ends_with_last_byte() && self.content_length == Some(self.bytes);
        self.complete(if self.request.has_panicked.load(Ordering::Relaxed) {
            Completion::Panicked
        } else if is_sent {
            Completion::Sent
        } else {
            Completion::Cancelled
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::context::RequestContext;

    /// `append` drops pieces beyond `NUMBERS_CAPACITY`.
    #[test]
    fn the_largest_numbers_fit() {
        let request = RequestContext::with_id("r").request;
        let (parts, ()) = http::Request::new(()).into_parts();
        let mut in_flight =
            OpenRequest::new(request, &parts, None, DebugRequest::Ignored, Arc::default());
        in_flight.status = Some(StatusCode::IM_A_TEAPOT);
        in_flight.grpc_status = Some(u16::MAX);
        in_flight.bytes = u64::MAX;
        let mut out = String::new();
        in_flight.write("cancelled", Tick::of_nanos(u64::MAX), 100, &mut out);
        let beginning = ",\"event\":\"request_completed\",\"status\":418,\"grpc_status\":65535,\
                         \"duration_ms\":18446744";
        assert!(out.starts_with(beginning), "{out}");
        let end = ",\"outcome\":\"cancelled\",\"response_bytes\":18446744073709551615,\"steps\":0";
        assert!(out.contains(end), "{out}");
    }
}
