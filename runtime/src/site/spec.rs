//! What the macros know of an annotated function.

use tracing_core::Level;

use super::{RECORDED, SPAN_MARK, STATUS_CODE};

/// What the macros know of an annotated function.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The step's name, or the call's operation.
    pub(crate) name: &'static str,
    /// The event: `step_timing` or `dependency_call`.
    pub(crate) event: &'static str,
    pub(crate) target: &'static str,
    pub(crate) module: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    /// Level of the line when all is well.
    pub(crate) level: Level,
    /// Level of the line on an error.
    pub(crate) err: Level,
    /// From this duration on the line is a WARN, and below it DEBUG; 0 where no limit is set.
    pub(crate) slow_nanos: u64,
    /// Whether the time inside `poll` is measured.
    pub(crate) busy: bool,
    /// Names of the fields of the event and of the span, for other layers.
    pub(crate) fields: &'static [&'static str],
    /// What is called, where it is a call.
    pub(crate) call: Option<CallSpec>,
    /// Whether a member `exc` is among the fields, to be put last.
    pub(crate) has_exc: bool,
    /// Whether the cap on a request's lines holds for the event.
    pub(crate) is_capped: bool,
}

/// What the macros know of a call to a dependency.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSpec {
    pub(crate) dependency: &'static str,
    pub(crate) method: Option<&'static str>,
    /// Where it is the same for all calls.
    pub(crate) url: Option<&'static str>,
    /// Stands in place of the URL's path.
    pub(crate) url_template: Option<&'static str>,
}

impl CallSpec {
    const NOTHING: CallSpec =
        CallSpec { dependency: "", method: None, url: None, url_template: None };
}

/// The names of a step's fields: of its event, and of its span for others.
const STEP_FIELDS: &[&str] = &[
    "message",
    "event",
    "step",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "error",
    "error_detail",
    "ret",
    "busy_ms",
    RECORDED,
    SPAN_MARK,
    STATUS_CODE,
];

/// The names of a call's fields.
const CALL_FIELDS: &[&str] = &[
    "message",
    "event",
    "dependency",
    "operation",
    "dependency_method",
    "url",
    "status",
    "duration_ms",
    "outcome",
    "retries",
    "error",
    "error_detail",
    "step_id",
    "parent_id",
    "offset_ms",
    "ret",
    "busy_ms",
    "last_attempt_ms",
    RECORDED,
    SPAN_MARK,
    STATUS_CODE,
    "otel.kind",
];

/// The names of the user's fields behind those of candor's own.
pub const fn fields<const N: usize>(
    own: &[&'static str],
    users: &[&'static str],
) -> [&'static str; N] {
    let mut all = [""; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < own.len() { own[at] } else { users[at - own.len()] };
        at += 1;
    }
    all
}

impl Spec {
    /// A step with its defaults.
    pub const fn step(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Spec {
            name,
            event: "step_timing",
            target: module,
            module,
            file,
            line,
            level: Level::INFO,
            err: Level::WARN,
            slow_nanos: 0,
            busy: false,
            fields: STEP_FIELDS,
            call: None,
            has_exc: false,
            is_capped: true,
        }
    }

    /// A call with its defaults.
    pub const fn call(
        operation: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Spec {
            event: "dependency_call",
            target: "deps",
            err: Level::ERROR,
            fields: CALL_FIELDS,
            call: Some(CallSpec::NOTHING),
            ..Spec::step(operation, module, file, line)
        }
    }

    /// An event of candor's own, of which no span is made.
    pub(crate) const fn event(
        event: &'static str,
        target: &'static str,
        level: Level,
        fields: &'static [&'static str],
    ) -> Self {
        Spec { event, target, level, fields, ..Spec::step(event, module_path!(), file!(), line!()) }
    }

    /// Among its fields is `exc`.
    pub(crate) const fn with_exc(self) -> Self {
        Spec { has_exc: true, ..self }
    }

    /// The cap on a request's lines does not hold for it.
    pub(crate) const fn uncapped(self) -> Self {
        Spec { is_capped: false, ..self }
    }

    /// Takes the checks of the user's fields: as arguments they are part of the static's own
    /// evaluation, so that each error is reported once.
    #[must_use]
    pub const fn checked<const N: usize>(self, _: [(); N]) -> Self {
        self
    }

    /// The target of the line.
    #[must_use]
    pub const fn target(self, target: &'static str) -> Self {
        Spec { target, ..self }
    }

    /// The level when all is well.
    #[must_use]
    pub const fn level(self, level: Level) -> Self {
        Spec { level, ..self }
    }

    /// The level on an error.
    #[must_use]
    pub const fn err(self, err: Level) -> Self {
        Spec { err, ..self }
    }

    /// The duration from which on the line is a WARN.
    #[must_use]
    pub const fn slow_nanos(self, slow_nanos: u64) -> Self {
        Spec { slow_nanos, ..self }
    }

    /// Has the time inside `poll` measured.
    #[must_use]
    pub const fn busy(self) -> Self {
        Spec { busy: true, ..self }
    }

    /// The names of the fields of event and span.
    pub const fn names(&self) -> &'static [&'static str] {
        self.fields
    }

    /// Other names in their place.
    #[must_use]
    pub const fn fields(self, fields: &'static [&'static str]) -> Self {
        Spec { fields, ..self }
    }

    /// Who is called.
    #[must_use]
    pub const fn dependency(self, dependency: &'static str) -> Self {
        Spec { call: Some(CallSpec { dependency, ..self.call_spec() }), ..self }
    }

    /// How it is called.
    #[must_use]
    pub const fn method(self, method: &'static str) -> Self {
        Spec { call: Some(CallSpec { method: Some(method), ..self.call_spec() }), ..self }
    }

    /// Where it is called, as text of the program; made safe before it is shown.
    #[must_use]
    pub const fn url(self, url: &'static str) -> Self {
        Spec { call: Some(CallSpec { url: Some(url), ..self.call_spec() }), ..self }
    }

    /// What stands in place of the URL's path.
    #[must_use]
    pub const fn url_template(self, template: &'static str) -> Self {
        Spec { call: Some(CallSpec { url_template: Some(template), ..self.call_spec() }), ..self }
    }

    const fn call_spec(&self) -> CallSpec {
        match self.call {
            Some(call) => call,
            None => CallSpec::NOTHING,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::keys::{LineKind, is_reserved};

    #[test]
    fn the_names_that_candor_gives_to_fields_are_reserved() {
        for (names, kind) in [(STEP_FIELDS, LineKind::Step), (CALL_FIELDS, LineKind::Call)] {
            for name in names.iter().filter(|name| **name != "message" && !name.contains('.')) {
                assert!(is_reserved(name, kind), "{name}");
            }
        }
    }
}
