//! Scans one text for secrets, from trigger to trigger.

use super::range::HiddenRange;
use super::trigger::Triggers;
use super::{card, flag, format, pair, tag, token, view};

/// An iterator over the secrets of a text. A secret may begin before one that was returned earlier.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The end of the last hidden range: names are not searched for before it.
    floor: usize,
    /// Hidden ranges that begin farther on, with text before them that is not inspected yet.
    ahead: Vec<(usize, usize)>,
    half: pair::HalfPair,
    /// Position of the last `<`.
    tag: Option<usize>,
    /// Positions of commas inside possible pairs. They are inspected like triggers.
    commas: Vec<usize>,
    /// The next token in a run of characters, and the end of the run.
    token: Option<(usize, usize)>,
    run_end: usize,
    wasted: usize,
    /// The bytes that were searched for the end of a bracket in vain.
    unclosed: usize,
    credentials: token::NoCredentials,
    has_escapes: bool,
    triggers: Triggers,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            floor: 0,
            ahead: Vec::new(),
            half: pair::HalfPair::default(),
            tag: None,
            commas: Vec::new(),
            token: None,
            run_end: 0,
            wasted: 0,
            unclosed: 0,
            credentials: token::NoCredentials::default(),
            has_escapes: false,
            triggers: Triggers::default(),
        }
    }

    /// Whether an escape was seen, inside the secrets or outside.
    pub(super) fn has_escapes(&self) -> bool {
        self.has_escapes
    }

    /// Notes the comma of the possible pair that the bracket at `at` opens.
    fn open(&mut self, at: usize) {
        if let Some(comma) = pair::comma(self.text.as_bytes(), at) {
            self.commas.retain(|&known| known > at);
            self.commas.push(comma);
        }
    }

    /// Continues after a hidden range.
    fn continue_at(&mut self, end: usize) {
        self.floor = self.floor.max(end);
        self.at = self.floor.max(self.at);
        // The hidden range ends with an open bracket.
        if matches!(self.text.as_bytes()[self.floor - 1], b'(' | b'[') {
            self.open(self.floor - 1);
        }
    }

    /// Whether the position is in a range that was hidden before the text that precedes it was inspected.
    fn is_hidden(&mut self, at: usize) -> bool {
        let end = self.ahead.iter().filter(|range| range.0 <= at).map(|range| range.1).max();
        self.ahead.retain(|range| range.0 > at);
        let Some(end) = end else { return false };
        self.continue_at(end);
        end > at
    }

    /// Returns the next position to inspect.
    fn next_position(&mut self) -> Option<usize> {
        let trigger = self.triggers.next(self.text.as_bytes(), self.at);
        if self.commas.is_empty() && self.token.is_none() {
            return trigger;
        }
        let token = self.token.map(|(start, _)| start);
        let noted = self.commas.iter().copied().chain(token).filter(|&at| at >= self.at);
        noted.chain(trigger).min()
    }

    /// Returns the secret at the position `at`. Adjacent bytes rule out most detectors.
    fn inspect(&mut self, at: usize) -> Option<HiddenRange> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        if let Some((start, end)) = self.token.filter(|token| token.0 <= at) {
            self.token = format::next_token(bytes, end, self.run_end);
            if start == at {
                return Some(HiddenRange::new(start, end).found_by("token format"));
            }
        }
        if at >= self.run_end
            && let Some((start, end)) = format::run_around(bytes, at)
        {
            self.run_end = end;
            self.token = format::next_token(bytes, start.max(self.floor), end);
            if let Some((start, end)) = self.token.filter(|token| token.0 <= at) {
                self.token = format::next_token(bytes, end, self.run_end);
                return Some(HiddenRange::new(start, end).found_by("token format"));
            }
        }
        let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(0);
        let by = |detector| move |range: HiddenRange| range.found_by(detector);
        match bytes[at] {
            b'\\' | b'&' | b'%' | 0x1b => {
                self.has_escapes = self.has_escapes || view::is_escape(text, at);
                None
            }
            b'\t' => pair::column(text, self.floor, at).map(by("table")),
            b'=' | 0xef => pair::value(text, self.floor, at, &mut self.half)
                .or_else(|| pair::form_part(text, at).map(by("form"))),
            b'`' => (before == b' ').then(|| token::serde_echo(text, at))?.map(by("serde error")),
            b':' => {
                let url = (after == b'/')
                    .then(|| token::url_credentials(text, at, &mut self.credentials))
                    .flatten()
                    .map(by("url credentials"));
                let echoed = || (before == b'e').then(|| token::serde_echo(text, at)).flatten();
                url.or_else(|| echoed().map(by("serde error")))
                    .or_else(|| pair::value(text, self.floor, at, &mut self.half))
                    .or_else(|| token::login(text, self.floor, at).map(by("url credentials")))
            }
            b'<' if matches!(after, b'-' | b'>') => {
                pair::value(text, self.floor, at, &mut self.half)
            }
            b'<' => {
                self.tag = Some(at);
                None
            }
            b'>' => tag::element(text, self.floor, self.tag?, at, &mut self.wasted).map(by("tag")),
            b'|' => pair::cell(text, self.floor, at).map(by("table")),
            b',' => pair::tuple(text, self.floor, at, &mut self.wasted),
            opener @ (b'(' | b'[') => {
                self.open(at);
                if opener == b'[' {
                    return None;
                }
                pair::columns(text, self.floor, at)
                    .or_else(|| pair::listed(text, self.floor, at))
                    .map(by("statement"))
                    .or_else(|| pair::setter(text, self.floor, at).map(by("call")))
                    .or_else(|| {
                        pair::constructor(text, self.floor, at, &mut self.unclosed).map(by("type"))
                    })
            }
            b'\'' | b'"' => pair::statement(text, at).map(by("statement")),
            b'{' => pair::constructor(text, self.floor, at, &mut self.unclosed).map(by("type")),
            b'-' if after == b'>' => pair::value(text, self.floor, at, &mut self.half),
            b'-' if before != b'-' => token::private_key(text, at)
                .map(by("private key"))
                .or_else(|| flag::value(text, at).map(by("flag"))),
            b'B' | b'b' => token::scheme(text, at).map(by("bearer")),
            b'P' | b'p' => pair::word(text, self.floor, at).map(by("password in words")),
            b'0'..=b'9' => {
                // A run of digits is checked once, from its start.
                self.at = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                card::number(bytes, at).map(|end| HiddenRange::new(at, end).found_by("card number"))
            }
            _ => None,
        }
    }
}

