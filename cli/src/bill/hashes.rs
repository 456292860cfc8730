//! A fast hash of short strings.
//!
//! The seed is different in each process, so a log can't be crafted to make hashes collide.

use std::hash::{BuildHasher as _, RandomState};

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed of the hashes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new() -> Self {
        Seed(RandomState::new().hash_one(MULTIPLIER))
    }

    #[inline]
    pub(super) fn hash(self, text: &[u8]) -> u64 {
        self.hash_after(text.len() as u64, text)
    }

    /// Returns the hash of text that follows other text with the hash `before`.
    #[inline]
    pub(super) fn hash_after(self, before: u64, text: &[u8]) -> u64 {
        let mut hash = fold(before ^ self.0);
        let (eights, rest) = text.as_chunks::<8>();
        for eight in eights {
            hash = fold(hash ^ u64::from_le_bytes(*eight));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        fold(hash ^ u64::from_le_bytes(last) ^ rest.len() as u64)
    }
}

#[inline]
fn fold(value: u64) -> u64 {
    let product = u128::from(value ^ MULTIPLIER) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}
