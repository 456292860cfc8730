//! The route of a request: from axum if the feature `axum` is enabled, or set by hand.

use std::borrow::Cow;

use http::Extensions;

/// A route pattern, such as `/orders/{id}`.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// The route that axum matched.
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
    Named(Cow<'static, str>),
}

impl Route {
    /// Returns the route that axum matched, from the extensions of the request.
    #[cfg(feature = "axum")]
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().cloned().map(Route::Matched)
    }

    /// Returns `None`, since only axum's extension is known.
    #[cfg(not(feature = "axum"))]
    pub(super) fn of(_: &Extensions) -> Option<Self> {
        None
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            #[cfg(feature = "axum")]
            Route::Matched(route) => route.as_str(),
            Route::Named(route) => route,
        }
    }
}
