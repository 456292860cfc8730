//! The service: its requests, its steps, its errors.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use candor::http::{ContextMiddleware, RequestLayer, Trust};
use candor::{context, dependency, dependency_call, redact, step_timed};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::store::{Order, Store};

/// The body of an order. Fields with a sensitive name (`password`, `cvv`) are hidden; other text needs a policy.
#[redact]
#[derive(Deserialize)]
pub(crate) struct NewOrder {
    customer_id: i64,
    #[redact(clear)]
    sku: String,
    quantity: u32,
    #[redact(email)]
    email: String,
    password: String,
    card: Card,
}

#[redact]
#[derive(Deserialize, Serialize)]
pub(crate) struct Card {
    #[redact(mask(last = 4))]
    number: String,
    cvv: String,
}

/// The service's state.
#[derive(Clone)]
pub(crate) struct Orders {
    store: Arc<Store>,
    payments: Arc<Payments>,
}

impl Orders {
    pub(crate) fn new(store: Store, payments_url: String) -> Self {
        let client = reqwest::Client::new();
        let client = ClientBuilder::new(client).with(ContextMiddleware::new()).build();
        Orders {
            store: Arc::new(store),
            payments: Arc::new(Payments { client, url: payments_url }),
        }
    }
}

/// Settings of the HTTP layer: successful health checks write no lines, and callers on this machine can request debug
/// lines.
fn http_layer() -> RequestLayer {
    let operators = Trust::new().network("127.0.0.0/8").and_then(|trust| trust.network("::1"));
    let operators = operators.expect("both are networks");
    RequestLayer::new()
        .quiet("/health")
        .trust(operators)
        .user(|request| request.headers.get("x-customer-id")?.to_str().ok()?.parse::<i64>().ok())
}

pub(crate) fn router(orders: Orders) -> Router {
    Router::new()
        .route("/orders", post(create))
        .route("/orders/{id}", get(show))
        .route("/health", get(|| async { "ok" }))
        .layer(http_layer())
        .with_state(orders)
}

async fn create(
    State(orders): State<Orders>,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Result<(StatusCode, Json<Order>), OrderError> {
    let Json(new) = body.map_err(|_| OrderError::BadBody)?;
    context::set_user(new.customer_id);
    let order = place(&orders, new).await?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn show(
    State(orders): State<Orders>,
    Path(id): Path<i64>,
) -> Result<Json<Order>, OrderError> {
    let order = orders.store.find(id).await?;
    Ok(Json(order.ok_or(OrderError::NotFound)?))
}

#[step_timed("place_order", fields(order = new))]
async fn place(orders: &Orders, new: NewOrder) -> Result<Order, OrderError> {
    log_in(&new).await?;
    let cents = price(&new);
    orders.payments.charge(cents, &new.card).await?;
    Ok(orders.store.insert(new.customer_id, new.sku, new.quantity, cents).await?)
}

#[step_timed]
async fn log_in(new: &NewOrder) -> Result<(), OrderError> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    if new.password.is_empty() || !new.email.contains('@') {
        return Err(OrderError::NotLoggedIn);
    }
    Ok(())
}

/// Contains a bug: it divides by the quantity, which can be zero.
#[step_timed(fields(quantity = new.quantity), ret)]
fn price(new: &NewOrder) -> i64 {
    let quantity = i64::from(new.quantity);
    let packets = 60 / quantity;
    quantity * 1250 + packets
}

/// The client of the payment service.
struct Payments {
    client: ClientWithMiddleware,
    url: String,
}

/// Number of attempts before a busy payment service counts as unavailable.
const ATTEMPTS: u32 = 3;

impl Payments {
    #[dependency_call("payments", method = "POST", url = format!("{}/charges", self.url))]
    async fn charge(&self, cents: i64, card: &Card) -> Result<(), OrderError> {
        let mut attempt = 1;
        loop {
            let answer = self
                .client
                .post(format!("{}/charges", self.url))
                .timeout(Duration::from_millis(400))
                .json(&json!({ "cents": cents, "card": card }))
                .send()
                .await?;
            dependency::current().set_status(answer.status().as_u16());
            match answer.status() {
                StatusCode::SERVICE_UNAVAILABLE if attempt < ATTEMPTS => {
                    attempt += 1;
                    dependency::current().retry();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                StatusCode::PAYMENT_REQUIRED => return Err(OrderError::Declined),
                status if status.is_success() => return Ok(()),
                _ => return Err(OrderError::PaymentsUnavailable),
            }
        }
    }
}

/// The reason why an order was not made.
#[derive(Debug)]
pub(crate) enum OrderError {
    BadBody,
    NotLoggedIn,
    NotFound,
    Declined,
    PaymentsUnavailable,
    Payments(reqwest_middleware::Error),
    Store(rusqlite::Error),
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OrderError::BadBody => "the body is not an order",
            OrderError::NotLoggedIn => "e-mail or password is wrong",
            OrderError::NotFound => "there is no such order",
            OrderError::Declined => "the card was declined",
            OrderError::PaymentsUnavailable => "payments is unavailable",
            OrderError::Payments(_) => "payments did not answer",
            OrderError::Store(_) => "the order could not be kept",
        })
    }
}

impl std::error::Error for OrderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OrderError::Payments(error) => Some(error),
            OrderError::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<reqwest_middleware::Error> for OrderError {
    fn from(error: reqwest_middleware::Error) -> Self {
        OrderError::Payments(error)
    }
}

impl From<rusqlite::Error> for OrderError {
    fn from(error: rusqlite::Error) -> Self {
        OrderError::Store(error)
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        let status = match self {
            OrderError::BadBody => {
                // The body is not logged: an invalid body can contain anything.
                candor::warn!("the body is not an order");
                StatusCode::BAD_REQUEST
            }
            OrderError::NotLoggedIn => StatusCode::UNAUTHORIZED,
            OrderError::NotFound => StatusCode::NOT_FOUND,
            OrderError::Declined => StatusCode::PAYMENT_REQUIRED,
            OrderError::PaymentsUnavailable => StatusCode::BAD_GATEWAY,
            OrderError::Payments(_) => StatusCode::GATEWAY_TIMEOUT,
            OrderError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
