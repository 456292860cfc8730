//! Any HTTP server that answers with log lines.

use std::io::{Cursor, Read};
use std::time::Duration;

use serde_json::Value;

use super::remark;
use super::transfer::{Client, Headers, NO_LENGTH};
use super::url::Url;
use crate::read::Remarks;

/// The largest response of Loki that is read. It is one JSON object, so it is held in memory.
const MAX_OBJECT: u64 = 256 << 20;
/// Bytes by which Loki's answer is recognised.
const START: u64 = 200;

/// Sends one GET request and returns the body.
pub(super) fn open(url: &Url, idle: Duration, remarks: &Remarks) -> Result<Box<dyn Read>, String> {
    let target = url.http(&url.path, url.query.as_deref());
    let answer = Client::anonymous(idle).get(&target, &Headers::new())?;
    match answer.status {
        200..=299 => {}
        401 | 403 => return Err("the server denied access".to_owned()),
        404 => return Err("the server has nothing at this path (HTTP status 404)".to_owned()),
        status => return Err(format!("the server responded with HTTP status {status}")),
    }
    if !answer.has_length {
        remark(remarks, NO_LENGTH);
    }
    let mut body = answer.body;
    // One read may return less than what the server has sent.
    let mut start = Vec::new();
    body.by_ref().take(START).read_to_end(&mut start).map_err(|why| why.to_string())?;
    let is_loki = is_loki(&start);
    let body = Cursor::new(start).chain(body);
    if !is_loki {
        return Ok(Box::new(body));
    }
    let mut object = Vec::new();
    body.take(MAX_OBJECT).read_to_end(&mut object).map_err(|why| why.to_string())?;
    let lines = loki_lines(&object).ok_or("the response looks like Loki's but is incomplete")?;
    Ok(Box::new(Cursor::new(lines)))
}

/// Whether a response begins like that of Loki's `query_range`.
fn is_loki(start: &[u8]) -> bool {
    let start: Vec<u8> = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    start.starts_with(b"{\"status\":\"success\",\"data\":{")
}

/// The lines of `{"status":"success","data":{"result":[{"values":[["1764…","{\"ts\":…}"]]}]}}`.
fn loki_lines(object: &[u8]) -> Option<Vec<u8>> {
    let answer: Value = serde_json::from_slice(object).ok()?;
    let mut lines = Vec::new();
    for stream in answer.get("data")?.get("result")?.as_array()? {
        for value in stream.get("values").and_then(Value::as_array).into_iter().flatten() {
            let line = value.get(1).and_then(Value::as_str)?;
            lines.extend_from_slice(line.as_bytes());
            lines.push(b'\n');
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_lokis_streams_are_those_of_its_values() {
        let answer = br#"{"status":"success","data":{"resultType":"streams","result":[
            {"stream":{"app":"a"},"values":[["2","{\"ts\":2}"],["1","{\"ts\":1}"]]},{"values":[["3","x"]]}],"stats":{}}}"#;
        assert!(is_loki(answer));
        assert_eq!(loki_lines(answer).unwrap(), b"{\"ts\":2}\n{\"ts\":1}\nx\n");
        assert_eq!(loki_lines(&answer[..answer.len() - 2]), None);
        assert!(!is_loki(br#"{"ts":"2026"}"#));
    }
}
