//! Help and errors of the command line.

use super::*;

const COMMANDS: [&str; 8] =
    ["story", "requests", "steps", "tail", "view", "bill", "schema", "migrate"];

#[test]
fn every_command_has_help_with_a_purpose_a_sample_examples_and_exit_codes() {
    for command in COMMANDS {
        let said = candor(&[command, "--help"], b"");
        assert_eq!(said.code, Some(0), "{command}");
        let help = &said.out;
        let purpose = help.lines().next().expect("a first line");
        assert!(purpose.len() > 20 && !purpose.contains("Usage"), "{help}");
        for part in ["Usage: candor ", "output", "Examples:\n  ", "\nExits with 0"] {
            let found = help.contains(part) || part == "output" && help.contains("beginning of");
            assert!(found, "{command} lacks {part:?}: {help}");
        }
        let widest = help.lines().map(|row| row.chars().count()).max().expect("rows");
        assert!(widest <= 120, "{command}: {help}");
        // `-h` is the same, so that nobody misses the sample.
        assert_eq!(&candor(&[command, "-h"], b"").out, help);
    }
    let said = candor(&["--help"], b"");
    assert!(COMMANDS.iter().all(|command| said.out.contains(&format!("\n  {command} "))));
    assert!(said.out.contains("Exits with 0 if something was found"), "{}", said.out);
}

/// Checks that the arguments are refused with a message that has these parts.
#[track_caller]
fn assert_refused(args: &[&str], parts: &[&str]) {
    let said = candor(args, b"");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}");
    for part in parts {
        assert!(said.err.contains(part), "{args:?}: no {part:?} in\n{}", said.err);
    }
}

#[test]
fn a_misspelt_command_or_option_names_the_one_that_exists() {
    assert_refused(&["requets", "-"], &["a similar subcommand exists: 'requests'"]);
    assert_refused(&["schema", "clikhouse"], &["a similar subcommand exists: 'clickhouse'"]);
    assert_refused(&["frobnicate"], &["tip: the subcommands are story, requests, steps, tail"]);
    assert_refused(&["view", "--levle", "warn", "-"], &["a similar argument exists: '--level'"]);
    assert_refused(&["steps", "--compair", "x", "-"], &["a similar argument exists: '--compare'"]);
}

#[test]
fn an_option_of_another_command_says_whose_it_is_and_what_exists_here() {
    let own =
        "the options of 'candor steps' are --from, --timeout, --compare, --top, --json, --keys";
    assert_refused(
        &["steps", "--level", "warn", "-"],
        &["'--level' is an option of 'candor view'; ", own],
    );
    assert_refused(
        &["steps", "--failed", "-"],
        &["'--failed' is an option of 'candor story', 'candor requests', 'candor tail'; "],
    );
    assert_refused(&["steps", "--frobnicate", "-"], &[own]);
    // A file with the name of another subcommand.
    assert_refused(&["steps", "story", "--frobnicate"], &[own]);
}

#[test]
fn a_file_in_place_of_a_command_says_what_reads_it() {
    assert_refused(
        &["Cargo.toml"],
        &[
            "'Cargo.toml' is a file, not a subcommand; 'candor requests Cargo.toml' lists its requests",
        ],
    );
}

#[test]
fn a_wrong_value_says_what_is_expected() {
    assert_refused(
        &["view", "-", "--level", "wran"],
        &["[possible values: debug, info, warn, error]", "a similar value exists: 'warn'"],
    );
    for (args, why) in [
        (&["requests", "-", "--top", "many"][..], "expected a whole number such as 20"),
        (&["bill", "-", "--top", "-1"], "--top"),
        (&["requests", "-", "--slow=5x"], "`5x` is not a duration; expected a number and a unit"),
        (&["requests", "-", "--since", "noon"], "`noon` is not a time; expected one such as"),
        (&["tail", "-", "--stuck", "x"], "`x` is not a duration"),
        (&["steps", "--from", "x:1", "--timeout", "0s"], "greater than zero, such as 30s"),
        (&["migrate", "--check", "few"], "expected a whole number such as 20"),
        (&["tail", "-", "-n", "few"], "expected a whole number such as 20"),
        (&["steps", "-", "--keys", "time"], "--keys takes renames such as ts=timestamp"),
    ] {
        assert_refused(args, &[why]);
    }
}

