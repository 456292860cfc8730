//! The fuzz targets, for libFuzzer (`tests/fuzz`) and for a bounded run on stable Rust (`cargo run -p
//! candor-tests --bin fuzz_bounded`). Each accepts any bytes and panics if a guarantee is violated.

mod grammar;
mod keys;
mod values;

pub use grammar::grammar;
pub use keys::keys;
pub use values::{escape, headers, json, text, url};

/// A fuzz target, which panics if an input violates a guarantee.
pub type Target = fn(&[u8]);

/// The fuzz targets by name.
pub const TARGETS: [(&str, Target); 7] = [
    ("escape", escape),
    ("grammar", grammar),
    ("headers", headers),
    ("json", json),
    ("keys", keys),
    ("text", text),
    ("url", url),
];

/// A secret made of characters that the random text does not contain.
const CANARY: &str = "Zq7xKw9VtPm3";

/// Names that are sensitive in any combination.
const NAMES: [&str; 8] = [
    "password",
    "dbPass",
    "X-Api-Key",
    "access_token",
    "client_secret",
    "cardNumber",
    "session_id",
    "privateKey",
];

/// The input as choices and text: choices take bytes from its start, and the rest is random text.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::from(self.byte()) % from.len()]
    }

    /// Takes text of at most this many bytes, without the canary.
    fn noise(&mut self, most: usize) -> String {
        let (head, rest) = self.0.split_at(self.0.len().min(most));
        self.0 = rest;
        String::from_utf8_lossy(head).replace(CANARY, "")
    }
}

/// Asserts that the text has no control character, line separator or bidirectional override.
fn assert_clean(text: &str) {
    let raw = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    assert!(!text.contains(raw), "a raw character in {text:?}");
}

fn assert_hidden(shown: &str, given: &str) {
    assert!(!shown.contains(&CANARY[..6]), "the canary of {given:?} stands in {shown:?}");
}
