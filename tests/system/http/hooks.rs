//! Fields that hooks of the HTTP layer add to lines, and requests that they mute.

use candor::testing::capture_with;
use candor::{Config, Format};
use http::HeaderValue;

use super::*;

fn answered(status: StatusCode) -> impl IntoResponse {
    (status, [("x-cache", "hit"), ("x-token", "canary-response")])
}

async fn panics() {
    panic!("gives up");
}

fn app(layer: RequestLayer) -> Router {
    Router::new()
        .route("/", get(|| async { tracing::info!("working") }))
        .route("/cached", get(|| async { answered(StatusCode::OK) }))
        .route("/panics", get(panics))
        .layer(layer)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn fields() -> RequestLayer {
    RequestLayer::new()
        .fields(|request, fields| {
            if let Some(tenant) = header(&request.headers, "x-tenant") {
                context::set_user(clear(tenant));
                fields.set("tenant", clear("another")).set("tenant", clear(tenant));
                fields.set("api_key", clear(tenant));
            }
        })
        .fields(|_, fields| {
            fields.set("level", 7).set("odd \"name\"", 8);
        })
        .fields(|_, fields| {
            fields.set("broken", 1);
            panic!("a hook gives up");
        })
        .response_fields(|response, fields| {
            if let Some(cache) = header(&response.headers, "x-cache") {
                fields.set("cache", clear(cache));
            }
            if let Some(token) = header(&response.headers, "x-token") {
                fields.set("answer_token", clear(token));
            }
            tracing::info!("looked at the response");
        })
        .response_fields(|_, _| panic!("a hook gives up"))
        .response_fields(|response, fields| {
            fields.set("status", u64::from(response.status.as_u16()) * 2);
            fields.set("lines_recorded", 3);
        })
}

#[test]
fn a_request_field_is_on_every_line_of_the_request() {
    let captured = capture();
    let mut request = with_header("x-tenant", "canary-tenant");
    *request.uri_mut() = http::Uri::from_static("/");
    let (status, ..) = run(send(&app(fields()), request));
    assert_eq!(status, StatusCode::OK, "hooks that panic cost nobody an answer");
    let lines = checked(&captured);
    for line in &lines {
        assert_ne!(line.text("request_id"), "-");
    }
    for name in ["request_started", "working", "request_completed"] {
        let line = captured.line(name);
        assert_eq!((line.text("tenant"), line.integer("level_")), ("canary-tenant", 7), "{name}");
        assert_eq!(
            (line.text("api_key"), line.integer("odd \"name\"")),
            ("[REDACTED]", 8),
            "{name}"
        );
        assert_eq!(line.text("user_id"), "canary-tenant");
        assert!(!line.has("broken"), "{name}");
    }
    captured.clear();
    run(send(&app(fields()), to("/")));
    assert!(!captured.completed().has("tenant"));
}

#[test]
fn a_response_field_is_on_the_completion_only() {
    let captured = capture();
    run(send(&app(fields()), to("/cached")));
    checked(&captured);
    let line = captured.completed();
    assert_eq!((line.text("cache"), line.text("answer_token")), ("hit", "[REDACTED]"));
    assert_eq!((line.integer("status"), line.integer("status_")), (200, 400));
    assert_eq!(line.integer("lines_recorded_"), 3);
    assert!(!captured.line("request_started").has("cache"));
    let looked = captured.line("looked at the response");
    assert_eq!(looked.text("request_id"), line.text("request_id"));
    captured.clear();
    run(async {
        let panics = app(fields());
        let asked = tokio::spawn(async move { send(&panics, to("/panics")).await });
        asked.await.expect_err("panics");
    });
    let line = captured.completed();
    assert_eq!(line.text("outcome"), "panicked");
    assert!(!line.has("cache"));
}

fn health(layer: RequestLayer, status: StatusCode) -> Router {
    let answer = move || async move {
        tracing::info!("checked");
        status
    };
    Router::new()
        .route("/health", get(answer))
        .route("/health/", get(answer))
        .route("/health/live", get(answer))
        .route("/healthy", get(answer))
        .layer(layer)
}

#[test]
fn health_checks_are_muted_by_path_prefix_or_predicate() {
    type Rule = fn(RequestLayer) -> RequestLayer;
    let rules: [(Rule, &[&str]); 5] = [
        (|layer| layer.quiet("/health"), &["/health", "/health?full=1"]),
        (|layer| layer.quiet_under("/health"), &["/health", "/health/", "/health/live"]),
        (|layer| layer.quiet_under("/health/"), &["/health", "/health/", "/health/live"]),
        (
            |layer| layer.quiet_if(|request| request.uri.path().ends_with("/live")),
            &["/health/live"],
        ),
        (|layer| layer.quiet_if(|_| panic!("a rule gives up")), &[]),
    ];
    for (at, (rule, quiet)) in rules.into_iter().enumerate() {
        let captured = capture();
        let app = health(rule(RequestLayer::new()), StatusCode::OK);
        for path in ["/health", "/health?full=1", "/health/", "/health/live", "/healthy"] {
            captured.clear();
            run(send(&app, to(path)));
            let is_quiet = captured.events("request_completed").is_empty();
            let expected =
                quiet.contains(&path) || (path.contains('?') && quiet.contains(&"/health"));
            assert_eq!(is_quiet, expected, "rule {at}, {path}");
            assert_eq!(captured.events("checked").is_empty(), is_quiet);
        }
    }
}

#[test]
fn a_failing_health_check_is_logged_whatever_its_status() {
    for (status, is_seen) in [
        (StatusCode::OK, false),
        (StatusCode::NO_CONTENT, false),
        (StatusCode::FOUND, false),
        (StatusCode::NOT_FOUND, true),
        (StatusCode::TOO_MANY_REQUESTS, true),
        (StatusCode::SERVICE_UNAVAILABLE, true),
    ] {
        let captured = capture();
        run(send(&health(RequestLayer::new().quiet("/health"), status), to("/health")));
        assert_eq!(!captured.events("request_completed").is_empty(), is_seen, "{status}");
        assert!(captured.events("checked").is_empty(), "it was not known yet that it fails");
        if is_seen {
            let line = captured.completed();
            assert_eq!((line.integer("status"), line.integer("seq")), (status.as_u16().into(), 1));
            assert_eq!(line.integer("lines_sampled_away"), 2);
        }
    }
    let captured = capture();
    let app = health(RequestLayer::new().quiet("/health").slow(Duration::ZERO), StatusCode::OK);
    run(send(&app, to("/health")));
    assert_eq!(captured.completed().text("level"), "WARN", "slow");
}

/// The line limit applies below WARN only.
#[test]
fn warnings_and_errors_are_never_suppressed() {
    let config = Config::new().format(Format::Json).lines_per_request(10);
    let captured = capture_with(config).expect("a capture");
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                #[step_timed]
                fn fails() -> Result<(), std::io::Error> {
                    Err(std::io::ErrorKind::Other.into())
                }
                for n in 0..30 {
                    tracing::info!(n, "usual");
                    tracing::warn!(n, "warning");
                    tracing::error!(n, "error");
                    candor::critical!("critical");
                    let _ = fails();
                    candor::audit!(n, "audited").expect("written");
                }
            }),
        )
        .layer(RequestLayer::new());
    run(send(&app, to("/")));
    for name in ["warning", "error", "critical", "audited"] {
        assert_eq!(captured.events(name).len(), 30, "{name}");
    }
    assert_eq!(captured.steps("fails").len(), 30);
    let usual = captured.events("usual").len() as u64;
    assert!((1..10).contains(&usual), "{usual}");
    let line = captured.completed();
    assert_eq!(line.integer("lines_suppressed") as u64, 30 - usual);
    let lines = checked(&captured);
    let numbers: Vec<_> = (1..=lines.len()).map(|n| json!(n)).collect();
    assert_eq!(values(&lines, "seq"), numbers);
}

