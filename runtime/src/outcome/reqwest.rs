//! Responses and errors of each supported version of reqwest and its middleware.

use std::error::Error;

use http::StatusCode;

use super::answer::{AnswerStatus, is_client_error};
use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome};

fn by_status(status: StatusCode) -> Classification {
    let status = status.as_u16();
    Classification::Answer(Answer {
        status: Some(AnswerStatus::Http(status)),
        category: Some(Category::Status),
        is_refusal: is_client_error(status),
        ..Answer::NONE
    })
}

/// Implements the traits for one version.
///
/// `is_dns` is given if the version has this method. Without it, an error of name resolution is recognised by its text.
macro_rules! reqwest_version {
    ($feature:literal $reqwest:ident $middleware:ident $(, $is_dns:ident)?) => {
        #[cfg(feature = $feature)]
        impl DependencyOutcome for $reqwest::Response {
            fn status(&self) -> Option<u16> {
                Some($reqwest::Response::status(self).as_u16())
            }
        }

        #[cfg(feature = $feature)]
        impl KnownError for $reqwest::Error {
            fn classify(&self) -> Classification {
                if let Some(status) = self.status() {
                    return by_status(status);
                }
                if self.is_timeout() {
                    return Category::Timeout.into();
                }
                $(if self.$is_dns() {
                    return Category::Dns.into();
                })?
                if self.is_connect() {
                    Classification::Fallback(Category::Connect)
                } else if self.is_decode() || self.is_body() {
                    Category::Decode.into()
                } else {
                    Classification::Unknown
                }
            }
        }

        #[cfg(feature = $feature)]
        impl KnownError for $middleware::Error {
            fn classify(&self) -> Classification {
                Classification::Unknown
            }

            fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
                Some(match self {
                    $middleware::Error::Reqwest(error) => error,
                    $middleware::Error::Middleware(error) => &**error,
                })
            }
        }
    };
}

reqwest_version!("reqwest_0_12" reqwest_0_12 reqwest_middleware_0_4);
reqwest_version!("reqwest_0_13" reqwest reqwest_middleware, is_dns);
