//! How a profile is chosen, and what it excludes.

use std::process::{Command, Output, Stdio};

use candor::{ConfigErrorKind, Format};

use super::*;

fn fixture(program: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg(program).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    command.output().expect("the fixture runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// How the lines of each value of `LOG_PROFILE` begin.
const BEGINNINGS: [(&str, &str); 7] = [
    ("candor", "{\"ts\":\""),
    ("otel", "{\"resourceLogs\":["),
    ("ecs", "{\"@timestamp\":\""),
    ("gcp", "{\"severity\":\""),
    ("Datadog", "{\"timestamp\":\""),
    ("BUNYAN", "{\"v\":0,\"name\":\""),
    ("logfmt", "ts="),
];

#[test]
fn log_profile_sets_the_profile() {
    for (name, beginning) in BEGINNINGS {
        let output = fixture("lines", &[("LOG_PROFILE", name)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lines: Vec<_> = text(&output.stdout).lines().collect();
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| line.starts_with(beginning)), "{name}: {lines:?}");
    }
}

#[test]
fn an_unknown_profile_is_an_error_that_lists_the_valid_ones() {
    let output = fixture("lines", &[("LOG_PROFILE", "splunk")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr).trim_end(),
        "invalid LOG_PROFILE \"splunk\": expected \"candor\", \"compact\", \"otel\", \"ecs\", \"gcp\", \"datadog\", \"bunyan\" or \
         \"logfmt\""
    );
}

#[test]
fn renamed_keys_exclude_a_profile() {
    let names = [("ts", "time")];
    let renamed = |profile| Config::new().rename_keys(names).expect("a name").profile(profile);
    let error = capture_with(renamed(Profile::Ecs)).expect_err("a conflict");
    assert_eq!(error.kind(), ConfigErrorKind::Conflict);
    assert_eq!((error.variable(), error.value()), (Some("LOG_PROFILE"), Some("ecs")));
    assert_eq!(
        error.to_string(),
        "keys are renamed (`LOG_KEYS` or `Config::rename_keys`), but the profile \"ecs\" (`LOG_PROFILE` or \
         `Config::profile`) has its own keys; remove one of the two settings"
    );
    capture_with(renamed(Profile::Candor)).expect("the default can be renamed");
    let output = fixture("lines", &[("LOG_PROFILE", "gcp"), ("LOG_KEYS", "ts=time")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the profile \"gcp\""), "{}", text(&output.stderr));
}

#[test]
fn a_configuration_file_sets_the_profile() {
    let config: Config = serde_json::from_str(r#"{ "profile": "logfmt" }"#).expect("valid");
    let captured = capture_with(config).expect("a configuration");
    candor::info!("said");
    assert!(captured.output().starts_with("ts="), "{}", captured.output());
    let error = serde_json::from_str::<Config>(r#"{ "profile": "x" }"#).expect_err("invalid");
    assert!(
        error.to_string().starts_with("invalid profile \"x\": expected \"candor\", "),
        "{error}"
    );
}

#[test]
fn the_pretty_format_has_no_profile() {
    let captured = capture_with(config(Profile::Ecs).format(Format::Pretty));
    let captured = captured.expect("a configuration");
    candor::info!("said");
    assert!(captured.output().contains(" I "), "{}", captured.output());
}

#[test]
fn a_profile_is_written_to_a_terminal_too_unless_the_pretty_format_is_set() {
    let on_terminal = |environment: &[(&str, &str)]| {
        let program = format!("{} lines", env!("CARGO_BIN_EXE_fixture"));
        let mut command = Command::new("script");
        command.args(["-qec", &program, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
        let output = command.envs(environment.iter().copied()).stdin(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(text(&output.stdout).to_owned())
    };
    if on_terminal(&[]).is_none() {
        eprintln!("skipped: there is no `script` here");
        return;
    }
    let on_terminal = |environment: &[(&str, &str)]| on_terminal(environment).expect("it runs");
    assert!(on_terminal(&[]).contains("fixture\x1b[0m info"));
    assert!(on_terminal(&[("LOG_PROFILE", "ecs")]).starts_with("{\"@timestamp\":"));
    assert!(on_terminal(&[("LOG_PROFILE", "logfmt")]).starts_with("ts="));
    let pretty = on_terminal(&[("LOG_PROFILE", "ecs"), ("LOG_FORMAT", "pretty")]);
    assert!(!pretty.contains("@timestamp") && pretty.contains("fixture\x1b[0m info"), "{pretty}");
}

#[test]
fn lines_about_dropped_lines_have_the_profile_too() {
    for (name, beginning) in BEGINNINGS {
        let environment = [
            ("LOG_PROFILE", name),
            ("QUEUE", "5"),
            ("OVERLOAD", "drop"),
            ("LINES", "20000"),
            ("THREADS", "2"),
        ];
        let output = fixture("threads", &environment);
        let lines: Vec<_> = text(&output.stdout).lines().collect();
        let report = lines.iter().find(|line| line.contains("lines_dropped"));
        let report = report.unwrap_or_else(|| panic!("nothing was dropped with {name}"));
        assert!(report.starts_with(beginning), "{report}");
        assert!(lines.iter().all(|line| line.starts_with(beginning)), "{name}");
    }
}

#[test]
fn the_project_of_google_cloud_names_the_trace() {
    let traces = |environment: &[(&str, &str)]| -> Vec<String> {
        let output = fixture("otlp", environment);
        let lines = text(&output.stdout).lines().map(|line| -> Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        let trace = |line: Value| Some(line["logging.googleapis.com/trace"].as_str()?.to_owned());
        lines.filter_map(trace).collect()
    };
    let gcp = ("LOG_PROFILE", "gcp");
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert!(traces(&[gcp]).contains(&id.to_owned()));
    let named = traces(&[gcp, ("GOOGLE_CLOUD_PROJECT", "shop-1")]);
    assert!(named.contains(&format!("projects/shop-1/traces/{id}")), "{named:?}");
    assert!(named.iter().all(|trace| trace.starts_with("projects/shop-1/traces/")), "{named:?}");
}
