//! The settings of candor.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::error::{ConfigError, ConfigMistake};
use super::output::Output;
use super::setting::Setting;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::format::profile::Profile;
use crate::levels::Levels;
use crate::logger::budget::Budgets;
use crate::redact::hash;
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::request::story::{Story, StorySettings};
#[cfg(feature = "otlp")]
use crate::sink::otlp::Otlp;
use crate::sink::{Overload, UserWriter};

/// Configuration of candor: levels, format, output, limits and redaction.
///
/// Every setting has a default. [`Config::from_env`] reads the settings from environment variables instead. With the
/// `serde` feature, a configuration can be deserialized from a file.
///
/// A clone has the same settings and the same [writer](Config::writer).
///
/// ```
/// use candor::{Config, Format};
///
/// let config = Config::new().level("info,deps=debug")?.format(Format::Json).service("orders");
/// # Ok::<(), candor::ConfigError>(())
/// ```
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent settings")]
pub struct Config {
    pub(super) levels: Levels,
    pub(super) format: Option<Format>,
    pub(super) profile: Profile,
    pub(super) output: Output,
    /// Length and backups of the file named by the environment or a configuration file.
    pub(super) rotation: (Option<u64>, Option<u32>),
    pub(super) background: Option<(usize, Overload)>,
    #[cfg(feature = "otlp")]
    pub(super) otlp: Option<Otlp>,
    pub(super) audit_file: Option<PathBuf>,
    pub(super) service: Option<String>,
    pub(super) resource: Vec<(String, String)>,
    /// Reports of ignored settings that other crates read too. Each report is logged as a WARN.
    pub(super) ignored: Vec<&'static str>,
    pub(super) keys: Keys,
    pub(super) sensitive: Vec<String>,
    pub(super) not_sensitive: Vec<String>,
    pub(super) value_limit: usize,
    pub(super) line_limit: usize,
    pub(super) lines_per_request: u64,
    pub(super) story: StorySettings,
    pub(super) budgets: Budgets,
    pub(super) folds: bool,
    pub(super) bill: Option<Duration>,
    pub(super) print_panics: bool,
    pub(super) hash_key: Option<[u8; hash::KEY_BYTES]>,
    pub(super) spans: bool,
    pub(super) timed_spans: Option<Levels>,
    pub(super) strict: Strict,
    pub(super) strict_allow: Vec<String>,
    pub(super) strict_targets: Vec<String>,
    #[cfg(feature = "metrics")]
    pub(super) metrics: bool,
}

/// Whether values without a policy are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strict {
    Off,
    /// They are shown, and reported.
    Report,
    On,
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

/// Defaults of the rotation: bytes of a file, and number of backups.
pub(crate) const FILE_MAX_BYTES: u64 = 10_000_000;
pub(crate) const FILE_BACKUPS: u32 = 5;

impl Config {
    /// Returns the default configuration, without reading the environment.
    ///
    /// It logs at INFO to standard output, in the pretty format on a terminal and as JSON otherwise.
    pub fn new() -> Self {
        Config {
            levels: Levels::default(),
            format: None,
            profile: Profile::Candor,
            output: Output::Stdout,
            rotation: (None, None),
            background: None,
            #[cfg(feature = "otlp")]
            otlp: None,
            audit_file: None,
            service: None,
            resource: Vec::new(),
            ignored: Vec::new(),
            keys: Keys::default(),
            sensitive: Vec::new(),
            not_sensitive: Vec::new(),
            value_limit: DEFAULT_VALUE_LIMIT,
            line_limit: 16_000,
            lines_per_request: 1000,
            story: StorySettings::default(),
            budgets: Budgets::default(),
            folds: false,
            bill: None,
            print_panics: false,
            hash_key: None,
            spans: true,
            timed_spans: None,
            strict: Strict::Off,
            strict_allow: Vec::new(),
            strict_targets: Vec::new(),
            #[cfg(feature = "metrics")]
            metrics: false,
        }
    }

    /// Sets the levels: `info`, or `info,deps=debug,hyper=warn`.
    ///
    /// Default: `info`. The libraries `hyper`, `hyper_util`, `h2`, `rustls`, `reqwest`, `tower`, `sqlx`, `ureq` and
    /// `ureq_proto` stay at WARN unless a directive names them.
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed.
    pub fn level(mut self, directives: &str) -> Result<Self, ConfigError> {
        self.levels = parse_levels(directives)?;
        Ok(self)
    }

