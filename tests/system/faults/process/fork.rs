//! Forks: a child has no thread but the one that forked. It must not wait for what another thread held or did, and
//! every line is written by one process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use candor_tests::{check, is_full};
use serde_json::Value;

use super::super::{Ended, program, run, succeeds};
use crate::otlp::collector::{Collector, closed_port};

fn parsed(text: &str) -> Vec<Value> {
    // A process that opens a file in the middle of another one's write ends the line.
    let lines = text.lines().filter(|line| !line.is_empty()).map(|line| {
        check(line);
        serde_json::from_str(line).expect("JSON")
    });
    lines.collect()
}

fn with_message<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["msg"] == message).collect()
}

/// How often the processes fork.
fn forks() -> u64 {
    if is_full() { 250 } else { 25 }
}

/// Asserts that each line of the parent's threads and each of `children` lines of every fork was written once.
fn each_line_is_written_once(lines: &[Value], stderr: &str, forks: u64, children: &[&str]) {
    let mut written: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for line in with_message(lines, "parent") {
        let (thread, n) = (line["thread"].as_u64(), line["n"].as_u64());
        let is_new =
            written.entry(thread.expect("a thread")).or_default().insert(n.expect("a number"));
        assert!(is_new, "twice: {line}");
    }
    for text in stderr.lines().filter_map(|line| line.strip_prefix("thread ")) {
        let (thread, n) = text.split_once(" wrote ").expect("a thread and a number");
        let n: u64 = n.parse().expect("a number");
        let numbers = written.remove(&thread.parse().expect("a number")).unwrap_or_default();
        if stderr.contains("dropped 0") {
            assert_eq!(numbers.len() as u64, n, "thread {thread}");
        }
    }
    for message in children {
        let found: Vec<_> =
            with_message(lines, message).iter().map(|line| line["fork"].as_u64()).collect();
        let numbers: BTreeSet<_> = found.iter().copied().collect();
        assert_eq!((found.len(), numbers.len() as u64), (numbers.len(), forks), "{message}");
    }
}

fn hammered(env: &[(&str, &str)]) -> (Ended, u64) {
    let forks = forks().to_string();
    let mut all = vec![("FORKS", &*forks)];
    all.extend(env);
    let ended = succeeds("process", "fork-while-threads-write", &all);
    let forks = env.iter().find(|(name, _)| *name == "FORKS").map_or(&*forks, |(_, value)| value);
    let forks = forks.parse().expect("a number");
    (ended, forks)
}

const CHILD: [&str; 3] = ["child", "child in a step", "child audits"];

#[test]
fn children_log_while_the_threads_of_their_parent_write_directly() {
    for threads in ["1", "4", "8"] {
        let (ended, forks) = hammered(&[("THREADS", threads)]);
        each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
    }
}

#[test]
fn children_of_a_process_with_a_queue_write_directly_and_leave_the_queued_lines_to_their_parent() {
    for (threads, queue) in [("1", "1"), ("4", "1"), ("8", "1"), ("4", "1000")] {
        let (ended, forks) = hammered(&[("THREADS", threads), ("QUEUE", queue)]);
        each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
    }
    let drops = [("THREADS", "4"), ("QUEUE", "10"), ("OVERLOAD", "drop")];
    let (ended, forks) = hammered(&drops);
    each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
}

#[test]
fn a_full_queue_with_a_slow_writer_does_not_stop_a_child() {
    for queue in ["1", "100"] {
        let env = [("THREADS", "4"), ("QUEUE", queue), ("WRITE_MS", "2"), ("FORKS", "10")];
        let (ended, forks) = hammered(&env);
        let lines = ended.lines();
        // A batch of a slow writer may take longer than a fork waits; the child then has no writer.
        let children = with_message(&lines, "child");
        assert!(queue != "1" || children.len() as u64 == forks, "{} of {forks}", children.len());
        each_line_is_written_once(&lines, &ended.stderr, 0, &[]);
    }
}

#[test]
fn a_child_may_end_by_dropping_the_guard_by_exiting_or_without_either() {
    for end in ["drop", "exit", "_exit"] {
        for queue in ["0", "10"] {
            let (ended, forks) = hammered(&[("END", end), ("QUEUE", queue), ("FORKS", "10")]);
            each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
        }
    }
}

#[test]
fn children_fork_again() {
    for queue in ["0", "10"] {
        let (ended, forks) = hammered(&[("GRANDCHILD", "1"), ("QUEUE", queue)]);
        each_line_is_written_once(&ended.lines(), &ended.stderr, 2 * forks, &CHILD);
    }
}

