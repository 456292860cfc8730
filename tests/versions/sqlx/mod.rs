//! Errors of sqlx, from its driver for Postgres.

mod v0_8;
mod v0_9;
