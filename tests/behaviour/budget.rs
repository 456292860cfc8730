//! Budgets: a flood of lines stays within its bytes per second, loses no WARN and silences no other call site.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use candor::{Config, Format, RequestContext, step_timed};
use candor_tests::check;
use serde_json::Value;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

/// A writer whose lines can be read.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    pub(super) fn bytes(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }

    pub(super) fn lines(&self) -> Vec<Value> {
        let out = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(out).expect("UTF-8");
        let lines = text.lines().map(|line| {
            check(line);
            serde_json::from_str(line).expect("JSON")
        });
        lines.collect()
    }

    fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    fn messages(&self, message: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["msg"] == message).collect()
    }

    /// The lines of this event as soon as there are some.
    fn wait_for(&self, event: &str) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.events(event);
            if !found.is_empty() || Instant::now() > until {
                return found;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn with_budget(rates: &str) -> (Dispatch, Output) {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone());
    let config = config.budget(rates).expect("valid rates");
    (Dispatch::new(config.subscriber().expect("a configuration")), output)
}

/// The lines that call sites of this target have not written because of a limit.
fn suppressed(target: &str) -> u64 {
    let stats = candor::stats();
    stats.sites().iter().filter(|site| site.target == target).map(|site| site.suppressed).sum()
}

#[test]
fn a_flood_of_one_site_stays_within_the_budget_and_silences_no_other_site() {
    const RATE: usize = 64 * 1024;
    let (dispatch, output) = with_budget("64KiB/s");
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let logged = AtomicBool::new(false);
    let (flooded, bytes) = thread::scope(|scope| {
        let flood = scope.spawn(|| {
            with_default(&dispatch, || {
                let mut n = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    tracing::info!(target: "budget_flood", n, "a line of the flood");
                    n += 1;
                    logged.store(true, Ordering::Relaxed);
                }
                n
            })
        });
        let slow = |log: fn(u64)| {
            let (dispatch, logged) = (&dispatch, &logged);
            scope.spawn(move || {
                with_default(dispatch, || {
                    while !logged.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                    for n in 0..100 {
                        log(n);
                        thread::sleep(Duration::from_millis(30));
                    }
                });
            })
        };
        let others = [
            slow(|n| tracing::info!(target: "budget_slow", n, "first")),
            slow(|n| tracing::info!(target: "budget_slow", n, "second")),
            slow(|n| candor::info!(target: "budget_slow", n, "third")),
            slow(|n| tracing::warn!(target: "budget_slow", n, "warning")),
        ];
        for other in others {
            other.join().expect("no panic");
        }
        is_over.store(true, Ordering::Relaxed);
        (flood.join().expect("no panic"), output.bytes())
    });
    let seconds = began.elapsed().as_secs_f64();
    // The bytes of one second at once, then the rate, and the line about the flood.
    let most = RATE as f64 * (seconds + 1.0) + 1000.0;
    assert!((bytes as f64) < most, "{bytes} bytes in {seconds} s");
    for message in ["first", "second", "third", "warning"] {
        let numbers: Vec<_> = output
            .messages(message)
            .iter()
            .map(|line| line["n"].as_u64().expect("a number"))
            .collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "{message}");
    }
    let written = output.messages("a line of the flood").len() as u64;
    assert!(written > 100, "{written} lines of the flood");
    assert_eq!(written + suppressed("budget_flood"), flooded);
    assert_eq!(suppressed("budget_slow"), 0);

    let started = output.events("log_flood_started");
    assert_eq!((&started[0]["level"], &started[0]["budget"]), (&"WARN".into(), &"64KiB/s".into()));
    // No further line is needed. On a busy machine, the flood may have paused for a second.
    let until = Instant::now() + Duration::from_secs(20);
    while output.events("log_flood_ended").len() < started.len() && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    let ended = output.events("log_flood_ended");
    assert_eq!((ended.len(), &ended[0]["level"]), (started.len(), &"INFO".into()));
    assert_eq!(sum(&ended), flooded - written);
    let site = &ended[0]["sites"][0];
    assert!(site["site"].as_str().is_some_and(|site| site.ends_with(" budget_flood")), "{site}");
    assert_eq!((&site["lines"], &site["bytes"]), (&ended[0]["lines"], &ended[0]["bytes"]));
}