impl Iterator for Scanner<'_> {
    type Item = HiddenRange;

    fn next(&mut self) -> Option<HiddenRange> {
        let bytes = self.text.as_bytes();
        while let Some(at) = self.next_position() {
            self.at = at + 1;
            if !self.ahead.is_empty() && self.is_hidden(at) {
                continue;
            }
            if let Some(secret) = self.inspect(at) {
                // User input may open a quote or bracket that a later line closes. That line may hold another
                // secret, so it is inspected again; no line is inspected more than twice.
                let hidden = &bytes[secret.start..secret.end];
                let line = hidden.iter().rposition(|&byte| byte == b'\n');
                let end = line.map_or(secret.end, |line| secret.start + line + 1);
                // A view may show that the value goes on: `password =&gt; x`.
                self.has_escapes |= bytes
                    .get(at.min(secret.start)..secret.end)
                    .is_some_and(|seen| seen.iter().any(|byte| b"\\%&\x1b".contains(byte)));
                let between = bytes.get(self.at..secret.start).unwrap_or_default();
                if between.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
                    self.ahead.retain(|&(start, _)| start != secret.start);
                    self.ahead.push((secret.start, end));
                } else {
                    self.continue_at(end);
                }
                return Some(secret);
            }
        }
        self.at = bytes.len();
        None
    }
}
