//! Names, targets, methods and ids that are given at run time: they are text too, and each of them once reached a line
//! without the scrubber.

use std::thread;

use candor::context::{self, RequestContext};
use candor::http::RequestLayer;
use candor::loggable::{Encoder, Loggable, to_json};
use candor::policy::clear;
use candor::testing::{Captured, assert_no_leak, capture, capture_with};
use candor::{Config, Format, step_timed};
use candor_tests::checked;
use http::{HeaderValue, Method, Request};

use super::process::{is_child, run_in_own_process};

/// A token of GitHub's format.
pub(super) const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

#[track_caller]
fn assert_hides_the_token(captured: &Captured) {
    checked(captured);
    assert_no_leak!(captured, TOKEN);
}

/// Panics on a thread with this name, and returns the name that the line shows.
pub(super) fn shown_thread(captured: &Captured, name: &str) -> String {
    captured.clear();
    let work = context::carry(|| panic!("on purpose"));
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.expect("a thread").join().expect_err("a panic");
    captured.line("panic").text("thread").to_owned()
}

#[test]
fn the_name_of_a_panicking_thread_is_scrubbed() {
    let captured = capture();
    assert_eq!(shown_thread(&captured, &format!("worker {TOKEN}")), "worker [REDACTED]");
    assert_hides_the_token(&captured);
    assert_eq!(shown_thread(&captured, "password=hunter2"), "password=[REDACTED]");
    for harmless in ["worker-7", "tokio-runtime-worker", "orders 3/8"] {
        assert_eq!(shown_thread(&captured, harmless), harmless);
    }
}

#[test]
fn the_target_of_a_log_record_is_scrubbed() {
    run_in_own_process("leaks::exits::log_targets");
}

#[test]
#[ignore = "needs a process of its own, which `the_target_of_a_log_record_is_scrubbed` starts"]
fn log_targets() {
    if !is_child() {
        return;
    }
    let path = std::env::temp_dir().join(format!("candor-targets-{}", std::process::id()));
    let config = Config::new().format(Format::Json).file(&path);
    let _logging = config.init().expect("nothing is installed yet");
    let shown = |target: &str| {
        log::info!(target: target, "a record");
        let lines = std::fs::read_to_string(&path).expect("the file is there");
        assert_no_leak!(lines, TOKEN);
        let line = lines.lines().last().expect("a line");
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["logger"].as_str().expect("text").to_owned()
    };
    assert_eq!(shown(TOKEN), "[REDACTED]");
    assert_eq!(shown(&format!("sync of {TOKEN}")), "sync of [REDACTED]");
    for harmless in ["legacy", "shop::orders", "job 7"] {
        assert_eq!(shown(harmless), harmless);
    }

    // Strict mode stays on once it is on, so this comes last.
    drop(Config::new().strict(true).subscriber().expect("a configuration"));
    for (target, expected) in [
        ("shop::orders", "shop::orders"),
        ("shop-v2.orders_v3", "shop-v2.orders_v3"),
        ("Ada Lovelace", "<text 9-16>"),
        ("ada@example.com", "<text 9-16>"),
        ("192.0.2.7", "<text 9-16>"),
        ("user::4711", "<text 9-16>"),
        ("DE89370400440532013000", "[REDACTED]"),
        (TOKEN, "[REDACTED]"),
    ] {
        assert_eq!(shown(target), expected, "{target}");
    }
    std::fs::remove_file(&path).expect("the file is there");
}

/// Sends a request through the HTTP layer; returns the request id of the response.
pub(super) fn send(request: Request<()>) -> String {
    use tower::ServiceExt as _;

    let service = tower::service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let service = tower::ServiceBuilder::new().layer(RequestLayer::new()).service(service);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let response = runtime.block_on(service.oneshot(request)).expect("infallible");
    response.headers()["x-request-id"].to_str().expect("text").to_owned()
}

pub(super) fn with_method(method: &str) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    request
}

pub(super) fn with_id(id: &str) -> Request<()> {
    let mut request = Request::new(());
    request.headers_mut().insert("x-request-id", HeaderValue::from_str(id).expect("a value"));
    request
}

#[test]
fn a_method_that_is_a_token_is_hidden() {
    let captured = capture();
    for (method, shown) in [(TOKEN, "[REDACTED]"), ("POST", "POST"), ("PROPFIND", "PROPFIND")] {
        captured.clear();
        send(with_method(method));
        assert_hides_the_token(&captured);
        assert_eq!(captured.completed().text("method"), shown);
    }
    let context = RequestContext::new().with_method(TOKEN);
    context.enter_with(|| candor::info!("in a request"));
    assert_eq!(captured.line("in a request").text("method"), "[REDACTED]");
    assert_hides_the_token(&captured);
}

