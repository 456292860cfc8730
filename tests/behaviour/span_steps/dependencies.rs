//! Calls to dependencies, read from the fields that a client's span has by OpenTelemetry's conventions.

use std::thread::sleep;
use std::time::Duration;

use candor::testing::capture_with;
use candor_tests::checked;
use tracing::field::Empty;
use tracing::info_span;

use super::{capture, config, in_request};

/// The span of a client is a call: its line names the dependency, the operation and the status.
#[test]
fn the_span_of_a_client_is_a_call() {
    let captured = capture();
    in_request(|| {
        let span = info_span!(
            "HTTP request",
            otel.kind = "client",
            peer.service = "payments",
            http.request.method = "POST",
            http.route = "/charges/{id}",
            url.full = "https://pay.example/charges/7?token=canary",
            http.response.status_code = Empty,
        );
        span.in_scope(|| span.record("http.response.status_code", 201));
    });
    checked(&captured);
    let line = captured.dependency("payments");
    assert_eq!((line.text("logger"), line.text("event")), ("deps", "dependency_call"));
    assert_eq!((line.text("operation"), line.text("outcome")), ("POST /charges/{id}", "ok"));
    assert_eq!((line.text("dependency_method"), line.integer("status")), ("POST", 201));
    assert_eq!((line.text("url"), line.is_null("error")), ("https://pay.example/charges/7", true));
    assert_eq!((line.integer("retries"), line.integer("step_id")), (0, 1));
    assert!(!line.has("otel.kind") && !captured.output().contains("canary"), "{line:?}");
}

/// A 5xx status is a failure and a 4xx status a refusal, as for candor's own calls.
#[test]
fn the_status_decides_the_outcome_of_a_call() {
    let captured = capture();
    in_request(|| {
        for (service, status) in [("failing", 503), ("refusing", 404)] {
            info_span!(
                "call",
                otel.kind = "CLIENT",
                peer.service = service,
                http.status_code = status
            )
            .in_scope(|| ());
        }
    });
    let failing = captured.dependency("failing");
    assert_eq!((failing.text("outcome"), failing.text("level")), ("error", "ERROR"));
    assert_eq!((failing.text("error"), failing.integer("status")), ("status", 503));
    let refusing = captured.dependency("refusing");
    assert_eq!((refusing.text("outcome"), refusing.text("level")), ("ok", "WARN"));
}

/// The status of gRPC has its own key and its own categories.
#[test]
fn the_status_of_grpc_is_read() {
    let captured = capture();
    in_request(|| {
        let span = info_span!(
            "grpc",
            rpc.system = "grpc",
            rpc.service = "shop.Stock",
            rpc.method = "Reserve",
            rpc.grpc.status_code = Empty,
        );
        span.record("rpc.grpc.status_code", 4);
    });
    let line = captured.dependency("shop.Stock");
    assert_eq!((line.text("operation"), line.integer("grpc_status")), ("Reserve", 4));
    assert_eq!((line.text("outcome"), line.text("error")), ("error", "timeout"));
}

/// The call of a database span has its operation, and the system as the dependency if no better name is known.
#[test]
fn the_span_of_a_database_is_a_call() {
    let captured = capture();
    in_request(|| {
        let statement = "SELECT * FROM users WHERE api_key = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'";
        info_span!(
            "query",
            db.system = "postgresql",
            db.operation = "SELECT",
            db.statement = statement
        )
        .in_scope(|| ());
        info_span!("query", db.system.name = "redis", server.address = "cache-1").in_scope(|| ());
    });
    checked(&captured);
    assert_eq!(captured.dependency("postgresql").text("operation"), "SELECT");
    assert_eq!(captured.dependency("cache-1").text("operation"), "query");
    assert!(!captured.output().contains("sk_live"), "{}", captured.output());
}

/// The span of a message that is sent to a queue is a call to the queue's system.
#[test]
fn the_span_of_a_producer_is_a_call() {
    let captured = capture();
    in_request(|| {
        info_span!("send", otel.kind = "producer", messaging.system = "kafka").in_scope(|| ());
    });
    assert_eq!(captured.dependency("kafka").text("operation"), "send");
}

