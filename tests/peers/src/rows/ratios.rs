//! The figures that are ratios of two rows, and their bars.

use super::{Row, candor, floor, growth, redaction, slog, tracing_fmt};
use crate::figure::{Bar, DependsOn};
use crate::meter::Reading;

/// A figure derived from two rows.
#[derive(Debug)]
pub(crate) struct Ratio {
    pub(crate) name: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) bar: Bar,
    pub(crate) depends: DependsOn,
    pub(crate) kind: Kind,
    pub(crate) of: &'static Row,
    pub(crate) over: &'static Row,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// The ratio of two times.
    Times,
    /// The difference in nanoseconds.
    More,
    /// The throughput of two threads, relative to one.
    TwoThreads,
    /// The allocations of the first row.
    Allocations,
}

impl Kind {
    pub(crate) fn value(&self, of: Reading, over: Reading) -> f64 {
        match self {
            Kind::Times => of.nanos / over.nanos,
            Kind::More => of.nanos - over.nanos,
            Kind::TwoThreads => 2.0 * over.nanos / of.nanos,
            Kind::Allocations => of.allocations,
        }
    }
}

/// "Flat", with tolerance for a shared machine.
const FLAT: Bar = Bar::Most(1.15);

pub(crate) const RATIOS: &[Ratio] = &[
    Ratio {
        name: "off_ns_over_bare",
        asked: "a step none of whose lines can be written, ns over the bare call",
        bar: Bar::Most(1.0),
        depends: DependsOn::Machine,
        kind: Kind::More,
        of: &candor::OFF,
        over: &floor::BARE,
    },
    Ratio {
        name: "only_error_ns_over_clock",
        asked: "the same when only its error line can, ns over the call and one clock reading",
        bar: Bar::Most(5.0),
        depends: DependsOn::Machine,
        kind: Kind::More,
        of: &candor::ONLY_ERROR,
        over: &floor::BARE_AND_CLOCK,
    },
    Ratio {
        name: "step_over_floor",
        asked: "a step with its line, times two clock readings and the copy (aim: 1.6)",
        bar: Bar::MostByClock { tsc: 2.0, other: 2.7 },
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &candor::STEP,
        over: &floor::FLOOR,
    },
    Ratio {
        name: "instrument_over_step",
        asked: "#[instrument] with tracing-subscriber's JSON and span close, times a step",
        bar: Bar::Least(30.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &tracing_fmt::INSTRUMENT,
        over: &candor::STEP,
    },
    Ratio {
        name: "slog_over_step",
        asked: "slog-json by hand, times a step",
        bar: Bar::Least(4.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &slog::STEP,
        over: &candor::STEP,
    },
    Ratio {
        name: "fmt_json_over_event",
        asked: "an event of three fields with tracing-subscriber's JSON, times candor's",
        bar: Bar::Least(10.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &tracing_fmt::EVENT,
        over: &candor::EVENT,
    },
    Ratio {
        name: "fmt_text_over_pretty_event",
        asked: "the event with tracing-subscriber's text, times candor's pretty format",
        bar: Bar::Least(1.0),
        depends: DependsOn::Little,
        kind: Kind::Times,
        of: &tracing_fmt::TEXT_EVENT,
        over: &candor::PRETTY_EVENT,
    },
    Ratio {
        name: "redact_over_serde",
        asked: "8 fields redacted to JSON, times serde_json writing them raw",
        bar: Bar::Most(1.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &redaction::CANDOR,
        over: &redaction::SERDE,
    },
    Ratio {
        name: "veil_over_redact",
        asked: "veil's Debug of them, times candor's JSON",
        bar: Bar::Least(6.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &redaction::VEIL,
        over: &redaction::CANDOR,
    },
    Ratio {
        name: "walk_over_redact",
        asked: "clone, Value and walk, times candor's JSON",
        bar: Bar::Least(10.0),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &redaction::WALK,
        over: &redaction::CANDOR,
    },
    Ratio {
        name: "scrub_over_event",
        asked: "200 bytes of clean text through the scrubber, times the event whose message it is",
        bar: Bar::Most(0.1),
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &redaction::TEXT,
        over: &candor::MESSAGE_EVENT,
    },
    Ratio {
        name: "allocs_step",
        asked: "allocations of a step after warm-up",
        bar: Bar::Most(0.0),
        depends: DependsOn::Nothing,
        kind: Kind::Allocations,
        of: &candor::STEP,
        over: &candor::STEP,
    },
    Ratio {
        name: "allocs_event",
        asked: "allocations of an event",
        bar: Bar::Most(0.0),
        depends: DependsOn::Nothing,
        kind: Kind::Allocations,
        of: &candor::EVENT,
        over: &candor::EVENT,
    },
    Ratio {
        name: "allocs_pretty_step",
        asked: "allocations of a step in the pretty format",
        bar: Bar::Most(0.0),
        depends: DependsOn::Nothing,
        kind: Kind::Allocations,
        of: &candor::PRETTY_STEP,
        over: &candor::PRETTY_STEP,
    },
    Ratio {
        name: "allocs_redact",
        asked: "allocations of the 8 fields",
        bar: Bar::Most(0.0),
        depends: DependsOn::Nothing,
        kind: Kind::Allocations,
        of: &redaction::CANDOR,
        over: &redaction::CANDOR,
    },
    Ratio {
        name: "threads_2_over_1",
        asked: "steps of two threads, times those of one",
        bar: Bar::Least(1.8),
        depends: DependsOn::Machine,
        kind: Kind::TwoThreads,
        of: &candor::STEP_ON_TWO_THREADS,
        over: &candor::STEP,
    },
    Ratio {
        name: "copies_2_over_1",
        asked: "the control: two clock readings and the copy on two threads, times those of one",
        bar: Bar::Least(1.0),
        depends: DependsOn::Machine,
        kind: Kind::TwoThreads,
        of: &floor::FLOOR_ON_TWO_THREADS,
        over: &floor::FLOOR,
    },
    Ratio {
        name: "live_100k_over_1",
        asked: "a step while 100 000 requests are open, times one while it is alone",
        bar: FLAT,
        depends: DependsOn::Little,
        kind: Kind::Times,
        of: &growth::LIVE_100K,
        over: &growth::LIVE_1,
    },
    Ratio {
        name: "nesting_50_over_1",
        asked: "one of 50 nested steps, times a single one",
        bar: FLAT,
        depends: DependsOn::Little,
        kind: Kind::Times,
        of: &growth::NESTED_50,
        over: &growth::NESTED_1,
    },
    Ratio {
        name: "sites_1000_over_10",
        asked: "a step at each of 1 000 call sites in turn, times at each of 10",
        bar: FLAT,
        depends: DependsOn::Machine,
        kind: Kind::Times,
        of: &growth::SITES_1000,
        over: &growth::SITES_10,
    },
];
