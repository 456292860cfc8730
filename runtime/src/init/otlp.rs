//! Turns on OTLP export: its environment variables, and its validation.

use std::fmt::Display;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Uri};

use super::config::Config;
use super::env::{os, text};
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake, Mistakes};
use crate::format::resource;
use crate::sink::Overload;
use crate::sink::otlp::{Headers, Otlp, OtlpProtocol, Tls};

impl Config {
    /// Exports lines to an OpenTelemetry collector, beside writing them to the output.
    ///
    /// Default: no export. [`from_env`](Self::from_env) turns it on if one of `OTEL_EXPORTER_OTLP_ENDPOINT`,
    /// `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, unless `OTEL_SDK_DISABLED` is
    /// `true`; [`Otlp::from_env`] lists the other variables.
    ///
    /// Audit events that have a [file of their own](Self::audit_file) are not exported.
    ///
    /// ```
    /// use candor::{Config, Otlp};
    ///
    /// let config = Config::new().service("orders").otlp(Otlp::new("http://127.0.0.1:4318"));
    /// ```
    pub fn otlp(self, otlp: Otlp) -> Self {
        Config { otlp: Some(otlp), ..self }
    }

    /// Turns the export off, which the environment may have turned on.
    pub fn without_otlp(self) -> Self {
        Config { otlp: None, ..self }
    }
}

impl Otlp {
    /// Returns the export that the environment configures; `None` if it has no endpoint.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT` | URL of the collector, to which `v1/logs` and `v1/traces` are appended | none |
    /// | `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, `…_TRACES_ENDPOINT` | whole URLs | none |
    /// | `OTEL_EXPORTER_OTLP_HEADERS`, `…_LOGS_HEADERS`, `…_TRACES_HEADERS` | `name=value,…`, percent-encoded | none |
    /// | `OTEL_EXPORTER_OTLP_TIMEOUT` | milliseconds of one request | 10000 |
    /// | `OTEL_EXPORTER_OTLP_COMPRESSION` | `gzip` or `none` | `none` |
    /// | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` or `http/json` | `http/protobuf` |
    /// | `OTEL_EXPORTER_OTLP_CERTIFICATE` | PEM file with CA certificates (feature `otlp-tls`) | Mozilla's |
    /// | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `…_CLIENT_KEY` | PEM files (feature `otlp-tls`) | none |
    /// | `OTEL_LOGS_EXPORTER`, `OTEL_TRACES_EXPORTER` | `none` turns one of them off | `otlp` |
    /// | `OTEL_BLRP_MAX_QUEUE_SIZE` | [lines that may wait](Otlp::queue) | 32768 |
    /// | `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | [lines of one request](Otlp::batch) | 2048 |
    /// | `OTEL_BLRP_SCHEDULE_DELAY` | milliseconds that a line waits for others | 1000 |
    /// | `OTEL_SDK_DISABLED` | `true` turns the export off | `false` |
    /// | `LOG_OTLP_OVERLOAD` | `drop` or `block`: what happens if the queue is full | `drop` |
    /// | `LOG_OTLP_ORIGINAL` | `1` adds [the JSON line](Otlp::original) to each log record | `0` |
    ///
    /// These are the variables of the OpenTelemetry specification, and two of candor's. An empty variable counts as
    /// unset. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` describe the service.
    ///
    /// # Errors
    ///
    /// Returns an error that lists all variables with an invalid value, if there is an endpoint. Values of headers are
    /// not repeated.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let mut mistakes = Mistakes::default();
        let otlp = from_env(&mut mistakes);
        mistakes.or(otlp)
    }
}

/// Reads the variables; collects the mistakes in them.
pub(super) fn from_env(mistakes: &mut Mistakes) -> Option<Otlp> {
    let mut vars = Reader(mistakes);
    if vars.keyword("OTEL_SDK_DISABLED", &[("true", true), ("false", false)]) == Some(true) {
        return None;
    }
    let endpoint = vars.read("OTEL_EXPORTER_OTLP_ENDPOINT");
    let [logs, traces] = [
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_LOGS_EXPORTER"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"),
    ]
    .map(|(url, exporter)| {
        let url = vars.read(url);
        let is_on =
            vars.read(exporter).is_none_or(|names| names.split(',').any(|it| it.trim() == "otlp"));
        (url, is_on)
    });
    if endpoint.is_none() && logs.0.is_none() && traces.0.is_none() {
        return None;
    }
    let mut otlp = endpoint.map_or_else(Otlp::without_endpoints, Otlp::new);
    otlp.logs = logs.0.or(otlp.logs).filter(|_| logs.1);
    otlp.traces = traces.0.or(otlp.traces).filter(|_| traces.1);
    if otlp.logs.is_none() && otlp.traces.is_none() {
        return None;
    }
    let headers = [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    ];
    otlp.headers = headers.map(|name| vars.headers(name));
    if let Some(millis) = vars.number("OTEL_EXPORTER_OTLP_TIMEOUT") {
        otlp.timeout = Duration::from_millis(millis);
    }
    if let Some(gzip) =
        vars.keyword("OTEL_EXPORTER_OTLP_COMPRESSION", &[("gzip", true), ("none", false)])
    {
        otlp.gzip = gzip;
    }
    let protocols = [("http/protobuf", OtlpProtocol::Protobuf), ("http/json", OtlpProtocol::Json)];
    if let Some(protocol) = vars.keyword("OTEL_EXPORTER_OTLP_PROTOCOL", &protocols) {
        otlp.protocol = protocol;
    }
    if let Some(lines) = vars.number("OTEL_BLRP_MAX_QUEUE_SIZE") {
        otlp.queue = usize::try_from(lines).unwrap_or(usize::MAX);
    }
    if let Some(lines) = vars.number("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE") {
        otlp.batch = usize::try_from(lines).unwrap_or(usize::MAX);
    }
    if let Some(millis) = vars.number("OTEL_BLRP_SCHEDULE_DELAY") {
        otlp.delay = Duration::from_millis(millis);
    }
    let overloads = [("drop", Overload::Drop), ("block", Overload::Block)];
    if let Some(overload) = vars.keyword("LOG_OTLP_OVERLOAD", &overloads) {
        otlp.overload = overload;
    }
    otlp.original = vars.keyword("LOG_OTLP_ORIGINAL", &[("1", true), ("0", false)]) == Some(true);
    otlp.ca_certificate = os("OTEL_EXPORTER_OTLP_CERTIFICATE").map(Into::into);
    let certificate = os("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
    let key = os("OTEL_EXPORTER_OTLP_CLIENT_KEY");
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            otlp.client_certificate = Some((certificate.into(), key.into()));
        }
        (None, None) => {}
        (Some(_), None) => vars.mistake(
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE needs OTEL_EXPORTER_OTLP_CLIENT_KEY",
        ),
        (None, Some(_)) => vars.mistake(
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY needs OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ),
    }
    Some(otlp)
}

