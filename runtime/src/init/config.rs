//! Configuration, and the only place that installs anything in the process.
//!
//! ```no_run
//! let _logging = candor::init()?;
//! tracing::info!("started");
//! # Ok::<(), candor::InitError>(())
//! ```

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::LookupSpan;

use super::logging::Logging;
use super::output::{Output, open_audit};
use super::{env, panics};
use crate::format::Format;
use crate::format::keys::Keys;
use crate::format::template::Template;
use crate::layer::standalone::Alone;
use crate::layer::{Core, Wanted};
use crate::levels::Levels;
use crate::logger::{self, Logger};
use crate::redact::loggable::{self, DEFAULT_VALUE_LIMIT};
use crate::redact::{hash, keys, strict};
use crate::sink::{Overload, Report, Sink};

/// How candor writes, and what. Every setting has a default; [`Config::from_env`] reads the
/// environment's.
///
/// ```
/// use candor::{Config, Format};
///
/// let config = Config::new().level("info,deps=debug")?.format(Format::Json).service("orders");
/// # let _ = config;
/// # Ok::<(), candor::InitError>(())
/// ```
pub struct Config {
    levels: Levels,
    format: Option<Format>,
    output: Output,
    background: Option<(usize, Overload)>,
    audit_file: Option<PathBuf>,
    service: Option<String>,
    keys: Keys,
    sensitive: Vec<String>,
    not_sensitive: Vec<String>,
    value_limit: usize,
    line_limit: usize,
    lines_per_request: u64,
    chain_panic_hook: bool,
    hash_key: Option<[u8; hash::KEY_BYTES]>,
    spans: bool,
    strict: bool,
    strict_allow: Vec<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("levels", &self.levels)
            .field("format", &self.format)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Why candor could not be configured or installed; the text names the setting, what it held and what
/// it takes.
#[derive(Debug)]
pub struct InitError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl InitError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        InitError { message: message.into(), source: None }
    }

    pub(crate) fn caused(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        InitError { message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for InitError {}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of a file before it is rotated, and how many rotated ones are kept.
pub(crate) const FILE_MAX_BYTES: u64 = 10_000_000;
pub(crate) const FILE_BACKUPS: u32 = 5;

impl Config {
    /// The defaults: INFO, standard output, the readable form where that is a terminal, else JSON.
    /// The environment is not read.
    pub fn new() -> Self {
        Config {
            levels: Levels::default(),
            format: None,
            output: Output::Stdout,
            background: None,
            audit_file: None,
            service: None,
            keys: Keys::default(),
            sensitive: Vec::new(),
            not_sensitive: Vec::new(),
            value_limit: DEFAULT_VALUE_LIMIT,
            line_limit: 16_000,
            lines_per_request: 1000,
            chain_panic_hook: false,
            hash_key: None,
            spans: true,
            strict: false,
            strict_allow: Vec::new(),
        }
    }

    /// What the `LOG_…` variables (and `RUST_LOG`, `OTEL_SERVICE_NAME`) say.
    ///
    /// # Errors
    ///
    /// A `LOG_…` variable with a value it does not take.
    pub fn from_env() -> Result<Self, InitError> {
        env::read(|name| std::env::var_os(name))
    }

    /// Which lines are written: `info`, or `info,deps=debug,hyper=warn`. Default `info`; `hyper`,
    /// `hyper_util`, `h2`, `rustls`, `reqwest`, `tower` and `sqlx` stay at WARN unless named.
    ///
    /// # Errors
    ///
    /// A directive that can't be read.
    pub fn level(mut self, directives: &str) -> Result<Self, InitError> {
        self.levels = Levels::parse(directives, false)
            .map_err(|why| InitError::new(format!("the level directives are wrong: {why}")))?;
        Ok(self)
    }

    pub(crate) fn levels(self, levels: Levels) -> Self {
        Config { levels, ..self }
    }

    /// JSON or the readable form. Default: readable only where the lines go to a terminal.
    pub fn format(self, format: Format) -> Self {
        Config { format: Some(format), ..self }
    }

    /// Lines to standard output, the default.
    pub fn stdout(self) -> Self {
        Config { output: Output::Stdout, ..self }
    }

    /// Lines to standard error.
    pub fn stderr(self) -> Self {
        Config { output: Output::Stderr, ..self }
    }

    /// Lines to a file, rotated at 10 MB with five backups: `app.log`, `app.log.1` and so on.
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        self.rotated_file(path, FILE_MAX_BYTES, FILE_BACKUPS)
    }

    /// Lines to a file, with the bytes after which it is rotated and the number of backups kept.
    ///
    /// The file is appended to, line by line, and never cut short. Before a line that would make it
    /// longer than `max_bytes`, `app.log` becomes `app.log.1`, that `app.log.2`, and so on; only exactly
    /// these names are touched, and only `app.log.N`, with `N` the number of backups, is ever replaced.
    /// With no backups it is not rotated, nor is a device, a pipe or a symbolic link. A file that
    /// someone else moved or removed is made anew within 10 ms, and its folder too. Several processes can
    /// write to one file: lines stay whole, one of them rotates, and the file may grow a little longer.
    pub fn rotated_file(self, path: impl Into<PathBuf>, max_bytes: u64, backups: u32) -> Self {
        Config { output: Output::File { path: path.into(), max_bytes, backups }, ..self }
    }

    /// Lines to a writer; each one is handed over by one `write_all`.
    pub fn writer(self, writer: impl Write + Send + 'static) -> Self {
        Config { output: Output::Writer(Box::new(writer)), ..self }
    }

    /// Has a thread of its own write the lines: at most `queue` of them wait for it, and `overload` says
    /// what happens to more. Default: no thread and no queue; when a call that logs returns, its line is
    /// with the system.
    ///
    /// A line waits 2 ms at most, unless the output is slower than the lines come. A CRITICAL line is waited
    /// for (200 ms at most), since the process may be about to end. What waits when the process is killed
    /// is lost, so keep the [`Logging`] guard and let it be dropped, or call
    /// [`Logging::flush`]; [`std::process::exit`] drops nothing. With [`layer`](Self::layer) there is
    /// no guard, and the last lines of the process are lost. A process that was forked has no such thread.
    ///
    /// ```
    /// use candor::{Config, Overload};
    ///
    /// let config = Config::new().background(10_000, Overload::Drop);
    /// # let _ = config;
    /// ```
    pub fn background(self, queue: usize, overload: Overload) -> Self {
        Config { background: Some((queue, overload)), ..self }
    }

    /// The file of [`audit!`](crate::audit!) events, and of nothing else. Default: they go where the other
    /// lines go.
    ///
    /// It is appended to and never rotated by candor, and made anew when someone else rotated it.
    pub fn audit_file(self, path: impl Into<PathBuf>) -> Self {
        Config { audit_file: Some(path.into()), ..self }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn nowhere(self) -> Self {
        Config { output: Output::Nowhere, ..self }
    }

    /// The value of the `service` key. Default: the key is left out.
    pub fn service(self, name: impl Into<String>) -> Self {
        Config { service: Some(name.into()), ..self }
    }

    /// Renames fixed keys: `[("ts", "timestamp"), ("level", "severity")]`.
    ///
    /// # Errors
    ///
    /// A key that is none of the fixed ones, or a name that is taken.
    pub fn rename_keys<'a>(
        mut self,
        names: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InitError> {
        self.keys
            .rename(&names.into_iter().collect::<Vec<_>>())
            .map_err(|why| InitError::new(format!("the keys can't be renamed: {why}")))?;
        Ok(self)
    }

    pub(crate) fn keys(self, keys: Keys) -> Self {
        Config { keys, ..self }
    }

    /// Names that are sensitive in this deployment beside those of the key rule; they hide everywhere,
    /// also where the code says `clear`.
    pub fn sensitive(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.sensitive.extend(names.into_iter().map(Into::into));
        self
    }

    /// Exact names that the key rule finds sensitive and this deployment does not. What the code hides
    /// stays hidden.
    pub fn not_sensitive(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.not_sensitive.extend(names.into_iter().map(Into::into));
        self
    }

    /// The key of the [`hash`](crate::policy::hash) policy, 32 random bytes; the same for all services whose
    /// lines are to be matched. Default: none, and hashed values are `[REDACTED]`.
    pub fn hash_key(self, key: [u8; 32]) -> Self {
        Config { hash_key: Some(key), ..self }
    }

    /// Strict mode. Without it candor promises no secrets, with it no personal data.
    ///
    /// What nobody decided about then shows only its shape, `"<text 17-32>"`: text of foreign events and spans,
    /// messages with arguments (candor's own macros take only decided ones), errors and panics that aren't
    /// [`Loggable`](crate::Loggable), and segments of paths, values of queries and of headers outside
    /// [`strict_allow`](Config::strict_allow). Every other text that is scrubbed loses addresses of mail and of the
    /// network, telephone numbers and IBANs. Default off. It holds for the process: once on, it stays on.
    pub fn strict(self, on: bool) -> Self {
        Config { strict: on, ..self }
    }

    /// What strict mode shows: segments of paths, and the values of query parameters and headers of these names,
    /// scrubbed. Headers that tell nothing of a person (`content-type`, `accept`, …) always show.
    ///
    /// ```
    /// let config = candor::Config::new().strict(true).strict_allow(["orders", "v1", "page", "x-region"]);
    /// # let _ = config;
    /// ```
    pub fn strict_allow(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.strict_allow.extend(names.into_iter().map(Into::into));
        self
    }

    /// Bytes of one value, after which it is cut with `…(+N bytes)`. Default 4096.
    pub fn value_limit(self, bytes: usize) -> Self {
        Config { value_limit: bytes, ..self }
    }

    /// Bytes of one line, its line feed included; the longest values of a longer one are cut. Default
    /// 16 000, since container runtimes split longer lines; never under 1024.
    pub fn line_limit(self, bytes: usize) -> Self {
        Config { line_limit: bytes.max(1024), ..self }
    }

    /// Lines of one request below WARN, after which they are only counted. Default 1000.
    pub fn lines_per_request(self, lines: u64) -> Self {
        Config { lines_per_request: lines, ..self }
    }

    /// Whether steps and calls are spans for the other layers of the subscriber. Default true; with candor's
    /// layer alone none are made either way.
    pub fn spans(self, spans: bool) -> Self {
        Config { spans, ..self }
    }

    /// Keeps the panic hooks that were installed before. They print the raw panic message to standard
    /// error, which candor can't make safe.
    pub fn chain_panic_hook(self) -> Self {
        Config { chain_panic_hook: true, ..self }
    }

    /// Installs candor in this process: the subscriber, the panic hook, and (with feature `log`) the
    /// logger of the `log` crate.
    ///
    /// # Errors
    ///
    /// A log file that can't be opened; a subscriber that was installed before.
    pub fn init(self) -> Result<Logging, InitError> {
        let chain = self.chain_panic_hook;
        let ignored = self.levels.ignored.clone();
        loggable::set_value_limit(self.value_limit);
        let logger = Arc::new(self.logger(true)?);
        dispatcher::set_global_default(Dispatch::new(subscriber(Arc::clone(&logger)))).map_err(
            |source| InitError::caused("another tracing subscriber is installed already", source),
        )?;
        panics::install(chain);
        #[cfg(feature = "log")]
        crate::init::log_crate::install();
        for directive in ignored {
            tracing::warn!(
                target: "candor",
                directive,
                "a directive of RUST_LOG is left out; only targets with a level are taken"
            );
        }
        Ok(Logging::new(logger))
    }

    /// The `tracing_subscriber` layer alone, to compose with others; it needs a `Registry` under it.
    /// Nothing is installed, and the panic hook stays as it is.
    ///
    /// # Errors
    ///
    /// A log file that can't be opened.
    pub fn layer<S>(self) -> Result<impl tracing_subscriber::Layer<S>, InitError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        loggable::set_value_limit(self.value_limit);
        let logger = Arc::new(self.logger(false)?);
        Ok(Core { logger: Arc::clone(&logger) }.with_filter(Wanted { logger }))
    }

    /// The whole subscriber, for `tracing::subscriber::with_default` on one thread. Other layers go with
    /// [`layer`](Self::layer): over this one they would miss the spans of requests.
    ///
    /// # Errors
    ///
    /// A log file that can't be opened.
    pub fn subscriber(self) -> Result<impl Subscriber + Send + Sync, InitError> {
        Ok(subscriber(Arc::new(self.logger(true)?)))
    }

    /// The whole subscriber, and what changes its levels.
    #[cfg(feature = "testing")]
    pub(crate) fn subscriber_with_logging(
        self,
    ) -> Result<(impl Subscriber + Send + Sync, Logging), InitError> {
        let logger = Arc::new(self.logger(true)?);
        Ok((subscriber(Arc::clone(&logger)), Logging::new(logger)))
    }

    fn logger(self, alone: bool) -> Result<Logger, InitError> {
        if !self.sensitive.is_empty() || !self.not_sensitive.is_empty() {
            keys::install(&self.sensitive, &self.not_sensitive);
        }
        if let Some(key) = self.hash_key {
            hash::install(key);
        }
        if self.strict {
            strict::install(self.strict_allow);
        }
        let log_file = match &self.output {
            Output::File { path, backups, .. } => Some((path.clone(), *backups)),
            _ => None,
        };
        let (destination, is_terminal) = self.output.open()?;
        let format = self.format.unwrap_or(if is_terminal { Format::Pretty } else { Format::Json });
        // Renames are for machines; the readable form knows the keys by their own names.
        let keys = if format == Format::Json { self.keys } else { Keys::default() };
        let colour = env::colour(is_terminal);
        let template = Arc::new(Template::new(keys, self.service, self.value_limit));
        let mut sink = Sink::new(destination);
        let log_file = log_file.as_ref().map(|(path, backups)| (path.as_path(), *backups));
        let open_audit = |path: &Path| open_audit(path, log_file);
        let audit_file = self.audit_file.as_deref().map(open_audit).transpose()?;
        let audit = sink.for_audit(audit_file);
        if let Some((queue, overload)) = self.background {
            let report = report(Arc::clone(&template), format, colour);
            sink = sink.in_background(queue, overload, report).map_err(|source| {
                InitError::caused("the thread of the background writer can't be started", source)
            })?;
        }
        Ok(Logger {
            id: logger::next_id(),
            template,
            format,
            colour,
            levels: ArcSwap::from_pointee(self.levels.into()),
            value_limit: self.value_limit,
            line_limit: self.line_limit,
            lines_per_request: self.lines_per_request,
            alone,
            spans: self.spans,
            sink,
            audit,
        })
    }
}

/// Makes the lines of the background writer itself.
fn report(template: Arc<Template>, format: Format, colour: bool) -> Report {
    Box::new(move |lines, reason| logger::lines_dropped(&template, format, colour, lines, reason))
}

fn subscriber(logger: Arc<Logger>) -> impl Subscriber + Send + Sync {
    Alone::new(Core { logger })
}

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
