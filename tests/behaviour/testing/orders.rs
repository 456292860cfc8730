//! The three kinds of test of `docs/testing.md` on a small service; the code there is copied from here.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::routing::post;
use candor::http::RequestLayer;
use candor::testing::{assert_no_leak, capture, delay};
use candor::{RequestContext, dependency, dependency_call, redact, step_timed};
use futures::executor::block_on;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tower::ServiceExt as _;

#[redact]
#[derive(Deserialize)]
struct NewOrder {
    items: Vec<u64>,
    #[redact(mask(last = 4))]
    card: String,
    password: String,
}

#[derive(Clone, Copy)]
struct Payments {
    is_up: bool,
}

fn service(payments: Payments) -> Router {
    Router::new()
        .route("/shops/{shop}/orders", post(create))
        .layer(RequestLayer::new())
        .with_state(payments)
}

async fn create(
    State(payments): State<Payments>,
    Path(shop): Path<u64>,
    body: String,
) -> StatusCode {
    let Ok(order) = serde_json::from_str::<NewOrder>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match place_order(payments, shop, &order).await {
        Ok(()) => StatusCode::CREATED,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

#[step_timed(fields(shop, order))]
async fn place_order(payments: Payments, shop: u64, order: &NewOrder) -> io::Result<()> {
    log_in(order)?;
    let cents = price(&order.items).await;
    charge(payments, cents, order).await
}

#[step_timed]
fn log_in(order: &NewOrder) -> io::Result<()> {
    if order.password.is_empty() { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

#[step_timed(ret)]
async fn price(items: &[u64]) -> u64 {
    find_prices(items).await.iter().sum()
}

#[dependency_call("db", fields(items = items.len()))]
async fn find_prices(items: &[u64]) -> Vec<u64> {
    items.iter().map(|item| 1250 + item % 100).collect()
}

#[dependency_call("payments", method = "POST", url = "https://pay.example/charges")]
async fn charge(payments: Payments, cents: u64, order: &NewOrder) -> io::Result<()> {
    candor::record("cents", cents);
    if !payments.is_up || order.card.is_empty() {
        dependency::current().retry();
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    dependency::current().set_status(201);
    Ok(())
}

fn post_order(app: Router, items: &[u64]) -> StatusCode {
    let order = serde_json::json!({
        "items": items, "card": "4242424242424242", "password": "correct-horse-battery",
    });
    let request = Request::post("/shops/7/orders")
        .header("authorization", "Bearer k-5a5a5a5a5a")
        .body(Body::from(order.to_string()));
    block_on(async {
        let response = app.oneshot(request.expect("a request")).await.expect("an answer");
        let status = response.status();
        response.into_body().collect().await.expect("a body");
        status
    })
}

#[test]
fn an_order_is_authenticated_priced_and_charged() {
    let captured = capture();
    assert_eq!(post_order(service(Payments { is_up: true }), &[1, 2]), StatusCode::CREATED);

    let story = "\
place_order ok
  log_in ok
  price ok
    db.find_prices ok
  payments.charge ok
";
    assert_eq!(captured.tree(), story);
    captured.assert_step("price").field("ret", 2503);
    captured.assert_dependency("payments").field("status", 201).field("cents", 2503).times(1);
}

#[test]
fn if_payments_is_down_the_log_names_it() {
    let captured = capture();
    assert_eq!(post_order(service(Payments { is_up: false }), &[1]), StatusCode::BAD_GATEWAY);

    let call = captured.assert_dependency("payments").outcome("error").level("error").times(1);
    call.under("place_order").field("error", "connect").field("retries", 1);
    captured.assert_line("dependency_attempt").level("debug").field("attempt", 2);

    let completed = captured.completed();
    assert_eq!(completed.integer("status"), 502);
    let cause = completed.get("cause").and_then(|cause| cause["dependency"].as_str());
    assert_eq!(cause, Some("payments"));
    let lines = captured.lines();
    assert!(lines.iter().all(|line| line.text("request_id") == completed.text("request_id")));
}

#[test]
fn no_confidential_customer_data_is_logged() {
    for is_up in [true, false] {
        let captured = capture();
        post_order(service(Payments { is_up }), &[1]);
        captured.assert_step("place_order").field(
            "order",
            serde_json::json!({ "items": [1], "card": "****4242", "password": "[REDACTED]" }),
        );
        assert_no_leak!(captured, "correct-horse-battery");
        assert_no_leak!(captured, "424242424242");
        assert_no_leak!(captured, "k-5a5a5a5a5a");
    }
}

#[test]
fn more_items_do_not_cause_more_queries() {
    let queries = |items: &[u64]| {
        let captured = capture();
        post_order(service(Payments { is_up: true }), items);
        captured.dependencies("db").len()
    };
    assert_eq!(queries(&[1]), queries(&[1, 2, 3, 4, 5, 6, 7, 8]));
}

#[test]
fn a_slow_payment_is_attributed_to_payments() {
    let captured = capture();
    let _slow = delay("payments", Duration::from_millis(200));
    post_order(service(Payments { is_up: true }), &[1]);

    captured.assert_dependency("db").at_most(1).share_at_most("request_completed", 0.25);
    captured.assert_dependency("payments").took_at_least(Duration::from_millis(200));
    // A generous limit, since this time depends on the machine.
    captured.assert_step("log_in").took_at_most(Duration::from_secs(1));
    assert_eq!(captured.completed().text("slowest_step"), "charge");
}

#[test]
fn an_order_without_a_password_is_not_charged() {
    let order = NewOrder { items: vec![1], card: String::new(), password: String::new() };
    let captured = capture();
    let placing = place_order(Payments { is_up: true }, 7, &order);
    assert!(block_on(RequestContext::new().scope(placing)).is_err());

    captured.assert_step("log_in").outcome("error").field("error_detail", "permission denied");
    assert_eq!(captured.tree(), "place_order error Error\n  log_in error Error\n");
}

#[test]
fn the_guide_shows_these_tests() {
    let guide = include_str!("../../../docs/testing.md");
    let mut blocks = 0;
    for block in guide.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap_or_default();
        assert!(include_str!("orders.rs").contains(code), "not in this file:\n{code}");
        blocks += 1;
    }
    assert_eq!(blocks, 6);
}
