//! The table that OpenTelemetry collectors insert log records into.

pub(super) fn table(table: &str) -> String {
    let attribute = |name: &str| {
        format!(
            "arrayElement(arrayMap(x -> x.2, arrayFilter(x -> x.1 = '{name}', LogAttributes.1)), 1)"
        )
    };
    format!("{table} {}", attribute("request_id"))
}
