//! Audit events: written before the call returns, or an error.

use std::error::Error;
use std::{fmt, io};

use tracing_core::dispatcher;

use crate::format::record::Record;
use crate::json::members;
use crate::logger::CandorLayer;
use crate::sink::Loss;
use crate::sink::stats::Reason;

/// Writes an audit event before it returns, and says whether it is written.
///
/// Syntax and rules are those of [`info!`](crate::info!); the value is a `Result<(), AuditError>`. No
/// level, limit, sampling or full queue keeps the event back: when the value is `Ok`, the line is with
/// the system, in the file of [`Config::audit_file`](crate::Config::audit_file) (`LOG_AUDIT_FILE`), or
/// where the other lines go. An output that stalls holds the caller.
///
/// The line is at INFO and has `"event":"audit"`; its message is the one given. It goes past `tracing`, so
/// other layers do not see it, and `parent:` is refused. In a file of its own it has no `seq`, since the
/// request's other lines would miss the number.
///
/// ```
/// # fn delete(user: u64) -> Result<(), candor::AuditError> {
/// let captured = candor::testing::capture();
/// candor::audit!(user, by = 7, "deleted an account")?;
///
/// // {…,"level":"INFO","logger":"shop","msg":"deleted an account",…,"event":"audit","user":41,"by":7}
/// let line = captured.line("deleted an account");
/// assert_eq!((line.text("event"), line.integer("user")), ("audit", 41));
/// # Ok(())
/// # }
/// # delete(41).expect("it is written");
/// ```
#[macro_export]
macro_rules! audit {
    ($($event:tt)*) => { $crate::__private::event!($crate Audit, $($event)*) };
}

/// Why an audit event was not written; made by [`audit!`](crate::audit!).
#[derive(Debug)]
pub struct AuditError {
    why: Why,
}

#[derive(Debug)]
enum Why {
    NoLayer,
    Lost(Loss),
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the audit event was not written: ")?;
        let reason = match &self.why {
            Why::NoLayer => "this thread has no subscriber of candor; call `candor::init` first",
            Why::Lost(Loss { error: Some(error), .. }) => return error.fmt(f),
            Why::Lost(Loss { reason: Reason::Reentrant, .. }) => {
                "it was logged by the writer of log lines itself"
            }
            Why::Lost(Loss { error: None, .. }) => "the writer panicked",
        };
        f.write_str(reason)
    }
}

impl Error for AuditError {}

impl AuditError {
    /// The system's error, where it was one.
    pub fn io(&self) -> Option<&io::Error> {
        match &self.why {
            Why::Lost(loss) => loss.error.as_ref(),
            Why::NoLayer => None,
        }
    }
}

/// Writes the event with the layer of this thread; `fields` appends its members.
pub(crate) fn write(
    record: &Record<'_>,
    fields: impl Fn(usize, &mut String),
) -> Result<(), AuditError> {
    let written = dispatcher::get_default(|dispatch| {
        let logger = &dispatch.downcast_ref::<CandorLayer>()?.logger;
        Some(logger.write_audit(record, |out| {
            members::text(out, "event", "audit");
            fields(logger.value_limit, out);
        }))
    });
    match written {
        Some(Ok(())) => Ok(()),
        Some(Err(loss)) => Err(AuditError { why: Why::Lost(loss) }),
        None => Err(AuditError { why: Why::NoLayer }),
    }
}
