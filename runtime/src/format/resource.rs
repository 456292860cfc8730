//! Attributes that describe the service and are the same for all its lines: name, version, environment.
//!
//! The names are those of OpenTelemetry's resource attributes. OTLP export sends them once per batch, and the profiles
//! of [`LOG_PROFILE`](crate::Config::profile) write those that the platform has a key for.

use crate::redact::shown::{self, Redacted};

/// The attributes of the service. Each name occurs once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resource {
    attributes: Vec<(Redacted<'static>, Redacted<'static>)>,
}

/// The longest value, in characters. Profiles repeat the attributes on each line.
const LONGEST_VALUE: usize = 256;

/// The name of the attribute that [`Config::service`](crate::Config::service) sets.
pub(crate) const SERVICE_NAME: &str = "service.name";

impl Resource {
    /// Redacts the attributes by name and by pattern. If two have the same name, the last one counts.
    pub(crate) fn new<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut resource = Resource::default();
        for (name, value) in attributes.into_iter().filter(|(name, _)| !name.is_empty()) {
            let mut value = shown::setting(name, value);
            if value.cut_chars(LONGEST_VALUE) {
                value.push("…");
            }
            let name = shown::name(name).into_owned();
            match resource.attributes.iter_mut().find(|(known, _)| known.as_str() == name.as_str())
            {
                Some((_, known)) => *known = value,
                None => resource.attributes.push((name, value)),
            }
        }
        resource
    }

    /// Adds the default service name if there is none (OpenTelemetry, resource conventions, "Service").
    #[cfg(feature = "otlp")]
    pub(crate) fn or_unknown_service(mut self) -> Self {
        if self.get(SERVICE_NAME).is_none() {
            self.attributes.push((SERVICE_NAME.into(), "unknown_service".into()));
        }
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Redacted<'static>, &Redacted<'static>)> {
        self.attributes.iter().map(|(name, value)| (name, value))
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&Redacted<'static>> {
        self.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| value)
    }
}

/// Parses `OTEL_RESOURCE_ATTRIBUTES`: `service.version=1.2,team=a%2Cb`, with percent-encoded values (OpenTelemetry,
/// Resource SDK). Returns `None` if it is malformed.
pub(crate) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(parse_pair).collect()
}

/// Parses `name=value` with a percent-encoded value.
fn parse_pair(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty()).then_some((name.to_owned(), percent_decoded(value)?))
}

/// Decodes a value strictly, unlike the key rule, which also has to read malformed names.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded() {
        let parsed = parse("service.version=1.2, team=a%2Cb%3D,empty=").expect("valid");
        let pairs: Vec<_> = parsed.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        assert_eq!(pairs, [("service.version", "1.2"), ("team", "a,b="), ("empty", "")]);
    }

    #[test]
    fn malformed_attributes_are_refused() {
        for text in ["version", "=1", "a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse("").expect("empty").is_empty());
    }

    #[test]
    fn attributes_are_redacted_and_the_last_one_counts() {
        let resource = Resource::new([("team", "a"), ("api_key", "k-1"), ("team", "b")]);
        let text = |name| resource.get(name).map(Redacted::as_str);
        assert_eq!((text("team"), text("api_key")), (Some("b"), Some("[REDACTED]")));
        assert_eq!(resource.iter().count(), 2);
    }
}
