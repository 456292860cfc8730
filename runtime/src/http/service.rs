//! The service around a request: sets the context up, then calls the inner service within it.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::CompletedBody;
use super::completed::OpenRequest;
use super::fields::{Fields, call_hook};
use super::future::ResponseFuture;
use super::request_id::IncomingId;
use super::route::Route;
use super::settings::Settings;
use super::trust::DebugRequest;
use super::{started, trace_context};
use crate::instrument::context::{self, RequestContext};
use crate::request::open_steps::OpenSteps;
use crate::{current, request};

/// Service produced by [`RequestLayer`](super::RequestLayer).
#[derive(Debug, Clone)]
pub struct RequestService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> RequestService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        RequestService { inner, settings }
    }
}

impl<S, B, R> Service<Request<B>> for RequestService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<CompletedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.extensions().get().is_some_and(LayerMark::is_current) {
            let method = request.method().clone();
            let future = RequestContext::scope_of_here(|| self.inner.call(request));
            return ResponseFuture::new(future, None, method);
        }
        let (mut parts, body) = request.into_parts();
        let settings = &self.settings;
        let incoming_id = IncomingId::of(&parts.headers);
        let trust = settings.trust.as_ref();
        let debug = trust.map_or(DebugRequest::Ignored, |trust| trust.debug_request(&parts));
        let context = new_context(settings, &parts, &incoming_id, debug);
        let client_request_id = match incoming_id {
            IncomingId::Rejected(shown) => Some(shown),
            IncomingId::Missing | IncomingId::Valid(_) => None,
        };
        if let Some(watch) = &settings.watch {
            watch.add(&context.request);
        }
        parts.extensions.insert(LayerMark(Arc::downgrade(&context.request)));
        let method = parts.method.clone();
        // Boxed, since the response future and the body that hold it are moved often.
        let mut in_flight = Box::new(OpenRequest::new(
            context.request.clone(),
            Route::of(&parts.extensions),
            client_request_id.clone(),
            Arc::clone(settings),
        ));
        let run = || {
            if let Some(user) = &settings.user {
                call_hook(|| user(&parts));
            }
            context::add(&Fields::collect(&settings.fields, &parts, &[]));
            if let Some(trust) = trust {
                trust.log(debug);
            }
            let request = Request::from_parts(parts, body);
            started::write(&request, client_request_id.as_deref());
            self.inner.call(request)
        };
        let future = in_flight.run(|| context.scope_of(run));
        ResponseFuture::new(future, Some(in_flight), method)
    }
}

fn new_context(
    settings: &Settings,
    parts: &Parts,
    incoming_id: &IncomingId,
    debug: DebugRequest,
) -> RequestContext {
    let mut request = match incoming_id {
        IncomingId::Valid(id) => request::Request::with_id(id),
        IncomingId::Missing | IncomingId::Rejected(_) => request::Request::new(),
    };
    let path = settings.path.as_ref().and_then(|path| call_hook(|| path(parts)).flatten());
    request.overrides = settings.overrides(&request.id, parts, debug).map(Box::new);
    request.method = Some(context::method_of(parts.method.as_str()));
    let path = path.as_deref().unwrap_or(parts.uri.path());
    request.path = Some(context::safe_path(path).into());
    request.set_trace(trace_context::of(&parts.headers, request.started));
    if settings.watch.is_some() {
        request.open_steps = Some(OpenSteps::default());
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

/// Request extension that marks a request as handled by an outer [`RequestService`].
#[derive(Clone)]
struct LayerMark(Weak<request::Request>);

impl LayerMark {
    /// Whether the mark belongs to the current request. An extension copied into another request does not.
    fn is_current(&self) -> bool {
        current::request().is_some_and(|request| self.0.as_ptr() == Arc::as_ptr(&request))
    }
}
