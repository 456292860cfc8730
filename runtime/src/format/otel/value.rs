//! JSON values as OpenTelemetry's `AnyValue`.

/// The depth up to which nested lists and objects are encoded as such. Deeper ones become JSON text: each level takes
/// three protobuf messages, and decoders commonly accept 100.
const MAX_DEPTH: u32 = 16;

/// A value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// The content of a JSON string, still escaped.
    Text(&'a str),
    /// JSON as text: a number that no other variant can hold, or a value that is nested too deeply.
    Json(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// The JSON of a list.
    List(&'a str),
    /// The JSON of an object.
    Object(&'a str),
    Null,
}

/// The value of JSON that candor wrote. It is nested in `depth` other values.
pub(crate) fn value_of(json: &str, depth: u32) -> Value<'_> {
    match json.as_bytes().first() {
        Some(b'"') => Value::Text(super::inside(json)),
        Some(b'{' | b'[') if depth >= MAX_DEPTH => Value::Json(json),
        Some(b'{') => Value::Object(json),
        Some(b'[') => Value::List(json),
        _ => match json {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => number(json),
        },
    }
}

fn number(json: &str) -> Value<'_> {
    if let Ok(int) = json.parse() {
        return Value::Int(int);
    }
    // An integer outside the range of `i64` stays exact as text.
    match json.parse() {
        Ok(double) if json.contains(['.', 'e', 'E']) => Value::Double(double),
        _ => Value::Json(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::members;

    #[test]
    fn numbers_keep_their_value() {
        assert_eq!(value_of("-7", 0), Value::Int(-7));
        assert_eq!(value_of("1.5", 0), Value::Double(1.5));
        assert_eq!(value_of("1e3", 0), Value::Double(1000.0));
        assert_eq!(value_of("18446744073709551615", 0), Value::Json("18446744073709551615"));
    }

    #[test]
    fn deep_values_are_text() {
        assert_eq!(value_of("[1]", MAX_DEPTH - 1), Value::List("[1]"));
        assert_eq!(value_of("[1]", MAX_DEPTH), Value::Json("[1]"));
        assert_eq!(
            members::of_array("[1,[2,3],\"a,]\"]").collect::<Vec<_>>(),
            ["1", "[2,3]", "\"a,]\""]
        );
        assert_eq!(members::of_array("[]").count(), 0);
    }
}
