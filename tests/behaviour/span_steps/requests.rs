//! Requests that the span of a server begins, without candor's HTTP layer.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

use bytes::Bytes;
use candor::context;
use candor::http::RequestLayer;
use candor::policy::clear;
use candor::testing::{Captured, capture_with};
use candor::{Config, RequestContext, Story};
use candor_tests::{checked, values};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use serde_json::json;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::trace::TraceLayer;
use tracing::field;
use tracing::{Instrument as _, Span, error, info, info_span, instrument};

use super::{block_on, capture, config, pause};

#[instrument]
async fn load(id: u64) {
    pause().await;
    info!("loaded");
}

async fn handle(request: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    load(7).await;
    let status = match request.uri().path() {
        "/broken" => StatusCode::INTERNAL_SERVER_ERROR,
        "/missing" => {
            error!("no such order");
            StatusCode::NOT_FOUND
        }
        _ => StatusCode::OK,
    };
    let mut response = Response::new(Full::from("ok"));
    *response.status_mut() = status;
    Ok(response)
}

/// Sends a request through the real `TraceLayer`, and reads the response to its end.
fn send(path: &str) -> StatusCode {
    block_on(async {
        let service = ServiceBuilder::new().layer(TraceLayer::new_for_http()).service_fn(handle);
        let request = Request::get(path).body(Empty::new()).expect("a request");
        let (parts, body) = service.oneshot(request).await.expect("a response").into_parts();
        body.collect().await.expect("a body");
        parts.status
    })
}

fn only_request(captured: &Captured) -> candor::testing::Line {
    let lines = captured.events("request_completed");
    assert_eq!(lines.len(), 1, "{captured:?}");
    lines.into_iter().next().expect("one")
}

/// The span of `TraceLayer` is a request: one `request_completed` with method, path, status and totals, and the spans
/// of the handler are its steps. Neither the span nor the events that it needs have to be enabled by level.
#[test]
fn tower_https_trace_layer_begins_a_request() {
    let config = Config::new().format(candor::Format::Json).level("info").expect("levels");
    let captured = capture_with(config.time_spans("info").expect("directives")).expect("a capture");
    assert_eq!(send("/orders/7?page=2&token=canary"), StatusCode::OK);
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        [json!("loaded"), json!("step_timing"), json!("request_completed")]
    );
    let line = only_request(&captured);
    assert_eq!((line.text("method"), line.text("path")), ("GET", "/orders/7"));
    assert_eq!((line.integer("status"), line.text("outcome")), (200, "ok"));
    assert_eq!((line.integer("steps"), line.text("slowest_step")), (1, "load"));
    assert!(line.number("duration_ms") > 0.0 && line.text("request_id").len() == 36, "{line:?}");
    let step = captured.step("load");
    assert_eq!(step.text("request_id"), line.text("request_id"));
    assert_eq!((step.integer("step_id"), step.integer("parent_id")), (1, 0));
    assert!(!captured.output().contains("canary"), "{}", captured.output());
    assert!(!line.has("uri") && !line.has("method_"), "{line:?}");
}

