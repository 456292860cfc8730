//! A router with the layers of tower-http.

use axum::{Router, routing::get};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

async fn health() {}

pub(in super::super) fn app() -> Router {
    Router::new()
        .route("/health", get(health))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}
