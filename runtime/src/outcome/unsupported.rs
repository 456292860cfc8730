//! Values of known client crates that no enabled feature reads.
//!
//! A call in a service that uses an older version of a crate returns types that candor does not know, although their
//! names are the same. Only the `Result` determines the outcome of such a call, so a 500 counts as a success. Since the
//! names are the same, they are compared only after method resolution found no implementation of
//! [`DependencyOutcome`](super::DependencyOutcome).

use std::any::type_name;

/// A type of a client crate whose status or category was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    ReqwestResponse,
    ReqwestBlockingResponse,
    ReqwestError,
    MiddlewareError,
    HttpResponse,
    HyperError,
    HyperClientError,
    TonicResponse,
    TonicStatus,
    SqlxError,
    RedisError,
}

/// A feature of candor: its name, the version that it supports, and whether it is enabled.
type Feature = (&'static str, &'static str, bool);

macro_rules! features {
    ($($name:literal $version:literal),*) => { &[$(($name, $version, cfg!(feature = $name))),*] };
}

const REQWEST: &[Feature] = features!("reqwest_0_13" "reqwest 0.13", "reqwest_0_12" "reqwest 0.12");
const TONIC: &[Feature] =
    features!("tonic_0_14" "tonic 0.14", "tonic_0_13" "tonic 0.13", "tonic_0_12" "tonic 0.12");
const SQLX: &[Feature] = features!("sqlx_0_9" "sqlx 0.9", "sqlx_0_8" "sqlx 0.8");

impl Unsupported {
    /// The name of the type, as in the user's code.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Unsupported::ReqwestResponse => "reqwest::Response",
            Unsupported::ReqwestBlockingResponse => "reqwest::blocking::Response",
            Unsupported::ReqwestError => "reqwest::Error",
            Unsupported::MiddlewareError => "reqwest_middleware::Error",
            Unsupported::HttpResponse => "http::Response",
            Unsupported::HyperError => "hyper::Error",
            Unsupported::HyperClientError => "hyper_util::client::legacy::Error",
            Unsupported::TonicResponse => "tonic::Response",
            Unsupported::TonicStatus => "tonic::Status",
            Unsupported::SqlxError => "sqlx::Error",
            Unsupported::RedisError => "redis::RedisError",
        }
    }

    /// The features that read a version of the type, the newest version first.
    const fn features(self) -> &'static [Feature] {
        match self {
            Unsupported::ReqwestResponse
            | Unsupported::ReqwestError
            | Unsupported::MiddlewareError => REQWEST,
            Unsupported::ReqwestBlockingResponse => &[],
            Unsupported::HttpResponse => features!("http" "http 1"),
            Unsupported::HyperError | Unsupported::HyperClientError => features!("hyper" "hyper 1"),
            Unsupported::TonicResponse | Unsupported::TonicStatus => TONIC,
            Unsupported::SqlxError => SQLX,
            Unsupported::RedisError => features!("redis" "redis 1"),
        }
    }

    /// What is unknown about the call, and the ways to change that.
    pub(crate) fn detail(self) -> String {
        let is_response = matches!(
            self,
            Unsupported::ReqwestResponse
                | Unsupported::ReqwestBlockingResponse
                | Unsupported::HttpResponse
                | Unsupported::TonicResponse
        );
        let mut text = String::from(if is_response {
            "the status of this type is not read, so a failed response has the outcome `ok`: "
        } else {
            "the category of this error is not read: "
        });
        let mut separator = "enable candor's feature ";
        for (name, version, is_enabled) in self.features() {
            if !is_enabled {
                for piece in [separator, "`", name, "` for ", version] {
                    text.push_str(piece);
                }
                separator = ", ";
            }
        }
        if separator == ", " {
            text.push_str(", or ");
        }
        text.push_str(
            "read it with `outcome = path::to::function`, or set `outcome = result` if only Ok and Err count",
        );
        text
    }
}

/// Returns the response type that `T` is, judging by its name.
#[inline(always)]
pub(super) fn response<T: ?Sized>() -> Option<Unsupported> {
    if is_candidate(type_name::<T>()) { of_name(type_name::<T>(), true) } else { None }
}

/// Returns the error type that `E` is, judging by its name.
#[inline(always)]
pub(super) fn error<E: ?Sized>() -> Option<Unsupported> {
    if is_candidate(type_name::<E>()) { of_name(type_name::<E>(), false) } else { None }
}

/// Whether a type could be one of a client crate, by its crate or by what wraps it.
///
/// The name is a constant of the monomorphized function, so that the optimizer evaluates the comparisons.
#[inline(always)]
fn is_candidate(name: &str) -> bool {
    is_of_client(name)
        || unwrapped(name).is_some_and(|inner| is_of_client(inner) || unwrapped(inner).is_some())
}

