//! Statuses of tonic, over HTTP/2.

mod v0_12;
mod v0_13;
mod v0_14;
