//! Turns a [`Config`] into a logger, and the logger into a layer or a whole subscriber.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::LookupSpan;

use super::config::{Config, Strict};
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake, Mistakes};
use super::logging::Logging;
#[cfg(feature = "otlp")]
use super::otlp::{self, LineReport};
use super::output::{Output, has_colour, open_audit, terminal_width};
use super::setting::Setting;
use super::{file_size, fork};
use crate::base::clock::Tick;
use crate::base::serial;
use crate::current::span_stack::SpanScope;
use crate::current::timed_span;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::format::pretty::{Pretty, Style};
use crate::format::profile::{Profile, Profiled};
use crate::format::record::{Record, Severity};
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::format::template::Template;
use crate::instrument::spans;
use crate::json::members;
use crate::layer::LayerFilter;
use crate::layer::standalone::StandaloneSubscriber;
use crate::levels::ActiveLevels;
use crate::logger::bill::Bill;
use crate::logger::fold::Folds;
use crate::logger::story::OpenStories;
use crate::logger::timed_spans::TimedSpans;
use crate::logger::{self, CandorLayer, Logger, notices};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::redact::loggable::{self, Encoder};
use crate::redact::{hash, keys, shown, strict};
use crate::request::open_steps::OpenSteps;
use crate::sink::{Report, Sink};
use crate::site;

impl Config {
    /// Installs candor in this process.
    ///
    /// This sets the global subscriber, the [panic hook](Logging::install_panic_hook) and, with the `log` feature, the
    /// [logger of the `log` crate](Logging::install_log). On Unix, it also sets a handler for the signal `SIGXFSZ` that
    /// does nothing, unless the program has changed what that signal does: a log that reaches the file size limit of the
    /// process (`ulimit -f`) must not end it. To combine candor with other layers, use [`build`](Self::build).
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened or another subscriber is already installed.
    ///
    /// ```no_run
    /// let _logging = candor::Config::new().level("info,deps=debug")?.file("app.log").init()?;
    /// candor::info!("started");
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn init(self) -> Result<Logging, ConfigError> {
        let logging = self.logging(true)?;
        loggable::set_value_limit(logging.logger.value_limit);
        let subscriber = subscriber(Arc::clone(&logging.logger));
        dispatcher::set_global_default(Dispatch::new(subscriber)).map_err(|source| {
            let message = "another tracing subscriber is already installed; to combine candor with other layers use \
                           `Config::build` or `candor::layer`";
            ConfigMistake::new(ConfigErrorKind::AlreadyInstalled, message).caused_by(source)
        })?;
        logging.install_panic_hook();
        file_size::outlive_limit();
        #[cfg(feature = "log")]
        logging.install_log();
        Ok(logging)
    }

