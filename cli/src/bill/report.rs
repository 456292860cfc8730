//! The bill as rows: shares by name, and the savings of settings.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::meter::Measured;
use super::names::{NameTable, Volume};
use super::price::Price;
use super::scan::{LEVEL_SETTINGS, MSG_MARK};
use crate::read::text;
use crate::time::{self, LocalZone, Micros};

const MONTH: Micros = 30 * 86_400 * 1_000_000;

/// Dimension by which the volumes are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Event,
    Step,
    Dependency,
    Route,
    Level,
    Logger,
    Key,
}

impl Dimension {
    pub(super) fn name(self) -> &'static str {
        match self {
            Dimension::Event => "event",
            Dimension::Step => "step",
            Dimension::Dependency => "dependency",
            Dimension::Route => "route",
            Dimension::Level => "level",
            Dimension::Logger => "logger",
            Dimension::Key => "key",
        }
    }
}

/// Meaning of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShareKind {
    Named,
    /// All names beyond the limits of the command.
    Others,
    /// Lines that candor wrote without such a name; for keys, bytes outside members.
    Without,
    /// Lines that candor did not write.
    NotCandor,
}

/// A row of a section.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) kind: ShareKind,
    pub(super) volume: Volume,
}

/// The volumes by one dimension. They add up to the total.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) dimension: Dimension,
    /// Named rows by size, then all others.
    pub(super) shares: Vec<Share>,
}

impl Section {
    /// Returns the largest rows and the sum of the others, or all rows if `top` is 0.
    pub(super) fn top(&self, top: usize) -> Section {
        let top = if top == 0 { usize::MAX } else { top };
        let mut shares = Vec::new();
        let mut others = Volume::default();
        let mut count = 0;
        for (index, share) in self.shares.iter().enumerate() {
            match share.kind {
                ShareKind::Named if index >= top => {
                    others.add(share.volume);
                    count += 1;
                }
                ShareKind::Others => others.add(share.volume),
                ShareKind::Named | ShareKind::Without | ShareKind::NotCandor => {
                    shares.push(share.clone());
                }
            }
        }
        if others.bytes > 0 {
            let name = if count > 0 { format!("{count} others") } else { "others".to_owned() };
            let at = shares.iter().take_while(|share| share.kind == ShareKind::Named).count();
            shares.insert(at, Share { name, kind: ShareKind::Others, volume: others });
        }
        Section { dimension: self.dimension, shares }
    }
}

/// The volume that would be written with another setting.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) text: String,
    pub(super) after: Volume,
    pub(super) is_estimate: bool,
    pub(super) effect: &'static str,
}

/// The bill, for display.
#[derive(Debug)]
pub(super) struct Bill {
    pub(super) total: Volume,
    pub(super) records: u64,
    pub(super) requests: u64,
    /// Requests that count as written in full, because too many were open at once.
    pub(super) evicted: u64,
    /// The time of the first and the last line.
    pub(super) times: Option<(Micros, Micros)>,
    /// The time zone of the shown times.
    pub(super) zone: LocalZone,
    pub(super) sections: Vec<Section>,
    pub(super) settings: Vec<Setting>,
}

impl Bill {
    pub(super) fn new(measured: &Measured) -> Self {
        let lines = &measured.lines;
        let requests = &measured.requests;
        let total = measured.total();
        let by = |dimension, table: &NameTable, without: &str| {
            let mut shares = named(table.named(), dimension);
            shares.extend(other_shares(
                table.others(),
                table_without(table, lines.records),
                without,
                measured,
            ));
            Section { dimension, shares }
        };
        let mut keys = named(lines.keys.named(), Dimension::Key);
        let structure = Volume { lines: lines.records.lines, bytes: lines.keys.structure };
        keys.extend(other_shares(
            lines.keys.others(),
            structure,
            "braces, line feeds, prefixes",
            measured,
        ));
        let events = by(Dimension::Event, &lines.events, "without an event");
        Bill {
            total,
            records: lines.records.lines,
            requests: requests.requests + requests.evicted,
            evicted: requests.evicted,
            times: times(&lines.first, &lines.last),
            zone: LocalZone::utc(),
            sections: vec![
                events,
                by(Dimension::Step, &lines.steps, "without a step"),
                by(Dimension::Dependency, &lines.dependencies, "without a dependency"),
                by(Dimension::Route, &requests.routes, "outside requests"),
                by(Dimension::Level, &lines.levels, "without a level"),
                by(Dimension::Logger, &lines.loggers, "without a logger"),
                Section { dimension: Dimension::Key, shares: keys },
            ],
            settings: settings(measured),
        }
    }

