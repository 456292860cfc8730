//! A few thousand requests of the program `soak`, which checks every line itself; see `fixtures/soak.rs`.

use std::process::Command;

fn soak(seed: &str, setting: Option<(&str, &str)>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command.args(["4000", seed]).env_clear().envs(setting);
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
    soak("1", None);
}

#[test]
fn faulty_requests_complete_once_without_mixing_contexts_in_background_mode() {
    soak("2", Some(("QUEUE", "100")));
}

#[test]
fn metrics_of_faulty_requests_equal_their_lines() {
    let said = soak("3", Some(("METRICS", "1")));
    let observations =
        said.lines().find_map(|line| line.strip_prefix("metrics of ")?.split_once(", "));
    let observations = observations.and_then(|(_, it)| it.split_once(' ')?.0.parse::<u64>().ok());
    assert!(observations.is_some_and(|many| many > 20_000), "{said}");
}
