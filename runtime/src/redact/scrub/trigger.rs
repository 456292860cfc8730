//! Finds the positions of a text that can belong to a secret.
//!
//! Each kind of secret contains a character that is rare in clean text, its trigger. Only triggers are inspected.
//!
//! Scrubbing takes linear time: an inspection reads a bounded distance, or over bytes that it then hides; the few searches
//! for an end that may be missing stop after a few times as many bytes as the text has (`wasted`), or remember that there
//! is none. The test `scrubbing_time_is_linear` repeats each construct.

use super::card;
use super::format::{SHORTEST_RUN, next_token, run_around};

/// An iterator over the triggers of a text, which it reads a few blocks ahead.
#[derive(Default)]
pub(super) struct Triggers {
    /// The triggers of the current block that are left, a bit for each byte, and the block's start.
    here: u64,
    begin: usize,
    /// The positions of the block at which a run of characters with a token begins.
    tokens: u64,
    filter: Filter,
    /// The blocks that were read ahead, and the range of the text that they cover.
    blocks: [Classes; BLOCKS],
    first: usize,
    end: usize,
}

/// Whether no part of the text can be a secret.
///
/// It is a fast path of [`Triggers`] for most texts, and may find a trigger where they find none.
#[inline]
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(is_clean) = avx2::is_clean(bytes) {
        return is_clean;
    }
    has_no_trigger(bytes)
}

#[inline(never)]
pub(super) fn has_no_trigger(bytes: &[u8]) -> bool {
    Triggers::default().next(bytes, 0).is_none()
}

/// Bytes that are triggers regardless of the bytes around them. The last list has the
/// tab and the beginning of a full-width sign.
const ALONE: [&[u8]; 5] = [b"=:<>", b"\"%&'(-", b"[\\{|_\x1b", b"`", b"\t\xef"];
/// Bytes that are triggers if four characters that are not blanks follow: the first letters of `Basic` and
/// `password`.
const FOLLOWED: [&[u8]; 2] = [b"Bb", b"Pp"];

/// The most blanks between a keyword of SQL and its string.
const LONGEST_GAP: usize = 64;

const BLOCK: usize = 64;
/// Enough for most texts. Reading them without a branch in between lets the CPU overlap the reads.
const BLOCKS: usize = 4;

impl Triggers {
    /// Returns the first trigger from `from` on. `from` must not decrease from call to call.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let (mut here, mut begin) = (self.here, self.begin);
        loop {
            while here != 0 {
                let bit = here.trailing_zeros();
                let at = begin + bit as usize;
                let others = here & (here - 1);
                // Most triggers of clean text are letters.
                let is_trigger = match bytes[at..].first_chunk() {
                    Some(head) if is_letter(*head) => begins_keyword(bytes, at, *head),
                    _ => self.filter.may_be_secret(bytes, at),
                };
                if (is_trigger || self.tokens >> bit & 1 != 0) && at >= from {
                    (self.here, self.begin) = (here, begin);
                    return Some(at);
                }
                here = others;
            }
            begin += BLOCK;
            if begin >= self.end {
                begin = from.max(self.end);
                if begin >= bytes.len() {
                    (self.here, self.begin) = (0, begin);
                    return None;
                }
                self.read(bytes, begin);
            }
            let block = &self.blocks[(begin - self.first) / BLOCK % BLOCKS];
            here = block.triggers();
            self.tokens = 0;
            let runs = block.runs();
            here |= self.find_tokens(bytes, begin, runs);
        }
    }

    /// Keeps the positions, of runs of characters in a block, whose run has a token.
    fn find_tokens(&mut self, bytes: &[u8], begin: usize, mut runs: u64) -> u64 {
        while runs != 0 {
            let at = begin + runs.trailing_zeros() as usize;
            if is_run(bytes, at) && self.filter.has_token(bytes, at) {
                self.tokens |= runs & runs.wrapping_neg();
            }
            runs &= runs - 1;
        }
        self.tokens
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], from: usize) {
        #[cfg(target_arch = "x86_64")]
        if avx2::read(self, bytes, from) {
            return;
        }
        self.read_one_by_one(bytes, from);
    }

    #[inline(never)]
    fn read_one_by_one(&mut self, bytes: &[u8], from: usize) {
        self.read_with(bytes, from, |bytes, at| {
            one_by_one(&bytes[at..bytes.len().min(at + BLOCK)])
        });
    }

    /// `classes` returns the classes of the block at a position. The last block may be shorter.
    #[inline(always)]
    fn read_with(&mut self, bytes: &[u8], from: usize, classes: impl Fn(&[u8], usize) -> Classes) {
        self.first = from;
        let mut at = from;
        for block in &mut self.blocks {
            *block = classes(bytes, at);
            at += BLOCK;
            if at >= bytes.len() {
                break;
            }
        }
        self.end = at.min(bytes.len());
    }
}

