//! HTTP responses.

use super::DependencyOutcome;

impl<B> DependencyOutcome for http::Response<B> {
    fn status(&self) -> Option<u16> {
        Some(http::Response::status(self).as_u16())
    }
}
