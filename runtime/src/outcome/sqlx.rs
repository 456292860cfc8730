//! Errors of sqlx. Those of the database are classified by SQLSTATE.

use sqlx::error::{DatabaseError, ErrorKind};

use super::chain::{Classification, KnownError};
use super::{Answer, Category};

impl KnownError for sqlx::Error {
    fn classify(&self) -> Classification {
        match self {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Category::Pool.into(),
            sqlx::Error::Io(_) => Classification::Fallback(Category::Connect),
            sqlx::Error::Tls(_) => Category::Tls.into(),
            sqlx::Error::Protocol(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. } => Category::Decode.into(),
            sqlx::Error::RowNotFound => Classification::Answer(Answer {
                category: Some(Category::NotFound),
                is_refusal: true,
                ..Answer::NONE
            }),
            sqlx::Error::Database(error) => by_database(&**error),
            _ => Classification::Unknown,
        }
    }
}

fn refused(is_refusal: bool) -> Classification {
    Classification::Answer(Answer { category: Some(Category::Other), is_refusal, ..Answer::NONE })
}

/// Classifies a response of the database. Unless it reports a timeout or a shutdown, the query itself failed.
fn by_database(error: &dyn DatabaseError) -> Classification {
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
