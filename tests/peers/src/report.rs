//! All results of a run, the bars they are compared with, and their tables.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::args::Args;
use crate::compile::{self, Comparison};
use crate::failure::{Context as _, Failure};
use crate::figure::{Bar, Figure, Finding};
use crate::futures::{self, Sizes};
use crate::machine;
use crate::rounds::{self, Results};
use crate::rows::{self, RATIOS};
use crate::service::{self, Service};
use crate::table::{Table, number};

#[derive(Debug)]
pub(crate) struct Report {
    lines: Option<Results>,
    sizes: Vec<Sizes>,
    service: Option<Service>,
    compiled: Option<Comparison>,
    /// Described before the measurements, since this program is itself a load.
    machine: String,
}

impl Report {
    pub(crate) fn make(args: &Args) -> Result<Self, Failure> {
        let machine = machine::describe();
        let rows = rows::named(&args.rows);
        // The floor is always one of them.
        let lines = if rows.len() > 1 { Some(rounds::measure(&rows, args.rounds)?) } else { None };
        let sizes = if args.wants("futures") { futures::sizes() } else { Vec::new() };
        let service =
            if args.wants("service") { Some(service::measure().context("service")?) } else { None };
        let compiled = if args.compile && args.wants("compile") {
            Some(compile::measure().context("compile")?)
        } else {
            None
        };
        if lines.is_none() && sizes.is_empty() && service.is_none() && compiled.is_none() {
            return Err(format!("nothing that is measured has {:?} in its name", args.rows).into());
        }
        Ok(Report { lines, sizes, service, compiled, machine })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |name, asked, bar, figure: Option<Figure>| {
            findings.extend(figure.map(|figure| Finding { name, asked, bar, figure }));
        };
        for ratio in RATIOS {
            let figure = self.lines.as_ref().and_then(|lines| lines.ratio(ratio));
            add(ratio.name, ratio.asked, ratio.bar, figure);
        }
        add(
            "service_over_by_hand",
            "requests a second of a service, times the same bytes written by hand",
            Bar::Least(0.95),
            self.service.as_ref().and_then(Service::over_by_hand),
        );
        add(
            "service_background_over_bare",
            "the same with the background writer, times the bare service",
            Bar::Least(0.9),
            self.service.as_ref().and_then(Service::background_over_bare),
        );
        add(
            "compile_over_instrument",
            "CPU time to compile 500 annotated functions, times #[instrument]'s",
            Bar::Most(0.8),
            self.compiled.as_ref().map(|compiled| compiled.ratio),
        );
        add(
            "future_extra_bytes",
            "bytes that an annotated async function's future is larger, the worst of ten",
            Bar::Most(64.0),
            self.sizes.iter().map(Sizes::extra).max().and_then(|most| {
                u32::try_from(most).ok().map(|most| Figure::exactly(f64::from(most)))
            }),
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

    /// `{"NAME": {"median": x, "min": y}}`.
    pub(crate) fn json(&self) -> String {
        let figures: Map<String, Value> = self
            .findings()
            .into_iter()
            .map(|Finding { name, figure: Figure { median, min }, .. }| {
                (name.to_owned(), json!({ "median": median, "min": min }))
            })
            .collect();
        format!("{:#}\n", Value::Object(figures))
    }
}

fn asked(findings: &[Finding]) -> Table {
    let mut table =
        Table::new("What is asked", ["figure", "bar", "median", "min", "holds", "what"]);
    for Finding { name, asked, bar, figure } in findings {
        table.row([
            (*name).to_owned(),
            bar.to_string(),
            number(figure.median),
            number(figure.min),
            if bar.holds(*figure) { "yes" } else { "NO" }.to_owned(),
            (*asked).to_owned(),
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