#[inline(always)]
fn is_of_client(name: &str) -> bool {
    name.starts_with("reqwest")
        || name.starts_with("http::")
        || name.starts_with("hyper")
        || name.starts_with("tonic::")
        || name.starts_with("sqlx_core::")
        || name.starts_with("redis::")
}

/// Removes one wrapper behind which `DependencyOutcome` finds a value.
#[inline(always)]
fn unwrapped(name: &str) -> Option<&str> {
    name.strip_prefix("core::result::Result<")
        .or_else(|| name.strip_prefix("alloc::boxed::Box<"))
        .or_else(|| name.strip_prefix("alloc::sync::Arc<"))
        .or_else(|| name.strip_prefix("&mut "))
        .or_else(|| name.strip_prefix("&"))
}

#[cold]
fn of_name(name: &str, is_ok: bool) -> Option<Unsupported> {
    let mut name = name;
    while let Some(inner) = unwrapped(name) {
        name = inner;
    }
    let end = name.find(['<', '>', ',']).unwrap_or(name.len());
    let segments: Vec<_> = name[..end].split("::").collect();
    let (first, last) = (*segments.first()?, *segments.last()?);
    Some(match (first, last) {
        ("reqwest", "Response") if is_ok && segments.contains(&"blocking") => {
            Unsupported::ReqwestBlockingResponse
        }
        ("reqwest", "Response") if is_ok => Unsupported::ReqwestResponse,
        ("http", "Response") if is_ok => Unsupported::HttpResponse,
        ("tonic", "Response") if is_ok => Unsupported::TonicResponse,
        ("reqwest", "Error") if !is_ok => Unsupported::ReqwestError,
        ("reqwest_middleware", "Error") if !is_ok => Unsupported::MiddlewareError,
        ("hyper", "Error") if !is_ok => Unsupported::HyperError,
        ("hyper_util", "Error") if !is_ok => Unsupported::HyperClientError,
        ("tonic", "Status") if !is_ok => Unsupported::TonicStatus,
        ("sqlx_core", "Error") if !is_ok => Unsupported::SqlxError,
        ("redis", "RedisError") if !is_ok => Unsupported::RedisError,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The types of unsupported versions have the same names as those of supported ones.
    #[test]
    fn types_of_client_crates_are_recognized_by_their_names() {
        let mut found = Vec::new();
        #[cfg(feature = "reqwest_0_13")]
        found.extend([
            (response::<reqwest::Response>(), Unsupported::ReqwestResponse),
            (error::<reqwest::Error>(), Unsupported::ReqwestError),
            (error::<reqwest_middleware::Error>(), Unsupported::MiddlewareError),
        ]);
        #[cfg(feature = "http")]
        found.extend([
            (response::<http::Response<Vec<u8>>>(), Unsupported::HttpResponse),
            (response::<Box<Result<http::Response<u8>, u8>>>(), Unsupported::HttpResponse),
            (response::<&http::Response<u8>>(), Unsupported::HttpResponse),
        ]);
        #[cfg(feature = "hyper")]
        found.extend([
            (error::<hyper::Error>(), Unsupported::HyperError),
            (error::<hyper_util::client::legacy::Error>(), Unsupported::HyperClientError),
        ]);
        #[cfg(feature = "tonic_0_14")]
        found.extend([
            (response::<tonic::Response<u8>>(), Unsupported::TonicResponse),
            (error::<Box<tonic::Status>>(), Unsupported::TonicStatus),
        ]);
        #[cfg(feature = "sqlx_0_9")]
        found.push((error::<sqlx::Error>(), Unsupported::SqlxError));
        #[cfg(feature = "redis")]
        found.push((error::<redis::RedisError>(), Unsupported::RedisError));
        assert!(found.iter().all(|(found, expected)| *found == Some(*expected)), "{found:?}");
        let blocking = of_name("reqwest::blocking::response::Response", true);
        assert_eq!(blocking, Some(Unsupported::ReqwestBlockingResponse));
    }

    #[test]
    fn other_types_are_not() {
        struct Response;

        assert_eq!(response::<Response>(), None);
        assert_eq!(response::<String>(), None);
        assert_eq!(response::<Result<Box<u8>, String>>(), None);
        assert_eq!(error::<std::io::Error>(), None);
        #[cfg(feature = "http")]
        assert_eq!(response::<http::HeaderMap>(), None);
        assert_eq!(response::<(u8, Option<Response>)>(), None);
    }
}
