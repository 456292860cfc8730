//! The `tower` layer around a service: context in, one `request_completed` out.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::request::Parts;
use http::response;
use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::CompletedBody;
use super::completed::{End, Open};
use super::fields::Fields;
use super::flight_recorder::{FlightRecorder, InUse};
use super::request_id::{self, REQUEST_ID, Sent};
use super::settings::Settings;
use super::stuck::Watch;
use super::trust::{Asked, Trust};
use super::{started, trace_context};
use crate::current;
use crate::instrument::context::{self, RequestContext, Scope};
use crate::redact::loggable::Loggable;
use crate::request::Request as RequestData;
use crate::request::open_steps::OpenSteps;

/// Gives every request its context, and writes `request_started` and `request_completed`.
///
/// The id is taken from `X-Request-ID` where that is 1 to 128 characters of `[A-Za-z0-9._-]`, else
/// made (UUID v7); it goes back in the response's header. A W3C `traceparent` is continued.
///
/// # Exactly one end
///
/// A request that got a context writes one `request_completed`, when its response body has gone out,
/// failed or been dropped by a client that went away, or when the handler panicked. A second layer inside the first,
/// as around a router that is nested in another one, lets it pass.
///
/// ```
/// use axum::{Router, routing::get};
///
/// let app: Router = Router::new()
///     .route("/health", get(|| async { "ok" }))
///     .layer(candor::http::RequestLayer::new());
/// # let _ = app;
/// ```
#[derive(Clone)]
pub struct RequestLayer {
    settings: Arc<Settings>,
    /// Requests come in on tasks of the server's own: they belong to the test that made the layer.
    #[cfg(feature = "testing")]
    capture: Option<Arc<dyn crate::request::capture::Capture>>,
}

impl fmt::Debug for RequestLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLayer").finish_non_exhaustive()
    }
}

