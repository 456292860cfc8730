//! The description of an annotated function, which the macros write.

use tracing_core::Level;

use super::{RECORDED, SPAN_MARK, STATUS_CODE};
use crate::format::keys::any_of_context;
use crate::format::record::Severity;

/// Description of an annotated function, written by the macros.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate property, set by the macros")]
pub struct Spec {
    /// The step's name, or the call's operation.
    pub(crate) name: &'static str,
    /// The event: `step_timing` or `dependency_call`.
    pub(crate) event: &'static str,
    pub(crate) target: &'static str,
    pub(crate) module: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    /// Level of the line if the step succeeds.
    pub(crate) level: Level,
    /// Level of the line if the step fails.
    pub(crate) err: Level,
    /// At this duration or above, the line is logged at WARN, below it at DEBUG; 0 if there is no limit.
    pub(crate) slow_nanos: u64,
    /// Whether the time inside `poll` is measured.
    pub(crate) busy: bool,
    /// Names of the fields of the event and of the span, for other layers.
    pub(crate) fields: &'static [&'static str],
    /// The dependency call, if it is one.
    pub(crate) call: Option<CallSpec>,
    /// Whether `exc` is one of the fields, and written last.
    pub(crate) has_exc: bool,
    /// Whether a field replaces a value of the context.
    pub(crate) takes_context: bool,
    /// Whether the step has fields that all lines inside it have.
    pub(crate) has_context: bool,
    /// Whether the event counts towards the limit of lines per request.
    pub(crate) is_capped: bool,
}

/// Description of a dependency call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSpec {
    pub(crate) dependency: &'static str,
    pub(crate) method: Option<&'static str>,
    /// Only if it is the same for all calls.
    pub(crate) url: Option<&'static str>,
    /// Replaces the path of the URL.
    pub(crate) url_template: Option<&'static str>,
}

impl CallSpec {
    const NOTHING: CallSpec =
        CallSpec { dependency: "", method: None, url: None, url_template: None };
}

/// The names of fields: identifiers, then any other expressions.
macro_rules! names {
    ($($name:ident)* $(; $($other:expr),*)?) => { &[$(stringify!($name),)* $($($other),*)?] };
}
pub(crate) use names;

/// Declares the sites of events of candor's own: name, event, level, target and the fields after `message` and `event`.
macro_rules! event_sites {
    ($($(#[$attribute:meta])* $vis:vis $NAME:ident = $event:literal $level:ident $target:literal [$($field:ident)*]
       $(.$setting:ident())*;)*) => {$(
        $(#[$attribute])*
        $vis static $NAME: $crate::site::Site = $crate::site::Site::new(
            &$NAME,
            $crate::site::Spec::event(
                $event,
                $target,
                ::tracing_core::Level::$level,
                $crate::site::names!(message event $($field)*),
            )$(.$setting())*
        );
    )*};
}
pub(crate) use event_sites;

/// The fields of a step: of its event, and of its span for other layers.
const STEP_FIELDS: &[&str] = names!(
    message event step duration_ms outcome step_id parent_id offset_ms error error_type error_detail
    error_fields ret busy_ms;
    RECORDED, SPAN_MARK, STATUS_CODE
);

/// The fields of a call.
const CALL_FIELDS: &[&str] = names!(
    message event dependency operation dependency_method url status grpc_status duration_ms outcome retries error
    error_type error_detail error_fields step_id parent_id offset_ms ret busy_ms last_attempt_ms;
    RECORDED, SPAN_MARK, STATUS_CODE, "otel.kind"
);

/// Appends the names of the user's fields to those of candor's own.
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

/// The more severe of two levels. The operators of `Level` are not const.
const fn higher(one: Level, other: Level) -> Level {
    if Severity::of(one) as u8 >= Severity::of(other) as u8 { one } else { other }
}

/// Setters named after fields of [`Spec`].
macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $Type:ty;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $field(self, $field: $Type) -> Self {
            Spec { $field, ..self }
        }
    )*};
}

/// Setters named after fields of [`CallSpec`].
macro_rules! call_setters {
    ($($(#[$doc:meta])* $field:ident = $value:expr;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $field(self, $field: &'static str) -> Self {
            Spec { call: Some(CallSpec { $field: $value, ..self.call_spec() }), ..self }
        }
    )*};
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
            takes_context: false,
            has_context: false,
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

    /// An event of candor's own, which has no span.
    pub(crate) const fn event(
        event: &'static str,
        target: &'static str,
        level: Level,
        fields: &'static [&'static str],
    ) -> Self {
        Spec { event, target, level, fields, ..Spec::step(event, module_path!(), file!(), line!()) }
    }

    /// Marks `exc` as one of the fields.
    pub(crate) const fn with_exc(self) -> Self {
        Spec { has_exc: true, ..self }
    }

    /// Exempts the event from the limit of lines per request.
    pub(crate) const fn uncapped(self) -> Self {
        Spec { is_capped: false, ..self }
    }

    /// Takes the checks of the user's fields.
    ///
    /// As arguments they are part of the evaluation of the static, so that each error is reported once.
    #[must_use]
    pub const fn checked<const N: usize>(self, _: [(); N]) -> Self {
        self
    }

    setters! {
        /// The target of the line.
        target: &'static str;
        /// The level of the line if the step succeeds.
        level: Level;
        /// The level of the line if the step fails.
        err: Level;
        /// The minimum duration of a line that is logged at WARN.
        slow_nanos: u64;
        /// The names of the fields of event and span.
        fields: &'static [&'static str];
    }

    call_setters! {
        /// The dependency that is called.
        dependency = dependency;
        /// The method of the call.
        method = Some(method);
        /// The URL, if it is a literal in the source. It is made safe before it is logged.
        url = Some(url);
        /// The path that replaces that of the URL.
        url_template = Some(url_template);
    }

    /// Raises the level of the line if the step succeeds.
    #[must_use]
    pub const fn raise_level(self, level: Level) -> Self {
        Spec { level: higher(self.level, level), ..self }
    }

    /// Raises the level of the line if the step fails.
    #[must_use]
    pub const fn raise_err(self, err: Level) -> Self {
        Spec { err: higher(self.err, err), ..self }
    }

    /// Sets that the step has fields that all lines inside it have.
    #[must_use]
    pub const fn with_context(self) -> Self {
        Spec { has_context: true, ..self }
    }

    /// Measures the time inside `poll`.
    #[must_use]
    pub const fn busy(self) -> Self {
        Spec { busy: true, ..self }
    }

    /// Sets whether one of the user's fields replaces a value of the context.
    #[must_use]
    pub const fn users(self, names: &[&str]) -> Self {
        Spec { takes_context: any_of_context(names), ..self }
    }

    /// The names of the fields of event and span.
    pub const fn names(&self) -> &'static [&'static str] {
        self.fields
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
