//! Fast path for URL paths of plain words and numbers, such as `/v1/orders/1042`.
//!
//! One table-driven pass recognises paths in which no detector can find anything. The paths consist of `/`, lower-case
//! letters, digits and `-`, in segments shorter than [`OPAQUE`], under these conditions:
//!
//! - A segment with digits is a number, or `v` and one or two digits, once in a path. So a path changes between letters
//!   and digits only once, and every random key does so more often.
//! - After `-` there are no digits, and after digits no `-`, except after a version in the first segment. A key with a
//!   known prefix in these characters has a digit after the `-` of its prefix, or is longer than a segment.
//! - After four digits there is no other number, since card numbers are in groups.
//! - `-` follows a letter, so that it does not begin a flag.
//! - The letters that begin `bearer`, `basic` and `password` do not occur.
//!
//! The other detectors look for a capital letter or a character that is not among these. The tests compare the pass
//! with the detectors.

use super::url::OPAQUE;

/// Whether the path consists of plain words and numbers, so that the scrubber leaves it as it is.
#[inline]
pub(super) fn is_plain(path: &str) -> bool {
    let [b'/', path @ ..] = path.as_bytes() else { return false };
    let (mut state, mut segment) = (BEGINNING, 0);
    for (at, &byte) in path.iter().enumerate() {
        if byte == b'/' {
            if state == NOT_PLAIN || at - segment >= OPAQUE {
                return false;
            }
            segment = at + 1;
        }
        state = NEXT[usize::from(state | CLASSES[usize::from(byte)]) % NEXT.len()];
    }
    state != NOT_PLAIN && path.len() - segment < OPAQUE
}

/// The part of the path before the current segment, as far as later bytes depend on it.
#[derive(Clone, Copy)]
enum SegmentsBefore {
    /// The current segment is the first one.
    Nothing,
    /// Words.
    Words,
    /// A version: the first segment.
    Version,
    /// Words with `-`, which may have a version before them.
    Dashes,
    /// A number below 1000, or a version after other segments.
    Number,
    /// A number of four to eight digits.
    LongNumber,
}

/// The position within a segment.
#[derive(Clone, Copy)]
enum InSegment {
    Start,
    /// After `v`, the first letter.
    V,
    /// After `v` and a digit.
    Version,
    /// After `v` and two digits.
    LongVersion,
    /// After a letter that does not continue one of the beginnings below.
    Letter,
    /// After `b`, `be`, `p`, and after `ba` or `pa`.
    B,
    Be,
    P,
    BaOrPa,
    Dash,
    /// After this many digits.
    Digits(u8),
}

/// The class of a byte.
#[derive(Clone, Copy)]
enum PathByte {
    Slash,
    Dash,
    Digit,
    A,
    B,
    E,
    P,
    S,
    V,
    OtherLetter,
    Other,
}

use PathByte::{A, B, Digit, E, Other, OtherLetter, P, S, Slash, V};

/// A state is a multiple of 16, so that a [`PathByte`] can be added to it.
const STEP: u16 = 16;
const PLACES: u8 = 18;
const NOT_PLAIN: u16 = 6 * PLACES as u16 * STEP;
const BEGINNING: u16 = state(SegmentsBefore::Nothing, InSegment::Start);

const fn state(before: SegmentsBefore, place: InSegment) -> u16 {
    let place = match place {
        InSegment::Start => 0,
        InSegment::V => 1,
        InSegment::Version => 2,
        InSegment::LongVersion => 3,
        InSegment::Letter => 4,
        InSegment::B => 5,
        InSegment::Be => 6,
        InSegment::P => 7,
        InSegment::BaOrPa => 8,
        InSegment::Dash => 9,
        InSegment::Digits(count) => 9 + count as u16,
    };
    (before as u16 * PLACES as u16 + place) * STEP
}

