//! Lines from a server instead of files: `--from URL`.
//!
//! `url` takes the URL apart, `transfer` sends one request, and `clickhouse` or `http` makes lines of the answer.
//! From there on they are read as those of a file are.

mod answer;
mod clickhouse;
mod complaint;
mod http;
mod otel;
mod question;
mod sql;
mod transfer;
mod url;
mod values;

use std::time::Duration;

pub(crate) use question::{Question, RequestFilter, Since};

use crate::output::Failure;
use crate::read::{Input, Keys, Remarks};
use clickhouse::Table;
use url::{Scheme, Url};

/// A server that the command line names.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    /// `None` for a server that can't filter.
    table: Option<Table>,
}

impl Server {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let url = Url::parse(url).map_err(Failure::usage)?;
        let table = match url.scheme {
            Scheme::ClickHouse => Some(Table::parse(&url).map_err(Failure::usage)?),
            Scheme::Http => None,
        };
        Ok(Server { url, table })
    }

    /// Whether it answers questions, and not with all that it has.
    pub(crate) fn can_filter(&self) -> bool {
        self.table.is_some()
    }

    /// Sends the question. `idle` is the time without a byte of the answer after which it counts as failed.
    pub(crate) fn ask(
        &self,
        question: &Question<'_>,
        idle: Duration,
        keys: Keys,
    ) -> Result<Input, Failure> {
        let remarks = Remarks::default();
        let (name, answer) = match &self.table {
            Some(table) => {
                let name = Url { path: table.name.clone(), query: None, ..self.url.clone() };
                (name, clickhouse::open(&self.url, table, question, idle, remarks.clone()))
            }
            None => (self.url.clone(), http::open(&self.url, idle, &remarks)),
        };
        let answer = answer.map_err(|why| Failure::usage(format!("can't read {name}: {why}")))?;
        Ok(Input::of_answer(name.to_string(), answer, remarks, self.can_filter(), keys))
    }
}
