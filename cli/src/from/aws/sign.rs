//! Signatures of requests to AWS (Signature Version 4).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::time::{self, Micros};

/// Credentials from the environment.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// A request to sign. Query parameters are sorted by name and not yet encoded.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    /// Encoded, with the leading slash.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, String)],
    pub(super) body: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) at: Micros,
}

impl Request<'_> {
    /// The headers that authenticate the request.
    pub(super) fn headers(&self, credentials: &Credentials) -> Vec<(&'static str, String)> {
        // `20261122T101412Z`.
        let written: String =
            time::rfc3339(self.at).chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let date_time = format!("{}Z", written.split('.').next().unwrap_or_default());
        let date = &date_time[..8];
        let body = hex(&Sha256::digest(self.body));
        let mut signed = vec![
            ("host", self.host.to_owned()),
            ("x-amz-content-sha256", body.clone()),
            ("x-amz-date", date_time.clone()),
        ];
        signed.extend(credentials.token.clone().map(|token| ("x-amz-security-token", token)));
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical =
            format!("{}\n{}\n{}\n", self.method, self.path, query_string(self.query));
        for (name, value) in &signed {
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let _ = write!(canonical, "\n{names}\n{body}");
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{}", hex(&Sha256::digest(&canonical)));
        let secret = format!("AWS4{}", credentials.secret);
        let key = [date, self.region, self.service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| keyed_hash(&key, part));
        let signature = hex(&keyed_hash(&key, &to_sign));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.id
        );
        // `ureq` sets `host` from the URL.
        signed.remove(0);
        signed.push(("authorization", authorization));
        signed
    }
}

/// `a=1&b=x%2Fy`.
pub(super) fn query_string(query: &[(&str, String)]) -> String {
    let pairs = query.iter().map(|(name, value)| format!("{name}={}", encode(value, false)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but the unreserved characters.
pub(super) fn encode(text: &str, keeps_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || byte == b'/' && keeps_slash;
        if is_plain {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn keyed_hash(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is valid.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of AWS's documentation ("Examples: Signature Calculations", GET Bucket), with the headers that are
    /// signed here.
    #[test]
    fn a_signature_is_that_of_the_documentation() {
        let credentials = Credentials {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        };
        let request = Request {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/",
            query: &[("max-keys", "2".to_owned()), ("prefix", "J".to_owned())],
            body: "",
            service: "s3",
            region: "us-east-1",
            at: time::parse("2013-05-24T00:00:00Z").unwrap(),
        };
        let headers = request.headers(&credentials);
        let (_, authorization) = headers.last().unwrap();
        let wanted = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                      SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
                      Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert_eq!(authorization, wanted);
    }
}
