//! HTTP requests, with limits on idle time.

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, Response, Version, header};
use ureq::{Agent, Body, Error, Timeout};

/// Time limit for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The remark on a response without a length.
pub(super) const NO_LENGTH: &str =
    "the server did not state the length of its response, so a missing end would not be noticed";

/// A response: its status and its body.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether the headers define the end of the body. If not, a truncated body looks complete.
    pub(super) has_length: bool,
    pub(super) body: AnswerBody,
}

/// Headers of a request.
pub(super) type Headers = Vec<(&'static str, String)>;

/// Sends requests to one server. Errors complete a sentence that names the server.
pub(super) struct Client {
    agent: Agent,
    idle: Duration,
}

impl Client {
    /// A client whose requests carry no credentials, and which therefore follows redirects. A request fails if the
    /// server sends nothing for the time `idle`.
    pub(super) fn anonymous(idle: Duration) -> Self {
        Client { agent: agent(5, idle), idle }
    }

    /// A client that does not follow redirects: another server must not see the credentials.
    pub(super) fn with_credentials(idle: Duration) -> Self {
        Client { agent: agent(0, idle), idle }
    }

    pub(super) fn get(&self, url: &str, headers: &Headers) -> Result<Answer, String> {
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.answer(request.call())
    }

    pub(super) fn post(&self, url: &str, headers: &Headers, body: &str) -> Result<Answer, String> {
        let mut request = self.agent.post(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.answer(request.send(body))
    }

    fn answer(&self, response: Result<Response<Body>, Error>) -> Result<Answer, String> {
        let response = response.map_err(|error| reason(&error, self.idle))?;
        Ok(Answer {
            status: response.status().as_u16(),
            has_length: has_length(response.version(), response.headers()),
            body: AnswerBody {
                body: Box::new(response.into_body().into_reader()),
                idle: self.idle,
            },
        })
    }
}

/// Whether the headers say where the body ends: by its length, or by a last chunk.
fn has_length(version: Version, headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter().next_back();
    let last = codings.and_then(|codings| codings.to_str().ok()?.rsplit(',').next());
    let is_chunked = last.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
    // HTTP/1.0 has no chunks.
    headers.contains_key(header::CONTENT_LENGTH) || is_chunked && version != Version::HTTP_10
}

fn agent(max_redirects: u32, idle: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(max_redirects)
        .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(idle))
        .timeout_per_write(Some(idle));
    #[cfg(feature = "tls")]
    let config = config.tls_config(
        ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build(),
    );
    config.build().into()
}

/// The body of a response. Its errors are complete messages.
pub(super) struct AnswerBody {
    body: Box<dyn Read>,
    idle: Duration,
}

impl Read for AnswerBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.body.read(into).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let timed_out = error.kind() == io::ErrorKind::TimedOut
                || error
                    .get_ref()
                    .is_some_and(|inner| matches!(inner.downcast_ref(), Some(Error::Timeout(_))));
            // Not `UnexpectedEof`, which means compressed data that ends too early.
            io::Error::other(if timed_out {
                format!("the response stalled for {} (--timeout)", seconds(self.idle))
            } else {
                "the response is cut off".to_owned()
            })
        })
    }
}

/// An error as the end of a sentence, without the URL and headers.
fn reason(error: &Error, idle: Duration) -> String {
    let silent = || format!("the server did not respond for {} (--timeout)", seconds(idle));
    match error {
        Error::HostNotFound => "the host was not found".to_owned(),
        Error::Timeout(Timeout::Resolve) => "the host name can't be resolved".to_owned(),
        Error::Timeout(Timeout::Connect) | Error::ConnectionFailed => {
            "the connection failed".to_owned()
        }
        Error::Timeout(_) => silent(),
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => silent(),
        Error::Io(error) => io_reason(error),
        Error::TooManyRedirects | Error::RedirectFailed => {
            "the server redirects too often".to_owned()
        }
        #[cfg(feature = "tls")]
        Error::Rustls(error) => format!("TLS: {error}"),
        Error::Tls(why) => format!("TLS: {why}"),
        Error::TlsRequired => "this build has no TLS; build it with the `tls` feature".to_owned(),
        Error::BadUri(_) | Error::Http(_) => {
            "the URL or a credential has a character that HTTP does not allow".to_owned()
        }
        Error::Protocol(_) => "the response is not HTTP".to_owned(),
        _ => "the request failed".to_owned(),
    }
}

fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            "the server closed the connection without a response".to_owned()
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "the network is unreachable".to_owned()
        }
        io::ErrorKind::InvalidData => format!("TLS: {error}"),
        // The kind of this error is not stable.
        _ if error.to_string().contains("lookup") => "the host was not found".to_owned(),
        _ => error.to_string(),
    }
}

fn seconds(idle: Duration) -> String {
    format!("{} s", idle.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_length_or_a_last_chunk_marks_the_end() {
        let has = |version, name: &'static str, value| {
            let headers = [(name.parse().unwrap(), value)]
                .map(|(name, value)| (name, ureq::http::HeaderValue::from_static(value)));
            has_length(version, &HeaderMap::from_iter(headers))
        };
        for (name, value, wanted) in [
            ("content-length", "7", true),
            ("transfer-encoding", "chunked", true),
            ("transfer-encoding", "gzip, Chunked", true),
            ("transfer-encoding", "identity", false),
            ("transfer-encoding", "chunked, gzip", false),
            ("x-other", "chunked", false),
        ] {
            assert_eq!(has(Version::HTTP_11, name, value), wanted, "{name}: {value}");
        }
        assert!(!has(Version::HTTP_10, "transfer-encoding", "chunked"));
    }
}
