//! Configuration and installation.

pub(crate) mod config;
mod env;
pub(crate) mod error;
mod install;
#[cfg(feature = "log")]
mod log_crate;
pub(crate) mod logging;
mod output;
pub(crate) mod panics;
pub(crate) mod reload;

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use config::Config;
use error::InitError;
use logging::Logging;

/// Installs candor as the environment says; see [`Config`] for the same in code.
///
/// # Errors
///
/// A `LOG_…` variable with a value it does not take, a log file that can't be opened, or a subscriber
/// that was installed before.
pub fn init() -> Result<Logging, InitError> {
    Config::from_env()?.init()
}

/// The `tracing_subscriber` layer alone, as the environment says, to compose with others
/// (OpenTelemetry, tokio-console); it needs a `Registry` under it.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry().with(candor::layer()?);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("composed"));
/// # Ok::<(), candor::InitError>(())
/// ```
///
/// # Errors
///
/// As [`init`].
pub fn layer<S>() -> Result<impl tracing_subscriber::Layer<S>, InitError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Config::from_env()?.layer()
}
