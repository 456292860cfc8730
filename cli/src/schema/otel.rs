//! The table that OpenTelemetry collectors insert log records into.
//!
//! The types have the same bytes in `RowBinary` as those of current exporters, and also exist in 18.16: nanoseconds as
//! `Int64` for `DateTime64(9)`, and a list of pairs for `Map(String, String)`. The list is in a tuple, because 18.16
//! splits an `Array(Tuple(…))` into separate columns.

use std::fmt::Write as _;

const ATTRIBUTES: &str = "Tuple(Array(Tuple(String, String)))";

/// The columns that collectors insert, in their order.
const COLLECTED: [(&str, &str); 15] = [
    ("Timestamp", "Int64"),
    ("TraceId", "String"),
    ("SpanId", "String"),
    ("TraceFlags", "UInt8"),
    ("SeverityText", "String"),
    ("SeverityNumber", "UInt8"),
    ("ServiceName", "String"),
    ("Body", "String"),
    ("ResourceSchemaUrl", "String"),
    ("ResourceAttributes", ATTRIBUTES),
    ("ScopeSchemaUrl", "String"),
    ("ScopeName", "String"),
    ("ScopeVersion", "String"),
    ("ScopeAttributes", ATTRIBUTES),
    ("LogAttributes", ATTRIBUTES),
];

/// The statements, with a Distributed table over a cluster if it is given. Collectors insert into `table`.
pub(super) fn tables(database: &str, table: &str, cluster: Option<&str>) -> String {
    let Some(cluster) = cluster else { return local(database, table, table) };
    let shard = format!("{table}_shard");
    let mut ddl = local(database, &shard, table);
    let _ = write!(
        ddl,
        "\n-- Collectors insert into this one. The lines of a request are on one shard.\n\
         create table if not exists {database}.{table} as {database}.{shard}\n\
         engine = Distributed({cluster}, {database}, {shard}, cityHash64(request_id));\n"
    );
    ddl
}

fn local(database: &str, table: &str, read: &str) -> String {
    let attribute = |name: &str| {
        format!(
            "arrayElement(arrayMap(x -> x.2, arrayFilter(x -> x.1 = '{name}', LogAttributes.1)), 1)"
        )
    };
    let mut columns: Vec<String> =
        COLLECTED.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    let original = attribute("log.record.original");
    let request_span = attribute("candor.request.span_id");
    columns.extend([
        format!("line String default {original}"),
        "ts DateTime default toDateTime(intDiv(Timestamp, 1000000000))".to_owned(),
        "ts_us Int64 default intDiv(Timestamp, 1000)".to_owned(),
        format!("request_id String default {}", attribute("request_id")),
        "trace_id String default TraceId".to_owned(),
        // A record may belong to the span of a step.
        format!("span_id String default if({request_span} = '', SpanId, {request_span})"),
        // The message of candor's events is their name.
        "event String default if(line = '', Body, visitParamExtractString(line, 'event'))"
            .to_owned(),
        "d Date default toDate(ts)".to_owned(),
    ]);
    format!(
        "-- A collector fills this table. Records that were exported with LOG_OTLP_ORIGINAL=1 are read with\n\
         -- `candor --from clickhouse://HOST/{database}.{read}`, others with `…/{database}.{read}?layout=otel`.\n\
         create table if not exists {database}.{table}\n(\n    {}\n)\n\
         engine = MergeTree partition by toYYYYMM(d) order by (request_id, ts);\n",
        columns.join(",\n    ")
    )
}
