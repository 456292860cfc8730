//! `X-Debug-Log`: trusted callers raise the log level of their own request.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use candor::http::{PeerAddr, Trust};
use candor::testing::{Captured, capture_with};
use candor::{Config, Format};

use super::*;

fn capture_at(levels: &str) -> Captured {
    let config = Config::new().format(Format::Json).level(levels).expect("levels");
    capture_with(config).expect("a capture")
}

#[step_timed(level = "debug", target = "shop")]
async fn quiet_step() {
    tokio::task::yield_now().await;
}

#[step_timed(level = "debug", target = "shop")]
fn quiet_sync_step() {}

/// Logs an event at every level that a request can be raised to.
async fn talk() {
    quiet_step().await;
    quiet_sync_step();
    tracing::debug!(target: "shop", token = "canary-token", "foreign detail");
    candor::debug!(target: "shop", debug = context::is_debug(), "own detail");
    log::debug!(target: "shop", "detail of the log crate");
    tracing::debug!(target: "other", "detail of another target");
}

fn app(trust: Trust) -> Router {
    Router::new().route("/", get(talk)).layer(RequestLayer::new().trust(trust))
}

fn trust(network: &str) -> Trust {
    let trust = Trust::new().network(network).and_then(|trust| trust.targets("shop=debug"));
    trust.expect("a network and targets")
}

/// A request with `X-Debug-Log` from this address.
fn debug_request(peer: &str) -> Request<Body> {
    let mut request = with_header("x-debug-log", "1");
    request.extensions_mut().insert(PeerAddr(SocketAddr::new(peer.parse().expect("an IP"), 4711)));
    request
}

fn is_raised(app: &Router, captured: &Captured, request: Request<Body>) -> bool {
    captured.clear();
    run(send(app, request));
    checked(captured);
    let raised = !captured.events("debug_raised").is_empty();
    assert_eq!(raised, !captured.events("own detail").is_empty(), "{captured:?}");
    raised
}

#[test]
fn a_trusted_caller_raises_the_level_of_its_own_request_only() {
    let captured = capture_at("info");
    let app = app(trust("10.0.0.0/8"));
    assert!(is_raised(&app, &captured, debug_request("10.1.2.3")));
    assert_eq!(captured.step("quiet_step").text("level"), "DEBUG");
    assert_eq!(captured.step("quiet_sync_step").text("level"), "DEBUG");
    assert!(captured.line("own detail").boolean("debug"));
    assert_eq!(captured.line("foreign detail").text("token"), "[REDACTED]");
    assert!(captured.events("detail of another target").is_empty());
    let line = captured.line("debug_raised");
    assert_eq!((line.text("logger"), line.text("level")), ("http", "INFO"));
    assert_eq!((line.text("levels"), line.integer("lines")), ("shop=debug,http=info", 1000));
    assert_eq!(line.integer("seq"), 1);
    assert!(!is_raised(&app, &captured, to("/")), "another request");
}

#[test]
fn of_two_concurrent_requests_only_the_one_with_the_header_is_raised() {
    let captured = capture_at("info");
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                for _ in 0..5 {
                    talk().await;
                    tokio::task::yield_now().await;
                }
            }),
        )
        .layer(RequestLayer::new().trust(trust("10.0.0.0/8")));
    run(async {
        let mut asks = debug_request("10.1.2.3");
        asks.headers_mut().insert("x-request-id", http::HeaderValue::from_static("asks"));
        tokio::join!(send(&app, asks), send(&app, with_header("x-request-id", "silent")));
    });
    assert_eq!(captured.events("own detail").len(), 5);
    assert_eq!(captured.steps("quiet_step").len(), 5);
    assert_eq!(captured.steps("quiet_sync_step").len(), 5);
    for line in captured.lines() {
        let is_debug = line.text("level") == "DEBUG";
        assert!(!is_debug || line.text("request_id") == "asks", "{line:?}");
    }
}

#[test]
fn callers_outside_the_trusted_networks_are_ignored() {
    let captured = capture_at("info");
    assert!(!is_raised(&app(trust("10.0.0.0/8")), &captured, debug_request("11.1.2.3")));
    assert!(!is_raised(&app(trust("fd00::/8")), &captured, debug_request("::1")));
    assert!(is_raised(&app(trust("fd00::/8")), &captured, debug_request("fd12::1")));
    assert!(is_raised(&app(trust("10.0.0.0/8")), &captured, debug_request("::ffff:10.1.2.3")));
    let nobody = Router::new().route("/", get(talk)).layer(RequestLayer::new());
    assert!(
        !is_raised(&nobody, &captured, debug_request("127.0.0.1")),
        "no trust, nobody is trusted"
    );
}

