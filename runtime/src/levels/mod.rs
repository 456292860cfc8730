//! Which lines are written, by target and level: `info,deps=debug`.

mod active;
mod directives;
mod interest;
mod raised;

use crate::base::fork::ForkLocks;
pub(crate) use active::{ActiveLevels, TemporaryRaise};
pub(crate) use directives::{Levels, covers};
pub(crate) use interest::rebuild;
pub(crate) use raised::{Raised, is_raised_for_any, max_raised};

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    interest::hold(locks);
    raised::hold(locks);
}