    /// Returns the `tracing_subscriber` layer and the guard that controls it.
    ///
    /// Use it to combine candor with other layers. Nothing is installed. The guard has the same methods as that of
    /// [`init`](Self::init): they change levels, flush, and install the panic hook and the logger of the `log` crate.
    /// The layer needs a `Registry` below it; its position among the other layers does not matter.
    ///
    /// ```
    /// use tracing_subscriber::layer::SubscriberExt as _;
    ///
    /// let (layer, logging) = candor::Config::from_env()?.build()?;
    /// logging.install_panic_hook();
    /// logging.install_log();
    /// let subscriber = tracing_subscriber::registry().with(layer); // .with(other_layer)
    /// tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    /// candor::info!("started");
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened.
    pub fn build<S>(self) -> Result<(impl tracing_subscriber::Layer<S>, Logging), ConfigError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let logging = self.logging(false)?;
        loggable::set_value_limit(logging.logger.value_limit);
        Ok((layer(Arc::clone(&logging.logger)), logging))
    }

    /// Returns the layer of [`build`](Self::build) without its guard.
    ///
    /// The levels can't be changed, panics are not logged, and records of the `log` crate and the last lines of a
    /// [background](Self::background) writer are lost. Use it for tests and small tools.
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened.
    pub fn layer<S>(self) -> Result<impl tracing_subscriber::Layer<S>, ConfigError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let logger = self.logger(false)?;
        loggable::set_value_limit(logger.value_limit);
        Ok(layer(logger.start()))
    }

    /// Returns a subscriber with candor as its only layer.
    ///
    /// Use it with `tracing::subscriber::with_default` on one thread.
    ///
    /// Do not add layers to it, because they would miss the spans of requests: use [`build`](Self::build) instead.
    ///
    /// # Errors
    ///
    /// Returns an error if a log file can't be opened.
    pub fn subscriber(self) -> Result<impl Subscriber + Send + Sync, ConfigError> {
        Ok(subscriber(self.logger(true)?.start()))
    }

    /// Like [`subscriber`](Self::subscriber), with the handle that changes its levels.
    #[cfg(feature = "testing")]
    pub(crate) fn subscriber_with_logging(
        self,
    ) -> Result<(impl Subscriber + Send + Sync, Logging), ConfigError> {
        let logging = self.logging(true)?;
        Ok((subscriber(Arc::clone(&logging.logger)), logging))
    }

    fn logging(self, is_only_layer: bool) -> Result<Logging, ConfigError> {
        let print_panics = self.print_panics;
        Ok(Logging::new(self.logger(is_only_layer)?.start(), print_panics))
    }

    fn logger(self, is_only_layer: bool) -> Result<Logger, ConfigError> {
        let mut mistakes = Mistakes::default();
        let log_file = match &self.output {
            Output::File { path, backups, .. } => Some((path.clone(), *backups)),
            _ => None,
        };
        let destination = mistakes.take(self.output.open());
        let audit_file = self.audit_file.map(|path| open_audit(&path, log_file.as_ref()));
        let audit_file = mistakes.take(audit_file.transpose()).flatten();
        if self.profile != Profile::Candor && self.keys.are_renamed() {
            mistakes.add(Setting::renamed_in(self.profile));
        }
        let Some(destination) = mistakes.or(destination)? else {
            unreachable!("a destination that can't be opened is a mistake");
        };
        let is_terminal = destination.is_terminal();
        let (format, profile) = format_of(self.format, self.profile, is_terminal);
        // The pretty format finds the fixed keys by their own names.
        let keys = if format == Format::Json { self.keys } else { Keys::default() };
        let pretty = (format == Format::Pretty).then(|| Style {
            colour: has_colour(is_terminal),
            width: if is_terminal { terminal_width } else { || None },
        });
        let service = self.service.clone();
        let template = Arc::new(Template::new(keys, self.service, self.value_limit));
        // Set after the redaction rules are installed, because they apply to the service's attributes.
        let profiled: Arc<OnceLock<Arc<Profiled>>> = Arc::default();
        let report: Report = Arc::new({
            let (template, profile) = (Arc::clone(&template), Arc::clone(&profiled));
            move |lines, reason| {
                let profile = profile.get().map(|profile| &**profile);
                logger::lines_dropped(&template, pretty, profile, lines, reason)
            }
        });
        let sink = Sink::new(destination, self.background, report).map_err(|source| {
            let message = "the thread of the background writer can't be started";
            ConfigMistake::new(ConfigErrorKind::Io, message).caused_by(source)
        })?;
        let audit = sink.for_audit(audit_file);
        #[cfg(feature = "otlp")]
        let tls = match self.otlp.as_ref().map(otlp::validate) {
            Some(Err(mistake)) => return Err(mistake.into()),
            tls => tls.and_then(Result::ok),
        };
        // These belong to the whole process, so they come after everything that can fail.
        fork::install();
        install_names(&self.sensitive, &self.not_sensitive);
        if let Some(key) = self.hash_key {
            hash::install(key);
        }
        install_strict(self.strict, self.strict_allow, self.strict_targets);
        #[cfg(feature = "metrics")]
        count_metrics(self.metrics);
        let resource = self.resource.iter().map(|(name, value)| (&name[..], &value[..]));
        let service = service.as_deref().map(|service| (SERVICE_NAME, service));
        let resource = Resource::new(resource.chain(service));
        let profile = Profiled::new(profile, &resource, self.line_limit).map(Arc::new);
        if let Some(profile) = &profile {
            let _ = profiled.set(Arc::clone(profile));
        }
        #[cfg(feature = "otlp")]
        let exporter = match (self.otlp, tls) {
            (Some(settings), Some(tls)) => {
                let template = Arc::clone(&template);
                let report = LineReport { template, pretty, profile: profile.clone() };
                Some(otlp::start(settings, tls, &sink, &resource, report)?)
            }
            _ => None,
        };
        if pretty.is_some() {
            OpenSteps::of_every_request();
        }
        let ignored = self.levels.ignored.clone();
        let logger = Logger {
            id: serial::next(),
            has_fast_path: false,
            template,
            format,
            pretty: pretty.map(Pretty::new),
            profile,
            levels: ArcSwap::from_pointee(ActiveLevels { set: self.levels, raised: Vec::new() }),
            levels_version: AtomicU64::new(serial::next()),
            value_limit: self.value_limit,
            line_limit: self.line_limit,
            lines_per_request: self.lines_per_request,
            story: self.story,
            open_stories: OpenStories::default(),
            budget: self.budgets.start(Tick::now()),
            folds: self.folds.then(Folds::new),
            bill: self.bill.map(|every| Bill::new(every, Tick::now())),
            is_only_layer,
            spans: self.spans,
            timed_spans: TimedSpans::new(self.timed_spans, spans::HOOKS),
            sink,
            audit,
            #[cfg(feature = "otlp")]
            exporter,
        };
        if logger.timed_spans.is_some() {
            timed_span::enable();
        }
        warn_of_ignored(&logger, &ignored, &self.ignored);
        Ok(logger.with_fast_path())
    }
}