#[test]
fn warnings_and_errors_of_a_raised_request_are_never_suppressed() {
    use candor::http::{PeerAddr, Trust};

    let config = Config::new().format(Format::Json).level("error").expect("levels");
    let captured = capture_with(config).expect("a capture");
    let trust = Trust::new().network("10.0.0.0/8").and_then(|trust| trust.targets("shop=debug"));
    let trust = trust.expect("a network").lines(5);
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                for _ in 0..20 {
                    tracing::debug!(target: "shop", "detail");
                    tracing::warn!(target: "shop", "warning");
                }
            }),
        )
        .layer(RequestLayer::new().trust(trust));
    let mut request = with_header("x-debug-log", "1");
    request.extensions_mut().insert(PeerAddr(([10, 0, 0, 1], 1).into()));
    run(send(&app, request));
    assert_eq!(captured.events("warning").len(), 20);
    assert!(captured.events("detail").len() <= 5);
}

/// Lines logged by the drop of a body belong to the request, and precede its completion.
#[test]
fn lines_logged_when_a_body_is_dropped_belong_to_its_request() {
    struct LogsOnDrop;
    impl Drop for LogsOnDrop {
        fn drop(&mut self) {
            tracing::info!("a body is dropped");
        }
    }
    fn body() -> Body {
        let says = LogsOnDrop;
        let pieces = futures::stream::iter([Ok::<_, Infallible>("one"), Ok("two")]);
        Body::from_stream(pieces.inspect(move |_| {
            let _ = &says;
        }))
    }
    use futures::StreamExt as _;

    let captured = capture();
    let app = Router::new().route("/", get(|| async { body() })).layer(RequestLayer::new());
    run(async {
        let response = app.clone().oneshot(to("/")).await.expect("infallible");
        let mut body = response.into_body();
        body.frame().await.expect("a frame").expect("data");
        drop(body);
    });
    let (line, end) = (captured.line("a body is dropped"), captured.completed());
    assert_eq!(line.text("request_id"), end.text("request_id"));
    assert!(line.integer("seq") < end.integer("seq"));
    assert_eq!(end.text("outcome"), "cancelled");
}

