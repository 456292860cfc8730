//! An index template of Elasticsearch.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Kind};

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

fn mapping(key: &Key) -> Value {
    match (key.kind, key.name) {
        (Kind::Time, _) => json!({ "type": "date_nanos" }),
        (_, "msg" | "error_detail" | "panic_message" | "exc" | "help" | "detail") => {
            json!({ "type": "text" })
        }
        (Kind::Text, _) => json!({ "type": "keyword", "ignore_above": KEYWORD_LENGTH }),
        (Kind::Count | Kind::Bytes, _) => json!({ "type": "long" }),
        (Kind::Millis | Kind::Seconds, _) => json!({ "type": "double" }),
        (Kind::Flag, _) => json!({ "type": "boolean" }),
        (Kind::Object | Kind::List | Kind::Json, _) => {
            json!({ "type": "object", "enabled": false })
        }
    }
}
