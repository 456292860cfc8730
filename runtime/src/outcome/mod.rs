//! How a call ended, read from the value that it returned.

mod answer;
mod category;
mod chain;
pub(crate) mod error_value;
pub(crate) mod failure;
pub(crate) mod grpc;
#[cfg(feature = "hyper")]
mod hyper;
mod io;
pub(crate) mod kind;
pub(crate) mod probe;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "reqwest")]
mod reqwest;
pub(crate) mod result;
#[cfg(feature = "sqlx")]
mod sqlx;
mod step_output;
#[cfg(feature = "tonic")]
mod tonic;

pub use answer::{Answer, DependencyOutcome};
pub use category::Category;
pub use step_output::{FnOutput, ReturnsStepOutput, StepOutput};
