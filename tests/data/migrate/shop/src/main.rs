//! A service as it was written for `tracing`. A test migrates it and compiles the result.
#![deny(warnings)]

mod orders;
mod worker;

use axum::Router;
use axum::routing::get;
use tower_http::trace::TraceLayer;
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Says `info!("ok")` in a comment and a string only.
const NOTE: &str = "tracing::info!(\"not an event\")";

async fn health() -> &'static str {
    info!(note_bytes = NOTE.len(), "healthy"); // `info!` in a comment
    "ok"
}

fn router() -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/orders/{id}", get(orders::show))
        .layer(TraceLayer::new_for_http())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();
    let started = std::time::Instant::now();
    let app = router();
    worker::run(3);
    info!(elapsed = ?started.elapsed(), "started");
    drop(app);
    Ok(())
}
