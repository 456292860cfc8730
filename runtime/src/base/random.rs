//! Random bytes for ids.
//!
//! Each thread fetches the bytes of many ids in one system call, because a call costs more than the rest of an id.

use std::cell::RefCell;
use std::hash::{BuildHasher as _, RandomState};

use super::clock::Tick;

const POOL_BYTES: usize = 512;

struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// Bytes for an id that is made at `now`. They are unique but not secret: do not use them as keys.
pub(crate) fn bytes<const N: usize>(now: Tick) -> [u8; N] {
    let pooled = POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| pool.take()));
    let mut bytes = pooled.ok().flatten().unwrap_or_else(|| {
        let mut bytes = [0; N];
        fill(&mut bytes);
        bytes
    });
    // A process that was not forked with the C library starts with the same pool, so the time makes its ids differ.
    for (byte, time) in bytes.iter_mut().rev().zip(now.nanos().to_le_bytes()) {
        *byte ^= time;
    }
    bytes
}

/// Forgets the pooled bytes of this thread, the only thread of a forked process. Its parent has the same ones.
#[cfg(unix)]
pub(super) fn forget() {
    let _ = POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| pool.used = POOL_BYTES));
}

impl Pool {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > POOL_BYTES {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let taken = self.bytes[self.used..].first_chunk().copied().unwrap_or([0; N]);
        self.used += N;
        taken
    }
}

fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // Without a random source, the standard library still gives each hasher different keys.
        let keys = RandomState::new();
        for (at, chunk) in bytes.chunks_mut(8).enumerate() {
            let hash = keys.hash_one((at, Tick::now().nanos())).to_le_bytes();
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}
