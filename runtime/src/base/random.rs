//! Random bytes for ids.
//!
//! The system is asked for those of many ids at once: a call of it costs more than the rest of an id.

use std::cell::RefCell;
use std::hash::{BuildHasher as _, RandomState};

use super::clock::Tick;

const AT_ONCE: usize = 512;

struct Pool {
    bytes: [u8; AT_ONCE],
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; AT_ONCE], used: AT_ONCE }) };
}

/// Bytes that no one else gets, for an id that is made now; no secret is made of them.
pub(crate) fn bytes<const N: usize>(now: Tick) -> [u8; N] {
    let pooled = POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| pool.take()));
    let mut bytes = pooled.ok().flatten().unwrap_or_else(|| {
        let mut bytes = [0; N];
        fill(&mut bytes);
        bytes
    });
    // A copy of the process that was made in between has the same pool, but not the same time.
    for (byte, time) in bytes.iter_mut().rev().zip(now.nanos().to_le_bytes()) {
        *byte ^= time;
    }
    bytes
}

impl Pool {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > AT_ONCE {
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
        // A system without random bytes: the standard library's hasher has keys of its own all the same.
        let keys = RandomState::new();
        for (at, chunk) in bytes.chunks_mut(8).enumerate() {
            let hash = keys.hash_one((at, Tick::now().nanos())).to_le_bytes();
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_different_on_all_threads() {
        let some = || (0..1000).map(|_| bytes::<16>(Tick::now())).collect::<Vec<_>>();
        let elsewhere = std::thread::spawn(some).join().expect("no panic");
        let all: HashSet<_> = some().into_iter().chain(elsewhere).collect();
        assert_eq!(all.len(), 2000);
        let ones: u32 = all.iter().flatten().map(|byte| byte.count_ones()).sum();
        assert!((120_000..136_000).contains(&ones), "{ones} of 256,000 bits");
    }
}
