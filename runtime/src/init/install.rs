//! Turns a [`Config`] into a logger, and the logger into a layer or a whole subscriber.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::LookupSpan;

use super::config::Config;
use super::error::InitError;
use super::logging::Logging;
use super::output::{Output, has_colour, open_audit};
use super::panics;
use crate::base::serial;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::format::template::Template;
use crate::layer::LayerFilter;
use crate::layer::standalone::StandaloneSubscriber;
use crate::levels::ActiveLevels;
use crate::logger::{self, CandorLayer, Logger};
use crate::redact::{hash, keys, loggable, strict};
use crate::sink::{Report, Sink};

impl Config {
    /// Installs candor in this process.
    ///
    /// This sets the global subscriber, the panic hook and, with the feature `log`, the logger of the `log` crate.
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened or another subscriber is already installed.
    pub fn init(self) -> Result<Logging, InitError> {
        let chain = self.chain_panic_hook;
        let ignored = self.levels.ignored.clone();
        loggable::set_value_limit(self.value_limit);
        let logger = Arc::new(self.logger(true)?);
        dispatcher::set_global_default(Dispatch::new(subscriber(Arc::clone(&logger)))).map_err(
            |source| {
                InitError::new(format!(
                    "another tracing subscriber is already installed: {source}; to combine candor with other layers \
                     use candor::layer()"
                ))
            },
        )?;
        panics::install(chain);
        #[cfg(feature = "log")]
        super::log_crate::install();
        for directive in ignored {
            tracing::warn!(
                target: "candor",
                directive,
                "a directive of RUST_LOG is left out; only targets with a level are taken"
            );
        }
        Ok(Logging { logger })
    }

    /// Returns the `tracing_subscriber` layer, to combine it with others. It needs a `Registry` below it.
    ///
    /// Nothing is installed, not even the panic hook.
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened.
    pub fn layer<S>(self) -> Result<impl tracing_subscriber::Layer<S>, InitError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        loggable::set_value_limit(self.value_limit);
        let logger = Arc::new(self.logger(false)?);
        Ok(CandorLayer { logger: Arc::clone(&logger) }.with_filter(LayerFilter { logger }))
    }

    /// Returns a whole subscriber, for `tracing::subscriber::with_default` on one thread.
    ///
    /// Do not add layers to it, because they would miss the spans of requests: use [`layer`](Self::layer) instead.
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened.
    pub fn subscriber(self) -> Result<impl Subscriber + Send + Sync, InitError> {
        Ok(subscriber(Arc::new(self.logger(true)?)))
    }

    /// Like [`subscriber`](Self::subscriber), with the handle that changes its levels.
    #[cfg(feature = "testing")]
    pub(crate) fn subscriber_with_logging(
        self,
    ) -> Result<(impl Subscriber + Send + Sync, Logging), InitError> {
        let logger = Arc::new(self.logger(true)?);
        Ok((subscriber(Arc::clone(&logger)), Logging { logger }))
    }

    fn logger(self, is_only_layer: bool) -> Result<Logger, InitError> {
        if !self.sensitive.is_empty() || !self.not_sensitive.is_empty() {
            keys::install(&self.sensitive, &self.not_sensitive);
        }
        if let Some(key) = self.hash_key {
            hash::install(key);
        }
        if self.strict {
            strict::install(self.strict_allow, self.strict_targets);
        }
        let log_file = match &self.output {
            Output::File { path, backups, .. } => Some((path.clone(), *backups)),
            _ => None,
        };
        let destination = self.output.open()?;
        let is_terminal = destination.is_terminal();
        let format = self.format.unwrap_or(if is_terminal { Format::Pretty } else { Format::Json });
        // The pretty format finds the fixed keys by their own names.
        let keys = if format == Format::Json { self.keys } else { Keys::default() };
        let colour = has_colour(is_terminal);
        let template = Arc::new(Template::new(keys, self.service, self.value_limit));
        let mut sink = Sink::new(destination);
        let audit_file = self.audit_file.map(|path| open_audit(&path, log_file.as_ref()));
        let audit = sink.for_audit(audit_file.transpose()?);
        if let Some((queue, overload)) = self.background {
            let template = Arc::clone(&template);
            let report: Report = Box::new(move |lines, reason| {
                logger::lines_dropped(&template, format, colour, lines, reason)
            });
            sink = sink.in_background(queue, overload, report).map_err(|source| {
                InitError::caused("the thread of the background writer can't be started", source)
            })?;
        }
        Ok(Logger {
            id: serial::next(),
            template,
            format,
            colour,
            levels: ArcSwap::from_pointee(ActiveLevels { set: self.levels, raised: Vec::new() }),
            value_limit: self.value_limit,
            line_limit: self.line_limit,
            lines_per_request: self.lines_per_request,
            is_only_layer,
            spans: self.spans,
            sink,
            audit,
        })
    }
}

fn subscriber(logger: Arc<Logger>) -> impl Subscriber + Send + Sync {
    StandaloneSubscriber::new(CandorLayer { logger })
}
