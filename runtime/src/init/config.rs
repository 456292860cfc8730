//! Configuration, and the only place that installs anything in the process.
//!
//! ```no_run
//! let _logging = candor::init()?;
//! tracing::info!("started");
//! # Ok::<(), candor::InitError>(())
//! ```

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use super::error::InitError;
use super::output::Output;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::levels::Levels;
use crate::redact::hash;
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::sink::Overload;

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
    pub(super) levels: Levels,
    pub(super) format: Option<Format>,
    pub(super) output: Output,
    pub(super) background: Option<(usize, Overload)>,
    pub(super) audit_file: Option<PathBuf>,
    pub(super) service: Option<String>,
    pub(super) keys: Keys,
    pub(super) sensitive: Vec<String>,
    pub(super) not_sensitive: Vec<String>,
    pub(super) value_limit: usize,
    pub(super) line_limit: usize,
    pub(super) lines_per_request: u64,
    pub(super) chain_panic_hook: bool,
    pub(super) hash_key: Option<[u8; hash::KEY_BYTES]>,
    pub(super) spans: bool,
    pub(super) strict: bool,
    pub(super) strict_allow: Vec<String>,
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
}
