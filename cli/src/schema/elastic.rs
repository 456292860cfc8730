//! An index template for Elasticsearch.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, KeyRow, ValueType};

/// Longest value that is indexed as a keyword.
const KEYWORD_LENGTH: u32 = 1024;

pub(super) fn render() -> String {
    let properties: Map<String, Value> =
        KEYS.iter().map(|key| (key.name.to_owned(), mapping(key))).collect();
    let template = json!({
        "index_patterns": ["candor-*"],
        "template": {
            "settings": { "index.sort.field": ["request_id", "ts"], "index.sort.order": ["asc", "asc"] },
            "mappings": {
                // A field of the service can be a number in one line and a string in another, which would reject the
                // line. Fields without a mapping stay in the stored line.
                "dynamic": false,
                "properties": properties,
            },
        },
    });
    format!("{template:#}\n")
}

fn mapping(key: &KeyRow) -> Value {
    match (key.kind, key.name) {
        (ValueType::Time, _) => json!({ "type": "date_nanos" }),
        (_, "msg" | "error_detail" | "panic_message" | "exc" | "help" | "detail") => {
            json!({ "type": "text" })
        }
        (ValueType::Text, _) => json!({ "type": "keyword", "ignore_above": KEYWORD_LENGTH }),
        (ValueType::Count | ValueType::Bytes, _) => json!({ "type": "long" }),
        (ValueType::Millis | ValueType::Seconds, _) => json!({ "type": "double" }),
        (ValueType::Flag, _) => json!({ "type": "boolean" }),
        (ValueType::Object | ValueType::List | ValueType::Json, _) => {
            json!({ "type": "object", "enabled": false })
        }
    }
}
