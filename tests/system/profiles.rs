//! Output profiles: the lines of one run in the form of each platform, checked against the platform's rules.

mod command;
mod compact;
mod hostile;
mod rules;
mod settings;

use std::panic::catch_unwind;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use candor::http::RequestLayer;
use candor::policy::{clear, mask};
use candor::testing::{capture_with, delay};
use candor::{Config, Profile, RequestContext, context, dependency_call, redact, step_timed};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// All profiles but the default.
const PROFILES: [Profile; 7] = [
    Profile::Compact,
    Profile::Otel,
    Profile::Ecs,
    Profile::Gcp,
    Profile::Datadog,
    Profile::Bunyan,
    Profile::Logfmt,
];

/// Values that no line may show.
const SECRETS: [&str; 4] = ["hunter2", "4242424242424242", "t-Zq7xKw9VtPm3", "Bearer-k-5a5a5a"];

#[redact]
struct Order {
    sku: Sku,
    quantity: u32,
    password: String,
    lines: Vec<u32>,
}

#[redact]
struct Sku {
    #[redact(clear)]
    name: String,
    price: f64,
}

#[derive(Debug)]
struct Declined;

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the card was \"declined\", password=hunter2")
    }
}

impl std::error::Error for Declined {}

fn order() -> Order {
    Order {
        sku: Sku { name: "green tea".into(), price: 2.5 },
        quantity: 2,
        password: "hunter2".into(),
        lines: vec![1, 2],
    }
}

#[step_timed(fields(order))]
fn price(order: &Order) -> Option<u32> {
    candor::info!(items = order.quantity, card = mask("4242424242424242").last(4), "priced");
    Some(order.quantity)
}

#[dependency_call("payments", operation = "charge", method = "POST")]
async fn charge() -> Result<(), Declined> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    Err(Declined)
}

#[dependency_call("stock")]
async fn reserve() -> Result<(), Declined> {
    Ok(())
}

#[step_timed]
async fn check_out() -> Result<(), Declined> {
    price(&order());
    reserve().await?;
    charge().await
}

async fn handle() -> StatusCode {
    context::set_user(clear("41"));
    check_out().await.map_or(StatusCode::BAD_GATEWAY, |()| StatusCode::CREATED)
}

/// Fields with names of every platform and names that a platform can't have, and values of every type.
fn hostile() {
    tracing::info!(
        severity = "a",
        time = 1,
        message_ = "b",
        status = "pending",
        status_ = true,
        duration_ms = "long",
        outcome = "fine",
        name = "n",
        "http.method" = "GET",
        "candor.step" = "x",
        "@timestamp" = "never",
        "logging.googleapis.com/trace" = "t",
        "of its own" = "x=y \"z\"",
        "",
    );
    tracing::warn!(
        "" = 1,
        "." = 2,
        "a..b" = 3,
        "a__b" = 4,
        "\"=\u{1b}" = 5,
        v = 0,
        pid = "none",
        host = "h",
        error = "text",
        version = "1",
        literal = "41",
        truth = "true",
        list = "[a b]",
        object = "{",
        empty = "",
        dash = "-",
        newline = "a\nb\u{2028}c",
        replacement = "\u{fffd}",
        "a\\b"
    );
}

/// The lines of one run: in candor's own form, and as written with the profile.
struct Run {
    own: Vec<String>,
    written: Vec<String>,
}

impl Run {
    fn pairs(&self) -> impl Iterator<Item = (Value, &str)> {
        let parse = |raw: &String| serde_json::from_str(raw).expect("JSON");
        self.own.iter().map(parse).zip(self.written.iter().map(String::as_str))
    }
}

fn config(profile: Profile) -> Config {
    Config::new()
        .level("trace")
        .expect("a level")
        .service("orders")
        .resource("service.version", "1.4.2")
        .resource("deployment.environment.name", "prod")
        .profile(profile)
}

/// Logs lines of every kind.
fn run(profile: Profile) -> Run {
    run_with(config(profile))
}

fn run_with(config: Config) -> Run {
    let captured = capture_with(config).expect("a configuration");
    candor::info!("outside any request");
    hostile();
    RequestContext::with_id("r-1").with_method("PUT").enter_with(|| {
        context::set_user(clear("u-1"));
        hostile();
        price(&order());
        candor::audit!(rows = 3, "deleted an account").expect("written");
        tracing::trace!(token = "t-Zq7xKw9VtPm3", "Authorization: Bearer-k-5a5a5a");
        catch_unwind(|| panic!("password=hunter2")).expect_err("a panic");
        candor::critical!("the disk is full");
    });
    let app = Router::new().route("/orders/{id}", post(handle)).layer(RequestLayer::new());
    let request = Request::post("/orders/7?token=t-Zq7xKw9VtPm3").body(Body::empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        response.into_body().collect().await.expect("a body");
        // A request that its client gave up.
        let request = Request::post("/orders/8").body(Body::empty()).expect("a request");
        let _delay = delay("stock", Duration::from_secs(5));
        let given_up = tokio::time::timeout(Duration::from_millis(50), app.oneshot(request)).await;
        given_up.expect_err("too slow");
    });
    let own: Vec<_> = captured.lines().iter().map(|line| line.raw().to_owned()).collect();
    let written: Vec<_> = captured.output().lines().map(str::to_owned).collect();
    assert_eq!(own.len(), written.len());
    assert!(own.len() > 20, "{own:?}");
    Run { own, written }
}
