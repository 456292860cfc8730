//! The beginning of a request: its context, the hooks of the layer, and `request_started`.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use http::Extensions;
use http::request::Parts;

use super::completed::OpenRequest;
use super::fields::{Fields, call_hook};
use super::request_id::IncomingId;
use super::settings::Settings;
use super::trust::{DebugRequest, Trust};
use super::{started, trace_context};
use crate::current;
use crate::instrument::context::{self, RequestContext};
use crate::redact::shown::{self, Redacted};
use crate::request::open_steps::OpenSteps;
use crate::request::{Origin, Request};

/// Creates a request from its headers. Nothing is logged yet.
pub(super) fn prepare(
    settings: &Arc<Settings>,
    parts: &Parts,
    peer: Option<SocketAddr>,
    origin: Origin,
) -> (RequestContext, Box<OpenRequest>) {
    let (id, client_request_id) = match IncomingId::of(&parts.headers) {
        IncomingId::Missing => (None, None),
        IncomingId::Valid(id) => (Some(id), None),
        IncomingId::Rejected(shown) => (None, Some(shown)),
    };
    let debug = |trust: &Trust| trust.debug_request(parts, peer);
    let debug = settings.trust.as_ref().map_or(DebugRequest::Ignored, debug);
    let context = new_context(settings, parts, id, debug, origin);
    if let Some(watch) = &settings.watch {
        watch.add(&context.request);
    }
    // Boxed, since its owners are moved often.
    let open = Box::new(OpenRequest::new(
        Arc::clone(&context.request),
        parts,
        client_request_id,
        debug,
        Arc::clone(settings),
    ));
    (context, open)
}

/// Calls the hooks and writes `request_started`. The request must be the current one.
pub(super) fn announce(open: &OpenRequest, parts: &Parts) {
    let settings = &open.settings;
    if let Some(user) = &settings.user {
        call_hook(|| user(parts));
    }
    context::add(&Fields::collect(&settings.fields, parts, &[]));
    if let Some(trust) = &settings.trust {
        trust.log(open.debug);
    }
    started::write(parts, open.client_request_id.as_ref());
}

fn new_context(
    settings: &Settings,
    parts: &Parts,
    id: Option<Redacted<'static>>,
    debug: DebugRequest,
    origin: Origin,
) -> RequestContext {
    let mut request = match id {
        Some(id) => Request::with_id(id),
        None => Request::new(),
    };
    request.origin = origin;
    let path = settings.path.as_ref().and_then(|path| call_hook(|| path(parts)).flatten());
    request.overrides = settings.overrides(request.id.as_str(), parts, debug).map(Box::new);
    request.method = Some(shown::method(parts.method.as_str()));
    let path = path.as_deref().unwrap_or(parts.uri.path());
    request.path = Some(shown::request_target(path));
    request.set_trace(trace_context::of(&parts.headers, request.started));
    if settings.watch.is_some() {
        request.open_steps.get_or_insert_with(OpenSteps::listed);
    }
    let context = RequestContext::of(request);
    #[cfg(feature = "testing")]
    if context.request.capture.get().is_none()
        && let Some(capture) = &settings.capture
    {
        let _ = context.request.capture.set(Arc::clone(capture));
    }
    context
}

/// Request extension that marks a request as handled by an outer layer.
#[derive(Clone)]
struct LayerMark(Weak<Request>);

/// Marks a request for layers inside it.
pub(super) fn mark(extensions: &mut Extensions, request: &Arc<Request>) {
    extensions.insert(LayerMark(Arc::downgrade(request)));
}

/// Returns the current request if it is the one with these extensions.
///
/// If the extension is copied into another request, it does not mark that request. A request begun by hand has no mark;
/// it is taken if it is current and not complete.
pub(super) fn marked(extensions: &Extensions) -> Option<RequestContext> {
    let request = current::request()?;
    let is_same = match request.origin {
        Origin::ByHand => !request.is_over(),
        Origin::Layer | Origin::Internal | Origin::RootSpan => extensions
            .get()
            .is_some_and(|LayerMark(marked)| marked.as_ptr() == Arc::as_ptr(&request)),
    };
    is_same.then_some(RequestContext { request })
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
