//! Malformed requests and wrong handlers: every line stays valid, and each request completes once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue, Method, Uri};

use super::*;

fn app() -> Router {
    Router::new().fallback(|| async { tracing::info!("here") }).layer(RequestLayer::new())
}

#[test]
fn a_hostile_request_id_is_never_echoed_and_never_forges_a_line() {
    let long = "a".repeat(10_000);
    let limit = "b".repeat(129);
    for sent in [
        &b""[..],
        b" ",
        b"r 7",
        b"r\t7",
        b"r,7",
        b"../../etc/passwd",
        b"r-7\",\"level\":\"CRITICAL",
        b"<script>",
        b"r-7%0a",
        b"\xff\xfe",
        "ｒ-7".as_bytes(),
        "r\u{202e}7".as_bytes(),
        b"password=canary-id",
        b"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw",
        limit.as_bytes(),
        long.as_bytes(),
    ] {
        let captured = capture();
        let (_, headers, _) = run(send(&app(), with_header("x-request-id", sent)));
        let lines = checked(&captured);
        let id = headers["x-request-id"].to_str().expect("text");
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "a UUID of version 7: {id}");
        for line in &lines {
            assert_eq!(line.text("request_id"), id);
            assert!(
                !line.raw().contains("canary-id") && !line.raw().contains("eyJzdWIi"),
                "{line:?}"
            );
        }
        let line = captured.completed();
        assert!(line.text("client_request_id").chars().count() <= 65, "{line:?}");
    }
    for sent in ["r", "R.7_x-", &"b".repeat(128)] {
        let (_, headers, _) = run(send(&app(), with_header("x-request-id", sent)));
        assert_eq!(headers["x-request-id"], sent);
    }
}

#[test]
fn a_traceparent_is_continued_according_to_the_specification() {
    const TRACE: &str = "12345678901234567890123456789012";
    for (sent, is_continued) in [
        (format!("00-{TRACE}-1234567890123456-01"), true),
        (format!("00-{TRACE}-1234567890123456-00"), true),
        (format!(" \t00-{TRACE}-1234567890123456-01 \t"), true),
        (format!("cc-{TRACE}-1234567890123456-01"), true),
        (format!("cc-{TRACE}-1234567890123456-01-what-the-future-will-be-like"), true),
        (format!("cc-{TRACE}-1234567890123456-01-"), true),
        (format!("cc-{TRACE}-1234567890123456-01.what"), false),
        (format!("00-{TRACE}-1234567890123456-01-"), false),
        (format!("00-{TRACE}-1234567890123456-01."), false),
        (format!("00-{TRACE}-1234567890123456-01-what"), false),
        (format!("ff-{TRACE}-1234567890123456-01"), false),
        (format!("FF-{TRACE}-1234567890123456-01"), false),
        (format!(".0-{TRACE}-1234567890123456-01"), false),
        (format!("000-{TRACE}-1234567890123456-01"), false),
        (format!("0-{TRACE}-1234567890123456-01"), false),
        (format!("00-{}-1234567890123456-01", "0".repeat(32)), false),
        (format!("00-{}-1234567890123456-01", "ABCDEF".repeat(6)[..32].to_owned()), false),
        (format!("00-.{}-1234567890123456-01", &TRACE[1..]), false),
        (format!("00-{TRACE}0-1234567890123456-01"), false),
        (format!("00-{}-1234567890123456-01", &TRACE[1..]), false),
        (format!("00-{TRACE}-0000000000000000-01"), false),
        (format!("00-{TRACE}-123456789012345A-01"), false),
        (format!("00-{TRACE}-12345678901234567-01"), false),
        (format!("00-{TRACE}-1234567890123456-.0"), false),
        (format!("00-{TRACE}-1234567890123456-1"), false),
        (format!("00-{TRACE}-1234567890123456-001"), false),
        (format!("00-{TRACE}-1234567890123456-0A"), false),
        (format!("00-{TRACE}-1234567890123456"), false),
        (format!("00_{TRACE}_1234567890123456_01"), false),
        (String::new(), false),
    ] {
        let captured = capture();
        run(send(&app(), with_header("traceparent", sent.clone())));
        let line = captured.completed();
        assert_eq!(line.text("trace_id") == TRACE, is_continued, "{sent}");
        assert_ne!(line.text("span_id"), "1234567890123456");
    }
    let captured = capture();
    let mut twice = with_header("traceparent", format!("00-{TRACE}-1234567890123456-01"));
    let same = twice.headers()["traceparent"].clone();
    twice.headers_mut().append("traceparent", same);
    run(send(&app(), twice));
    assert_ne!(captured.completed().text("trace_id"), TRACE, "two are none");
}

