//! Tables of `ClickHouse`. The statements run on 18.16 and on current versions.

use std::fmt::Write as _;

use super::keys::{self, ValueType};
use super::{otel, sql_name};

/// Keys with a column of their own, after `line` and `ts`. `--from` needs the first four.
const COLUMNS: [&str; 17] = [
    "request_id",
    "trace_id",
    "span_id",
    "event",
    "seq",
    "level",
    "service",
    "user_id",
    "path",
    "step",
    "dependency",
    "operation",
    "status",
    "duration_ms",
    "outcome",
    "error",
    "route",
];

/// Options of the tables.
#[derive(Debug, clap::Args)]
pub(crate) struct ClickHouseArgs {
    /// The name of the table
    #[arg(long, value_name = "NAME", value_parser = sql_name)]
    table: Option<String>,
    /// Add a Distributed table `NAME_all` over this cluster. With --otel, it is named `NAME`, and the tables on the
    /// shards `NAME_shard`
    #[arg(long, value_name = "CLUSTER", value_parser = sql_name)]
    cluster: Option<String>,
    /// A table for an OpenTelemetry collector to fill, with candor's columns added
    #[arg(long)]
    otel: bool,
    /// The database of the tables, which must exist
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = sql_name)]
    database: String,
}

pub(super) fn render(args: &ClickHouseArgs) -> String {
    let database = &args.database;
    if args.otel {
        let table = args.table.as_deref().unwrap_or("otel_logs");
        return otel::tables(database, table, args.cluster.as_deref());
    }
    let table = args.table.as_deref().unwrap_or("candor");
    let mut ddl = lines(database, table);
    if let Some(cluster) = &args.cluster {
        let _ = write!(
            ddl,
            "\n-- The lines of a request are on one shard.\n\
             create table if not exists {database}.{table}_all as {database}.{table}\n\
             engine = Distributed({cluster}, {database}, {table}, cityHash64(request_id));\n"
        );
    }
    ddl
}

/// A table of whole lines. Its other columns are computed from the line on insert. They are DEFAULT columns, since
/// MATERIALIZED ones break inserts into a Distributed table.
fn lines(database: &str, table: &str) -> String {
    let mut columns = vec![
        "line String".to_owned(),
        // A line without a valid time must not fail the insert of all others.
        "ts DateTime default parseDateTimeBestEffortOrZero(visitParamExtractString(line, 'ts'), 'UTC')"
            .to_owned(),
        // `ts` has whole seconds, since 18.16 has no `DateTime64`.
        "ts_us Int64 default toInt64(ts) * 1000000 + \
         toInt64(toUInt32OrZero(substring(visitParamExtractString(line, 'ts'), 21, 6)))"
            .to_owned(),
    ];
    columns.extend(COLUMNS.iter().filter_map(|name| keys::find(name)).map(|key| {
        let (kind, extract) = match key.kind {
            ValueType::Count | ValueType::Bytes => ("UInt64", "visitParamExtractUInt"),
            ValueType::Millis | ValueType::Seconds => ("Float64", "visitParamExtractFloat"),
            _ => ("String", "visitParamExtractString"),
        };
        format!("{0} {kind} default {extract}(line, '{0}')", key.name)
    }));
    columns.push("d Date default toDate(ts)".to_owned());
    format!(
        "-- Insert lines with `insert into {database}.{table} (line) format TabSeparated`, with each backslash doubled.\n\
         create table if not exists {database}.{table}\n(\n    {}\n)\n\
         engine = MergeTree partition by toYYYYMM(d) order by (request_id, ts);\n",
        columns.join(",\n    ")
    )
}
