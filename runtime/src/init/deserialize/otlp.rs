//! Deserializes the section `otlp`. Its errors do not repeat URLs and headers, which may be secrets.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::overload;
use crate::sink::otlp::{Headers, Otlp, OtlpProtocol};

const FIELDS: &[&str] = &[
    "endpoint",
    "logs",
    "traces",
    "headers",
    "timeout_ms",
    "gzip",
    "protocol",
    "queue",
    "overload",
    "batch",
    "delay_ms",
    "retry_ms",
    "original",
    "ca_certificate",
    "client_certificate",
    "client_key",
];

/// Methods that reject a value of another type without repeating it.
macro_rules! refuse {
    ($Value:ty: $($method:ident: $Type:ty,)*) => {$(
        fn $method<E: Error>(self, _: $Type) -> Result<$Value, E> {
            Err(E::custom(format_args!("expected {}", &self as &dyn serde::de::Expected)))
        }
    )*};
}

/// Deserializes `{ endpoint = "http://collector:4318", gzip = true }`.
pub(super) struct OtlpSection;

/// Deserializes a string.
struct SecretText;

/// Deserializes a map of strings.
struct SecretHeaders;

impl<'de> DeserializeSeed<'de> for OtlpSection {
    type Value = Otlp;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Otlp, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OtlpSection {
    type Value = Otlp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of an export, such as `endpoint`")
    }

    refuse! { Otlp: visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Otlp, A::Error> {
        let mut otlp = Otlp::without_endpoints();
        let (mut certificate, mut key) = <(Option<PathBuf>, Option<PathBuf>)>::default();
        let (mut logs, mut traces) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "endpoint" => otlp.set_endpoint(&map.next_value_seed(SecretText)?),
                "logs" => logs = Some(map.next_value_seed(SecretText)?),
                "traces" => traces = Some(map.next_value_seed(SecretText)?),
                "headers" => {
                    let headers = map.next_value_seed(SecretHeaders)?;
                    otlp.signals.iter_mut().for_each(|it| it.headers.clone_from(&headers));
                }
                "timeout_ms" => otlp = otlp.timeout(Duration::from_millis(map.next_value()?)),
                "gzip" => otlp = otlp.gzip(map.next_value()?),
                "protocol" => {
                    let text: String = map.next_value()?;
                    let protocol = match text.as_str() {
                        "http/protobuf" => OtlpProtocol::Protobuf,
                        "http/json" => OtlpProtocol::Json,
                        _ => {
                            let known = &["http/protobuf", "http/json"];
                            return Err(A::Error::unknown_variant(&text, known));
                        }
                    };
                    otlp = otlp.protocol(protocol);
                }
                "queue" => otlp.queue = map.next_value()?,
                "overload" => otlp.overload = overload(&map.next_value::<String>()?)?,
                "batch" => otlp.batch = map.next_value()?,
                "delay_ms" => otlp.delay = Duration::from_millis(map.next_value()?),
                "retry_ms" => otlp.retry_for = Duration::from_millis(map.next_value()?),
                "original" => otlp.original = map.next_value()?,
                "ca_certificate" => otlp.ca_certificate = Some(map.next_value()?),
                "client_certificate" => certificate = Some(map.next_value()?),
                "client_key" => key = Some(map.next_value()?),
                _ => return Err(A::Error::unknown_field(&name, FIELDS)),
            }
        }
        for (signal, url) in otlp.signals.iter_mut().zip([logs, traces]) {
            // `none` turns one of them off, as in `OTEL_LOGS_EXPORTER`.
            signal.url = url.or(signal.url.take()).filter(|url| url != "none");
        }
        if otlp.signals.iter().all(|signal| signal.url.is_none()) {
            return Err(A::Error::missing_field("endpoint"));
        }
        otlp.client_certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(A::Error::missing_field("client_key")),
            (None, Some(_)) => return Err(A::Error::missing_field("client_certificate")),
        };
        Ok(otlp)
    }
}

impl<'de> DeserializeSeed<'de> for SecretText {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for SecretText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    refuse! { String: visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for SecretHeaders {
    type Value = Headers;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Headers, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SecretHeaders {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers as a map, such as `{ x-tenant = \"shop\" }`")
    }

    refuse! { Headers: visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Headers, A::Error> {
        Err(A::Error::custom(format_args!("expected {}", &self as &dyn serde::de::Expected)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::new();
        while let Some(name) = map.next_key()? {
            headers.push((name, map.next_value_seed(SecretText)?));
        }
        Ok(headers)
    }
}