const GOOD_TRACEPARENT: &str = "00-12345678901234567890123456789012-1234567890123456-01";

/// The outbound header of this name in a request with these headers.
fn passed_on(name: &'static str, traceparent: &str, tracestates: &[&str]) -> String {
    let app = Router::new()
        .fallback(move || async move {
            let headers = candor::http::outbound_headers();
            headers.get(name).map_or(Bytes::new(), |value| value.as_bytes().to_vec().into())
        })
        .layer(RequestLayer::new());
    let mut request = with_header("traceparent", traceparent);
    for state in tracestates {
        request.headers_mut().append("tracestate", HeaderValue::from_str(state).expect("a header"));
    }
    String::from_utf8(run(send(&app, request)).2.to_vec()).expect("text")
}

fn state_of(tracestates: &[&str]) -> String {
    passed_on("tracestate", GOOD_TRACEPARENT, tracestates)
}

#[test]
fn the_sampled_flag_of_a_trace_is_passed_on_without_other_flags() {
    let trace = &GOOD_TRACEPARENT[2..GOOD_TRACEPARENT.len() - 2];
    for (version, flags, sent) in
        [("00", "01", "01"), ("00", "00", "00"), ("00", "fe", "00"), ("01", "09", "01")]
    {
        let header = passed_on("traceparent", &format!("{version}{trace}{flags}"), &[]);
        assert_eq!(header[..35], GOOD_TRACEPARENT[..35]);
        assert!(header.ends_with(&format!("-{sent}")), "{version} {flags}: {header}");
    }
}

/// `tracestate` belongs to the trace: without a valid `traceparent` it is discarded.
#[test]
fn a_tracestate_is_passed_on_only_with_its_traceparent() {
    assert_eq!(state_of(&["foo=1", "bar=2, baz=3\t,\t"]), "foo=1,bar=2,baz=3");
    assert_eq!(passed_on("tracestate", "00-bad", &["foo=1"]), "");
    assert_eq!(state_of(&["foo=1", "bad"]), "");
    assert_eq!(state_of(&[]), "");
}

#[test]
fn a_tracestate_is_passed_on_whole_or_not_at_all() {
    assert_eq!(state_of(&["a=1, b=2", "1t@c=x y"]), "a=1,b=2,1t@c=x y");
    assert_eq!(state_of(&["a=1,,"]), "a=1");
    let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
    let (many, long) = (many.join(","), format!("a={}", "x".repeat(257)));
    for bad in
        ["", "a", "=1", "A=1", "a=", "a=1=2", "a=1,a=2", "@b=1", "a@=1", "1a=1", &many, &long]
    {
        assert_eq!(state_of(&[bad]), "", "{bad}");
    }
}

#[test]
fn bug_a_tracestate_with_many_members_took_quadratic_time() {
    let many: Vec<String> = (0..300_000).map(|n| format!("k{n:x}=v")).collect();
    let many = many.join(",");
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(state_of(&[&many])));
    assert_eq!(is_done.recv_timeout(Duration::from_mins(1)).as_deref(), Ok(""));
}

