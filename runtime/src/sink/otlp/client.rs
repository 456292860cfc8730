//! Sends requests to the collector.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;
use ureq::http::{HeaderMap, Response, Uri};

use super::IS_SENDING;
use super::settings::{OtlpProtocol, SignalSettings};
use super::tls::{self, Tls};
use super::{json, protobuf};
use crate::base::timer::MAX_DELAY;

#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
}

/// Result of a request. Errors do not contain the URL, headers or anything else that may be secret.
#[derive(Debug)]
pub(super) enum Sent {
    /// The collector has the records, except for `rejected` of them, for the reason in `error`.
    Accepted { rejected: u64, error: String },
    /// The collector may accept the records later, but not before `after` has passed.
    Later { after: Option<Duration>, error: String },
    /// The collector will never accept the records.
    Refused { error: String },
}

/// The most bytes that are read from a response.
const MAX_RESPONSE: u64 = 1 << 20;

/// The longest wait that `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

impl Client {
    pub(super) fn new(tls: Tls) -> Self {
        let config = Agent::config_builder()
            // A redirect would send the headers, which may contain credentials, to another host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")));
        Client { agent: tls.configure(config).build().new_agent() }
    }

    /// Sends a body that [`prepare`] made.
    pub(super) fn send(&self, settings: &SignalSettings, body: &[u8]) -> Sent {
        let Some(url) = &settings.url else {
            return Sent::Accepted { rejected: 0, error: String::new() };
        };
        let content_type = match settings.protocol {
            OtlpProtocol::Protobuf => "application/x-protobuf",
            OtlpProtocol::Json => "application/json",
        };
        let mut config =
            self.agent.post(url).config().timeout_global(Some(settings.timeout.min(MAX_DELAY)));
        if is_on_this_machine(url) {
            config = config.proxy(None);
        }
        let mut request = config.build().header("content-type", content_type);
        if settings.gzip {
            request = request.header("content-encoding", "gzip");
        }
        for (name, value) in &settings.headers {
            request = request.header(name, value);
        }
        let _sending = Sending::begin();
        match request.send(body) {
            Ok(mut response) => {
                let mut body = Vec::new();
                let read =
                    response.body_mut().as_reader().take(MAX_RESPONSE).read_to_end(&mut body);
                // The status alone tells whether the collector has the records.
                let body = read.map(|_| body).unwrap_or_default();
                read_response(settings, &response, &body)
            }
            Err(error) if is_permanent(&error) => Sent::Refused { error: describe(&error) },
            Err(error) => Sent::Later { after: None, error: describe(&error) },
        }
    }
}

/// Marks this thread as running the HTTP client until it is dropped.
struct Sending;

impl Sending {
    fn begin() -> Self {
        IS_SENDING.set(true);
        Sending
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        IS_SENDING.set(false);
    }
}

/// Compresses a body if the settings ask for it.
pub(super) fn prepare(settings: &SignalSettings, body: Vec<u8>) -> Vec<u8> {
    if !settings.gzip {
        return body;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&body);
    encoder.finish().unwrap_or_default()
}

fn read_response<T>(settings: &SignalSettings, response: &Response<T>, body: &[u8]) -> Sent {
    let status = response.status();
    if status.is_success() {
        let partial = match settings.protocol {
            OtlpProtocol::Protobuf => protobuf::partial_success(body),
            OtlpProtocol::Json => json::partial_success(body),
        };
        let (rejected, error) = partial.unwrap_or_default();
        return Sent::Accepted { rejected, error: without_headers(&error, settings) };
    }
    let error = format!("the collector responded with HTTP status {}", status.as_u16());
    // OTLP/HTTP, "Retryable Response Codes".
    match status.as_u16() {
        429 | 502..=504 => Sent::Later { after: retry_after(response.headers()), error },
        _ => Sent::Refused { error },
    }
}

/// A collector's message, without the header values that it may echo.
fn without_headers(message: &str, settings: &SignalSettings) -> String {
    let mut message = Cow::Borrowed(message);
    for (_, value) in settings.headers.iter().filter(|(_, value)| !value.is_empty()) {
        // `Bearer TOKEN` may be echoed without its scheme.
        for part in [&value[..], value.rsplit(' ').next().unwrap_or_default()] {
            if !part.is_empty() && message.contains(part) {
                message = Cow::Owned(message.replace(part, crate::redact::scrub::REDACTED));
            }
        }
    }
    message.into_owned()
}

/// Whether the host is `localhost` or a loopback address, which no proxy can reach.
fn is_on_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
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

/// Whether another attempt would fail in the same way.
fn is_permanent(error: &ureq::Error) -> bool {
    use ureq::Error;
    matches!(error, Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl)
}

/// Describes an error without the messages of other crates, which may contain the URL.
fn describe(error: &ureq::Error) -> String {
    use ureq::Error;
    match error {
        Error::Io(error) if tls::is_failure(error) => tls::FAILURE.to_owned(),
        Error::Io(error) => format!("the connection failed: {}", error.kind()),
        Error::Timeout(_) => "the collector did not respond in time".to_owned(),
        Error::HostNotFound => "the host was not found".to_owned(),
        Error::ConnectionFailed => "the connection failed".to_owned(),
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => {
            "the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY did not connect".to_owned()
        }
        Error::BadUri(_) | Error::Http(_) => "the URL or a header is not valid".to_owned(),
        Error::Tls(_) => tls::FAILURE.to_owned(),
        #[cfg(feature = "otlp-tls")]
        Error::Rustls(_) => tls::FAILURE.to_owned(),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => {
            "the response is not valid HTTP; check that the endpoint is a collector".to_owned()
        }
        _ => "the request failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_collectors_have_no_proxy() {
        for url in ["http://127.0.0.1:4318/v1/logs", "http://[::1]:4318", "http://LOCALHOST"] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in ["http://collector:4318", "http://10.0.0.1", "no URL"] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }
}
