//! Where in a text a secret may be.

/// The triggers of the part of a text that was read, a bit for each byte.
///
/// Every kind of secret has a character that clean text has rarely; only there a closer look is taken.
/// A look goes back a bounded way, and forward either a bounded way or over what it then hides, which
/// keeps the whole linear.
#[derive(Default)]
pub(super) struct Triggers {
    begin: usize,
    blocks: [u64; BLOCKS],
    /// The end of what was read.
    end: usize,
}

/// Beside digits, of which four in a row are one: no group of a card number has fewer.
/// The last begins a full-width sign.
const TRIGGERS: &[u8] = b"=:%,<>-_.({`JIBb\xef";

const BLOCK: usize = 64;
/// As many as most texts have: without a branch between them they are read side by side.
const BLOCKS: usize = 4;

impl Triggers {
    /// The first trigger from `at` on, which is no smaller than in the call before.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if at >= self.end {
                if at >= bytes.len() {
                    return None;
                }
                self.read(bytes, at);
            }
            let offset = at - self.begin;
            let mut block = offset / BLOCK;
            let mut here = self.blocks[block] & u64::MAX << (offset % BLOCK);
            while here == 0 && block + 1 < BLOCKS {
                block += 1;
                here = self.blocks[block];
            }
            if here != 0 {
                return Some(self.begin + block * BLOCK + here.trailing_zeros() as usize);
            }
            at = self.end;
        }
    }

    fn read(&mut self, bytes: &[u8], from: usize) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return avx2::read(self, bytes, from);
        }
        self.read_with(bytes, from, |block| one_by_one(block), one_by_one);
    }

    #[expect(clippy::inline_always, reason = "so that it is compiled for the CPU of its caller")]
    #[inline(always)]
    fn read_with(
        &mut self,
        bytes: &[u8],
        from: usize,
        classes: impl Fn(&[u8; BLOCK]) -> (u64, u64),
        short: impl Fn(&[u8]) -> (u64, u64),
    ) {
        let (whole, rest) = bytes[from..].as_chunks();
        (self.begin, self.end) = (from, bytes.len().min(from + BLOCKS * BLOCK));
        self.blocks = [0; BLOCKS];
        for (triggers, block) in self.blocks.iter_mut().zip(whole) {
            *triggers = triggers_of(classes(block));
        }
        if whole.len() < BLOCKS && !rest.is_empty() {
            // What stands before it, where that is enough, fills its block up.
            let classes = match bytes.last_chunk() {
                Some(last) => {
                    let (others, digits) = classes(last);
                    (others >> (BLOCK - rest.len()), digits >> (BLOCK - rest.len()))
                }
                None => short(rest),
            };
            self.blocks[whole.len()] = triggers_of(classes);
        }
    }
}

#[inline]
fn triggers_of((others, digits): (u64, u64)) -> u64 {
    if digits == 0 {
        return others;
    }
    // A run may go on in the next block.
    others
        | digits
            & (digits >> 1 | 1 << 63)
            & (digits >> 2 | 0b11 << 62)
            & (digits >> 3 | 0b111 << 61)
}

/// Classes of a byte are the bits that `LOW` has for its lower half and `HIGH` for its upper half: one for all
/// triggers with the same upper half, and the highest for digits. This is what a CPU can look up at once.
const LOW: [u8; 16] = tables().0;
const HIGH: [u8; 16] = tables().1;
const DIGIT: u8 = 0x80;
const OUTSIDE: u8 = 0x40;

const fn tables() -> ([u8; 16], [u8; 16]) {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    let mut at = 0;
    while at < TRIGGERS.len() {
        let byte = TRIGGERS[at];
        let class = if byte < 0x80 { 1 << ((byte >> 4) - 2) } else { OUTSIDE };
        low[(byte & 0xf) as usize] |= class;
        high[(byte >> 4) as usize] |= class;
        at += 1;
    }
    let mut digit = 0;
    while digit < 10 {
        low[digit] |= DIGIT;
        digit += 1;
    }
    high[(b'0' >> 4) as usize] |= DIGIT;
    (low, high)
}

/// Where the triggers that are no digits, and the digits, are in a block or less.
fn one_by_one(block: &[u8]) -> (u64, u64) {
    let (mut others, mut digits) = (0, 0);
    for (at, byte) in block.iter().enumerate() {
        let class = LOW[usize::from(byte & 0xf)] & HIGH[usize::from(byte >> 4)];
        if class != 0 {
            others |= u64::from(class & !DIGIT != 0) << at;
            digits |= u64::from(class & DIGIT != 0) << at;
        }
    }
    (others, digits)
}

/// The same, 32 bytes at once.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a byte at a time, clean text costs a third of its line")]
mod avx2 {
    use core::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set_m128i,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::{BLOCK, HIGH, LOW, Triggers, one_by_one};

