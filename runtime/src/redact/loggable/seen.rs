//! Keys of one object, none of which may appear twice.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

type Hasher = BuildHasherDefault<DefaultHasher>;

/// The keys so far, as numbers; the first ones without allocation.
///
/// Two keys of one number only cost the second a number behind it.
#[derive(Default)]
pub(super) struct Seen {
    first: [u64; 8],
    count: usize,
    more: HashSet<u64, Hasher>,
    /// How many keys had to be numbered.
    numbered: usize,
}

impl Seen {
    /// Takes note of a key; whether it is new.
    pub(super) fn add(&mut self, key: &str) -> bool {
        // 0 stands for an empty place.
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

    /// The key with a number behind it that makes it new: `key_2`.
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
