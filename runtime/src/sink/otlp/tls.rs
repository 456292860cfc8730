//! TLS settings, read from files once.

#[cfg(feature = "otlp-tls")]
mod rustls;
#[cfg(not(feature = "otlp-tls"))]
mod without;

use std::io;
use std::path::PathBuf;

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use super::Otlp;
#[cfg(feature = "otlp-tls")]
use rustls as provider;
#[cfg(feature = "otlp-tls")]
use ureq::tls::TlsConfig as Certificates;
#[cfg(not(feature = "otlp-tls"))]
use without as provider;
#[cfg(not(feature = "otlp-tls"))]
use without::NoCertificates as Certificates;

/// Report of a failed handshake.
pub(super) const FAILURE: &str = "the TLS handshake failed; check the certificates of both sides";

/// Certificates and keys.
#[derive(Debug, Clone)]
pub(crate) struct Tls(Certificates);

/// A file of certificates or keys that can't be used, and why.
#[derive(Debug)]
pub(crate) struct TlsError {
    pub(crate) path: PathBuf,
    pub(crate) why: io::Error,
}

impl Tls {
    /// Reads the certificates and the key.
    pub(crate) fn read(settings: &Otlp) -> Result<Self, TlsError> {
        provider::read(settings).map(Tls)
    }

    pub(super) fn configure(self, config: ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> {
        provider::configure(self.0, config)
    }
}

/// Whether an I/O error is a failed handshake.
pub(super) fn is_failure(error: &io::Error) -> bool {
    provider::is_failure(error)
}
