//! OTLP export settings: environment variables and validation.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Uri};

use super::config::Config;
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake, Mistakes};
use super::key_path;
use super::variable::os;

use crate::format::pretty::Style;
use crate::format::profile::Profiled;
use crate::format::resource::{self, Resource};
use crate::format::template::Template;
use crate::logger;
use crate::sink::otlp::{Exporter, Headers, LossReport, Otlp, OtlpProtocol, SignalSettings, Tls};
use crate::sink::{Overload, Sink};

impl Config {
    /// Exports lines to an OpenTelemetry collector, in addition to the output.
    ///
    /// Default: no export. [`from_env`](Self::from_env) turns it on if one of `OTEL_EXPORTER_OTLP_ENDPOINT`,
    /// `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, unless `OTEL_SDK_DISABLED`
    /// is `true`; [`Otlp::from_env`] lists the other variables.
    ///
    /// Audit events are not exported if they have a [separate file](Self::audit_file).
    ///
    /// ```
    /// use candor::{Config, Otlp};
    ///
    /// let config = Config::new().service("orders").otlp(Otlp::new("http://127.0.0.1:4318"));
    /// ```
    pub fn otlp(self, otlp: Otlp) -> Self {
        Config { otlp: Some(otlp), ..self }
    }

    /// Turns the export off, even if the environment turns it on.
    pub fn without_otlp(self) -> Self {
        Config { otlp: None, ..self }
    }
}

impl Otlp {
    /// Returns the export that the environment configures; `None` without an endpoint.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT` | URL of the collector, to which `v1/logs` and `v1/traces` are appended | none |
    /// | `OTEL_EXPORTER_OTLP_HEADERS` | `name=value,…`, percent-encoded | none |
    /// | `OTEL_EXPORTER_OTLP_TIMEOUT` | time limit of one request, in milliseconds | 10000 |
    /// | `OTEL_EXPORTER_OTLP_COMPRESSION` | `gzip` or `none` | `none` |
    /// | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` or `http/json` | `http/protobuf` |
    /// | `OTEL_EXPORTER_OTLP_LOGS_…`, `OTEL_EXPORTER_OTLP_TRACES_…` | the same for one signal; the endpoint is the whole URL | those above |
    /// | `OTEL_EXPORTER_OTLP_CERTIFICATE` | PEM file with CA certificates (feature `otlp-tls`) | Mozilla's |
    /// | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `…_CLIENT_KEY` | PEM files (feature `otlp-tls`) | none |
    /// | `OTEL_LOGS_EXPORTER`, `OTEL_TRACES_EXPORTER` | `none` turns one of them off | `otlp` |
    /// | `OTEL_BLRP_MAX_QUEUE_SIZE` | [lines that may wait](Otlp::queue) | 32768 |
    /// | `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | [lines per request](Otlp::batch) | 2048 |
    /// | `OTEL_BLRP_SCHEDULE_DELAY` | how long a line waits for others, in milliseconds | 1000 |
    /// | `OTEL_SDK_DISABLED` | `true` turns the export off | `false` |
    /// | `LOG_OTLP_OVERLOAD` | `drop` or `block`: what happens if the queue is full | `drop` |
    /// | `LOG_OTLP_ORIGINAL` | `1` adds [the JSON line](Otlp::original) to each log record | `0` |
    ///
    /// These are variables of the OpenTelemetry specification, and two of candor's own. An empty variable counts as
    /// unset. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` describe the service.
    ///
    /// # Errors
    ///
    /// Returns an error that lists all variables with an invalid value, if there is an endpoint. The error does not
    /// repeat endpoints and header values.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let mut mistakes = Mistakes::default();
        let otlp = from_env(&mut mistakes);
        mistakes.or(otlp)
    }
}

/// The variables of all signals, or of one of them.
struct Names {
    endpoint: &'static str,
    headers: &'static str,
    timeout: &'static str,
    compression: &'static str,
    protocol: &'static str,
}

const ALL: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
};

/// The variables of each signal, and the variable that turns it off.
const SIGNALS: [(Names, &str); 2] = [
    (
        Names {
            endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
            compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
            protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        },
        "OTEL_LOGS_EXPORTER",
    ),
    (
        Names {
            endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        },
        "OTEL_TRACES_EXPORTER",
    ),
];

