//! A log group of `CloudWatch` Logs, page by page.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::{Value, json};

use super::{REPEATED, Service};

/// The most bytes of one page. The service sends at most one megabyte of events.
const MAX_PAGE: u64 = 64 << 20;

/// The events of a log group, one per line.
pub(in crate::from) struct LogGroup {
    service: Service,
    name: String,
    /// The ID that the events contain.
    pattern: Option<String>,
    next: Next,
    lines: Vec<u8>,
    taken: usize,
}

/// The page that comes next.
enum Next {
    First,
    Page(String),
    None,
}

impl LogGroup {
    /// Reads the first page, so that errors come before any output.
    pub(in crate::from) fn open(
        name: &str,
        id: Option<&str>,
        idle: Duration,
    ) -> Result<Self, String> {
        let service = Service::new("logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", idle)?;
        // A quote would end the pattern.
        let pattern = id.filter(|id| !id.contains(['"', '\\'])).map(|id| format!("\"{id}\""));
        let mut group = LogGroup {
            service,
            name: name.to_owned(),
            pattern,
            next: Next::First,
            lines: Vec::new(),
            taken: 0,
        };
        group.read_page()?;
        Ok(group)
    }

    /// Reads a page. Returns whether there was one.
    fn read_page(&mut self) -> Result<bool, String> {
        let mut question = json!({ "logGroupName": self.name, "limit": 10_000 });
        let mut current = None;
        match std::mem::replace(&mut self.next, Next::None) {
            Next::First => {}
            Next::Page(token) => {
                question["nextToken"] = token.as_str().into();
                current = Some(token);
            }
            Next::None => return Ok(false),
        }
        if let Some(pattern) = &self.pattern {
            question["filterPattern"] = pattern.as_str().into();
        }
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "Logs_20140328.FilterLogEvents"),
        ];
        let answer = self.service.send("/", &[], &headers, &question.to_string())?;
        let mut page = Vec::new();
        answer.body.take(MAX_PAGE).read_to_end(&mut page).map_err(|why| why.to_string())?;
        let page: Value =
            serde_json::from_slice(&page).map_err(|_| "the response is cut off".to_owned())?;
        let events = page["events"].as_array().ok_or("the response has no events")?;
        self.lines.clear();
        self.taken = 0;
        for message in events.iter().filter_map(|event| event["message"].as_str()) {
            self.lines.extend_from_slice(message.as_bytes());
            self.lines.push(b'\n');
        }
        if let Some(token) = page["nextToken"].as_str() {
            if current.as_deref() == Some(token) {
                return Err(REPEATED.to_owned());
            }
            self.next = Next::Page(token.to_owned());
        }
        Ok(true)
    }
}

impl Read for LogGroup {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A page without events may be followed by others.
        while self.taken == self.lines.len() {
            if !self.read_page().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
        let rest = &self.lines[self.taken..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}
