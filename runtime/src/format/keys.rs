//! The keys that candor writes itself, their renames, and the names that fields can't have because of them.

use crate::json::escape;
use crate::json::shown::Shown;
use crate::redact::shown::{self, Redacted};

/// Defines each set of keys once: as a list, in the order of the line, and as a pattern. The compiler
/// evaluates the patterns for each field of each call site, which takes too long with a loop.
macro_rules! key_sets {
    ($($(#[$doc:meta])* $list:ident[$len:literal], $contains:ident: $($key:literal)*;)*) => {$(
        $(#[$doc])*
        #[allow(dead_code, reason = "only tests need `STEP` and `CALL` as lists")]
        pub(crate) const $list: [&str; $len] = [$(text($key)),*];

        const fn $contains(key: &str) -> bool {
            matches!(key.as_bytes(), $($key)|*)
        }
    )*};
}

key_sets! {
    /// The fixed keys.
    FIXED[12], is_fixed: b"ts" b"level" b"logger" b"msg" b"request_id" b"user_id" b"method" b"path"
        b"service" b"trace_id" b"span_id" b"seq";
    /// Further keys that any line can have.
    COMMON[4], is_common: b"event" b"exc" b"truncated" b"repeats";
    /// Further keys of `step_timing` and `dependency_call` lines.
    STEP[12], is_of_step: b"step" b"duration_ms" b"outcome" b"step_id" b"parent_id" b"offset_ms"
        b"error" b"error_type" b"error_detail" b"error_fields" b"ret" b"busy_ms";
    /// Further keys of `dependency_call` lines.
    CALL[8], is_of_call: b"dependency" b"operation" b"dependency_method" b"url" b"status"
        b"grpc_status" b"retries" b"last_attempt_ms";
}

const fn text(key: &'static [u8]) -> &'static str {
    match std::str::from_utf8(key) {
        Ok(key) => key,
        Err(_) => panic!(),
    }
}

/// Kind of line, which determines the keys that candor writes itself.
#[derive(Debug, Clone, Copy)]
pub enum LineKind {
    /// An event, from candor's macros or from `tracing`.
    Event,
    /// A `step_timing` line.
    Step,
    /// A `dependency_call` line.
    Call,
    /// Any line inside a step, from the step's `context(…)`.
    Context,
}

/// Whether candor itself writes the key `name` in lines of this kind, so that a field can't have it.
pub(crate) const fn is_reserved(name: &str, kind: LineKind) -> bool {
    is_fixed(name)
        || is_common(name)
        || match kind {
            LineKind::Event => false,
            LineKind::Step => is_of_step(name),
            LineKind::Call | LineKind::Context => is_of_step(name) || is_of_call(name),
        }
}

/// Whether `name` is a key of the context that a field replaces on its line.
pub(crate) const fn is_of_context(name: &str) -> bool {
    matches!(name.as_bytes(), b"request_id" | b"user_id" | b"method" | b"path" | b"service")
}

/// Whether one of the names is a key of the context.
pub(crate) const fn any_of_context(mut names: &[&str]) -> bool {
    while let [first, rest @ ..] = names {
        if is_of_context(first) {
            return true;
        }
        names = rest;
    }
    false
}

/// Rejects a reserved field name at compile time.
///
/// Because of `#[track_caller]`, the error is reported at the call, which generated code gives the span of the user's
/// field.
#[track_caller]
pub const fn unreserved(name: &str, kind: LineKind) {
    // Spans and events of steps have a field `message` of their own.
    let is_message = !matches!(kind, LineKind::Event) && matches!(name.as_bytes(), b"message");
    // `error` is accepted if the value is an error, see `StepFields::error`.
    let is_error = matches!(name.as_bytes(), b"error");
    let is_free = !matches!(kind, LineKind::Context) && (is_of_context(name) || is_error);
    if is_reserved(name, kind) && !is_free || is_message {
        refuse(name);
    }
}

/// Like [`unreserved`], for a name that is a constant.
///
/// The macros don't see the name, so they can't require an error as the value of `error`.
#[track_caller]
pub const fn unreserved_constant(name: &str, kind: LineKind) {
    unreserved(name, kind);
    if !matches!(kind, LineKind::Event) && matches!(name.as_bytes(), b"error") {
        refuse(name);
    }
}

/// Returns `renamed` if a step's line has the key `name` already, else `text`.
pub const fn free_name(name: &str, text: &'static str, renamed: &'static str) -> &'static str {
    let is_message = matches!(name.as_bytes(), b"message");
    if is_reserved(name, LineKind::Step) || is_of_context(name) || is_message {
        renamed
    } else {
        text
    }
}

/// Panics with a message that names the key. `panic!` in a constant can't format, so the message is
/// put together from bytes.
#[track_caller]
const fn refuse(name: &str) -> ! {
    let parts = ["`", name, "` is one of candor's own keys; ", way_out(name)];
    let mut message = [0; 256];
    let (mut part, mut end) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            message[end] = parts[part].as_bytes()[index];
            (index, end) = (index + 1, end + 1);
        }
        part += 1;
    }
    match std::str::from_utf8(message.split_at(end).0) {
        Ok(message) => panic!("{}", message),
        Err(_) => panic!(),
    }
}

