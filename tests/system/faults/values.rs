//! Faults of logged values and of code that runs while a thread or a value ends.

use std::collections::HashMap;

use serde_json::Value;

use super::{Ended, succeeds};

/// Runs a program of this topic, which has to reach its end.
fn survives(name: &str, env: &[(&str, &str)]) -> Ended {
    let ended = succeeds("values", name, env);
    assert!(ended.stderr.contains("survived\n"), "{name}, {env:?}: {}", ended.stderr);
    ended
}

const JSON: (&str, &str) = ("LOG_FORMAT", "json");

/// How many lines have this value of this key.
fn count(lines: &[Value], key: &str, value: &str) -> usize {
    lines.iter().filter(|line| line[key] == value).count()
}

#[test]
fn the_destructor_of_a_thread_local_can_log_in_every_way() {
    for name in ["thread-ends", "thread-ends-queued", "thread-ends-writer", "thread-ends-metrics"] {
        let lines = survives(name, &[JSON]).lines();
        // Three threads and the main one log in their bodies and in their destructors.
        for message in
            ["audited", "a record of log", "inside a request", "carried", "without a parent"]
        {
            assert_eq!(count(&lines, "msg", message), 8, "{name}: {message}");
        }
        assert_eq!(count(&lines, "msg", "the same event"), 16, "{name}");
        assert_eq!(count(&lines, "job", "a good job"), 8, "{name}");
        assert_eq!(count(&lines, "step", "unwound"), 8, "{name}");
        assert_eq!(count(&lines, "outcome", "panicked"), 8, "{name}");
        assert_eq!(count(&lines, "step", "left_guard"), 4, "{name}");
    }
}

#[test]
fn the_destructor_of_a_thread_local_can_log_with_every_setting() {
    let audit = std::env::temp_dir().join(format!("candor-thread-ends-{}.log", std::process::id()));
    let audit = audit.to_str().expect("UTF-8");
    for env in [
        ("LOG_FORMAT", "pretty"),
        ("LOG_PROFILE", "gcp"),
        ("LOG_PROFILE", "compact"),
        ("LOG_SPANS", "info"),
        ("LOG_BUDGET", "1024KiB/s"),
        ("LOG_FOLD", "1"),
        ("LOG_STORY", "problems"),
        ("LOG_STRICT", "1"),
        ("LOG_STRICT", "report"),
        ("LOG_LEVEL", "warn"),
        ("LOG_LEVEL", "trace"),
        ("LOG_AUDIT_FILE", audit),
        ("LOG_BILL", "10m"),
    ] {
        let output = survives("thread-ends", &[env]).stdout;
        assert!(output.contains("unwound"), "{env:?}: {output}");
    }
    std::fs::remove_file(audit).expect("it was written");
}

/// The registry of other layers can't make spans then. Candor's lines are complete nevertheless.
#[test]
fn the_destructor_of_a_thread_local_can_log_beside_other_layers() {
    let lines = survives("thread-ends-layers", &[JSON]).lines();
    assert_eq!(count(&lines, "msg", "the same event"), 16);
    assert_eq!(count(&lines, "step", "unwound"), 8);
    assert_eq!(count(&lines, "step", "left_guard"), 4);
}

#[test]
fn bug_a_layer_that_panicked_in_the_destructor_of_a_thread_local_ended_the_process() {
    let lines = survives("thread-ends-layer-panics", &[JSON]).lines();
    assert_eq!(count(&lines, "msg", "in the destructor"), 1);
    assert_eq!(count(&lines, "step", "late"), 1);
    assert_eq!(count(&lines, "step", "late_guard"), 1);
}

/// A span that is made or entered when the thread-locals of the registry are gone aborts the process: the registry
/// panics before any layer is called.
#[test]
fn the_destructor_of_a_thread_local_can_use_spans_of_tracing_beside_other_layers() {
    for layers in ["candor", "plain", "buffered"] {
        for setting in [("LOG_STORY", "all"), ("LOG_SPANS", "info"), ("LOG_STRICT", "report")] {
            let ended = survives("thread-ends-raw-spans", &[JSON, ("LAYERS", layers), setting]);
            let lines = ended.lines();
            // In each of three threads.
            for message in ["in the destructor", "at the end of the destructor"] {
                assert_eq!(count(&lines, "msg", message), 3, "{layers}: {message}");
            }
            for message in ["inside the idle span", "inside a new span"] {
                assert_eq!(count(&lines, "msg", message), 2, "{layers}: {message}");
            }
            // In the body, in the destructor, and inside a new span, with and without a request.
            assert_eq!(count(&lines, "step", "a_step"), 2 * (3 + 3 + 2), "{layers}");
        }
    }
}

