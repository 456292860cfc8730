//! Arguments of command lines: `--password value`, `"--password", "value"`, `curl -u user:value`.

use super::name::{FoundName, LONGEST_NAME, Separator, in_name, is_quote};
use super::range::{HiddenRange, run};
use super::value::NamedValue;
use crate::redact::keys::hides;

/// Programs whose short flags take a secret, with the flags. A flag that ends in `=` takes it without a blank only.
#[rustfmt::skip]
const PROGRAMS: [(&str, &[&str]); 22] = [
    ("curl", &["-u", "-u=", "--user", "-U", "--proxy-user"]), ("mysql", &["-p="]), ("mysqldump", &["-p="]),
    ("mysqladmin", &["-p="]), ("mariadb", &["-p="]), ("sshpass", &["-p", "-p="]), ("docker", &["-p"]), ("podman", &["-p"]),
    ("redis-cli", &["-a"]), ("mongo", &["-p"]), ("mongosh", &["-p"]), ("mongodump", &["-p"]), ("ldapsearch", &["-w"]),
    ("ldapadd", &["-w"]), ("ldapmodify", &["-w"]), ("ldapwhoami", &["-w"]), ("smbclient", &["-U"]), ("sqlcmd", &["-P"]),
    ("http", &["-a", "--auth"]), ("https", &["-a", "--auth"]), ("psexec", &["-p"]), ("az", &["-p"]),
];

/// Returns the value of the argument whose first dash is at `at`.
pub(super) fn value(text: &str, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).map(|before| bytes[before]);
    if before.is_some_and(|byte| !(byte <= b' ' || is_quote(byte) || b"[(=,".contains(&byte))) {
        return None;
    }
    let near = &bytes[..bytes.len().min(at + LONGEST_NAME)];
    let end = run(near, at, in_name);
    let name = &text[at..end];
    let bare = name.strip_prefix("--").or_else(|| name.strip_prefix('-'))?;
    if !bare.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    // `mysql -psecret`, before `-psecret` is taken for a name.
    if let Some(attached) = attached(text, at, end) {
        return Some(attached);
    }
    let is_secret = hides(bare);
    // `curl -sSu`: the last letter is the flag that takes a value.
    let last = bare.chars().next_back().filter(|_| !name.starts_with("--"));
    let short = last.map(|letter| format!("-{letter}"));
    let flag = short.as_deref().unwrap_or(name);
    let is_short = bare.len() <= 4 || name.starts_with("--");
    if !is_secret && (!is_short || !takes_secret(&text[..at], flag)) {
        return None;
    }
    // Arguments may be printed as a list of strings.
    let quote = before.filter(|&byte| is_quote(byte) && bytes.get(end) == Some(&byte));
    let mut start = end + usize::from(quote.is_some());
    if quote.is_some() && bytes.get(start) == Some(&b',') {
        start += 1;
    }
    if bytes.get(start) == Some(&b'=') && !is_secret {
        start += 1;
    } else {
        let blanks = run(bytes, start, |byte| byte.is_ascii_whitespace() || byte == 0);
        if blanks == start {
            return None;
        }
        // The next line is an argument of its own in a list of YAML only.
        if bytes[start..blanks].contains(&b'\n') && !bytes[blanks..].starts_with(b"- ") {
            return None;
        }
        start = blanks;
    }
    // A list of YAML, and of auditd: `a1="--password" a2="…"`.
    if bytes[start..].starts_with(b"- ") {
        start += 2;
    } else if let [b'a', b'0'..=b'9', b'=', b'"', ..] = bytes[start..] {
        start += 3;
    }
    let first = *bytes.get(start)?;
    let word = &bytes[start..run(bytes, start, |byte| byte > b' ')];
    let is_option = first == b'-'
        && word[1..].iter().all(|byte| byte.is_ascii_lowercase() || b"-=".contains(byte));
    if is_option || quote.is_some() && !is_quote(first) || is_placeholder(text, start, bare) {
        return None;
    }
    argument(text, start).filter(|it| {
        is_secret
            || bytes[it.start..it.end].contains(&b':')
            || !matches!(flag, "-u" | "--user" | "-U" | "--proxy-user")
    })
}

/// Returns the value of `mysql -pvalue`.
fn attached(text: &str, at: usize, end: usize) -> Option<HiddenRange> {
    let flag =
        text.get(at..at + 2).filter(|_| end > at + 2 || text[end..].starts_with(['\'', '"']))?;
    takes_secret(&text[..at], &format!("{flag}=")).then(|| argument(text, at + 2)).flatten()
}

fn argument(text: &str, start: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let name = FoundName { text: "", start, is_quoted: false, bytes, floor: start };
    let separator = Separator { at: start, end: start, colon: false };
    NamedValue { text, name: &name, separator: &separator }.secret()
}

/// Whether the line names, before the flag, a program for which the flag takes a secret.
fn takes_secret(before: &str, flag: &str) -> bool {
    const FARTHEST: usize = 256;
    let near = &before.as_bytes()[before.len().saturating_sub(FARTHEST)..];
    let line = near.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    line.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))).any(|word| {
        PROGRAMS.iter().any(|(program, flags)| program.as_bytes() == word && flags.contains(&flag))
    })
}

/// Whether the value is the name of a value, as in a description of usage: `--token <TOKEN>`, `--token TOKEN`.
fn is_placeholder(text: &str, at: usize, name: &str) -> bool {
    let near = &text.as_bytes()[at..text.len().min(at + LONGEST_NAME)];
    let length = run(near, 0, |byte| in_name(byte) || byte == b'<' || byte == b'>');
    let word = &near[..length];
    let is_shout = |word: &[u8]| {
        !word.is_empty()
            && word.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
    };
    match word {
        [b'<', inner @ .., b'>'] => !inner.is_empty(),
        _ => {
            is_shout(word) && {
                let name = name.as_bytes().rsplit(|&byte| byte == b'-').next().unwrap_or_default();
                let end = word.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
                end.eq_ignore_ascii_case(name)
            }
        }
    }
}