/// The clause that says what to write instead of a field with a reserved name.
const fn way_out(name: &str) -> &'static str {
    match name.as_bytes() {
        b"level" => "set the level with `level = …`, or choose the event macro of that level",
        b"logger" => "set the target with `target`",
        b"msg" | b"message" => "write a message in an event, or choose another name for the field",
        b"user_id" => "set it with `context::set_user(…)`",
        b"method" | b"path" => "the HTTP layer sets it for all lines of a request",
        b"service" => "set it with `Config::service` or `LOG_SERVICE`",
        b"trace_id" | b"span_id" => "the HTTP layer and `job(…).traceparent(…)` set it",
        b"step" => "name the step with `name = …`",
        b"operation" => "name the operation with `operation = …`",
        b"dependency" => "name the dependency with `dependency = …`",
        b"dependency_method" => "set it with `method = …`",
        b"url" => "set it with `url = …` or `dependency::current().set_url(…)`",
        b"status" => "set it with `dependency::current().set_status(…)`",
        b"grpc_status" => "set it with `dependency::current().set_grpc_status(…)`",
        b"retries" => "report a retry with `dependency::current().retry()`",
        b"ret" => "log the returned value with `ret`",
        b"busy_ms" => "measure it with `busy`",
        _ => "choose another name for the field",
    }
}

/// The key under which a field is written: at most 128 bytes of its name, with `_` appended until it is not reserved.
pub(crate) fn field_name<'a>(name: impl Into<Redacted<'a>>, kind: LineKind) -> Redacted<'a> {
    let mut key = name.into();
    key.cut(128);
    while is_reserved(key.as_str(), kind) {
        key.push("_");
    }
    key
}

/// The fixed keys as one logger writes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    renamed: Vec<(usize, Redacted<'static>)>,
}

impl Keys {
    /// Parses `ts=timestamp,level=severity`. The error is a sentence for the user.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            let (from, to) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` has no `=` between the key and its new name"))?;
            Ok((from.trim(), to.trim()))
        });
        let mut keys = Keys::default();
        keys.rename(&pairs.collect::<Result<Vec<_>, String>>()?)?;
        Ok(keys)
    }

    /// Renames all keys at once, so that one may take another's previous name, in any order.
    pub(crate) fn rename(&mut self, pairs: &[(&str, &str)]) -> Result<(), String> {
        for (from, to) in pairs {
            self.note(from, to)?;
        }
        for (index, name) in &self.renamed {
            let name = name.as_str();
            let taken = COMMON.contains(&name)
                || (0..FIXED.len()).any(|other| other != *index && self.name(other) == name);
            if taken {
                return Err(format!("`{name}` is the name of another key"));
            }
        }
        Ok(())
    }

    fn note(&mut self, from: &str, to: &str) -> Result<(), String> {
        let Some(index) = FIXED.iter().position(|key| *key == from) else {
            return Err(format!(
                "`{from}` is not a fixed key; expected one of {}",
                FIXED.join(", ")
            ));
        };
        if to.is_empty() {
            return Err(format!("the new name of `{from}` is empty"));
        }
        if self.renamed.iter().any(|(known, _)| *known == index) {
            return Err(format!("`{from}` is renamed twice"));
        }
        self.renamed.push((index, shown::text(to).into_owned()));
        Ok(())
    }

    pub(crate) fn are_renamed(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// The name of the fixed key at this position of the line.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.shown(index).as_str()
    }

    fn shown(&self, index: usize) -> Shown<'_> {
        let renamed = self.renamed.iter().find(|(known, _)| *known == index);
        renamed.map_or(Shown::literal(FIXED[index]), |(_, name)| name.shown())
    }

    /// Whether a fixed key was renamed to this name, which is escaped as in a line.
    pub(crate) fn is_renamed_to(&self, escaped: &str) -> bool {
        self.renamed.iter().any(|(_, name)| {
            let mut known = String::new();
            escape::json_text(name.shown(), &mut known);
            known == escaped
        })
    }

    /// Whether the fixed key at this position has this name, which is escaped as in a line.
    pub(crate) fn is_name(&self, index: usize, escaped: &str) -> bool {
        let mut name = String::new();
        escape::json_text(self.shown(index), &mut name);
        name == escaped
    }

    /// `"key":` of a fixed key, ready to be written.
    pub(crate) fn quoted(&self, index: usize) -> String {
        let mut out = String::new();
        escape::json_string(self.shown(index), &mut out);
        out.push(':');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_onto_another_key_is_refused() {
        assert!(Keys::parse("ts=level").is_err());
        assert!(Keys::parse("ts=timestamp,level=timestamp").is_err());
        assert!(Keys::parse("ts=timestamp,level=severity").is_ok());
    }

    #[test]
    fn each_set_is_reserved_in_the_lines_that_have_it() {
        use LineKind::{Call, Event, Step};
        let reserved = |keys: &[&str], kind| keys.iter().all(|key| is_reserved(key, kind));
        for kind in [Event, Step, Call] {
            assert!(reserved(&FIXED, kind) && reserved(&COMMON, kind));
            assert!(!is_reserved("level_", kind) && !is_reserved("", kind));
        }
        assert!(reserved(&STEP, Step) && reserved(&STEP, Call) && reserved(&CALL, Call));
        assert!(!STEP.iter().any(|key| is_reserved(key, Event)));
        assert!(!CALL.iter().any(|key| is_reserved(key, Step)));
    }

    #[test]
    fn keys_swap_their_names_in_whatever_order() {
        for renames in
            ["level=msg,msg=level", "msg=level,level=severity", "level=severity,msg=level"]
        {
            assert_eq!(Keys::parse(renames).expect(renames).name(3), "level");
        }
    }
}
