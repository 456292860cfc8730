//! Checks of the guide in `docs/`: its output is that of the programs, and its links resolve.

mod before;
mod links;
mod migrated;
mod ratios;
mod shop;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request, header};
use candor::testing::capture_with;
use candor::{Config, Format};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tracing_subscriber::fmt::format::FmtSpan;

use super::cli::candor_at;
use super::programs::{block, normalized, root, run, text};

/// The code block of a chapter after `<!-- marker -->`, without its fence.
fn shown(chapter: &str, marker: &str) -> String {
    block(&format!("docs/{chapter}.md"), marker)
}

/// Asserts that the chapter shows the code that these tests run.
fn assert_shows_code(chapter: &str, file: &str) {
    let source = std::fs::read_to_string(root().join(file)).expect("a source");
    let source = source.replace("pub(super) ", "").replace("pub(in super::super) ", "");
    let code = shown(chapter, &format!("code: {file}"));
    let code: Vec<&str> = code.lines().take_while(|line| !line.starts_with("# ")).collect();
    // The chapter shows code from a function body without its indentation.
    let flat = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let is_there = source.contains(code.join("\n").trim())
        || flat(&source).contains(flat(&code.join("\n")).trim());
    assert!(is_there, "{chapter} shows other code than {file} has");
}

/// Sends the request of the chapter's `curl` command, and reads the response.
async fn send(id: &str, cents: u32) {
    let body = format!(
        r#"{{"customer":41,"cents":{cents},"sku":"green-tea","receipt_to":"ada@example.com","password":"hunter2"}}"#
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri("/baskets")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-request-id", id)
        .body(Body::from(body))
        .expect("a request");
    let response = shop::router().oneshot(request).await.expect("an answer");
    response.into_body().collect().await.expect("a body");
}

#[test]
fn the_guide_shows_the_lines_of_the_first_request() {
    assert_shows_code("getting-started", "tests/system/guide/shop.rs");
    // The column of durations is aligned at their end.
    let rows = |text: &str| -> Vec<String> {
        text.lines().map(|row| normalized(row.trim_start())).collect()
    };
    let shown = rows(&shown("getting-started", "output: shop"));
    // A loaded machine delays a step or a timer, and then another step is the slowest or times out.
    for attempts_left in (0..10).rev() {
        let output = output_of_the_first_requests();
        let real = rows(&output);
        if attempts_left == 0 || shown == real {
            assert_eq!(shown, real, "{output}");
            return;
        }
    }
}

fn output_of_the_first_requests() -> String {
    // It serves until it is stopped, so it is compiled and not run.
    let _: fn() -> Result<(), Box<dyn std::error::Error>> = shop::main;
    let captured = capture_with(Config::new().format(Format::Pretty)).expect("a configuration");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { [send("basket-1", 1250).await, send("basket-2", 1_000_000).await] });
    captured.output().replace("system::guide::shop", "shop")
}

/// The line with the values that differ between runs replaced.
fn without_values_of_the_run(mut line: serde_json::Value) -> serde_json::Value {
    for key in ["ts", "trace_id", "span_id", "duration_ms", "dependency_ms"] {
        line[key] = "".into();
    }
    line
}

#[test]
fn the_page_on_other_crates_shows_the_program_with_sentry() {
    assert_shows_code("beside-others", "tests/beside/src/main.rs");
}

#[test]
fn the_guide_shows_the_last_line_of_a_request_as_json() {
    let captured = capture_with(Config::new().format(Format::Json)).expect("a configuration");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(send("basket-2", 1_000_000));
    let shown: serde_json::Value =
        serde_json::from_str(&shown("getting-started", "output: shop-json")).expect("JSON");
    let output = captured.output();
    let last = serde_json::from_str(output.lines().last().expect("a line")).expect("JSON");
    assert_eq!(without_values_of_the_run(shown), without_values_of_the_run(last), "{output}");
}

