//! HTTP requests, with limits on the time in which nothing happens.

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, Response, Version, header};
use ureq::{Agent, Body, Error, Timeout};

/// Time limit for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The remark on an answer without a length.
pub(super) const NO_LENGTH: &str =
    "the server does not say how long its answer is, so a missing end would not be noticed";

/// An answer: its status and its body.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether its headers say where the body ends. Otherwise a cut body looks like a whole one.
    pub(super) has_length: bool,
    pub(super) body: AnswerBody,
}

/// Headers of a request.
pub(super) type Headers = Vec<(&'static str, String)>;

/// Sends requests to one server. An error is the end of the sentence that names the server.
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

    /// A client that follows no redirects: another server must not see the credentials.
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

/// The body of an answer. Its errors are sentences.
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
            // Never `UnexpectedEof`, which stands for compressed data that ends too early.
            io::Error::other(if timed_out {
                format!("its answer stopped for {} (--timeout)", seconds(self.idle))
            } else {
                "its answer is cut off".to_owned()
            })
        })
    }
}

/// An error as the end of a sentence. It repeats neither the URL nor a header.
fn reason(error: &Error, idle: Duration) -> String {
    let silent = || format!("it sends no answer for {} (--timeout)", seconds(idle));
    match error {
        Error::HostNotFound => "there is no host of this name".to_owned(),
        Error::Timeout(Timeout::Resolve) => "the name of the host can't be looked up".to_owned(),
        Error::Timeout(Timeout::Connect) | Error::ConnectionFailed => {
            "there is no connection to it".to_owned()
        }
        Error::Timeout(_) => silent(),
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => silent(),
        Error::Io(error) => io_reason(error),
        Error::TooManyRedirects | Error::RedirectFailed => "it redirects too often".to_owned(),
        #[cfg(feature = "tls")]
        Error::Rustls(error) => format!("TLS: {error}"),
        Error::Tls(why) => format!("TLS: {why}"),
        Error::TlsRequired => "this build has no TLS; build it with the feature `tls`".to_owned(),
        Error::BadUri(_) | Error::Http(_) => {
            "the URL or a credential has a character that HTTP does not take".to_owned()
        }
        Error::Protocol(_) => "its answer is not HTTP".to_owned(),
        _ => "the request failed".to_owned(),
    }
}

fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => "it closed the connection without an answer".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "there is no way to its network".to_owned()
        }
        io::ErrorKind::InvalidData => format!("TLS: {error}"),
        // The kind of this error is not stable.
        _ if error.to_string().contains("lookup") => "there is no host of this name".to_owned(),
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
