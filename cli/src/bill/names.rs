//! Volumes by name, in bounded memory.

use std::collections::HashMap;

/// The maximum number of names that are counted separately. An input can have any number of names; the others are
/// counted together.
const MAX_NAMES: usize = 2_000;
/// The maximum length of a name. Longer names are counted together with the others.
const MAX_NAME_BYTES: usize = 256;
/// The number of slots of the cache in front of the hash map; a power of two.
const SLOTS: usize = 256;

/// Lines and their bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

impl Volume {
    pub(super) fn add(&mut self, other: Volume) {
        self.lines += other.lines;
        self.bytes += other.bytes;
    }

    pub(super) fn minus(self, other: Volume) -> Volume {
        Volume {
            lines: self.lines.saturating_sub(other.lines),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// Index of a name in its table.
pub(super) type NameIndex = u32;

/// Lines without a name.
pub(super) const NO_NAME: NameIndex = 0;
/// Lines whose name is not counted separately.
const OTHER_NAMES: NameIndex = 1;

/// Volumes by name, in the form in which lines have it.
#[derive(Debug)]
pub(super) struct NameTable {
    indexes: HashMap<Box<[u8]>, NameIndex>,
    names: Vec<Box<[u8]>>,
    volumes: Vec<Volume>,
    /// The latest name of each slot. A comparison is faster than hashing, and most lines hit.
    recent: Box<[NameIndex; SLOTS]>,
}

impl NameTable {
    pub(super) fn new() -> Self {
        NameTable {
            indexes: HashMap::new(),
            names: vec![Box::default(); 2],
            volumes: vec![Volume::default(); 2],
            recent: Box::new([NO_NAME; SLOTS]),
        }
    }

    /// Returns the index of a name; `NO_NAME` if it is empty.
    #[inline]
    pub(super) fn index(&mut self, name: &[u8]) -> NameIndex {
        if name.is_empty() {
            return NO_NAME;
        }
        let slot = slot(name);
        let recent = self.recent[slot];
        if *self.names[recent as usize] == *name {
            return recent;
        }
        let index = self.find_or_add(name);
        if index > OTHER_NAMES {
            self.recent[slot] = index;
        }
        index
    }

    fn find_or_add(&mut self, name: &[u8]) -> NameIndex {
        if let Some(index) = self.indexes.get(name) {
            return *index;
        }
        if name.len() > MAX_NAME_BYTES || self.names.len() >= MAX_NAMES {
            return OTHER_NAMES;
        }
        let index = self.names.len() as NameIndex;
        self.indexes.insert(name.into(), index);
        self.names.push(name.into());
        self.volumes.push(Volume::default());
        index
    }

    pub(super) fn add(&mut self, index: NameIndex, volume: Volume) {
        self.volumes[index as usize].add(volume);
    }

    pub(super) fn merge(&mut self, other: &NameTable) {
        self.add(NO_NAME, other.volumes[NO_NAME as usize]);
        self.add(OTHER_NAMES, other.volumes[OTHER_NAMES as usize]);
        for (name, volume) in other.named() {
            let index = self.index(name);
            self.add(index, volume);
        }
    }

    /// Returns the volume of names beyond the limits.
    pub(super) fn others(&self) -> Volume {
        self.volumes[OTHER_NAMES as usize]
    }

    /// Returns the names with their volumes.
    pub(super) fn named(&self) -> impl Iterator<Item = (&[u8], Volume)> {
        let first = OTHER_NAMES as usize + 1;
        self.names[first..]
            .iter()
            .map(|name| &**name)
            .zip(self.volumes[first..].iter().copied())
            .filter(|(_, volume)| volume.lines > 0)
    }
}

/// Chooses a slot by the length, and by bytes in which names usually differ.
#[inline]
fn slot(name: &[u8]) -> usize {
    let at = |index: usize| usize::from(name.get(index).copied().unwrap_or_default());
    let (first, middle, last) = (at(1), at(name.len() / 2), at(name.len().saturating_sub(2)));
    (name.len() + first * 7 + middle * 31 + last * 131) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limits_are_counted_together() {
        let mut table = NameTable::new();
        let one = Volume { lines: 1, bytes: 10 };
        for number in 0..2 * MAX_NAMES {
            let index = table.index(format!("name {number}").as_bytes());
            table.add(index, one);
        }
        let long = table.index(&[b'x'; MAX_NAME_BYTES + 1]);
        table.add(long, one);
        let named: u64 = table.named().map(|(_, volume)| volume.lines).sum();
        assert!(named < MAX_NAMES as u64);
        assert_eq!(named + table.others().lines, 2 * MAX_NAMES as u64 + 1);
    }
}
