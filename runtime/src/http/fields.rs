//! Fields that the owner of an edge adds to its lines.

use std::sync::Arc;

use super::layer::guarded;
use crate::instrument::context;
use crate::json::members;
use crate::redact::loggable::Loggable;

/// Fields of one's own: what a hook of [`RequestLayer::fields`](super::RequestLayer::fields) or
/// [`response_fields`](super::RequestLayer::response_fields) adds to.
#[derive(Debug)]
pub struct Fields<'a> {
    members: String,
    /// Names that are taken already.
    taken: &'a [&'static str],
}

/// Adds fields, by what it sees of `T`.
pub(super) type FieldsHook<T> = Arc<dyn Fn(&T, &mut Fields<'_>) + Send + Sync>;

impl<'a> Fields<'a> {
    /// Sets a field; a name that was set before is set anew.
    ///
    /// The value must be loggable: `fields.set("tenant", clear(tenant))`.
    pub fn set(&mut self, name: &str, value: impl Loggable) -> &mut Self {
        let (mut name, json) = context::member(name, &value);
        while self.taken.contains(&name.as_str()) {
            name.push('_');
        }
        members::set(&mut self.members, &name, &json);
        self
    }

    /// What all hooks say, as members. One that panics says nothing, and the others do all the same.
    pub(super) fn told<T>(hooks: &[FieldsHook<T>], of: &T, taken: &'a [&'static str]) -> String {
        let mut all = String::new();
        for hook in hooks {
            let mut fields = Fields { members: String::new(), taken };
            if guarded(|| hook(of, &mut fields)).is_some() {
                members::set_all(&mut all, &fields.members);
            }
        }
        all
    }
}
