//! Report mode, a dry run of strict mode: values that strict mode would hide are reported and stay visible.
//!
//! This module collects the places except events and spans of other crates, which the layer reports itself because it
//! knows their call sites. The logger writes the collected places after the next line, because a line is usually being
//! rendered when one is found.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::counted;
pub(crate) use super::place::Place;
use super::scrub::REDACTED;
use crate::base::due::{self, Due};
use crate::base::fork::ForkLocks;
use crate::base::lock;

/// Maximum number of places, because names can come from callers.
const MAX_PLACES: usize = 1000;

/// The places that were reported or are due, with their names.
static KNOWN: Mutex<BTreeSet<(Place, String)>> = Mutex::new(BTreeSet::new());

static DUE: Mutex<Vec<(Place, String)>> = Mutex::new(Vec::new());

/// Reports a header or query parameter, once for each name. A name that may be a secret itself is `[REDACTED]`.
#[cold]
pub(crate) fn named(place: Place, name: &str) {
    add(place, counted::listable(name).unwrap_or_else(|| REDACTED.to_owned()));
}

/// Reports an error, once for each type.
#[cold]
pub(crate) fn error(type_name: &'static str) {
    add(Place::Error, type_name.to_owned());
}

/// Reports a place without a name, once in a process.
#[cold]
pub(crate) fn once(place: Place) {
    add(place, String::new());
}

fn add(place: Place, name: String) {
    let is_new = {
        let mut known = lock(&KNOWN);
        known.len() < MAX_PLACES && known.insert((place, name.clone()))
    };
    if is_new {
        lock(&DUE).push((place, name));
        due::set(Due::StrictReports);
    }
}

/// Returns the places that are not written yet, with their names.
#[cold]
pub(crate) fn take() -> Vec<(Place, String)> {
    std::mem::take(&mut *lock(&DUE))
}

/// Takes the locks before a fork. The parent writes the places that are due.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&KNOWN), |(), _| {});
    locks.hold(
        (),
        |()| Some(&DUE),
        |(), due| {
            if let Some(due) = due {
                due.clear();
            }
        },
    );
}
