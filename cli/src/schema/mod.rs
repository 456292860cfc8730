//! `candor schema`: the keys of the lines, for other programs.
//!
//! Everything else is generated from the tables in `keys` and `events`.

mod clickhouse;
mod duckdb;
mod elastic;
mod events;
mod json_schema;
pub(crate) mod keys;
mod markdown;
mod otel;

use crate::output::{Failure, Output};
use keys::ValueType;

/// Arguments of `candor schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The beginning of `candor schema duckdb`:
  create or replace view candor as
  select * from read_json(
      'app.log*',
      format = 'newline_delimited',

Examples:
  candor schema clickhouse --cluster logs | clickhouse-client -mn
  candor schema duckdb >candor.sql

Exits with 0, or 2 if the arguments are invalid.")]
pub(crate) struct SchemaArgs {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Form {
    /// Tables that `--from clickhouse://…` reads
    #[command(name = "clickhouse")]
    ClickHouse(clickhouse::ClickHouseArgs),
    /// A view of log files
    #[command(name = "duckdb")]
    DuckDb(duckdb::DuckDbArgs),
    /// A JSON Schema (draft 2020-12)
    JsonSchema,
    /// An index template for Elasticsearch
    Elastic,
    /// The reference of events and keys
    Markdown,
}

/// Prints the description.
pub(crate) fn run(args: &SchemaArgs, out: &mut Output) -> Result<bool, Failure> {
    let text = match &args.form {
        Form::ClickHouse(args) => clickhouse::render(args),
        Form::DuckDb(args) => duckdb::render(args),
        Form::JsonSchema => json_schema::render(),
        Form::Elastic => elastic::render(),
        Form::Markdown => markdown::render(),
    };
    out.print(&text)?;
    Ok(true)
}

/// Whether candor writes an event of this name.
pub(crate) fn is_event(name: &str) -> bool {
    events::EVENTS.iter().any(|event| event.name == name)
}

/// Whether the values of a key are strings; `None` for a key that is not candor's.
pub(crate) fn is_text(key: &str) -> Option<bool> {
    let kind = keys::find(key)?.kind;
    Some(matches!(kind, ValueType::Text | ValueType::Time))
}

/// An argument that becomes a name in SQL.
fn sql_name(text: &str) -> Result<String, String> {
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a name consists of letters, digits and underscores, and can't begin with a digit"
            .to_owned())
    }
}
