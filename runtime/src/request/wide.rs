//! Fields that user code adds to the completion line of a request.

use crate::redact::shown::Redacted;

/// The maximum number of fields of one request. Values of other names are dropped and counted.
const MAX_FIELDS: usize = 32;

/// The wide fields of one request, in the order in which they were first set.
#[derive(Debug, Default)]
pub(crate) struct WideFields {
    pub(crate) fields: Vec<(Redacted<'static>, WideValue)>,
    /// Values that were dropped because there were too many names.
    pub(crate) dropped: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum WideValue {
    /// The JSON of a value.
    Json(String),
    Sum(WideSum),
}

/// The sum of a counter.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum WideSum {
    Integer(i128),
    Float(f64),
}

impl WideFields {
    /// Sets a field, and replaces an earlier value.
    pub(crate) fn set(&mut self, name: &Redacted<'_>, json: String) {
        self.change(
            name,
            |value| *value = WideValue::Json(json),
            || WideValue::Json(String::new()),
        );
    }

    /// Adds to a counter. A field that is not a counter is replaced by one.
    pub(crate) fn add(&mut self, name: &Redacted<'_>, number: WideSum) {
        let add = |value: &mut WideValue| {
            let sum = match value {
                WideValue::Sum(sum) => sum.plus(number),
                WideValue::Json(_) => number,
            };
            *value = WideValue::Sum(sum);
        };
        self.change(name, add, || WideValue::Sum(WideSum::Integer(0)));
    }

    fn change(
        &mut self,
        name: &Redacted<'_>,
        change: impl FnOnce(&mut WideValue),
        new: impl FnOnce() -> WideValue,
    ) {
        let known = self.fields.iter().position(|(known, _)| known.as_str() == name.as_str());
        let at = match known {
            Some(at) => at,
            None if self.fields.len() >= MAX_FIELDS => {
                self.dropped += 1;
                return;
            }
            None => {
                self.fields.push((name.clone().into_owned(), new()));
                self.fields.len() - 1
            }
        };
        change(&mut self.fields[at].1);
    }
}

impl WideSum {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (WideSum::Integer(one), WideSum::Integer(other)) => {
                WideSum::Integer(one.saturating_add(other))
            }
            (one, other) => WideSum::Float(one.float() + other.float()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a float has the precision that it has")]
    fn float(self) -> f64 {
        match self {
            WideSum::Integer(number) => number as f64,
            WideSum::Float(number) => number,
        }
    }
}