#[test]
fn missing_files_are_asked_for() {
    for command in ["requests", "steps", "story"] {
        let said = candor(&[command], b"");
        assert_eq!(said.code, Some(2), "{command}");
        assert!(said.err.contains("; give "), "{}", said.err);
    }
    assert_refused(&["view"], &["required", "<FILES>"]);
}

#[test]
fn times_are_utc_local_or_relative() {
    let mut lines = failing("r-1");
    lines.extend(failing("r-2").iter().map(|line| line.replace("T10:00:00", "T23:30:00")));
    let at = |zone: &str, args: &[&str]| {
        let mut command = command(args);
        command.env("TZ", zone).env("COLUMNS", "120");
        run(command, &joined(&lines)).out
    };
    let zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    let utc = at(zone, &["requests", "-"]);
    assert!(utc.contains("\n10:00:00.100  r-1 ") && utc.contains("\n23:30:00.100  r-2 "), "{utc}");
    // In another zone, the later request is of another day.
    let local = at(zone, &["requests", "-", "--local"]);
    assert!(local.starts_with("ended, CET "), "{local}");
    assert!(local.contains("\n2026-11-22 11:00:00.100  r-1 "), "{local}");
    assert!(local.contains("\n2026-11-23 00:30:00.100  r-2 "), "{local}");
    let relative = at(zone, &["requests", "-", "--relative"]);
    assert!(relative.contains("\n+0.00 ms ") && relative.contains("\n+48600 s "), "{relative}");

    let story = |args: &[&str]| at(zone, &[&["story", "r-1", "-"], args].concat());
    assert!(story(&[]).contains("2026-11-22 10:00:00.000 UTC · request r-1"), "{}", story(&[]));
    assert!(
        story(&["--local"]).contains("2026-11-22 11:00:00.000 CET · "),
        "{}",
        story(&["--local"])
    );
    let view = at(zone, &["view", "-", "--local", "--request", "r-2"]);
    assert!(view.starts_with("2026-11-23 CET\n00:30:00.030  INFO"), "{view}");
    let bill = at(zone, &["bill", "-", "--local"]);
    assert!(bill.contains("2026-11-22 11:00:00.030 to 2026-11-23 00:30:00.100 CET"), "{bill}");
    let tail = at(zone, &["tail", "-", "--relative"]);
    assert!(tail.contains("\n+0.00 ms ") && tail.contains("\n+48600 s "), "{tail}");
    for command in ["requests", "view"] {
        assert_refused(&[command, "-", "--local", "--relative"], &["cannot be used with"]);
    }
}

#[test]
fn equal_local_times_before_and_after_the_clocks_change_have_their_zone() {
    // In Berlin, clocks go back from 03:00 to 02:00 at 01:00 UTC.
    let of = |id: &str, time: &str| {
        let end = line(id, 0, "INFO", 1, &completed(10.0, 200, "ok", ""));
        end.replace("2026-11-22T10:00", &format!("2026-10-25T{time}"))
    };
    let lines = joined(&[of("r-1", "00:30"), of("r-2", "01:30")]);
    let at = |args: &[&str]| {
        let mut command = command(args);
        command.env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3");
        run(command, &lines).out
    };
    let requests = at(&["requests", "-", "--local"]);
    assert!(requests.starts_with("ended  "), "{requests}");
    assert!(requests.contains("\n02:30:00.000 CEST  r-1 "), "{requests}");
    assert!(requests.contains("\n02:30:00.000 CET   r-2 "), "{requests}");
    let utc = at(&["requests", "-"]);
    assert!(utc.contains("\n00:30:00.000  r-1 ") && !utc.contains("CE"), "{utc}");
    let bill = at(&["bill", "-", "--local"]);
    let wanted = "2026-10-25 02:30:00.000 CEST to 2026-10-25 02:30:00.000 CET\n";
    assert!(bill.contains(wanted), "{bill}");
    let view = at(&["view", "-", "--local"]);
    assert!(view.starts_with("2026-10-25 CEST\n02:30:00.000  INFO"), "{view}");
    assert!(view.contains("\n2026-10-25 CET\n02:30:00.000  INFO"), "{view}");
}