/// Returns the state after another byte, or [`NOT_PLAIN`].
const fn after(before: SegmentsBefore, place: InSegment, class: PathByte) -> u16 {
    use SegmentsBefore::{Dashes, LongNumber, Nothing, Number, Version, Words};

    let place = match (class, place) {
        (Slash, InSegment::Start) => return NOT_PLAIN,
        (Slash, _) => {
            let before = match (place, before) {
                (InSegment::Version | InSegment::LongVersion, Nothing) => Version,
                (InSegment::Version | InSegment::LongVersion | InSegment::Digits(1..=3), _) => {
                    Number
                }
                (InSegment::Digits(_), _) => LongNumber,
                (_, Nothing) => Words,
                (_, before) => before,
            };
            return state(before, InSegment::Start);
        }
        (
            PathByte::Dash,
            InSegment::V
            | InSegment::Letter
            | InSegment::B
            | InSegment::Be
            | InSegment::P
            | InSegment::BaOrPa,
        ) => {
            return match before {
                Nothing | Words | Version | Dashes => state(Dashes, InSegment::Dash),
                Number | LongNumber => NOT_PLAIN,
            };
        }
        (Digit, InSegment::Start) => match before {
            Dashes | LongNumber => return NOT_PLAIN,
            Nothing | Words | Version | Number => InSegment::Digits(1),
        },
        (Digit, InSegment::Digits(count @ 1..=7)) => InSegment::Digits(count + 1),
        (Digit, InSegment::V) => match before {
            Nothing | Words => InSegment::Version,
            Version | Dashes | Number | LongNumber => return NOT_PLAIN,
        },
        (Digit, InSegment::Version) => InSegment::LongVersion,
        (PathByte::Dash | Digit | Other, _)
        | (_, InSegment::Version | InSegment::LongVersion | InSegment::Digits(_))
        | (A, InSegment::Be)
        | (S, InSegment::BaOrPa) => return NOT_PLAIN,
        (V, InSegment::Start) => InSegment::V,
        (A, InSegment::B | InSegment::P) => InSegment::BaOrPa,
        (E, InSegment::B) => InSegment::Be,
        (B, _) => InSegment::B,
        (P, _) => InSegment::P,
        (A | E | S | V | OtherLetter, _) => InSegment::Letter,
    };
    state(before, place)
}

static CLASSES: [u16; 256] = {
    let mut classes = [Other as u16; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let class = match byte {
            b'/' => Slash,
            b'-' => PathByte::Dash,
            b'0'..=b'9' => Digit,
            b'a' => A,
            b'b' => B,
            b'e' => E,
            b'p' => P,
            b's' => S,
            b'v' => V,
            b'a'..=b'z' => OtherLetter,
            _ => Other,
        };
        classes[byte as usize] = class as u16;
        byte += 1;
    }
    classes
};

/// The next state for the sum of a state and a [`PathByte`]. The length is a power of two, which needs no bounds check.
static NEXT: [u16; 2048] = {
    const BEFORE: [SegmentsBefore; 6] = [
        SegmentsBefore::Nothing,
        SegmentsBefore::Words,
        SegmentsBefore::Version,
        SegmentsBefore::Dashes,
        SegmentsBefore::Number,
        SegmentsBefore::LongNumber,
    ];
    const CLASS: [PathByte; 11] =
        [Slash, PathByte::Dash, Digit, A, B, E, P, S, V, OtherLetter, Other];
    let mut next = [NOT_PLAIN; 2048];
    let mut before = 0;
    while before < BEFORE.len() {
        let mut at = 0_u8;
        while at < PLACES {
            let place = match at {
                0 => InSegment::Start,
                1 => InSegment::V,
                2 => InSegment::Version,
                3 => InSegment::LongVersion,
                4 => InSegment::Letter,
                5 => InSegment::B,
                6 => InSegment::Be,
                7 => InSegment::P,
                8 => InSegment::BaOrPa,
                9 => InSegment::Dash,
                _ => InSegment::Digits(at - 9),
            };
            let mut class = 0;
            while class < CLASS.len() {
                let from = state(BEFORE[before], place) + CLASS[class] as u16;
                next[from as usize] = after(BEFORE[before], place, CLASS[class]);
                class += 1;
            }
            at += 1;
        }
        before += 1;
    }
    next
};

#[cfg(test)]
mod tests {
    use super::super::format::prefixes;
    use super::super::trigger::{has_no_trigger, is_clean};
    use super::super::url::safe_path;
    use super::*;

