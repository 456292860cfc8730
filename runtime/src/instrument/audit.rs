//! Audit events, which are written before the call returns or return an error.

use std::error::Error;
use std::{fmt, io};

use tracing_core::dispatcher;

use crate::format::record::Record;
use crate::json::members;
use crate::logger::CandorLayer;
use crate::sink::Loss;
use crate::sink::stats::Reason;

/// Writes an audit event before it returns a `Result<(), AuditError>`.
///
/// Syntax and rules are those of [`info!`](crate::info!). Levels, limits, sampling and full queues do not apply: if the
/// result is `Ok`, the operating system has the line, in the file of
/// [`Config::audit_file`](crate::Config::audit_file) (`LOG_AUDIT_FILE`) or in the output of the other lines. An output
/// that stalls blocks the caller.
///
/// The line has the level INFO and `"event":"audit"`. It bypasses `tracing`: other layers do not see it, and `parent:`
/// is rejected. In a separate file it has no `seq`, because a `seq` there would leave a gap in the request's other
/// lines.
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

/// Error of [`audit!`](crate::audit!): the event was not written.
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
    /// Returns the I/O error, if that is the reason.
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