    /// Sets the format of the lines.
    ///
    /// Default: pretty if the output is a terminal and no [`profile`](Self::profile) is set, JSON otherwise.
    pub fn format(self, format: Format) -> Self {
        Config { format: Some(format), ..self }
    }

    /// Writes lines in the form that a log platform expects.
    ///
    /// Default: [`Profile::Candor`].
    ///
    /// A profile applies to [`Format::Json`], and makes that format the default even on a terminal. With
    /// [`Format::Pretty`], it has no effect. A profile other than the default can't be combined with
    /// [`rename_keys`](Self::rename_keys).
    ///
    /// ```
    /// use candor::{Config, Profile};
    ///
    /// let config = Config::new().service("orders").profile(Profile::Ecs);
    /// ```
    pub fn profile(self, profile: Profile) -> Self {
        Config { profile, ..self }
    }

    /// Writes to standard output. This is the default.
    pub fn stdout(self) -> Self {
        Config { output: Output::Stdout, ..self }
    }

    /// Writes to standard error.
    pub fn stderr(self) -> Self {
        Config { output: Output::Stderr, ..self }
    }

    /// Writes to a file, with rotation at 10 MB and five backups.
    ///
    /// The backups are `app.log.1`, `app.log.2`, and so on. [`rotated_file`](Self::rotated_file) describes the
    /// rotation, and sets other limits.
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        self.rotated_file(path, FILE_MAX_BYTES, FILE_BACKUPS)
    }

    /// Writes to a file that is rotated at `max_bytes`, and keeps `backups` old files.
    ///
    /// Lines are appended to the file, which is never truncated. Before a line would make it longer than `max_bytes`,
    /// `app.log` is renamed to `app.log.1`, `app.log.1` to `app.log.2`, and so on. No other names are touched, and only
    /// the backup with the highest number is ever replaced.
    ///
    /// The file is not rotated if `backups` is 0 or if the path is a device, a pipe or a symbolic link.
    ///
    /// If another program moves or deletes the file or its folder, it is created again within 10 ms. Lines that were
    /// written to the deleted file in these 10 ms can't be read and count as written. If the file can't be created,
    /// lines still go into the file that was moved; if it was deleted, they are dropped and counted in
    /// [`stats`](crate::stats) until the file can be created.
    ///
    /// Several processes can write to the same file. Lines stay whole and one process rotates; the file may then grow
    /// a little beyond `max_bytes`. If a process is killed while it writes a line, the next line of another process
    /// replaces the last byte of the incomplete line with a line feed, so that the two are not joined.
    ///
    /// Lines that would exceed the file size limit of the process (`ulimit -f`) are dropped and counted. Without
    /// [`init`](Self::init), the process must handle or ignore the `SIGXFSZ` signal, which would otherwise end it.
    pub fn rotated_file(self, path: impl Into<PathBuf>, max_bytes: u64, backups: u32) -> Self {
        Config { output: Output::File { path: path.into(), max_bytes, backups }, ..self }
    }

    /// Writes to `writer`.
    ///
    /// Each line is one `write`, or several if the writer accepts only a part. If the writer fails after it has
    /// accepted a part, the rest is written before the next line.
    ///
    /// Clones of the configuration share the writer, behind a lock. The panic hook calls it on another thread, because
    /// a panic of the writer inside the hook would abort the process.
    ///
    /// ```no_run
    /// use std::net::TcpStream;
    ///
    /// let collector = TcpStream::connect("127.0.0.1:5170").expect("a collector");
    /// let _logging = candor::Config::new().writer(collector).init()?;
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn writer(self, writer: impl Write + Send + 'static) -> Self {
        Config { output: Output::Writer(UserWriter::new(Box::new(writer))), ..self }
    }

    /// Writes lines from a background thread, through a queue of `queue` lines.
    ///
    /// Default: no background thread, so that the operating system has the line when the logging call returns.
    ///
    /// `overload` decides what happens to a line if the queue is full. Unless the output is too slow, a line is
    /// written within 2 ms. The call that logs a CRITICAL line waits until it is written, 200 ms at most, because the
    /// process may end right after it.
    ///
    /// Lines in the queue are lost if the process ends before they are written. To prevent that, keep the
    /// [`Logging`](crate::Logging) guard and drop it, or call [`Logging::flush`](crate::Logging::flush);
    /// [`std::process::exit`] does not drop it. [`layer`](Self::layer) does not return a guard, so the last lines of
    /// the process are lost; use [`build`](Self::build). After a panic, candor's hook waits for the queue (see
    /// [`Logging::install_panic_hook`](crate::Logging::install_panic_hook)).
    ///
    /// A process that is forked without `exec` has no thread: it writes its lines directly, and its parent writes those
    /// that were queued.
    ///
    /// ```
    /// use candor::{Config, Overload};
    ///
    /// let config = Config::new().background(10_000, Overload::Drop);
    /// ```
    pub fn background(self, queue: usize, overload: Overload) -> Self {
        Config { background: Some((queue, overload)), ..self }
    }

    /// Writes [`audit!`](crate::audit!) events to a separate file.
    ///
    /// Default: they are written to the output of the other lines. candor appends to the file and never
    /// rotates it. If another program moves or deletes it or its folder, it is created again before the next event. An event
    /// that can't be written is an error.
    pub fn audit_file(self, path: impl Into<PathBuf>) -> Self {
        Config { audit_file: Some(path.into()), ..self }
    }

    /// Logs everything, to captures only.
    #[cfg(feature = "testing")]
    pub(crate) fn for_captures(self) -> Self {
        Config { levels: Levels::all(), output: Output::Nowhere, ..self }
    }

    /// Sets the value of the `service` key.
    ///
    /// Default: lines do not have the key.
    pub fn service(self, name: impl Into<String>) -> Self {
        Config { service: Some(name.into()), ..self }
    }

    /// Adds an attribute that describes the service, such as `service.version`.
    ///
    /// Default: none. The names are those of OpenTelemetry's [resource attributes]. [`profile`](Self::profile)s write
    /// the attributes that their platform has keys for, and OTLP export sends all of them. The lines of the default
    /// profile do not contain them. Values are redacted by name and by pattern. If two attributes have the same name,
    /// the last one applies. [`service`](Self::service) sets `service.name`.
    ///
    /// ```
    /// let config = candor::Config::new().service("orders").resource("service.version", "1.4.2");
    /// ```
    ///
    /// [resource attributes]: https://opentelemetry.io/docs/specs/semconv/resource/
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.push((name.into(), value.into()));
        self
    }

    /// Renames fixed keys: `[("ts", "timestamp"), ("level", "severity")]`.
    ///
    /// [Profiles](Self::profile) other than the default have their own keys, which can't be renamed.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is not a fixed key, or a new name is the name of another key.
    ///
    /// ```
    /// use candor::Config;
    ///
    /// let config = Config::new().rename_keys([("ts", "timestamp"), ("level", "severity")])?;
    /// let captured = candor::testing::capture_with(config)?;
    /// candor::info!("found");
    /// assert!(captured.output().contains(r#""severity":"INFO""#));
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn rename_keys<'a>(
        mut self,
        names: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let names: Vec<_> = names.into_iter().collect();
        self.keys.rename(&names).map_err(|why| {
            let names: Vec<_> = names.iter().map(|(from, to)| format!("{from}={to}")).collect();
            Setting::Keys.mistake(&names.join(","), format!("the keys can't be renamed: {why}"))
        })?;
        Ok(self)
    }

    /// Adds names that are sensitive in this deployment to the key rule.
    ///
    /// Fields with these names are always hidden, even if the code uses `clear`.
    ///
    /// ```
    /// let config = candor::Config::new().sensitive(["kundengeheimnis", "x_ref"]);
    /// ```
    pub fn sensitive(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.sensitive.extend(names.into_iter().map(Into::into));
        self
    }

    /// Exempts names from the key rule in this deployment.
    ///
    /// They are matched exactly. Values that the code hides stay hidden.
    ///
    /// ```
    /// let config = candor::Config::new().not_sensitive(["pin"]);
    /// ```
    pub fn not_sensitive(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.not_sensitive.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets the key of the [`hash`](crate::policy::hash) policy: 32 random bytes.
    ///
    /// Default: no key, and hashed values are logged as `[REDACTED]`. Use the same key for all services whose
    /// lines you want to correlate.
    pub fn hash_key(self, key: [u8; 32]) -> Self {
        Config { hash_key: Some(key), ..self }
    }

    /// Turns on strict mode. Default: off.
    ///
    /// Without strict mode, candor is designed to keep secrets out of the log. With strict mode, it also keeps out
    /// personal data: a value without a redaction policy shows only its shape, `"<text 17-32>"`. This applies to
    ///
    /// - messages and text fields of `tracing` and `log` events, and fields of their spans. A hidden message has the
    ///   `file` and `line` of its call site beside it; [`strict_targets`](Config::strict_targets) lists the targets
    ///   whose messages are shown. The messages of candor's own macros are shown: their text is a literal and their
    ///   arguments have policies;
    /// - errors that are not [`Loggable`](crate::Loggable), and panic messages with arguments;
    /// - path segments, and values of query parameters and headers, unless
    ///   [`strict_allow`](Config::strict_allow) lists them;
    /// - HTTP methods other than the standard ones, names of threads, and targets of `log` records that are not paths
    ///   of identifiers.
    ///
    /// A name that is given at run time, as to [`record`](crate::record) or [`context::set`](crate::context::set), is
    /// `[REDACTED]` unless it consists of letters, digits, `_`, `-` and `.`. An `X-Request-ID` of more than 64
    /// characters is replaced.
    ///
    /// The scrubber also removes email and network addresses, phone numbers and IBANs from all text that is shown.
    ///
    /// Strict mode applies to the whole process, and stays on once it is on.
    ///
    /// ```standalone_crate
    /// let captured = candor::testing::capture_with(candor::Config::new().strict(true))?;
    /// tracing::info!(name = "Ada Lovelace", items = 3, "order placed");
    ///
    /// // {…,"msg":"<text 9-16>",…,"name":"<text 9-16>","items":3,"file":"src/cart.rs","line":41}
    /// let line = captured.line("<text 9-16>");
    /// assert_eq!((line.text("name"), line.integer("items")), ("<text 9-16>", 3));
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn strict(self, on: bool) -> Self {
        let strict = match self.strict {
            _ if on => Strict::On,
            Strict::On => Strict::Off,
            off => off,
        };
        Config { strict, ..self }
    }

    /// Turns on report mode, a dry run of [strict mode](Config::strict). Default: off.
    ///
    /// Lines are written as if strict mode were off. In addition, INFO lines with the `strict_report` event list the
    /// names of the values that strict mode would hide, without the values. [`strict_allow`](Config::strict_allow) and
    /// [`strict_targets`](Config::strict_targets) apply, so that the list of exceptions can be prepared before strict
    /// mode is turned on. A line is written
    ///
    /// - once for each call site of a `tracing` event or span or a `log` record, with its target, file and line. It has
    ///   the fields of the first event that strict mode would alter;
    /// - once for each name of a header or query parameter, and once for all paths;
    /// - once for each type of error, and once for all panics.
    ///
    /// Personal data that only the scrubber of strict mode finds, in text that strict mode still shows, is not
    /// reported. The `Debug` and `Display` of a field may be called a second time.
    ///
    /// Report mode applies to the whole process. It has no effect if strict mode is on, in this configuration or in an
    /// earlier one.
    ///
    /// ```
    /// let config = candor::Config::new().strict_report(true).strict_allow(["orders", "page"]);
    /// ```
    pub fn strict_report(self, on: bool) -> Self {
        let strict = match self.strict {
            Strict::On => Strict::On,
            _ if on => Strict::Report,
            _ => Strict::Off,
        };
        Config { strict, ..self }
    }

    /// Exempts path segments, query parameters and headers from strict mode.
    ///
    /// Default: none.
    ///
    /// The values are still scrubbed. Headers that describe the message and not a person (`content-type`, `accept`,
    /// …) are always shown, except for parameters of media types other than `charset` and `q`.
    ///
    /// ```
    /// let config = candor::Config::new().strict(true).strict_allow(["orders", "v1", "page", "x-region"]);
    /// ```
    pub fn strict_allow(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.strict_allow.extend(names.into_iter().map(Into::into));
        self
    }

    /// Exempts the messages of these targets from strict mode; they are scrubbed.
    ///
    /// The targets are those of `tracing` events and `log` records. Default: none.
    ///
    /// A target covers the modules below it, as in [`level`](Config::level). List only code that puts no personal
    /// data into its messages; text fields of its events still show their shape.
    ///
    /// ```
    /// let config = candor::Config::new().strict(true).strict_targets(["my_service", "sqlx::query"]);
    /// ```
    pub fn strict_targets(mut self, targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.strict_targets.extend(targets.into_iter().map(Into::into));
        self
    }

    /// Sets the maximum length of one value in bytes.
    ///
    /// Default: 4096. A longer value is cut and ends in `…(+N bytes)`.
    pub fn value_limit(self, bytes: usize) -> Self {
        Config { value_limit: bytes, ..self }
    }

    /// Sets the maximum length of one line in bytes, with its line feed.
    ///
    /// Default: 16,000, because container runtimes split longer lines. Minimum: 1024. The longest
    /// values of a longer line are cut. The limit applies to the lines of every [`profile`](Self::profile).
    pub fn line_limit(self, bytes: usize) -> Self {
        Config { line_limit: bytes.max(1024), ..self }
    }

    /// Sets how many lines below WARN one request may write.
    ///
    /// Default: 1000. More lines are only counted.
    pub fn lines_per_request(self, lines: u64) -> Self {
        Config { lines_per_request: lines, ..self }
    }

    /// Sets which lines of a request or job are written. Default: [`Story::All`].
    ///
    /// With [`Story::Problems`], the lines of an open request are held in memory. As soon as the request has a problem,
    /// they are written in order, and the request writes its later lines immediately. A request has a problem if
    ///
    /// - it logs a line at WARN or above, or its completion line is at WARN or above;
    /// - when it logs a line or ends, it has taken longer than the [`slow`](crate::http::RequestLayer::slow) threshold of
    ///   its HTTP layer, or than [`story_slow`](Self::story_slow) if it has no threshold or is a job;
    /// - it would hold more than [`story_lines`](Self::story_lines), [`story_bytes`](Self::story_bytes) or
    ///   [`story_total_bytes`](Self::story_total_bytes) allow;
    /// - it logs an [audit event](crate::audit!) to the same output;
    /// - it is open when the [`Logging`](crate::Logging) guard is dropped or [flushed](crate::Logging::flush).
    ///
    /// A request with an accepted `X-Debug-Log` header holds no lines. With a
    /// [sample rate](crate::http::RequestLayer::sample) below 1, requests in the sample are written in full, and other
    /// requests only if they have a problem.
    ///
    /// Held lines are lost if the process is killed, aborts, or exits without dropping the guard.
    ///
    /// ```
    /// use candor::{Config, Story};
    ///
    /// let config = Config::new().story(Story::Problems);
    /// ```
    pub fn story(self, story: Story) -> Self {
        Config { story: StorySettings { mode: story, ..self.story }, ..self }
    }

    /// Sets the maximum number of held lines per request. Default: 256.
    ///
    /// Applies to [`Story::Problems`]. A request with more lines is written in full.
    pub fn story_lines(mut self, lines: usize) -> Self {
        self.story.limits.lines = lines;
        self
    }

    /// Sets the maximum size of the held lines per request. Default: 64 KiB.
    ///
    /// Applies to [`Story::Problems`]. A request that needs more is written in full. Each line counts with its length
    /// and about 100 bytes.
    pub fn story_bytes(mut self, bytes: usize) -> Self {
        self.story.limits.bytes = bytes;
        self
    }

    /// Sets the maximum size of all held lines of the process. Default: 16 MiB.
    ///
    /// Applies to [`Story::Problems`]. If the next line of a request would exceed this limit, the request is written in
    /// full. Concurrent threads may exceed the limit by one line each.
    pub fn story_total_bytes(mut self, bytes: usize) -> Self {
        self.story.limits.total_bytes = bytes;
        self
    }

    /// Sets how long a request or job may take. Default: 1 second.
    ///
    /// Applies to [`Story::Problems`], which writes slower ones in full. The [`slow`](crate::http::RequestLayer::slow)
    /// threshold of an HTTP layer takes precedence.
    pub fn story_slow(mut self, slow: Duration) -> Self {
        self.story.slow = slow;
        self
    }

    /// Sets the maximum number of step names in `step_own_ms`. Default: 5.
    ///
    /// The names with the most self time are kept.
    pub fn story_steps(mut self, steps: usize) -> Self {
        self.story.steps = steps;
        self
    }

    /// Times spans of `tracing` as steps: `info`, or `shop=info,sqlx=debug`.
    ///
    /// Default: none.
    ///
    /// The directives have the syntax of [`level`](Self::level), and targets without a directive are off. A span that a
    /// directive names, whether of `#[tracing::instrument]`, `info_span!` or another crate, writes a `step_timing` line
    /// when it closes, with its fields, its outcome and its position in the request. A span that OpenTelemetry's
    /// conventions describe as a call to a dependency writes a `dependency_call` line. The span of a server, such as
    /// that of `tower-http` or `tracing-actix-web`, begins a request if none is current. Any other root span begins a
    /// job, unless it is a call. `docs/adopting.md` in the repository lists what is inferred.
    ///
    /// The directives decide which spans are steps, and [`level`](Self::level) decides which of their lines are
    /// written. The line of a success has the level of its span, but at most INFO. Other layers see the spans as
    /// before. The directives can't be changed while the program runs.
    ///
    /// ```
    /// fn load(order_id: u64) {
    ///     let _span = tracing::info_span!("load", order_id).entered();
    /// }
    ///
    /// let config = candor::Config::new().time_spans("info")?;
    /// let captured = candor::testing::capture_with(config)?;
    /// candor::RequestContext::with_id("r-7").enter_with(|| load(7));
    ///
    /// // {…,"msg":"step_timing","request_id":"r-7",…,"step":"load","duration_ms":0.009,"outcome":"ok","step_id":1,
    /// //  "parent_id":0,"offset_ms":0.021,"busy_ms":0.004,"order_id":7}
    /// let line = captured.step("load");
    /// assert_eq!((line.text("request_id"), line.integer("order_id")), ("r-7", 7));
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed.
    pub fn time_spans(mut self, directives: &str) -> Result<Self, ConfigError> {
        let name = Setting::TimedSpans.variable();
        Setting::TimedSpans.set(&mut self, directives, name)?;
        Ok(self)
    }

    /// Limits the bytes per second of the log. Default: no limit.
    ///
    /// Examples: `64KiB/s`, or `256KiB/s,shop::cart=16KiB/s`. A rate without a target is for the whole process. A rate
    /// with a target also applies to the submodules of the target; if several targets match, the longest one applies. A
    /// line must fit into the budget of its target and into the budget of the process. The units are B, KB, KiB, MB,
    /// MiB, GB and GiB. After a period without lines, a budget allows the bytes of one second at once.
    ///
    /// When a budget is used up, lines below WARN are suppressed: they are not written, but counted by call site in
    /// [`Stats::sites`], and in `lines_suppressed` of their request. They have no `seq`, so the numbers of a request have
    /// no gaps. Lines at WARN and above, audit events, `request_completed` and `job_completed` are always written, but
    /// count against the budget, without taking the shares of other call sites. The same is true of the lines that a
    /// flight recorder or [`Story::Problems`] held, if their request has a problem.
    ///
    /// Each call site that has logged in the last two seconds is entitled to an equal share of the budget. A call site
    /// below its share is not affected by the flood of another one, which gets only the bytes that the others don't
    /// use.
    ///
    /// A `log_flood_started` line at WARN reports the first suppressed line:
    ///
    /// ```text
    /// {…,"level":"WARN","logger":"candor","msg":"log_flood_started",…,"event":"log_flood_started","budget":"64KiB/s",
    ///  "detail":"…","sites":[{"site":"src/cart.rs:88 shop::cart","lines":1,"bytes":212}]}
    /// ```
    ///
    /// A `log_flood_ended` line at INFO reports all suppressed lines, and the five call sites with the most of them. It
    /// is written when no line has been suppressed for a second, or when the [`Logging`](crate::Logging) guard is
    /// flushed or dropped. The number of bytes is an estimate, because suppressed lines are not rendered:
    ///
    /// ```text
    /// {…,"level":"INFO","logger":"candor","msg":"log_flood_ended",…,"event":"log_flood_ended","budget":"64KiB/s",
    ///  "seconds":12.01,"lines":1180211,"bytes":250204732,
    ///  "sites":[{"site":"src/cart.rs:88 shop::cart","lines":1180211,"bytes":250204732}]}
    /// ```
    ///
    /// With a budget, steps take the slow path, which writes the same bytes.
    ///
    /// ```
    /// let config = candor::Config::new().budget("256KiB/s,shop::cart=16KiB/s")?;
    ///
    /// let error = candor::Config::new().budget("64KiB").expect_err("per second");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "invalid budget \"64KiB\": expected a rate such as \"64KiB/s\", or \"target=rate\", separated by commas"
    /// );
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    ///
    /// [`Stats::sites`]: crate::Stats::sites
    ///
    /// # Errors
    ///
    /// Returns an error if `rates` can't be parsed.
    pub fn budget(mut self, rates: &str) -> Result<Self, ConfigError> {
        Setting::Budget.set(&mut self, rates, "budget")?;
        Ok(self)
    }

    /// Folds repeats of an event into one line with their count. Default: off.
    ///
    /// Lines are repeats of each other if they come from the same call site and the same request, and differ only in
    /// `ts` and `seq`. The first line is written immediately. The lines after it are counted, and once a second, the
    /// last of them is written with their count in the `repeats` key:
    ///
    /// ```text
    /// {"ts":"2026-11-22T10:14:12.000105Z","level":"INFO",…,"msg":"cache is cold","request_id":"-",…}
    /// {"ts":"2026-11-22T10:14:12.996310Z","level":"INFO",…,"msg":"cache is cold","request_id":"-",…,"repeats":4211}
    /// ```
    ///
    /// The folded line of a request is written before its completion line; other folded lines are written within a
    /// second and a quarter, or when the [`Logging`](crate::Logging) guard is flushed or dropped. A process that is
    /// killed loses the count of the last second. [`Stats::sites`](crate::Stats::sites) counts repeats as suppressed.
    /// If a budget cuts a folded line, it counts as one line.
    ///
    /// Only events below WARN are folded, not steps, calls, completion lines or audit events, and not the lines that a
    /// flight recorder or [`Story::Problems`] holds. At most 16,384 different lines a second are compared, and at most
    /// 1 MiB of folded lines is kept; lines beyond these limits are written.
    ///
    /// ```
    /// let config = candor::Config::new().fold_repeats(true);
    /// ```
    pub fn fold_repeats(self, on: bool) -> Self {
        Config { folds: on, ..self }
    }

    /// Writes a `log_bill` line with the most expensive call sites at this interval.
    ///
    /// Default: off. The line has the ten call sites that wrote the most bytes since the last one. When the
    /// [`Logging`](crate::Logging) guard is dropped, another line covers the rest. The levels don't hide these lines. The
    /// minimum interval is one second.
    ///
    /// ```text
    /// {…,"level":"INFO","logger":"candor","msg":"log_bill",…,"event":"log_bill","seconds":3600.0,"lines":86400,
    ///  "bytes":23328000,"sites":[{"site":"src/cart.rs:41 shop::cart step_timing check_out","lines":43200,
    ///  "bytes":11664000,"share":0.5},…]}
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let config = candor::Config::new().log_bill(Duration::from_secs(3600));
    /// ```
    pub fn log_bill(self, every: Duration) -> Self {
        Config { bill: Some(every.max(Duration::from_secs(1))), ..self }
    }

    /// Sets whether steps and calls are spans for the other layers of the subscriber.
    ///
    /// Default: true. If candor's layer is the only one, no spans are created in either case.
    pub fn spans(self, spans: bool) -> Self {
        Config { spans, ..self }
    }

    /// Counts and times steps, calls, requests and jobs. Default: off.
    ///
    /// They are counted at every level (see [`metrics`](crate::metrics)). Metrics apply to the whole process, and can't
    /// be turned off again.
    ///
    /// ```
    /// let config = candor::Config::new().metrics(true);
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(self, on: bool) -> Self {
        Config { metrics: on, ..self }
    }

    /// Also prints panics to standard error, with the standard library's default hook.
    ///
    /// Default: off, because the default hook prints the raw message, which candor can't redact. This setting affects
    /// only the default hook. Any other hook that was installed before candor's, such as color-eyre's, always runs
    /// after candor's.
    pub fn print_panics(self, on: bool) -> Self {
        Config { print_panics: on, ..self }
    }
}

/// Parses level directives that were set in code.
pub(super) fn parse_levels(directives: &str) -> Result<Levels, ConfigMistake> {
    Levels::parse(directives, false).map_err(|why| invalid_levels(directives, &why))
}

pub(super) fn invalid_levels(directives: &str, why: &str) -> ConfigMistake {
    Setting::Level.mistake(directives, format!("invalid level directive: {why}"))
}
