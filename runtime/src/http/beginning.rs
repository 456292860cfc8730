//! The beginning of a request: its context, the hooks of the layer, and `request_started`.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Extensions;
use http::request::Parts;

use super::completed::OpenRequest;
use super::fields::{Fields, call_hook};
use super::headers::RequestHeaders;
use super::request_id::IncomingId;
use super::settings::Settings;
use super::trust::{DebugRequest, Trust};
use super::{started, trace_context};
use crate::base::clock::Tick;
use crate::base::random;
use crate::current;
use crate::instrument::context::{self, RequestContext};
use crate::redact::scrub::REDACTED;
use crate::redact::shown::{self, Redacted, RequestId};
use crate::request::open_steps::OpenSteps;
use crate::request::{self, Origin, Request, RequestStart};

/// Creates a request from its headers. Nothing is logged yet.
pub(super) fn prepare(
    settings: &Arc<Settings>,
    parts: &Parts,
    peer: Option<SocketAddr>,
    origin: Origin,
) -> Box<OpenRequest> {
    let headers = RequestHeaders::of(&parts.headers);
    let (id, client_request_id) = match IncomingId::of(headers.request_id) {
        IncomingId::Missing => (None, None),
        IncomingId::Valid(id) => (Some(RequestId::Given(id)), None),
        IncomingId::Rejected(shown) => (None, Some(shown)),
    };
    let debug = |trust: &Trust| trust.debug_request(parts, peer);
    let debug = settings.trust.as_ref().map_or(DebugRequest::Ignored, debug);
    let RequestContext { request } = new_context(settings, parts, &headers, id, debug, origin);
    if let Some(watch) = &settings.watch {
        watch.add(&request);
    }
    OpenRequest::new(request, parts, client_request_id, debug, Arc::clone(settings))
}

/// Creates the request of a tower service, and marks it for layers inside it. `None` if a layer around this one has
/// begun it.
pub(super) fn in_layer(settings: &Arc<Settings>, parts: &mut Parts) -> Option<Box<OpenRequest>> {
    if is_marked(&parts.extensions) {
        return None;
    }
    let open = prepare(settings, parts, None, Origin::Layer);
    parts.extensions.insert(LayerMark(open.request.serial));
    Some(open)
}

/// Calls the hooks and writes `request_started`. The request must be the current one.
pub(super) fn announce(
    settings: &Settings,
    request: &Arc<Request>,
    debug: DebugRequest,
    client_request_id: Option<&Redacted<'static>>,
    parts: &Parts,
) {
    if let Some(user) = &settings.user {
        call_hook(|| user(parts));
    }
    context::add(&Fields::collect(&settings.fields, parts, &[]));
    if let Some(trust) = &settings.trust {
        trust.log(debug);
    }
    started::write(request, parts, client_request_id);
}

fn new_context(
    settings: &Settings,
    parts: &Parts,
    headers: &RequestHeaders<'_>,
    id: Option<RequestId>,
    debug: DebugRequest,
    origin: Origin,
) -> RequestContext {
    let now = Tick::now();
    let (uuid, trace_id, span_id) = random::of_request(now);
    let id = id.unwrap_or_else(|| request::new_id(now, &uuid));
    let path = match settings.path.as_ref().map(|path| call_hook(|| path(parts))) {
        // The hook panicked, so the path may have a secret that it would have removed.
        Some(None) => REDACTED.into(),
        path => {
            let path = path.flatten().flatten();
            shown::request_target(path.as_deref().unwrap_or(parts.uri.path()))
        }
    };
    let overrides = settings.overrides(&id, parts, debug);
    let context = RequestContext::begin(|| {
        Request::begin(RequestStart {
            id,
            started: now,
            origin,
            method: Some(shown::method(parts.method.as_str())),
            path: Some(path),
            trace: Some(trace_context::of(&parts.headers, headers.traceparent, trace_id, span_id)),
            overrides,
            open_steps: settings.watch.as_ref().map(|_| OpenSteps::listed()),
        })
    });
    #[cfg(feature = "testing")]
    if context.request.capture.get().is_none()
        && let Some(capture) = &settings.capture
    {
        let _ = context.request.capture.set(Arc::clone(capture));
    }
    context
}

/// Request extension that marks a request as handled by an outer layer, with the serial number of the request.
#[derive(Clone)]
struct LayerMark(u64);

/// Returns whether the current request is the one with these extensions.
///
/// If the extension is copied into another request, it does not mark that request. A request begun by hand has no mark;
/// it is taken if it is current and not complete.
fn is_marked(extensions: &Extensions) -> bool {
    current::with(|frame| {
        let Some(request) = frame.request.as_ref().filter(|it| !it.is_over()) else { return false };
        match request.origin {
            Origin::ByHand => true,
            Origin::Layer => {
                extensions.get().is_some_and(|LayerMark(marked)| *marked == request.serial)
            }
            Origin::Internal | Origin::RootSpan => false,
        }
    })
    .unwrap_or(false)
}

/// Returns the current request if it came over HTTP and is not complete.
///
/// The headers can be copied from another framework's, without the mark.
pub(super) fn current_request() -> Option<RequestContext> {
    let request = current::request()?;
    let is_http = matches!(request.origin, Origin::Layer | Origin::ByHand);
    let is_open = is_http && !request.is_over();
    is_open.then_some(RequestContext { request })
}
