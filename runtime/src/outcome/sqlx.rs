//! Errors of sqlx, for each supported version. Those of the database are classified by SQLSTATE.

use super::chain::{Classification, KnownError};
use super::{Answer, Category};

fn refused(is_refusal: bool) -> Classification {
    Classification::Answer(Answer { category: Some(Category::Other), is_refusal, ..Answer::NONE })
}

/// Classifies an error of the database by its code.
///
/// Unless the code reports a timeout or a shutdown, the query itself failed.
fn by_code(code: &str, is_violation: bool) -> Classification {
    match code {
        // query_canceled (statement_timeout), lock_not_available (lock_timeout),
        // idle_in_transaction_session_timeout, transaction_timeout, SQLite's busy timeout
        "57014" | "55P03" | "25P03" | "25P04" | "5" => Category::Timeout.into(),
        // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
        "57P01" | "57P02" | "57P03" | "53300" => Category::Connect.into(),
        // Class 08 is about the connection.
        code if code.len() == 5 && code.starts_with("08") => Category::Connect.into(),
        _ => refused(is_violation),
    }
}

macro_rules! sqlx_version {
    ($feature:literal $sqlx:ident) => {
        #[cfg(feature = $feature)]
        impl KnownError for $sqlx::Error {
            fn classify(&self) -> Classification {
                use $sqlx::Error;
                use $sqlx::error::ErrorKind;

                match self {
                    Error::PoolTimedOut | Error::PoolClosed => Category::Pool.into(),
                    Error::Io(_) => Classification::Fallback(Category::Connect),
                    Error::Tls(_) => Category::Tls.into(),
                    Error::Protocol(_)
                    | Error::Decode(_)
                    | Error::ColumnDecode { .. }
                    | Error::ColumnNotFound(_)
                    | Error::ColumnIndexOutOfBounds { .. }
                    | Error::TypeNotFound { .. } => Category::Decode.into(),
                    Error::RowNotFound => Classification::Answer(Answer {
                        category: Some(Category::NotFound),
                        is_refusal: true,
                        ..Answer::NONE
                    }),
                    Error::Database(error) => by_code(
                        error.code().as_deref().unwrap_or_default(),
                        !matches!(error.kind(), ErrorKind::Other),
                    ),
                    _ => Classification::Unknown,
                }
            }
        }
    };
}

sqlx_version!("sqlx_0_8" sqlx_0_8);
sqlx_version!("sqlx_0_9" sqlx);
