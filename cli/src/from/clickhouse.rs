//! A table of `ClickHouse`, read over its HTTP interface.

use std::env;
use std::io::Read;
use std::time::Duration;

use super::answer::{RowWriter, Rows};
use super::complaint::{self, Secrets};
use super::otel;
use super::question::Question;
use super::sql::{self, Layout};
use super::transfer::{Client, Headers};
use super::url::Url;
use crate::read::Remarks;

/// A table and the layout of its lines.
#[derive(Debug)]
pub(super) struct Table {
    quoted: String,
    /// For messages: `default.candor`.
    pub(super) name: String,
    layout: Layout,
}

impl Table {
    pub(super) fn parse(url: &Url) -> Result<Self, String> {
        let (quoted, name) = sql::table(&url.path).ok_or(
            "the --from URL needs the name of a table: clickhouse://HOST/TABLE or clickhouse://HOST/DATABASE.TABLE",
        )?;
        let layout = match url.query.as_deref() {
            None | Some("" | "layout=line") => Layout::Line,
            Some("layout=otel") => Layout::Otel,
            Some(_) => {
                return Err(
                    "the --from URL of a table accepts only the parameter ?layout=line or ?layout=otel"
                        .to_owned(),
                );
            }
        };
        Ok(Table { quoted, name, layout })
    }
}

/// Sends one query and returns its rows as lines.
pub(super) fn open(
    url: &Url,
    table: &Table,
    question: &Question<'_>,
    idle: Duration,
    remarks: Remarks,
) -> Result<Box<dyn Read>, String> {
    let query = sql::query(&table.quoted, table.layout, question);
    // Sent as headers, because URLs end up in the logs of servers and proxies.
    let mut headers = Headers::new();
    for (name, variable) in
        [("X-ClickHouse-User", "CLICKHOUSE_USER"), ("X-ClickHouse-Key", "CLICKHOUSE_PASSWORD")]
    {
        match env::var(variable) {
            Ok(value) if !value.is_empty() => headers.push((name, value)),
            Err(env::VarError::NotUnicode(_)) => return Err(format!("{variable} is not UTF-8")),
            _ => {}
        }
    }
    let value = |wanted: &str| {
        headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    };
    let secrets = Secrets::new(value("X-ClickHouse-User"), value("X-ClickHouse-Key"));
    let client = Client::with_credentials(idle);
    let answer = client.post(&url.http("", None), &headers, &query)?;
    if answer.status == 200 {
        let write: RowWriter = match table.layout {
            Layout::Line => |columns, out| {
                out.extend_from_slice(columns.first().map(String::as_bytes).unwrap_or_default());
                out.push(b'\n');
            },
            Layout::Otel => otel::write_line,
        };
        return Ok(Box::new(Rows::new(answer.body, write, remarks, secrets)));
    }
    let mut text = Vec::new();
    let _ = answer.body.take(complaint::MAX as u64).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    Err(match answer.status {
        _ if text.contains("Code: ") => complaint::explain(&text, &secrets),
        401 | 403 => "wrong user or password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)".to_owned(),
        status => format!(
            "the server responded with HTTP status {status}; is this the port of ClickHouse's HTTP interface?"
        ),
    })
}