#[test]
fn a_long_tracestate_loses_large_members_first_and_then_the_last_ones() {
    let large = "x".repeat(200);
    let state = state_of(&[&format!("a={large},b=1,c={large},d=2,e={large}")]);
    assert_eq!(state, format!("a={large},b=1,c={large},d=2"));
    let many: Vec<String> = (10..42).map(|n| format!("k{n}={}", "x".repeat(20))).collect();
    assert_eq!(state_of(&[&many.join(",")]), many[..20].join(","));
    let fits = format!("a={},b={}", "x".repeat(254), "x".repeat(253));
    assert_eq!(fits.len(), 512);
    assert_eq!(state_of(&[&fits]), fits);
    assert_eq!(state_of(&[&format!("a={0},b={0}", "x".repeat(254))]).len(), 256);
}

#[test]
fn any_request_target_and_query_makes_a_valid_line() {
    for target in [
        "/?",
        "/?&&=&==&a",
        "/?a=%ff%fe&%ff=1&%00=%0a%0d%1b[31m",
        "/%ff%00%0d%0a%e2%80%ae/x",
        "/?a=1&a=2&A=3&a%5B%5D=4&%61=5",
        "/?%70assword=canary-query&pass%77ord=canary-query&PASSWORD=canary-query",
        "/?next=https%3A%2F%2Fu%3Acanary-query%40host%2F%3Ftoken%3Dcanary-query",
        "/?token",
        "//double//slashes//",
        "/a;token=canary-query/b",
        "http://user:canary-query@host.example/path?x=1",
        "*",
    ] {
        let captured = capture();
        let mut request = to("/");
        *request.uri_mut() = target.parse::<Uri>().expect(target);
        run(send(&app(), request));
        checked(&captured);
        captured.completed();
        assert!(!format!("{captured:?}").contains("canary-query"), "{captured:?}");
    }
    let captured = capture();
    let query = "x=1&".repeat(5_000);
    run(send(&app(), to(&format!("/{}?{query}", "p/".repeat(5_000)))));
    checked(&captured);
    assert!(captured.line("request_started").boolean("truncated"));
}

#[test]
fn any_method_and_header_makes_a_valid_line() {
    let captured = capture();
    let mut request = to("/");
    *request.method_mut() = Method::from_bytes(b"M-SEARCH").expect("a method");
    for n in 0..300 {
        let name = HeaderName::from_bytes(format!("x-header-{n}").as_bytes()).expect("a name");
        request.headers_mut().append(name, HeaderValue::from_bytes(&[0xff; 50]).expect("a value"));
    }
    for value in [&b"text/html; token=canary-type"[..], b"\xff"] {
        request.headers_mut().append("content-type", HeaderValue::from_bytes(value).expect("one"));
    }
    request.headers_mut().insert("content-length", HeaderValue::from_static("-7"));
    run(send(&app(), request));
    checked(&captured);
    assert_eq!(captured.completed().text("method"), "M-SEARCH");
    assert!(!format!("{captured:?}").contains("canary"));
}

/// A router with the layer is nested in another router with the layer.
#[test]
fn a_request_through_two_layers_completes_once() {
    let captured = capture();
    let inner = Router::new()
        .route("/inner", get(|| async { tracing::info!("inside") }))
        .layer(RequestLayer::new());
    let outer = Router::new().nest("/outer", inner).layer(RequestLayer::new()).layer(
        RequestLayer::new().fields(|_, fields| {
            fields.set("outermost", true);
        }),
    );
    let (status, headers, _) = run(send(&outer, to("/outer/inner")));
    assert_eq!(status, StatusCode::OK);
    let lines = checked(&captured);
    let messages: Vec<_> = lines.iter().map(|line| line.text("msg")).collect();
    assert_eq!(messages, ["request_started", "inside", "request_completed"]);
    for line in &lines {
        assert_eq!(headers["x-request-id"], line.text("request_id"));
        assert!(line.boolean("outermost"));
    }
}

