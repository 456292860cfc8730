//! No TLS: an `https` endpoint and certificates are refused before.

use std::io;

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use super::TlsError;
use crate::sink::otlp::Otlp;

#[derive(Debug)]
pub(crate) struct Tls(());

impl Tls {
    #[expect(clippy::unnecessary_wraps, reason = "as with TLS")]
    pub(crate) fn read(_: &Otlp) -> Result<Self, TlsError> {
        Ok(Tls(()))
    }

    pub(in crate::sink::otlp) fn configure(
        self,
        config: ConfigBuilder<AgentScope>,
    ) -> ConfigBuilder<AgentScope> {
        let Tls(()) = self;
        config
    }
}

pub(in crate::sink::otlp) fn is_failure(_: &io::Error) -> bool {
    false
}
