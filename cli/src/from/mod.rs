//! Lines from a server instead of files: `--from URL`.
//!
//! `url` parses the URL, `transfer` sends a request, and `clickhouse`, `http` or `aws` turns the response into lines.
//! These are then read like the lines of a file.

mod answer;
mod aws;
mod clickhouse;
mod complaint;
mod http;
mod otel;
mod question;
mod sql;
mod transfer;
mod url;
mod values;

use std::fmt;
use std::io::Read;
use std::time::Duration;

pub(crate) use question::{Question, RequestFilter, SinceFilter};

use crate::output::Failure;
use crate::read::{Input, Keys, Remarks};
use aws::{LogGroup, Objects};
use clickhouse::Table;
use url::{Scheme, Url};

/// A server that the command line names.
#[derive(Debug)]
pub(crate) struct Server(ServerKind);

#[derive(Debug)]
enum ServerKind {
    ClickHouse(Url, Table),
    Http(Url),
    S3 { bucket: String, prefix: String },
    CloudWatch { group: String },
}

impl Server {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let url = url.trim();
        if let Some(path) = url.strip_prefix("s3://") {
            let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
            if bucket.is_empty() || bucket.contains(['@', '?', ':']) {
                return Err(Failure::usage("--from takes s3://BUCKET/PREFIX".to_owned()));
            }
            return Ok(Server(ServerKind::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            }));
        }
        if let Some(group) = url.strip_prefix("cloudwatch:") {
            let group = group.strip_prefix("//").unwrap_or(group);
            // `@` is not a character of their names, but one of a URL with a password.
            if group.is_empty() || group.contains('@') {
                return Err(Failure::usage("--from takes cloudwatch:LOG_GROUP".to_owned()));
            }
            return Ok(Server(ServerKind::CloudWatch { group: group.to_owned() }));
        }
        let url = Url::parse(url).map_err(Failure::usage)?;
        Ok(Server(match url.scheme {
            Scheme::ClickHouse => {
                let table = Table::parse(&url).map_err(Failure::usage)?;
                ServerKind::ClickHouse(url, table)
            }
            Scheme::Http => ServerKind::Http(url),
        }))
    }

    /// Whether it may hold the lines of many requests, so a story needs an ID.
    pub(crate) fn needs_id(&self) -> bool {
        matches!(self.0, ServerKind::ClickHouse(..) | ServerKind::CloudWatch { .. })
    }

    /// Sends the question. It fails if no byte of the response arrives for the time `idle`.
    pub(crate) fn ask(
        &self,
        question: &Question<'_>,
        idle: Duration,
        keys: Keys,
    ) -> Result<Input, Failure> {
        let remarks = Remarks::default();
        let answer = match &self.0 {
            ServerKind::ClickHouse(url, table) => {
                clickhouse::open(url, table, question, idle, remarks.clone())
            }
            ServerKind::Http(url) => http::open(url, idle, &remarks),
            ServerKind::S3 { bucket, prefix } => {
                Objects::open(bucket, prefix, idle, remarks.clone())
                    .map(|objects| Box::new(objects) as Box<dyn Read>)
            }
            ServerKind::CloudWatch { group } => {
                let id = match question {
                    Question::Story { short } => Some(*short),
                    _ => None,
                };
                LogGroup::open(group, id, idle).map(|group| Box::new(group) as Box<dyn Read>)
            }
        };
        let answer = answer.map_err(|why| Failure::usage(format!("can't read {self}: {why}")))?;
        let is_filtered = matches!(self.0, ServerKind::ClickHouse(..));
        Ok(Input::of_answer(self.to_string(), answer, remarks, is_filtered, keys))
    }
}

/// Adds a sentence to the note on an answer, once.
fn remark(remarks: &Remarks, sentence: &str) {
    let mut note = remarks.borrow_mut();
    match note.as_mut() {
        Some(note) if note.contains(sentence) => {}
        Some(note) => {
            note.push_str("; also, ");
            note.push_str(sentence);
        }
        None => *note = Some(sentence.to_owned()),
    }
}

/// The name for messages, without a query.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ServerKind::ClickHouse(url, table) => {
                let url = Url { path: table.name.clone(), query: None, ..url.clone() };
                url.fmt(f)
            }
            ServerKind::Http(url) => url.fmt(f),
            ServerKind::S3 { bucket, prefix } => {
                // A pasted URL with a signature.
                let prefix = prefix.split('?').next().unwrap_or_default();
                write!(f, "s3://{bucket}/{prefix}")
            }
            ServerKind::CloudWatch { group } => write!(f, "cloudwatch:{group}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_server_has_no_query() {
        for url in ["s3://logs/shop/?X-Amz-Signature=s3cret", "https://loki/q?token=s3cret"] {
            let shown = Server::parse(url).map(|server| server.to_string());
            assert!(!shown.expect("a server").contains("s3cret"), "{url}");
        }
    }
}
