//! A service with one version of axum.

use std::net::SocketAddr;

use candor::http::{RequestLayer, Trust};
use candor::testing::capture;
use tokio::net::TcpListener;

use super::{ROUTE, axum};
use crate::{check_lines, run};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

#[test]
fn a_request_has_its_route_and_its_peer_address_is_known() {
    let captured = capture();
    run(async {
        let trust = Trust::new().network("127.0.0.1").expect("a network");
        let layer = RequestLayer::new().path_template().trust(trust);
        let router = Router::new()
            .route(ROUTE, get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
            .layer(layer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await });
        let client = reqwest_0_13::Client::builder().no_proxy().build().expect("a client");
        let request = client.get(format!("http://{address}/orders/7")).header("x-debug-log", "1");
        let status = request.send().await.expect("a response").status();
        assert_eq!(status.as_u16(), 500);
        server.abort();
    });
    check_lines(&captured);
    let completed = captured.completed();
    assert_eq!(completed.text("route"), ROUTE);
    assert_eq!(completed.text("path"), ROUTE);
    assert_eq!(completed.integer("status"), 500);
    assert_eq!(completed.text("level"), "ERROR");
    assert_eq!(captured.events("debug_raised").len(), 1, "{captured:?}");
    assert!(captured.events("peer_unknown").is_empty(), "{captured:?}");
}
