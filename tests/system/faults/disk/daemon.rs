//! Daemons, which close all descriptors and redirect the standard streams.

use super::*;

/// The contents of the files that the program has opened itself, one after the other.
fn others(folder: &Folder, count: usize) -> String {
    let read = |number| fs::read_to_string(folder.file(&format!("other-{number}")));
    (0..count).map(|number| read(number).expect("a file")).collect()
}

/// Runs a program that writes to `app.log` and `app.log.audit`, and opens files that get the descriptors of its logs.
fn run_in(folder: &Folder, name: &str, env: &[(&str, &str)]) -> Counts {
    let mut command = program("disk", name, &[("FOLDER", text(&folder.file(".")))]);
    let ended = run(command.envs(env.iter().copied()));
    assert!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    Counts::of(ended.stderr.as_bytes())
}

#[test]
fn bug_lines_went_into_other_files_after_a_daemon_closed_all_descriptors() {
    for (name, queue, expected) in
        [("daemon", "0", 250), ("daemon", "100", 250), ("closed-descriptors", "0", 100)]
    {
        let folder = Folder::new("daemon");
        let (log, audit) = (folder.file("app.log"), folder.file("app.log.audit"));
        for audit in [None, Some(("LOG_AUDIT_FILE", text(&audit)))] {
            let env = [("LOG_FILE", text(&log)), ("QUEUE", queue), ("OTHERS", "8")];
            let env: Vec<_> = env.into_iter().chain(audit).collect();
            let counts = run_in(&folder, name, &env);
            assert_eq!((counts.written, counts.dropped), (expected, 0), "{name} {queue}");
            assert_eq!(others(&folder, 8), "own".repeat(8), "{name} {queue}");
            let found = Found::of(&folder.file("."));
            assert_eq!((found.lines.len() as u64, found.broken), (expected, 0), "{name} {queue}");
            let _ = (fs::remove_file(&log), fs::remove_file(folder.file("app.log.audit")));
        }
    }
}

/// Nothing else got the numbers of the descriptors.
#[test]
fn bug_a_closed_log_file_was_never_opened_again() {
    let folder = Folder::new("closed");
    let counts =
        run_in(&folder, "closed-descriptors", &[("LOG_FILE", text(&folder.file("app.log")))]);
    assert_eq!((counts.written, counts.dropped), (100, 0), "{counts:?}");
    assert_eq!(Found::of(&folder.file(".")).lines.len(), 100);
}

/// The descriptor through which lines go to standard output is a copy.
#[test]
fn bug_standard_output_of_a_daemon_that_closed_all_descriptors_went_into_other_files() {
    for queue in ["0", "100"] {
        let folder = Folder::new("daemon-stdout");
        let path = folder.file("app.log");
        let env = [("STDOUT", text(&path)), ("QUEUE", queue), ("OTHERS", "8")];
        let counts = run_in(&folder, "daemon", &env);
        assert_eq!((counts.written, counts.dropped), (250, 0), "{queue}");
        assert_eq!(others(&folder, 8), "own".repeat(8), "{queue}");
        // The first 50 lines went to the earlier standard output.
        let found = Found::of(&folder.file("."));
        assert_eq!((found.lines.len(), found.broken), (200, 0), "{queue}");
    }
}

#[test]
fn bug_lines_to_a_standard_output_that_was_closed_from_the_start_were_counted_as_written() {
    for queue in ["0", "100"] {
        let folder = Folder::new("closed-stdout");
        let path = folder.file("app.log");
        let counts = run_in(&folder, "closed-stdout", &[("STDOUT", text(&path)), ("QUEUE", queue)]);
        // The two audit events among 20 lines, and one more.
        assert_eq!(counts.reasons["audit: io"], 3, "{counts:?}");
        let lost = counts.reasons["stdout: io"];
        assert!(lost >= 18, "{counts:?}");
        let found = Found::of(&folder.file("."));
        assert_eq!((found.lines.len() as u64, found.broken), (counts.written, 0));
        assert_eq!(found.reports().map(|(_, lines)| lines).sum::<u64>(), lost, "{counts:?}");
        let numbered = found.lines.iter().filter(|line| line["thread"] == 1).count();
        assert_eq!(numbered, 20, "{counts:?}");
    }
}

/// Runs a program that forks after a line of which only the beginning is written. Returns how many lines are cut, and
/// the reports of lost lines.
#[cfg(target_os = "linux")]
fn fork_within_a_line(first: &str, is_stdout: bool) -> (usize, Vec<u64>) {
    let folder = Folder::new(&format!("fork-{first}-{is_stdout}"));
    let path = folder.file("app.log");
    let redirected = if is_stdout { ">>\"$1\"" } else { "" };
    let script = format!("ulimit -S -f 16; exec \"$0\" disk fork-within-a-line {redirected}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_faults")).arg(&path);
    command.env("FIRST", first);
    if !is_stdout {
        command.env("LOG_FILE", &path);
    }
    let ended = run(&mut command);
    assert!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let found = Found::of(&folder.file("."));
    for name in ["in the parent", "in the child"] {
        assert_eq!(found.lines.iter().filter(|line| line["msg"] == name).count(), 1, "{name}");
    }
    let reports = found.reports().map(|(_, lines)| lines).collect();
    (found.broken, reports)
}

#[cfg(target_os = "linux")]
#[test]
fn bug_a_line_of_a_forked_child_was_joined_to_one_that_its_parent_had_begun() {
    for is_stdout in [true, false] {
        // The child ends the line, so it is lost, and the parent reports it.
        let (broken, reports) = fork_within_a_line("child", is_stdout);
        assert_eq!((broken, reports), (1, vec![1]), "{is_stdout}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bug_a_forked_child_reported_a_line_that_its_parent_completed() {
    for is_stdout in [true, false] {
        let (broken, reports) = fork_within_a_line("parent", is_stdout);
        assert_eq!((broken, reports), (0, vec![]), "{is_stdout}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bug_a_forked_child_moved_the_position_in_the_log_file_of_its_parent() {
    let folder = Folder::new("position");
    let path = folder.file("app.log");
    succeeds("disk", "position", &[("LOG_FILE", text(&path))]);
    assert_eq!(Found::of(&folder.file(".")).lines.len(), 3);
}
