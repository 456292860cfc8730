//! gRPC responses, for each supported version of tonic. The gRPC code is the status.

use std::error::Error;

use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome};
use crate::redact::error_text;

/// The gRPC codes. Each version of tonic has its own type for them, with the same numbers.
mod code {
    pub(super) const OK: u16 = 0;
    pub(super) const CANCELLED: u16 = 1;
    pub(super) const UNKNOWN: u16 = 2;
    pub(super) const DEADLINE_EXCEEDED: u16 = 4;
    pub(super) const UNIMPLEMENTED: u16 = 12;
    pub(super) const INTERNAL: u16 = 13;
    pub(super) const UNAVAILABLE: u16 = 14;
    pub(super) const DATA_LOSS: u16 = 15;
}

/// Classifies a status. `has_source` means that the client created it, since there was no response; the source is more
/// precise.
fn by_code(code: u16, has_source: bool) -> Classification {
    if has_source {
        return category(code).map_or(Classification::Unknown, Classification::Fallback);
    }
    Classification::Answer(Answer {
        status: Some(code),
        category: category(code).or((code != code::OK).then_some(Category::Status)),
        is_refusal: is_refusal(code),
        ..Answer::NONE
    })
}

/// Returns the category of codes that are not about the request itself.
fn category(code: u16) -> Option<Category> {
    match code {
        code::DEADLINE_EXCEEDED => Some(Category::Timeout),
        code::UNAVAILABLE => Some(Category::Connect),
        code::CANCELLED => Some(Category::Cancelled),
        _ => None,
    }
}

/// Whether a code is not a server error by OpenTelemetry's RPC conventions.
fn is_refusal(code: u16) -> bool {
    !matches!(
        code,
        code::OK
            | code::UNKNOWN
            | code::DEADLINE_EXCEEDED
            | code::UNIMPLEMENTED
            | code::INTERNAL
            | code::UNAVAILABLE
            | code::DATA_LOSS
    )
}

macro_rules! tonic_version {
    ($feature:literal $tonic:ident) => {
        #[cfg(feature = $feature)]
        impl<T> DependencyOutcome for $tonic::Response<T> {
            fn status(&self) -> Option<u16> {
                Some(code::OK)
            }
        }

        #[cfg(feature = $feature)]
        impl KnownError for $tonic::Status {
            fn classify(&self) -> Classification {
                by_code(self.code() as u16, error_text::next(self).is_some())
            }
        }

        /// The source of a `Cancelled` status if tonic's own timeout expired.
        #[cfg(feature = $feature)]
        impl KnownError for $tonic::TimeoutExpired {
            fn classify(&self) -> Classification {
                Category::Timeout.into()
            }
        }

        #[cfg(feature = $feature)]
        impl KnownError for $tonic::ConnectError {
            fn classify(&self) -> Classification {
                Classification::Fallback(Category::Connect)
            }

            fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
                Some(&*self.0)
            }
        }
    };
}

tonic_version!("tonic_0_12" tonic_0_12);
tonic_version!("tonic_0_13" tonic_0_13);
tonic_version!("tonic_0_14" tonic_0_14);
