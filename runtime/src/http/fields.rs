//! Calls the hooks of a `RequestLayer`, and collects the fields that they add to the lines of a request.

use std::sync::Arc;

use crate::base::catch::contain;
use crate::instrument::context;
use crate::json::members;
use crate::redact::loggable::Loggable;

/// Fields added by a closure of [`RequestLayer::fields`](super::RequestLayer::fields) or
/// [`response_fields`](super::RequestLayer::response_fields).
#[derive(Debug)]
pub struct Fields<'a> {
    members: String,
    /// Names that the line already has.
    reserved: &'a [&'static str],
}

/// Adds fields, read from the request or response `T`.
pub(super) type FieldsHook<T> = Arc<dyn Fn(&T, &mut Fields<'_>) + Send + Sync>;

impl<'a> Fields<'a> {
    /// Sets a field, replacing an earlier value of the same name.
    ///
    /// The value must be loggable: `fields.set("tenant", clear(tenant))`.
    pub fn set(&mut self, name: &str, value: impl Loggable) -> &mut Self {
        let (mut name, json) = context::member(name, &value);
        while self.reserved.contains(&name.as_str()) {
            name.push("_");
        }
        members::set(&mut self.members, name.shown(), &json);
        self
    }

    /// Returns the fields of all hooks, as JSON members. A hook that panics adds none; the other hooks still run.
    pub(super) fn collect<T>(
        hooks: &[FieldsHook<T>],
        parts: &T,
        reserved: &'a [&'static str],
    ) -> String {
        let mut all = String::new();
        for hook in hooks {
            let mut fields = Fields { members: String::new(), reserved };
            if call_hook(|| hook(parts, &mut fields)).is_some() {
                members::set_all(&mut all, &fields.members);
            }
        }
        all
    }
}

/// Calls `hook` and returns `None` if it panics, so that a faulty hook does not fail the request.
pub(super) fn call_hook<T>(hook: impl FnOnce() -> T) -> Option<T> {
    contain(hook)
}
