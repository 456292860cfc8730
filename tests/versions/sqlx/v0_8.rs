//! sqlx 0.8.

use sqlx_0_8 as sqlx;

#[path = "queries.rs"]
mod queries;