/// Rules most triggers out by the bytes beside them.
#[derive(Default)]
struct Filter {
    /// The end of the last run of characters that was searched for tokens, and whether it has one.
    searched: usize,
    has_token: bool,
}

impl Filter {
    /// Whether a token is in the run of characters at `at`.
    #[inline(never)]
    fn has_token(&mut self, bytes: &[u8], at: usize) -> bool {
        if at >= self.searched {
            let run = run_around(bytes, at);
            self.searched = run.map_or(at + 1, |(_, end)| end);
            self.has_token =
                run.is_some_and(|(start, end)| next_token(bytes, start, end).is_some());
        }
        self.has_token
    }

    /// Fast reject: the bytes beside most triggers of clean text rule a secret out.
    #[inline(never)]
    fn may_be_secret(&mut self, bytes: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        match bytes[at] {
            b'=' | b':' | b'<' | b'>' | b'%' | b'(' | b'[' | b'\\' | b'{' | 0x1b | b'`' | 0xef => {
                true
            }
            b'-' => {
                // Of a run of dashes only the first is inspected, which keeps the scan linear.
                let begins = !before.is_ascii_alphanumeric() && !matches!(before, b'_' | b'-');
                after == b'>' || begins && (after == b'-' || after.is_ascii_alphabetic())
            }
            // A string of SQL after `BY`, `AS`, `LIKE`, `REPLACE` or `=`, maybe on the next line.
            b'"' | b'\'' => {
                before.is_ascii_whitespace() && {
                    let mut words = bytes[..at].iter().rev().take(LONGEST_GAP);
                    let last = words.find(|byte| !byte.is_ascii_whitespace());
                    last.is_some_and(|last| matches!(last | 0x20, b'y' | b's' | b'e' | b'='))
                }
            }
            b'&' => after == b'#' || after.is_ascii_alphabetic(),
            b'|' => before == b' ' && after == b' ',
            b'\t' => before.is_ascii_alphanumeric(),
            b'0'..=b'9' => card::may_begin_number(bytes, at),
            b'_' => self.has_token(bytes, at),
            _ => false,
        }
    }
}

#[inline]
fn is_letter(head: [u8; 4]) -> bool {
    matches!(head[0] | 0x20, b'b' | b'p')
}

/// Whether `Bearer`, `Basic`, `password`, `passwd`, `passphrase` or `passcode` may begin here, and not `passed`.
#[inline]
fn begins_keyword(bytes: &[u8], at: usize, head: [u8; 4]) -> bool {
    match (u32::from_le_bytes(head) | 0x2020_2020) & 0xff_ffff {
        BEARER | BASIC => true,
        PASSWORD => bytes.get(at + 4).is_some_and(|byte| b"wpcWPC".contains(byte)),
        _ => false,
    }
}

/// Fast reject of the runs that end in the next block, of which most are too short.
#[inline]
fn is_run(bytes: &[u8], at: usize) -> bool {
    let solid = |eight: [u8; 8]| {
        const EACH: u64 = u64::from_le_bytes([1; 8]);
        let bytes = u64::from_le_bytes(eight);
        let low = (bytes & !(EACH << 7)) + EACH * u64::from(0x80 - FIRST_SOLID);
        (low | bytes) & (EACH << 7) == EACH << 7
    };
    // A run that begins in the block before may end soon.
    if at > 0 && bytes[at - 1] >= FIRST_SOLID {
        return true;
    }
    let Some(run) = bytes.get(at..at + SHORTEST_RUN) else { return false };
    let (Some(first), Some(last)) = (run.first_chunk(), run.last_chunk()) else { return false };
    solid(*first) && solid(*last)
}

const BEARER: u32 = u32::from_le_bytes([b'b', b'e', b'a', 0]);
const BASIC: u32 = u32::from_le_bytes([b'b', b'a', b's', 0]);
const PASSWORD: u32 = u32::from_le_bytes([b'p', b'a', b's', 0]);

