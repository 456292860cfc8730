//! Sends a request to the collector.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::{HeaderMap, Response};

use super::settings::{Headers, Otlp, OtlpProtocol};
use super::tls::{self, Tls};
use super::{json, protobuf};

#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    protocol: OtlpProtocol,
    gzip: bool,
}

/// What became of a request. Errors are sentences without the URL, the headers or anything else that may be secret.
#[derive(Debug)]
pub(super) enum Sent {
    /// The collector has the records, except for this number, for the reason that it gives.
    Accepted { rejected: u64, error: String },
    /// The collector may accept them later; not before this time.
    Later { after: Option<Duration>, error: String },
    /// The collector will never accept them.
    Refused { error: String },
}

/// The most bytes of a response that are read.
const MAX_RESPONSE: u64 = 64 << 10;

/// The longest wait that `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

impl Client {
    pub(super) fn new(settings: &Otlp, tls: Tls) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            // A redirect would take the headers, which may be credentials, to another host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")));
        let agent = tls.configure(config).build().new_agent();
        Client { agent, protocol: settings.protocol, gzip: settings.gzip }
    }

    pub(super) fn send(&self, url: &str, headers: [&Headers; 2], body: &[u8]) -> Sent {
        let content_type = match self.protocol {
            OtlpProtocol::Protobuf => "application/x-protobuf",
            OtlpProtocol::Json => "application/json",
        };
        let mut request = self.agent.post(url).header("content-type", content_type);
        for (name, value) in headers.into_iter().flatten() {
            request = request.header(name, value);
        }
        let response = match self.gzip.then(|| compressed(body)).flatten() {
            Some(compressed) => request.header("content-encoding", "gzip").send(&compressed[..]),
            None => request.send(body),
        };
        match response {
            Ok(mut response) => {
                let mut body = Vec::new();
                let read =
                    response.body_mut().as_reader().take(MAX_RESPONSE).read_to_end(&mut body);
                // The status alone says whether the collector has the records.
                let body = read.map(|_| body).unwrap_or_default();
                self.read(&response, &body)
            }
            Err(error) if is_permanent(&error) => Sent::Refused { error: describe(&error) },
            Err(error) => Sent::Later { after: None, error: describe(&error) },
        }
    }

    fn read<T>(&self, response: &Response<T>, body: &[u8]) -> Sent {
        let status = response.status();
        if status.is_success() {
            let partial = match self.protocol {
                OtlpProtocol::Protobuf => protobuf::partial_success(body),
                OtlpProtocol::Json => json::partial_success(body),
            };
            let (rejected, error) = partial.unwrap_or_default();
            return Sent::Accepted { rejected, error };
        }
        let error = format!("the collector answered with HTTP status {}", status.as_u16());
        // OTLP/HTTP, "Retryable Response Codes".
        match status.as_u16() {
            429 | 502..=504 => Sent::Later { after: retry_after(response.headers()), error },
            _ => Sent::Refused { error },
        }
    }
}

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    let time = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            at.duration_since(jiff::Timestamp::now()).try_into().unwrap_or_default()
        }
    };
    Some(time.min(LONGEST_WAIT))
}

/// Whether another attempt would end the same.
fn is_permanent(error: &ureq::Error) -> bool {
    use ureq::Error;
    matches!(
        error,
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::RequireHttpsOnly(_)
    )
}

/// Describes an error without the texts of other crates, which may contain the URL.
fn describe(error: &ureq::Error) -> String {
    use ureq::Error;
    match error {
        Error::Io(error) if tls::is_failure(error) => tls::FAILURE.to_owned(),
        Error::Io(error) => format!("the connection failed: {}", error.kind()),
        Error::Timeout(_) => "the collector did not answer in time".to_owned(),
        Error::HostNotFound => "the host was not found".to_owned(),
        Error::ConnectionFailed => "the connection failed".to_owned(),
        Error::BadUri(_) | Error::Http(_) => "the URL or a header is not valid".to_owned(),
        Error::Tls(_) => tls::FAILURE.to_owned(),
        #[cfg(feature = "otlp-tls")]
        Error::Rustls(_) => tls::FAILURE.to_owned(),
        Error::Protocol(_) => "the response is not valid HTTP".to_owned(),
        _ => "the request failed".to_owned(),
    }
}