#[cfg(feature = "metrics")]
fn count_metrics(is_on: bool) {
    if is_on {
        metrics::enable();
        site::ask_again();
    }
}

/// The format, and the profile that applies to it. On a terminal, the pretty format is the default unless a profile is
/// set.
fn format_of(format: Option<Format>, profile: Profile, is_terminal: bool) -> (Format, Profile) {
    let is_pretty = is_terminal && profile == Profile::Candor;
    match format.unwrap_or(if is_pretty { Format::Pretty } else { Format::Json }) {
        Format::Json => (Format::Json, profile),
        Format::Pretty => (Format::Pretty, Profile::Candor),
    }
}

fn install_names(sensitive: &[String], not_sensitive: &[String]) {
    if !sensitive.is_empty() || !not_sensitive.is_empty() {
        keys::install(sensitive, not_sensitive);
    }
}

fn install_strict(strict: Strict, allow: Vec<String>, targets: Vec<String>) {
    match strict {
        Strict::Off => {}
        Strict::Report => strict::install_report(allow, targets),
        Strict::On => strict::install(allow, targets),
    }
}

/// Logs the directives of `RUST_LOG` that candor does not support, and other ignored settings.
fn warn_of_ignored(logger: &Logger, directives: &[String], settings: &[&'static str]) {
    for message in settings {
        let record = Record::own(Severity::Warn, message);
        if logger.allows(&record) {
            logger.write(&record, SpanScope::Nothing, |_| {});
        }
    }
    let message = "a directive of RUST_LOG is ignored; only targets with a level are supported";
    let record = Record::own(Severity::Warn, message);
    for directive in directives.iter().filter(|_| logger.allows(&record)) {
        logger.write(&record, SpanScope::Nothing, |out| {
            members::open(out, "directive");
            Encoder::json(out, logger.value_limit).shown(&shown::text(directive));
        });
    }
}

fn layer<S>(logger: Arc<Logger>) -> impl tracing_subscriber::Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    site::on_never(notices::is_never_enabled);
    CandorLayer { logger: Arc::clone(&logger) }.with_filter(LayerFilter { logger })
}

fn subscriber(logger: Arc<Logger>) -> impl Subscriber + Send + Sync {
    StandaloneSubscriber::new(CandorLayer { logger })
}
