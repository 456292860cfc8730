//! Stand-in without TLS. `https` endpoints and certificates have been rejected before.

use std::io;

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use super::{Certificates, Otlp, TlsError};

/// Nothing to set.
#[derive(Debug, Clone)]
pub(super) struct NoCertificates;

#[expect(clippy::unnecessary_wraps, reason = "as with TLS")]
pub(super) fn read(_: &Otlp) -> Result<Certificates, TlsError> {
    Ok(NoCertificates)
}

pub(super) fn configure(
    NoCertificates: Certificates,
    config: ConfigBuilder<AgentScope>,
) -> ConfigBuilder<AgentScope> {
    config
}

pub(super) fn is_failure(_: &io::Error) -> bool {
    false
}