/// The lines that these reports count.
fn sum(reports: &[Value]) -> u64 {
    reports.iter().map(|report| report["lines"].as_u64().expect("a number")).sum()
}

#[test]
fn a_target_has_its_own_budget() {
    let (dispatch, output) = with_budget("1MiB/s,budget_shop::cart=1KiB/s");
    with_default(&dispatch, || {
        for n in 0..200 {
            tracing::info!(target: "budget_shop::cart::price", n, "cut");
            tracing::info!(target: "budget_shop::carts", n, "not cut");
        }
    });
    assert!((1..40).contains(&output.messages("cut").len()));
    assert_eq!(output.messages("not cut").len(), 200);
    let started = output.events("log_flood_started");
    assert_eq!(started[0]["budget"], "budget_shop::cart=1KiB/s");
}

#[test]
fn steps_are_cut_and_warnings_errors_and_audit_events_are_not() {
    #[step_timed(target = "budget_steps")]
    fn work() {}

    #[step_timed(target = "budget_failures")]
    fn fail() -> Result<(), io::Error> {
        Err(io::ErrorKind::TimedOut.into())
    }

    let (dispatch, output) = with_budget("4KiB/s");
    with_default(&dispatch, || {
        RequestContext::with_id("r-1").enter_with(|| {
            for n in 0..100 {
                work();
                let _ = fail();
                candor::error!(target: "budget_failures", n, "an error");
                candor::audit!(n, "an audit event").expect("written");
            }
        });
    });
    let steps = output.lines().iter().filter(|line| line["step"] == "work").count() as u64;
    assert!((1..40).contains(&steps), "{steps}");
    assert_eq!(steps + suppressed("budget_steps"), 100);
    assert_eq!(output.lines().iter().filter(|line| line["step"] == "fail").count(), 100);
    assert_eq!(output.messages("an error").len(), 100);
    assert_eq!(output.events("audit").len(), 100);
    // A line that is cut takes no number.
    let seq: Vec<_> = output.lines().iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seq, (1..=seq.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_job_counts_its_lines_that_are_cut_and_its_completion_is_written() {
    let (dispatch, output) = with_budget("1KiB/s");
    with_default(&dispatch, || {
        candor::job("nightly").run(|| {
            for n in 0..100 {
                candor::info!(target: "budget_job", n, "a line of the job");
            }
        });
    });
    let completed = output.events("job_completed");
    assert_eq!(completed.len(), 1);
    let written = output.messages("a line of the job").len() as u64;
    assert_eq!(completed[0]["lines_suppressed"], 100 - written);
}

#[test]
fn flushing_the_guard_reports_a_flood_and_without_a_flood_nothing_is_reported() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone());
    let (layer, logging) =
        config.budget("2KiB/s").expect("a rate").build().expect("a configuration");
    with_default(&Dispatch::new(tracing_subscriber::registry().with(layer)), || {
        tracing::info!("alone");
        logging.flush(Duration::from_secs(5));
        assert_eq!(output.lines().len(), 1);
        for n in 0..100 {
            tracing::info!(n, "many");
        }
        logging.flush(Duration::from_secs(5));
    });
    let cut = 100 - output.messages("many").len() as u64;
    let ended = output.events("log_flood_ended");
    assert_eq!((ended.len(), sum(&ended)), (output.events("log_flood_started").len(), cut));
    assert!(cut > 50, "{cut}");
}

