//! A few thousand requests of the program `soak`, which checks every line itself; see `fixtures/soak.rs`.

use std::process::Command;

fn soak(seed: &str, settings: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command.args(["4000", seed]).env_clear().envs(settings.iter().copied());
    let output = command.output().expect("it runs");
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    let number = |name: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("no `{name}` in {said}"))
    };
    // Every kind of fault occurred.
    for outcome in ["ok", "error", "cancelled", "panicked"] {
        assert!(number(outcome) > 20_u64, "{said}");
    }
    assert_eq!((number("open contexts"), number("wrong")), (0, 0));
    said.into_owned()
}

#[test]
fn faulty_requests_complete_once_without_mixing_contexts() {
    soak("1", &[]);
}

#[test]
fn faulty_requests_complete_once_without_mixing_contexts_in_background_mode() {
    soak("2", &[("QUEUE", "100")]);
}

#[test]
fn metrics_of_faulty_requests_equal_their_lines() {
    let said = soak("3", &[("METRICS", "1")]);
    let observations =
        said.lines().find_map(|line| line.strip_prefix("metrics of ")?.split_once(", "));
    let observations = observations.and_then(|(_, it)| it.split_once(' ')?.0.parse::<u64>().ok());
    assert!(observations.is_some_and(|many| many > 20_000), "{said}");
}

#[test]
fn faulty_requests_complete_once_with_stories_of_problems() {
    soak("3", &[("STORY", "problems")]);
}

#[test]
fn faulty_requests_complete_once_with_summaries() {
    soak("4", &[("STORY", "summary")]);
}

/// A rotated log file on a disk that fills up, and frees space after some lines were lost.
#[cfg(target_os = "linux")]
#[test]
fn faulty_requests_complete_once_while_the_disk_fills_up() {
    for settings in [&[("DISK", "1")][..], &[("DISK", "1"), ("QUEUE", "100")]] {
        let said = soak("6", settings);
        if said.contains("no disk can be mounted here") {
            eprintln!("skipped: no disk can be mounted here");
            return;
        }
        let times = said.lines().find_map(|line| line.strip_prefix("times the disk was full "));
        let times: u64 = times.expect("the number").parse().expect("a number");
        assert!(times >= 3, "{said}");
    }
}

/// Runs the program in another mode, and returns a reader of the numbers that it prints.
fn numbers(mode: &str, args: &[&str]) -> impl Fn(&str) -> u64 + use<> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    let output = command.args(args).env_clear().env(mode, "1").output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{errors}");
    move |name: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("no `{name}` in {said}"))
    }
}

/// `SOAK_REQUESTS=100000` runs the long form, which takes minutes without `--release`.
#[test]
fn stories_of_problems_are_those_that_are_written_without_stories() {
    let requests = std::env::var("SOAK_REQUESTS").unwrap_or_else(|_| "2000".to_owned());
    let number = numbers("COMPARE", &[&requests, "5"]);
    assert_eq!(number("wrong"), 0);
    assert!(number("in full") > 200 && number("wide") > 200);
}

/// Each request holds at most 64 KiB, and all together 16 MiB.
#[test]
fn open_requests_hold_bounded_memory() {
    let number = numbers("MEMORY", &[]);
    assert!(number("grown") <= 24, "{} MB", number("grown"));
    // The requests whose lines did not fit are written in full.
    assert!(number("written while open") > 10_000);
}
