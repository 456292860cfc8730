//! The messages of client crates' errors, without the values that they repeat.
//!
//! Clients and servers put stored values, response metadata and URLs into their errors. These have no name, so the
//! scrubber does not find them.

use super::scrub::{self, REDACTED};
use super::{counted, off};

/// How an error message repeats a value.
struct Echo {
    detector: &'static str,
    /// Text that the message contains too, usually before `opening`.
    context: &'static str,
    opening: &'static str,
    /// The value ends at the last occurrence of the first of these that occurs, else with the message.
    closings: &'static [&'static str],
}

const fn echo(
    detector: &'static str,
    context: &'static str,
    opening: &'static str,
    closings: &'static [&'static str],
) -> Echo {
    Echo { detector, context, opening, closings }
}

const REDIS: &str = "redis error";
const DATABASE: &str = "database error";

#[rustfmt::skip]
const ECHOES: [Echo; 13] = [
    // redis: a value of another type, in versions 1 and 0, and a command that the server does not know.
    echo(REDIS, "", "(value was ", &[")"]),
    echo(REDIS, "", "(response was ", &[")"]),
    echo(REDIS, "", "with args beginning with: ", &[]),
    // MySQL.
    echo(DATABASE, "", "Duplicate entry '", &["' for key", "'"]),
    echo(DATABASE, "ncorrect ", " value: '", &["' for column", "'"]),
    // PostgreSQL.
    echo(DATABASE, "invalid input syntax for type ", ": \"", &["\""]),
    echo(DATABASE, "invalid input value for enum ", ": \"", &["\""]),
    echo(DATABASE, "field value out of range: ", "\"", &["\""]),
    echo(DATABASE, "\" is out of range for type ", "value \"", &["\" is out of range for type "]),
    echo(DATABASE, "Key (", ")=(", &[")"]),
    // MongoDB: a key that exists, and a document that does not match the schema.
    echo(DATABASE, "", "dup key: {", &["}"]),
    echo(DATABASE, "WriteError {", "details: Some(", &[")"]),
    // An enum of sqlx.
    echo(DATABASE, "\" for enum ", "invalid value \"", &["\" for enum "]),
];

/// Text that reqwest writes before the URL in its errors.
const FOR_URL: &str = " for url (";

/// Returns the message of an error without the values that the client repeats in it.
pub(super) fn without_values(text: String) -> String {
    // Values are in quotes or brackets, and most messages have none.
    let is_quoting = |byte| matches!(byte, b'(' | b'{' | b'\'' | b'"');
    if off::is_off() || !text.bytes().any(is_quoting) {
        return text;
    }
    let mut text = without_metadata(text);
    for echo in &ECHOES {
        if let Some((start, end)) = echo.value_in(&text) {
            text.replace_range(start..end, REDACTED);
            counted::detector(echo.detector);
        }
    }
    without_queries(&text)
}

impl Echo {
    /// Returns the range of the value.
    fn value_in(&self, text: &str) -> Option<(usize, usize)> {
        let context = text.find(self.context)?;
        let after = text[context..].find(self.opening).map(|at| context + at);
        let start = after.or_else(|| text.find(self.opening))? + self.opening.len();
        let end = self.closings.iter().find_map(|closing| text[start..].rfind(closing));
        Some((start, end.map_or(text.len(), |at| start + at)))
    }
}

/// Removes what tonic writes after the message of a status: `status: NotFound, message: "…", details: […], metadata: …`
/// up to version 0.14.0, and `code: '…', message: "…", source: …` later.
///
/// Details and metadata are those of the response. The source is in `Debug` form, and the chain shows it again.
fn without_metadata(mut text: String) -> String {
    const NOTHING: &str = ", details: [], metadata: MetadataMap { headers: {} }";
    let Some(end) = end_of_status(&text) else { return text };
    let has_values = text[end..].starts_with(DETAILS) && text[end..] != *NOTHING;
    text.truncate(end);
    if has_values {
        text.push_str(", details: ");
        text.push_str(REDACTED);
        counted::detector("grpc status");
    }
    text
}

const DETAILS: &str = ", details: [";
const SOURCE: &str = ", source: ";
/// How many places may be the end of a status. Each of them is compared with the text before it.
const PLACES: usize = 16;

/// Returns the position after the code and the message of a status, if details or a source follow.
fn end_of_status(text: &str) -> Option<usize> {
    const MESSAGE: &str = ", message: \"";
    let ends_with_code = |before: &str| {
        let is_name =
            |code: &str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric());
        before.rsplit_once("status: ").is_some_and(|(_, code)| is_name(code))
            || before.ends_with('\'') && before.contains("code: '")
    };
    let with_message = text.match_indices(MESSAGE).take(PLACES).find_map(|(at, _)| {
        let end = end_of_quoted(text, at + MESSAGE.len())?;
        let rest = &text[end..];
        let goes_on = rest.starts_with(DETAILS) || rest.starts_with(SOURCE);
        (goes_on && ends_with_code(&text[..at])).then_some(end)
    });
    with_message.or_else(|| {
        let mut sources = text.match_indices(SOURCE).take(PLACES).map(|(at, _)| at);
        sources.find(|at| text[..*at].ends_with('\'') && text[..*at].contains("code: '"))
    })
}

/// Returns the position after the closing quote of a string in `Debug` form, which begins before `at`.
fn end_of_quoted(text: &str, at: usize) -> Option<usize> {
    let mut is_escaped = false;
    let end = text[at..].bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map(|end| at + end + 1)
}

/// Removes the query of the URL that reqwest writes, because its parameters need not have sensitive names.
fn without_queries(text: &str) -> String {
    let mut parts = text.split(FOR_URL);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(FOR_URL);
        let word = part.find(char::is_whitespace).map_or(part, |end| &part[..end]);
        let end = word.rfind(')').unwrap_or(0);
        if end > 0 {
            out.push_str(&scrub::url(&word[..end]));
        }
        out.push_str(&part[end..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_around_a_value_stays() {
        for (text, shown) in [
            (
                "Incompatible type - \"Response type not vector\" (value was int(1)) in a pipeline",
                "Incompatible type - \"Response type not vector\" (value was [REDACTED]) in a pipeline",
            ),
            (
                "1062 (23000): Duplicate entry 'it's for key x' for key 'users.name'",
                "1062 (23000): Duplicate entry '[REDACTED]' for key 'users.name'",
            ),
            (
                "Incorrect integer value: 'x' for column 'age' at row 1",
                "Incorrect integer value: '[REDACTED]' for column 'age' at row 1",
            ),
            (
                "Truncated incorrect DOUBLE value: 'x'",
                "Truncated incorrect DOUBLE value: '[REDACTED]'",
            ),
            (
                "value \"99\" is out of range for type smallint",
                "value \"[REDACTED]\" is out of range for type smallint",
            ),
            (
                "DETAIL: Key (name)=(ada) already exists.",
                "DETAIL: Key (name)=([REDACTED]) already exists.",
            ),
            (
                "call: status: NotFound, message: \"no \\\"x\\\", details: [\", details: [], metadata: MetadataMap { headers: {} }",
                "call: status: NotFound, message: \"no \\\"x\\\", details: [\"",
            ),
            (
                "code: 'The service is currently unavailable', source: Boxed { key: 1 }",
                "code: 'The service is currently unavailable'",
            ),
            ("http status: 500, message: \"x\"", "http status: 500, message: \"x\""),
            ("invalid value \"x\" for y", "invalid value \"x\" for y"),
            ("no key (a) = (b)", "no key (a) = (b)"),
        ] {
            assert_eq!(without_values(text.to_owned()), shown);
        }
    }
}
