//! The reference of events and keys, `docs/line-reference.md`.

use std::fmt::Write as _;

use super::events::EVENTS;
use super::keys::{KEYS, KeyRow, On, ValueType};

pub(super) fn render() -> String {
    let mut page = "# Line reference\n\n\
        This page lists the events and keys that candor writes. `candor schema markdown` prints it.\n\
        `candor schema json-schema` prints the keys as a JSON Schema, and `candor schema clickhouse`, `duckdb` and\n\
        `elastic` print them as tables and mappings. Lines also have the service's own fields. `LOG_KEYS` renames keys.\n\n\
        ## Events\n\nThe last column has the keys that only some events have. Other lines have no `event`: they are \
        events of the service.\n\n\
        | `event` | level | `logger` | meaning | its keys |\n|---|---|---|---|---|\n"
        .to_owned();
    for event in &EVENTS {
        let logger = if event.logger.contains(' ') {
            event.logger.to_owned()
        } else {
            format!("`{}`", event.logger)
        };
        let keys: Vec<String> = KEYS
            .iter()
            .filter(|key| matches!(key.on, On::Events(events) if events.contains(&event.name)))
            .map(|key| format!("`{}`", key.name))
            .collect();
        let keys = match keys.as_slice() {
            [] if event.name == "audit" => "the fields of the event".to_owned(),
            // A notice about the set-up.
            [] => "`help`".to_owned(),
            keys => keys.join(", "),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {logger} | {} | {keys} |",
            event.name, event.level, event.help
        );
    }
    page.push_str(
        "\n## Keys\n\n| key | type | present on | meaning | example |\n|---|---|---|---|---|\n",
    );
    for key in &KEYS {
        let unit = key.unit();
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let kind = match key.kind {
            ValueType::Time => "time",
            ValueType::Text => "string",
            ValueType::Count | ValueType::Bytes => "integer",
            ValueType::Millis | ValueType::Seconds => "number",
            ValueType::Flag => "boolean",
            ValueType::Object => "object",
            ValueType::List => "array",
            ValueType::Json => "any",
        };
        let on = found_on(key);
        let example = key.example.replace('|', "\\|");
        let _ =
            writeln!(page, "| `{}` | {kind}{unit} | {on} | {} | `{example}` |", key.name, key.help);
    }
    page
}

/// The lines that have a key, in words.
pub(super) fn found_on(key: &KeyRow) -> String {
    match key.on {
        On::Every => "every line".to_owned(),
        On::Any => "some lines".to_owned(),
        On::Events(events) => {
            events.iter().map(|event| format!("`{event}`")).collect::<Vec<_>>().join(", ")
        }
        On::Notices => "notices about the set-up".to_owned(),
    }
}
