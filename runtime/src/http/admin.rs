//! A service for operators: log levels and the counts of lines, call sites and redactions over HTTP.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use tower_service::Service;

use crate::init::logging::Logging;
use crate::init::reload;
use crate::init::setting::duration;
use crate::logger::Logger;
use crate::request::overrides;
use crate::sink::stats::stats;

/// Returns a service that shows and changes levels, and shows counts.
///
/// The levels and counts are those of the running program.
///
/// **It does not authenticate its callers**: mount it behind your own authentication, or on a port that only operators
/// can reach.
///
/// | request | effect |
/// |---|---|
/// | `GET …/levels` | returns `{"levels":"info","raised":[{"levels":"deps=debug","seconds_left":58.2}]}` |
/// | `PUT …/levels` with the body `info,deps=debug` | sets the levels, like [`Logging::set_levels`] |
/// | `PUT …/levels?for=10m` with the body `deps=debug` | raises them temporarily, like [`Logging::raise_for`]; units are `s`, `m` and `h` |
/// | `GET …/sites` | returns the counts of each call site, from [`Stats::sites`](crate::Stats::sites) |
/// | `GET …/counts` | returns the counts of [`stats`](crate::stats()) and the number of lines omitted by sampling |
/// | `GET …/metrics` | returns the text of `candor::metrics::openmetrics` (feature `metrics`) |
///
/// ```no_run
/// use axum::Router;
///
/// let logging = candor::init()?;
/// let app: Router = Router::new().nest_service("/admin/log", candor::http::admin(&logging));
/// # Ok::<(), candor::ConfigError>(())
/// ```
///
/// ```text
/// $ curl -X PUT 'localhost:9000/admin/log/levels?for=10m' -d 'deps=debug'
/// {"levels":"info","raised":[{"levels":"deps=debug","seconds_left":600.0}]}
/// ```
///
/// To serve it with hyper, wrap it in `hyper_util::service::TowerToHyperService`.
pub fn admin(logging: &Logging) -> Admin {
    Admin { logger: Arc::clone(&logging.logger) }
}

/// Service returned by [`admin`].
#[derive(Debug, Clone)]
pub struct Admin {
    logger: Arc<Logger>,
}

impl<B> Service<Request<B>> for Admin
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<AdminBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let logger = Arc::clone(&self.logger);
        Box::pin(async move {
            #[cfg(feature = "metrics")]
            if request.method() == Method::GET && last_segment(request.uri()) == "metrics" {
                return Ok(metrics_response());
            }
            let (status, value) = match respond_to(&logger, request).await {
                Ok(value) => (StatusCode::OK, value),
                Err((status, reason)) => (status, json!({ "error": reason })),
            };
            Ok(response(status, &value))
        })
    }
}

/// The last segments of the paths.
const PATHS: &[&str] = &[
    "levels",
    "counts",
    "sites",
    #[cfg(feature = "metrics")]
    "metrics",
];

/// Limit for the body of a request, in bytes.
const LONGEST_BODY: usize = 8 * 1024;

/// Status and reason of an error response.
type Rejection = (StatusCode, String);

fn bad_request(reason: &str) -> Rejection {
    (StatusCode::BAD_REQUEST, reason.to_owned())
}

