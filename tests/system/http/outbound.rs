//! Headers that a service sends to other services, and the hosts that do not get them.

use std::net::SocketAddr;

use candor::http::{PeerAddr, Trust, same_host_redirects};
use candor::testing::capture_with;
use candor::{Config, Format};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use super::*;

fn client(middleware: ContextMiddleware) -> ClientWithMiddleware {
    let client = reqwest::Client::builder().no_proxy().redirect(same_host_redirects());
    ClientBuilder::new(client.build().expect("a client")).with(middleware).build()
}

/// A service that responds with the names of the internal headers it received.
fn echo() -> Router {
    Router::new().route(
        "/",
        get(|headers: HeaderMap| async move {
            let internal = ["x-request-id", "traceparent", "tracestate", "x-debug-log"];
            internal
                .into_iter()
                .filter(|name| headers.contains_key(*name))
                .collect::<Vec<_>>()
                .join(" ")
        }),
    )
}

fn redirecting(to: String) -> Router {
    echo()
        .route("/away", get(|| async move { (StatusCode::FOUND, [("location", to)]) }))
        .route("/back", get(|| async { (StatusCode::FOUND, [("location", "/")]) }))
}

fn raised() -> Request<Body> {
    let mut request = with_header("x-debug-log", "1");
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = request.headers_mut();
    headers
        .insert("traceparent", format!("00-{id}-00f067aa0ba902b7-01").parse().expect("a header"));
    headers.insert("tracestate", http::HeaderValue::from_static("vendor=x"));
    request.extensions_mut().insert(PeerAddr(SocketAddr::from(([127, 0, 0, 1], 1))));
    request
}

/// The response from `url` to a call inside a raised request.
async fn response_of(url: String, middleware: ContextMiddleware) -> (StatusCode, String) {
    let app = Router::new()
        .route(
            "/",
            get(move || async move {
                let answer = client(middleware).get(url).send().await.expect("answered");
                (answer.status(), answer.text().await.expect("a body"))
            }),
        )
        .layer(RequestLayer::new().trust(Trust::new().network("127.0.0.1").expect("a network")));
    let (status, _, body) = send(&app, raised()).await;
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[test]
fn the_debug_header_is_sent_to_listed_hosts_only() {
    let _captured = capture();
    run(async {
        let address = serve(echo()).await;
        let url = format!("http://{address}/");
        let (_, told_by_default) = response_of(url.clone(), ContextMiddleware::new()).await;
        assert_eq!(told_by_default, "x-request-id traceparent tracestate");
        let listed = ContextMiddleware::new().debug_host("elsewhere").debug_host("127.0.0.1");
        let (_, told_to_listed) = response_of(url, listed).await;
        assert_eq!(told_to_listed, "x-request-id traceparent tracestate x-debug-log");
    });
}

#[test]
fn a_redirect_to_another_host_does_not_forward_the_headers() {
    let _captured = capture();
    run(async {
        let elsewhere = serve(echo()).await;
        let first = serve(redirecting(format!("http://{elsewhere}/"))).await;
        let listed = || ContextMiddleware::new().debug_host("127.0.0.1");
        let (status, body) = response_of(format!("http://{first}/away"), listed()).await;
        assert_eq!((status, body.as_str()), (StatusCode::FOUND, ""), "not followed");
        let (status, body) = response_of(format!("http://{first}/back"), listed()).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body, "x-request-id traceparent tracestate x-debug-log");
    });
}

/// A client with reqwest's default redirect policy.
#[test]
fn a_redirect_that_forwarded_the_headers_is_warned_about_once() {
    let captured = capture();
    run(async {
        let elsewhere = serve(echo()).await;
        let first = serve(redirecting(format!("http://{elsewhere}/?token=canary"))).await;
        let app = Router::new()
            .route(
                "/",
                get(move || async move {
                    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                    let client = ClientBuilder::new(client).with(ContextMiddleware::new()).build();
                    for path in ["back", "away", "away"] {
                        client
                            .get(format!("http://{first}/{path}"))
                            .send()
                            .await
                            .expect("answered");
                    }
                }),
            )
            .layer(RequestLayer::new());
        send(&app, to("/")).await;
    });
    checked(&captured);
    let line = captured.line("redirect_followed");
    assert_eq!((line.text("level"), line.text("logger")), ("WARN", "http"));
    assert!(line.text("detail").contains("candor::http::same_host_redirects()"));
    assert!(!format!("{captured:?}").contains("canary"));
}

/// Another port, another scheme or a similar name is another host.
#[test]
fn redirects_are_followed_within_one_origin_only() {
    let _captured = capture();
    run(async {
        let elsewhere = serve(echo()).await;
        let port = elsewhere.rsplit(':').next().expect("a port").to_owned();
        for to in [
            format!("http://localhost:{port}/"),
            format!("https://127.0.0.1:{port}/"),
            format!("http://127.0.0.1@localhost:{port}/"),
            format!("//{elsewhere}/"),
        ] {
            let first = serve(redirecting(to.clone())).await;
            let (status, body) =
                response_of(format!("http://{first}/away"), ContextMiddleware::new()).await;
            assert_eq!((status, body.as_str()), (StatusCode::FOUND, ""), "{to}");
        }
    });
}

#[test]
fn two_services_share_the_id_the_trace_and_the_sampling_decision() {
    let config = Config::new().format(Format::Json);
    let captured = capture_with(config).expect("a capture");
    run(async {
        let payments = Router::new()
            .route("/charges", get(|| async { tracing::info!("charged") }))
            .layer(RequestLayer::new().sample(0.5));
        let url = format!("http://{}/charges", serve(payments).await);
        let orders = Router::new()
            .route(
                "/orders",
                get(move || async move {
                    tracing::info!("ordered");
                    let answer = client(ContextMiddleware::new()).get(url).send().await;
                    answer.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
                }),
            )
            .layer(RequestLayer::new().sample(0.5));
        let orders = serve(orders).await;
        let caller = reqwest::Client::builder().no_proxy().build().expect("a client");
        for n in 0..16 {
            let request = caller.get(format!("http://{orders}/orders"));
            let answer = request.header("x-request-id", format!("r-{n}")).send().await;
            assert_eq!(answer.expect("answered").status(), StatusCode::OK);
        }
    });
    let lines = checked(&captured);
    // Each sampled request writes two lines at each service.
    assert_eq!(lines.len(), 5 * 4, "{captured:?}");
    for id in ["r-6", "r-7", "r-8", "r-9", "r-10"] {
        let of_it: Vec<_> = lines.iter().filter(|line| line.text("request_id") == id).collect();
        assert_eq!(of_it.len(), 4, "{id}");
        assert!(
            of_it.iter().all(|line| line.text("trace_id") == of_it[0].text("trace_id")),
            "{id}"
        );
    }
}
