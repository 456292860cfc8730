//! A `DuckDB` view of log files.

use super::keys::{KEYS, ValueType};
use super::sql_name;

/// Options of the view.
#[derive(Debug, clap::Args)]
pub(crate) struct DuckDbArgs {
    /// The name of the view
    #[arg(long, value_name = "NAME", default_value = "candor", value_parser = sql_name)]
    table: String,
    /// The files, in `DuckDB` syntax: wildcards, .gz and URLs are supported
    #[arg(value_name = "FILES", default_value = "app.log*")]
    files: String,
}

pub(super) fn render(args: &DuckDbArgs) -> String {
    let columns: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let kind = match key.kind {
                ValueType::Time => "TIMESTAMP",
                ValueType::Text => "VARCHAR",
                ValueType::Count | ValueType::Bytes => "UBIGINT",
                ValueType::Millis | ValueType::Seconds => "DOUBLE",
                ValueType::Flag => "BOOLEAN",
                ValueType::Object | ValueType::List | ValueType::Json => "JSON",
            };
            format!("        \"{}\": '{kind}'", key.name)
        })
        .collect();
    // Lines that are not JSON, such as the output of a panic, are skipped.
    format!(
        "create or replace view {} as\nselect * from read_json(\n    '{}',\n    format = 'newline_delimited',\n    \
         ignore_errors = true,\n    columns = {{\n{}\n    }}\n);\n",
        args.table,
        args.files.replace('\'', "''"),
        columns.join(",\n")
    )
}
