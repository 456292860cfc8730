//! All results of a run, the bars they are compared with, and their tables.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::args::Args;
use crate::compile::{self, Comparison};
use crate::failure::{Context as _, Failure};
use crate::figure::{Bar, DependsOn, Figure, Finding};
use crate::futures::{self, Sizes};
use crate::machine;
use crate::rounds::{self, Results};
use crate::rows::{self, RATIOS};
use crate::service::{self, Service};
use crate::table::{Table, number};

#[derive(Debug)]
pub(crate) struct Report {
    /// The rounds of all runs.
    lines: Option<Results>,
    sizes: Vec<Sizes>,
    /// The rounds of all runs.
    service: Option<Service>,
    runs: Vec<Bars>,
    compiled: Option<Comparison>,
    /// Described before the measurements, since this program is itself a load.
    machine: String,
}

/// The figures of one run.
#[derive(Debug)]
struct Bars {
    /// In the order of [`RATIOS`].
    ratios: Vec<Option<Figure>>,
    service_over_by_hand: Option<Figure>,
    service_background_over_bare: Option<Figure>,
}

impl Bars {
    fn of(lines: Option<&Results>, service: Option<&Service>) -> Self {
        Bars {
            ratios: RATIOS.iter().map(|ratio| lines?.ratio(ratio)).collect(),
            service_over_by_hand: service.and_then(Service::over_by_hand),
            service_background_over_bare: service.and_then(Service::background_over_bare),
        }
    }
}

impl Report {
    pub(crate) fn make(args: &Args) -> Result<Self, Failure> {
        let machine = machine::describe();
        let rows = rows::named(&args.rows);
        let (mut lines, mut service) = (None, None);
        let mut runs = Vec::new();
        for _ in 0..args.runs {
            // The floor is always one of them.
            let run = (rows.len() > 1).then(|| rounds::measure(&rows, args.rounds)).transpose()?;
            let served = args.wants("service").then(service::measure).transpose();
            let served = served.context("service")?;
            runs.push(Bars::of(run.as_ref(), served.as_ref()));
            lines = merged(lines, run, Results::add);
            service = merged(service, served, Service::add);
        }
        let sizes = if args.wants("futures") { futures::sizes() } else { Vec::new() };
        let compiled = if args.compile && args.wants("compile") {
            Some(compile::measure().context("compile")?)
        } else {
            None
        };
        if lines.is_none() && sizes.is_empty() && service.is_none() && compiled.is_none() {
            return Err(format!("nothing that is measured has {:?} in its name", args.rows).into());
        }
        Ok(Report { lines, sizes, service, runs, compiled, machine })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |name, asked, bar, depends, runs: Vec<Figure>| {
            if !runs.is_empty() {
                findings.push(Finding { name, asked, bar, depends, runs });
            }
        };
        for (nth, ratio) in RATIOS.iter().enumerate() {
            let runs = self.runs.iter().filter_map(|run| run.ratios[nth]).collect();
            add(ratio.name, ratio.asked, ratio.bar, ratio.depends, runs);
        }
        add(
            "service_over_by_hand",
            "requests a second of a service, times the same bytes written by hand",
            Bar::Least(0.9),
            DependsOn::Machine,
            self.runs.iter().filter_map(|run| run.service_over_by_hand).collect(),
        );
        add(
            "service_background_over_bare",
            "the same with the background writer, times the bare service",
            Bar::Least(0.9),
            DependsOn::Machine,
            self.runs.iter().filter_map(|run| run.service_background_over_bare).collect(),
        );
        add(
            "compile_over_instrument",
            "CPU time to compile 500 annotated functions, times #[instrument]'s",
            Bar::Most(0.8),
            DependsOn::Little,
            self.compiled.iter().map(|compiled| compiled.ratio).collect(),
        );
        let largest = self.sizes.iter().map(Sizes::extra).max();
        let largest = largest.and_then(|most| u32::try_from(most).ok());
        add(
            "future_extra_bytes",
            "bytes that an annotated async function's future is larger, the worst of ten",
            Bar::Most(64.0),
            DependsOn::Nothing,
            largest.map(|most| Figure::exactly(f64::from(most))).into_iter().collect(),
        );
        findings
    }

    pub(crate) fn render(&self, markdown: bool) -> String {
        let mut out = format!("{}\n\n", self.machine);
        for table in self.tables() {
            out += &table.render(markdown);
        }
        // The docs show only the figures; the terminal also shows the measured lines.
        if let (Some(lines), false) = (&self.lines, markdown) {
            out += &what_was_written(lines);
        }
        out
    }

    fn tables(&self) -> Vec<Table> {
        let findings = self.findings();
        let mut tables = Vec::new();
        tables.extend((!findings.is_empty()).then(|| asked(&findings)));
        tables.extend(self.lines.as_ref().map(operations));
        tables.extend(self.service.as_ref().map(requests));
        tables.extend(self.compiled.as_ref().map(crates));
        tables.extend((!self.sizes.is_empty()).then(|| future_sizes(&self.sizes)));
        tables
    }

