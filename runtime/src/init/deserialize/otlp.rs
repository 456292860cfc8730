//! Deserializes the section `otlp`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::overload;
use crate::sink::otlp::{Otlp, OtlpProtocol};

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

/// Deserializes `{ endpoint = "http://collector:4318", gzip = true }`.
pub(super) struct OtlpSection;

impl<'de> DeserializeSeed<'de> for OtlpSection {
    type Value = Otlp;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Otlp, D::Error> {
        deserializer.deserialize_struct("Otlp", FIELDS, self)
    }
}

impl<'de> Visitor<'de> for OtlpSection {
    type Value = Otlp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of an export, such as `endpoint`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Otlp, A::Error> {
        let mut otlp = Otlp::without_endpoints();
        let (mut endpoint, mut logs, mut traces) =
            <(Option<String>, Option<String>, Option<String>)>::default();
        let (mut certificate, mut key) = <(Option<PathBuf>, Option<PathBuf>)>::default();
        let millis = |millis: u64| Duration::from_millis(millis);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "endpoint" => endpoint = Some(map.next_value()?),
                "logs" => logs = Some(map.next_value()?),
                "traces" => traces = Some(map.next_value()?),
                "headers" => {
                    let headers: BTreeMap<String, String> = map.next_value()?;
                    otlp.headers[0] = headers.into_iter().collect();
                }
                "timeout_ms" => otlp.timeout = millis(map.next_value()?),
                "gzip" => otlp.gzip = map.next_value()?,
                "protocol" => {
                    let text: String = map.next_value()?;
                    otlp.protocol = match text.as_str() {
                        "http/protobuf" => OtlpProtocol::Protobuf,
                        "http/json" => OtlpProtocol::Json,
                        _ => {
                            let known = &["http/protobuf", "http/json"];
                            return Err(A::Error::unknown_variant(&text, known));
                        }
                    };
                }
                "queue" => otlp.queue = map.next_value()?,
                "overload" => otlp.overload = overload(&map.next_value::<String>()?)?,
                "batch" => otlp.batch = map.next_value()?,
                "delay_ms" => otlp.delay = millis(map.next_value()?),
                "retry_ms" => otlp.retry_for = millis(map.next_value()?),
                "original" => otlp.original = map.next_value()?,
                "ca_certificate" => otlp.ca_certificate = Some(map.next_value()?),
                "client_certificate" => certificate = Some(map.next_value()?),
                "client_key" => key = Some(map.next_value()?),
                _ => return Err(A::Error::unknown_field(&name, FIELDS)),
            }
        }
        let whole = endpoint.map(Otlp::new);
        let (all_logs, all_traces) =
            whole.map(|whole| (whole.logs, whole.traces)).unwrap_or_default();
        // `none` turns one of them off, as in `OTEL_LOGS_EXPORTER`.
        let url = |own: Option<String>, all| own.or(all).filter(|url| url != "none");
        (otlp.logs, otlp.traces) = (url(logs, all_logs), url(traces, all_traces));
        if otlp.logs.is_none() && otlp.traces.is_none() {
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