/// Reads variables and collects mistakes.
struct Reader<'a>(&'a mut Mistakes);

impl Reader<'_> {
    fn read(&mut self, name: &'static str) -> Option<String> {
        let text = self.0.take(text(name)).flatten();
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// `about` is a whole sentence; it does not repeat the value, which may be a secret.
    fn mistake(&mut self, name: &'static str, about: impl Display) {
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, about.to_string());
        self.0.add(mistake.variable_is(name));
    }

    fn keyword<T: Copy>(&mut self, name: &'static str, keywords: &[(&str, T)]) -> Option<T> {
        let text = self.read(name)?;
        let found = keywords.iter().find(|(keyword, _)| text.eq_ignore_ascii_case(keyword));
        if found.is_none() {
            let names: Vec<_> = keywords.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let names = names.join(" or ");
            let mistake = ConfigMistake::new(
                ConfigErrorKind::InvalidValue,
                format!("invalid {name} \"{text}\": expected {names}"),
            );
            self.0.add(mistake.variable_is(name).value_is(text));
        }
        found.map(|(_, value)| *value)
    }

    fn number(&mut self, name: &'static str) -> Option<u64> {
        let text = self.read(name)?;
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            let mistake = ConfigMistake::new(
                ConfigErrorKind::InvalidValue,
                format!("invalid {name} \"{text}\": expected a whole number, at least 1"),
            );
            self.0.add(mistake.variable_is(name).value_is(text));
        }
        number
    }

    fn headers(&mut self, name: &'static str) -> Headers {
        let Some(text) = self.read(name) else { return Headers::new() };
        let headers = resource::parse(&text).ok().filter(are_headers);
        headers.unwrap_or_else(|| {
            self.mistake(
                name,
                format!("invalid {name}: expected name=value pairs, separated by commas"),
            );
            Headers::new()
        })
    }
}

fn are_headers(headers: &Headers) -> bool {
    headers.iter().all(|(name, value)| {
        name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok()
    })
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Checks what can be checked before the first request, and reads the certificates.
pub(super) fn validate(otlp: &Otlp) -> Result<Tls, ConfigMistake> {
    let invalid = |name, message: String| {
        ConfigMistake::new(ConfigErrorKind::InvalidValue, message).variable_is(name)
    };
    for url in [&otlp.logs, &otlp.traces].into_iter().flatten() {
        let parsed = url.parse::<Uri>().ok().filter(|url| url.host().is_some());
        let scheme = parsed.as_ref().and_then(|url| url.scheme_str());
        // The URL is not repeated: its user name or query may be a secret.
        match scheme {
            Some("http") => {}
            Some("https") if cfg!(feature = "otlp-tls") => {}
            Some("https") => {
                let message =
                    format!("invalid {ENDPOINT}: an https URL needs candor's feature `otlp-tls`");
                return Err(invalid(ENDPOINT, message));
            }
            _ => {
                let message =
                    format!("invalid {ENDPOINT}: expected a URL such as http://127.0.0.1:4318");
                return Err(invalid(ENDPOINT, message));
            }
        }
    }
    if !otlp.headers.iter().all(are_headers) {
        let message = "a header of the OTLP export has an invalid name or value";
        return Err(invalid("OTEL_EXPORTER_OTLP_HEADERS", message.to_owned()));
    }
    let has_certificates = otlp.ca_certificate.is_some() || otlp.client_certificate.is_some();
    if has_certificates && cfg!(not(feature = "otlp-tls")) {
        let message = "OTEL_EXPORTER_OTLP_CERTIFICATE and client certificates need candor's feature `otlp-tls`";
        return Err(invalid("OTEL_EXPORTER_OTLP_CERTIFICATE", message.to_owned()));
    }
    Tls::read(otlp).map_err(|error| {
        let message = format!("the certificate file {} can't be used", error.path.display());
        let mistake = ConfigMistake::new(ConfigErrorKind::Io, message);
        let mistake = mistake.variable_is("OTEL_EXPORTER_OTLP_CERTIFICATE");
        mistake.value_is(error.path.to_string_lossy()).caused_by(error.why)
    })
}