    pub(super) fn section(&self, dimension: Dimension) -> Option<&Section> {
        self.sections.iter().find(|section| section.dimension == dimension)
    }

    /// Returns the ratio of the bytes in 30 days to those of the input; `None` if all timestamps are equal.
    pub(super) fn months(&self) -> Option<f64> {
        let (first, last) = self.times?;
        (last > first).then(|| MONTH as f64 / (last - first) as f64)
    }

    /// The bill as rows of JSON.
    pub(super) fn json(&self, charge: &Charge) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut total = json!({
            "total_bytes": self.total.bytes,
            "lines": self.total.lines,
            "records": self.records,
            "requests": self.requests,
            "requests_evicted": self.evicted,
        });
        if let Some((first, last)) = self.times {
            total["first_ts"] = time::rfc3339(first).into();
            total["last_ts"] = time::rfc3339(last).into();
        }
        charge.add_to(&mut total, self.total.bytes);
        rows.push(total);
        for section in &self.sections {
            for share in &section.shares {
                let mut row = json!({
                    "by": section.dimension.name(),
                    "name": share.name,
                    "kind": match share.kind {
                        ShareKind::Named => "named",
                        ShareKind::Others => "others",
                        ShareKind::Without => "without",
                        ShareKind::NotCandor => "not_candor",
                    },
                    "lines": share.volume.lines,
                    "bytes": share.volume.bytes,
                    "share": rounded(share.volume.bytes as f64 / self.total.bytes.max(1) as f64),
                });
                charge.add_to(&mut row, share.volume.bytes);
                rows.push(row);
            }
        }
        for setting in &self.settings {
            let saved = self.total.bytes.saturating_sub(setting.after.bytes);
            let mut row = json!({
                "setting": setting.text,
                "lines": setting.after.lines,
                "bytes": setting.after.bytes,
                "saved_bytes": saved,
                "saved": rounded(saved as f64 / self.total.bytes.max(1) as f64),
                "is_estimate": setting.is_estimate,
            });
            charge.add_to(&mut row, setting.after.bytes);
            rows.push(row);
        }
        rows
    }
}

/// Extrapolation and price of bytes.
#[derive(Debug)]
pub(super) struct Charge<'a> {
    pub(super) price: Option<&'a Price>,
    /// Factor from the input to 30 days, for `--per-month`.
    pub(super) months: Option<f64>,
}

