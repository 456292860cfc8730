//! The event macros. Their parsing and checks are in `candor-macros`.

/// Writes a DEBUG line: diagnostic detail, such as the branch taken.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// let (cached, age_s) = (true, 12);
/// candor::debug!(cached, age_s, "price from the cache");
///
/// // {…,"level":"DEBUG","logger":"shop","msg":"price from the cache",…,"cached":true,"age_s":12}
/// let line = captured.line("price from the cache");
/// assert_eq!((line.text("level"), line.integer("age_s")), ("DEBUG", 12));
/// ```
#[macro_export]
macro_rules! debug {
    ($($event:tt)*) => { $crate::__private::event!($crate Debug, $($event)*) };
}

/// Writes a TRACE line: very verbose detail.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// for attempt in 1..=2 {
///     candor::trace!("polled the queue, attempt {attempt}");
/// }
///
/// // {…,"level":"TRACE","logger":"shop","msg":"polled the queue, attempt 2",…}
/// assert_eq!(captured.line("polled the queue, attempt 2").text("level"), "TRACE");
/// ```
#[macro_export]
macro_rules! trace {
    ($($event:tt)*) => { $crate::__private::event!($crate Trace, $($event)*) };
}

/// Writes an INFO line: a normal event, such as a completed job.
///
/// The syntax is that of `tracing::info!`, but **every field and every format argument must be
/// [`Loggable`](crate::Loggable) or an error**. Strings need a [policy](crate::policy) that states how much of each is
/// shown. Without a policy, the code does not compile, and the error points at the value.
///
/// ```
/// let (order_id, card, shop) = (7, "4242424242424242", "books");
/// let captured = candor::testing::capture();
/// candor::info!(order_id, card = mask(&card, last = 4), "charged {amount:.2} for {}", clear(&shop), amount = 9.5);
///
/// // {…,"level":"INFO","logger":"shop","msg":"charged 9.50 for books",…,"order_id":7,"card":"****4242"}
/// let line = captured.line("charged 9.50 for books");
/// assert_eq!(line.integer("order_id"), 7);
/// assert_eq!(line.text("card"), "****4242");
/// ```
///
/// ```compile_fail
/// let name = String::from("Ada");
/// candor::info!("hello {name}"); // `String` can't be logged without a redaction policy
/// ```
///
/// # Fields
///
/// | written as | field |
/// |---|---|
/// | `order_id = order.id` | `order_id` |
/// | `order_id`, `order.id` | `order_id`, `order.id`: a variable or a field of one, by its own name |
/// | `order.total = total` | `order.total`: dots are part of the name |
/// | `"order id" = order.id` | `order id`: a name that is not a Rust identifier |
/// | `{ KEY } = order.id` | the value of a constant |
/// | `kind = "guest"`, `version = env!("CARGO_PKG_VERSION")` | a string literal, or a macro that expands to one, such as `concat!`; it needs no policy |
/// | `?order`, `%order`, `order = ?order` | `order`: accepted as in tracing, without effect |
/// | `error = e`, `%e`, `error = &e as &dyn Error` | [an error](#errors) |
/// | `rows = Empty` | not written; declares the `rows` field for other layers |
/// | `message = value` | the message, in place of a format string |
/// | `{ a = 1, b = 2 }, "…"` | `a` and `b`: fields may be in braces |
///
/// Values are written through their `Loggable` impl: a number as a number, a `#[redact]` type as nested JSON. In
/// tracing, `?` and `%` select `Debug` or `Display`, which have no redaction policy. Here the value must be loggable
/// with or without them, and its output is the same.
///
/// Policy functions need no import, in fields and in format arguments. They take the same arguments as in
/// [`#[redact]`](macro@crate::redact), such as `mask(&card, last = 4)`. `clear(&key_id, reason = "…")` shows a value
/// even if its name is sensitive.
///
/// The [key rule](crate::keys) applies to names: the value of a sensitive name is `"[REDACTED]"`. If a name is given
/// twice, both values are evaluated and the last one is written.
///
/// `user_id`, `path`, `method`, `service` and `request_id` replace the context's value on this line. candor's other
/// keys (`level`, `msg`, `seq`, …) do not compile; the error says what to write instead.
///
/// # Errors
///
/// The macros accept every [`Error`](std::error::Error), `Box<dyn Error>`, `anyhow::Error` and `eyre::Report`, and log
/// it [as a step logs its error](crate::dependency#how-an-error-is-shown). For a field `NAME`, the key `NAME` has the
/// class of the error, such as `timeout` or the short name of its type; `NAME_type` has its type, and `NAME_detail` the
/// scrubbed text of its chain of sources. A `#[redact]` error also has `NAME_fields`. A field named `e` or `err` is
/// written as `error`. An error among the arguments of the message also sets the keys of `error`.
///
/// ```
/// use std::io;
///
/// let e = io::Error::new(io::ErrorKind::TimedOut, "no answer from db, password=hunter2");
/// let captured = candor::testing::capture();
/// candor::warn!(rows = 3, "save failed: {e}");
///
/// // {…,"msg":"save failed: no answer from db, password=[REDACTED]",…,"rows":3,
/// //  "error":"timeout","error_type":"std::io::error::Error","error_detail":"no answer from db, password=[REDACTED]"}
/// let line = captured.line("save failed: no answer from db, password=[REDACTED]");
/// assert_eq!((line.text("error"), line.text("error_type")), ("timeout", "std::io::error::Error"));
/// ```
///
/// # The message
///
/// The message is a format string literal. Arguments, including inline ones (`{name}`), are shown in plain form:
/// strings without quotes, numbers and durations (in milliseconds) as they are, nested values as JSON. Width, fill,
/// alignment, sign and precision work; `{:?}` is the same as `{}`; `{:x}`, `{:#b}`, `{:e}` and similar require numbers.
///
/// The key rule also applies to arguments that are variables, fields of variables, or named, and to those that the text
/// before them names: `"{pin}"`, `"{}", user.pin`, `"code {c}", c = …`, `"pin={x}"`.
///
/// # Settings
///
/// Settings come first, in any order:
///
/// - `target: "billing"`, the `logger` of the line; default: the module;
/// - `parent: &span`, a `tracing` span whose fields replace those of the enclosing spans; `parent: None` for none. The
///   line still belongs to the current request;
/// - `name: "…"`, the event's name for other layers.
///
/// # Cost
///
/// A disabled line costs one load of its call site's interest, and its arguments are not evaluated. A written line
/// does not allocate after the first few lines of its thread, if candor's layer is the only one and the event has no
/// explicit parent.
///
/// The macros of `tracing` and `log` keep working, but their values are not checked. To make clippy reject them, see
/// [Reject other macros](crate#reject-other-macros).
///
/// # Compile errors
///
/// - a field or an argument that is not loggable and not an error;
/// - `mask(&x)` without `first` or `last`;
/// - a field with the name of one of candor's own keys, except those of the context;
/// - a message that is not a literal (`concat!(…)`, a constant), since its arguments could not be checked.
#[macro_export]
macro_rules! info {
    ($($event:tt)*) => { $crate::__private::event!($crate Info, $($event)*) };
}

