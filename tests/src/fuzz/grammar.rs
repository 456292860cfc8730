//! Pairs of a name and a value, as many programs print them, and escaped several times, against a naive oracle: the
//! value must not be shown.

use candor::scrub;

use super::{CANARY, Input, NAMES, assert_hidden};

/// Characters that a password may contain and that end no value.
const INSIDE: [&str; 16] =
    ["!", "$", "#", "(", ")x", "[", "{a}b", "^", "*", "+", "/", "~", "=", "é", "%41", "..x"];

/// What a secret looks like before and after its name: `{n}` is the name and `{v}` the value.
const PAIRS: [&str; 34] = [
    "{n}={v}",
    "{n}: {v}",
    "{n} = {v}",
    "{n}\t=\t{v}",
    "{n} => {v}",
    "{n} -> {v}",
    "\"{n}\":\"{v}\"",
    "'{n}': '{v}'",
    "{\"{n}\": \"{v}\", \"user\": 7}",
    "{\"name\": \"{n}\", \"type\": \"text\", \"value\": \"{v}\"}",
    "{\"value\": \"{v}\", \"name\": \"{n}\"}",
    "Setting { name: \"{n}\", value: Some(\"{v}\") }",
    "(\"{n}\", \"{v}\")",
    "[\"{n}\", \"{v}\"]",
    "--{n} {v}",
    "--{n}={v}",
    "\"--{n}\" \"{v}\"",
    "[\"--{n}\", \"{v}\"]",
    "<{n}>{v}</{n}>",
    "<add key=\"{n}\" value=\"{v}\"/>",
    "<name>{n}</name><value>{v}</value>",
    "<entry key=\"{n}\">{v}</entry>",
    "Content-Disposition: form-data; name=\"{n}\"\r\n\r\n{v}\r\n--b--",
    "Key (id, {n})=(7, {v}) already exists.",
    "INSERT INTO t (id, {n}) VALUES (7, '{v}')",
    "{n}:\n  - {v}\n  - {v}",
    "{n}: |\n  {v}\n  {v}\nuser: 7",
    "| {n} | {v} |",
    "{n} := \"{v}\"",
    "map[{n}:{v} user:7]",
    "{User:ada {n}:{v}}",
    "?page=1&{n}={v}&user=7",
    "export {n}='{v}'",
    "Server=db;{n}={v};Port=1",
];

fn escaped(text: &str, how: u8) -> String {
    match how % 6 {
        0 => format!("{text:?}"),
        1 => serde_json::Value::from(text).to_string(),
        2 => text
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect(),
        3 => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
        4 => format!("\u{1b}[2m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

/// A value under a sensitive name is hidden in every way of writing the pair, whatever it contains, and escaped up to
/// three times.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn grammar(data: &[u8]) {
    let mut input = Input(data);
    let (name, pair) = (*input.pick(&NAMES), *input.pick(&PAIRS));
    let mut value = CANARY.to_owned();
    // In brackets, quotes and tags the value may not contain their end.
    let is_bare = matches!(pair, "{n}={v}" | "{n}: {v}" | "{n} = {v}" | "--{n}={v}" | "{n} => {v}");
    if is_bare {
        for _ in 0..input.byte() % 4 {
            value = format!("{}{}{CANARY}", value, input.pick(&INSIDE));
        }
    }
    let before =
        ["", "ok ", "failed: ", "(", "x=1 ", "a\n", "t\t", "[7] "][usize::from(input.byte() % 8)];
    let after = ["", " done", "\nnext: 1", ", n=1", " (7)"][usize::from(input.byte() % 5)];
    let mut text = format!("{before}{}{after}", pair.replace("{n}", name).replace("{v}", &value));
    for _ in 0..input.byte() % 4 {
        text = escaped(&text, input.byte());
    }
    assert_hidden(&scrub::text(&text), &text);
    let value = serde_json::json!({ "note": text, "list": [text] });
    assert_hidden(&scrub::json(&value).to_string(), &text);
}
