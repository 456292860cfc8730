//! gRPC responses, for each supported version of tonic.

use std::error::Error;

use super::answer::AnswerStatus;
use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome, grpc};
use crate::redact::error_text;

/// Classifies a status by its code, whose type is that of the version.
///
/// `has_source` means that the client created the status, since there was no response; the source is more precise.
fn by_code(code: u16, has_source: bool) -> Classification {
    let category = grpc::category(code);
    if has_source {
        return category
            .filter(|category| *category != Category::Status)
            .map_or(Classification::Unknown, Classification::Fallback);
    }
    Classification::Answer(Answer {
        status: Some(AnswerStatus::Grpc(code)),
        category,
        is_refusal: grpc::is_refusal(code),
        ..Answer::NONE
    })
}

macro_rules! tonic_version {
    ($feature:literal $tonic:ident) => {
        #[cfg(feature = $feature)]
        impl<T> DependencyOutcome for $tonic::Response<T> {
            fn grpc_status(&self) -> Option<u16> {
                Some(0)
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
tonic_version!("tonic_0_14" tonic);
