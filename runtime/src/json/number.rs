//! Numbers as text, in the same notation with and without `subscriber`.
//!
//! If two shortest texts are equally close to a float, the two implementations may choose different ones.
//!
//! Lines are written with crates that neither allocate nor search for digits twice. Crates that only define types don't
//! need them.

#[cfg(feature = "subscriber")]
pub(crate) use fast::{float, integer};
#[cfg(not(feature = "subscriber"))]
pub(crate) use plain::{float, integer};

#[cfg(feature = "subscriber")]
mod fast {
    /// Calls `write` with the digits of an integer.
    #[inline]
    pub(crate) fn integer<T: itoa::Integer>(number: T, write: impl FnOnce(&str)) {
        write(itoa::Buffer::new().format(number));
    }

    /// Calls `write` with the shortest text of a finite number.
    #[inline]
    pub(crate) fn float<T: zmij::Float>(number: T, write: impl FnOnce(&str)) {
        write(zmij::Buffer::new().format_finite(number));
    }
}

#[cfg(any(test, not(feature = "subscriber")))]
mod plain {
    use std::fmt::{Display, LowerExp};
    use std::ops::Range;

    pub(crate) trait PlainFloat: Copy + Display + LowerExp {
        /// The decimal exponents of numbers without an exponent in their text.
        const WITHOUT_EXPONENT: Range<i32>;
    }

    impl PlainFloat for f32 {
        const WITHOUT_EXPONENT: Range<i32> = -6..13;
    }

    impl PlainFloat for f64 {
        const WITHOUT_EXPONENT: Range<i32> = -5..16;
    }

    pub(crate) fn integer(number: impl Display, write: impl FnOnce(&str)) {
        write(&number.to_string());
    }

    pub(crate) fn float<T: PlainFloat>(number: T, write: impl FnOnce(&str)) {
        let scientific = format!("{number:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent = exponent.parse().unwrap_or(0);
        if !T::WITHOUT_EXPONENT.contains(&exponent) {
            return write(&format!("{digits}e{exponent:+}"));
        }
        let decimal = number.to_string();
        write(&if decimal.contains('.') { decimal } else { decimal + ".0" });
    }
}

#[cfg(all(test, feature = "subscriber"))]
mod tests {
    use super::{fast, plain};

    fn text(format: impl FnOnce(&mut dyn FnMut(&str))) -> String {
        let mut out = String::new();
        format(&mut |text| out.push_str(text));
        out
    }

    #[test]
    fn both_forms_of_a_number_are_the_same() {
        for exponent in -330..=308 {
            for digits in ["1", "9.5", "1.25", "-7"] {
                let number: f64 = format!("{digits}e{exponent}").parse().expect("a number");
                if number.is_finite() {
                    let fast = text(|write| fast::float(number, write));
                    assert_eq!(fast, text(|write| plain::float(number, write)));
                }
                let number: f32 = format!("{digits}e{exponent}").parse().expect("a number");
                if number.is_finite() {
                    let fast = text(|write| fast::float(number, write));
                    assert_eq!(fast, text(|write| plain::float(number, write)));
                }
            }
        }
        for number in [i64::MIN, -1, 0, 1_000_000_000, i64::MAX] {
            let fast = text(|write| fast::integer(number, write));
            assert_eq!(fast, text(|write| plain::integer(number, write)));
        }
    }
}
