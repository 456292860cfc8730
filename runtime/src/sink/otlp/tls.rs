//! The settings of TLS, which are read from files once.

#[cfg(feature = "otlp-tls")]
mod rustls;
#[cfg(not(feature = "otlp-tls"))]
mod without;

use std::io;
use std::path::PathBuf;

#[cfg(feature = "otlp-tls")]
pub(crate) use rustls::Tls;
#[cfg(feature = "otlp-tls")]
pub(super) use rustls::is_failure;
#[cfg(not(feature = "otlp-tls"))]
pub(crate) use without::Tls;
#[cfg(not(feature = "otlp-tls"))]
pub(super) use without::is_failure;

/// What a failed handshake is reported as.
pub(super) const FAILURE: &str = "no TLS connection; check the certificates of both sides";

/// A file of certificates or keys that can't be used, and why.
#[derive(Debug)]
pub(crate) struct TlsError {
    pub(crate) path: PathBuf,
    pub(crate) why: io::Error,
}