#[test]
fn futures_of_a_runtime_can_end_outside_it_and_after_it() {
    let lines = survives("thread-ends-runtime", &[JSON]).lines();
    let cancelled =
        lines.iter().filter(|line| line["step"] == "sleeps" && line["outcome"] == "cancelled");
    let spawned = 4;
    assert_eq!(cancelled.count(), 3 * 4 + spawned);
    let panicked =
        lines.iter().filter(|line| line["step"] == "sleeps" && line["outcome"] == "panicked");
    assert_eq!(panicked.count(), 4);
}

#[test]
fn values_that_panic_while_the_thread_unwinds_are_unprintable() {
    let lines = survives("unwinding-values", &[JSON]).lines();
    for message in
        ["loggable", "in a container", "an error", "debug", "display", "error of tracing", "nested"]
    {
        // In a destructor, in a request, twice in a job, and in a thread-local's destructor, with two payloads.
        assert_eq!(count(&lines, "msg", message), 10, "{message}");
    }
    let debug = lines.iter().find(|line| line["msg"] == "debug").expect("a line");
    assert_eq!(debug["value"], "<unprintable>");
    assert_eq!(count(&lines, "msg", "afterwards"), 1);
    for env in [
        ("LOG_FORMAT", "pretty"),
        ("LOG_SPANS", "info"),
        ("LOG_STORY", "problems"),
        ("LOG_STRICT", "report"),
    ] {
        survives("unwinding-values", &[env]);
    }
}

/// A panic inside the panic hook aborts the process, so the writer is called on another thread.
#[test]
fn a_writer_may_panic_while_the_thread_unwinds_and_in_the_panic_hook() {
    for name in ["unwinding-writer", "unwinding-writer-queued"] {
        for env in [JSON, ("LOG_FORMAT", "pretty"), ("LOG_PROFILE", "gcp")] {
            // With a queue, it depends on the batches which lines are in a write that panics.
            let wanted = if name == "unwinding-writer" { "afterwards" } else { "unwinds" };
            let output = survives(name, &[env]).stdout;
            assert!(output.contains(wanted), "{name}, {env:?}: {output}");
        }
    }
}

#[test]
fn a_recorder_may_panic_while_the_thread_unwinds() {
    let lines = survives("unwinding-recorder", &[JSON]).lines();
    assert_eq!(count(&lines, "msg", "nested"), 2);
}

const NESTED: &str = "<nested too deeply>";

/// The ways in which the values of the fixture log themselves.
const WAYS: usize = 26;

#[test]
fn a_value_that_logs_itself_is_cut_off() {
    let ended = survives("nesting", &[JSON]);
    assert!(!ended.stderr.contains("overflow"), "{}", ended.stderr);
    let lines = ended.lines();
    let mut afterwards: HashMap<&str, u32> = HashMap::new();
    let mut cut = 0;
    let mut is_cut = false;
    for line in &lines {
        is_cut |= line.to_string().contains(NESTED);
        if line["msg"] == "afterwards" {
            assert_eq!(line["value"], "fine");
            let way = line["way"].as_str().expect("a way");
            *afterwards.entry(way).or_default() += 1;
            cut += u32::from(is_cut);
            is_cut = false;
        }
    }
    // Each on a large and on a small stack. Those of a source and of an outcome are not formatted themselves.
    assert_eq!(afterwards.len(), WAYS, "{afterwards:?}");
    assert!(afterwards.values().all(|count| *count == 2), "{afterwards:?}");
    assert!(cut as usize >= 2 * (WAYS - 2), "{cut} ways have a mark");
    // The outermost line of an event, after those that it caused.
    let events: Vec<&Value> = lines.iter().filter(|line| line["msg"] == "event").collect();
    let values: Vec<String> = events.iter().take(5).map(|line| line["value"].to_string()).collect();
    let shown = r#"{"shown":true}"#;
    assert_eq!(values, [format!("\"{NESTED}\"").as_str(), shown, shown, shown, shown]);
    // Logging inside a value is no recursion by itself.
    let others = lines.iter().filter(|line| line["msg"] == "logged by a value");
    assert!(others.clone().count() == 3 && others.clone().all(|line| line["value"] == "fine"));
}

