//! TLS with rustls, through ureq.

use std::io;
use std::path::Path;

use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;

use super::{Certificates, Otlp, TlsError};

pub(super) fn read(settings: &Otlp) -> Result<Certificates, TlsError> {
    let mut config = TlsConfig::builder();
    if let Some(path) = &settings.ca_certificate {
        config = config.root_certs(RootCerts::from(certificates(path)?));
    }
    if let Some((certificate, key)) = &settings.client_certificate {
        let client = ClientCert::new_with_certs(&certificates(certificate)?, private_key(key)?);
        config = config.client_cert(Some(client));
    }
    Ok(config.build())
}

pub(super) fn configure(
    certificates: Certificates,
    config: ConfigBuilder<AgentScope>,
) -> ConfigBuilder<AgentScope> {
    config.tls_config(certificates)
}

pub(super) fn is_failure(error: &io::Error) -> bool {
    // rustls is only a dependency of ureq, so its types can't be named here.
    error.get_ref().is_some_and(|inner| format!("{inner:?}").contains("Certificate"))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, TlsError> {
    let certificates: Vec<_> = items(path)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(none(path, "certificate")) } else { Ok(certificates) }
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>, TlsError> {
    let key = items(path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    key.ok_or_else(|| none(path, "private key"))
}

fn items(path: &Path) -> Result<Vec<PemItem<'static>>, TlsError> {
    let fail = |why| TlsError { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(fail)?;
    parse_pem(&pem).collect::<Result<_, _>>().map_err(|_| {
        // The parser's own message may quote the file.
        fail(io::Error::new(io::ErrorKind::InvalidData, "it is not valid PEM"))
    })
}

fn none(path: &Path, what: &str) -> TlsError {
    let why = io::Error::new(io::ErrorKind::InvalidData, format!("it has no {what}"));
    TlsError { path: path.to_owned(), why }
}
