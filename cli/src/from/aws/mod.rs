//! Objects of S3 and log groups of `CloudWatch` Logs.

mod cloudwatch;
mod s3;
mod sign;

use std::env;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use cloudwatch::LogGroup;
pub(super) use s3::Objects;

use super::transfer::{Answer, Client, Headers};
use super::url::{Scheme, Url};
use crate::time::Micros;
use sign::{Credentials, Request, query_string};

/// Bytes of an error that are read.
const MAX_ERROR: u64 = 64 << 10;
/// The error for a page that names itself as the next one, which would never end.
const REPEATED: &str = "its response names the same next page twice";

/// A service of AWS, or a server that implements its protocol, with credentials.
pub(super) struct Service {
    name: &'static str,
    endpoint: Url,
    region: String,
    credentials: Credentials,
    client: Client,
}

impl Service {
    /// Reads endpoint, region and credentials from the environment, as AWS's own tools do.
    fn new(name: &'static str, endpoint_variable: &str, idle: Duration) -> Result<Self, String> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.ok_or("AWS_REGION is not set")?;
        let endpoint = variable(endpoint_variable)
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| format!("https://{name}.{region}.amazonaws.com"));
        let endpoint = Url::parse(&endpoint)
            .ok()
            .filter(|url| url.scheme == Scheme::Http)
            .ok_or_else(|| format!("{endpoint_variable} or AWS_ENDPOINT_URL is not a URL"))?;
        let credentials = Credentials {
            id: needed("AWS_ACCESS_KEY_ID")?,
            secret: needed("AWS_SECRET_ACCESS_KEY")?,
            token: variable("AWS_SESSION_TOKEN"),
        };
        Ok(Service { name, endpoint, region, credentials, client: Client::with_credentials(idle) })
    }

    /// Sends a signed request: a GET without a body, a POST with one.
    fn send(
        &self,
        path: &str,
        query: &[(&str, String)],
        more: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Answer, String> {
        let is_default =
            matches!((self.endpoint.is_tls, self.endpoint.port), (false, 80) | (true, 443));
        let host = &self.endpoint.host;
        let host = if is_default { host.clone() } else { format!("{host}:{}", self.endpoint.port) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let at = Micros::try_from(now.as_micros()).unwrap_or_default();
        let signed = Request {
            method,
            host: &host,
            path,
            query,
            body,
            service: self.name,
            region: &self.region,
            at,
        };
        let mut headers: Headers = signed.headers(&self.credentials);
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let scheme = if self.endpoint.is_tls { "https" } else { "http" };
        let mut url = format!("{scheme}://{host}{path}");
        if !query.is_empty() {
            url = format!("{url}?{}", query_string(query));
        }
        let answer = if body.is_empty() {
            self.client.get(&url, &headers)?
        } else {
            self.client.post(&url, &headers, body)?
        };
        if answer.status == 200 { Ok(answer) } else { Err(refusal(answer)) }
    }
}

/// The text for an error of the service, to complete `can't read …`.
fn refusal(answer: Answer) -> String {
    let status = answer.status;
    let mut text = Vec::new();
    let _ = answer.body.take(MAX_ERROR).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let has = |name: &str| text.contains(name);
    if has("NoSuchBucket") {
        "the bucket does not exist; check its name".to_owned()
    } else if has("ResourceNotFoundException") {
        "the log group does not exist; check its name and AWS_REGION".to_owned()
    } else if has("RequestTimeTooSkewed")
        || has("Signature expired")
        || has("Signature not yet current")
    {
        "the clock of this machine differs from that of the server; set it".to_owned()
    } else if has("InvalidAccessKeyId")
        || has("SignatureDoesNotMatch")
        || has("UnrecognizedClientException")
        || has("InvalidSignatureException")
    {
        "wrong credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".to_owned()
    } else if has("ExpiredToken") {
        "the credentials have expired (AWS_SESSION_TOKEN)".to_owned()
    } else if matches!(status, 401 | 403) || has("AccessDenied") {
        "the credentials do not allow this".to_owned()
    } else if matches!(status, 301 | 307) {
        "it is in another region (AWS_REGION)".to_owned()
    } else {
        format!("the service responded with HTTP status {status}")
    }
}