/// Writes to a rotated file with these settings, and checks that each line is in one of its files.
fn rotates_without_a_loss(settings: &[(&str, &str)]) {
    let unique = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_nanos();
    let folder = std::env::temp_dir().join(format!("candor-fork-{}-{unique}", std::process::id()));
    fs::create_dir(&folder).expect("a folder");
    let path = folder.join("app.log");
    let mut env = vec![("LOG_FILE", path.to_str().expect("text"))];
    env.extend(settings);
    let (ended, forks) = hammered(&env);
    let mut lines = Vec::new();
    for file in fs::read_dir(&folder).expect("a folder") {
        let file = file.expect("a file").path();
        lines.extend(parsed(&fs::read_to_string(&file).expect("text")));
    }
    each_line_is_written_once(&lines, &ended.stderr, forks, &CHILD);
    fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn processes_write_to_one_file_and_rotate_it() {
    for queue in ["0", "10"] {
        let size = [("LOG_FILE_MAX_BYTES", "1000000"), ("LOG_FILE_BACKUPS", "200")];
        rotates_without_a_loss(&[size[0], size[1], ("QUEUE", queue)]);
    }
}

/// The lock of a rotation belonged to the open file, which a child shares.
#[test]
fn bug_a_child_renamed_backups_while_its_parent_did() {
    let size = [("LOG_FILE_MAX_BYTES", "20000"), ("LOG_FILE_BACKUPS", "500")];
    rotates_without_a_loss(&[size[0], size[1], ("SLOW_RENAMES", "1"), ("FORKS", "50")]);
}

#[test]
fn metrics_and_the_pretty_format_work_in_a_child() {
    let (ended, forks) = hammered(&[("METRICS", "1"), ("LOG_FOLD", "1"), ("LOG_BUDGET", "1GiB/s")]);
    each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
    let (ended, forks) = hammered(&[("LOG_FORMAT", "pretty")]);
    let children = ended.stdout.lines().filter(|line| line.contains("child audits")).count();
    assert_eq!(children as u64, forks);
}

#[test]
fn a_child_exports_its_own_lines_with_a_thread_of_its_own() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("THREADS", "0"),
        ("FORKS", "5"),
        ("END", "drop"),
    ];
    let (ended, forks) = hammered(&env);
    each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
    assert_eq!(collector.received().logs_of("child") as u64, forks);
}

#[test]
fn a_collector_that_does_not_answer_does_not_stop_a_child() {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("FORKS", "5"), ("THREADS", "2")];
    let (ended, forks) = hammered(&env);
    each_line_is_written_once(&ended.lines(), &ended.stderr, forks, &CHILD);
}

#[test]
fn hooks_between_fork_and_exec_log() {
    let forks = forks().to_string();
    for queue in ["0", "1"] {
        for threads in ["1", "8"] {
            let env = [("FORKS", &*forks), ("QUEUE", queue), ("THREADS", threads)];
            let ended = succeeds("process", "exec", &env);
            let number = forks.parse().expect("a number");
            each_line_is_written_once(&ended.lines(), &ended.stderr, number, &["child"]);
        }
    }
}

#[test]
fn a_request_that_is_in_two_processes_has_the_lines_before_the_fork_once() {
    for story in ["all", "problems"] {
        for queue in ["0", "10"] {
            let env = [("LOG_STORY", story), ("QUEUE", queue), ("LOG_FOLD", "1")];
            let ended = succeeds("process", "fork-in-a-request", &env);
            let lines = ended.lines();
            for round in 0..20 {
                let of = |message: &str| {
                    let lines = with_message(&lines, message).into_iter();
                    lines.filter(|line| line["round"] == round).collect::<Vec<_>>()
                };
                let before: Vec<_> = of("before").iter().map(|line| line["n"].as_u64()).collect();
                assert_eq!(before, [Some(0), Some(1), Some(2)], "{story} {queue}");
                let mut after: Vec<_> =
                    of("after").iter().map(|line| line["is_child"].as_bool()).collect();
                after.sort_unstable();
                assert_eq!(after, [Some(false), Some(true)], "{story} {queue}");
                let beside: Vec<_> = of("beside").iter().map(|line| line["n"].as_u64()).collect();
                let numbers: BTreeSet<_> = beside.iter().collect();
                assert_eq!(numbers.len(), beside.len(), "{story} {queue}");
            }
            // The guard of the step is in both processes, and so is its end.
            let steps = lines.iter().filter(|line| line["step"] == "around the fork").count();
            assert_eq!(steps, 40, "{story} {queue}");
            assert_eq!(with_message(&lines, "job_completed").len(), 20, "{story} {queue}");
        }
    }
}

