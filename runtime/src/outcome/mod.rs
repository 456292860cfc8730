//! How a call ended, read from the value that it returned.

mod answer;
mod category;
pub(crate) mod chain;
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
#[cfg(any(feature = "reqwest_0_12", feature = "reqwest_0_13"))]
mod reqwest;
pub(crate) mod result;
#[cfg(any(feature = "sqlx_0_8", feature = "sqlx_0_9"))]
mod sqlx;
mod step_output;
#[cfg(any(feature = "tonic_0_12", feature = "tonic_0_13", feature = "tonic_0_14"))]
mod tonic;
pub(crate) mod unsupported;

pub(crate) use answer::AnswerStatus;
pub use answer::{Answer, DependencyOutcome};
pub use category::Category;
pub use step_output::{FnOutput, ReturnsStepOutput, StepOutput};
