//! The `tower` layer and its configuration.

use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::response;
use tower_layer::Layer;

use super::active::ActiveRequest;
use super::fields::Fields;
use super::flight_recorder::{ActiveRecorder, FlightRecorder};
#[cfg(any(feature = "axum_0_7", feature = "axum_0_8"))]
use super::route::Route;
use super::service::RequestService;
use super::settings::Settings;
use super::stuck::Watch;
use super::trust::Trust;
use crate::instrument::context;
use crate::logger::notices;
use crate::redact::loggable::Loggable;

/// Layer that gives each request its context, and logs its start and completion.
///
/// The lines are `request_started`, at DEBUG, and `request_completed`.
///
/// The request id is the `X-Request-ID` header if that is 1 to 128 characters of `[A-Za-z0-9._-]` (in strict mode 64)
/// without a secret that the scrubber finds; otherwise a UUID v7 is generated. The response carries the id in the same
/// header. A W3C `traceparent` is continued.
///
/// # One `request_completed` for each request
///
/// Each request writes exactly one `request_completed`: when its response body has been sent or has failed, when the
/// request is dropped because the client disconnected, or when the handler panics. If layers are nested, as around a
/// router that is nested in another one, the inner layer passes the request through.
///
/// | what happens | `request_completed` |
/// |---|---|
/// | the server refuses the request, or the client disconnects before its headers are complete | none: the layer never sees a request |
/// | the client disconnects or resets the stream before the response, or while it is sent | `cancelled` |
/// | the client disconnects after the server has taken the whole body (on HTTP/2 and HTTP/3, with its trailers), which is immediate for a body in one piece | `ok`: candor can't know how many bytes arrived |
/// | the client closes only its own side of an HTTP/1 connection | as the server decides: hyper drops the request (`cancelled`) unless `half_close` is set |
/// | the body of the request is incomplete or malformed | by the response of the handler, which reads an error |
/// | the service or the response body returns an error | `error` |
/// | the handler, the response body or the drop of one of them panics | `panicked` |
/// | the response has no body: to `HEAD`, to `CONNECT`, or with the status 101, 204 or 304 | with the response headers; the bytes of an upgraded connection are not counted |
///
/// ```
/// use axum::{Router, routing::get};
///
/// let app: Router = Router::new()
///     .route("/health", get(|| async { "ok" }))
///     .layer(candor::http::RequestLayer::new());
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestLayer {
    settings: Arc<Settings>,
}

impl RequestLayer {
    /// Creates a layer with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Sets which callers may raise the log level of their own request.
    ///
    /// They do so with the `X-Debug-Log: 1` header. Default: the header is ignored.
    pub fn trust(self, trust: Trust) -> Self {
        self.with(|settings| settings.trust = Some(trust))
    }

    /// Sets the fraction of requests whose lines are written, from 0 to 1.
    ///
    /// Default: 1. The decision depends on the request id alone (64-bit FNV-1a with the finalizer of splitmix64, the same
    /// in every version), so services with the same rate agree on each request. [`context::is_sampled`] returns it.
    ///
    /// Lines below WARN of the other requests are counted but not written, including their `request_completed`. Failures,
    /// slow requests and audit events are always written. A request with an accepted [`X-Debug-Log`](Self::trust) is
    /// always sampled.
    ///
    /// A rate outside this range is replaced by the nearer of 0 and 1, and NaN by 1; one WARN `invalid_sample_rate`
    /// reports it.
    ///
    /// [`context::is_sampled`]: crate::context::is_sampled
    #[track_caller]
    pub fn sample(self, rate: f64) -> Self {
        let valid = if rate.is_nan() { 1.0 } else { rate.clamp(0.0, 1.0) };
        if !(0.0..=1.0).contains(&rate) {
            let help = || format!("the sample rate {rate} is not between 0 and 1; {valid} is used");
            notices::at_call_site(Location::caller(), "invalid_sample_rate", |_| true, help);
        }
        self.with(|settings| settings.rate = valid)
    }

    /// Writes the debug lines of a request only if the request fails. Default: off.
    ///
    /// Until then, they are kept in memory.
    pub fn flight_recorder(self, recorder: FlightRecorder) -> Self {
        self.with(|settings| settings.recorder = Some(ActiveRecorder::new(recorder)))
    }

    /// Sets the duration from which a request is slow. Default: no limit.
    ///
    /// The `request_completed` of a slow request is logged at WARN.
    pub fn slow(self, threshold: Duration) -> Self {
        self.with(|settings| settings.slow = Some(threshold))
    }

    /// Sets the time after which an unfinished request logs one WARN `request_stuck`.
    ///
    /// Default: 30 s; `None` disables it. The line lists up to eight open steps and calls with their ages in
    /// milliseconds. It is written up to one second late.
    ///
    /// ```text
    /// {…,"level":"WARN","logger":"http","msg":"request_stuck",…,"age_ms":30412.117,
    ///  "open":[{"step":"place_order","step_id":1,"age_ms":30411.902},
    ///          {"step":"charge","dependency":"payments","step_id":2,"age_ms":30401.377}]}
    /// ```
    pub fn stuck_after(self, time: impl Into<Option<Duration>>) -> Self {
        self.with(|settings| settings.watch = time.into().map(Watch::new))
    }

