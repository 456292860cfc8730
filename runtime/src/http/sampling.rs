//! The sampling decision, a function of the request id alone, so that all services agree on it.

/// Whether the sample of this rate contains the request with this id.
///
/// The hash is the same in every process and version, so a sample is part of every larger one.
pub(super) fn contains(id: &str, rate: f64) -> bool {
    // The default: every point is below 1, so nothing is hashed.
    if rate >= 1.0 {
        return true;
    }
    // The upper 53 bits of the hash, as a number from 0 to 1 without rounding.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let point = (hash(id) >> 11) as f64 / (1_u64 << 53) as f64;
    point < rate
}

/// 64-bit FNV-1a with the finalizer of splitmix64.
fn hash(id: &str) -> u64 {
    let fnv = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
