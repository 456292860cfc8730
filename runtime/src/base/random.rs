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
    let mut bytes = raw();
    add_time(&mut bytes, now);
    bytes
}

/// The bytes of the ids of a request: of its UUID, which has six bits of its own, of its trace and of its span.
pub(crate) fn of_request(now: Tick) -> ([u8; 10], [u8; 16], [u8; 8]) {
    let all: [u8; 34] = raw();
    let (mut uuid, mut trace, mut span) = ([0; 10], [0; 16], [0; 8]);
    uuid.copy_from_slice(&all[..10]);
    trace.copy_from_slice(&all[10..26]);
    span.copy_from_slice(&all[26..]);
    add_time(&mut uuid, now);
    add_time(&mut trace, now);
    add_time(&mut span, now);
    (uuid, trace, span)
}

fn raw<const N: usize>() -> [u8; N] {
    let pooled = POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| pool.take()));
    pooled.ok().flatten().unwrap_or_else(|| {
        let mut bytes = [0; N];
        fill(&mut bytes);
        bytes
    })
}

/// Makes the bytes differ from those of a process that was not forked with the C library, and starts with the same pool.
#[inline]
fn add_time(bytes: &mut [u8], now: Tick) {
    if let Some(last) = bytes.last_chunk_mut() {
        *last = (u64::from_be_bytes(*last) ^ now.nanos()).to_be_bytes();
    }
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
