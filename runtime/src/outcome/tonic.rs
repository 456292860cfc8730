//! gRPC responses. The gRPC code is the status.

use std::error::Error;

use tonic::{Code, ConnectError, Response, Status, TimeoutExpired};

use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome};
use crate::redact::error_text;

impl<T> DependencyOutcome for Response<T> {
    fn status(&self) -> Option<u16> {
        Some(Code::Ok as u16)
    }
}

impl KnownError for Status {
    fn classify(&self) -> Classification {
        // The client created a status with a source, since there was no response. The source is more precise.
        if error_text::next(self).is_some() {
            return category(self.code()).map_or(Classification::Unknown, Classification::Fallback);
        }
        Classification::Answer(Answer {
            status: Some(self.code() as u16),
            category: category(self.code())
                .or((self.code() != Code::Ok).then_some(Category::Status)),
            is_refusal: is_refusal(self.code()),
        })
    }
}

/// Returns the category of codes that are not about the request itself.
fn category(code: Code) -> Option<Category> {
    match code {
        Code::DeadlineExceeded => Some(Category::Timeout),
        Code::Unavailable => Some(Category::Connect),
        Code::Cancelled => Some(Category::Cancelled),
        _ => None,
    }
}

/// Whether a code is not a server error by OpenTelemetry's RPC conventions.
fn is_refusal(code: Code) -> bool {
    !matches!(
        code,
        Code::Ok
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// The source of a `Cancelled` status if tonic's own timeout expired.
impl KnownError for TimeoutExpired {
    fn classify(&self) -> Classification {
        Category::Timeout.into()
    }
}

impl KnownError for ConnectError {
    fn classify(&self) -> Classification {
        Classification::Fallback(Category::Connect)
    }

    fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