/// The query is on `request_started`, redacted as by candor's HTTP layer.
#[test]
fn the_query_is_on_the_line_of_the_beginning() {
    let captured = capture();
    send("/orders?page=2&token=canary");
    let line = captured.line("request_started");
    assert_eq!(line.get("query"), Some(&json!({ "page": ["2"], "token": ["[REDACTED]"] })));
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// The status decides, as for candor's HTTP layer: a 5xx is an error, and a 404 is not, whatever the handler logged.
#[test]
fn the_status_is_the_outcome_of_a_request() {
    let captured = capture();
    send("/broken");
    let line = only_request(&captured);
    assert_eq!((line.integer("status"), line.text("outcome")), (500, "error"));
    assert_eq!(line.text("level"), "ERROR");
    captured.clear();
    send("/missing");
    let line = only_request(&captured);
    assert_eq!((line.integer("status"), line.text("outcome")), (404, "ok"));
}

/// A request that is dropped before its response is cancelled: `TraceLayer` reports every response, but not this one.
#[test]
fn a_request_of_trace_layer_without_a_response_is_cancelled() {
    let captured = capture();
    send("/");
    captured.clear();
    let never = service_fn(|_: Request<Empty<Bytes>>| async {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = ServiceBuilder::new().layer(TraceLayer::new_for_http()).service(never);
    let mut call =
        Box::pin(service.oneshot(Request::get("/slow").body(Empty::new()).expect("a request")));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(call);
    let line = only_request(&captured);
    assert_eq!((line.text("outcome"), line.text("level")), ("cancelled", "WARN"));
    assert!(line.is_null("status"), "{line:?}");
}

/// The same applies to a span of `make_span_with` if its call site has had a response before.
#[test]
fn a_request_of_make_span_with_without_a_response_is_cancelled() {
    let captured = capture();
    let serve = |is_answered: bool| {
        let layer = TraceLayer::new_for_http().make_span_with(|request: &Request<Empty<Bytes>>| {
            info_span!("http.request", http.method = %request.method(), http.route = "/slow")
        });
        let answer = service_fn(move |_: Request<Empty<Bytes>>| async move {
            if !is_answered {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let service = ServiceBuilder::new().layer(layer).service(answer);
        let request = Request::get("/slow").body(Empty::new()).expect("a request");
        let mut call = Box::pin(service.oneshot(request));
        let is_ready = call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert_eq!(is_ready, is_answered);
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    serve(true);
    assert_eq!(only_request(&captured).integer("status"), 200);
    captured.clear();
    serve(false);
    let line = only_request(&captured);
    assert_eq!(line.text("outcome"), "cancelled");
    assert!(line.number("duration_ms") >= 5.0, "it ends when it is dropped: {line:?}");
}

/// A status below 500 takes precedence over `otel.status_code`, which `tracing-actix-web` also sets for a redirection.
#[test]
fn a_redirection_of_actix_is_not_an_error() {
    let captured = capture();
    let span = actix_span();
    span.record("otel.status_code", "ERROR");
    span.record("http.status_code", 303);
    drop(span);
    assert_eq!(only_request(&captured).text("outcome"), "ok");
}

/// A handler that panics completes its request as panicked.
#[test]
fn a_panic_of_the_handler_is_the_outcome_of_its_request() {
    let captured = capture();
    let broken = service_fn(|_: Request<Empty<Bytes>>| async {
        if true {
            panic!("on purpose");
        }
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = ServiceBuilder::new().layer(TraceLayer::new_for_http()).service(broken);
    let call = service.oneshot(Request::get("/").body(Empty::new()).expect("a request"));
    catch_unwind(AssertUnwindSafe(|| block_on(call).is_ok())).expect_err("it panicked");
    assert_eq!(only_request(&captured).text("outcome"), "panicked");
}

/// Inside a request of candor's HTTP layer, the span of `TraceLayer` is a step: there is one request, and one
/// `request_completed`.
#[test]
fn inside_candors_http_layer_the_span_is_a_step() {
    let captured = capture();
    block_on(async {
        let service = ServiceBuilder::new()
            .layer(RequestLayer::new())
            .layer(TraceLayer::new_for_http())
            .service_fn(handle);
        let request = Request::get("/broken").header("x-request-id", "r-9").body(Empty::new());
        let response = service.oneshot(request.expect("a request")).await.expect("a response");
        response.into_body().collect().await.expect("a body");
    });
    assert_eq!(only_request(&captured).text("request_id"), "r-9");
    assert_eq!(captured.tree(), "request error logged_error\n  load ok\n");
}

/// The root span of `tracing-actix-web`, with the fields that it declares.
fn actix_span() -> Span {
    info_span!(
        target: "tracing_actix_web::root_span_builder",
        "HTTP request",
        http.method = "POST",
        http.route = "/orders/{id}",
        http.flavor = "1.1",
        http.scheme = "http",
        http.host = "shop.example",
        http.client_ip = "10.0.0.7",
        http.user_agent = "curl/8",
        http.target = "/orders/7?token=canary",
        otel.name = "POST /orders/{id}",
        otel.kind = "server",
        request_id = "0d4f6d6e-4f6c-4d3c-9e0a-2b1f0f9f8a11",
        http.status_code = field::Empty,
        otel.status_code = field::Empty,
        exception.message = field::Empty,
        exception.details = field::Empty,
    )
}

/// The root span of `tracing-actix-web` is a request with its id, its route and its status.
#[test]
fn the_root_span_of_actix_begins_a_request() {
    let captured = capture_with(config("shop=info")).expect("a capture");
    let span = actix_span();
    block_on(async { load(7).await }.instrument(span.clone()));
    span.record("http.status_code", 201);
    span.record("otel.status_code", "OK");
    drop(span);
    checked(&captured);
    let line = only_request(&captured);
    assert_eq!(line.text("request_id"), "0d4f6d6e-4f6c-4d3c-9e0a-2b1f0f9f8a11");
    assert_eq!((line.text("method"), line.text("path")), ("POST", "/orders/7"));
    assert_eq!((line.text("route"), line.integer("status")), ("/orders/{id}", 201));
    assert_eq!((line.text("outcome"), line.text("http.user_agent")), ("ok", "curl/8"));
    let inside = captured.line("loaded");
    assert_eq!(inside.text("request_id"), line.text("request_id"));
    // The fields of the request's span are only on its completion line.
    assert!(!inside.has("http.user_agent") && !inside.has("otel.kind"), "{inside:?}");
    assert_eq!(line.text("trace_id").len(), 32);
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// `tracing-actix-web` records the status of every response, so a span without one was dropped before.
#[test]
fn a_request_of_actix_without_a_status_is_cancelled() {
    let captured = capture();
    actix_span().in_scope(|| ());
    assert_eq!(only_request(&captured).text("outcome"), "cancelled");
}

/// A failure of the server has the status 5xx and OpenTelemetry's status; the handler's error is on the lines inside.
#[test]
fn a_failed_request_of_actix_is_an_error() {
    let captured = capture();
    let span = actix_span();
    span.record("exception.message", "pool is empty: password=canary");
    span.record("otel.status_code", "ERROR");
    span.record("http.status_code", 500);
    drop(span);
    let line = only_request(&captured);
    assert_eq!((line.text("outcome"), line.integer("status")), ("error", 500));
    assert_eq!(line.text("error_detail"), "pool is empty: password=[REDACTED]");
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// A span with a method and a path begins a request: `make_span_with` usually creates such a span.
#[test]
fn a_span_with_method_and_path_begins_a_request() {
    let captured = capture();
    let span = info_span!(
        "http",
        method = "GET",
        path = "/orders",
        request_id = "r-7",
        status = field::Empty
    );
    span.in_scope(|| info!("inside"));
    span.record("status", 200);
    drop(span);
    let line = only_request(&captured);
    assert_eq!((line.text("request_id"), line.integer("status")), ("r-7", 200));
    assert_eq!((line.text("method"), line.text("path")), ("GET", "/orders"));
    assert_eq!(captured.line("inside").text("path"), "/orders");
}

/// A request id that candor's HTTP layer would reject is replaced, because it may be a secret or forge a line.
#[test]
fn a_request_id_that_is_not_plausible_is_replaced() {
    let captured = capture();
    for id in ["a b", "", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", &"x".repeat(200)] {
        info_span!("http", method = "GET", path = "/", request_id = id).in_scope(|| ());
    }
    for line in captured.events("request_completed") {
        assert_eq!(line.text("request_id").len(), 36, "{line:?}");
    }
    assert!(!captured.output().contains("sk_live"), "{}", captured.output());
}

/// A span with a method and a path inside a request is a step, because the request has already begun.
#[test]
fn a_span_of_a_request_inside_a_request_is_a_step() {
    let captured = capture();
    candor::job("crawl").run(|| {
        info_span!("fetch", method = "GET", path = "/robots.txt").in_scope(|| ());
        info_span!("serve", otel.kind = "server").in_scope(|| ());
    });
    assert!(captured.events("request_completed").is_empty());
    assert_eq!(captured.tree(), "fetch ok\nserve ok\n");
}

/// The span of a consumer begins a job, which has no method and no path, but an id, an outcome and totals.
#[test]
fn the_span_of_a_consumer_is_a_job() {
    let captured = capture();
    let span = info_span!("consume", otel.kind = "consumer", messaging.system = "kafka");
    span.in_scope(|| {
        load_now();
        error!("poison message: token=canary");
    });
    drop(span);
    checked(&captured);
    let line = captured.line("job_completed");
    assert_eq!((line.text("job"), line.integer("steps")), ("consume", 1));
    assert_eq!((line.text("outcome"), line.text("level")), ("error", "ERROR"));
    assert_eq!(captured.step("load_now").text("request_id"), line.text("request_id"));
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

#[instrument]
fn load_now() {}

/// A root span around a whole server begins a job, and each request inside it is a separate request.
#[test]
fn requests_inside_the_root_span_of_a_server_are_requests() {
    let captured = capture();
    info_span!("main").in_scope(|| {
        info_span!("http", method = "GET", path = "/a").in_scope(load_now);
        info_span!("http", method = "GET", path = "/b").in_scope(load_now);
    });
    let lines = captured.events("request_completed");
    assert_eq!(values(&lines, "path"), [json!("/a"), json!("/b")]);
    assert_eq!(values(&lines, "steps"), [json!(1), json!(1)]);
    assert_eq!(captured.line("job_completed").text("job"), "main");
    assert!(captured.steps("load_now").iter().all(|line| line.integer("parent_id") == 0));
}

/// Requests that are handled at the same time on one thread stay apart.
#[test]
fn concurrent_requests_stay_apart() {
    let captured = capture();
    let request = |path: &'static str| {
        let work = async {
            load(1).await;
            pause().await;
            load(2).await;
        };
        work.instrument(info_span!("http", method = "GET", path))
    };
    block_on(async { tokio::join!(request("/a"), request("/b"), request("/c")) });
    let lines = captured.events("request_completed");
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(captured.children(line).len(), 2, "{line:?}");
    }
}

/// With `LOG_STORY=problems`, a request without a problem writes one wide line, and one with a problem writes every
/// line.
#[test]
fn a_request_of_a_span_has_a_story() {
    let captured = capture_with(config("trace").story(Story::Problems)).expect("a capture");
    let serve = |is_broken: bool| {
        let span = info_span!("http", method = "GET", path = "/", status = field::Empty);
        span.in_scope(|| {
            load_now();
            if is_broken {
                tracing::warn!("odd");
            }
        });
        span.record("status", 200);
    };
    serve(false);
    assert_eq!(values(&checked(&captured), "msg"), [json!("request_completed")]);
    let line = only_request(&captured);
    assert_eq!(line.integer("lines_left_out"), 2);
    assert!(line.get("step_own_ms").is_some_and(|own| own["load_now"].is_f64()), "{line:?}");
    captured.clear();
    serve(true);
    let written = ["request_started", "step_timing", "odd", "request_completed"];
    assert_eq!(values(&checked(&captured), "msg"), written.map(|name| json!(name)));
}

/// With `LOG_STORY=summary`, the times of the spans are on the completion line.
#[test]
fn the_wide_line_has_the_times_of_spans() {
    let captured = capture_with(config("trace").story(Story::Summary)).expect("a capture");
    info_span!("http", method = "GET", path = "/", http.status_code = 200).in_scope(|| {
        load_now();
        info_span!("q", otel.kind = "client", peer.service = "stock").in_scope(|| ());
    });
    let line = only_request(&captured);
    assert_eq!(captured.lines().len(), 1);
    assert_eq!(line.get("dependencies").expect("times")["stock"]["calls"], 1);
    assert!(line.get("step_own_ms").is_some_and(|own| own["load_now"].is_f64()), "{line:?}");
}

/// Some middleware puts the path into `http.route`. So a route is redacted as a path, which leaves a template as it is.
#[test]
fn a_route_is_redacted_as_a_path() {
    let captured = capture();
    let templates = ["/orders/{id:[0-9]+}/*rest", r"/orders/{id:\d+}", "/orders/<id>"];
    for route in ["/reset-password/4f9d8a7b6c5d4e3f2a1b"].into_iter().chain(templates) {
        info_span!("http", method = "GET", http.route = route).in_scope(|| ());
    }
    let lines = captured.events("request_completed");
    assert_eq!(lines[0].text("route"), "/reset-password/[REDACTED]");
    let shown: Vec<_> = lines[1..].iter().map(|line| line.text("route")).collect();
    assert_eq!(shown, templates);
}

/// The repeats of a line are written before the completion line, as in a request of candor's HTTP layer.
#[test]
fn folded_lines_are_before_the_completion_line() {
    let captured = capture_with(config("trace").fold_repeats(true)).expect("a capture");
    info_span!("http", method = "GET", path = "/", http.status_code = 200).in_scope(|| {
        for _ in 0..5 {
            info!("cache is cold");
        }
    });
    let lines = checked(&captured);
    let written = ["request_started", "cache is cold", "cache is cold", "request_completed"];
    assert_eq!(values(&lines, "msg"), written.map(|name| json!(name)));
    assert_eq!(values(&lines, "repeats"), [json!(4)]);
}

/// A field that candor adds to the completion line is also on the completion line of a span's request.
#[test]
fn wide_fields_are_on_the_completion_line() {
    let captured = capture();
    info_span!("http", method = "GET", path = "/", outcome = "x", shop = 7).in_scope(|| {
        candor::wide("cart_cents", 1250);
        context::set_user(clear("u-1"));
    });
    checked(&captured);
    let line = only_request(&captured);
    assert_eq!((line.integer("cart_cents"), line.text("user_id")), (1250, "u-1"));
    assert_eq!((line.text("outcome_"), line.integer("shop")), ("x", 7));
}

/// poem, salvo and warp report the status on an event with the target of their span. A 500 is an error at any level of
/// that event, and the status can be the text of a `StatusCode`.
#[test]
fn an_event_with_the_target_of_the_requests_span_reports_the_status() {
    let captured = capture();
    for (path, status) in [("/ok", "200 OK"), ("/broken", "500 Internal Server Error")] {
        let span = info_span!(target: "poem", "request", method = "GET", uri = path);
        span.in_scope(|| info!(target: "poem", status, "response"));
    }
    let lines = captured.events("request_completed");
    assert_eq!((lines[0].integer("status"), lines[0].text("outcome")), (200, "ok"));
    assert_eq!((lines[1].integer("status"), lines[1].text("outcome")), (500, "error"));
}

/// Once a call site has reported a status, its requests without a status were dropped before their response.
#[test]
fn a_request_without_the_report_that_others_have_is_cancelled() {
    let captured = capture();
    for is_answered in [true, false] {
        let span = info_span!(target: "warp", "request", method = "GET", path = "/");
        if is_answered {
            span.in_scope(|| info!(target: "warp", status = 200, "finished processing"));
        } else {
            span.in_scope(|| ());
        }
    }
    let lines = captured.events("request_completed");
    assert_eq!([lines[0].text("outcome"), lines[1].text("outcome")], ["ok", "cancelled"]);
}

/// A field `status` of the service's own event is not the status of the response.
#[test]
fn a_status_on_an_event_of_another_target_is_not_that_of_the_response() {
    let captured = capture();
    let span = info_span!(target: "poem", "request", method = "GET", uri = "/");
    span.in_scope(|| info!(status = 503, "the payment service is busy"));
    drop(span);
    assert_eq!(only_request(&captured).text("outcome"), "ok");
}

/// `.in_current_span()` in a request carries candor's own span, which is not a step.
#[test]
fn candors_own_span_is_never_a_step() {
    let captured = capture();
    RequestContext::with_id("r-1").enter_with(|| block_on(load(1).instrument(Span::current())));
    assert_eq!(captured.events("step_timing").len(), 1, "{captured:?}");
    assert_eq!(captured.step("load").integer("parent_id"), 0);
}

/// A worker that a request has started and that outlives it does not belong to that request: its messages, and its root
/// spans, are jobs. Other spans that are created in its context remain steps of the request.
#[test]
fn a_worker_that_outlives_its_request_begins_jobs() {
    let captured = capture();
    let request = info_span!("http", method = "GET", path = "/orders");
    let worker = info_span!("worker");
    let context = request.in_scope(|| context::current().expect("a request"));
    drop(request);
    context.enter_with(|| {
        info_span!("consume", otel.kind = "consumer").in_scope(load_now);
        worker.in_scope(load_now);
        drop(worker);
        load_now();
    });
    let jobs = captured.events("job_completed");
    assert_eq!(values(&jobs, "job"), [json!("consume"), json!("worker")], "{captured:?}");
    let steps = captured.events("step_timing");
    let request = only_request(&captured);
    let ids = [&jobs[0], &jobs[1], &request].map(|line| line.text("request_id"));
    let of_steps: Vec<_> = steps.iter().map(|line| line.text("request_id")).collect();
    assert_eq!(of_steps, ids);
}

/// Enters a span in two requests, which set fields inside it, and asserts that each has its own lines and fields.
fn assert_requests_stay_apart_in(captured: &Captured, span: &Span) {
    let ids = ["r-A", "r-B"];
    let requests = ids.map(RequestContext::with_id);
    for (request, id) in requests.iter().zip(ids) {
        request.enter_with(|| {
            span.in_scope(|| {
                context::set_user(clear(id));
                context::set("tenant", clear(id));
                info!("inside");
                load_now();
            });
            info!("after");
        });
    }
    for request in &requests {
        request.enter_with(|| info!("later"));
    }
    for message in ["inside", "after", "later"] {
        let lines = captured.events(message);
        assert_eq!(lines.len(), 2, "{message}");
        for (line, id) in lines.iter().zip(ids) {
            assert_eq!(line.text("request_id"), id, "{line:?}");
            assert_eq!((line.text("user_id"), line.text("tenant")), (id, id), "{line:?}");
        }
    }
    let steps = captured.steps("load_now");
    let of_steps: Vec<_> = steps.iter().map(|line| line.text("request_id")).collect();
    assert_eq!(of_steps, ids);
}

/// For example the span of a client or of a connection pool.
#[test]
fn bug_a_span_that_outlived_its_request_took_lines_and_fields_of_the_next_one() {
    let captured = capture();
    assert_requests_stay_apart_in(&captured, &info_span!("client"));
}

#[test]
fn bug_a_span_first_entered_outside_a_request_took_lines_of_later_requests() {
    let captured = capture();
    let client = info_span!("client");
    client.in_scope(|| info!("startup check"));
    assert_requests_stay_apart_in(&captured, &client);
    assert!(!["r-A", "r-B"].contains(&captured.line("startup check").text("request_id")));
}

#[test]
fn bug_a_span_first_entered_in_a_completed_request_took_lines_of_later_requests() {
    let captured = capture();
    let client = info_span!("client");
    let request = info_span!("http", method = "GET", path = "/", request_id = "r-0");
    let context = request.in_scope(|| {
        client.in_scope(|| info!("first"));
        context::current().expect("a request")
    });
    drop(request);
    context.enter_with(|| client.in_scope(|| info!("when it was completed")));
    assert_requests_stay_apart_in(&captured, &client);
    assert_eq!(captured.line("first").text("request_id"), "r-0");
}