    /// For CPUs that have AVX2 only; others go on without.
    #[inline]
    pub(super) fn read(triggers: &mut Triggers, bytes: &[u8], from: usize) {
        debug_assert!(std::arch::is_x86_feature_detected!("avx2"));
        // SAFETY: the only caller has just asked the CPU.
        unsafe { read_avx2(triggers, bytes, from) };
    }

    #[target_feature(enable = "avx2")]
    fn read_avx2(triggers: &mut Triggers, bytes: &[u8], from: usize) {
        triggers.read_with(bytes, from, |block| classes(block), |rest| short(rest));
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn classes(block: &[u8; BLOCK]) -> (u64, u64) {
        let (halves, _) = block.as_chunks();
        both(classes_of(load(&halves[0])), classes_of(load(&halves[1])), BLOCK / 2)
    }

    /// What is less than a block, as two parts that may overlap.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn short(bytes: &[u8]) -> (u64, u64) {
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return both(classes_of(load(first)), classes_of(load(last)), bytes.len() - 32);
        }
        let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return one_by_one(bytes);
        };
        let (others, digits) = classes_of(_mm256_set_m128i(load_half(last), load_half(first)));
        let part = |mask: u32| (mask & 0xffff, mask >> 16);
        let ((others, more_others), (digits, more_digits)) = (part(others), part(digits));
        both((others, digits), (more_others, more_digits), bytes.len() - 16)
    }

    /// The classes of two parts, of which the second begins at `at`.
    fn both(first: (u32, u32), second: (u32, u32), at: usize) -> (u64, u64) {
        let join = |first, second| u64::from(first) | u64::from(second) << at;
        (join(first.0, second.0), join(first.1, second.1))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: 32 bytes are there to be read, aligned or not.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_half(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are there to be read, aligned or not.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn classes_of(bytes: __m256i) -> (u32, u32) {
        let low = _mm256_broadcastsi128_si256(load_half(&LOW));
        let high = _mm256_broadcastsi128_si256(load_half(&HIGH));
        let mask = |hits: __m256i| _mm256_movemask_epi8(hits).cast_unsigned();
        let half = _mm256_set1_epi8(0xf);
        let lower = _mm256_and_si256(bytes, half);
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
        let classes =
            _mm256_and_si256(_mm256_shuffle_epi8(low, lower), _mm256_shuffle_epi8(high, upper));
        let others = _mm256_and_si256(classes, _mm256_set1_epi8(0x7f));
        (!mask(_mm256_cmpeq_epi8(others, _mm256_setzero_si256())), mask(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_its_class_at_every_place() {
        for byte in 0..=255_u8 {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                let bit = |holds: bool| u64::from(holds) << at;
                let expected = (bit(TRIGGERS.contains(&byte)), bit(byte.is_ascii_digit()));
                assert_eq!(one_by_one(&block), expected, "{byte:#x} at {at}");
                #[cfg(target_arch = "x86_64")]
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the CPU was asked.
                    #[expect(unsafe_code, reason = "the code under test")]
                    let found = unsafe { avx2::classes(&block) };
                    assert_eq!(found, expected, "{byte:#x} at {at}");
                    for len in at + 1..BLOCK {
                        // SAFETY: the CPU was asked.
                        #[expect(unsafe_code, reason = "the code under test")]
                        let found = unsafe { avx2::short(&block[..len]) };
                        assert_eq!(found, expected, "{byte:#x} at {at} of {len}");
                    }
                }
            }
        }
    }

    /// By the definition: every other trigger, and the places in a run from which four digits stand.
    #[test]
    fn triggers_wherever_blocks_end() {
        let text =
            "a".repeat(60) + "12345 x=7, 2026 and 42 " + &"b".repeat(3) + &"z".repeat(70) + "1234";
        for from in 0..70 {
            let bytes = &text.as_bytes()[from..];
            let mut triggers = Triggers::default();
            let (mut at, mut found) = (0, Vec::new());
            while let Some(next) = triggers.next(bytes, at) {
                found.push(next);
                at = next + 1;
            }
            let expected = |at: usize| match bytes[at] {
                b'0'..=b'9' => {
                    bytes[at..].iter().take(4).filter(|it| it.is_ascii_digit()).count() == 4
                }
                byte => matches!(byte, b'=' | b',' | b'b'),
            };
            let missing: Vec<_> =
                (0..bytes.len()).filter(|&at| expected(at) && !found.contains(&at)).collect();
            assert!(missing.is_empty(), "{from}: {missing:?}");
            // Three bytes at a block's end may begin a run that the next one goes on with.
            assert!(
                found.iter().all(|&at| expected(at) || at % BLOCK >= BLOCK - 3),
                "{from}: {found:?}"
            );
        }
    }
}