/// The marker of a layer is valid inside its context only: a forwarded head starts a new request.
#[test]
fn a_request_forwarded_outside_its_context_is_a_new_request() {
    let captured = capture();
    let second = Router::new().fallback(|| async {}).layer(RequestLayer::new());
    let first = Router::new()
        .fallback(move |request: Request<Body>| async move {
            // On a task without the context.
            let sent = tokio::spawn(second.oneshot(request)).await.expect("no panic");
            sent.expect("infallible").status()
        })
        .layer(RequestLayer::new());
    run(send(&first, with_header("x-request-id", "r-7")));
    let ends = captured.events("request_completed");
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|line| line.text("request_id") == "r-7"));
}

/// A stored request that is handled inside another request, for example from a queue of retries.
#[test]
fn a_request_forwarded_inside_another_request_is_a_new_request() {
    let captured = capture();
    let stored = Arc::new(Mutex::new(None));
    let second = Router::new().fallback(|| async {}).layer(RequestLayer::new());
    let first = Router::new()
        .route(
            "/store",
            get({
                let stored = Arc::clone(&stored);
                move |request: Request<Body>| async move {
                    *stored.lock().expect("no panic") = Some(request);
                }
            }),
        )
        .route(
            "/replay",
            get(move || async move {
                let request = stored.lock().expect("no panic").take().expect("a request");
                second.oneshot(request).await.expect("infallible").status()
            }),
        )
        .layer(RequestLayer::new());
    run(async {
        send(&first, to("/store")).await;
        send(&first, to("/replay")).await;
    });
    let ends = captured.events("request_completed");
    let paths: Vec<_> = ends.iter().map(|line| line.text("path")).collect();
    assert_eq!(paths, ["/store", "/store", "/replay"]);
    let ids: BTreeSet<_> = ends.iter().map(|line| line.text("request_id")).collect();
    assert_eq!(ids.len(), 3);
}

/// A body polled again after its end or its error completes its request only once.
#[test]
fn a_body_polled_after_its_end_completes_its_request_once() {
    let captured = capture();
    for fails in [false, true] {
        captured.clear();
        let app = Router::new()
            .fallback(move || async move {
                pieces(fails.then(|| Err(std::io::ErrorKind::Other.into())))
            })
            .layer(RequestLayer::new());
        run(async {
            let mut body = app.oneshot(to("/")).await.expect("infallible").into_body();
            for _ in 0..8 {
                let _ = body.frame().await;
            }
        });
        captured.completed();
    }
}

/// Responses whose `content-length` is not a number, too small or too large.
#[test]
fn a_wrong_content_length_does_not_complete_a_request_twice() {
    for (length, read, outcome) in [
        ("x", 2, "ok"),
        ("8", 2, "ok"),
        ("3", 2, "ok"),
        ("99", 2, "ok"),
        ("99", 1, "cancelled"),
        ("99999999999999999999999", 1, "cancelled"),
        ("0", 0, "ok"),
    ] {
        let captured = capture();
        let app = Router::new()
            .fallback(move || async move { ([("content-length", length)], pieces(None)) })
            .layer(RequestLayer::new());
        run(async {
            let mut body = app.oneshot(to("/")).await.expect("infallible").into_body();
            for _ in 0..read {
                let _ = body.frame().await;
            }
            if read == 2 {
                while body.frame().await.is_some() {}
            }
        });
        assert_eq!(captured.completed().text("outcome"), outcome, "{length}, {read} frames");
    }
}

/// A request whose body panics on drop still completes.
#[test]
fn a_body_that_panics_on_drop_completes_its_request() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("a body gives up");
            }
        }
    }

    use futures::StreamExt as _;
    let captured = capture();
    let app = Router::new()
        .fallback(|| async {
            let bomb = Bomb;
            Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>().inspect(
                move |_| {
                    let _ = &bomb;
                },
            ))
        })
        .layer(RequestLayer::new());
    run(async {
        let dropped = tokio::spawn(async move {
            drop(app.oneshot(to("/")).await.expect("infallible"));
        });
        dropped.await.expect_err("panics");
    });
    assert_eq!(captured.completed().text("outcome"), "panicked");
}

