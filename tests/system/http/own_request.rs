//! All parts of a request run in its own context and span, on any thread and in any task: the handler, the body, the
//! hooks and the completion.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use candor::testing::capture_with;
use candor::{Config, Format, RequestContext};
use futures::{FutureExt as _, StreamExt as _, stream};
use http::Version;
use http_body::{Body as HttpBody, Frame};
use http_body_util::{Full, StreamBody};
use tower::{Layer as _, Service as _, service_fn};
use tracing::Instrument as _;

use super::*;

type Piece = Result<Frame<Bytes>, Infallible>;

fn piece(text: &'static str) -> Piece {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn asked(id: &str) -> Request<()> {
    Request::get("/orders").header("x-request-id", id).body(()).expect("a request")
}

/// A service in the layer that answers with these bodies.
fn answers<B: HttpBody<Data: Send> + Send>(
    body: impl Fn() -> B + Send,
) -> impl tower::Service<
    Request<()>,
    Response = Response<impl HttpBody<Data: Send>>,
    Error = Infallible,
    Future: Send,
> + Send {
    RequestLayer::new().layer(service_fn(move |_: Request<()>| {
        tracing::info!("handler");
        std::future::ready(Ok(Response::new(body())))
    }))
}

/// Each piece is logged, and is a step.
fn logs() -> impl HttpBody<Data = Bytes, Error = Infallible> {
    StreamBody::new(stream::iter(["one", "two"]).map(|text| {
        tracing::info!("piece");
        candor::step("read", || ());
        piece(text)
    }))
}

async fn read(body: impl HttpBody) {
    let mut body = pin!(body);
    while std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_some() {}
}

fn all_are_of(captured: &Captured, id: &str) {
    for line in captured.lines() {
        assert_eq!(line.text("request_id"), id, "{line:?}");
        assert!(line.get("tenant").is_none(), "{line:?}");
    }
}

#[test]
fn bug_a_body_and_its_completion_had_the_fields_of_the_span_in_which_it_was_read() {
    for format in [Config::new(), Config::new().time_spans("info").expect("levels")] {
        let captured = capture_with(format.format(Format::Json)).expect("a capture");
        run(async {
            let response = answers(logs).oneshot(asked("r-1")).await.expect("infallible");
            let reader =
                read(response.into_body()).instrument(tracing::info_span!("reads", tenant = 7));
            RequestContext::with_id("r-2").scope(reader).await;
        });
        let lines = captured.lines();
        let own: Vec<_> = lines.iter().filter(|line| line.text("msg") != "step_timing").collect();
        assert_eq!(own.len(), 4, "{own:?}");
        for line in own {
            assert_eq!(line.text("request_id"), "r-1");
            assert!(line.get("tenant").is_none(), "{line:?}");
        }
        assert_eq!(captured.completed().integer("steps"), 2);
    }
}

#[test]
fn bug_a_completion_without_a_body_had_the_fields_of_another_span() {
    let captured = capture();
    run(async {
        let mut service = RequestLayer::new().layer(service_fn(|_: Request<()>| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(
                Response::builder().status(204).body(Body::empty()).expect("a response"),
            )
        }));
        let future = service.call(asked("r-1"));
        let other =
            async { drop(future.await) }.instrument(tracing::info_span!("other", tenant = 7));
        RequestContext::with_id("r-2").scope(other).await;
    });
    all_are_of(&captured, "r-1");
    assert_eq!(captured.completed().integer("status"), 204);
}

