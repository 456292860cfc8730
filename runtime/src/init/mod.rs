//! Configuration and installation. This is the only layer that changes the state of the process: the global
//! subscriber, the panic hook, the handler of a signal and the logger of the `log` crate.

pub(crate) mod config;
#[cfg(feature = "serde")]
mod deserialize;
mod env;
pub(crate) mod error;
mod file_size;
mod fork;
mod install;
mod key_path;
#[cfg(feature = "log")]
mod log_crate;
pub(crate) mod logging;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
pub(crate) mod panics;
pub(crate) mod reload;
pub(crate) mod setting;
mod variable;

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use config::Config;
use error::ConfigError;
use logging::Logging;

/// Installs candor with the configuration from the environment.
///
/// The returned [`Logging`] guard has to live until the process ends. Use [`Config`] to set the same options in code.
///
/// ```no_run
/// let _logging = candor::init()?;
/// candor::info!("started");
/// # Ok::<(), candor::ConfigError>(())
/// ```
///
/// # Errors
///
/// Returns an error if a `LOG_*` variable has an invalid value, a log file can't be opened, or another subscriber is
/// already installed.
pub fn init() -> Result<Logging, ConfigError> {
    Config::from_env()?.init()
}

/// Returns candor's layer, with the configuration from the environment.
///
/// Use it to combine candor with other layers, such as OpenTelemetry or tokio-console. It needs a `Registry` below it.
///
/// Only the layer is returned: panics are not logged, records of the `log` crate are lost, and levels can't be changed
/// while the process runs. In a service, use [`Config::build`], which also returns the guard for these tasks.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry().with(candor::layer()?);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("composed"));
/// # Ok::<(), candor::ConfigError>(())
/// ```
///
/// # Errors
///
/// Returns an error if a `LOG_*` variable has an invalid value or a log file can't be opened.
pub fn layer<S>() -> Result<impl tracing_subscriber::Layer<S>, ConfigError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Config::from_env()?.layer()
}
