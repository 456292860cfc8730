//! gRPC answers: the code is the status, and tells whose fault it was.

use std::error::Error;

use tonic::{Code, ConnectError, Response, Status, TimeoutExpired};

use super::chain::{Link, Told, told_by_its_chain};
use super::{Answer, Category, DependencyOutcome};
use crate::redact::error_text;

/// `Ok`: 0.
impl<T> DependencyOutcome for Response<T> {
    fn status(&self) -> Option<u16> {
        Some(Code::Ok as u16)
    }
}

told_by_its_chain!(Status);

impl Link for Status {
    fn told(&self) -> Told {
        // A status with a source was made on this side, where no answer came; the source knows better.
        if error_text::next(self).is_some() {
            return reason(self.code()).map_or(Told::Nothing, Told::Unless);
        }
        Told::Answer(Answer {
            status: Some(self.code() as u16),
            category: reason(self.code()).or((self.code() != Code::Ok).then_some(Category::Status)),
            is_refusal: is_refusal(self.code()),
        })
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}

/// What a code says of the way there, and not of the request.
fn reason(code: Code) -> Option<Category> {
    match code {
        Code::DeadlineExceeded => Some(Category::Timeout),
        Code::Unavailable => Some(Category::Connect),
        Code::Cancelled => Some(Category::Cancelled),
        _ => None,
    }
}

/// All codes but those that OpenTelemetry's RPC conventions count as errors of a server.
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

told_by_its_chain!(TimeoutExpired);

/// What tonic calls cancelled where its own timeout passed.
impl Link for TimeoutExpired {
    fn told(&self) -> Told {
        Category::Timeout.into()
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

told_by_its_chain!(ConnectError);

impl Link for ConnectError {
    fn told(&self) -> Told {
        Told::Unless(Category::Connect)
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