impl Charge<'_> {
    /// Returns the bytes, or those of a month at the same rate.
    pub(super) fn bytes(&self, bytes: u64) -> f64 {
        bytes as f64 * self.months.unwrap_or(1.0)
    }

    /// Returns the formatted price; `None` without `--price`.
    pub(super) fn price(&self, bytes: u64) -> Option<String> {
        self.price.map(|price| price.show(self.bytes(bytes)))
    }

    fn add_to(&self, row: &mut Value, bytes: u64) {
        if self.months.is_some() {
            row["bytes_per_month"] = self.bytes(bytes).round().into();
        }
        if let Some(price) = self.price {
            row["price"] = rounded(price.of(self.bytes(bytes))).into();
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn times(first: &[u8], last: &[u8]) -> Option<(Micros, Micros)> {
    let parse = |ts: &[u8]| time::parse(std::str::from_utf8(ts).ok()?);
    Some((parse(first)?, parse(last)?))
}

/// Returns the volume of the lines that candor wrote without a name. Tables of steps and dependencies count only lines
/// that have a name.
fn table_without(table: &NameTable, records: Volume) -> Volume {
    let mut with = table.others();
    table.named().for_each(|(_, volume)| with.add(volume));
    records.minus(with)
}

fn named<'a>(
    volumes: impl Iterator<Item = (&'a [u8], Volume)>,
    dimension: Dimension,
) -> Vec<Share> {
    let share = |(name, volume): (&[u8], Volume)| {
        let name = match name.strip_prefix(&[MSG_MARK]).filter(|_| dimension == Dimension::Event) {
            Some(msg) => message(msg),
            None => {
                text(name).map_or_else(|| String::from_utf8_lossy(name).into_owned(), Into::into)
            }
        };
        Share { name, kind: ShareKind::Named, volume }
    };
    let mut shares: Vec<Share> = volumes.map(share).collect();
    shares.sort_by(|a, b| {
        (Reverse(a.volume.bytes), &a.name).cmp(&(Reverse(b.volume.bytes), &b.name))
    });
    shares
}

/// Returns a message in quotes, which distinguish it from an event.
fn message(msg: &[u8]) -> String {
    let quoted = [b"\"", msg, b"\""].concat();
    let plain = text(&quoted).unwrap_or_else(|| String::from_utf8_lossy(msg));
    // A truncated message may end within an escape or a character.
    let plain = plain.trim_end_matches(['\\', char::REPLACEMENT_CHARACTER]);
    format!("“{plain}”")
}

fn other_shares(
    others: Volume,
    without: Volume,
    without_name: &str,
    measured: &Measured,
) -> Vec<Share> {
    [
        ("further names", ShareKind::Others, others),
        (without_name, ShareKind::Without, without),
        ("other lines", ShareKind::NotCandor, measured.foreign),
        ("malformed lines", ShareKind::NotCandor, measured.malformed),
        ("lines over 4 MiB", ShareKind::NotCandor, measured.too_long),
        ("blank lines", ShareKind::NotCandor, measured.blank),
    ]
    .into_iter()
    .filter(|(.., volume)| volume.bytes > 0)
    .map(|(name, kind, volume)| Share { name: name.to_owned(), kind, volume })
    .collect()
}

fn settings(measured: &Measured) -> Vec<Setting> {
    let (lines, requests) = (&measured.lines, &measured.requests);
    // Settings don't change lines that candor did not write.
    let with_others = |records: Volume| {
        let mut after = measured.other_lines();
        after.add(records);
        after
    };
    let mut settings = Vec::new();
    for (level, kept) in LEVEL_SETTINGS.iter().zip(lines.kept) {
        // A setting that omits nothing gets no row.
        if kept != lines.records {
            settings.push(Setting {
                text: level.text.to_owned(),
                after: with_others(kept),
                is_estimate: false,
                effect: level.effect,
            });
        }
    }
    let estimates = [
        ("LOG_STORY=problems", requests.problems, "one line for each request without a problem"),
        (
            "LOG_STORY=summary",
            requests.summary,
            "one line for each request, and its warnings and errors",
        ),
        (
            "LOG_PROFILE=compact",
            requests.compact,
            "the context only on the first line of a request",
        ),
        (
            "LOG_STORY=problems LOG_PROFILE=compact",
            requests.compact_problems,
            "one line for each request without a problem, else the context only once",
        ),
    ];
    settings.extend(estimates.map(|(text, records, effect)| Setting {
        text: text.to_owned(),
        after: with_others(records),
        is_estimate: true,
        effect,
    }));
    settings
}

/// Formats bytes with three significant digits: `12 B`, `9.61 KiB`, `57.3 GiB`.
pub(super) fn format_bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 999.5 {
        return format!("{bytes:.0} B");
    }
    let mut scaled = bytes / 1024.0;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let decimals = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.decimals$} {}", UNITS[unit])
}

/// `42.8%`; a share below 0.1 % is `<0.1%`.
pub(super) fn format_share(part: u64, whole: u64) -> String {
    let percent = part as f64 / whole.max(1) as f64 * 100.0;
    if percent > 0.0 && percent < 0.1 { "<0.1%".to_owned() } else { format!("{percent:.1}%") }
}