#[test]
fn a_rate_that_cannot_be_parsed_is_an_error_that_says_what_is_accepted() {
    const FORM: &str =
        "expected a rate such as \"64KiB/s\", or \"target=rate\", separated by commas";
    for (text, part) in [
        ("64KiB", ""),
        ("64KiB/s,shop", ", not \"shop\""),
        ("=1KiB/s", ""),
        ("64KiB/s,shop=fast", ", not \"shop=fast\""),
        ("0B/s", ""),
    ] {
        let error = Config::new().budget(text).expect_err("invalid");
        assert_eq!(error.to_string(), format!("invalid budget \"{text}\": {FORM}{part}"));
        assert_eq!((error.variable(), error.value()), (Some("LOG_BUDGET"), Some(text)));
    }
    let error = Config::new().budget("1KiB/s,shop=1KiB/s,shop=2KiB/s").expect_err("twice");
    assert!(error.to_string().ends_with("\"shop=2KiB/s\" is a second rate for the same target"));
    let text = r#"{ "budget": "64KiB/s,shop=1KiB/s", "bill": "1h" }"#;
    serde_json::from_str::<Config>(text).expect("valid");
    let error = serde_json::from_str::<Config>(r#"{ "bill": "soon" }"#).expect_err("invalid");
    let expected = "invalid bill \"soon\": expected a time of at least a second, such as \"90s\", \"10m\" or \"1h\"";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn lines_that_a_story_held_are_written_beyond_the_budget() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone());
    let config = config.budget("1KiB/s").expect("a rate").story(candor::Story::Problems);
    with_default(&Dispatch::new(config.subscriber().expect("a configuration")), || {
        for _ in 0..20 {
            let _: Result<(), &str> = candor::job("nightly").run(|| {
                candor::info!("before the failure");
                Err("no file")
            });
        }
    });
    assert_eq!(output.messages("before the failure").len(), 20);
    assert_eq!(output.events("job_completed").len(), 20);
}

#[test]
fn the_bill_is_written_when_the_level_hides_info() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone());
    let config = config.level("warn").expect("a level").log_bill(Duration::from_secs(3600));
    let (layer, logging) = config.build().expect("a configuration");
    with_default(&Dispatch::new(tracing_subscriber::registry().with(layer)), || {
        tracing::info!("hidden");
        tracing::warn!("written");
    });
    drop(logging);
    let lines = output.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["event"], &lines[1]["lines"]), (&"log_bill".into(), &1.into()));
}

#[test]
fn the_bill_names_the_sites_with_the_most_bytes_of_each_period_and_of_the_rest() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone());
    let config = config.log_bill(Duration::from_secs(1));
    let (layer, logging) = config.build().expect("a configuration");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let log = |times| {
        with_default(&dispatch, || {
            for n in 0..times {
                tracing::info!(target: "bill_often", n, "often, and a long line beside the other one");
                if n == 0 {
                    tracing::info!(target: "bill_once", n, "once");
                }
            }
        });
    };
    log(30);
    let first = output.wait_for("log_bill").remove(0);
    assert_eq!((&first["logger"], &first["level"]), (&"candor".into(), &"INFO".into()));
    log(5);
    drop(logging);
    let lines = output.lines();
    let bills: Vec<_> = lines.iter().filter(|line| line["event"] == "log_bill").collect();
    let mut sums = BTreeMap::<&str, (u64, u64)>::new();
    for bill in &bills {
        let sites = bill["sites"].as_array().expect("a list");
        assert!(
            sites.len() <= 10
                && sites.is_sorted_by_key(|site| std::cmp::Reverse(site["bytes"].as_u64()))
        );
        let share: f64 = sites.iter().map(|site| site["share"].as_f64().expect("a number")).sum();
        assert!((0.99..1.01).contains(&share), "{bill}");
        for site in sites {
            let name = site["site"].as_str().expect("a text").rsplit(' ').next().expect("a target");
            let sum = sums.entry(name).or_default();
            sum.0 += site["lines"].as_u64().expect("a number");
            sum.1 += site["bytes"].as_u64().expect("a number");
        }
    }
    assert_eq!((sums["bill_often"].0, sums["bill_once"].0), (35, 2));
    // Each line but the last bill is on a bill.
    let billed: u64 = sums.values().map(|(_, bytes)| bytes).sum();
    assert_eq!(lines.last().expect("a line")["event"], "log_bill");
    let out = output.0.lock().expect("no panic");
    let before_last =
        out[..out.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    assert_eq!(billed, before_last as u64);
}
