//! The service of the README: `cargo run --example hello`.

use axum::{Json, Router, routing::post};
use candor::{http::RequestLayer, redact, step_timed};

#[redact]
#[derive(serde::Deserialize)]
struct Order {
    quantity: u32, // a number needs no policy
    #[redact(email)]
    receipt_to: String,
    #[redact(mask(last = 4))]
    card: String,
    password: String, // hidden because of its name
}

#[step_timed(fields(order))]
async fn place_order(Json(order): Json<Order>) -> String {
    format!("{} on their way\n", order.quantity)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?; // keep the guard until `main` ends
    let app = Router::new().route("/orders", post(place_order)).layer(RequestLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
