//! Responses and errors of reqwest, and errors of its middleware.

use std::error::Error;

use reqwest_middleware::Error as MiddlewareError;

use super::answer::is_client_error;
use super::chain::{Link, Told, told_by_its_chain};
use super::{Answer, Category, DependencyOutcome};
use crate::redact::error_text;

impl DependencyOutcome for reqwest::Response {
    fn status(&self) -> Option<u16> {
        Some(reqwest::Response::status(self).as_u16())
    }
}

told_by_its_chain!(reqwest::Error);
told_by_its_chain!(MiddlewareError);

impl Link for reqwest::Error {
    fn told(&self) -> Told {
        if let Some(status) = self.status().map(|status| status.as_u16()) {
            Told::Answer(Answer {
                status: Some(status),
                category: Some(Category::Status),
                is_refusal: is_client_error(status),
            })
        } else if self.is_timeout() {
            Category::Timeout.into()
        } else if self.is_dns() {
            Category::Dns.into()
        } else if self.is_connect() {
            Told::Unless(Category::Connect)
        } else if self.is_decode() || self.is_body() {
            Category::Decode.into()
        } else {
            Told::Nothing
        }
    }

    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        error_text::next(self)
    }
}

impl Link for MiddlewareError {
    fn told(&self) -> Told {
        Told::Nothing
    }

    /// What it wraps; its `source` is that one's source.
    fn inside(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            MiddlewareError::Reqwest(error) => error,
            MiddlewareError::Middleware(error) => &**error,
        })
    }
}
