//! Tests the requests of the service over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorForbidden;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer, rt};
use candor::http::{RequestLayer, Trust};
use candor::testing::{Captured, Line, capture};
use candor_example_actix::middleware::log_requests;
use candor_example_actix::service;
use serde_json::json;

/// A running server, which stops when it is dropped.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the service with this layer.
    fn start(layer: RequestLayer) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            let layer = Data::new(layer);
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let twice = web::scope("/twice").wrap(from_fn(log_requests));
                    let twice = twice.configure(service::routes);
                    let closed = web::scope("/closed").wrap(from_fn(refuse));
                    let closed = closed.configure(service::routes);
                    App::new()
                        .app_data(Data::clone(&layer))
                        .configure(service::routes)
                        .service(twice)
                        .service(closed)
                        .wrap(from_fn(log_requests))
                });
                let server = server.workers(1).disable_signals().h1_allow_half_closed(false);
                let server = server.bind(("127.0.0.1", 0)).expect("a port");
                let address = server.addrs()[0];
                let server = server.run();
                sender.send((address, server.handle())).expect("the test waits");
                server.await.expect("it runs");
            });
        });
        let (address, handle) = receiver.recv().expect("the server starts");
        Server { address, handle, thread: Some(thread) }
    }

    /// Sends a request with these headers, each of which ends with CRLF.
    fn open(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
            .expect("sent");
        stream
    }

    /// Sends a request and reads the response to its end.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut response = Vec::new();
        self.open(path, headers).read_to_end(&mut response).expect("a response");
        String::from_utf8(response).expect("text")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A middleware that returns an error instead of a response.
async fn refuse(
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    Err(ErrorForbidden("closed"))
}

/// Waits for the only `request_completed`.
fn completed(captured: &Captured) -> Line {
    for _ in 0..500 {
        if !captured.events("request_completed").is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    captured.completed()
}

#[test]
fn a_request_has_its_id_trace_route_user_and_steps() {
    let captured = capture();
    let server = Server::start(service::layer());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let response = server.get(
        "/orders/7?token=canary-1",
        &format!(
            "x-request-id: r-7\r\nx-customer: 41\r\nauthorization: Bearer canary-2\r\n\
             traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"
        ),
    );
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("{\"cents\":1250}"));
    assert_eq!(response.matches("x-request-id: r-7\r\n").count(), 1, "{response}");
    let line = completed(&captured);
    assert_eq!((line.integer("status"), line.text("outcome")), (200, "ok"));
    assert_eq!((line.text("path"), line.text("route")), ("/orders/7", "/orders/{id}"));
    assert_eq!(
        (line.text("content_type"), line.integer("response_bytes")),
        ("application/json", 14)
    );
    assert_eq!((line.integer("steps"), line.integer("dependency_calls")), (1, 1));
    let lines = captured.lines();
    let messages: Vec<_> = lines.iter().map(|line| line.text("msg")).collect();
    assert_eq!(
        messages,
        ["request_started", "dependency_call", "step_timing", "order found", "request_completed"]
    );
    for line in &lines {
        assert_eq!((line.text("request_id"), line.text("user_id")), ("r-7", "41"), "{line:?}");
        assert_eq!((line.text("trace_id"), line.text("method")), (trace, "GET"));
    }
    // The call ran on a thread of `web::block`.
    assert_eq!(
        captured.dependency("database").integer("parent_id"),
        captured.step("total").integer("step_id")
    );
    candor::testing::assert_no_leak!(captured, "canary");
}

#[test]
fn the_status_of_an_error_is_that_of_its_response() {
    for (path, status, outcome, level) in [
        ("/orders/9", 404, "ok", "INFO"),
        ("/nowhere", 404, "ok", "INFO"),
        ("/orders/8", 500, "error", "ERROR"),
    ] {
        let captured = capture();
        let server = Server::start(service::layer());
        let response = server.get(path, "");
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        let line = completed(&captured);
        assert_eq!((line.integer("status"), line.text("outcome")), (status, outcome), "{path}");
        assert_eq!(line.text("level"), level);
        assert!(response.contains(&format!("x-request-id: {}\r\n", line.text("request_id"))));
        assert_eq!(line.has("route"), path != "/nowhere");
    }
}

#[test]
fn a_streamed_body_is_in_the_request_and_completes_it() {
    let captured = capture();
    let server = Server::start(service::layer());
    let response = server.get("/export/3", "x-request-id: r-7\r\n");
    assert_eq!(response.matches("7,1250\n").count(), 3, "{response}");
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 21));
    let rows = captured.events("row sent");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.text("request_id") == "r-7"));
}

#[test]
fn an_empty_response_is_complete() {
    let captured = capture();
    let server = Server::start(RequestLayer::new());
    assert!(server.get("/health", "").starts_with("HTTP/1.1 204"));
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("status")), ("ok", 204));
    captured.clear();
    let response = server.get("/slow%ff", "");
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 0));
}

#[test]
fn a_disconnected_client_cancels_its_request() {
    let captured = capture();
    let server = Server::start(service::layer());
    let stream = server.open("/slow", "x-request-id: r-7\r\n");
    while captured.events("request_started").is_empty() {
        thread::sleep(Duration::from_millis(2));
    }
    drop(stream);
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.text("request_id")), ("cancelled", "r-7"));
    assert!(line.is_null("status"));
}

#[test]
fn a_client_that_disconnects_in_the_body_cancels_its_request() {
    let captured = capture();
    let server = Server::start(service::layer());
    let mut stream = server.open("/export/4000000000", "");
    stream.read_exact(&mut [0; 512]).expect("the beginning of the response");
    drop(stream);
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("status")), ("cancelled", 200));
    assert!(line.integer("response_bytes") > 0);
}

#[test]
fn an_error_of_an_inner_middleware_has_its_status() {
    let captured = capture();
    let server = Server::start(service::layer());
    assert!(server.get("/closed/orders/7", "").starts_with("HTTP/1.1 403"));
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("status")), ("ok", 403));
}

#[test]
fn a_panicking_handler_is_panicked_and_the_server_goes_on() {
    let captured = capture();
    let server = Server::start(service::layer());
    assert_eq!(server.get("/panics", "x-request-id: r-7\r\n"), "");
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.text("request_id")), ("panicked", "r-7"));
    captured.clear();
    assert!(server.get("/orders/7", "").starts_with("HTTP/1.1 200"));
    assert_eq!(completed(&captured).text("outcome"), "ok");
}

#[test]
fn the_layer_knows_the_address_of_the_client_and_its_quiet_paths() {
    let captured = capture();
    let trust = Trust::new().network("127.0.0.1").expect("a network");
    let server = Server::start(service::layer().trust(trust));
    server.get("/health", "");
    server.get("/orders/7", "x-debug-log: 1\r\n");
    completed(&captured);
    assert_eq!(captured.events("debug_raised").len(), 1);
    assert!(captured.lines().iter().all(|line| line.get("path") == Some(&json!("/orders/7"))));
}

#[test]
fn a_middleware_that_is_registered_twice_completes_a_request_once() {
    let captured = capture();
    let server = Server::start(service::layer());
    let response = server.get("/twice/orders/7", "x-request-id: r-7\r\n");
    assert_eq!(response.matches("x-request-id: r-7\r\n").count(), 1, "{response}");
    let line = completed(&captured);
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 14));
    assert_eq!(line.text("route"), "/twice/orders/{id}");
    assert_eq!(captured.events("request_started").len(), 1);
    assert!(captured.lines().iter().all(|line| line.text("request_id") == "r-7"));
}
