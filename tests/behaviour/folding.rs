//! Folding: repeats of an event within a second become one line with their number, and no repeat is lost.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use candor::{Config, Format, Overload, RequestContext, Story, dependency_call, step_timed};
use serde_json::Value;
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::layer::SubscriberExt as _;

use super::budget::Output;

/// The lines as soon as there are `count` of them.
fn wait_for(output: &Output, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let lines = output.lines();
        if lines.len() >= count || Instant::now() > until {
            return lines;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn folding(change: impl FnOnce(Config) -> Config) -> (Dispatch, Output) {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone()).fold_repeats(true);
    (Dispatch::new(change(config).subscriber().expect("a configuration")), output)
}

/// The message of each line and the number of repeats that it stands for; 0 for a line that is not folded.
fn repeats(lines: &[Value]) -> Vec<(&str, u64)> {
    let of = |line: &Value| line["repeats"].as_u64().unwrap_or_default();
    lines.iter().map(|line| (line["msg"].as_str().expect("a message"), of(line))).collect()
}

/// The number of events that the lines stand for.
fn events(lines: &[Value]) -> u64 {
    repeats(lines).iter().map(|(_, repeats)| (*repeats).max(1)).sum()
}

fn cold(shard: u64) {
    candor::info!(shard, "cache is cold");
}

#[test]
fn the_first_line_is_written_at_once_and_its_repeats_as_one_line_within_seconds() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        for _ in 0..5 {
            cold(7);
        }
    });
    let lines = output.lines();
    assert_eq!(repeats(&lines), [("cache is cold", 0)]);
    let lines = wait_for(&output, 2);
    assert_eq!(repeats(&lines), [("cache is cold", 0), ("cache is cold", 4)]);
    assert_eq!(lines[1]["shard"], 7);
    assert!(lines[1]["ts"].as_str() > lines[0]["ts"].as_str(), "the time of the last repeat");
}

#[test]
fn a_line_that_goes_on_repeating_becomes_one_line_a_second() {
    let (dispatch, output) = folding(|config| config);
    let began = Instant::now();
    let mut logged = 0;
    with_default(&dispatch, || {
        while began.elapsed() < Duration::from_millis(2600) {
            tracing::info!(target: "folding_flood", "again");
            logged += 1;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let until = Instant::now() + Duration::from_secs(20);
    while events(&output.lines()) < logged && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    let lines = output.lines();
    assert_eq!(events(&lines), logged);
    // On a busy machine, the thread may have paused for a whole period, after which a line is not a repeat.
    assert!((3..=10).contains(&lines.len()), "{} lines of {logged}", lines.len());
}

#[test]
fn a_line_with_another_value_message_or_request_is_no_repeat() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        cold(1);
        cold(2);
        candor::info!(shard = 1, "cache is warm");
        RequestContext::with_id("r-1").enter_with(|| cold(1));
        RequestContext::with_id("r-2").enter_with(|| cold(1));
        RequestContext::with_id("r-2").enter_with(|| cold(1));
    });
    thread::sleep(Duration::from_millis(1500));
    assert!(output.lines().iter().all(|line| line["repeats"].is_null()));
    assert_eq!(output.lines().len(), 6);
}

#[test]
fn alternating_lines_of_one_call_site_are_folded_separately() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        for n in 0..10 {
            cold(n % 2);
        }
    });
    let lines = wait_for(&output, 4);
    let of_each: Vec<_> = repeats(&lines).iter().map(|(_, repeats)| *repeats).collect();
    assert_eq!(of_each, [0, 0, 4, 4]);
}

#[test]
fn warnings_steps_calls_and_audit_events_are_never_folded() {
    #[step_timed]
    fn step() {}

    #[dependency_call("payments")]
    fn charge() {}

    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        for _ in 0..3 {
            candor::warn!("twice");
            tracing::error!("failed");
            step();
            charge();
            candor::audit!(role = "admin", "role granted").expect("written");
        }
    });
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(output.lines().len(), 15);
    assert!(output.lines().iter().all(|line| line["repeats"].is_null()));
}