    /// `{"NAME": {"median": x, "min": y, "runs": […]}}`, with the median of each run.
    pub(crate) fn json(&self) -> String {
        let figures: Map<String, Value> = self
            .findings()
            .into_iter()
            .map(|finding| {
                let Figure { median, min } = finding.figure();
                let runs: Vec<f64> = finding.runs.iter().map(|run| run.median).collect();
                (finding.name.to_owned(), json!({ "median": median, "min": min, "runs": runs }))
            })
            .collect();
        format!("{:#}\n", Value::Object(figures))
    }
}

/// Merges the rounds of two runs.
fn merged<T>(all: Option<T>, run: Option<T>, add: fn(&mut T, T)) -> Option<T> {
    match (all, run) {
        (Some(mut all), Some(run)) => {
            add(&mut all, run);
            Some(all)
        }
        (all, run) => all.or(run),
    }
}

fn asked(findings: &[Finding]) -> Table {
    let columns = ["figure", "bar", "median", "lowest", "highest", "holds", "machine", "what"];
    let mut table = Table::new("Figures with a bar", columns);
    for finding in findings {
        let (lowest, highest) = finding.range();
        let median = finding.figure();
        table.row([
            finding.name.to_owned(),
            finding.bar.to_string(),
            number(median.median),
            number(lowest),
            number(highest),
            if finding.bar.holds(median) { "yes" } else { "NO" }.to_owned(),
            finding.depends.to_string(),
            finding.asked.to_owned(),
        ]);
    }
    table
}

fn operations(results: &Results) -> Table {
    let mut table = Table::new(
        "One operation, in nanoseconds",
        ["row", "median", "min", "× floor", "min × floor", "allocations", "bytes"],
    );
    let floor = results.rows.first().map(rounds::Measured::nanos);
    for measured in &results.rows {
        let Figure { median, min } = measured.nanos();
        let over = |time: f64, floor: Option<f64>| {
            floor.map_or_else(String::new, |floor| number(time / floor))
        };
        table.row([
            measured.row.name.to_owned(),
            number(median),
            number(min),
            over(median, floor.map(|floor| floor.median)),
            over(min, floor.map(|floor| floor.min)),
            number(measured.allocations()),
            measured.line.len().to_string(),
        ]);
    }
    table
}

fn requests(service: &Service) -> Table {
    let mut table = Table::new(
        "A service: one request, in microseconds",
        ["variant", "median", "min", "CPU median", "CPU min", "requests/s", "bytes logged"],
    );
    for variant in &service.variants {
        let (wall, cpu) = (variant.wall_figure(), variant.cpu_figure());
        table.row([
            variant.name.to_owned(),
            number(wall.median / 1e3),
            number(wall.min / 1e3),
            number(cpu.median / 1e3),
            number(cpu.min / 1e3),
            number(1e9 / wall.median),
            variant.bytes.to_string(),
        ]);
    }
    table
}

fn crates(compiled: &Comparison) -> Table {
    let mut table = Table::new(
        "Compiling 500 functions, in seconds",
        ["crate", "build CPU", "min", "build", "min", "check CPU", "edit CPU", "release bytes"],
    );
    for compiled in &compiled.crates {
        table.row([
            compiled.attribute.to_owned(),
            number(compiled.build.cpu.median),
            number(compiled.build.cpu.min),
            number(compiled.build.wall.median),
            number(compiled.build.wall.min),
            number(compiled.check.cpu.median),
            number(compiled.edit.cpu.median),
            compiled.binary.to_string(),
        ]);
    }
    table
}

fn future_sizes(sizes: &[Sizes]) -> Table {
    let mut table = Table::new(
        "Futures, in bytes",
        ["async function", "plain", "#[step_timed]", "#[instrument]"],
    );
    for sizes in sizes {
        table.row([
            sizes.function.to_owned(),
            sizes.plain.to_string(),
            sizes.step.to_string(),
            sizes.span.to_string(),
        ]);
    }
    table
}

fn what_was_written(results: &Results) -> String {
    let mut out = format!(
        "{} rounds, every row once a round.\n\
         Every sink is null; the floor is two clock readings and a copy of candor's step line.\n\
         What a library does not keep itself (seq, step_id, offset_ms) is kept by hand, except for\n\
         #[instrument], whose line goes without. The settings of a peer stand in its file under rows/.\n",
        results.rounds
    );
    for measured in results.rows.iter().filter(|measured| !measured.line.is_empty()) {
        let line = String::from_utf8_lossy(&measured.line);
        // Writing into a `String` does not fail.
        let _ = writeln!(out, "\n{} ({} bytes):\n{line}", measured.row.name, measured.line.len());
    }
    out
}