#[test]
fn bug_a_child_waited_for_a_thread_that_reported_details_of_its_call() {
    let forks = forks().to_string();
    let ended = succeeds("process", "fork-in-a-call", &[("FORKS", &forks)]);
    let calls = ended.lines().iter().filter(|line| line["dependency"] == "stock").count();
    assert_eq!(calls.to_string(), forks);
}

#[test]
fn bug_a_child_waited_for_a_thread_that_searched_the_names_of_spans() {
    let forks = forks().to_string();
    // The lines are dropped, so that the threads open spans most of the time.
    let env = [("FORKS", &*forks), ("LOG_SPANS", "info"), ("LOG_BUDGET", "16KiB/s")];
    succeeds("process", "fork-while-spans-are-named", &env);
}

#[test]
fn bug_a_child_waited_for_a_thread_that_changed_a_request_around_the_current_one() {
    // A child may wait for 200 ms before it gives a lock up.
    let forks = forks().min(40);
    let env = [("FORKS", &*forks.to_string())];
    let lines = succeeds("process", "fork-in-nested-requests", &env).lines();
    let inside = with_message(&lines, "in the outer request");
    assert_eq!(inside.len() as u64, 3 * forks);
    assert!(inside.iter().all(|line| line["request_id"] == "outer"));
}

#[test]
fn bug_a_child_waited_for_a_thread_that_used_its_span() {
    // A child may wait for 200 ms before it gives a lock up.
    let forks = forks().min(40);
    let number = forks.to_string();
    for is_inside in [false, true] {
        // A thread that reads the span writes many lines.
        let reads = [("READS", "1"), ("LOG_BUDGET", "16KiB/s")];
        for settings in [&[][..], &reads, &[("LOG_SPANS", "info")]] {
            let mut env = vec![("FORKS", &*number)];
            env.extend(settings);
            env.extend(is_inside.then_some(("INSIDE", "1")));
            let ended = succeeds("process", "fork-beside-a-shared-span", &env);
            let lines = ended.lines();
            let inside = with_message(&lines, "in the span");
            assert!(settings == reads || inside.len() as u64 == 3 * forks, "{env:?}");
            // The fork holds the locks of the spans that its thread is in.
            let is_complete = |line: &&Value| line["kept"] == 7 && line["child"] == true;
            assert!(!is_inside || inside.iter().all(is_complete), "{env:?}");
        }
    }
}

#[test]
fn bug_the_panic_of_a_child_waited_for_the_backtrace_of_another_thread() {
    let forks = forks();
    let env = [("FORKS", &*forks.to_string())];
    let lines = succeeds("process", "fork-while-a-thread-panics", &env).lines();
    let panics = lines.iter().filter(|line| line["panic_message"] == "in the child");
    assert_eq!(panics.count() as u64, forks);
}

#[test]
fn bug_a_child_wrote_the_kept_lines_of_the_request_around_the_current_one() {
    let lines = succeeds("process", "fork-inside-a-recorded-request", &[]).lines();
    assert_eq!(with_message(&lines, "before the fork").len(), 1);
    assert_eq!(with_message(&lines, "after the fork").len(), 2);
    assert_eq!(with_message(&lines, "request_completed").len(), 2);
}

