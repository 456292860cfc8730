//! Responses and errors of reqwest, and errors of its middleware.

use std::error::Error;

use reqwest_middleware::Error as MiddlewareError;

use super::answer::is_client_error;
use super::chain::{Classification, KnownError};
use super::{Answer, Category, DependencyOutcome};

impl DependencyOutcome for reqwest::Response {
    fn status(&self) -> Option<u16> {
        Some(reqwest::Response::status(self).as_u16())
    }
}

impl KnownError for reqwest::Error {
    fn classify(&self) -> Classification {
        if let Some(status) = self.status().map(|status| status.as_u16()) {
            Classification::Answer(Answer {
                status: Some(status),
                category: Some(Category::Status),
                is_refusal: is_client_error(status),
                ..Answer::NONE
            })
        } else if self.is_timeout() {
            Category::Timeout.into()
        } else if self.is_dns() {
            Category::Dns.into()
        } else if self.is_connect() {
            Classification::Fallback(Category::Connect)
        } else if self.is_decode() || self.is_body() {
            Category::Decode.into()
        } else {
            Classification::Unknown
        }
    }
}

impl KnownError for MiddlewareError {
    fn classify(&self) -> Classification {
        Classification::Unknown
    }

    fn wrapped(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            MiddlewareError::Reqwest(error) => error,
            MiddlewareError::Middleware(error) => &**error,
        })
    }
}
