//! The key rule, compared with a second implementation of parts of it.

use candor::keys::is_sensitive;

use super::Input;

/// Words that the key rule knows, and others.
const WORDS: [&str; 24] = [
    "password", "secret", "token", "key", "api", "access", "card", "number", "session", "id",
    "user", "order", "count", "type", "is", "has", "max", "pin", "code", "otp", "prompt", "public",
    "db", "cookie",
];
/// Words that match anywhere, unless the first or the last word revokes the match.
const STRONG: [&str; 4] = ["password", "secret", "cookie", "otp"];
const FIRST: [&str; 4] = ["is", "has", "max", "count"];
const LAST: [&str; 4] = ["count", "type", "max", "prompt"];

/// A name of known words is classified alike in every spelling; any other name must not panic.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn keys(data: &[u8]) {
    let mut input = Input(data);
    let words: Vec<&str> = (0..=input.byte() % 4).map(|_| *input.pick(&WORDS)).collect();
    let hidden = is_sensitive(&words.join("_"));
    for spelled in spellings(&words) {
        assert_eq!(is_sensitive(&spelled), hidden, "{spelled:?} is not judged as {words:?}");
    }
    let (first, last) = (words[0], words[words.len() - 1]);
    if words.iter().any(|word| STRONG.contains(word))
        && !FIRST.contains(&first)
        && !LAST.contains(&last)
    {
        assert!(hidden, "{words:?} is shown");
    }
    if FIRST.contains(&first) {
        assert!(!hidden, "{words:?} is hidden");
    }

    let name = input.noise(256);
    let hidden = is_sensitive(&name);
    let wide: String = name.chars().flat_map(|c| [c, '\u{200b}']).collect();
    // If removing characters joins a `%` with two digits or splits a character, it is another name.
    if name.is_ascii() && !name.contains('%') {
        assert_eq!(is_sensitive(&wide), hidden, "zero-width characters change {name:?}");
        let encoded: String = name
            .bytes()
            .flat_map(|byte| format!("%{byte:02X}").into_bytes())
            .map(char::from)
            .collect();
        assert_eq!(is_sensitive(&encoded), hidden, "percent-encoding changes {name:?}");
    }
}

fn spellings(words: &[&str]) -> Vec<String> {
    let capital = |word: &&str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    let camel: String = words.iter().map(capital).collect();
    let full_width = |c: char| match c {
        'a'..='z' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        c => c,
    };
    let mut all: Vec<String> =
        ["-", ".", " ", "__", "/", "[", "\u{a0}"].iter().map(|by| words.join(by)).collect();
    all.push(words.join("-").to_uppercase());
    all.push(words.join("_").to_uppercase());
    all.push(format!("{}{}", camel[..1].to_lowercase(), &camel[1..]));
    all.push(camel);
    all.push(words.join("_").chars().map(full_width).collect());
    all.push(format!("{}2", words.join("_")));
    all.push(format!("_{}", words.join("_")));
    all
}
