//! Makes the keys of an object unique.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

type Hasher = BuildHasherDefault<DefaultHasher>;

/// The keys of one object so far, as hashes; the first eight need no allocation.
///
/// Keys with the same hash are treated as equal: the second one gets a number, which does no harm.
#[derive(Default)]
pub(super) struct UniqueKeys {
    first: [u64; 8],
    count: usize,
    more: HashSet<u64, Hasher>,
    /// How many keys got a number.
    numbered: usize,
}

impl UniqueKeys {
    /// Adds a key, and returns whether it is new.
    pub(super) fn add(&mut self, key: &str) -> bool {
        // 0 marks an unused entry of `first`.
        let print = Hasher::default().hash_one(key) | 1;
        if self.first.contains(&print) || self.more.contains(&print) {
            return false;
        }
        match self.first.get_mut(self.count) {
            Some(place) => *place = print,
            None => {
                self.more.insert(print);
            }
        }
        self.count += 1;
        true
    }

    /// Adds the key with a number that makes it unique, `key_2`, and returns it.
    pub(super) fn numbered(&mut self, key: &str) -> String {
        loop {
            self.numbered += 1;
            let numbered = format!("{key}_{}", self.numbered + 1);
            if self.add(&numbered) {
                return numbered;
            }
        }
    }
}