#[test]
fn a_value_that_logs_itself_is_cut_off_with_every_setting() {
    for env in [
        ("LOG_FORMAT", "pretty"),
        ("LOG_PROFILE", "gcp"),
        ("LOG_PROFILE", "logfmt"),
        ("LOG_SPANS", "info"),
        ("LOG_BUDGET", "1024KiB/s"),
        ("LOG_FOLD", "1"),
        ("LOG_STORY", "problems"),
        ("LOG_STRICT", "1"),
        ("LOG_STRICT", "report"),
    ] {
        let output = survives("nesting", &[env]).stdout;
        assert!(output.contains("afterwards"), "{env:?}");
    }
    for name in ["nesting-writer", "nesting-layers"] {
        let lines = survives(name, &[JSON]).lines();
        assert_eq!(count(&lines, "msg", "afterwards"), 2 * WAYS, "{name}");
    }
}

/// Formatting an error with its own policies, or reading the outcome of a call, overflowed the stack.
#[test]
fn bug_a_loggable_error_and_an_outcome_that_log_themselves_recursed_without_end() {
    let lines = survives("nesting", &[JSON]).lines();
    let cut = lines.iter().filter(|line| line["step"] == "loggable_error");
    assert!(cut.clone().any(|line| line["error_detail"] == NESTED));
    assert!(cut.clone().any(|line| line["error_detail"] == "LogsItself { shown: true }"));
    for way in ["loggable error", "outcome"] {
        assert_eq!(count(&lines, "way", way), 2, "{way}");
    }
}

/// `serde_json` parses 127 levels.
#[test]
fn a_value_that_is_nested_very_deep_is_a_line_that_readers_parse() {
    let lines = survives("depth", &[JSON]).lines();
    assert!(lines.len() > 1000);
    assert!(lines.iter().any(|line| line.to_string().contains("[…]")), "nothing is cut");
    for profile in ["ecs", "gcp", "datadog", "otel", "bunyan", "compact"] {
        let output = survives("depth-few", &[("LOG_PROFILE", profile)]).stdout;
        for line in output.lines() {
            let parsed: Result<Value, _> = serde_json::from_str(line);
            assert!(parsed.is_ok(), "{profile}: {:?}: {line}", parsed.err());
        }
    }
    for env in [
        ("LOG_FORMAT", "pretty"),
        ("LOG_PROFILE", "logfmt"),
        ("LOG_STORY", "problems"),
        ("LOG_STRICT", "1"),
    ] {
        survives("depth-few", &[env]);
    }
}

/// 300 random orders on two threads, and 400 on one.
#[test]
fn a_step_that_was_dropped_in_another_request_is_the_parent_of_no_later_step() {
    for env in [&[JSON][..], &[JSON, ("LOG_LEVEL", "debug")], &[JSON, ("LOG_STORY", "all")]] {
        for name in ["guards-of-futures", "guards-of-contexts", "guards-of-many-requests"] {
            survives(name, env);
        }
    }
}

#[test]
fn bug_guards_that_many_futures_left_open_changed_the_request_and_the_parent_of_later_steps() {
    for env in [&[JSON][..], &[JSON, ("LOG_LEVEL", "debug")]] {
        survives("guards-dropped-outside", env);
    }
}

/// A tree whose nodes know their parent, and nodes that are shared so often that there are 2^60 paths to the last one.
#[test]
fn bug_values_that_refer_to_each_other_were_written_without_end() {
    for name in ["graph-parents", "graph-diamonds"] {
        let lines = survives(name, &[JSON]).lines();
        let graphs = if name == "graph-parents" { 3 } else { 1 };
        for message in ["of candor", "of tracing", "an error"] {
            assert_eq!(count(&lines, "msg", message), graphs, "{name}: {message}");
        }
        assert_eq!(count(&lines, "step", "recorded"), graphs, "{name}");
        for env in [("LOG_FORMAT", "pretty"), ("LOG_STRICT", "1")] {
            survives(name, &[env]);
        }
    }
}

#[test]
fn bug_a_layer_that_panicked_while_a_panicked_request_completed_ended_the_process() {
    for name in ["request", "second-request", "layer", "job", "future-job", "span"] {
        let env = [JSON, ("LOG_SPANS", "info")];
        let env = if name == "span" { &env[..] } else { &env[..1] };
        let lines = survives(&format!("registering-{name}"), env).lines();
        assert_eq!(count(&lines, "msg", "afterwards"), 1, "{name}");
        let event = if name.ends_with("job") { "job_completed" } else { "request_completed" };
        let ends = lines.iter().filter(|line| line["event"] == event);
        let panicked = ends.filter(|line| line["outcome"] == "panicked").count();
        assert_eq!(panicked, 1, "{name}: {lines:?}");
    }
}
