//! The route that axum matched, if the feature `axum` is enabled.

use http::Extensions;

/// A route pattern, such as `/orders/{id}`.
#[cfg(feature = "axum")]
pub(super) type Route = axum::extract::MatchedPath;
/// A route pattern. Uninhabited, since only axum provides one.
#[cfg(not(feature = "axum"))]
#[derive(Debug)]
pub(super) enum Route {}

#[cfg(not(feature = "axum"))]
impl Route {
    pub(super) fn as_str(&self) -> &str {
        match *self {}
    }
}

/// Returns the route pattern from the request's extensions.
#[cfg(feature = "axum")]
pub(super) fn route_of(extensions: &Extensions) -> Option<Route> {
    extensions.get().cloned()
}

#[cfg(not(feature = "axum"))]
pub(super) fn route_of(_: &Extensions) -> Option<Route> {
    None
}
