//! The parsed URL of `--from`. Messages show it without parts that may be secret.

use std::fmt::{self, Write as _};

/// The supported URLs, for error messages.
const SCHEMES: &str = "clickhouse://HOST/TABLE, clickhouses://HOST/TABLE, http://HOST/PATH, https://HOST/PATH, \
                       s3://BUCKET/PREFIX or cloudwatch:LOG_GROUP";

/// Protocol of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    ClickHouse,
    Http,
}

/// A URL in its parts. `Display` omits the query, which may contain a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Without the leading slash.
    pub(super) path: String,
    /// Without the question mark.
    pub(super) query: Option<String>,
}

impl Url {
    /// Parses a URL. The error never repeats it, because it may contain a password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| format!("--from takes {SCHEMES}"))?;
        let (scheme, is_tls, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "clickhouse" => (Scheme::ClickHouse, false, 8123),
            "clickhouses" => (Scheme::ClickHouse, true, 8443),
            "http" => (Scheme::Http, false, 80),
            "https" => (Scheme::Http, true, 443),
            _ => return Err(format!("--from does not support this scheme; expected {SCHEMES}")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(match scheme {
                Scheme::ClickHouse => {
                    "--from does not accept a user or password in the URL; set CLICKHOUSE_USER \
                                       and CLICKHOUSE_PASSWORD in the environment"
                        .to_owned()
                }
                Scheme::Http => "--from does not accept a user or password in the URL".to_owned(),
            });
        }
        let (host, port) = host_and_port(authority, default_port)
            .ok_or("the host of the --from URL is not valid; expected HOST or HOST:PORT")?;
        // A fragment is not for the server.
        let rest = match scheme {
            Scheme::Http => rest.split('#').next().unwrap_or_default(),
            Scheme::ClickHouse => rest,
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = path.strip_prefix('/').unwrap_or(path).to_owned();
        Ok(Url { scheme, is_tls, host, port, path, query })
    }

    /// The URL of an HTTP request to the server. Characters that a URL can't contain are escaped.
    pub(super) fn http(&self, path: &str, query: Option<&str>) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let mut url = format!("{scheme}://{}:{}/{}", self.host, self.port, escape(path));
        if let Some(query) = query {
            url.push('?');
            url.push_str(&escape(query));
        }
        url
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.scheme, self.is_tls) {
            (Scheme::ClickHouse, false) => "clickhouse",
            (Scheme::ClickHouse, true) => "clickhouses",
            (Scheme::Http, false) => "http",
            (Scheme::Http, true) => "https",
        };
        write!(f, "{scheme}://{}:{}/{}", self.host, self.port, self.path)
    }
}

fn host_and_port(authority: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.rfind(':') {
        // A colon inside the brackets belongs to an IPv6 address.
        Some(colon) if !authority[colon..].contains(']') => {
            (&authority[..colon], authority[colon + 1..].parse().ok()?)
        }
        _ => (authority, default_port),
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_valid = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '.' | '_')
            || is_bracketed && "[]:%".contains(c)
    };
    let is_host = !host.is_empty() && host.chars().all(is_valid);
    (is_host && port != 0).then(|| (host.to_owned(), port))
}

/// Percent-encodes characters of a query pasted from a shell or a console: `{app="orders"} |= "x"`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_allowed = byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            );
        if is_allowed {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_scheme() {
        let shown = |url| Url::parse(url).map(|url| url.to_string());
        assert_eq!(shown("clickhouse://ch/t"), Ok("clickhouse://ch:8123/t".to_owned()));
        assert_eq!(shown("clickhouses://ch/a.t"), Ok("clickhouses://ch:8443/a.t".to_owned()));
        assert_eq!(shown("https://[::1]:9/x?y=z"), Ok("https://[::1]:9/x".to_owned()));
        assert_eq!(shown(" http://h "), Ok("http://h:80/".to_owned()));
        assert_eq!(shown("http://h#s3cret"), Ok("http://h:80/".to_owned()));
        assert_eq!(Url::parse("http://h/x?y#z").unwrap().query.as_deref(), Some("y"));
    }

    #[test]
    fn an_error_never_repeats_the_url() {
        for url in [
            "clickhouse://joe:s3cret@ch/t",
            "https://joe:s3cret@host/",
            "s3cret://host/t",
            "s3cret",
            "http://s3cret host/",
            "http://host:s3cret/",
            "http:///s3cret",
            "http://host:0/s3cret",
        ] {
            let error = Url::parse(url).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_pasted_query_is_escaped_once() {
        let url = Url::parse("http://l/q?query={a=\"b\"} |= \"é%20\"").unwrap();
        let wanted = "http://l:80/q?query=%7Ba=%22b%22%7D%20%7C=%20%22%C3%A9%20%22";
        assert_eq!(url.http(&url.path, url.query.as_deref()), wanted);
    }
}