impl Default for RequestLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestLayer {
    /// The layer with its defaults.
    pub fn new() -> Self {
        RequestLayer {
            settings: Arc::default(),
            #[cfg(feature = "testing")]
            capture: current::capture(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Who may ask for the detail of a request with `X-Debug-Log: 1`. Default: nobody.
    pub fn trust(self, trust: Trust) -> Self {
        self.with(|settings| settings.trust = Some(trust))
    }

    /// The part of the requests whose lines are written, from 0 to 1. Default 1.
    ///
    /// It is decided by the request id alone (FNV-1a of 64 bits, mixed as in splitmix64, the same in every version), so
    /// that all services that a request passes through agree where their rates do; [`context::is_sampled`] tells.
    /// Of other requests, lines below WARN are counted and not written, their `request_completed` among them: what
    /// fails, is slow, or is for the audit is always written. A request that is asked for its
    /// [detail](Self::trust) is part of every sample.
    ///
    /// [`context::is_sampled`]: crate::context::is_sampled
    pub fn sample(self, rate: f64) -> Self {
        self.with(|settings| settings.rate = if rate.is_nan() { 1.0 } else { rate })
    }

    /// Keeps the detail of every request for a bad end. Default: off.
    pub fn flight_recorder(self, recorder: FlightRecorder) -> Self {
        self.with(|settings| settings.recorder = Some(InUse::begin(recorder)))
    }

    /// The time from which on a request is slow: its `request_completed` is then a WARN. Default: none is.
    pub fn slow(self, from: Duration) -> Self {
        self.with(|settings| settings.slow = Some(from))
    }

    /// The time from which on an open request writes one WARN `request_stuck`, with the steps and calls that are
    /// open in it and their ages; eight of them at most. `None` for never. Default: 30 s, and up to a second more.
    ///
    /// ```text
    /// {…,"level":"WARN","logger":"http","msg":"request_stuck",…,"age_ms":30412.117,
    ///  "open":[{"step":"place_order","step_id":1,"age_ms":30411.902},
    ///          {"step":"charge","dependency":"payments","step_id":2,"age_ms":30401.377}]}
    /// ```
    pub fn stuck_after(self, time: impl Into<Option<Duration>>) -> Self {
        self.with(|settings| settings.watch = time.into().map(Watch::after))
    }

    /// Leaves out the lines below WARN of requests to exactly this path, such as health checks. Can be called for
    /// several paths. Default: none.
    ///
    /// A check that fails stays visible: `request_completed` is written where the answer is none of 1xx to 3xx, a 404 or
    /// a 429 included, where the request is slow, and where it is cancelled or panics; so is what the service itself
    /// writes from WARN on. A request that is asked for its [detail](Self::trust) is written as any other.
    ///
    /// ```
    /// let layer = candor::http::RequestLayer::new().quiet("/health").quiet("/metrics");
    /// # let _ = layer;
    /// ```
    pub fn quiet(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.quiet_if(move |request| request.uri.path() == path)
    }

    /// The same for this path and all below it: `/health` is `/health`, `/health/` and `/health/live`, and not
    /// `/healthy`.
    ///
    /// ```
    /// let layer = candor::http::RequestLayer::new().quiet_under("/health");
    /// # let _ = layer;
    /// ```
    pub fn quiet_under(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.quiet_if(move |request| {
            let below = request.uri.path().strip_prefix(path.trim_end_matches('/'));
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// The same for the requests of which a rule says so, by their head. A rule that panics says nothing.
    ///
    /// ```
    /// let layer = candor::http::RequestLayer::new().quiet_if(|request| {
    ///     request.headers.get("user-agent").is_some_and(|agent| agent.as_bytes().starts_with(b"kube-probe/"))
    /// });
    /// # let _ = layer;
    /// ```
    pub fn quiet_if(self, rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.quiet.push(Arc::new(rule)))
    }

    /// What the lines show as `path` in place of the request's own, where that may hold secrets; where the answer is
    /// `None` it stays. The answer is scrubbed as the path is.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    ///
    /// let layer = RequestLayer::new().path(|request| {
    ///     request.uri.path().starts_with("/reset/").then(|| "/reset/{token}".to_owned())
    /// });
    /// # let _ = layer;
    /// ```
    pub fn path(self, path: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.path = Some(Arc::new(path)))
    }

    /// Has `path` show the route's pattern, `/orders/{id}`, wherever axum knows it.
    #[cfg(feature = "axum")]
    pub fn path_template(self) -> Self {
        self.path(|parts| Some(route_of(&parts.extensions)?.as_str().to_owned()))
    }

    /// Who the user of a request is, where its head tells: what stands in `user_id` from the first line on. It has
    /// to be loggable, as for [`context::set_user`](crate::context::set_user): a number, an id of a type that is. Text of the
    /// head can be given to [`context::set_user`](crate::context::set_user) in [`fields`](Self::fields), where the request is
    /// the current one.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    ///
    /// let layer = RequestLayer::new().user(|request| {
    ///     request.headers.get("x-customer")?.to_str().ok()?.parse::<u64>().ok()
    /// });
    /// # let _ = layer;
    /// ```
    pub fn user<U: Loggable>(
        self,
        user: impl Fn(&Parts) -> Option<U> + Send + Sync + 'static,
    ) -> Self {
        let set = move |parts: &Parts| {
            if let Some(user) = user(parts) {
                context::set_user(user);
            }
        };
        self.with(|settings| settings.user = Some(Arc::new(set)))
    }

    /// Fields of one's own from a request's head, for every line of the request: as [`context::set`] for each.
    /// Can be called several times; of one name the last value counts. Default: none.
    ///
    /// A value that is not loggable does not compile, so text says what may be shown of it; a sensitive name is
    /// written as `"[REDACTED]"`. A hook that panics adds nothing.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    /// use candor::policy::clear;
    ///
    /// let layer = RequestLayer::new().fields(|request, fields| {
    ///     if let Some(Ok(tenant)) = request.headers.get("x-tenant").map(|tenant| tenant.to_str()) {
    ///         fields.set("tenant", clear(tenant));
    ///     }
    /// });
    /// # let _ = layer;
    /// ```
    ///
    /// [`context::set`]: crate::context::set
    pub fn fields(self, fields: impl Fn(&Parts, &mut Fields) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.fields.push(Arc::new(fields)))
    }

    /// Fields of one's own from a response's head, on `request_completed` alone, behind its own. Can be called several
    /// times; of one name the last value counts. Default: none.
    ///
    /// The rules are those of [`fields`](Self::fields), and a name that the line has already gets a trailing underscore.
    /// A request that panics or is cancelled before there is a response has none of them.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    /// use candor::policy::clear;
    ///
    /// let layer = RequestLayer::new().response_fields(|response, fields| {
    ///     if let Some(Ok(cache)) = response.headers.get("x-cache").map(|cache| cache.to_str()) {
    ///         fields.set("cache", clear(cache));
    ///     }
    /// });
    /// # let _ = layer;
    /// ```
    pub fn response_fields(
        self,
        fields: impl Fn(&response::Parts, &mut Fields) + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.response_fields.push(Arc::new(fields)))
    }

    fn context(&self, parts: &Parts, sent: &Sent, asked: Asked) -> RequestContext {
        let mut request = match sent {
            Sent::Valid(id) => RequestData::with_id(id),
            Sent::Nothing | Sent::Refused(_) => RequestData::new(),
        };
        let shown = self.settings.path.as_ref().and_then(|hook| guarded(|| hook(parts)).flatten());
        request.switches = self.settings.switches(&request.id, parts, asked).map(Box::new);
        request.method = Some(context::method_of(parts.method.as_str()));
        let path = shown.as_deref().unwrap_or(parts.uri.path());
        request.path = Some(context::safe_path(path).into());
        request.set_trace(trace_context::of(&parts.headers, request.started));
        if self.settings.watch.is_some() {
            request.open_steps = Some(OpenSteps::default());
        }
        let context = RequestContext::of(request);
        #[cfg(feature = "testing")]
        if context.request.capture.get().is_none()
            && let Some(capture) = &self.capture
        {
            let _ = context.request.capture.set(Arc::clone(capture));
        }
        context
    }
}

/// A hook is the owner's code; one that panics has no answer.
pub(super) fn guarded<T>(hook: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(hook)).ok()
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService { inner, layer: self.clone() }
    }
}

