//! Attributes as `ClickHouse` writes them as text.
//!
//! `{'a':'b'}` is a `Map`, `[('a','b')]` an `Array(Tuple)` and `([('a','b')])` one within a tuple. All are quoted
//! strings, of which each second one is a value.

/// The pairs of names and values.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let mut strings = Strings { rest: text };
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        pairs.push((name, value));
    }
    pairs
}

/// The quoted strings of a text.
struct Strings<'a> {
    rest: &'a str,
}

impl Iterator for Strings<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let start = self.rest.find('\'')?;
        let mut string = String::new();
        let mut chars = self.rest[start + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.rest = &self.rest[start + 2 + at..];
                    return Some(string);
                }
                '\\' => string.extend(chars.next().map(|(_, c)| unescaped(c))),
                c => string.push(c),
            }
        }
        self.rest = "";
        None
    }
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_types_of_attributes_have_the_same_pairs() {
        let wanted = [("a", "it's\n\\"), ("b", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        for text in [
            r"{'a':'it\'s\n\\','b':''}",
            r"[('a','it\'s\n\\'),('b','')]",
            r"([('a','it\'s\n\\'),('b','')])",
        ] {
            assert_eq!(pairs(text), wanted, "{text}");
        }
        assert_eq!(pairs("{}"), []);
        assert_eq!(pairs(r"{'a':'cut"), []);
        assert_eq!(pairs(r"{'a':'cut\"), []);
    }
}
