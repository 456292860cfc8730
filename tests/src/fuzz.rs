//! What the fuzz targets check, for libFuzzer (`tests/fuzz`) and for a bounded run on a stable toolchain
//! (`cargo run -p candor-tests --bin fuzz_bounded`). Each takes any bytes and panics where a promise breaks.

mod keys;
mod values;

pub use keys::keys;
pub use values::{escape, headers, json, text, url};

/// A target, which panics where an input breaks a promise.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("escape", escape),
    ("headers", headers),
    ("json", json),
    ("keys", keys),
    ("text", text),
    ("url", url),
];

/// A secret that is made of nothing the noise around it could hold.
const CANARY: &str = "Zq7xKw9VtPm3";

/// Names that are sensitive in whatever company.
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

/// The input as choices and text: bytes are taken from its start, what is left is the noise.
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

    /// Text of up to so many bytes, without the canary.
    fn noise(&mut self, most: usize) -> String {
        let (head, rest) = self.0.split_at(self.0.len().min(most));
        self.0 = rest;
        String::from_utf8_lossy(head).replace(CANARY, "")
    }
}

/// No control character, no line separator, nothing that turns text around.
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
