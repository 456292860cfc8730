//! Finds the positions of a text that can belong to a secret.
//!
//! Each kind of secret contains a character that is rare in clean text, its trigger. Only triggers are inspected. An
//! inspection reads back a bounded distance, and forward either a bounded distance or over bytes that it then hides, so
//! scrubbing takes linear time.

/// An iterator over the triggers of a text, which it reads a few blocks ahead.
#[derive(Default)]
pub(super) struct Triggers {
    /// The triggers of the current block that are left, a bit for each byte, and the block's start.
    here: u64,
    begin: usize,
    /// The blocks that were read ahead, and the range of the text that they cover.
    blocks: [Classes; BLOCKS],
    first: usize,
    end: usize,
}

/// Bytes that are triggers regardless of the bytes around them. The last one begins a full-width sign.
const ALONE: [&[u8]; 5] = [b"=:<>", b"%(-", b"[{", b"`", b"\xef"];
/// Bytes that are triggers if four characters that are not blanks follow: the `B` of `Basic`, and the ends of key
/// prefixes.
const FOLLOWED: [&[u8]; 2] = [b"Bb", b"._JI"];

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
                let at = begin + here.trailing_zeros() as usize;
                if at >= from && may_be_secret(bytes, at) {
                    (self.here, self.begin) = (here, begin);
                    return Some(at);
                }
                here &= here - 1;
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
            here = self.blocks[(begin - self.first) / BLOCK % BLOCKS].triggers();
        }
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

/// Fast reject: the bytes after most triggers of clean text rule a secret out.
#[inline]
fn may_be_secret(bytes: &[u8], at: usize) -> bool {
    let (byte, behind) = (bytes[at], &bytes[at + 1..]);
    match byte {
        b'B' | b'b' => behind.first_chunk().is_some_and(|two: &[u8; 2]| {
            matches!(u16::from_le_bytes(*two) | 0x2020, BEARER | BASIC)
        }),
        b'-' if behind.first() == Some(&b'-') => true,
        b'-' | b'.' | b'_' | b'J' | b'I' => behind.first_chunk().is_some_and(|key| are_solid(*key)),
        // These bytes are not triggers; the lookup tables can't tell them from some that are.
        b')' | b'*' | b'/' | b'^' | b'A'..=b'Z' => false,
        _ => true,
    }
}

const BEARER: u16 = u16::from_le_bytes(*b"ea");
const BASIC: u16 = u16::from_le_bytes(*b"as");

/// Whether the eight bytes may begin a key: each of them is ASCII from `+` on. The addition sets the highest bit of
/// exactly these bytes.
#[inline]
fn are_solid(bytes: [u8; 8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let bytes = u64::from_le_bytes(bytes);
    let added = bytes.wrapping_add(EACH * (0x80 - 0x2b));
    !bytes & added & (EACH << 7) == EACH << 7
}

/// For each class, a bit for each byte of the block that has it.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Classes {
    alone: u64,
    followed: u64,
    /// Bytes that names, keys and flags consist of, and a few more.
    solid: u64,
    digits: u64,
}

impl Classes {
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
const LOW: [u8; 16] = tables().0;
const HIGH: [u8; 16] = tables().1;
const ALONE_BITS: u8 = 0x1f;
const FOLLOWED_BITS: u8 = 0x60;
const DIGIT: u8 = 0x80;
/// Control characters, the blank and three signs come before it.
const FIRST_SOLID: u8 = b'$';

const fn tables() -> ([u8; 16], [u8; 16]) {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    let mut class = 0;
    while class < 8 {
        let members = match class {
            0..5 => ALONE[class],
            5..7 => FOLLOWED[class - 5],
            _ => b"0123456789",
        };
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
        __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::{ALONE_BITS, BLOCK, Classes, FIRST_SOLID, FOLLOWED_BITS, HIGH, LOW, Triggers};

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
        let none = |bits: u8| {
            let of = _mm256_and_si256(classes, _mm256_set1_epi8(bits.cast_signed()));
            mask(_mm256_cmpeq_epi8(of, _mm256_setzero_si256()))
        };
        Classes {
            alone: none(ALONE_BITS) ^ u64::from(u32::MAX),
            followed: none(FOLLOWED_BITS) ^ u64::from(u32::MAX),
            solid: mask(_mm256_cmpeq_epi8(bytes, _mm256_max_epu8(bytes, first_solid))),
            // `DIGIT` is the highest bit of a byte, which `movemask` collects.
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

    /// Compares with the definition, byte by byte. At the end of a block there may be triggers in vain.
    #[test]
    fn triggers_are_found_across_block_boundaries() {
        let text = "a".repeat(60)
            + "12345 x=7, 2026-11 and 4111 1111 e-mail sk-abcdefghijklmnop --password x.y bearer but "
            + &"b".repeat(3)
            + &"z".repeat(70)
            + " eyJhbGciOiJIUzI1 12345678 9-";
        for from in 0..150 {
            let bytes = &text.as_bytes()[from..];
            let mut triggers = Triggers::default();
            let (mut at, mut found) = (0, Vec::new());
            while let Some(next) = triggers.next(bytes, at) {
                found.push(next);
                at = next + 1;
            }
            let digits = |at: usize| {
                bytes.get(at..at + 4).is_some_and(|four| four.iter().all(u8::is_ascii_digit))
            };
            let solid = |at: usize| bytes.get(at).is_some_and(|&byte| byte > b'#');
            let key = |at: usize| solid(at) && (b'+'..0x80).contains(&bytes[at]);
            let expected = |at: usize| match bytes[at] {
                b'0'..=b'9' => digits(at) && (at + 4..at + 12).any(digits),
                b'b' => bytes[at..].starts_with(b"bea"),
                b'-' if bytes.get(at + 1) == Some(&b'-') => true,
                b'.' | b'-' | b'J' | b'I' => (at + 1..at + 9).all(key),
                byte => byte == b'=',
            };
            let missing: Vec<_> =
                (0..bytes.len()).filter(|&at| expected(at) && !found.contains(&at)).collect();
            assert!(missing.is_empty(), "{from}: {missing:?}");
            assert!(
                found.iter().all(|&at| expected(at) || at % BLOCK >= BLOCK - 15),
                "{from}: {found:?}"
            );
        }
    }
}
