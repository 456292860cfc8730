//! sqlx 0.9.

use sqlx_0_9 as sqlx;

#[path = "queries.rs"]
mod queries;
