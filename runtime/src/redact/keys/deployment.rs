//! Names that a deployment adds to the key rule or removes from it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::rule::is_sensitive;
use super::words::Words;
use crate::redact::off;

#[derive(Debug)]
struct Deployment {
    /// Fingerprints, so that a lookup does not allocate and ignores spelling.
    sensitive: HashSet<u64>,
    not_sensitive: HashSet<String>,
}

static DEPLOYMENT: ArcSwapOption<Deployment> = ArcSwapOption::const_empty();
/// Whether there is a [`DEPLOYMENT`]: one plain load for the processes without one.
static ADJUSTED: AtomicBool = AtomicBool::new(false);

/// Replaces the deployment's lists. `sensitive` names match in any spelling (`internal-ref`, `internalRef`),
/// `not_sensitive` names only exactly.
pub(crate) fn install(sensitive: &[String], not_sensitive: &[String]) {
    DEPLOYMENT.store(Some(Arc::new(Deployment {
        sensitive: sensitive.iter().map(|name| fingerprint(name)).collect(),
        not_sensitive: not_sensitive.iter().cloned().collect(),
    })));
    ADJUSTED.store(true, Ordering::Release);
    rules_changed();
}

/// How often the redaction rules of this process changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Invalidates caches that were built under the previous rules.
pub(crate) fn rules_changed() {
    CHANGES.fetch_add(1, Ordering::AcqRel);
}

/// Returns the version of the rules: a cache that was built under the same version is valid.
#[inline]
pub(crate) fn rules_version() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

/// [`is_sensitive`] with the deployment's changes.
pub(crate) fn hides(name: &str) -> bool {
    if off::is_off() {
        return false;
    }
    if !is_adjusted() {
        return is_sensitive(name);
    }
    added_by_deployment(name)
        || is_sensitive(name)
            && !DEPLOYMENT.load().as_ref().is_some_and(|lists| lists.not_sensitive.contains(name))
}

/// Whether the deployment changes the rule.
#[inline]
pub(crate) fn is_adjusted() -> bool {
    ADJUSTED.load(Ordering::Acquire)
}

/// Whether the deployment lists the name as sensitive, which hides its value even under the `clear` policy.
#[inline]
pub(crate) fn added_by_deployment(name: &str) -> bool {
    is_adjusted() && is_listed(name)
}

#[cold]
fn is_listed(name: &str) -> bool {
    let lists = DEPLOYMENT.load();
    lists.as_ref().is_some_and(|lists| lists.sensitive.contains(&fingerprint(name)))
}

/// Returns the same number for the same letters, however they are split into words.
fn fingerprint(name: &str) -> u64 {
    let mut words = Words::of(name);
    let mut print = 0_u64;
    while let Some(word) = words.next() {
        let bytes = word.text.to_be_bytes();
        for &byte in &bytes[16 - word.len.min(16) as usize..] {
            print = (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
        }
    }
    print
}