#[test]
fn bug_a_cancelled_or_panicked_request_had_the_fields_of_the_span_that_dropped_it() {
    let captured = capture();
    run(async {
        let mut service = RequestLayer::new().layer(service_fn(|_: Request<()>| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
        let future = service.call(asked("r-1"));
        tracing::info_span!("other", tenant = 7).in_scope(|| drop(future));
    });
    all_are_of(&captured, "r-1");
    assert_eq!(captured.completed().text("outcome"), "cancelled");

    let captured = capture();
    run(async {
        let mut service = RequestLayer::new().layer(service_fn(|_: Request<()>| async {
            tokio::task::yield_now().await;
            if true {
                panic!("in the handler");
            }
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
        let future =
            service.call(asked("r-1")).instrument(tracing::info_span!("other", tenant = 7));
        assert!(tokio::spawn(future).await.is_err());
    });
    let line = captured.completed();
    assert!(line.get("tenant").is_none(), "{line:?}");
    assert_eq!((line.text("request_id"), line.text("outcome")), ("r-1", "panicked"));
}

#[test]
fn bug_a_request_by_hand_had_the_fields_of_the_span_in_which_it_ended() {
    let captured = capture();
    let (parts, ()) = asked("r-1").into_parts();
    let request = candor::http::begin(&parts, None);
    tracing::info_span!("other", tenant = 7).in_scope(|| request.finish(200));
    let request = candor::http::begin(&parts, None);
    let (response, ()) = Response::new(()).into_parts();
    tracing::info_span!("other", tenant = 7).in_scope(|| {
        let mut response = request.begin_response(&response);
        response.run(|| tracing::info!("piece"));
        response.finish();
    });
    all_are_of(&captured, "r-1");
    assert_eq!(captured.events("request_completed").len(), 2);
}

/// A request that is begun inside a span has the fields of that span, on all of its lines.
#[test]
fn a_request_keeps_the_span_around_it_until_its_completion() {
    let captured = capture();
    run(async {
        let mut service = answers(logs);
        let around = tracing::info_span!("server", port = 80);
        let response = around.in_scope(|| service.call(asked("r-1"))).await.expect("infallible");
        read(response.into_body()).await;
    });
    for line in captured.lines() {
        assert_eq!((line.text("request_id"), line.integer("port")), ("r-1", 80), "{line:?}");
    }
}

#[test]
fn bug_work_spawned_by_a_body_with_in_current_span_lost_its_request() {
    let captured = capture();
    let connection = async {
        let service = answers(|| {
            StreamBody::new(stream::iter(["one"]).map(|text| {
                tokio::spawn(async { tracing::info!("sent") }.in_current_span());
                piece(text)
            }))
        });
        let response = service.oneshot(asked("r-1")).await.expect("infallible");
        read(response.into_body()).await;
        tokio::task::yield_now().await;
    };
    run(connection.instrument(tracing::info_span!("connection")));
    assert_eq!(captured.line("sent").text("request_id"), "r-1");
}

#[test]
fn bug_a_request_passed_on_after_its_response_was_never_completed() {
    let captured = capture();
    run(async {
        let (done, is_done) = tokio::sync::oneshot::channel::<()>();
        let mut done = Some(done);
        let mut first = RequestLayer::new().layer(service_fn(move |request: Request<()>| {
            let done = done.take();
            let later = async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let response = answers(logs).oneshot(request).await.expect("infallible");
                read(response.into_body()).await;
                drop(done);
            };
            tokio::spawn(later.in_context());
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))))
        }));
        let response = first.call(asked("r-1")).await.expect("infallible");
        read(response.into_body()).await;
        let _ = is_done.await;
    });
    let completed = captured.events("request_completed");
    assert_eq!(completed.iter().map(|line| line.integer("steps")).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn bug_a_guard_left_behind_by_a_handler_or_a_hook_took_the_body_to_another_request() {
    fn leak() {
        std::mem::forget(RequestContext::with_id("other").enter());
    }
    for from_hook in [false, true] {
        // The guard is never dropped, so the thread is of no use afterwards.
        let test = std::thread::spawn(move || {
            let captured = capture();
            let layer = match from_hook {
                true => RequestLayer::new().fields(|_, _| leak()),
                false => RequestLayer::new(),
            };
            let mut service = layer.layer(service_fn(|_: Request<()>| async move {
                if !from_hook {
                    leak();
                }
                Ok::<_, Infallible>(Response::new(logs()))
            }));
            run(async {
                let response = service.call(asked("r-1")).await.expect("infallible");
                read(response.into_body()).await;
            });
            assert_eq!(captured.events("piece").len(), 2);
            all_are_of(&captured, "r-1");
            assert_eq!(captured.completed().integer("steps"), 2);
        });
        test.join().expect("no panic");
    }
}

#[test]
fn bug_a_span_in_a_body_that_was_dropped_early_was_ok() {
    let config = Config::new().format(Format::Json).time_spans("info").expect("levels");
    let captured = capture_with(config).expect("a capture");
    run(async {
        let service = answers(|| {
            let load = async { std::future::pending::<Piece>().await };
            let load = load.instrument(tracing::info_span!("load"));
            StreamBody::new(stream::iter([piece("one")]).chain(stream::once(load)))
        });
        let response = service.oneshot(asked("r-1")).await.expect("infallible");
        let mut body = Box::pin(response.into_body());
        std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    });
    assert_eq!(captured.step("load").text("outcome"), "cancelled");
    assert_eq!(captured.completed().text("outcome"), "cancelled");
}

/// A body whose code panics in one place.
struct Panics(&'static str);

struct PanickingData;

impl bytes::Buf for PanickingData {
    fn remaining(&self) -> usize {
        panic!("in `remaining`")
    }

    fn chunk(&self) -> &[u8] {
        &[]
    }

    fn advance(&mut self, _: usize) {}
}

impl HttpBody for Panics {
    type Data = PanickingData;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<PanickingData>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(PanickingData))))
    }

    fn is_end_stream(&self) -> bool {
        assert_ne!(self.0, "is_end_stream", "in `is_end_stream`");
        false
    }
}