/// The service that [`RequestLayer`] makes.
#[derive(Debug, Clone)]
pub struct RequestService<S> {
    inner: S,
    layer: RequestLayer,
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
        if request.extensions().get().is_some_and(Seen::is_here) {
            let method = request.method().clone();
            let future = RequestContext::scope_of_here(|| self.inner.call(request));
            return ResponseFuture { future, open: None, method };
        }
        let (mut parts, body) = request.into_parts();
        let settings = &self.layer.settings;
        let sent = request_id::sent(&parts.headers);
        let asked = settings.asked(&parts);
        let context = self.layer.context(&parts, &sent, asked);
        let client_request_id = match sent {
            Sent::Refused(shown) => Some(shown),
            Sent::Nothing | Sent::Valid(_) => None,
        };
        if let Some(watch) = &settings.watch {
            watch.begin(&context.request);
        }
        parts.extensions.insert(Seen(Arc::downgrade(&context.request)));
        let method = parts.method.clone();
        let open = Open::new(
            context.request.clone(),
            route_of(&parts.extensions),
            client_request_id.clone(),
            self.layer.settings.clone(),
        );
        // It is moved often.
        let mut open = Some(Box::new(open));
        Open::run(&mut open, true);
        let future = context.scope_of(|| {
            if let Some(user) = &settings.user {
                guarded(|| user(&parts));
            }
            context::add(&Fields::told(&settings.fields, &parts, &[]));
            settings.tell(asked);
            let request = Request::from_parts(parts, body);
            started::write(&request, client_request_id.as_deref());
            self.inner.call(request)
        });
        Open::run(&mut open, false);
        ResponseFuture { future, open, method }
    }
}

/// The mark of a request that came through a layer already.
#[derive(Clone)]
struct Seen(Weak<RequestData>);

impl Seen {
    /// Whether it is the current one, and not one that was sent on from elsewhere.
    fn is_here(&self) -> bool {
        current::request().is_some_and(|request| self.0.as_ptr() == Arc::as_ptr(&request))
    }
}

/// A route's pattern.
#[cfg(feature = "axum")]
pub(super) type Route = axum::extract::MatchedPath;
/// A route's pattern, which nobody knows.
#[cfg(not(feature = "axum"))]
#[derive(Debug)]
pub(super) enum Route {}

#[cfg(not(feature = "axum"))]
impl Route {
    pub(super) fn as_str(&self) -> &str {
        match *self {}
    }
}

/// The route's pattern, where the router left it.
#[cfg(feature = "axum")]
fn route_of(extensions: &Extensions) -> Option<Route> {
    extensions.get().cloned()
}

#[cfg(not(feature = "axum"))]
fn route_of(_: &Extensions) -> Option<Route> {
    None
}

pin_project! {
    /// The future of [`RequestService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        future: Scope<F>,
        open: Option<Box<Open>>,
        method: Method,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<CompletedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // A panic drops it while unwinding, which ends the request as panicked.
        let mut guard = this.open.take();
        Open::run(&mut guard, true);
        let polled = this.future.poll(cx);
        Open::run(&mut guard, false);
        *this.open = guard;
        let result = ready!(polled);
        let Some(mut open) = this.open.take() else {
            return Poll::Ready(result.map(|response| response.map(CompletedBody::plain)));
        };
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                open.end(End::BodyError);
                return Poll::Ready(Err(error));
            }
        };
        let (mut head, body) = response.into_parts();
        if let Ok(id) = HeaderValue::from_str(&open.request().id) {
            head.headers.insert(REQUEST_ID, id);
        }
        open.responded(&head);
        if has_no_body(this.method, head.status) || open.ask(|| body.is_end_stream()) {
            open.end(End::Sent);
        }
        Poll::Ready(Ok(Response::from_parts(head, CompletedBody::new(body, open))))
    }
}

/// Responses whose body is never asked for (RFC 9110, section 6.4.1).
fn has_no_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || (method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
