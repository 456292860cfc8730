//! Indexes of call sites.
//!
//! A record carries the index of the code that logged it, and a sink counts lines by index. An index is assigned when a
//! call site logs for the first time, and stays for the life of the process. At most
//! [`SiteId::LIMIT`] are assigned; later call sites share [`SiteId::OTHER`].

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, RwLock};

use crate::base::fork::ForkLocks;
use crate::base::sync;

/// The index of a call site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SiteId(u32);

impl SiteId {
    /// The number of indexes.
    pub(crate) const LIMIT: usize = 4096;
    /// Index of lines whose location is not known.
    pub(crate) const NO_LOCATION: SiteId = SiteId(1);
    /// Shared index of the call sites beyond the limit.
    pub(crate) const OTHER: SiteId = SiteId(2);

    /// Returns the index for a position in a list by index.
    pub(crate) fn at(index: usize) -> Self {
        u32::try_from(index).map_or(SiteId::OTHER, SiteId)
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns the key of this index.
    pub(crate) fn key(self) -> SiteKey<'static> {
        sync::read(&KNOWN).keys.get(self.index()).copied().unwrap_or(OTHER)
    }

    /// Returns the index of candor's own lines with this event.
    #[cold]
    pub(crate) fn of_own(event: &'static str) -> Self {
        SiteKey::of_own("candor", event).id()
    }
}

/// Index of a call site, stored in a static and assigned when it is first used.
#[derive(Debug)]
pub(crate) struct LazySiteId(AtomicU32);

impl LazySiteId {
    pub(crate) const fn new() -> Self {
        LazySiteId(AtomicU32::new(0))
    }

    /// The index if it is assigned.
    #[inline(always)]
    pub(crate) fn known(&self) -> Option<SiteId> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            id => Some(SiteId(id)),
        }
    }

    #[cold]
    pub(crate) fn assign(&self, key: SiteKey<'static>) -> SiteId {
        let id = key.id();
        self.0.store(id.0, Ordering::Relaxed);
        id
    }
}

/// The most targets of one place in the code, since a `log` record can have a target that is made at run time. Further
/// ones share an index.
const MAX_TARGETS: usize = 8;

/// What identifies a call site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SiteKey<'a> {
    /// Path from the folder of its package on, see [`from_package`].
    pub(crate) file: Option<&'static str>,
    pub(crate) line: Option<u32>,
    pub(crate) target: &'a str,
    /// The value of `event` on its lines; empty if they don't have the key.
    pub(crate) event: &'static str,
    /// The dependency of a call; empty for others.
    pub(crate) dependency: &'static str,
    /// The step, or the operation of a call; empty for others.
    pub(crate) name: &'static str,
}

const NO_LOCATION: SiteKey<'static> =
    SiteKey { file: None, line: None, target: "", event: "", dependency: "", name: "no location" };
const OTHER: SiteKey<'static> = SiteKey { name: "other", ..NO_LOCATION };

impl fmt::Display for SiteKey<'_> {
    /// `src/pay.rs:12 deps dependency_call payments charge`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = self.file {
            f.write_str(file)?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            separator = " ";
        }
        for part in [self.target, self.event, self.dependency, self.name] {
            if !part.is_empty() {
                write!(f, "{separator}{part}")?;
                separator = " ";
            }
        }
        Ok(())
    }
}

struct KnownSites {
    ids: HashMap<SiteKey<'static>, SiteId>,
    /// By index.
    keys: Vec<SiteKey<'static>>,
    /// The number of targets of each place in the code, under the key without a target.
    targets: HashMap<SiteKey<'static>, usize>,
}

static KNOWN: LazyLock<RwLock<KnownSites>> = LazyLock::new(|| RwLock::new(KnownSites::new()));

impl<'a> SiteKey<'a> {
    /// Returns the key of one of candor's own events, which has no location in the program's code.
    pub(crate) fn of_own(target: &'static str, event: &'static str) -> SiteKey<'static> {
        SiteKey { target, event, name: "", ..NO_LOCATION }
    }

    /// Returns the key of an event. `event` is the value of the `event` key on its lines, or empty.
    pub(crate) fn of_event(
        file: Option<&'static str>,
        line: Option<u32>,
        target: &'a str,
        event: &'static str,
    ) -> Self {
        match file.map(from_package) {
            Some(file) => {
                SiteKey { file: Some(file), line, target, event, dependency: "", name: "" }
            }
            None => NO_LOCATION,
        }
    }

    /// Returns the index of the call site, and assigns one if it has none.
    pub(crate) fn id(self) -> SiteId {
        if self == NO_LOCATION {
            return SiteId::NO_LOCATION;
        }
        let known = sync::read(&KNOWN);
        if let Some(id) = known.ids.get(&self) {
            return *id;
        }
        let is_full = known.keys.len() >= SiteId::LIMIT;
        drop(known);
        if is_full { SiteId::OTHER } else { sync::write(&KNOWN).assign(self) }
    }
}

