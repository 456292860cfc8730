//! Errors of sqlx, those of the database by their SQLSTATE.

use std::error::Error;

use sqlx::error::{DatabaseError, ErrorKind};

use super::chain::{Link, Told, told_by_its_chain};
use super::{Answer, Category};
use crate::redact::error_text;

told_by_its_chain!(sqlx::Error);

impl Link for sqlx::Error {
    fn told(&self) -> Told {
        match self {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Category::Pool.into(),
            sqlx::Error::Io(_) => Told::Unless(Category::Connect),
            sqlx::Error::Tls(_) => Category::Tls.into(),
            sqlx::Error::Protocol(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. } => Category::Decode.into(),
            sqlx::Error::RowNotFound => refused(true),
            sqlx::Error::Database(error) => by_database(&**error),
            _ => Told::Nothing,
        }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}

fn refused(is_refusal: bool) -> Told {
    Told::Answer(Answer { category: Some(Category::Other), is_refusal, ..Answer::NONE })
}

/// The database answered: only where it says that it ran out of time or goes away is that no matter of
/// the query.
fn by_database(error: &dyn DatabaseError) -> Told {
    let code = error.code();
    match code.as_deref().unwrap_or_default() {
        // query_canceled (statement_timeout), lock_not_available (lock_timeout),
        // idle_in_transaction_session_timeout, transaction_timeout, SQLite's busy timeout
        "57014" | "55P03" | "25P03" | "25P04" | "5" => Category::Timeout.into(),
        // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
        "57P01" | "57P02" | "57P03" | "53300" => Category::Connect.into(),
        // Class 08 is about the connection.
        code if code.len() == 5 && code.starts_with("08") => Category::Connect.into(),
        _ => refused(!matches!(error.kind(), ErrorKind::Other)),
    }
}
