//! Several pieces of text appended at once.

/// Appends the pieces one after the other.
///
/// Each `push_str` waits for the length that the one before it stored. Of a short field, which is a quote, a
/// few letters and another quote, that is most of the time, so room is made and the length is set once.
#[expect(clippy::inline_always, reason = "copying pieces of known length takes no call")]
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "the pieces of a field in one append: a tenth of a redacted struct's time"
)]
pub(super) fn append<const N: usize>(out: &mut String, pieces: [&str; N]) {
    let total = pieces.iter().fold(0_usize, |total, piece| total.saturating_add(piece.len()));
    out.reserve(total);
    // SAFETY: only whole strs are appended to it, so it stays UTF-8.
    let bytes = unsafe { out.as_mut_vec() };
    let len = bytes.len();
    let mut at = bytes.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    for piece in pieces {
        // SAFETY: `reserve` made room for `total` bytes behind the length (a sum that saturated would have made it
        // panic), which is what all pieces are long, and `at` is as far into that room as those before this one
        // are. `out` is borrowed mutably, so no piece lies in it.
        unsafe {
            copy(piece.as_bytes(), at);
            at = at.add(piece.len());
        }
    }
    // SAFETY: the bytes up to here were there, and `total` more have just been written.
    unsafe { bytes.set_len(len + total) };
}

/// Copies a few bytes without a call: in two halves that may overlap.
///
/// # Safety
///
/// There is room for `from.len()` bytes at `to`, none of them in `from`.
#[expect(clippy::inline_always, reason = "of known length it is a move")]
#[inline(always)]
#[expect(unsafe_code, reason = "as above")]
unsafe fn copy(from: &[u8], to: *mut u8) {
    let len = from.len();
    // SAFETY: each half is as long as the one chunk it is read from, begins within `from`, and ends at its end
    // or before; so it does at `to`, where as many bytes are.
    unsafe {
        if len > 16 {
            to.copy_from_nonoverlapping(from.as_ptr(), len);
        } else if let (Some(first), Some(last)) = (from.first_chunk::<8>(), from.last_chunk::<8>())
        {
            to.cast::<[u8; 8]>().write_unaligned(*first);
            to.add(len - 8).cast::<[u8; 8]>().write_unaligned(*last);
        } else if let (Some(first), Some(last)) = (from.first_chunk::<4>(), from.last_chunk::<4>())
        {
            to.cast::<[u8; 4]>().write_unaligned(*first);
            to.add(len - 4).cast::<[u8; 4]>().write_unaligned(*last);
        } else if let [first, .., last] = from {
            to.write(*first);
            to.add(len / 2).write(from[len / 2]);
            to.add(len - 1).write(*last);
        } else if let [only] = from {
            to.write(*only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn pieces_of_any_length_into_room_of_any_length() {
        let long = "é".repeat(40);
        for room in 0..24 {
            for piece in ["", "a", "ab…", "0123456789abcdef", &long] {
                let mut out = String::with_capacity(room);
                out.push('[');
                append(&mut out, ["\"", piece, "", piece, "\""]);
                append(&mut out, []);
                append(&mut out, ["]"]);
                assert_eq!(out, format!("[\"{piece}{piece}\"]"));
            }
        }
    }
}
