//! Responses, errors and the middleware of reqwest.

mod v0_12;
mod v0_13;