#[test]
fn a_request_id_that_is_a_token_is_replaced() {
    let captured = capture();
    let id = send(with_id(TOKEN));
    assert_eq!(id.len(), 36, "a UUID: {id}");
    let completed = captured.completed();
    assert_eq!(completed.text("request_id"), id);
    assert_eq!(completed.text("client_request_id"), "[REDACTED]");
    assert_hides_the_token(&captured);
    for harmless in [
        "r-7",
        "0195f3a2-7c1e-7a40-9d52-3f6b8e21c704",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "basket_1.2",
        "20260102",
    ] {
        captured.clear();
        assert_eq!(send(with_id(harmless)), harmless);
        assert_eq!(captured.completed().text("request_id"), harmless);
        assert!(!captured.completed().has("client_request_id"));
    }
}

#[test]
fn a_request_id_that_is_given_in_code_is_scrubbed() {
    let captured = capture();
    for (id, shown) in [
        (TOKEN.to_owned(), "[REDACTED]"),
        (format!("sync {TOKEN} 7"), "sync [REDACTED] 7"),
        // A token that the longest id would cut is recognised.
        (format!("{}{TOKEN}", "x ".repeat(60)), &format!("{}[REDACTE", "x ".repeat(60))),
        ("r-7".to_owned(), "r-7"),
    ] {
        captured.clear();
        let context = RequestContext::with_id(&id);
        assert_eq!(context.id(), shown);
        context.enter_with(|| candor::info!("in a request"));
        assert_eq!(captured.line("in a request").text("request_id"), shown);
        assert_hides_the_token(&captured);
    }
}

#[test]
fn a_name_given_to_record_is_scrubbed() {
    #[step_timed]
    fn load(name: &str, error: &str) {
        candor::record(name, 3);
        candor::record("password=hunter2", clear("canary"));
        candor::record("rows.total", 7);
        candor::record(error, "x".parse::<u8>().expect_err("not a number"));
    }

    let captured = capture();
    load(TOKEN, &format!("{TOKEN}-error"));
    assert_hides_the_token(&captured);
    let line = captured.step("load");
    assert!(line.has("[REDACTED]") && !line.raw().contains("canary"), "{line:?}");
    assert!(!line.raw().contains("hunter2"), "{line:?}");
    assert_eq!(line.integer("rows.total"), 7);
    assert_eq!(line.text("outcome"), "ok");
    captured.clear();
    load("rows", "parse_error");
    let line = captured.step("load");
    assert_eq!(line.integer("rows"), 3);
    assert_eq!(line.text("parse_error"), "ParseIntError");
    assert_eq!(line.text("parse_error_detail"), "invalid digit found in string");
}

#[test]
fn a_name_given_to_record_outside_a_step_is_scrubbed() {
    let captured = capture_with(Config::new()).expect("a configuration");
    candor::record(TOKEN, 3);
    assert_no_leak!(captured, TOKEN);
    let output = captured.output();
    assert!(output.contains("`record(\\\"[REDACTED]\\\", …)` was called outside"), "{output}");
}

#[test]
fn a_name_given_to_context_set_is_scrubbed() {
    let captured = capture();
    RequestContext::new().enter_with(|| {
        context::set(TOKEN, 3);
        context::set("order.id", 7);
        context::set("größe", 9);
        candor::info!("in a request");
    });
    assert_hides_the_token(&captured);
    let line = captured.line("in a request");
    assert_eq!((line.integer("[REDACTED]"), line.integer("order.id")), (3, 7));
    assert_eq!(line.integer("größe"), 9);
}

#[test]
fn a_name_given_to_the_fields_of_the_http_layer_is_scrubbed() {
    use tower::ServiceExt as _;

    let captured = capture();
    let layer = RequestLayer::new()
        .fields(|_, fields| {
            fields.set(TOKEN, 3).set("order.id", 7);
        })
        .response_fields(|_, fields| {
            fields.set(&format!("{TOKEN} later"), 4);
        });
    let service = tower::service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let service = tower::ServiceBuilder::new().layer(layer).service(service);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(service.oneshot(Request::new(()))).expect("infallible");
    assert_hides_the_token(&captured);
    let line = captured.completed();
    assert_eq!((line.integer("[REDACTED]"), line.integer("order.id")), (4, 7));
}

#[test]
fn a_name_of_a_header_is_scrubbed() {
    let captured = capture();
    let mut request = Request::new(());
    for name in [TOKEN.to_lowercase(), format!("x-{TOKEN}").to_lowercase(), "x-kept".to_owned()] {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        request.headers_mut().insert(name, HeaderValue::from_static("1"));
    }
    send(request);
    assert_hides_the_token(&captured);
    assert_no_leak!(captured, TOKEN.to_lowercase());
    let line = captured.line("request_started");
    let shown = serde_json::json!({ "[REDACTED]": "1", "[REDACTED]_2": "1", "x-kept": "1" });
    assert_eq!(line.get("headers"), Some(&shown));
}

#[test]
fn a_name_that_a_type_gives_its_field_at_run_time_is_scrubbed() {
    struct Named<'a>(&'a str);

    impl Loggable for Named<'_> {
        fn log(&self, to: &mut Encoder<'_>) {
            to.object("Named", |object| object.field(self.0, &7));
        }
    }

    assert_eq!(to_json(&Named(TOKEN)), r#"{"[REDACTED]":7}"#);
    assert_eq!(to_json(&Named("order id")), r#"{"order id":7}"#);
}
