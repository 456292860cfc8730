//! Export over TLS.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, thread};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::collector::Collector;
use super::run;

/// A collector with a certificate for `name`. Returns it with its endpoint and the file of the certificate.
fn collector(name: &str) -> (Collector, String, PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let path = std::env::temp_dir().join(format!("candor-otlp-{}-{name}.pem", std::process::id()));
    fs::write(&path, cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let certificate = CertificateDer::from(cert.der().to_vec());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint =
        format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let collector = Collector::start();
    let own = collector.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            own.serve(StreamOwned::new(connection, stream));
        }
    });
    (collector, endpoint, path)
}

#[test]
fn a_trusted_collector_gets_the_records() {
    let (collector, endpoint, path) = collector("localhost");
    let path = path.to_str().expect("a path");
    let run = run("otlp", &endpoint, &[("OTEL_EXPORTER_OTLP_CERTIFICATE", path)]);
    assert_eq!(run.logs.delivered, run.logs.emitted);
    assert_eq!(collector.received().logs.len() as u64, run.logs.emitted);
}

#[test]
fn a_collector_with_a_wrong_certificate_gets_nothing() {
    // A certificate that is not trusted, and a trusted one for another host.
    let (first, endpoint, _) = collector("localhost");
    let untrusted = run("otlp", &endpoint, &[("RETRY_MS", "100")]);
    let (second, endpoint, path) = collector("other.example");
    let path = path.to_str().expect("a path");
    let env = [("RETRY_MS", "100"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", path)];
    let misnamed = run("otlp", &endpoint, &env);
    for (run, collector) in [(untrusted, first), (misnamed, second)] {
        assert_eq!((run.logs.unreachable, run.logs.delivered), (run.logs.emitted, 0));
        assert_eq!(collector.received().requests, 0);
        let detail = "the TLS handshake failed; check the certificates of both sides";
        assert!(run.losses().iter().all(|loss| loss.3 == detail), "{:?}", run.losses());
    }
}