impl KnownSites {
    fn new() -> Self {
        // The first slot belongs to the index that means "not assigned".
        KnownSites {
            ids: HashMap::new(),
            keys: vec![NO_LOCATION, NO_LOCATION, OTHER],
            targets: HashMap::new(),
        }
    }

    #[cold]
    fn assign(&mut self, mut key: SiteKey<'_>) -> SiteId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let SiteKey { file, line, event, dependency, name, .. } = key;
        let place = SiteKey { file, line, target: "", event, dependency, name };
        let targets = self.targets.entry(place).or_default();
        *targets += 1;
        if *targets > MAX_TARGETS {
            key = place;
            if let Some(id) = self.ids.get(&key) {
                return *id;
            }
        }
        let id = match u32::try_from(self.keys.len()) {
            Ok(id) if self.keys.len() < SiteId::LIMIT => SiteId(id),
            _ => return SiteId::OTHER,
        };
        let target: &'static str = Box::leak(Box::from(key.target));
        let key = SiteKey { target, ..place };
        self.keys.push(key);
        self.ids.insert(key, id);
        id
    }
}

/// Returns the keys of all call sites so far, by index.
pub(crate) fn keys() -> Vec<SiteKey<'static>> {
    sync::read(&KNOWN).keys.clone()
}

/// Returns the path of a source file from the folder of its package on. The full path of a dependency's file contains
/// folders of the machine that built the program, such as
/// `/home/ada/.cargo/registry/src/…/hyper-1.9.0/src/proto/h1/io.rs`.
pub(crate) fn from_package(file: &'static str) -> &'static str {
    let after_last = |text: &str| text.rfind(['/', '\\']).map_or(0, |separator| separator + 1);
    let sources = file.rfind("/src/").or_else(|| file.rfind("\\src\\"));
    match sources {
        Some(sources) => &file[after_last(&file[..sources])..],
        None if Path::new(file).is_absolute() => &file[after_last(file)..],
        None => file,
    }
}

/// Takes the lock before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold_rw((), |()| &*KNOWN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_of_a_dependency_does_not_name_the_machine_that_built_it() {
        for (file, shown) in [
            ("src/main.rs", "src/main.rs"),
            (
                "/home/ada/.cargo/registry/src/index-1/hyper-1.9.0/src/io.rs",
                "hyper-1.9.0/src/io.rs",
            ),
            ("/home/ada/shop/examples/orders.rs", "orders.rs"),
            (r"C:\Users\ada\hyper\src\io.rs", r"hyper\src\io.rs"),
            ("tests/behaviour/main.rs", "tests/behaviour/main.rs"),
        ] {
            assert_eq!(from_package(file), shown);
        }
    }

    #[test]
    fn a_call_site_keeps_its_index_and_those_beyond_the_limit_share_one() {
        let mut known = KnownSites::new();
        let key = |line| SiteKey::of_event(Some("src/a.rs"), Some(line), "many", "");
        let first = known.assign(key(0));
        for line in 1..5000 {
            assert_ne!(known.assign(key(line)), first);
        }
        assert_eq!((known.assign(key(0)), known.assign(key(4999))), (first, SiteId::OTHER));
        assert_eq!(known.keys.len(), SiteId::LIMIT);
        assert_eq!(SiteKey::of_event(None, None, "any", "").id(), SiteId::NO_LOCATION);
    }

    #[test]
    fn targets_that_are_made_at_run_time_use_up_few_indexes() {
        let mut known = KnownSites::new();
        let targets: Vec<String> = (0..1000).map(|number| format!("connection-{number}")).collect();
        let key = |at: usize| SiteKey::of_event(Some("src/net.rs"), Some(7), &targets[at], "");
        let ids: Vec<SiteId> = (0..1000).map(|at| known.assign(key(at))).collect();
        assert_eq!(known.keys.len(), 3 + MAX_TARGETS + 1);
        assert_eq!(known.assign(key(3)), ids[3]);
        assert!(ids[MAX_TARGETS..].iter().all(|id| *id == ids[999]));
    }
}