/// A rejected request id and a header that is not text, as `HeaderValue`s.
#[test]
fn hooks_see_the_original_request_head() {
    let captured = capture();
    let layer = RequestLayer::new().fields(|request, fields| {
        fields.set("bytes", request.headers.get("x-raw").map(|raw| raw.as_bytes().len()));
    });
    let mut request = with_header("x-raw", vec![0xff, 0xfe]);
    request.headers_mut().append("x-request-id", HeaderValue::from_static("not valid!"));
    run(send(&app(layer), request));
    assert_eq!(captured.completed().integer("bytes"), 2);
}

#[test]
fn bug_a_path_was_shown_if_the_hook_that_replaces_it_panicked() {
    let captured = capture();
    let layer = || RequestLayer::new().path(|_| panic!("a hook gives up"));
    run(send(&app(layer()), to("/reset/canary-1")));
    let (parts, _) = to("/reset/canary-2").into_parts();
    let mut active = layer().begin(&parts, None);
    active.run(|| tracing::info!("by hand"));
    active.finish(200);
    checked(&captured);
    candor::testing::assert_no_leak!(captured, "canary");
    for name in ["request_started", "by hand", "request_completed"] {
        let lines = captured.events(name);
        assert_eq!(lines.len(), if name == "by hand" { 1 } else { 2 }, "{name}");
        for line in lines {
            assert_eq!(line.text("path"), "[REDACTED]", "{line:?}");
            assert_ne!(line.text("request_id"), "-", "{line:?}");
        }
    }

    // A hook that returns `None` keeps the path.
    captured.clear();
    run(send(&app(RequestLayer::new().path(|_| None)), to("/orders/7")));
    assert_eq!(captured.completed().text("path"), "/orders/7");
}