#[test]
fn the_page_for_those_on_call_has_the_alert_rules_each_category_and_each_warning() {
    assert_shows_code("on-call", "examples/prometheus/alerts.yml");
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file");
    let (page, reference) = (read("docs/on-call.md"), read("docs/line-reference.md"));
    let categories = read("runtime/src/outcome/category.rs");
    let mut count = 0;
    for category in categories.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("\n| `{category}` |")), "{category} is not explained");
        count += 1;
    }
    assert!(count > 9, "{count}");

    let events: Vec<(&str, &str)> = reference
        .split("\n## Keys")
        .next()
        .expect("events")
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` | "))
        .collect();
    assert!(events.len() > 20, "{events:?}");
    for (event, rest) in &events {
        let is_there = page.contains(&format!("`{event}`"));
        assert!(!rest.starts_with("WARN") || is_there, "{event} is not explained");
    }
    // Queries for Loki and for Datadog.
    for before in ["\"event\":\"", "@evt.name:"] {
        for rest in page.split(before).skip(1) {
            let name = rest.split(|c: char| c != '_' && !c.is_ascii_lowercase()).next();
            let name = name.expect("a name");
            assert!(events.iter().any(|(event, _)| *event == name), "{name} is not an event");
        }
    }
    // Names in the rules of Prometheus.
    let series = read("runtime/src/metrics/series.rs");
    let mut metrics = 0;
    for word in page.split(|c: char| c != '_' && !c.is_ascii_lowercase()) {
        if word.starts_with("http_server_") || (word.starts_with("candor_") && word.len() > 7) {
            let name = word.trim_end_matches("_bucket");
            assert!(series.contains(&format!("\"{name}\"")), "{name} is not a metric");
            metrics += 1;
        }
    }
    assert!(metrics > 4, "{metrics}");
}

#[test]
fn the_guide_shows_the_middleware_for_actix() {
    for file in ["middleware.rs", "main.rs"] {
        assert_shows_code("http-without-tower", &format!("examples/actix/{file}"));
    }
}

#[test]
fn the_guide_shows_the_output_of_each_policy() {
    let output = text(&run("redaction", &[]).stdout);
    let table = output.split("\n\n").next().expect("a table");
    assert_eq!(shown("redaction", "output: redaction").trim_end(), table.trim_end());
}

#[test]
fn the_guide_shows_the_inventory_file_of_its_service() {
    let here = candor::inventory().under("system::guide::shop");
    let lines = here.to_string().replace("system::guide::shop", "shop");
    assert_eq!(shown("redaction", "output: inventory"), lines, "{lines}");
}

/// A row of the command's output without the values that differ between runs (times, shares, bars), and
/// without the padding that depends on them.
fn steady(row: &str) -> String {
    let row: String = row.chars().filter(|c| !('▀'..='▟').contains(c)).collect();
    let mut words: Vec<String> = Vec::new();
    for word in normalized(&row).split_whitespace() {
        let is_unit = ["ms", "s", "µs"].contains(&word);
        let is_number =
            word.trim_matches(|c: char| c.is_ascii_digit() || "#<.%".contains(c)).is_empty();
        match words.last().map(String::as_str) {
            Some("N") if is_unit || is_number => {}
            _ if is_number => words.push("N".to_owned()),
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

/// A row of a list up to its first duration.
fn before_the_times(row: &str) -> String {
    let row = normalized(row);
    let words: Vec<&str> = row.split_whitespace().collect();
    let unit = words.iter().position(|word| ["ms", "s"].contains(word));
    words[..unit.map_or(words.len(), |unit| unit - 1)].join(" ")
}

#[test]
fn the_walk_through_shows_the_output_of_the_command() {
    let orders = run("orders", &[("LOG_FORMAT", "json")]);
    let database = text(&orders.stderr);
    let database = database.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");

    let (story, requests, steps) =
        (&["story", "-", "--failed"][..], &["requests", "-"][..], &["steps", "-"][..]);
    for (file, marker, args) in [
        ("docs/troubleshooting.md", "output: requests", requests),
        ("docs/troubleshooting.md", "output: story", story),
        ("docs/troubleshooting.md", "output: steps", steps),
    ] {
        // Lists are not wrapped; the story of a request is as wide as a page.
        let columns = if args[0] == "story" { "100" } else { "120" };
        let said = candor_at(columns, args, &orders.stdout).out;
        // Lists are sorted by duration, so the order of rows is not compared.
        let row = if args[0] == "story" { steady } else { before_the_times };
        let rows = |text: &str| -> BTreeSet<String> { text.lines().map(row).collect() };
        let real = rows(&said);
        for row in rows(&block(file, marker)) {
            assert!(real.contains(&row), "no such row any more: {row}\n{real:#?}");
        }
    }
}

#[test]
fn the_guide_shows_the_lines_after_migrating() {
    assert_shows_code("migrating", "tests/system/guide/migrated.rs");
    let captured = capture_with(Config::new().format(Format::Json)).expect("a configuration");
    let card = migrated::Card { number: "4242424242424242".to_owned() };
    candor::RequestContext::with_id("r-7").enter_with(|| {
        migrated::charge(7, 1250, &card).expect("charged");
        migrated::charge(8, 1_000_000, &card).expect_err("over the limit");
    });
    assert_eq!(format!("{card:?}"), "Card { number: \"****4242\" }");
    let output = captured.output().replace("system::guide::migrated", "shop");
    let real: Vec<String> = output.lines().map(normalized).collect();
    let shown: Vec<String> =
        shown("migrating", "output: migrated").lines().map(normalized).collect();
    assert_eq!(shown, real, "{output}");
}

/// The output of a subscriber.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The JSON lines that tracing-subscriber writes during `work`.
fn json_lines(work: impl FnOnce()) -> Vec<serde_json::Value> {
    let written = Written::default();
    let sink = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_span_events(FmtSpan::CLOSE)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || sink.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = written.0.lock().expect("no panic").clone();
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_code_before_migrating_compiles_and_writes_the_lines_of_the_guide() {
    for name in ["instrument", "trace_layer", "json", "timer"] {
        assert_shows_code("migrating", &format!("tests/system/guide/before/{name}.rs"));
    }
    let card = migrated::Card { number: "4242424242424242".to_owned() };
    let real = json_lines(|| {
        before::instrument::charge(7, 1250, &card).expect("charged");
        before::instrument::charge(8, 1_000_000, &card).expect_err("over the limit");
    });
    let shown = block("docs/migrating.md", "output: instrument");
    let shown = shown.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let without_times = |mut line: serde_json::Value| {
        line["timestamp"] = "".into();
        line["target"] = "shop".into();
        for time in ["time.busy", "time.idle"] {
            if let Some(time) = line["fields"].get_mut(time) {
                *time = "".into();
            }
        }
        line
    };
    let real: Vec<_> = real.into_iter().map(without_times).collect();
    assert_eq!(shown.map(without_times).collect::<Vec<_>>(), real);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let events = json_lines(|| {
        let request = Request::builder().uri("/health").body(Body::empty()).expect("a request");
        let response = runtime.block_on(before::trace_layer::app().oneshot(request));
        let response = response.expect("an answer");
        assert!(response.headers().contains_key("x-request-id"), "the id goes back");
    });
    let is_event = |line: &&serde_json::Value| line["fields"]["message"] != "close";
    assert_eq!(events.iter().filter(is_event).count(), 2, "{events:?}");
    assert!(events.iter().all(|line| line["level"] == "DEBUG"), "{events:?}");

    let lines = json_lines(|| {
        for is_up in [true, false] {
            let order = before::timer::Order { card: "4242424242424242" };
            let charged =
                runtime.block_on(before::timer::charge(&before::timer::Client { is_up }, order));
            assert_eq!(charged.is_ok(), is_up);
        }
    });
    assert!(lines[1].to_string().contains("4242424242424242"), "cards get into logs: {lines:?}");
    // It installs a global subscriber, so it is compiled and not run.
    let _: fn() = before::json::install;
}
