//! The ratios that the guide shows are those of the tables in the benchmarks' README.

use super::root;

fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("a page")
}

/// The cell of a table of the benchmarks, by the name of the row and the number of the column.
fn cell(row: &str, column: usize) -> f64 {
    let tables = page("tests/peers/README.md");
    let start = format!("| {row} |");
    let line = tables.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("no row `{row}`"));
    let cell = line.split('|').nth(column + 1).expect("a column").trim();
    cell.parse().unwrap_or_else(|_| panic!("`{cell}` in the row `{row}` is not a number"))
}

/// The median of a figure that has a bar.
fn figure(name: &str) -> f64 {
    cell(name, 2)
}

#[test]
fn the_page_on_performance_shows_the_measured_ratios() {
    let page = page("docs/performance.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let requests = |variant: &str| cell(variant, 5);
    let per_second = requests("candor") / requests("tower-http and tracing-subscriber");
    let by_hand = requests("the same bytes by hand") / requests("candor");
    let bare = requests("bare") / requests("candor");
    for shown in [
        format!("{:.1} times as fast", figure("fmt_json_over_event")),
        format!("{:.1} times as fast", figure("instrument_over_step")),
        format!("{:.2} times the time", figure("step_over_floor")),
        format!("{:.1} times as fast", figure("redact_over_serde").recip()),
        format!("{per_second:.1} times the requests per second"),
        format!("{:.2} times the CPU time", figure("compile_over_instrument")),
        format!("{by_hand:.1} times the requests if it writes the same bytes by hand"),
        format!("{bare:.1} times the requests if it logs nothing"),
    ] {
        assert!(page.contains(&shown), "docs/performance.md does not show `{shown}`");
    }
}

#[test]
fn the_comparison_shows_the_measured_ratios() {
    let page = page("docs/compared.md");
    let (step, event) = (cell("candor step", 1), cell("candor event", 1));
    for (name, step_row, event_row, how) in [
        ("slog-json", "slog-json step by hand", "slog-json event", "by hand"),
        ("emit", "emit step by hand", "emit event", "by hand"),
        (
            "tracing-bunyan-formatter",
            "bunyan-formatter #[instrument]",
            "bunyan-formatter event",
            "with `#[instrument]`",
        ),
        ("json-subscriber", "json-subscriber step by hand", "json-subscriber event", "by hand"),
        (
            "logforth with fastrace",
            "logforth step by hand, fastrace span",
            "logforth event",
            "by hand",
        ),
        (
            "tracing-subscriber's JSON",
            "tracing-subscriber #[instrument]",
            "tracing-subscriber event",
            "with `#[instrument]`",
        ),
    ] {
        let (of_step, of_event) = (cell(step_row, 1) / step, cell(event_row, 1) / event);
        let row = format!("| {name} | {of_step:.1}, {how} | {of_event:.1} |");
        assert!(page.contains(&row), "docs/compared.md does not have the row\n{row}");
    }
}
