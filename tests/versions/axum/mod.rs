//! Routes and peer addresses of axum.

mod v0_7;
mod v0_8;