#[test]
fn a_network_contains_the_addresses_of_its_prefix() {
    let captured = capture_at("info");
    for (network, inside, outside) in [
        ("10.0.0.0/8", "10.255.3.4", "11.0.0.0"),
        ("192.168.1.7", "192.168.1.7", "192.168.1.6"),
        ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
        ("fd00::/8", "fdff::1", "fe80::1"),
        ("::/0", "::1", "8.8.8.8"),
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
    ] {
        let app = app(trust(network));
        assert!(is_raised(&app, &captured, debug_request(inside)), "{network} {inside}");
        assert!(!is_raised(&app, &captured, debug_request(outside)), "{network} {outside}");
    }
}

#[test]
fn malformed_networks_are_rejected() {
    let malformed = ["", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8", "10.1.2.3/8", "x", "/8"];
    for text in malformed.into_iter().chain(["10.0.0.0/-1"]) {
        assert!(Trust::new().network(text).is_err(), "{text}");
        assert!(Trust::new().proxy(text).is_err(), "{text}");
    }
}

#[test]
fn addresses_are_read_in_the_forms_that_proxies_write() {
    let captured = capture_at("info");
    for (text, address) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ] {
        let proxied = app(trust(address).proxy("10.0.0.1").expect("a network"));
        let mut request = debug_request("10.0.0.1");
        request.headers_mut().insert("x-forwarded-for", text.parse().expect("a header"));
        assert!(is_raised(&proxied, &captured, request), "{text}");
    }
}

#[test]
fn only_1_true_and_on_raise_a_request() {
    let captured = capture_at("info");
    let app = app(trust("10.0.0.0/8"));
    for (value, raised) in [
        ("1", true),
        ("TRUE", true),
        ("on", true),
        ("0", false),
        ("false", false),
        ("", false),
        ("debug", false),
    ] {
        let mut request = debug_request("10.0.0.1");
        request.headers_mut().insert("x-debug-log", http::HeaderValue::from_static(value));
        assert_eq!(is_raised(&app, &captured, request), raised, "{value}");
    }
}

#[test]
fn an_address_in_a_request_header_is_not_trusted() {
    let captured = capture_at("info");
    let forwarded = |peer: &str, headers: &[&'static str]| {
        let mut request = debug_request(peer);
        for value in headers {
            request.headers_mut().append("x-forwarded-for", http::HeaderValue::from_static(value));
        }
        request
    };
    let direct = app(trust("10.0.0.0/8"));
    assert!(!is_raised(&direct, &captured, forwarded("192.0.2.9", &["10.0.0.1"])));
    assert!(is_raised(&direct, &captured, forwarded("10.0.0.1", &["192.0.2.9"])), "no proxy");

    let proxied = app(trust("10.0.0.0/8").proxy("192.168.0.0/16").expect("a network"));
    for (headers, raised) in [
        (&["10.0.0.1"][..], true),
        (&["10.0.0.1:5000"], true),
        (&["192.0.2.9, 10.0.0.1"], true),
        (&["10.0.0.1, 192.168.0.7"], true),
        (&["10.0.0.1", "192.168.0.7"], true),
        (&["10.0.0.1, 192.0.2.9"], false),
        (&["10.0.0.1", "192.0.2.9"], false),
        (&["10.0.0.1, unknown"], false),
        (&["10.0.0.1,"], false),
        (&[], false),
    ] {
        let request = forwarded("192.168.0.1", headers);
        assert_eq!(is_raised(&proxied, &captured, request), raised, "{headers:?}");
    }
}

#[test]
fn the_peer_address_is_read_from_axums_connect_info() {
    let captured = capture_at("info");
    let app = app(trust("127.0.0.0/8"));
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.get(format!("http://{address}/")).header("x-debug-log", "1");
        request.send().await.expect("answered");
        completed(&captured).await;
    });
    assert_eq!(captured.events("debug_raised").len(), 1);
    assert_eq!(captured.events("own detail").len(), 1);
    let mut request = with_header("x-debug-log", "1");
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
    let elsewhere =
        Router::new().route("/", get(talk)).layer(RequestLayer::new().trust(trust("127.0.0.0/8")));
    assert!(!is_raised(&elsewhere, &captured, request));
}