#[test]
fn bug_panics_in_the_data_and_in_is_end_stream_of_a_body_were_outside_the_request() {
    for place in ["remaining", "is_end_stream"] {
        let captured = capture();
        run(async {
            let read = async move {
                let response = answers(|| Panics(place)).oneshot(asked("r-1")).await;
                read(response.expect("infallible").into_body()).await;
            };
            assert!(AssertUnwindSafe(read).catch_unwind().await.is_err());
        });
        all_are_of(&captured, "r-1");
        assert!(captured.line("panic").text("panic_message").contains(place));
        assert_eq!(captured.completed().text("outcome"), "panicked");
    }
}

#[test]
fn bug_a_response_with_a_full_header_map_panicked() {
    let captured = capture();
    run(async {
        let mut service = RequestLayer::new().layer(service_fn(|_: Request<()>| async {
            let mut response = Response::new(Full::new(Bytes::from("hello")));
            for n in 0.. {
                let name =
                    http::HeaderName::from_bytes(format!("x-{n}").as_bytes()).expect("a name");
                let value = http::HeaderValue::from_static("1");
                if response.headers_mut().try_insert(name, value).is_err() {
                    break;
                }
            }
            Ok::<_, Infallible>(response)
        }));
        let response = service.call(asked("r-1")).await.expect("infallible");
        assert!(response.headers().len() > 20_000);
        read(response.into_body()).await;
    });
    assert_eq!(captured.completed().text("outcome"), "ok");
}

/// On HTTP/1, a server need not poll the body after its last byte; on HTTP/2, trailers may follow.
#[test]
fn bug_a_body_reset_before_its_trailers_was_ok_on_http_2() {
    for (version, outcome) in
        [(Version::HTTP_11, "ok"), (Version::HTTP_2, "cancelled"), (Version::HTTP_3, "cancelled")]
    {
        let captured = capture();
        run(async {
            let service = RequestLayer::new().layer(service_fn(|_: Request<()>| async {
                let body = Full::new(Bytes::from("hello")).with_trailers(std::future::pending());
                let response = Response::builder().header("content-length", 5).body(body);
                Ok::<_, Infallible>(response.expect("a response"))
            }));
            let mut request = asked("r-1");
            *request.version_mut() = version;
            let response = service.oneshot(request).await.expect("infallible");
            let mut body = Box::pin(response.into_body());
            std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        });
        let line = captured.completed();
        assert_eq!((line.text("outcome"), line.integer("response_bytes")), (outcome, 5));
    }
}

