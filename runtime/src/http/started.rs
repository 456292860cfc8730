//! The `request_started` line.

use http::request::Parts;
use http::{HeaderMap, header};

use super::request_id::REQUEST_ID;
use super::site;
use crate::format::record::Severity;
use crate::json::{escape, members};
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;

pub(super) fn write(request: &Parts, client_request_id: Option<&str>) {
    emit::emit(&site::STARTED, Severity::Debug, |out, limit| {
        members::text(out, "event", "request_started");
        if let Some(query) = request.uri.query() {
            members::open(out, "query");
            self::query(query, limit, out);
        }
        members::open(out, "headers");
        out.push_str(headers(&request.headers, client_request_id.is_some()).as_json());
        for (key, name) in
            [("content_type", header::CONTENT_TYPE), ("content_length", header::CONTENT_LENGTH)]
        {
            if let Some(value) = header_text(&request.headers, &name) {
                members::open(out, key);
                match value.parse::<u64>() {
                    Ok(length) => Encoder::json(out, limit).u64(length),
                    Err(_) => Encoder::json(out, limit).text(&value),
                }
            }
        }
        if let Some(id) = client_request_id {
            members::open(out, "client_request_id");
            Encoder::json(out, limit).text(id);
        }
    });
}

/// The headers without a rejected request id, which is logged scrubbed as `client_request_id`.
fn headers(map: &HeaderMap, is_id_rejected: bool) -> scrub::Json {
    if !is_id_rejected {
        return scrub::headers(map);
    }
    let mut map = map.clone();
    map.remove(REQUEST_ID);
    scrub::headers(&map)
}

/// Returns the scrubbed text of a header.
pub(super) fn header_text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    let value = String::from_utf8_lossy(value.as_bytes());
    Some(scrub::listed_or_shape(name.as_str(), scrub::text(&value)).into_owned())
}

/// Appends a query as an object of lists: `a=1&a=2&password=x` is `{"a":["1","2"],"password":["[REDACTED]"]}`.
fn query(query: &str, limit: usize, out: &mut String) {
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (scrub::form_decoded(name), scrub::form_decoded(value));
        let shown = if scrub::is_secret_value(&name, &value) {
            "[REDACTED]".to_owned()
        } else {
            scrub::listed_or_shape(&name, scrub::text(&value)).into_owned()
        };
        let name = scrub::text(&name).into_owned();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(shown),
            None => names.push((name, vec![shown])),
        }
    }
    out.push('{');
    for (index, (name, values)) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        escape::json_string(name, out);
        out.push_str(":[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            Encoder::json(out, limit).text(value);
        }
        out.push(']');
    }
    out.push('}');
}