#[test]
fn a_server_without_peer_addresses_is_warned_once() {
    let captured = capture_at("info");
    let app = app(trust("0.0.0.0/0"));
    for _ in 0..3 {
        run(send(&app, with_header("x-debug-log", "1")));
    }
    let line = captured.line("peer_unknown");
    assert_eq!(line.text("level"), "WARN");
    assert!(line.text("detail").contains("into_make_service_with_connect_info::<SocketAddr>()"));
    assert!(line.text("detail").contains("candor::http::PeerAddr"));
    assert!(captured.events("debug_raised").is_empty());
}

#[test]
fn a_raised_request_has_a_separate_limit_for_its_extra_lines() {
    let config = Config::new().format(Format::Json).lines_per_request(8);
    let captured = capture_with(config).expect("a capture");
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                for _ in 0..20 {
                    tracing::debug!(target: "shop", "more");
                }
                for _ in 0..20 {
                    tracing::info!(target: "shop", "usual");
                }
            }),
        )
        .layer(RequestLayer::new().trust(trust("10.0.0.0/8").lines(5)));
    run(send(&app, debug_request("10.0.0.1")));
    assert_eq!(captured.events("more").len(), 5);
    // The line that reports the limit is one of the eight.
    assert_eq!(captured.events("usual").len(), 7);
    assert_eq!(captured.completed().integer("lines_suppressed"), 15 + 13);
    let lines = checked(&captured);
    let numbers: Vec<_> = (1..=lines.len()).map(|n| json!(n)).collect();
    assert_eq!(values(&lines, "seq"), numbers);
}

#[test]
fn detail_follows_the_request_to_other_tasks_and_threads() {
    let captured = capture_at("warn");
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                let work = context::carry(|| candor::debug!(target: "shop", "on a thread"));
                let thread =
                    std::thread::spawn(move || tracing::dispatcher::with_default(&dispatch, work));
                tokio::spawn(quiet_step().in_context()).await.expect("no panic");
                thread.join().expect("no panic");
            }),
        )
        .layer(RequestLayer::new().trust(trust("10.0.0.0/8")));
    run(send(&app, debug_request("10.0.0.1")));
    assert_eq!(captured.events("on a thread").len(), 1, "{captured:?}");
    assert_eq!(captured.steps("quiet_step").len(), 1);
    assert_eq!(captured.events("debug_raised").len(), 1, "also where others write warnings only");
}

#[test]
fn a_cancelled_raised_request_logs_its_steps_as_cancelled() {
    #[step_timed(target = "shop")]
    async fn hang() {
        std::future::pending::<()>().await;
    }

    let captured = capture_at("warn");
    let trust = trust("10.0.0.0/8").targets("shop=debug").expect("targets");
    let app = Router::new().route("/", get(hang)).layer(RequestLayer::new().trust(trust));
    run(async {
        let asked = tokio::spawn(async move { send(&app, debug_request("10.0.0.1")).await });
        tokio::task::yield_now().await;
        asked.abort();
        let _ = asked.await;
    });
    assert_eq!(captured.step("hang").text("outcome"), "cancelled");
    assert_eq!(captured.completed().text("outcome"), "cancelled");
}

#[test]
fn a_filter_around_candors_layer_takes_precedence() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let sink = Shared::default();
    let config = Config::new().format(Format::Json).writer(sink.clone());
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::INFO)
        .with(config.layer().expect("a layer"));
    let _default = tracing::subscriber::set_default(subscriber);
    run(send(&app(trust("10.0.0.0/8")), debug_request("10.0.0.1")));
    let lines = sink.text();
    assert!(lines.contains("debug_raised") && !lines.contains("own detail"), "{lines}");
}

#[test]
fn beside_other_layers_only_the_raised_request_writes_more() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let sink = Shared::default();
    let config = Config::new().format(Format::Json).writer(sink.clone());
    let subscriber = tracing_subscriber::registry()
        .with(config.layer().expect("a layer"))
        .with(tracing_subscriber::layer::Identity::new());
    let _default = tracing::subscriber::set_default(subscriber);
    let app = app(trust("10.0.0.0/8"));
    run(send(&app, debug_request("10.0.0.1")));
    run(send(&app, to("/")));
    let lines = sink.text();
    assert_eq!(lines.matches("own detail").count(), 1, "{lines}");
    assert_eq!(lines.matches("quiet_sync_step").count(), 1, "{lines}");
}

/// A writer that keeps its output.
#[derive(Clone, Default)]
struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
