//! The route that axum matched, if the feature `axum` is enabled.

/// A route pattern, such as `/orders/{id}`, as an extension of the request.
#[cfg(feature = "axum")]
pub(super) type Route = axum::extract::MatchedPath;
/// A route pattern. Uninhabited, since only axum provides one.
#[cfg(not(feature = "axum"))]
#[derive(Debug, Clone)]
pub(super) enum Route {}

#[cfg(not(feature = "axum"))]
impl Route {
    pub(super) fn as_str(&self) -> &str {
        match *self {}
    }
}
