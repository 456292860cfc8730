//! The logarithmic time axis of the charts.

use crate::screen::display_width;

/// The range of an axis: whole powers of ten, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    /// Returns the axis from the power of ten below `shortest_ms` to the one above `longest_ms`.
    pub(super) fn new(shortest_ms: f64, longest_ms: f64) -> Self {
        // Lines have a resolution of one microsecond. The durations of a histogram are off by up to 2 %, so that one of
        // 1 ms may be below 1 ms.
        let from = (shortest_ms.max(0.001) * 1.02).log10().floor() as i32;
        let to = longest_ms.max(0.001).log10().ceil() as i32;
        Axis { from, to: to.max(from + 1) }
    }

    pub(super) fn range_ms(self) -> (f64, f64) {
        (10_f64.powi(self.from), 10_f64.powi(self.to))
    }

    /// A row with a tick and a label at powers of ten: `▏1 ms   ▏10 ms   100 ms▕`. Every power has one if there is
    /// room, else every second or third.
    pub(super) fn labels(self, width: usize) -> String {
        let decades = self.to - self.from;
        let column = |nth: i32| (nth as usize * width) / decades.max(1) as usize;
        let label = |nth: i32| format!("▏{}", power_of_ten(self.from + nth));
        let last = format!("{}▕", power_of_ten(self.to));
        let last_start = width.saturating_sub(display_width(&last));
        let end = |nth: i32| column(nth) + display_width(&label(nth));
        let fits = |step: i32| {
            let inner = (0..decades - step).step_by(step as usize);
            inner.into_iter().all(|nth| end(nth) < column(nth + step))
        };
        let step = (1..decades).find(|step| fits(*step)).unwrap_or(decades);
        let mut row = String::new();
        let pad = |row: &mut String, to: usize| {
            row.extend(std::iter::repeat_n(' ', to.saturating_sub(display_width(row))));
        };
        // The label of the end takes precedence over the one before it.
        let ticks = (0..decades).step_by(step as usize);
        for nth in ticks.filter(|nth| *nth == 0 || end(*nth) < last_start) {
            pad(&mut row, column(nth));
            row.push_str(&label(nth));
        }
        if last_start > display_width(&row) {
            pad(&mut row, last_start);
            row.push_str(&last);
        }
        row
    }
}

/// `0.001 ms`, `10 ms`, `100 s`
fn power_of_ten(exponent: i32) -> String {
    match exponent {
        ..0 => format!("{:.*} ms", exponent.unsigned_abs() as usize, 10_f64.powi(exponent)),
        0..3 => format!("{} ms", 10_u64.pow(exponent.unsigned_abs())),
        _ => format!("{} s", 10_u64.pow((exponent - 3).unsigned_abs())),
    }
}

/// Counts as bars. A count above 0 always has a bar, even beside a count of thousands.
pub(super) fn bar_chart(counts: &[u64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bar = |count: &u64| match count {
        0 => ' ',
        count => HEIGHTS[((*count as f64 / most * 7.0).round() as usize).min(7)],
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_powers_of_ten_at_their_columns() {
        assert_eq!(Axis::new(1.2, 80.0).labels(24), "▏1 ms            100 ms▕");
        assert_eq!(Axis::new(1.2, 80.0).labels(40), "▏1 ms               ▏10 ms       100 ms▕");
        assert_eq!(Axis::new(200.0, 5_000.0).labels(20), "▏100 ms   ▏1 s 10 s▕");
    }

    #[test]
    fn an_axis_reaches_from_the_power_below_to_the_one_above() {
        assert_eq!(Axis::new(0.3, 404.0), Axis { from: -1, to: 3 });
        assert_eq!(Axis::new(0.0, 0.0), Axis { from: -3, to: -2 });
        assert_eq!(Axis::new(10.0, 100.0), Axis { from: 1, to: 2 });
    }

    #[test]
    fn labels_never_overlap_or_exceed_the_width() {
        for (shortest, longest) in [(0.001, 1e7), (0.5, 2.0), (3.0, 700.0), (1e4, 1e5)] {
            for width in 8..60 {
                let row = Axis::new(shortest, longest).labels(width);
                assert!(display_width(&row) <= width.max(9), "{row:?} in {width}");
                assert!(row.starts_with('▏'), "{row:?}");
            }
        }
    }
}