/// Reads the variables; collects the mistakes in them.
pub(super) fn from_env(mistakes: &mut Mistakes) -> Option<Otlp> {
    let mut env = Variables(mistakes);
    // Any other value is false (OpenTelemetry, "Boolean Value").
    if env.read("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return None;
    }
    let mut otlp = Otlp::without_endpoints();
    if let Some(endpoint) = env.read(ALL.endpoint) {
        otlp.set_endpoint(&endpoint);
        env.take(check_url(&endpoint, ALL.endpoint));
    }
    for (signal, (names, exporter)) in otlp.signals.iter_mut().zip(&SIGNALS) {
        if let Some(url) = env.read(names.endpoint) {
            env.take(check_url(&url, names.endpoint));
            signal.url = Some(url);
        }
        let exporters = env.read(exporter);
        let is_on = exporters.is_none_or(|names| {
            names.split(',').any(|name| name.trim().eq_ignore_ascii_case("otlp"))
        });
        signal.url = signal.url.take().filter(|_| is_on);
    }
    if otlp.signals.iter().all(|signal| signal.url.is_none()) {
        return None;
    }
    env.set(&mut otlp.signals, &ALL);
    for (signal, (names, _)) in otlp.signals.iter_mut().zip(&SIGNALS) {
        env.set(std::slice::from_mut(signal), names);
    }
    if let Some(lines) = env.number("OTEL_BLRP_MAX_QUEUE_SIZE", 1) {
        otlp.queue = usize::try_from(lines).unwrap_or(usize::MAX);
    }
    if let Some(lines) = env.number("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 1) {
        otlp.batch = usize::try_from(lines).unwrap_or(usize::MAX);
    }
    if let Some(millis) = env.number("OTEL_BLRP_SCHEDULE_DELAY", 0) {
        otlp.delay = Duration::from_millis(millis);
    }
    let overloads = [("drop", Overload::Drop), ("block", Overload::Block)];
    if let Some(overload) = env.keyword("LOG_OTLP_OVERLOAD", &overloads, "") {
        otlp.overload = overload;
    }
    let switch = [("1", true), ("0", false)];
    otlp.original = env.keyword("LOG_OTLP_ORIGINAL", &switch, "") == Some(true);
    otlp.ca_certificate = os(CA_CERTIFICATE).map(Into::into);
    otlp.client_certificate = match (os(CLIENT_CERTIFICATE), os(CLIENT_KEY)) {
        (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
        (None, None) => None,
        (Some(_), None) => {
            env.mistake(CLIENT_CERTIFICATE, format!("{CLIENT_CERTIFICATE} needs {CLIENT_KEY}"))
        }
        (None, Some(_)) => {
            env.mistake(CLIENT_KEY, format!("{CLIENT_KEY} needs {CLIENT_CERTIFICATE}"))
        }
    };
    Some(otlp)
}

const CA_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// Reads variables and collects mistakes.
struct Variables<'a>(&'a mut Mistakes);

impl Variables<'_> {
    /// The value without whitespace around it. Endpoints and headers may be secrets, so mistakes do not repeat the
    /// value.
    fn read(&mut self, name: &'static str) -> Option<String> {
        match os(name)?.into_string() {
            Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Err(_) => self.mistake(name, format!("invalid {name}: expected valid UTF-8")),
        }
    }

    fn take(&mut self, result: Result<(), ConfigMistake>) {
        self.0.take(result);
    }

    /// `message` is a complete sentence without the value, which may be a secret.
    fn mistake<T>(&mut self, name: &'static str, message: impl Display) -> Option<T> {
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, message.to_string());
        self.0.add(mistake.variable_is(name));
        None
    }

    /// Records an unexpected value, which must not be a secret.
    fn invalid<T>(&mut self, name: &'static str, text: &str, expected: &str) -> Option<T> {
        let message = format!("invalid {name} \"{text}\": expected {expected}");
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, message);
        self.0.add(mistake.variable_is(name).value_is(text));
        None
    }

    fn keyword<T: Copy>(
        &mut self,
        name: &'static str,
        keywords: &[(&str, T)],
        hint: &str,
    ) -> Option<T> {
        let text = self.read(name)?;
        let found = keywords.iter().find(|(keyword, _)| text.eq_ignore_ascii_case(keyword));
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let names: Vec<_> = keywords.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.invalid(name, &text, &format!("{}{hint}", names.join(" or ")))
    }

    fn number(&mut self, name: &'static str, least: u64) -> Option<u64> {
        let text = self.read(name)?;
        match text.parse() {
            Ok(number) if number >= least => Some(number),
            _ => self.invalid(name, &text, &format!("a whole number, at least {least}")),
        }
    }

    fn headers(&mut self, name: &'static str) -> Option<Headers> {
        let text = self.read(name)?;
        let Some(headers) = resource::parse(&text).filter(are_well_formed) else {
            let message = format!("invalid {name}: expected name=value pairs, separated by commas");
            return self.mistake(name, message);
        };
        match headers.iter().find(|(name, _)| is_of_export(name)) {
            None => Some(headers),
            Some((header, _)) => {
                let message =
                    format!("invalid {name}: the export sets the header `{header}` itself");
                self.mistake(name, message)
            }
        }
    }

    /// Sets the signals to the values of these variables, if they are set.
    fn set(&mut self, signals: &mut [SignalSettings], names: &Names) {
        const COMPRESSIONS: [(&str, bool); 2] = [("gzip", true), ("none", false)];
        const PROTOCOLS: [(&str, OtlpProtocol); 2] =
            [("http/protobuf", OtlpProtocol::Protobuf), ("http/json", OtlpProtocol::Json)];
        const HINT: &str = " (collectors receive HTTP on port 4318, gRPC is not supported)";
        let headers = self.headers(names.headers);
        let timeout = self.number(names.timeout, 1).map(Duration::from_millis);
        let gzip = self.keyword(names.compression, &COMPRESSIONS, "");
        let protocol = self.keyword(names.protocol, &PROTOCOLS, HINT);
        for signal in signals {
            signal.timeout = timeout.unwrap_or(signal.timeout);
            signal.gzip = gzip.unwrap_or(signal.gzip);
            signal.protocol = protocol.unwrap_or(signal.protocol);
            if let Some(headers) = &headers {
                signal.headers.clone_from(headers);
            }
        }
    }
}

