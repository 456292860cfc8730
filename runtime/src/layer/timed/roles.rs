//! Reads the fields of a span that have a role.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Record};

use super::{ERROR_FIELD, with_debug};
use crate::base::catch::catch;
use crate::current::span_facts::{FieldRole as Role, OtelKind, SpanFacts, SpanFailure};
use crate::current::timed_span::TimedSpan;
use crate::layer::event::ForeignSite;
use crate::outcome::chain::chain_answer;
use crate::redact::scrub::REDACTED;
use crate::redact::shown::{self, Redacted};
use crate::redact::{error_text, strict};

/// Reads values that are recorded after the span was created.
pub(in crate::layer) fn recorded(
    timed: &TimedSpan,
    site: &'static ForeignSite,
    values: &Record<'_>,
) {
    if !site.timing.has_roles {
        return;
    }
    // Read before the lock, because the values run user code.
    let mut added = SpanFacts::default();
    values.record(&mut RoleVisitor { site, facts: &mut added, query: None });
    timed.change_facts(|facts| {
        // The calls of a request are counted when they begin, so a call remains one.
        if timed.call.is_none() {
            facts.kind = added.kind.or(facts.kind);
        }
        facts.http_status = added.http_status.or(facts.http_status);
        facts.grpc_status = added.grpc_status.or(facts.grpc_status);
        if let Some(failure) = added.failure {
            facts.fail(failure);
        }
        for (role, value) in added.values {
            facts.set(role, value);
        }
    });
}

/// Reads the roles of the fields that a span is created with. `query` takes the query of a path, without redacting it.
pub(super) fn facts_of(
    attributes: &Attributes<'_>,
    site: &'static ForeignSite,
    query: &mut Option<String>,
) -> SpanFacts {
    let mut facts = SpanFacts::default();
    attributes.record(&mut RoleVisitor { site, facts: &mut facts, query: Some(query) });
    facts
}

/// Reads the fields of a span that have a role.
struct RoleVisitor<'a> {
    site: &'static ForeignSite,
    facts: &'a mut SpanFacts,
    /// Takes the query of a path, without redacting it.
    query: Option<&'a mut Option<String>>,
}

impl RoleVisitor<'_> {
    fn role(&self, field: &Field) -> Option<Role> {
        let known = self.site.fields.get(field.index())?;
        if known.sensitive { None } else { known.role }
    }

    fn read(&mut self, role: Role, text: &str) {
        if text.is_empty() {
            return;
        }
        let facts = &mut *self.facts;
        match role {
            Role::Kind => facts.kind = kind_of(text),
            Role::StatusCode if text.eq_ignore_ascii_case("error") => {
                facts.set(role, "error".into());
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail: None, category: None });
            }
            Role::StatusCode => {}
            Role::Error | Role::ErrorText => {
                // The `Debug` of an `Option` without an error.
                if matches!(text, "None" | "false") {
                    return;
                }
                let is_flag = text == "true";
                let detail = (!is_flag).then(|| shown::text_or_shape(text).into_owned());
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail, category: None });
            }
            Role::ErrorType => {
                facts.set(role, name(text, role).unwrap_or_else(|| REDACTED.into()));
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail: None, category: None });
            }
            Role::StatusText => facts.set(role, shown::text_or_shape(text).into_owned()),
            Role::HttpStatus => facts.http_status = text.parse().ok().or(facts.http_status),
            Role::GrpcStatus => facts.grpc_status = text.parse().ok().or(facts.grpc_status),
            Role::Status => {
                if let Some(status) = text.parse().ok().filter(|it| (100..1000_u16).contains(it)) {
                    facts.http_status = Some(status);
                }
            }
            Role::HttpMethod | Role::Method => facts.set(role, shown::method(text)),
            Role::Url => facts.set(role, shown::url(text)),
            Role::Path => {
                let path = path_of(text);
                facts.set(role, shown::request_target(path));
                if let (Some(query), Some((_, own))) = (&mut self.query, path.split_once('?')) {
                    **query = Some(own.to_owned());
                }
            }
            _ => {
                if let Some(name) = name(text, role) {
                    facts.set(role, name);
                }
            }
        }
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        if let Some(role) = self.role(field) {
            self.read(role, &value.to_string());
        }
    }
}

/// The longest name that a span gives at run time, in characters. Names of steps live as long as the program.
const LONGEST_NAME: usize = 256;

/// A name that a span gives at run time. In strict mode, a name that may be personal data is not used.
fn name(text: &str, role: Role) -> Option<Redacted<'static>> {
    // A route can be the path itself, whose segments may be values, unless it has characters that no path has.
    let is_path = role == Role::Route && text.starts_with('/') && !text.contains(['<', '>', '\\']);
    let mut name = if is_path {
        shown::request_target(text)
    } else if strict::is_on() {
        let name = shown::name(text).into_owned();
        if name.as_str() == REDACTED {
            return None;
        }
        name
    } else {
        shown::text(text).into_owned()
    };
    if name.cut_chars(LONGEST_NAME) {
        name.push("…");
    }
    Some(name)
}

/// The path and query of a URI, which may be absolute.
fn path_of(uri: &str) -> &str {
    let Some((_, rest)) = uri.split_once("://") else { return uri };
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn kind_of(text: &str) -> Option<OtelKind> {
    let kinds = [
        ("internal", OtelKind::Internal),
        ("client", OtelKind::Client),
        ("producer", OtelKind::Producer),
        ("server", OtelKind::Server),
        ("consumer", OtelKind::Consumer),
    ];
    let is_it = |(name, _): &(&str, OtelKind)| text.eq_ignore_ascii_case(name);
    kinds.into_iter().find(is_it).map(|(_, kind)| kind)
}

impl Visit for RoleVisitor<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(role) = self.role(field) {
            self.read(role, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match self.role(field) {
            Some(Role::Error | Role::ErrorText) => {
                let category = catch(|| chain_answer(Some(value)).category).flatten();
                let detail = Some(shown::error_chain(value));
                self.facts.fail(SpanFailure { evidence: ERROR_FIELD, detail, category });
            }
            Some(role) => self.read(role, &error_text::display_value(value)),
            None => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(role) = self.role(field) {
            with_debug(value, |text| self.read(role, text));
        }
    }
}
