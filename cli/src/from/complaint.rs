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
/// The most shards that are named.
const MAX_HOSTS: usize = 3;
/// The longest `HOST:PORT` that is named.
const MAX_HOST: usize = 260;
/// A shorter password is part of too many words to be replaced in them.
const MIN_REPLACED: usize = 4;

/// The user and the password, which a server may repeat in its errors.
#[derive(Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(user: Option<&str>, password: Option<&str>) -> Self {
        let user = user.filter(|user| user.chars().count() >= MIN_REPLACED && *user != "default");
        let mut known = Vec::new();
        for secret in user.into_iter().chain(password).filter(|secret| !secret.is_empty()) {
            let in_sql = secret.replace('\\', "\\\\").replace('\'', "\\'");
            known.extend([in_json(secret), in_json(&in_sql), in_sql, secret.to_owned()]);
        }
        // One may contain the other.
        known.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        known.dedup();
        Secrets(known)
    }

    /// The text without the secrets; an empty one if that is not possible.
    fn redact(&self, text: &str) -> String {
        let found = self.0.iter().filter(|secret| text.contains(secret.as_str()));
        if found.clone().any(|secret| secret.chars().count() < MIN_REPLACED) {
            return String::new();
        }
        found.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[REDACTED]"))
    }
}

/// The text as part of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Whether a line of a response begins an error.
pub(super) fn is_one(line: &[u8]) -> bool {
    [&b"Code: "[..], b"\"exception\":", b"__exception__", b"DB::Exception"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The text for an error, to complete `can't read …`.
pub(super) fn explain(text: &str, secrets: &Secrets) -> String {
    let code = text.find("Code: ").and_then(|at| number(&text[at + 6..]));
    let text = &secrets.redact(text);
    let text = without_query(text);
    match code {
        Some(60 | 81) => "the table does not exist; check DATABASE.TABLE in the URL".to_owned(),
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
            [some @ .., last] if some.len() < MAX_HOSTS => {
                format!("shards {} and {last} do not answer", some.join(", "))
            }
            hosts => {
                let (some, others) = hosts.split_at(MAX_HOSTS);
                format!("shards {} and {} others do not answer", some.join(", "), others.len())
            }
        },
        Some(158..=160 | 307) => {
            "the query exceeds the user's limits; use --since to read less".to_owned()
        }
        Some(241) => {
            "the server does not have enough memory for the query; use --since to read less"
                .to_owned()
        }
        Some(code) => match words(text).as_str() {
            "" => format!("the server responded with error {code}"),
            words => format!("the server responded with error {code}: {words}"),
        },
        None => "the server responded with an error that is not from ClickHouse".to_owned(),
    }
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The text before the query, which contains the requested ids.
fn without_query(text: &str) -> &str {
    let query = text.to_ascii_lowercase().find("select ");
    &text[..query.unwrap_or(text.len())]
}

/// The server's own message, without its version and the parts of the query that a parser names.
fn words(text: &str) -> String {
    let text = text.split_once("Exception: ").map_or(text, |(_, words)| words);
    let ends = [
        ", e.what()",
        " (version ",
        "\\n",
        "\\r",
        ": While processing",
        ": while ",
        ": failed at position",
        "(line ",
        "(in query",
        ": In scope",
    ];
    let end = ends
        .into_iter()
        .filter_map(|end| text.find(end))
        .chain(text.find(char::is_control))
        .min()
        .unwrap_or(text.len());
    let words: String = text[..end].chars().take(MAX_WORDS).collect();
    words.trim_end_matches(['.', ' ', '"', ',', ':', '(']).to_owned()
}

/// Each distinct `HOST:PORT` in an error: `Connection refused: (127.0.0.1:19001, 127.0.0.1)`.
fn hosts(text: &str) -> Vec<&str> {
    let is_separator = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    let mut hosts = Vec::new();
    for word in text.split(is_separator).map(|word| word.trim_end_matches([':', '.'])) {
        let Some((host, port)) = word.rsplit_once(':') else { continue };
        let is_address = host.contains(|c: char| c.is_ascii_alphabetic() || c == '.')
            && !host.contains(':')
            && word.len() <= MAX_HOST
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

    fn explain(text: &str) -> String {
        super::explain(text, &Secrets::new(Some("reader"), Some("pa55 'w\\d")))
    }

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
        assert_eq!(explain(text), "the server responded with error 395: Value passed to 'throwIf'");
        assert!(explain("<html>").ends_with("not from ClickHouse"));
        let in_json = "\"exception\": \"Code: 395. DB::Exception: Value passed.\",\r\n}";
        assert_eq!(explain(in_json), "the server responded with error 395: Value passed");
    }

    #[test]
    fn neither_credentials_nor_the_query_are_repeated() {
        for (words, wanted) in [
            (
                "user reader and key pa55 'w\\d are new",
                ": user [REDACTED] and key [REDACTED] are new",
            ),
            (r"key 'pa55 \'w\\d'", ": key '[REDACTED]'"),
            (r"key 'pa55 \\'w\\\\d'", ": key '[REDACTED]'"),
            ("Bad: SELECT line FROM t where request_id >= 'r-1'", ": Bad"),
            ("select line from t", ""),
            ("Syntax error: failed at position 9 ('r-1') (line 1, col 9): 'r-1'", ": Syntax error"),
        ] {
            let wanted = format!("the server responded with error 999{wanted}");
            assert_eq!(explain(&format!("Code: 999. DB::Exception: {words}")), wanted);
        }
        // A password of one character can't be cut out of words.
        let short = super::explain("Code: 999. DB::Exception: xyz", &Secrets::new(None, Some("x")));
        assert_eq!(short, "the server responded with error 999");
    }

    #[test]
    fn at_most_three_shards_are_named() {
        let refused = |count: u8| {
            let hosts = (1..=count).map(|host| format!(" refused (ch-{host}:9000)"));
            explain(&format!("Code: 279. DB::NetException:{}", hosts.collect::<String>()))
        };
        assert_eq!(refused(2), "shards ch-1:9000 and ch-2:9000 do not answer");
        assert_eq!(refused(3), "shards ch-1:9000, ch-2:9000 and ch-3:9000 do not answer");
        assert_eq!(refused(5), "shards ch-1:9000, ch-2:9000, ch-3:9000 and 2 others do not answer");
    }
}