#[test]
fn bug_a_body_by_hand_that_was_reset_before_its_trailers_was_ok_on_http_2() {
    for (version, outcome) in
        [(Version::HTTP_11, "ok"), (Version::HTTP_2, "cancelled"), (Version::HTTP_3, "cancelled")]
    {
        let captured = capture();
        let (mut parts, ()) = asked("r-1").into_parts();
        parts.version = version;
        let (response, ()) = Response::new(()).into_parts();
        run(async {
            let body = Full::new(Bytes::from("hello")).with_trailers(std::future::pending());
            let response = candor::http::begin(&parts, None).begin_response(&response);
            let mut body = Box::pin(response.wrap(body));
            let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
            assert!(frame.is_some_and(|frame| frame.is_ok_and(|frame| frame.is_data())));
            assert_eq!(body.size_hint().exact(), Some(0));
        });
        let line = captured.completed();
        assert_eq!((line.text("outcome"), line.integer("response_bytes")), (outcome, 5));
    }
}

/// A body that logs when it is asked for its end and its size.
struct LogsWhenAsked;

impl HttpBody for LogsWhenAsked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        tracing::info!("asked for its end");
        false
    }

    fn size_hint(&self) -> http_body::SizeHint {
        tracing::info!("asked for its size");
        http_body::SizeHint::default()
    }
}

#[test]
fn bug_the_end_and_size_of_a_body_were_asked_in_the_request_of_the_caller() {
    fn ask(captured: &Captured, body: &impl HttpBody) {
        RequestContext::with_id("r-2").enter_with(|| {
            tracing::info_span!("other", tenant = 7).in_scope(|| {
                assert!(!body.is_end_stream());
                assert_eq!(body.size_hint().exact(), None);
            });
        });
        for message in ["asked for its end", "asked for its size"] {
            assert!(!captured.events(message).is_empty(), "{message}");
        }
    }

    let captured = capture();
    run(async {
        let response = answers(|| LogsWhenAsked).oneshot(asked("r-1")).await.expect("infallible");
        ask(&captured, response.body());
    });
    all_are_of(&captured, "r-1");

    let captured = capture();
    let (parts, ()) = asked("r-1").into_parts();
    let (response, ()) = Response::new(()).into_parts();
    let request = candor::http::begin(&parts, None);
    ask(&captured, &request.begin_response(&response).wrap(LogsWhenAsked));
    all_are_of(&captured, "r-1");

    // Of a request inside another one, which completes it.
    let captured = capture();
    let mut outer = candor::http::begin(&parts, None);
    let inner = outer.run(|| candor::http::begin(&parts, None));
    ask(&captured, &inner.begin_response(&response).wrap(LogsWhenAsked));
    outer.finish(200);
    all_are_of(&captured, "r-1");
}

/// Logs when it is dropped.
struct LogsOnDrop;

impl Drop for LogsOnDrop {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

/// Panics when it is polled. Unlike an `async` block, it drops its value only when it is dropped itself.
struct PanicsInPoll(LogsOnDrop);

impl Future for PanicsInPoll {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        panic!("in a poll");
    }
}

impl HttpBody for PanicsInPoll {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("in a poll");
    }

    /// A body that has panicked is not asked again.
    fn is_end_stream(&self) -> bool {
        std::thread::panicking()
    }
}

#[test]
fn bug_the_drop_after_a_panic_was_outside_the_request_and_behind_its_completion() {
    fn check(captured: &Captured, completion: &str, work: impl Future) {
        assert!(run(AssertUnwindSafe(work).catch_unwind()).is_err());
        let lines = captured.lines();
        let own: Vec<_> = lines.iter().map(|line| line.text("msg")).collect();
        assert_eq!(own[own.len() - 3..], ["panic", "dropped", completion]);
        let ids: std::collections::BTreeSet<_> =
            lines.iter().map(|line| line.text("request_id")).collect();
        assert_eq!(ids.len(), 1, "{lines:?}");
        assert_eq!(captured.line(completion).text("outcome"), "panicked");
    }
    let captured = capture();
    let service = RequestLayer::new().layer(service_fn(|_: Request<()>| PanicsInPoll(LogsOnDrop)));
    check(&captured, "request_completed", service.oneshot(asked("r-1")));

    let captured = capture();
    check(&captured, "request_completed", async {
        let response = answers(|| PanicsInPoll(LogsOnDrop)).oneshot(asked("r-1")).await;
        read(response.expect("infallible").into_body()).await;
    });

    let captured = capture();
    check(&captured, "job_completed", candor::job("index").scope(PanicsInPoll(LogsOnDrop)));
}
