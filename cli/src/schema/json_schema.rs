//! A JSON Schema of the lines.

use serde_json::{Map, Value, json};

use super::events::EVENTS;
use super::keys::{KEYS, KeyRow, On, ValueType};
use super::markdown::found_on;

pub(super) fn render() -> String {
    let properties: Map<String, Value> =
        KEYS.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        KEYS.iter().filter(|key| matches!(key.on, On::Every)).map(|key| key.name).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "candor log line",
        "description": "A line that candor writes with its usual keys. Lines also have the service's own fields as members.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": true,
    });
    format!("{schema:#}\n")
}

fn property(key: &KeyRow) -> Value {
    let kind = match key.kind {
        ValueType::Time | ValueType::Text => "string",
        ValueType::Count | ValueType::Bytes => "integer",
        ValueType::Millis | ValueType::Seconds => "number",
        ValueType::Flag => "boolean",
        ValueType::Object => "object",
        ValueType::List => "array",
        ValueType::Json => "",
    };
    let unit = key.unit();
    let unit = if unit.is_empty() { String::new() } else { format!(" In {unit}.") };
    let mut property = Map::new();
    property.insert(
        "description".to_owned(),
        format!("{}{unit} On: {}.", key.help, found_on(key)).into(),
    );
    let example: Value = serde_json::from_str(key.example).unwrap_or_default();
    property.insert("examples".to_owned(), json!([example]));
    match (key.kind, key.on) {
        (ValueType::Json, _) => None,
        (_, On::Every) => property.insert("type".to_owned(), kind.into()),
        _ => property.insert("type".to_owned(), json!([kind, "null"])),
    };
    match key.kind {
        ValueType::Time => {
            property.insert("format".to_owned(), "date-time".into());
        }
        ValueType::Count | ValueType::Bytes | ValueType::Millis | ValueType::Seconds => {
            property.insert("minimum".to_owned(), 0.into());
        }
        _ => {}
    }
    if key.name == "event" {
        let names: Vec<&str> = EVENTS.iter().map(|event| event.name).collect();
        property.insert("examples".to_owned(), json!(names));
    }
    property.into()
}
