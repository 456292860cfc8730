//! The service of the first chapter of the guide, exactly as shown there.

use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use candor::http::RequestLayer;
use candor::{context, dependency_call, redact, step_timed};
use serde::Deserialize;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

#[tokio::main]
pub(super) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?; // reads the environment; keep the guard until the end
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, router()).await?;
    Ok(())
}

pub(super) fn router() -> Router {
    Router::new().route("/baskets", post(check_out)).layer(RequestLayer::new())
}

/// The body of a request.
#[redact]
#[derive(Deserialize)]
struct Basket {
    customer: u64,
    cents: u32,
    #[redact(clear)]
    sku: String,
    #[redact(email)]
    receipt_to: String,
    password: String,
}

#[step_timed(fields(basket))]
async fn check_out(Json(basket): Json<Basket>) -> Result<String, StatusCode> {
    context::set_user(basket.customer);
    let packets = pack(&basket.sku);
    candor::info!(packets, "packed");
    charge(basket.cents).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(format!("{packets} packets are on their way\n"))
}

#[step_timed(fields(sku = clear(sku)))]
fn pack(sku: &str) -> usize {
    candor::record("letters", sku.len());
    1 + sku.len() / 4
}

#[dependency_call("payments", method = "POST", url = "https://pay.example/charges?key=k-5a5a5a")]
async fn charge(cents: u32) -> Result<(), Elapsed> {
    timeout(Duration::from_millis(50), payments(cents)).await
}

/// Stand-in for the client of the payment service; larger amounts take longer.
async fn payments(cents: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(cents) / 100)).await;
}
