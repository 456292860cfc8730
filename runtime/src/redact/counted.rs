//! Counts of what was redacted at run time, by the name or the detector that caused it.
//!
//! A value that an explicit policy hides, or the key rule at compile time, is not counted: the code says why.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use super::scrub;
use crate::base::fork::ForkLocks;
use crate::base::lock;

/// Maximum number of names that are counted under themselves, because names can come from callers.
const MAX_NAMES: usize = 256;

/// Maximum length of such a name, in bytes.
const LONGEST_NAME: usize = 64;

/// Number of redactions at run time for one reason.
///
/// [`Stats::redactions`](crate::Stats::redactions) has an example.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redaction {
    /// The name or the detector.
    pub reason: RedactionReason,
    /// The number of `[REDACTED]`s.
    pub count: u64,
}

/// Reason why a value was redacted at run time.
///
/// ```
/// use candor::RedactionReason;
///
/// assert_eq!(RedactionReason::Name("api_key".to_owned()).to_string(), "name api_key");
/// assert_eq!(RedactionReason::OtherNames.to_string(), "other names");
/// assert_eq!(RedactionReason::Detector("card number").to_string(), "card number");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RedactionReason {
    /// The [key rule](crate::keys) or the deployment considers this name sensitive.
    ///
    /// In lower case.
    ///
    /// To show such values, exempt the name with [`Config::not_sensitive`](crate::Config::not_sensitive).
    Name(String),
    /// Like [`Name`](Self::Name), for names that are not listed.
    ///
    /// The first 256 names of a process are listed, if they have at most 64 bytes of `[A-Za-z0-9_.-]` and the
    /// [scrubber](crate::scrub::text) leaves them unaltered.
    OtherNames,
    /// The scrubber recognises the format of the value, or the text around it.
    ///
    /// For example `bearer` or `card number`, or `flag` for `-p hunter2`.
    Detector(&'static str),
}

impl fmt::Display for RedactionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedactionReason::Name(name) => write!(f, "name {name}"),
            RedactionReason::OtherNames => f.write_str("other names"),
            RedactionReason::Detector(detector) => f.write_str(detector),
        }
    }
}

impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.count)
    }
}

struct Counts {
    names: BTreeMap<String, u64>,
    other_names: u64,
    detectors: BTreeMap<&'static str, u64>,
}

static COUNTS: Mutex<Counts> =
    Mutex::new(Counts { names: BTreeMap::new(), other_names: 0, detectors: BTreeMap::new() });

/// Counts a value that is hidden because of its name.
#[cold]
pub(crate) fn name(name: &str) {
    let listed = listable(name);
    let mut counts = lock(&COUNTS);
    let Counts { names, other_names, .. } = &mut *counts;
    let count = match listed {
        None => other_names,
        Some(name) if names.len() < MAX_NAMES => names.entry(name).or_default(),
        Some(name) => names.get_mut(&name).unwrap_or(other_names),
    };
    *count += 1;
}

/// Counts a value that a detector found, or that is hidden for another reason than its name.
#[cold]
pub(crate) fn detector(detector: &'static str) {
    *lock(&COUNTS).detectors.entry(detector).or_default() += 1;
}

/// Returns the name in lower case if it can be listed: it is short, and can't be a secret itself.
pub(super) fn listable(name: &str) -> Option<String> {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_listable = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(in_name)
        && scrub::is_unaltered(name);
    is_listable.then(|| name.to_ascii_lowercase())
}

/// The counts so far, the largest first.
pub(crate) fn redactions() -> Vec<Redaction> {
    let mut all: Vec<_> = {
        let counts = lock(&COUNTS);
        let names = counts.names.iter().map(|(name, count)| Redaction {
            reason: RedactionReason::Name(name.clone()),
            count: *count,
        });
        let other = Redaction { reason: RedactionReason::OtherNames, count: counts.other_names };
        let detectors = counts.detectors.iter().map(|(detector, count)| Redaction {
            reason: RedactionReason::Detector(detector),
            count: *count,
        });
        names.chain([other]).chain(detectors).collect()
    };
    sort(&mut all);
    all
}

/// The differences from earlier counts, the largest first.
#[cfg(feature = "testing")]
pub(crate) fn redactions_since(before: &[Redaction]) -> Vec<Redaction> {
    let mut all = redactions();
    for redaction in &mut all {
        let earlier = before.iter().find(|earlier| earlier.reason == redaction.reason);
        redaction.count -= earlier.map_or(0, |earlier| earlier.count);
    }
    sort(&mut all);
    all
}

fn sort(redactions: &mut Vec<Redaction>) {
    redactions.retain(|redaction| redaction.count > 0);
    // Stable, so that reasons with the same count stay in their order.
    redactions.sort_by_key(|redaction| std::cmp::Reverse(redaction.count));
}

/// Takes the lock before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&COUNTS), |(), _| {});
}