/// The bytes a client sends before it disconnects, and the possible outcomes of its request.
#[test]
fn a_client_that_disconnects_in_any_phase_causes_one_completion() {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        "late"
    };
    let endless = || async {
        Body::from_stream(futures::stream::repeat_with(|| {
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024]))
        }))
    };
    let routes = Router::new()
        .route("/upload", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/ignores", post(|| async { "not read" }))
        .route("/slow", get(slow))
        .route("/endless", get(endless));
    for (sent, reads, ends) in [
        // Not a complete request.
        ("", 0, &[][..]),
        ("GET /slow HT", 0, &[]),
        ("GET /slow HTTP/1.1\r\nhost: x\r\nx-half: ", 0, &[]),
        ("not http at all\r\n\r\n", 0, &[]),
        // The body is sent only in part or not at all.
        (
            "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n",
            0,
            &["ok", "cancelled"],
        ),
        (
            "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf",
            0,
            &["ok", "cancelled"],
        ),
        (
            "POST /upload HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
            0,
            &["ok", "cancelled"],
        ),
        (
            "POST /upload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            0,
            &["ok", "cancelled"],
        ),
        (
            "POST /ignores HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf",
            0,
            &["ok", "cancelled"],
        ),
        // The response is not awaited, or not read.
        ("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n", 0, &["ok", "cancelled"]),
        ("HEAD /slow HTTP/1.1\r\nhost: x\r\n\r\n", 0, &["ok", "cancelled"]),
        ("GET /slow HTTP/1.0\r\n\r\n", 4, &["ok"]),
        ("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n", 0, &["cancelled"]),
        ("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n", 100_000, &["cancelled"]),
        ("HEAD /endless HTTP/1.1\r\nhost: x\r\n\r\n", 10, &["ok"]),
    ] {
        let captured = capture();
        // A layer belongs to the capture in which it was created.
        let app = routes.clone().layer(RequestLayer::new());
        run(async {
            let address = serve(app).await;
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.write_all(sent.as_bytes()).await.expect("sent");
            if reads > 0 {
                stream.read_exact(&mut vec![0; reads]).await.expect("an answer");
            } else if sent.ends_with("\r\n\r\n") || sent.ends_with("half") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            drop(stream);
            if !ends.is_empty() {
                completed(&captured).await;
            }
            tokio::time::sleep(Duration::from_millis(80)).await;
        });
        let found = captured.events("request_completed");
        assert_eq!(found.len(), usize::from(!ends.is_empty()), "{sent:?}: {found:?}");
        for line in found {
            assert!(ends.contains(&line.text("outcome")), "{sent:?}: {line:?}");
        }
    }
}

/// A body that panics in `is_end_stream`, which is called with the response and on drop.
#[test]
fn a_body_that_panics_in_is_end_stream_completes_its_request() {
    struct Panics {
        questions: std::sync::atomic::AtomicU32,
        from: u32,
    }
    impl http_body::Body for Panics {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            std::task::Poll::Pending
        }
        fn is_end_stream(&self) -> bool {
            let before = self.questions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(before < self.from || std::thread::panicking(), "a body gives up");
            false
        }
    }

    let mut outcomes = Vec::new();
    for from in 0..8 {
        let captured = capture();
        let app = Router::new()
            .fallback(
                move || async move { Body::new(Panics { questions: Default::default(), from }) },
            )
            .layer(RequestLayer::new());
        run(async {
            let asked = tokio::spawn(async move { drop(app.oneshot(to("/")).await) });
            let _ = asked.await;
        });
        outcomes.push(captured.completed().text("outcome").to_owned());
    }
    // Each round allows one more call before the panic; in the last one none panics.
    assert_eq!((outcomes[0].as_str(), outcomes[7].as_str()), ("panicked", "cancelled"));
    assert!(outcomes.is_sorted_by_key(|outcome| outcome != "panicked"), "{outcomes:?}");
}
