//! A fast reject for names: the three letters that words of the key rule end in.

use super::roles::{DECISIVE, LISTS, TAILS};
use super::words::{Word, Words};

/// A set of three-letter endings. A name is not one of the set's names if none of its words has such an ending; if one
/// has, it may be one of them.
pub(crate) struct WordEndings {
    /// Indexed by the two letters before the last one; a bit for each last letter.
    last: [u32; 1 << 10],
}

impl WordEndings {
    /// The endings of the words that [the rule](super::rule::is_sensitive) needs to find a name sensitive.
    pub(crate) const fn of_sensitive() -> Self {
        let mut ends = Self { last: [0; 1 << 10] };
        let mut list = 0;
        while list < LISTS.len() {
            let (role, words) = LISTS[list];
            let mut words = Words::of(words);
            while let Some(word) = words.next() {
                if role & DECISIVE != 0 {
                    ends.add(&word);
                }
            }
            list += 1;
        }
        ends.and(&TAILS)
    }

    /// Adds the endings of the last words of these names.
    pub(crate) const fn and(mut self, names: &[&str]) -> Self {
        let mut name = 0;
        while name < names.len() {
            let mut words = Words::of(names[name]);
            let mut last = words.next();
            while let Some(word) = words.next() {
                last = Some(word);
            }
            if let Some(word) = last {
                self.add(&word);
            }
            name += 1;
        }
        self
    }

    const fn add(&mut self, word: &Word) {
        let (mut from, mut to) = (slot(word.letter(2), word.letter(1)), 0);
        // Any letter may precede a word of two letters.
        if word.len < 3 {
            (from, to) = (slot(0, word.letter(1)), 31);
        }
        if word.len < 2 {
            (from, to) = (0, (1 << 10) - 1);
        }
        let step = if word.len == 2 { 32 } else { 1 };
        let mut more = 0;
        while more <= to {
            self.last[from + more * step] |= 1 << (word.letter(0) & 31);
            more += 1;
        }
    }

    #[inline]
    fn has(&self, third: u8, second: u8, last: u8) -> bool {
        self.last[slot(third, second)] >> (last & 31) & 1 != 0
    }

    /// Returns the start of the name that ends at `end`, and whether one of its words has one of the endings. The name
    /// consists of ASCII letters, digits, `_`, `-` and `.`; for other names the result is `None`.
    #[inline]
    pub(crate) fn plain_name(&self, bytes: &[u8], end: usize) -> Option<(usize, bool)> {
        const FARTHEST: usize = 48;
        let letter = |at: usize, back: usize| at.checked_sub(back).map_or(0, |at| bytes[at]);
        let limit = end.saturating_sub(FARTHEST);
        let mut has = false;
        // A word does not end before a lower-case letter.
        let mut lower_follows = false;
        for at in (limit..end).rev() {
            let byte = bytes[at];
            if byte.is_ascii_alphabetic() {
                let (second, third) = (letter(at, 1), letter(at, 2));
                if !lower_follows {
                    let plural = byte | 0x20 == b's' && self.has(letter(at, 3), third, second);
                    has |= plural || self.has(third, second, byte);
                }
                // The rule finds `password` anywhere in a word, and few other words contain `sw`.
                has |= byte | 0x20 == b'w' && second | 0x20 == b's';
                lower_follows = byte & 0x20 != 0;
            } else if byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.') {
                lower_follows = false;
            } else {
                return Some((at + 1, has));
            }
        }
        (limit == 0).then_some((0, has))
    }
}

const fn slot(third: u8, second: u8) -> usize {
    (third as usize & 31) << 5 | second as usize & 31
}