    /// Suppresses lines below WARN for requests to exactly this path.
    ///
    /// Default: none. Can be called for several paths, such as those of health checks.
    ///
    /// A failing check stays visible: `request_completed` is written if the status is 4xx or 5xx or the gRPC status is
    /// not `OK`, or if the request is slow, cancelled or panics. Lines from WARN on are always written. A request with an
    /// accepted [`X-Debug-Log`](Self::trust) is not suppressed.
    ///
    /// ```
    /// let layer = candor::http::RequestLayer::new().quiet("/health").quiet("/metrics");
    /// ```
    pub fn quiet(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.quiet_if(move |request| request.uri.path() == path)
    }

    /// Like [`quiet`](Self::quiet), for this path and all paths below it.
    ///
    /// `/health` matches `/health`, `/health/` and `/health/live`, but not `/healthy`.
    pub fn quiet_under(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.quiet_if(move |request| {
            let below = request.uri.path().strip_prefix(path.trim_end_matches('/'));
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// Like [`quiet`](Self::quiet), with a predicate.
    ///
    /// If the predicate panics, it counts as `false`.
    ///
    /// ```
    /// let layer = candor::http::RequestLayer::new().quiet_if(|request| {
    ///     request.headers.get("user-agent").is_some_and(|agent| agent.as_bytes().starts_with(b"kube-probe/"))
    /// });
    /// ```
    pub fn quiet_if(self, predicate: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.quiet.push(Arc::new(predicate)))
    }

    /// Overrides the logged `path`, for request paths that can contain secrets.
    ///
    /// Default: the request path. Return `None` to keep it. The result is scrubbed. If the function panics, the path is
    /// `[REDACTED]`.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    ///
    /// let layer = RequestLayer::new().path(|request| {
    ///     request.uri.path().starts_with("/reset/").then(|| "/reset/{token}".to_owned())
    /// });
    /// ```
    pub fn path(self, path: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.path = Some(Arc::new(path)))
    }

    /// Logs the route pattern that axum matched, such as `/orders/{id}`, as `path`.
    ///
    /// Default: off. A request without a matched route keeps its path. Replaces an earlier [`path`](Self::path).
    #[cfg(any(feature = "axum_0_7", feature = "axum_0_8"))]
    pub fn path_template(self) -> Self {
        self.path(|parts| Some(Route::of(&parts.extensions)?.redacted().as_str().to_owned()))
    }

    /// Sets `user_id` from the request headers, for every line of the request.
    ///
    /// Default: `user_id` is `-` until [`context::set_user`](crate::context::set_user) is called. The value must be
    /// loggable, such as a number. A value that borrows from the headers can't be returned here; call
    /// [`context::set_user`](crate::context::set_user) in [`fields`](Self::fields) instead, which runs within the request.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    ///
    /// let layer = RequestLayer::new().user(|request| {
    ///     request.headers.get("x-customer")?.to_str().ok()?.parse::<u64>().ok()
    /// });
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

    /// Adds fields from the request headers to every line of the request.
    ///
    /// Default: none. Can be called several times; the last value of a name wins. [`context::set`] does the same from
    /// within the request.
    ///
    /// Each value must be loggable, so text needs a policy. A field with a sensitive name is written as `"[REDACTED]"`. If
    /// the closure panics, it adds no fields.
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
    /// ```
    ///
    /// [`context::set`]: crate::context::set
    pub fn fields(self, fields: impl Fn(&Parts, &mut Fields) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.fields.push(Arc::new(fields)))
    }

    /// Adds fields from the response headers to `request_completed`.
    ///
    /// They follow its own fields, and the rules of [`fields`](Self::fields) apply. A name that `request_completed`
    /// already has gets a trailing underscore. A request that panics or is cancelled before it has a response has none
    /// of these fields.
    ///
    /// ```
    /// use candor::http::RequestLayer;
    /// use candor::policy::clear;
    ///
    /// # let captured = candor::testing::capture();
    /// let layer = RequestLayer::new().response_fields(|response, fields| {
    ///     if let Some(Ok(cache)) = response.headers.get("x-cache").map(|cache| cache.to_str()) {
    ///         fields.set("cache", clear(cache));
    ///     }
    /// });
    ///
    /// let (request, ()) = http::Request::get("/orders/7").body(())?.into_parts();
    /// let (response, ()) = http::Response::builder().header("x-cache", "hit").body(())?.into_parts();
    /// layer.begin(&request, None).begin_response(&response).finish();
    ///
    /// // {…,"msg":"request_completed",…,"status":200,"duration_ms":0.061,"outcome":"ok",…,"cache":"hit"}
    /// # assert_eq!(captured.completed().text("cache"), "hit");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn response_fields(
        self,
        fields: impl Fn(&response::Parts, &mut Fields) + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.response_fields.push(Arc::new(fields)))
    }
}

/// For servers without `tower`.
impl RequestLayer {
    /// Begins a request by hand, with the settings of this layer.
    ///
    /// Does for the request what the tower service does before it calls the inner service. `peer` is the address of the
    /// connection, for [`trust`](Self::trust). See [`begin`](super::begin) and [`ActiveRequest`].
    ///
    /// ```
    /// use candor::http::RequestLayer;
    ///
    /// # let captured = candor::testing::capture();
    /// let layer = RequestLayer::new().quiet("/health"); // once, at startup
    ///
    /// let (parts, ()) = http::Request::get("/health").body(())?.into_parts();
    /// layer.begin(&parts, None).finish(200); // writes nothing
    /// # assert!(captured.events("request_completed").is_empty());
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn begin(&self, parts: &Parts, peer: impl Into<Option<SocketAddr>>) -> ActiveRequest {
        ActiveRequest::begin(&self.settings, parts, peer.into())
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService::new(inner, Arc::clone(&self.settings))
    }
}
