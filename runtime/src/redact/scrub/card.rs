//! Card numbers: 13 to 19 digits, bare or in groups, with an issuer's prefix and a valid check digit.
//!
//! The check digit alone would match every tenth number, timestamps and ids among them.

use super::range::run;

/// The number of digits of the shortest card number.
pub(super) const SHORTEST_NUMBER: usize = 13;

/// Fast reject: a long run of digits, or a group before another one.
pub(super) fn may_begin_number(bytes: &[u8], at: usize) -> bool {
    let end = run(bytes, at, |byte| byte.is_ascii_digit());
    match end - at {
        SHORTEST_NUMBER.. => true,
        4..=8 => {
            let gap = bytes[end..].iter().take(3).take_while(|byte| !byte.is_ascii_alphanumeric());
            let next = end + gap.count();
            run(bytes, next, |byte| byte.is_ascii_digit()) >= next + 3
        }
        _ => false,
    }
}

/// Returns the end of the card number that starts at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<usize> {
    if glued(bytes, at) {
        return None;
    }
    let mut digits = [0_u8; 19];
    let mut groups = Groups::default();
    let mut len = 0;
    let mut group = 0;
    let mut between: Option<&[u8]> = None;
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        if byte.is_ascii_digit() {
            *digits.get_mut(len)? = byte - b'0';
            len += 1;
            group += 1;
            end += 1;
            continue;
        }
        let separator = separator(&bytes[end..]);
        let behind = end + separator.len();
        if separator.is_empty()
            || *between.get_or_insert(separator) != separator
            || !bytes.get(behind).is_some_and(u8::is_ascii_digit)
            || !groups.add(group)
        {
            break;
        }
        (group, end) = (0, behind);
    }
    let glued = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let fraction =
        bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    let digits = &digits[..len];
    let is_grouped = groups.count > 0;
    let is_printed = !is_grouped || groups.are_printed(group);
    (!glued && !fraction && is_printed && issued(digits, is_grouped) && luhn(digits)).then_some(end)
}

/// The lengths of the groups of digits so far.
#[derive(Default)]
struct Groups {
    lengths: [usize; 5],
    count: usize,
}

impl Groups {
    fn add(&mut self, length: usize) -> bool {
        let is_group = (3..=8).contains(&length) && self.count < self.lengths.len();
        if is_group {
            self.lengths[self.count] = length;
            self.count += 1;
        }
        is_group
    }

    /// Whether cards are printed in groups like these, of which `last` is the last.
    fn are_printed(&self, last: usize) -> bool {
        match &self.lengths[..self.count] {
            [4, 4, 4] => last <= 7,
            [4, 4, 4, 4] | [4, 4, 5] | [4, 3, 3] | [4, 5, 4] => last <= 3,
            [8] => (5..=8).contains(&last),
            [4, 6] => (4..=5).contains(&last),
            [6] => (7..=13).contains(&last),
            _ => false,
        }
    }
}

/// Returns the separator of two digit groups that `bytes` starts with, or an empty slice.
fn separator(bytes: &[u8]) -> &[u8] {
    // Non-breaking and thin spaces, hyphens and dashes.
    const WIDE: [&str; 10] = [
        "\u{a0}", "\u{2007}", "\u{2009}", "\u{200a}", "\u{202f}", "\u{2010}", "\u{2011}",
        "\u{2012}", "\u{2013}", "\u{2014}",
    ];
    match bytes {
        [b' ', b' ', ..] => &bytes[..2],
        [b' ' | b'-' | b'.' | b'+' | b'\t', ..] => &bytes[..1],
        _ => {
            let wide = WIDE.iter().find(|wide| bytes.starts_with(wide.as_bytes()));
            &bytes[..wide.map_or(0, |wide| wide.len())]
        }
    }
}

/// Whether the byte before `at` makes the number part of an id, a fraction or a telephone number.
fn glued(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    match bytes[before] {
        b'_' | b'+' => true,
        // The id of a block, `blk_-4111…`.
        b'-' if before > 0 && bytes[before - 1] == b'_' => true,
        // Track 1 of a card's magnetic stripe: `%B4111…^DOE/JANE^…`.
        b'B' if before > 0 && bytes[before - 1] == b'%' => false,
        b'.' => before > 0 && bytes[before - 1].is_ascii_digit(),
        byte => byte.is_ascii_alphanumeric(),
    }
}

fn issued(digits: &[u8], is_grouped: bool) -> bool {
    // Ids of databases have 19 digits.
    if digits.len() < SHORTEST_NUMBER || digits.len() == 19 && !is_grouped && digits[..2] != [6, 2]
    {
        return false;
    }
    let prefix = digits[..4].iter().fold(0_u32, |number, &digit| number * 10 + u32::from(digit));
    match prefix {
        // Visa.
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        // Mastercard.
        5100..=5599 | 2221..=2720 => digits.len() == 16,
        // American Express.
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        // Diners Club.
        3000..=3059 | 3600..=3699 | 3800..=3999 => digits.len() >= 14,
        // JCB, Mir, UnionPay, Discover.
        3528..=3589 | 2200..=2204 | 6200..=6299 | 6011 | 6440..=6599 | 8100..=8171 => {
            digits.len() >= 16
        }
        // Maestro.
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => true,
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match u32::from(digit) {
            digit if place % 2 == 0 => digit,
            digit if digit > 4 => 2 * digit - 9,
            digit => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}
