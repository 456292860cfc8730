//! The query of a request, on its `request_started` line.

use crate::json::escape;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;
use crate::redact::shown::{self, Redacted};

/// Appends a query as an object of lists: `a=1&a=2&password=x` is `{"a":["1","2"],"password":["[REDACTED]"]}`.
pub(crate) fn write(query: &str, limit: usize, out: &mut String) {
    let mut names: Vec<(Redacted<'_>, Vec<Redacted<'_>>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (scrub::form_decoded(name), scrub::form_decoded(value));
        let shown = shown::query_value(&name, &value).into_owned();
        let name = shown::query_name(&name).into_owned();
        match names.iter_mut().find(|(known, _)| known.as_str() == name.as_str()) {
            Some((_, values)) => values.push(shown),
            None => names.push((name, vec![shown])),
        }
    }
    out.push('{');
    for (index, (name, values)) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        escape::json_string(name.shown(), out);
        out.push_str(":[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            Encoder::json(out, limit).shown(value);
        }
        out.push(']');
    }
    out.push('}');
}
