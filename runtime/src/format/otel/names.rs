//! The names of attributes in OpenTelemetry's semantic conventions (version 1.38).

use std::borrow::Cow;

use super::json::ORIGINAL;
use super::{Attribute, Kind, OtelRecord, inside};

/// One of candor's keys, its name in the semantic conventions, and the kinds of lines that have it.
const NAMES: [(&str, &str, &[Kind]); 17] = [
    ("user_id", "user.id", ALL),
    ("service", "service.name", ALL),
    ("method", "http.request.method", NOT_CALL),
    ("path", "url.path", NOT_CALL),
    // The names without the prefix `candor.` belong to the call.
    ("method", "candor.request.method", &[Kind::Call]),
    ("path", "candor.request.path", &[Kind::Call]),
    ("dependency", "peer.service", &[Kind::Call]),
    ("dependency_method", "http.request.method", &[Kind::Call]),
    ("url", "url.full", &[Kind::Call]),
    ("status", "http.response.status_code", &[Kind::Call, Kind::Request]),
    ("grpc_status", "rpc.grpc.status_code", &[Kind::Call, Kind::Request]),
    ("route", "http.route", &[Kind::Request]),
    ("response_bytes", "http.response.body.size", &[Kind::Request]),
    ("error", "error.type", &[Kind::Step, Kind::Call, Kind::Job]),
    ("error_type", "exception.type", ALL),
    ("error_detail", "exception.message", ALL),
    ("exc", "exception.stacktrace", ALL),
];

const ALL: &[Kind] = &[Kind::Event, Kind::Step, Kind::Call, Kind::Request, Kind::Job];
const NOT_CALL: &[Kind] = &[Kind::Event, Kind::Step, Kind::Request, Kind::Job];

/// URL schemes and the database systems that they stand for.
const DATABASES: [(&str, &str); 8] = [
    ("postgres", "postgresql"),
    ("postgresql", "postgresql"),
    ("mysql", "mysql"),
    ("mariadb", "mariadb"),
    ("mongodb", "mongodb"),
    ("mssql", "microsoft.sql_server"),
    ("redis", "redis"),
    ("sqlite", "sqlite"),
];

/// Names the attributes, and adds those that the conventions derive from others.
pub(super) fn apply(record: &mut OtelRecord<'_>) {
    let kind = record.kind;
    // In an event, `error` is the class of an error if the line also has `error_type`; otherwise it can be any text.
    let is_class = kind == Kind::Event && record.get("error_type").is_some();
    let named = |key: &str| {
        let row = NAMES.iter().find(|(own, _, kinds)| *own == key && kinds.contains(&kind));
        row.map(|(_, name, _)| *name).or((is_class && key == "error").then_some("error.type"))
    };
    for attribute in &mut record.attributes {
        if let Some(name) = named(attribute.key) {
            attribute.name = Cow::Borrowed(name);
        }
    }
    if record.attributes.iter().any(|attribute| attribute.key.contains('.')) {
        avoid_duplicates(&mut record.attributes);
    }
    derive(record);
}

/// Appends underscores to a field's name if another attribute has the same name.
fn avoid_duplicates(attributes: &mut [Attribute<'_>]) {
    for at in 0..attributes.len() {
        let is_own_name = attributes[at].key == attributes[at].name;
        if is_own_name && attributes[at].name == ORIGINAL {
            attributes[at].name.to_mut().push('_');
        }
        while is_own_name
            && attributes
                .iter()
                .enumerate()
                .any(|(other, it)| other != at && it.name == attributes[at].name)
        {
            attributes[at].name.to_mut().push('_');
        }
    }
}

/// Adds attributes that follow from others: the address of a URL, the system of a call, the type of an error.
fn derive(record: &mut OtelRecord<'_>) {
    let mut derived: Vec<(&'static str, String)> = Vec::new();
    let quoted = |text: &str| format!("\"{text}\"");
    if record.kind == Kind::Call {
        let url = record.escaped("url");
        if let Some((scheme, host, port)) = address(url) {
            derived.push(("server.address", quoted(host)));
            if let Some(port) = port {
                derived.push(("server.port", port.to_owned()));
            }
            if let Some((_, system)) = DATABASES.iter().find(|(known, _)| *known == scheme) {
                derived.push(("db.system.name", quoted(system)));
                if let Some(operation) = record.get("operation") {
                    derived.push(("db.operation.name", operation.to_owned()));
                }
            }
        }
    }
    if matches!(record.kind, Kind::Call | Kind::Request) && record.get("grpc_status").is_some() {
        derived.push(("rpc.system", quoted("grpc")));
    }
    let has_failed = matches!(record.escaped("outcome"), "error" | "panicked");
    if has_failed && !record.attributes.iter().any(|attribute| attribute.name == "error.type") {
        // HTTP conventions: the status code if it is the cause, else a name of low cardinality.
        let status = record.integer("status").filter(|status| *status >= 400);
        let error =
            status.map_or_else(|| record.escaped("outcome").to_owned(), |it| it.to_string());
        derived.push(("error.type", quoted(&error)));
    }
    for (name, value) in derived {
        // A field of the service with this name takes precedence.
        if !record.attributes.iter().any(|attribute| attribute.name == name) {
            record.attributes.push(Attribute {
                key: "",
                name: Cow::Borrowed(name),
                value: Cow::Owned(value),
            });
        }
    }
}

/// Scheme, host and port of a URL as a line shows it, escaped.
fn address(url: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, rest) = inside(url).split_once("://")?;
    let end = rest.find(['/', '?', '#', '\\', ',']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => {
            authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
        }
    };
    let port = port.filter(|port| {
        port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with(['+', '0'])
    });
    (!host.is_empty()).then_some((scheme, host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_urls() {
        assert_eq!(address("http://pay.example:81/x"), Some(("http", "pay.example", Some("81"))));
        assert_eq!(address("https://[::1]:8443"), Some(("https", "::1", Some("8443"))));
        assert_eq!(address("postgres://db/shop"), Some(("postgres", "db", None)));
        assert_eq!(address("http://a:b/x"), Some(("http", "a", None)));
        for none in ["[REDACTED]", "/charges", "", "http://"] {
            assert_eq!(address(none), None, "{none}");
        }
    }
}