#[test]
fn the_folded_lines_of_a_job_come_before_its_completion_and_its_numbers_have_no_gap() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        candor::job("import").run(|| {
            for _ in 0..100 {
                cold(3);
            }
            candor::info!("imported");
        });
    });
    let lines = output.lines();
    let shown = [("cache is cold", 0), ("imported", 0), ("cache is cold", 99)];
    assert_eq!(repeats(&lines)[..3], shown);
    assert_eq!(lines[3]["event"], "job_completed");
    let numbers: Vec<_> =
        lines.iter().map(|line| line["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(lines[3]["lines_suppressed"].is_null(), "a repeat is not suppressed by a limit");
}

#[test]
fn a_flush_writes_the_folded_lines_and_after_the_guard_nothing_is_folded() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone()).fold_repeats(true);
    let (layer, logging) = config.build().expect("a configuration");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    with_default(&dispatch, || {
        cold(1);
        cold(1);
        assert_eq!(logging.flush(Duration::from_secs(5)), 0);
        assert_eq!(repeats(&output.lines()), [("cache is cold", 0), ("cache is cold", 1)]);
        cold(1);
        cold(1);
        cold(1);
        drop(logging);
        assert_eq!(events(&output.lines()), 5);
        cold(1);
        cold(1);
        assert_eq!(repeats(&output.lines())[4..], [("cache is cold", 0), ("cache is cold", 0)]);
    });
}

#[test]
fn a_flush_writes_the_folded_lines_of_open_requests_through_the_queue() {
    let output = Output::default();
    let config = Config::new().format(Format::Json).writer(output.clone()).fold_repeats(true);
    let config = config.background(100, Overload::Block);
    let (layer, logging) = config.build().expect("a configuration");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    with_default(&dispatch, || {
        let request = RequestContext::with_id("r-1");
        for shard in 0..50 {
            cold(shard);
            request.enter_with(|| (0..3).for_each(|_| cold(shard)));
            cold(shard);
        }
        assert_eq!(logging.flush(Duration::from_secs(5)), 0);
        assert_eq!(events(&output.lines()), 5 * 50);
        assert_eq!(output.lines().len(), 4 * 50);
        request.enter_with(|| cold(0));
        request.enter_with(|| cold(0));
        assert_eq!(logging.flush(Duration::from_secs(5)), 0);
        assert_eq!(events(&output.lines()), 5 * 50 + 2);
    });
}

/// The timer takes the folded lines before the flush can.
#[test]
fn a_flush_waits_for_the_folded_lines_that_the_timer_is_writing() {
    const LINES: u64 = 20;

    /// Takes its time for each folded line, and tells of the first one.
    struct Slow(Output, mpsc::Sender<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.windows(7).any(|window| window == b"repeats") {
                let _ = self.1.send(());
                thread::sleep(Duration::from_millis(20));
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    let (output, (begins, has_begun)) = (Output::default(), mpsc::channel());
    let writer = Slow(output.clone(), begins);
    let config = Config::new().format(Format::Json).writer(writer).fold_repeats(true);
    let (layer, logging) = config.build().expect("a configuration");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    with_default(&dispatch, || {
        for _ in 0..2 {
            (0..LINES).for_each(cold);
        }
    });
    has_begun.recv_timeout(Duration::from_secs(20)).expect("the timer writes");
    assert_eq!(logging.flush(Duration::from_secs(20)), 0);
    assert_eq!(events(&output.lines()), 2 * LINES);
}

#[test]
fn lines_that_a_story_holds_are_not_folded() {
    let (dispatch, output) = folding(|config| config.story(Story::Problems));
    with_default(&dispatch, || {
        let result: Result<(), String> = candor::job("import").run(|| {
            for _ in 0..3 {
                cold(1);
            }
            Err("no file".to_owned())
        });
        result.expect_err("given");
    });
    let lines = output.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.iter().all(|line| line["repeats"].is_null()));
}

#[test]
fn repeats_from_many_threads_are_all_counted() {
    let (dispatch, output) = folding(|config| config);
    thread::scope(|scope| {
        for _ in 0..4 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                with_default(dispatch, || {
                    let context = RequestContext::with_id("r-9");
                    for n in 0..20_000_u64 {
                        if n % 2 == 0 {
                            cold(n % 6);
                        } else {
                            context.enter_with(|| cold(1));
                        }
                    }
                });
            });
        }
    });
    let until = Instant::now() + Duration::from_secs(20);
    while events(&output.lines()) < 80_000 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(events(&output.lines()), 80_000);
}

#[test]
fn more_lines_than_are_compared_are_written() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        for _ in 0..2 {
            for n in 0..20_000 {
                cold(n);
            }
        }
    });
    let until = Instant::now() + Duration::from_secs(20);
    while events(&output.lines()) < 40_000 && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    let lines = output.lines();
    assert_eq!(events(&lines), 40_000);
    for shard in [0, 19_999] {
        assert!(lines.iter().any(|line| line["shard"] == shard));
    }
}