#[test]
fn repeats_before_a_fork_are_counted_by_the_parent() {
    let ended = succeeds("process", "fork-with-folded-lines", &[("LOG_FOLD", "1")]);
    let lines = ended.lines();
    let repeats = |message: &str| {
        let lines = with_message(&lines, message).into_iter();
        lines.map(|line| line["repeats"].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(repeats("repeated before"), [None, Some(9)]);
    assert_eq!(repeats("repeated in the child"), [None, Some(4)]);
}

#[test]
fn a_write_that_stalls_during_the_fork_delays_it_briefly_and_costs_the_child_its_writer() {
    for queue in ["0", "10"] {
        let env = [("WRITE_MS", "1"), ("QUEUE", queue)];
        let ended = succeeds("process", "fork-while-a-write-stalls", &env);
        let millis = |name: &str| -> u64 {
            let text = ended.stderr.lines().find_map(|line| line.strip_prefix(name));
            let text = text.and_then(|text| text.trim().split(' ').next()).expect("a time");
            text.parse().expect("a number")
        };
        assert!(millis("fork") < 1500, "{}", ended.stderr);
        assert!(millis("child") < 1500, "{}", ended.stderr);
        let counts = "emitted 1, written 0, waiting 0, dropped 1 (writer: io 1)";
        assert!(ended.stderr.contains(counts), "{}", ended.stderr);
        let lines = ended.lines();
        assert_eq!(with_message(&lines, "from the parent").len(), 1);
    }
}

#[test]
fn ids_differ_between_the_processes() {
    let ended = succeeds("process", "fork-after-ids", &[]);
    let lines = ended.lines();
    let ids = |who: &str| {
        let lines = lines.iter().filter(|line| line["who"] == who);
        lines.map(|line| line["request_id"].as_str().expect("an id")).collect::<Vec<_>>()
    };
    let random =
        |ids: &[&str]| -> Vec<String> { ids.iter().map(|id| id[14..18].to_owned()).collect() };
    let (child, parent) = (ids("child"), ids("parent"));
    assert_eq!((child.len(), parent.len()), (8, 8));
    // These digits are random, and do not depend on the time.
    assert_ne!(random(&child), random(&parent));
}

#[test]
fn levels_that_are_raised_for_a_time_fall_back_in_the_child() {
    let ended = succeeds("process", "fork-while-levels-are-raised", &[]);
    let lines = ended.lines();
    assert_eq!(with_message(&lines, "child before").len(), 1);
    assert!(with_message(&lines, "child after").is_empty());
}

#[test]
fn a_writer_may_fork() {
    let ended = run(&mut program("process", "fork-inside-a-writer", &[]));
    assert!(ended.status.success(), "{}", ended.stderr);
    let lines = ended.lines();
    for message in ["fork", "child after the write", "parent after the write"] {
        assert_eq!(with_message(&lines, message).len(), 1, "{message}");
    }
}

#[test]
fn bug_threads_of_a_child_that_was_forked_by_the_writer_lost_lines() {
    let ended = succeeds("process", "fork-inside-a-writer-with-threads", &[]);
    let lines = ended.lines();
    assert_eq!(with_message(&lines, "in a thread of the child").len(), 4000, "{}", ended.stderr);
}

/// Each held the locks of the other one's fork, until both gave up and their children lacked locks.
#[test]
fn bug_threads_that_forked_at_the_same_time_waited_for_each_other() {
    let forks = if is_full() { 100 } else { 20 };
    for queue in ["0", "10"] {
        let env = [("FORKS", &*forks.to_string()), ("QUEUE", queue)];
        let ended = succeeds("process", "threads-that-fork-at-once", &env);
        each_line_is_written_once(&ended.lines(), &ended.stderr, 4 * forks, &CHILD);
        let longest = ended.stderr.lines().find_map(|line| line.strip_prefix("longest fork "));
        let millis = longest.and_then(|text| text.strip_suffix(" ms")).expect("a time");
        assert!(millis.parse::<u64>().expect("a number") < 1500, "{}", ended.stderr);
    }
}

/// The child had replaced the lock of its output, and another one of its threads held the replacement.
#[test]
fn bug_a_fork_of_a_fork_waited_for_a_thread_of_its_parent() {
    for format in ["json", "pretty"] {
        let env = [("LOG_FORMAT", format)];
        succeeds("process", "fork-of-a-fork-while-writes-stall", &env);
    }
}

#[test]
fn bug_a_child_reported_the_lost_records_of_its_parent() {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BLRP_SCHEDULE_DELAY", "5")];
    let ended = succeeds("process", "fork-after-records-were-lost", &env);
    let lost = ended.stderr.lines().filter_map(|line| line.strip_prefix("lost "));
    let lost: u64 = lost.map(|text| text.parse::<u64>().expect("a number")).sum();
    let lines = ended.lines();
    let reports = lines.iter().filter(|line| line["event"] == "lines_dropped");
    let reported: u64 = reports.map(|line| line["lines"].as_u64().expect("a number")).sum();
    assert_eq!((lost, reported), (7, 7), "{}", ended.stdout);
}

#[test]
fn bug_a_child_lost_its_writer_because_other_threads_used_it_all_the_time() {
    let env = [("WRITE_MS", "5"), ("THREADS", "3"), ("FORKS", "20")];
    let ended = succeeds("process", "fork-while-threads-use-a-slow-writer", &env);
    each_line_is_written_once(&ended.lines(), &ended.stderr, 20, &CHILD);
}