fn are_well_formed(headers: &Headers) -> bool {
    headers.iter().all(|(name, value)| {
        name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok()
    })
}

/// Whether the export or the connection sets a header itself.
fn is_of_export(header: &str) -> bool {
    const OWN: [&str; 6] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    ];
    OWN.iter().any(|own| own.eq_ignore_ascii_case(header))
}

/// Checks a URL. The mistake does not repeat it: its user name or query may be a secret.
fn check_url(url: &str, name: &'static str) -> Result<(), ConfigMistake> {
    let parsed: Option<Uri> = url.parse().ok().filter(|_| !url.contains('#'));
    let is_reachable = |url: &Uri| {
        let (host, authority) = (url.host()?, url.authority()?.as_str());
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let port = address.strip_prefix(host).filter(|_| !host.is_empty())?;
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(())
    };
    let scheme =
        parsed.as_ref().filter(|url| is_reachable(url).is_some()).and_then(Uri::scheme_str);
    let expected = match scheme {
        Some("http") => return Ok(()),
        Some("https") if cfg!(feature = "otlp-tls") => return Ok(()),
        Some("https") => "an https URL needs candor's `otlp-tls` feature",
        _ => "expected a URL such as http://127.0.0.1:4318",
    };
    let message = format!("invalid {name}: {expected}");
    Err(ConfigMistake::new(ConfigErrorKind::InvalidValue, message).variable_is(name))
}

/// Checks URLs and headers that were set in code, and reads the certificates.
pub(super) fn validate(otlp: &Otlp) -> Result<Tls, ConfigMistake> {
    for SignalSettings { url, headers, .. } in &otlp.signals {
        if let Some(url) = url {
            check_url(url, ALL.endpoint)?;
        }
        let own = headers.iter().find(|(name, _)| is_of_export(name));
        let message = match own {
            Some((name, _)) => format!("the OTLP export sets the header `{name}` itself"),
            None if are_well_formed(headers) => continue,
            None => "a header of the OTLP export has an invalid name or value".to_owned(),
        };
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, message);
        return Err(mistake.variable_is(ALL.headers));
    }
    let has_certificates = otlp.ca_certificate.is_some() || otlp.client_certificate.is_some();
    if has_certificates && cfg!(not(feature = "otlp-tls")) {
        let message =
            format!("{CA_CERTIFICATE} and client certificates need candor's `otlp-tls` feature");
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, message);
        return Err(mistake.variable_is(CA_CERTIFICATE));
    }
    Tls::read(otlp).map_err(|error| {
        let variable = variable_of(otlp, &error.path);
        let mistake = |message| ConfigMistake::new(ConfigErrorKind::Io, message).variable_is(variable);
        let mistake = match key_path::shown(&error.path) {
            Some(path) => {
                mistake(format!("the certificate file {path} can't be used")).value_is(path)
            }
            None => mistake(format!(
                "{variable} is not the path of a file that can be read (its value is not shown, since it may be a \
                 key; write a key into a file and set the variable to its path)"
            )),
        };
        mistake.caused_by(error.why)
    })
}

/// The variable that names this file.
fn variable_of(otlp: &Otlp, path: &Path) -> &'static str {
    match &otlp.client_certificate {
        Some((certificate, _)) if certificate == path => CLIENT_CERTIFICATE,
        Some((_, key)) if key == path => CLIENT_KEY,
        _ => CA_CERTIFICATE,
    }
}

/// Starts the export of a logger's lines. Losses are reported on the logger's own output.
pub(super) fn start(
    settings: Otlp,
    tls: Tls,
    sink: &Sink,
    resource: &Resource,
    report: LineReport,
) -> Result<Exporter, ConfigMistake> {
    let LineReport { template, pretty, profile } = report;
    let keys = template.keys.clone();
    let write = sink.report_writer();
    let report: LossReport = Box::new(move |records, kind, reason, detail| {
        let loss = (records, kind);
        let profile = profile.as_deref();
        write(&logger::records_dropped(&template, pretty, profile, loss, reason, detail));
    });
    let resource = Arc::new(resource.clone().or_unknown_service());
    Exporter::start(settings, tls, keys, resource, report).map_err(|source| {
        let message = "the thread of the OTLP export can't be started";
        ConfigMistake::new(ConfigErrorKind::Io, message).caused_by(source)
    })
}

/// How reports of losses are formatted: like the logger's lines.
pub(super) struct LineReport {
    pub(super) template: Arc<Template>,
    pub(super) pretty: Option<Style>,
    pub(super) profile: Option<Arc<Profiled>>,
}