/// The last segment of the path. Only this one counts, since the service can be mounted at any path.
fn last_segment(uri: &Uri) -> &str {
    uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

async fn respond_to<B: Body>(
    logger: &Arc<Logger>,
    request: Request<B>,
) -> Result<Value, Rejection> {
    match (last_segment(request.uri()), request.method()) {
        ("levels", &Method::GET) => Ok(levels(logger)),
        ("levels", &Method::PUT) => {
            put(logger, request).await?;
            Ok(levels(logger))
        }
        ("counts", &Method::GET) => Ok(counts()),
        ("sites", &Method::GET) => Ok(sites()),
        (path, _) if PATHS.contains(&path) => {
            Err((StatusCode::METHOD_NOT_ALLOWED, "use GET, or PUT for `levels`".to_owned()))
        }
        _ => Err((
            StatusCode::NOT_FOUND,
            format!("unknown path; expected one of {}", PATHS.join(", ")),
        )),
    }
}

fn levels(logger: &Logger) -> Value {
    let active = logger.levels.load();
    let now = Instant::now();
    let raised = active.raised.iter().map(|raised| {
        let left = raised.until.saturating_duration_since(now).as_secs_f64();
        json!({ "levels": raised.levels.to_string(), "seconds_left": (left * 10.0).round() / 10.0 })
    });
    json!({ "levels": active.set.to_string(), "raised": raised.collect::<Vec<_>>() })
}

async fn put<B: Body>(logger: &Arc<Logger>, request: Request<B>) -> Result<(), Rejection> {
    let time = request.uri().query().map(|query| {
        let time = query.strip_prefix("for=").ok_or("the only parameter is `for`")?;
        duration(time).ok_or("`for` takes a time such as `30s`, `10m` or `2h`")
    });
    let time = time.transpose().map_err(bad_request)?;
    let directives = text(request.into_body()).await?;
    let changed = match time {
        Some(time) => reload::raise_for(logger, time, &directives),
        None => reload::set(logger, &directives),
    };
    changed.map_err(|error| bad_request(&error.to_string()))
}

async fn text<B: Body>(body: B) -> Result<String, Rejection> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| bad_request("the body is incomplete"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.remaining() > LONGEST_BODY {
            let reason = "the body is longer than 8 KiB".to_owned();
            return Err((StatusCode::PAYLOAD_TOO_LARGE, reason));
        }
        bytes.put(data);
    }
    let text = String::from_utf8(bytes).map_err(|_| bad_request("the body is not valid UTF-8"))?;
    if text.trim().is_empty() {
        return Err(bad_request("the body is empty; it takes levels such as `info,deps=debug`"));
    }
    Ok(text)
}

fn counts() -> Value {
    let stats = stats();
    let sinks = stats.sinks().iter().map(|sink| {
        let dropped: serde_json::Map<_, _> = sink
            .dropped
            .by_reason()
            .map(|(reason, lines)| (reason.to_owned(), lines.into()))
            .collect();
        json!({
            "name": sink.name,
            "emitted": sink.emitted,
            "written": sink.written,
            "waiting": sink.waiting,
            "dropped": dropped,
        })
    });
    let redactions = stats.redactions.iter().map(
        |redaction| json!({ "reason": redaction.reason.to_string(), "count": redaction.count }),
    );
    json!({
        "emitted": stats.emitted,
        "written": stats.written,
        "waiting": stats.waiting,
        "dropped": stats.dropped,
        "sampled_away": overrides::sampled_away(),
        "redactions": redactions.collect::<Vec<_>>(),
        "sinks": sinks.collect::<Vec<_>>(),
    })
}

fn sites() -> Value {
    let stats = stats();
    let sites = stats.sites().iter().map(|site| {
        json!({
            "file": site.file,
            "line": site.line,
            "target": site.target,
            "event": site.event,
            "dependency": site.dependency,
            "name": site.name,
            "lines": site.lines,
            "bytes": site.bytes,
            "dropped": site.dropped,
            "suppressed": site.suppressed,
        })
    });
    json!({ "sites": sites.collect::<Vec<_>>() })
}

#[cfg(feature = "metrics")]
fn metrics_response() -> Response<AdminBody> {
    let text = crate::metrics::openmetrics();
    let mut response = Response::new(AdminBody { text: Some(Bytes::from(text)) });
    let content_type = HeaderValue::from_static(crate::metrics::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn response(status: StatusCode, value: &Value) -> Response<AdminBody> {
    let mut response = Response::new(AdminBody { text: Some(Bytes::from(value.to_string())) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, PUT"));
    }
    response
}

/// Body of an [`Admin`] response.
#[derive(Debug)]
pub struct AdminBody {
    text: Option<Bytes>,
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.text.take().map(|text| Ok(Frame::data(text))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.text.as_ref().map_or(0, |text| text.len() as u64))
    }
}
