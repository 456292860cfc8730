//! The route of a request, and the peer address that axum provides.

use std::net::SocketAddr;

use http::Extensions;

#[cfg(any(feature = "axum_0_7", feature = "axum_0_8"))]
use crate::redact::shown;
use crate::redact::shown::Redacted;

/// Declares `Route` and `peer` for these versions of axum.
macro_rules! axum_versions {
    ($($feature:literal $Version:ident $axum:ident,)*) => {
        /// A route pattern, such as `/orders/{id}`.
        #[derive(Debug, Clone)]
        pub(super) enum Route {
            /// Set by hand.
            Named(Redacted<'static>),
            $(
                #[cfg(feature = $feature)]
                $Version($axum::extract::MatchedPath),
            )*
        }

        impl Route {
            /// Returns the route that axum put into the extensions of a request.
            #[cfg_attr(not(any($(feature = $feature),*)), expect(unused_variables))]
            pub(super) fn of(extensions: &Extensions) -> Option<Self> {
                $(
                    #[cfg(feature = $feature)]
                    if let Some(path) = extensions.get::<$axum::extract::MatchedPath>() {
                        return Some(Route::$Version(path.clone()));
                    }
                )*
                None
            }

            pub(super) fn redacted(&self) -> Redacted<'_> {
                match self {
                    Route::Named(route) => route.shown().into(),
                    $(
                        #[cfg(feature = $feature)]
                        Route::$Version(path) => shown::text(path.as_str()),
                    )*
                }
            }
        }

        /// Returns the caller's address that axum put into the extensions of a request.
        #[cfg_attr(not(any($(feature = $feature),*)), expect(unused_variables))]
        pub(super) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
            $(
                #[cfg(feature = $feature)]
                if let Some(info) = extensions.get::<$axum::extract::ConnectInfo<SocketAddr>>() {
                    return Some(info.0);
                }
            )*
            None
        }
    };
}

axum_versions! {
    "axum_0_8" Axum08 axum,
    "axum_0_7" Axum07 axum_0_7,
}