/// Writes a WARN line: a problem that was handled, such as a fallback.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// candor::warn!(target: "billing", retries = 2, "rates are old, using those of yesterday");
///
/// // {…,"level":"WARN","logger":"billing","msg":"rates are old, using those of yesterday",…,"retries":2}
/// let line = captured.line("rates are old, using those of yesterday");
/// assert_eq!((line.text("level"), line.text("logger")), ("WARN", "billing"));
/// ```
#[macro_export]
macro_rules! warn {
    ($($event:tt)*) => { $crate::__private::event!($crate Warn, $($event)*) };
}

/// Writes an ERROR line: a request or an operation failed.
///
/// Syntax and rules are those of [`info!`](crate::info!). A field can be an error: the line has its class, its type and
/// the text of its chain of sources, without the parts that look like secrets.
///
/// ```
/// use std::io;
///
/// # fn read() -> io::Result<u32> {
/// #     Err(io::Error::new(io::ErrorKind::ConnectionRefused, "postgres://app:s3cret@db/orders is down"))
/// # }
/// let captured = candor::testing::capture();
/// if let Err(e) = read() {
///     candor::error!(error = e, "no orders were read");
/// }
///
/// // {…,"level":"ERROR","logger":"shop","msg":"no orders were read",…,"error":"connect",
/// //  "error_type":"std::io::error::Error","error_detail":"postgres://[REDACTED]@db/orders is down"}
/// let line = captured.line("no orders were read");
/// assert_eq!((line.text("error"), line.text("error_type")), ("connect", "std::io::error::Error"));
/// assert_eq!(line.text("error_detail"), "postgres://[REDACTED]@db/orders is down");
/// ```
#[macro_export]
macro_rules! error {
    ($($event:tt)*) => { $crate::__private::event!($crate Error, $($event)*) };
}

/// Writes a CRITICAL line: the service can't continue.
///
/// Syntax and rules are those of [`info!`](crate::info!). `tracing` has no such level: filters and other layers see an
/// ERROR, and candor's line has the level CRITICAL.
///
/// ```
/// let captured = candor::testing::capture();
/// let free_bytes = 0;
/// candor::critical!(free_bytes, "the disk is full");
///
/// // {…,"level":"CRITICAL","logger":"shop","msg":"the disk is full",…,"free_bytes":0}
/// assert_eq!(captured.line("the disk is full").text("level"), "CRITICAL");
/// ```
#[macro_export]
macro_rules! critical {
    ($($event:tt)*) => { $crate::__private::event!($crate Critical, $($event)*) };
}
