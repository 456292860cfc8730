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
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::env;
use crate::format::Format;
use crate::format::json::Template;
use crate::format::keys::Keys;
use crate::keys;
use crate::layer::{Core, Wanted};
use crate::levels::Levels;
use crate::loggable::{self, DEFAULT_VALUE_LIMIT};
use crate::logger::{self, Logger};
use crate::panics;
use crate::sink::{RotatingFile, Sink, Stream};
use crate::strict;

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
    service: Option<String>,
    keys: Keys,
    sensitive: Vec<String>,
    not_sensitive: Vec<String>,
    value_limit: usize,
    line_limit: usize,
    lines_per_request: u64,
    chain_panic_hook: bool,
    strict: bool,
    strict_allow: Vec<String>,
}

/// Where lines go.
enum Output {
    Stdout,
    Stderr,
    File {
        path: PathBuf,
        max_bytes: u64,
        backups: u32,
    },
    Writer(Box<dyn Write + Send>),
    #[cfg(feature = "testing")]
    Nowhere,
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

    fn caused(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
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
            service: None,
            keys: Keys::default(),
            sensitive: Vec::new(),
            not_sensitive: Vec::new(),
            value_limit: DEFAULT_VALUE_LIMIT,
            line_limit: 16_000,
            lines_per_request: 1000,
            chain_panic_hook: false,
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
    pub fn rotated_file(self, path: impl Into<PathBuf>, max_bytes: u64, backups: u32) -> Self {
        Config { output: Output::File { path: path.into(), max_bytes, backups }, ..self }
    }

    /// Lines to a writer; each one is handed over by one `write_all`.
    pub fn writer(self, writer: impl Write + Send + 'static) -> Self {
        Config { output: Output::Writer(Box::new(writer)), ..self }
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
        crate::log_crate::install();
        for directive in ignored {
            tracing::warn!(
                target: "candor",
                directive,
                "a directive of RUST_LOG is left out; only targets with a level are taken"
            );
        }
        Ok(Logging { logger })
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

    /// The whole subscriber, for `tracing::subscriber::with_default` on one thread.
    ///
    /// # Errors
    ///
    /// A log file that can't be opened.
    pub fn subscriber(self) -> Result<impl Subscriber + Send + Sync, InitError> {
        Ok(subscriber(Arc::new(self.logger(true)?)))
    }

    fn logger(self, alone: bool) -> Result<Logger, InitError> {
        if !self.sensitive.is_empty() || !self.not_sensitive.is_empty() {
            keys::install(&self.sensitive, &self.not_sensitive);
        }
        if self.strict {
            strict::install(self.strict_allow);
        }
        let (sink, is_terminal) = self.output.open()?;
        let format = self.format.unwrap_or(if is_terminal { Format::Pretty } else { Format::Json });
        // Renames are for machines; the readable form knows the keys by their own names.
        let keys = if format == Format::Json { self.keys } else { Keys::default() };
        Ok(Logger {
            id: logger::next_id(),
            template: Template::new(keys, self.service, self.value_limit),
            format,
            colour: env::colour(is_terminal),
            levels: ArcSwap::from_pointee(self.levels),
            value_limit: self.value_limit,
            line_limit: self.line_limit,
            lines_per_request: self.lines_per_request,
            alone,
            sink,
        })
    }
}

impl Output {
    /// The open sink, and whether a person reads it.
    fn open(self) -> Result<(Sink, bool), InitError> {
        Ok(match self {
            Output::Stdout => stream(Stream::stdout()),
            Output::Stderr => stream(Stream::stderr()),
            Output::File { path, max_bytes, backups } => {
                let file = RotatingFile::open(&path, max_bytes, backups).map_err(|source| {
                    let path = path.display();
                    InitError::caused(
                        format!(
                            "the log file {path} (`LOG_FILE` or `Config::file`) can't be opened"
                        ),
                        source,
                    )
                })?;
                (Sink::File(file), false)
            }
            Output::Writer(writer) => (Sink::Writer(Mutex::new(writer)), false),
            #[cfg(feature = "testing")]
            Output::Nowhere => (Sink::Nowhere, false),
        })
    }
}

fn stream(stream: Stream) -> (Sink, bool) {
    let is_terminal = stream.is_terminal();
    (Sink::Stream(stream), is_terminal)
}

fn subscriber(logger: Arc<Logger>) -> impl Subscriber + Send + Sync {
    Registry::default().with(Core { logger })
}

/// Keeps candor running; made by [`init`]. Keep it until the process ends.
#[derive(Debug)]
#[must_use = "keep it until the process ends"]
pub struct Logging {
    logger: Arc<Logger>,
}

impl Logging {
    /// How lines are written: the format that was chosen or found.
    pub fn format(&self) -> Format {
        self.logger.format
    }
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
