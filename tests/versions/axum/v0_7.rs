//! axum 0.7.

use axum_0_7 as axum;

/// A route with a parameter, in the syntax of this version.
const ROUTE: &str = "/orders/:id";

#[path = "service.rs"]
mod service;
