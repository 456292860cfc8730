//! A figure, its bar, and whether it meets the bar.

use std::fmt;

/// The median of the rounds, and the best round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) min: f64,
}

impl Figure {
    /// The figure of values for which less is better, such as times.
    pub(crate) fn of(values: &[f64]) -> Self {
        Figure {
            median: median(values.iter().copied()),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }

    /// The figure of a value that is measured once.
    pub(crate) fn exactly(value: f64) -> Self {
        Figure { median: value, min: value }
    }

    /// The ratio of `of` to `over`: the median over the rounds, and that of the two best rounds.
    pub(crate) fn ratio(of: &[f64], over: &[f64]) -> Self {
        Figure {
            median: median(of.iter().zip(over).map(|(of, over)| of / over)),
            min: Figure::of(of).min / Figure::of(over).min,
        }
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// The limit that a figure is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    Most(f64),
    Least(f64),
    /// `tsc` if the clock source is the CPU's counter, `other` if it is a slower one.
    MostByClock {
        tsc: f64,
        other: f64,
    },
}

impl Bar {
    /// Compares the median with the bar.
    pub(crate) fn holds(self, figure: Figure) -> bool {
        match self {
            Bar::Most(most) => figure.median <= most,
            Bar::Least(least) => figure.median >= least,
            Bar::MostByClock { .. } => Bar::Most(self.limit()).holds(figure),
        }
    }

    fn limit(self) -> f64 {
        match self {
            Bar::Most(limit) | Bar::Least(limit) => limit,
            Bar::MostByClock { tsc, other } => {
                if crate::machine::clock_source() == "tsc" {
                    tsc
                } else {
                    other
                }
            }
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if matches!(self, Bar::Least(_)) { "≥" } else { "≤" };
        write!(f, "{sign} {}", self.limit())
    }
}

/// What a figure depends on, besides the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependsOn {
    /// It is a count, and the same on every machine.
    Nothing,
    /// It is a ratio of similar work, and nearly the same on every machine.
    Little,
    /// It varies with the CPU, its clock source or its neighbours. The bar holds on every machine that was tried.
    Machine,
}

impl fmt::Display for DependsOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DependsOn::Nothing => "no",
            DependsOn::Little => "little",
            DependsOn::Machine => "yes",
        })
    }
}

/// A bar, with the figure of each run.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    /// The description, with the unit.
    pub(crate) asked: &'static str,
    pub(crate) bar: Bar,
    pub(crate) depends: DependsOn,
    /// At least one.
    pub(crate) runs: Vec<Figure>,
}

impl Finding {
    /// The median of the runs' medians, and of their best rounds.
    pub(crate) fn figure(&self) -> Figure {
        Figure {
            median: median(self.runs.iter().map(|run| run.median)),
            min: median(self.runs.iter().map(|run| run.min)),
        }
    }

    /// The lowest and the highest median of a run.
    pub(crate) fn range(&self) -> (f64, f64) {
        let medians = || self.runs.iter().map(|run| run.median);
        (medians().fold(f64::INFINITY, f64::min), medians().fold(f64::NEG_INFINITY, f64::max))
    }
}
