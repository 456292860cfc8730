//! Stand-in for the metrics of a build without the `metrics` feature: the compiler removes every use of it.

mod observation;

pub(crate) use self::observation::Observation;

#[inline(always)]
pub(crate) const fn is_on() -> bool {
    false
}
