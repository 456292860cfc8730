//! Error messages of `ClickHouse`, and the messages that the command prints for them.
//!
//! ```text
//! Code: 60, e.displayText() = DB::Exception: Table default.x doesn't exist., e.what() = …     18.16
//! Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE) (…)       current
//! "exception": "Code: 395. DB::Exception: …"                                                  in JSON, current
//! __exception__\r\n…                                                                          after rows, current
//! ```

/// Bytes of an error that are read.
pub(super) const MAX: usize = 64 << 10;
/// The most characters of the server's message that are repeated.
const MAX_WORDS: usize = 200;

/// Whether a line of a response begins an error.
pub(super) fn is_one(line: &[u8]) -> bool {
    [&b"Code: "[..], b"\"exception\":", b"__exception__", b"DB::Exception"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The text for an error, to complete `can't read …`.
pub(super) fn explain(text: &str) -> String {
    let code = text.find("Code: ").and_then(|at| number(&text[at + 6..]));
    match code {
        Some(60 | 81) => "there is no such table".to_owned(),
        Some(192..=194 | 516) => {
            "wrong user or password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)".to_owned()
        }
        Some(291 | 497) => "the user may not read this table (CLICKHOUSE_USER)".to_owned(),
        Some(10 | 16 | 47) => {
            "the table has other columns; `candor schema clickhouse` prints those \
                               that are needed, and ?layout=otel reads OpenTelemetry's"
                .to_owned()
        }
        // Broken connections; the message names the shard.
        Some(32 | 198 | 209 | 210 | 279 | 519) => match hosts(text).as_slice() {
            [] => "a shard does not answer".to_owned(),
            [host] => format!("shard {host} does not answer"),
            hosts => format!("shards {} do not answer", hosts.join(" and ")),
        },
        Some(158..=160 | 307) => {
            "the query exceeds the user's limits; use --since to read less".to_owned()
        }
        Some(241) => {
            "the server does not have enough memory for the query; use --since to read less"
                .to_owned()
        }
        Some(code) => format!("the server answered with error {code}: {}", words(text)),
        None => "the server answered with an error that is not from ClickHouse".to_owned(),
    }
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The server's own message, without its version and the query.
fn words(text: &str) -> String {
    let text = text.split_once("Exception: ").map_or(text, |(_, words)| words);
    let end = [", e.what()", " (version ", "\n", "\\n", ": While processing", ": while "]
        .into_iter()
        .filter_map(|end| text.find(end))
        .min()
        .unwrap_or(text.len());
    let words: String = text[..end].chars().take(MAX_WORDS).collect();
    words.trim_end_matches(['.', ' ', '"']).to_owned()
}

/// Each distinct `HOST:PORT` in an error: `Connection refused: (127.0.0.1:19001, 127.0.0.1)`.
fn hosts(text: &str) -> Vec<&str> {
    let is_separator = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    let mut hosts = Vec::new();
    for word in text.split(is_separator).map(|word| word.trim_end_matches([':', '.'])) {
        let Some((host, port)) = word.rsplit_once(':') else { continue };
        let is_address = host.contains(|c: char| c.is_ascii_alphabetic() || c == '.')
            && !host.contains(':')
            && port.parse().is_ok_and(|port: u16| port > 0);
        if is_address && !hosts.contains(&word) {
            hosts.push(word);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_shard_is_named_once() {
        let old = "Code: 279, e.displayText() = DB::NetException: All connection tries failed. Log: \n\nCode: 210, \
                   e.displayText() = DB::NetException: Connection refused: (127.0.0.1:19001, 127.0.0.1), e.what() = \
                   DB::NetException\nCode: 210, e.displayText() = DB::NetException: Connection refused: \
                   (127.0.0.1:19001, 127.0.0.1), e.what() = DB::NetException";
        assert_eq!(explain(old), "shard 127.0.0.1:19001 does not answer");
        let new = "Code: 279. DB::NetException: All connection tries failed. Log: \n\nCode: 210. DB::NetException: \
                   Connection refused (ch-2.local:9000). (NETWORK_ERROR) (version 25.3.1.1)";
        assert_eq!(explain(new), "shard ch-2.local:9000 does not answer");
        assert_eq!(explain("Code: 209, e.displayText() = x"), "a shard does not answer");
    }

    #[test]
    fn other_errors_are_the_servers_words_without_its_version() {
        let text = "Code: 395. DB::Exception: Value passed to 'throwIf': while executing 'f(x)'. (FUNCTION_THROW) \
                    (version 25.3.1.1 (official build))";
        assert_eq!(explain(text), "the server answered with error 395: Value passed to 'throwIf'");
        assert!(explain("<html>").ends_with("not from ClickHouse"));
    }
}