/// For each class, a bit for each byte of the block that has it.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Classes {
    alone: u64,
    followed: u64,
    /// Bytes that names, keys and tokens consist of, and a few more.
    solid: u64,
    digits: u64,
}

impl Classes {
    /// Returns the positions at which a run begins that a token fits into, or that goes on in the next block; and the
    /// start of the block if a run may go on there.
    fn runs(self) -> u64 {
        let mut blank = !self.solid;
        for width in [1, 2, 4, SHORTEST_RUN - 8] {
            blank |= blank >> width;
        }
        !blank & !self.solid << 1 | self.solid & 1
    }

    /// Returns the triggers of the block. A trigger depends on the bytes after it. Those of the next block are not
    /// known here, and count as if they made it one.
    #[inline]
    fn triggers(self) -> u64 {
        let Self { alone, followed, solid, digits } = self;
        let mut blank = !solid;
        blank |= blank >> 1;
        blank |= blank >> 2;
        let found = alone | followed & !(blank >> 1);
        if digits == 0 {
            return found;
        }

        // A group of a card number has four to eight digits, and a second group follows.
        let mut others = !digits;
        others |= others >> 1;
        others |= others >> 2;
        let mut no_group = others;
        for width in [1, 2, 4] {
            no_group &= no_group >> width;
        }
        found | !others & !(no_group >> 4)
    }
}

/// The classes of a byte are the bits that `LOW` has for its lower half and `HIGH` for its upper half, because a CPU
/// can look up 32 halves at once. Some bytes get a class by accident and are inspected in vain.
const LOW: [u8; 16] = tables(DIGITS).0;
const HIGH: [u8; 16] = tables(DIGITS).1;
const DIGITS: &[u8] = b"0123456789";
const ALONE_BITS: u8 = 0x1f;
const FOLLOWED_BITS: u8 = 0x60;
const DIGIT: u8 = 0x80;
/// Control characters, the blank and three signs come before it.
pub(super) const FIRST_SOLID: u8 = b'$';

/// The same with marks in place of digits. A token has at least one, or `_`, which is a trigger: it is random, so it has a
/// digit or an upper-case letter, and hardly ever only those of the letters that do not fit into the table.
const MARKED_LOW: [u8; 16] = tables(MARKS).0;
const MARKED_HIGH: [u8; 16] = tables(MARKS).1;
const MARKS: &[u8] = b"0123456789ABCDEFGHIPQRSTUVWXY";

/// The same for the first three letters of keywords, in the highest three bits, and `_` among the first.
const KEYWORD_LOW: [u8; 16] = tables_of(&KEYWORDS).0;
const KEYWORD_HIGH: [u8; 16] = tables_of(&KEYWORDS).1;
const KEYWORDS: [&[u8]; 8] = [b"", b"", b"", b"", b"", b"AaSs", b"AaEe", b"BbPp"];

const fn tables(last: &[u8]) -> ([u8; 16], [u8; 16]) {
    let [zero, one, two, three, four] = ALONE;
    tables_of(&[zero, one, two, three, four, FOLLOWED[0], FOLLOWED[1], last])
}

const fn tables_of(classes: &[&[u8]; 8]) -> ([u8; 16], [u8; 16]) {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    let mut class = 0;
    while class < 8 {
        let members = classes[class];
        let mut at = 0;
        while at < members.len() {
            low[(members[at] & 0xf) as usize] |= 1 << class;
            high[(members[at] >> 4) as usize] |= 1 << class;
            at += 1;
        }
        class += 1;
    }
    (low, high)
}

/// Returns the classes of a block, which may be short.
fn one_by_one(block: &[u8]) -> Classes {
    let mut classes = Classes::default();
    for (at, &byte) in block.iter().enumerate() {
        let class = LOW[usize::from(byte & 0xf)] & HIGH[usize::from(byte >> 4)];
        let bit = |holds: bool| u64::from(holds) << at;
        classes.alone |= bit(class & ALONE_BITS != 0);
        classes.followed |= bit(class & FOLLOWED_BITS != 0);
        classes.solid |= bit(byte >= FIRST_SOLID);
        classes.digits |= bit(class & DIGIT != 0);
    }
    classes
}