#[test]
fn a_budget_applies_to_folded_lines() {
    let (dispatch, output) = folding(|config| config.budget("1KiB/s").expect("a rate"));
    with_default(&dispatch, || {
        for _ in 0..3 {
            for n in 0..50 {
                cold(n);
            }
        }
    });
    thread::sleep(Duration::from_millis(1500));
    let bytes = output.bytes();
    // The burst of one second, the rate for one second, and the lines about the flood.
    assert!(bytes < 4000, "{bytes}");
    assert!(
        output.lines().iter().any(|line| line["repeats"] == 2),
        "a folded line fits into the budget"
    );
}

#[test]
fn a_folded_line_that_a_budget_cuts_counts_as_the_lines_that_it_stands_for() {
    const EVENTS: u64 = 500;
    let (dispatch, output) = folding(|config| config.budget("1KiB/s").expect("a rate"));
    with_default(&dispatch, || {
        for _ in 0..5 {
            for n in 0..EVENTS / 5 {
                tracing::info!(target: "folding_cut", n, "again");
            }
        }
    });
    let counted = || {
        let lines = output.lines();
        let sum = |key: &str, of: &str, is_of: &str| -> u64 {
            let lines = lines.iter().filter(|line| line[of] == is_of);
            lines.map(|line| line[key].as_u64().unwrap_or(1)).sum()
        };
        (sum("repeats", "logger", "folding_cut"), sum("lines", "event", "log_flood_ended"))
    };
    let until = Instant::now() + Duration::from_secs(20);
    let is_complete = |(shown, cut): (u64, u64)| shown + cut >= EVENTS;
    while !is_complete(counted()) && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    let (shown, cut) = counted();
    assert_eq!(shown + cut, EVENTS, "{shown} shown, {cut} cut");
    assert!(shown > 0 && cut > EVENTS / 5, "{shown} shown, {cut} cut");
}

#[test]
fn sites_count_repeats_as_suppressed() {
    let (dispatch, output) = folding(|config| config);
    with_default(&dispatch, || {
        for _ in 0..10 {
            tracing::info!(target: "folding_counted", "again");
        }
    });
    assert_eq!(wait_for(&output, 2).len(), 2);
    let stats = candor::stats();
    let site = stats.sites().iter().find(|site| site.target == "folding_counted").expect("known");
    assert_eq!((site.lines, site.suppressed), (2, 9));
}

#[test]
fn a_line_that_is_cut_keeps_the_number_of_its_repeats() {
    let (dispatch, output) = folding(|config| config.line_limit(1024));
    let message = "repeated";
    with_default(&dispatch, || {
        let span = long_span();
        let _entered = span.enter();
        for _ in 0..3 {
            tracing::info!("{message}");
        }
    });
    let lines = wait_for(&output, 2);
    assert_eq!(repeats(&lines), [(message, 0), (message, 2)]);
    assert_eq!(lines[1]["truncated"], true);
}

/// A span with a number that is longer than the shortest line limit.
fn long_span() -> tracing::Span {
    const N: u64 = u64::MAX;
    macro_rules! span {
        ($($name:ident)*) => { tracing::info_span!("long", $($name = N),*) };
    }
    span!(a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20 a21 a22 a23 a24 a25 a26 a27 a28 a29 a30 a31 a32)
}

#[test]
fn a_flush_waits_no_longer_than_it_is_told_for_a_writer_that_stalls() {
    struct Stalls(mpsc::Receiver<()>);

    impl Write for Stalls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The first line is written, and the folded one waits until the test has ended.
            if bytes.windows(7).any(|window| window == b"repeats") {
                let _ = self.0.recv();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let (end, stalls) = mpsc::channel();
    let config = Config::new().format(Format::Json).writer(Stalls(stalls)).fold_repeats(true);
    let (layer, logging) = config.build().expect("a configuration");
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let (done, is_done) = mpsc::channel();
    let flushing = thread::spawn(move || {
        with_default(&dispatch, || {
            cold(1);
            cold(1);
        });
        let left = logging.flush(Duration::from_millis(50));
        let _ = done.send(left);
    });
    let in_time = is_done.recv_timeout(Duration::from_secs(20));
    drop(end);
    flushing.join().expect("no panic");
    assert_eq!(in_time, Ok(1), "the folded line is not written");
}
