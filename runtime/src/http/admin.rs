//! Levels and counts over HTTP, for the service's operators.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use tower_service::Service;

use crate::init::logging::Logging;
use crate::init::reload;
use crate::logger::Logger;
use crate::request::switches;
use crate::stats;

/// A small service that shows and changes the levels of a running service and shows what became of its lines.
///
/// **It asks nobody who they are**: mount it behind the authentication of your own, or on a port that only
/// operators reach.
///
/// | request | does |
/// |---|---|
/// | `GET …/levels` | `{"levels":"info","raised":[{"levels":"deps=debug","seconds_left":58.2}]}` |
/// | `PUT …/levels` with the body `info,deps=debug` | sets the levels, as [`Logging::set_levels`] |
/// | `PUT …/levels?for=10m` with the body `deps=debug` | raises them for a while, as [`Logging::raise_for`]; `30s`, `10m`, `2h` |
/// | `GET …/counts` | the counts of [`stats`](crate::stats()), and the lines that sampling left out |
///
/// ```no_run
/// use axum::Router;
///
/// let logging = candor::init()?;
/// let app: Router = Router::new().nest_service("/admin/log", candor::http::admin(&logging));
/// # let _ = app;
/// # Ok::<(), candor::InitError>(())
/// ```
///
/// ```text
/// $ curl -X PUT 'localhost:9000/admin/log/levels?for=10m' -d 'deps=debug'
/// {"levels":"info","raised":[{"levels":"deps=debug","seconds_left":600.0}]}
/// ```
///
/// With plain hyper it goes into `hyper_util::service::TowerToHyperService`.
pub fn admin(logging: &Logging) -> Admin {
    Admin { logger: Arc::clone(logging.logger()) }
}

/// The service of [`admin`].
#[derive(Clone)]
pub struct Admin {
    logger: Arc<Logger>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
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
        Box::pin(async move { Ok(answer(&logger, request).await.unwrap_or_else(Refused::into)) })
    }
}

/// Bytes of a request's body: no directives are longer.
const LONGEST: usize = 8 * 1024;

struct Refused {
    status: StatusCode,
    why: String,
}

fn refuse(status: StatusCode, why: impl Into<String>) -> Refused {
    Refused { status, why: why.into() }
}

impl From<Refused> for Response<AdminBody> {
    fn from(refused: Refused) -> Self {
        let mut response = respond(refused.status, &json!({ "error": refused.why }));
        if refused.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, PUT"));
        }
        response
    }
}

async fn answer<B: Body>(
    logger: &Arc<Logger>,
    request: Request<B>,
) -> Result<Response<AdminBody>, Refused> {
    // What is before the last segment is the mounting's affair.
    let path = request.uri().path().trim_end_matches('/');
    let shown = match (path.rsplit('/').next().unwrap_or_default(), request.method()) {
        ("levels", &Method::GET) => levels(logger),
        ("levels", &Method::PUT) => {
            put(logger, request).await?;
            levels(logger)
        }
        ("counts", &Method::GET) => counts(),
        ("levels" | "counts", _) => {
            return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "take GET, or PUT for `levels`"));
        }
        _ => return Err(refuse(StatusCode::NOT_FOUND, "there are `levels` and `counts`")),
    };
    Ok(respond(StatusCode::OK, &shown))
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

async fn put<B: Body>(logger: &Arc<Logger>, request: Request<B>) -> Result<(), Refused> {
    let time = match request.uri().query().and_then(|query| query.strip_prefix("for=")) {
        Some(time) => Some(duration(time).ok_or_else(|| {
            refuse(StatusCode::BAD_REQUEST, "`for` takes a time such as `30s`, `10m` or `2h`")
        })?),
        None if request.uri().query().is_some() => {
            return Err(refuse(StatusCode::BAD_REQUEST, "the only parameter is `for`"));
        }
        None => None,
    };
    let directives = text(request.into_body()).await?;
    let changed = match time {
        Some(time) => reload::raise_for(logger, time, &directives),
        None => reload::set(logger, &directives),
    };
    changed.map_err(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let many = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
    Some(Duration::from_secs(many))
}

async fn text<B: Body>(body: B) -> Result<String, Refused> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame =
            frame.map_err(|_| refuse(StatusCode::BAD_REQUEST, "the body did not arrive whole"))?;
        let Ok(mut data) = frame.into_data() else { continue };
        if bytes.len() + data.remaining() > LONGEST {
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 8 KiB"));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let read = chunk.len();
            data.advance(read);
        }
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| refuse(StatusCode::BAD_REQUEST, "the body is no text"))?;
    if text.trim().is_empty() {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "the body is empty; it takes levels such as `info,deps=debug`",
        ));
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
    json!({
        "emitted": stats.emitted,
        "written": stats.written,
        "waiting": stats.waiting,
        "dropped": stats.dropped,
        "sampled_away": switches::sampled_away(),
        "sinks": sinks.collect::<Vec<_>>(),
    })
}

fn respond(status: StatusCode, shown: &Value) -> Response<AdminBody> {
    let mut response = Response::new(AdminBody { text: Some(Bytes::from(shown.to_string())) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The body of an [`Admin`]'s answer.
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
