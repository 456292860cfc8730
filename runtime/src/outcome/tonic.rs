//! gRPC responses.

use std::error::Error;

use tonic::{Code, ConnectError, Response, Status, TimeoutExpired};

use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome, grpc};
use crate::redact::error_text;

impl<T> DependencyOutcome for Response<T> {
    fn grpc_status(&self) -> Option<u16> {
        Some(Code::Ok as u16)
    }
}

impl KnownError for Status {
    fn classify(&self) -> Classification {
        let code = self.code() as u16;
        let category = grpc::category(code);
        // The client created a status with a source, since there was no response. The source is more precise.
        if error_text::next(self).is_some() {
            return category
                .filter(|category| *category != Category::Status)
                .map_or(Classification::Unknown, Classification::Fallback);
        }
        Classification::Answer(Answer {
            grpc_status: Some(code),
            category,
            is_refusal: grpc::is_refusal(code),
            ..Answer::NONE
        })
    }
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
