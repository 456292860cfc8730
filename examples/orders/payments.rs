//! The payment service. It stands for a service of another company, so it writes no lines. Its response depends on the
//! card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

/// Charged at the first attempt.
pub(crate) const GOOD: &str = "4242424242424242";
/// Charged at the second attempt.
pub(crate) const BUSY_ONCE: &str = "5555555555554444";
/// Declined.
pub(crate) const DECLINED: &str = "4000000000000002";
/// The response comes after the timeout of the client.
pub(crate) const SLOW: &str = "4000000000000259";

/// Duration of a charge of the slow card, longer than the timeout of the client.
const SLOW_TIME: Duration = Duration::from_secs(5);

pub(crate) fn router() -> Router {
    let was_busy = Arc::new(AtomicBool::new(false));
    Router::new().route("/charges", post(charge)).with_state(was_busy)
}

async fn charge(State(was_busy): State<Arc<AtomicBool>>, Json(charge): Json<Value>) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(8)).await;
    match charge["card"]["number"].as_str().unwrap_or_default() {
        GOOD => StatusCode::OK,
        BUSY_ONCE if was_busy.swap(true, Ordering::Relaxed) => StatusCode::OK,
        BUSY_ONCE => StatusCode::SERVICE_UNAVAILABLE,
        SLOW => {
            tokio::time::sleep(SLOW_TIME).await;
            StatusCode::OK
        }
        _ => StatusCode::PAYMENT_REQUIRED,
    }
}
