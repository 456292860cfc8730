//! Redaction without the `subscriber` feature: no configuration and no counts.
//!
//! Each module has the functions that the rest of `redact` calls in the module of the same name.

/// The key rule without the names that a deployment adds.
pub(crate) mod deployment {
    use crate::redact::keys::is_sensitive;

    pub(crate) fn hides(name: &str) -> bool {
        is_sensitive(name)
    }

    pub(crate) fn added_by_deployment(_name: &str) -> bool {
        false
    }

    pub(crate) fn is_adjusted() -> bool {
        false
    }
}

/// The `hash` policy without a key.
pub(crate) mod hash {
    pub(crate) fn pseudonym(_name: &str, _value: &[u8]) -> Option<String> {
        None
    }
}

pub(crate) mod counted {
    pub(crate) fn name(_name: &str) {}

    pub(crate) fn detector(_detector: &'static str) {}
}

pub(crate) mod shown {
    use crate::json::shown::Shown;
    use crate::redact::scrub::{self, REDACTED};

    /// A name that the program gives at run time, or `[REDACTED]` if the scrubber would alter it.
    pub(crate) fn name(name: &str) -> Shown<'_> {
        Shown::redacted(if scrub::is_unaltered(name) { name } else { REDACTED })
    }
}

/// Strict mode, which is off.
pub(crate) mod strict {
    pub(crate) fn is_on() -> bool {
        false
    }

    pub(crate) fn is_reported() -> bool {
        false
    }

    pub(crate) fn is_allowed(_name: &str) -> bool {
        true
    }
}

pub(crate) mod strict_report {
    pub(crate) use crate::redact::place::Place;

    pub(crate) fn named(_place: Place, _name: &str) {}

    pub(crate) fn error(_type_name: &'static str) {}

    pub(crate) fn once(_place: Place) {}
}
