//! A service on actix-web: the middleware to copy, and handlers that show what it does.

pub mod middleware;
pub mod service;
