//! Ticks of the time axis, at round times.

use crate::time::Micros;

/// A labelled time on the axis.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// Time since the start of the axis.
    pub(crate) at: Micros,
    pub(crate) label: String,
}

/// Returns the ticks of an axis: 0 and at most `most` multiples of the smallest step of 1, 2 or 5 × 10ⁿ µs.
pub(crate) fn ticks(length: Micros, most: usize) -> Vec<Tick> {
    let length = length.max(0);
    let most = Micros::try_from(most).unwrap_or(1).max(1);
    let steps = (0..18).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_i64.pow(power)));
    let step = steps.into_iter().find(|step| length / step <= most).unwrap_or(Micros::MAX);
    (0..=length / step)
        .map(|index| {
            let at = index * step;
            Tick { at, label: label(at, length) }
        })
        .collect()
}

/// All labels of an axis have the unit of its length.
fn label(at: Micros, length: Micros) -> String {
    match at {
        0 => "0".to_owned(),
        at if length >= 1_000_000 => format!("{} s", at as f64 / 1e6),
        at => format!("{} ms", at as f64 / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(length: Micros, most: usize) -> Vec<String> {
        ticks(length, most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(405_000, 5), ["0", "100 ms", "200 ms", "300 ms", "400 ms"]);
        assert_eq!(labels(16_800, 4), ["0", "5 ms", "10 ms", "15 ms"]);
        assert_eq!(labels(100_000, 5), ["0", "20 ms", "40 ms", "60 ms", "80 ms", "100 ms"]);
        assert_eq!(labels(1_200_000, 6), ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s", "1.2 s"]);
        assert_eq!(labels(70, 4), ["0", "0.02 ms", "0.04 ms", "0.06 ms"]);
    }

    #[test]
    fn the_number_of_ticks_is_limited_for_any_length() {
        for length in [-5, 0, 1, 999, 86_400_000_000, 600_000_000_000_000_000, Micros::MAX] {
            for most in [0, 1, 7] {
                assert!(ticks(length, most).len() <= most.max(1) + 1, "{length} {most}");
            }
        }
    }
}
