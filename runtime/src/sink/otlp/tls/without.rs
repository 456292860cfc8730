//! No TLS: an `https` endpoint and certificates are refused before.

use std::io;

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use super::{Otlp, TlsError};

/// Nothing to set.
#[derive(Debug)]
pub(super) struct NoSettings;

pub(super) type Settings = NoSettings;

#[expect(clippy::unnecessary_wraps, reason = "as with TLS")]
pub(super) fn read(_: &Otlp) -> Result<Settings, TlsError> {
    Ok(NoSettings)
}

pub(super) fn configure(
    NoSettings: Settings,
    config: ConfigBuilder<AgentScope>,
) -> ConfigBuilder<AgentScope> {
    config
}

pub(super) fn is_failure(_: &io::Error) -> bool {
    false
}