/// Without a better name, the dependency is the host of the URL, or the target of the span.
#[test]
fn a_dependency_without_a_name_has_that_of_its_host_or_target() {
    let captured = capture();
    in_request(|| {
        let url = "https://user:canary@geo.example:8443/v1";
        info_span!("lookup", otel.kind = "client", url).in_scope(|| ());
        info_span!(target: "geo_client", "lookup", otel.kind = "client").in_scope(|| ());
    });
    assert_eq!(captured.dependency("geo.example:8443").text("operation"), "lookup");
    assert_eq!(captured.dependency("geo_client").text("operation"), "lookup");
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// The span of a server inside a request describes the service itself, not a dependency.
#[test]
fn the_span_of_a_server_is_not_a_call() {
    let captured = capture();
    in_request(|| {
        info_span!("handle", otel.kind = "server", rpc.system = "grpc").in_scope(|| ());
        info_span!("inner", otel.kind = "internal", db.system = "sqlite").in_scope(|| ());
    });
    assert_eq!(captured.tree(), "handle ok\ninner ok\n");
}

/// Fields that are recorded later can also make a span a call: some clients know the system only then.
#[test]
fn a_span_may_become_a_call_later() {
    let captured = capture();
    candor::job("nightly").run(|| {
        let span = info_span!("query", db.system = Empty, otel.name = Empty);
        span.in_scope(|| sleep(Duration::from_millis(3)));
        span.record("db.system", "postgresql");
        span.record("otel.name", "find user");
    });
    assert_eq!(captured.dependency("postgresql").text("operation"), "find user");
    let line = captured.line("job_completed");
    assert_eq!((line.integer("dependency_calls"), line.integer("steps")), (1, 0));
    assert!(line.number("dependency_ms") >= 3.0, "{line:?}");
}

/// Calls are counted in the totals of their request, and can be the cause of its failure.
#[test]
fn calls_are_in_the_totals_of_their_request() {
    let captured = capture();
    let failed = candor::job("nightly").run(|| {
        info_span!("import").in_scope(|| {
            let span = info_span!(
                "GET",
                otel.kind = "client",
                peer.service = "stock",
                http.status_code = 500
            );
            span.in_scope(|| sleep(Duration::from_millis(2)));
        });
        "x".parse::<u8>()
    });
    assert!(failed.is_err());
    let line = captured.line("job_completed");
    assert_eq!((line.integer("dependency_calls"), line.integer("steps")), (1, 1));
    assert!(line.number("dependency_ms") >= 2.0, "{line:?}");
    let cause = line.get("cause").expect("a cause");
    assert_eq!((&cause["dependency"], &cause["step"]), (&"stock".into(), &"GET".into()));
}

/// candor's functions for calls work inside the span of a client: `retry` counts, and the status is that of the call.
#[test]
fn candors_handle_of_the_call_works_in_the_span() {
    let captured = capture();
    in_request(|| {
        info_span!("GET", otel.kind = "client", peer.service = "stock").in_scope(|| {
            candor::dependency::current().retry();
            candor::dependency::current().set_status(200);
        });
    });
    let line = captured.dependency("stock");
    assert_eq!(
        (line.integer("retries"), line.integer("status"), line.text("level")),
        (1, 200, "WARN")
    );
}

/// `otel.name` is the name of the step, as it is that of the span in OpenTelemetry.
#[test]
fn otel_name_renames_the_step() {
    let captured = capture();
    in_request(|| info_span!("handler", otel.name = "GET /orders/{id}").in_scope(|| ()));
    let line = captured.step("GET /orders/{id}");
    assert!(!line.has("otel.name"), "{line:?}");
}

/// Secrets in the names of dependencies and operations are scrubbed.
#[test]
fn names_are_scrubbed() {
    let captured = capture();
    in_request(|| {
        let name = "token=canary-1";
        info_span!("a", otel.kind = "client", peer.service = name, otel.name = name)
            .in_scope(|| ());
        info_span!("b", otel.name = "password=canary-2").in_scope(|| ());
    });
    assert_eq!(captured.lines().len(), 2);
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

/// A span can have any number of different names. candor keeps each name forever, so their number is limited.
#[test]
fn too_many_names_are_one() {
    let captured = capture_with(config("trace").lines_per_request(10_000)).expect("a capture");
    in_request(|| {
        for host in 0..1200 {
            info_span!("GET", otel.kind = "client", server.address = format!("host-{host}"))
                .in_scope(|| ());
        }
    });
    let others = captured.output().matches("\"dependency\":\"other\"").count();
    assert_eq!(others, 1200 - 256);
}

/// A value in the place of a name can be as long as a request. What candor keeps for ever of it is short.
#[test]
fn long_names_are_cut() {
    let captured = capture();
    let name = "x".repeat(100_000);
    in_request(|| info_span!("load", otel.name = name).in_scope(|| ()));
    let cut = format!("{}…", "x".repeat(256));
    assert_eq!(captured.assert_step(&cut).lines().len(), 1);
}

/// A span that turns out to be a call at its end counts as one. The time in which another call was open inside it is
/// counted once.
#[test]
fn the_time_of_a_call_that_is_known_late_is_counted_once() {
    let captured = capture();
    candor::job("import").run(|| {
        let late = info_span!("fetch", otel.kind = Empty, server.address = "geo");
        late.in_scope(|| {
            let stock = info_span!("GET", otel.kind = "client", peer.service = "stock");
            stock.in_scope(|| sleep(Duration::from_millis(20)));
        });
        late.record("otel.kind", "client");
        drop(late);
        sleep(Duration::from_millis(20));
    });
    let (line, call) = (captured.line("job_completed"), captured.dependency("geo"));
    assert_eq!(line.integer("dependency_calls"), 2, "{line:?}");
    let (counted, took) = (line.number("dependency_ms"), call.number("duration_ms"));
    assert!(took >= 20.0 && (counted - took).abs() < 5.0, "{line:?} {call:?}");
}

/// A span that was created as a call remains one: a kind that is recorded later does not leave the call open in the
/// totals of its request.
#[test]
fn a_call_whose_kind_changes_remains_a_call() {
    let captured = capture();
    candor::job("import").run(|| {
        let span = info_span!("GET", otel.kind = "client", peer.service = "stock");
        span.in_scope(|| ());
        span.record("otel.kind", "internal");
        drop(span);
        sleep(Duration::from_millis(30));
    });
    let line = captured.line("job_completed");
    assert_eq!((line.integer("steps"), line.integer("dependency_calls")), (0, 1), "{line:?}");
    // It does not include the sleep.
    assert!(line.number("dependency_ms") + 30.0 <= line.number("duration_ms"), "{line:?}");
    assert_eq!(captured.dependency("stock").text("outcome"), "ok");
}

/// The time of a call before it is entered in a request is not dependency time of that request.
#[test]
fn the_time_of_a_call_counts_from_its_entry_in_the_request() {
    let captured = capture();
    let span = info_span!("GET", otel.kind = "client", peer.service = "stock");
    candor::job("import").run(|| {
        sleep(Duration::from_millis(30));
        span.in_scope(|| ());
        drop(span);
    });
    let line = captured.line("job_completed");
    assert_eq!(line.integer("dependency_calls"), 1, "{line:?}");
    assert!(line.number("dependency_ms") < 20.0, "{line:?}");
}