    #[test]
    fn usual_paths_are_plain() {
        for path in [
            "/",
            "/health",
            "/v1/orders/checkout",
            "/v12/orders/1042",
            "/api/v1/orders/7/items/42",
            "/v1/line-items/",
            "/users/12345678/orders",
            "/sign-up/confirm-email",
        ] {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_plain() {
        for path in [
            "",
            "orders",
            "//orders",
            "/orders//7",
            "/Orders",
            "/orders?page=2",
            "/orders/%41",
            "/orders.json",
            "/my_orders",
            "/orders/a7",
            "/orders/7a",
            "/orders/v123",
            "/v1/v2",
            "/line-items/7",
            "/7/line-items",
            "/-p",
            "/line--items",
            "/1234/5678",
            "/123456789",
            "/bearer",
            "/tobasic",
            "/my-password",
            "/abcdefghijklmnop",
            "/v1/abcdefghijklmnop",
            "/é",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    /// Asserts that no detector finds anything in a path that is plain. Returns whether it is.
    fn check(path: &str) -> bool {
        let is_plain = is_plain(path);
        if is_plain {
            assert_eq!(safe_path(path).as_deref(), Some(path));
            assert!(is_clean(path.as_bytes()) && has_no_trigger(path.as_bytes()), "{path}");
        }
        is_plain
    }

    /// Every prefix of a known format, with all that a plain path can have around it.
    #[test]
    fn no_key_with_a_known_prefix_is_plain() {
        const KEYS: [&str; 10] = [
            "abcdefghijklmno",
            "12345678",
            "1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5",
            "abcdefghijklm/nopqrstuvwxyz/abcdefghijklm/nopqrstuvwxyz/abcdefghijklm/nopqrstuvwxyz",
            "abcdefghijklm/123/abcdefghijklm/456/abcdefghijklm/789/abcdefghijklm/1",
            "abcdefghijklm/1234/abcdefghijklm/abcdefghijklm/abcdefghijklm/abcdefghijklm",
            "v1/abcdefghijklm/123/abcdefghijklm/456/abcdefghijklm/abcdefghijklm",
            "v1/ab-cdef/ghi-jklm/ab-cdef/ghi-jklm/ab-cdef/ghi-jklm/ab-cdef/ghi-jklm/us-east",
            "a-b-c-d-e-f-g-h/a-b-c-d-e-f-g-h/a-b-c-d-e-f-g-h/a-b-c-d-e-f-g-h/a-b-c-d-e-f-g-h",
            "deadbeefdeadc/deadceefdeadc/deadceefdeadc/1/2/3",
        ];
        let mut plain = 0;
        for prefix in prefixes() {
            for before in ["/", "/v1/", "/a/", "/1/", "/api/v1/", "/orders/7/", "/a-"] {
                for key in KEYS {
                    for between in ["", "/", "-"] {
                        for end in (1..=key.len()).step_by(3) {
                            let path = format!("{before}{prefix}{between}{}", &key[..end]);
                            plain += usize::from(check(&path));
                        }
                    }
                }
            }
        }
        assert!(plain > 1000, "{plain} paths are plain");
    }

    /// Pseudo-random paths of pieces that plain paths and secrets consist of.
    #[test]
    fn no_detector_finds_anything_in_a_plain_path() {
        const PIECES: [&str; 41] = [
            "/",
            "/",
            "/",
            "/",
            "/",
            "/",
            "-",
            "-",
            "v",
            "v1",
            "1",
            "2",
            "42",
            "123",
            "4111",
            "11111111",
            "a",
            "b",
            "c",
            "e",
            "p",
            "s",
            "x",
            "us",
            "us-east",
            "be",
            "ba",
            "pa",
            "ss",
            "w",
            "orders",
            "items",
            "xoxd",
            "cflt",
            "dapi",
            "sk",
            "pat",
            "api",
            "key",
            "deadbeef",
            "abcdefghijklm",
        ];
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 11).unwrap_or_default() % below
        };
        let mut plain = 0;
        for _ in 0..200_000 {
            let count = 1 + random(24);
            let path: String = (0..count).map(|_| PIECES[random(PIECES.len())]).collect();
            plain += usize::from(check(&format!("/{path}")));
        }
        assert!(plain > 5000, "{plain} paths are plain");
    }
}