/// The same with AVX2, 32 bytes at once.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a byte at a time, clean text costs a third of its line")]
mod avx2 {
    use core::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_adds_epu8, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8,
        _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_slli_epi16,
        _mm256_srli_epi16,
    };

    use super::{
        ALONE_BITS, BLOCK, Classes, FIRST_SOLID, FOLLOWED_BITS, Filter, HIGH, KEYWORD_HIGH,
        KEYWORD_LOW, LOW, MARKED_HIGH, MARKED_LOW, SHORTEST_RUN, Triggers, begins_keyword, card,
        card::SHORTEST_NUMBER, next_token,
    };

    const HALF: usize = BLOCK / 2;

    /// Reads the next blocks if the CPU has AVX2; returns whether it has.
    #[inline]
    pub(super) fn read(triggers: &mut Triggers, bytes: &[u8], from: usize) -> bool {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return false;
        }
        // SAFETY: the CPU has AVX2, the only feature that `read_avx2` requires.
        unsafe { read_avx2(triggers, bytes, from) };
        true
    }

    /// [`is_clean`](super::is_clean) if the CPU has AVX2.
    #[inline]
    pub(super) fn is_clean(bytes: &[u8]) -> Option<bool> {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return None;
        }
        // SAFETY: the CPU has AVX2, the only feature that `is_clean_avx2` requires.
        Some(unsafe { is_clean_avx2(bytes) })
    }

    #[target_feature(enable = "avx2")]
    fn is_clean_avx2(bytes: &[u8]) -> bool {
        /// Two bytes of the next window are read ahead, for the second and third letter of a keyword.
        const STEP: usize = HALF - 2;
        let mut filter = Filter::default();
        let mut at = 0;
        while let Some(window) = bytes[at..].first_chunk() {
            if !of_window(window).is_clean(&mut filter, bytes, at) {
                return false;
            }
            at += STEP;
            if at >= bytes.len() {
                return true;
            }
        }
        // The last bytes, together with some before them.
        match bytes.last_chunk() {
            Some(window) => of_window(window).is_clean(&mut filter, bytes, bytes.len() - HALF),
            None => {
                let mut padded = [0; HALF];
                padded[..bytes.len()].copy_from_slice(bytes);
                let mut window = of_window(&padded);
                // Text this short, such as the currency `EUR`, can't hold a card number or a token.
                if bytes.len() < SHORTEST_NUMBER.min(SHORTEST_RUN) {
                    window.marks = 0;
                }
                window.is_clean(&mut filter, bytes, 0)
            }
        }
    }

    /// A bit for each byte of a window.
    struct Window {
        triggers: u32,
        marks: u32,
        solid: u32,
    }

    impl Window {
        /// Whether no byte of the window, which begins at `from`, can belong to a secret.
        #[inline(always)]
        fn is_clean(&self, filter: &mut Filter, bytes: &[u8], from: usize) -> bool {
            let &Self { mut triggers, mut marks, solid } = self;
            while triggers != 0 {
                let at = from + triggers.trailing_zeros() as usize;
                let is_trigger = match bytes[at..].first_chunk::<4>() {
                    Some(head) if head[0].is_ascii_alphabetic() => begins_keyword(bytes, at, *head),
                    // `e-mail`.
                    Some([b'-', next, ..]) if at > 0 && bytes[at - 1].is_ascii_alphabetic() => {
                        *next == b'>'
                    }
                    _ => filter.may_be_secret(bytes, at),
                };
                if is_trigger {
                    return false;
                }
                triggers &= triggers - 1;
            }
            // The end of the last run of characters that was searched for tokens.
            let mut searched = 0;
            while marks != 0 {
                let first = marks.trailing_zeros();
                let number = (!(marks >> first)).trailing_zeros();
                let end = first + number;
                let others = marks.checked_shr(end).unwrap_or(0);
                let may_be_card = number > 8 || number >= 4 && (others & 0x1f != 0 || end > 26);
                if may_be_card && has_card(bytes, from + first as usize, from + end as usize) {
                    return false;
                }
                if first >= searched {
                    let start = 32 - (!solid & !(u32::MAX << first)).leading_zeros();
                    searched = first + (!solid >> first).trailing_zeros();
                    let is_whole = (start > 0 || from == 0) && searched < 32;
                    let has_token = if is_whole {
                        let run = from + start as usize..from + searched as usize;
                        run.len() >= SHORTEST_RUN && next_token(bytes, run.start, run.end).is_some()
                    } else {
                        filter.has_token(bytes, from + first as usize)
                    };
                    if has_token {
                        return false;
                    }
                }
                marks = others.checked_shl(end).unwrap_or(0);
            }
            true
        }
    }

    /// Whether a card number may begin between two positions.
    #[inline(never)]
    fn has_card(bytes: &[u8], from: usize, to: usize) -> bool {
        let begins = |at: usize| {
            bytes[at].is_ascii_digit() && (at == from || !bytes[at - 1].is_ascii_digit())
        };
        (from..to).any(|at| begins(at) && card::may_begin_number(bytes, at))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn of_window(bytes: &[u8; HALF]) -> Window {
        // SAFETY: `bytes` refers to an array of 32 bytes, which is what this load reads; it needs no alignment.
        let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let half = _mm256_set1_epi8(0xf);
        let lower = _mm256_and_si256(bytes, half);
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
        let classes = _mm256_and_si256(
            _mm256_shuffle_epi8(table(&MARKED_LOW), lower),
            _mm256_shuffle_epi8(table(&MARKED_HIGH), upper),
        );
        let letters = _mm256_and_si256(
            _mm256_shuffle_epi8(table(&KEYWORD_LOW), lower),
            _mm256_shuffle_epi8(table(&KEYWORD_HIGH), upper),
        );
        let alone = _mm256_and_si256(classes, _mm256_set1_epi8(ALONE_BITS.cast_signed()));
        let mask = |bytes: __m256i| _mm256_movemask_epi8(bytes).cast_unsigned();
        // `movemask` collects the highest bit of each byte: of the classes, that of marks.
        let alone = mask(_mm256_adds_epu8(alone, _mm256_set1_epi8(0x7f)));
        let first = mask(letters);
        let second = mask(_mm256_slli_epi16::<1>(letters));
        let third = mask(_mm256_slli_epi16::<2>(letters));
        let first_solid = _mm256_set1_epi8(FIRST_SOLID.cast_signed());
        Window {
            triggers: alone | first & second >> 1 & third >> 2,
            marks: mask(classes),
            solid: mask(_mm256_cmpeq_epi8(bytes, _mm256_max_epu8(bytes, first_solid))),
        }
    }

    #[target_feature(enable = "avx2")]
    fn read_avx2(triggers: &mut Triggers, bytes: &[u8], from: usize) {
        triggers.read_with(bytes, from, |bytes, at| match bytes[at..].first_chunk() {
            Some(block) => of_block(block),
            None => of_rest(&bytes[at..], bytes),
        });
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn of_block(block: &[u8; BLOCK]) -> Classes {
        let (halves, _) = block.as_chunks();
        of_half(&halves[0]).and(of_half(&halves[1]), HALF)
    }

    /// Returns the classes of the last bytes of the text, which are less than a block.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn of_rest(rest: &[u8], text: &[u8]) -> Classes {
        if let (Some(first), Some(last)) = (rest.first_chunk(), rest.last_chunk()) {
            // The two halves may overlap.
            of_half(first).and(of_half(last), rest.len() - HALF)
        } else if let Some(last) = text.last_chunk() {
            of_half(last).without(HALF - rest.len())
        } else {
            let mut padded = [0; HALF];
            padded[..rest.len()].copy_from_slice(rest);
            of_half(&padded)
        }
    }

    impl Classes {
        #[inline]
        fn and(self, other: Self, at: usize) -> Self {
            Self {
                alone: self.alone | other.alone << at,
                followed: self.followed | other.followed << at,
                solid: self.solid | other.solid << at,
                digits: self.digits | other.digits << at,
            }
        }

        #[inline]
        fn without(self, first: usize) -> Self {
            Self {
                alone: self.alone >> first,
                followed: self.followed >> first,
                solid: self.solid >> first,
                digits: self.digits >> first,
            }
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn of_half(bytes: &[u8; HALF]) -> Classes {
        // SAFETY: `bytes` refers to an array of 32 bytes, which is what this load reads; it needs no alignment.
        let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
        let mask = |hits: __m256i| u64::from(_mm256_movemask_epi8(hits).cast_unsigned());
        let half = _mm256_set1_epi8(0xf);
        let lower = _mm256_and_si256(bytes, half);
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
        let classes = _mm256_and_si256(
            _mm256_shuffle_epi8(table(&LOW), lower),
            _mm256_shuffle_epi8(table(&HIGH), upper),
        );
        let first_solid = _mm256_set1_epi8(FIRST_SOLID.cast_signed());
        // The addition sets the highest bit of each byte with one of these classes, which `movemask` collects.
        let any = |bits: u8| {
            let of = _mm256_and_si256(classes, _mm256_set1_epi8(bits.cast_signed()));
            mask(_mm256_adds_epu8(of, _mm256_set1_epi8(0x7f)))
        };
        Classes {
            alone: any(ALONE_BITS),
            followed: any(FOLLOWED_BITS),
            solid: mask(_mm256_cmpeq_epi8(bytes, _mm256_max_epu8(bytes, first_solid))),
            // `DIGIT` is the highest bit of a byte.
            digits: mask(classes),
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn table(halves: &[u8; 16]) -> __m256i {
        // SAFETY: `halves` refers to an array of 16 bytes, which is what this load reads; it needs no alignment.
        let halves: __m128i = unsafe { _mm_loadu_si128(halves.as_ptr().cast()) };
        _mm256_broadcastsi128_si256(halves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_its_class_at_every_position() {
        for byte in 0..=255_u8 {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                let bit = |holds: bool| u64::from(holds) << at;
                let expected = one_by_one(&block);
                let alone = ALONE.concat().contains(&byte);
                assert!(!alone || expected.alone == bit(true), "{byte:#x} at {at}");
                let followed = FOLLOWED.concat().contains(&byte);
                assert!(!followed || expected.followed == bit(true), "{byte:#x} at {at}");
                assert_eq!(expected.digits, bit(byte.is_ascii_digit()), "{byte:#x} at {at}");
                assert_eq!(expected.solid & bit(true), bit(byte > b'#'), "{byte:#x} at {at}");
                #[cfg(target_arch = "x86_64")]
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the check above found AVX2.
                    #[expect(unsafe_code, reason = "the code under test")]
                    let found = unsafe { avx2::of_block(&block) };
                    assert_eq!(found, expected, "{byte:#x} at {at}");
                    for from in 0..=at {
                        let expected = one_by_one(&block[from..]);
                        for text in [&block[..], &block[from..]] {
                            // SAFETY: the check above found AVX2.
                            #[expect(unsafe_code, reason = "the code under test")]
                            let found = unsafe { avx2::of_rest(&block[from..], text) };
                            assert_eq!(found, expected, "{byte:#x} at {at} from {from}");
                        }
                    }
                }
            }
        }
    }

    /// A secret of each kind, and text without one.
    const SECRETS: [&str; 21] = [
        "password=x9",
        "pin: 4711",
        "sent Bearer abc.def",
        "basic dXNlcjpw",
        "card 4111111111111111",
        "card 4111 1111 1111 1111",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "hf_abcdefghijabcdefghijabcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "AKIAQWERTYUIOPASDFGH",
        "glpat-aBcDeFgHiJkLmNoPqRsT",
        "SG.aBcDeFgHiJkLmNoPqRsT",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
        "tok 123456789:AAabcdefghijklmnopqrstuvwxyz01234567",
        "https://u:p4@h",
        "PASSWORD 'x'",
        "IDENTIFIED BY 'x'",
        "login ada password x9",
        "run --token x",
        "<secret>x</secret>",
        "Secret(7)",
    ];

    /// A secret is found at every position of a block and of a window, and whatever follows it.
    #[test]
    fn no_secret_is_clean_at_any_position() {
        for secret in SECRETS {
            for before in 0..140 {
                for after in ["", " ", " and then some more words to the end of the line"] {
                    let text =
                        format!("{} {secret}{after}", "ab cde ".repeat(20).split_at(before).0);
                    assert!(!is_clean(text.as_bytes()), "{text}");
                    assert!(Triggers::default().next(text.as_bytes(), 0).is_some(), "{text}");
                }
            }
        }
    }

    #[test]
    fn words_numbers_and_ids_are_clean() {
        for text in [
            "passed 12 of 12, best before 2026-11-29, but not by bikes",
            "order 1042 of 550e8400-e29b-41d4-a716-446655440000 took 12.5 ms at /v1/orders/checkout",
            "src/redact/scrub/trigger.rs and snake_case_names_of_several_words_are_no_tokens",
        ] {
            for before in 0..70 {
                let text = format!("{}{text}", " ".repeat(before));
                assert!(is_clean(text.as_bytes()), "{text}");
                assert!(Triggers::default().next(text.as_bytes(), 0).is_none(), "{text}");
            }
        }
    }
}
