//! Counts by call site: they add up to the bytes of the output, whatever fails.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

/// The program of the fixture with exactly this environment; returns its counts, too.
fn run(env: &[(&str, &str)]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    let output = command.arg("sites").env_clear().envs(env.iter().copied()).output();
    let output = output.expect("the fixture runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    let counts = stderr.lines().rev().find(|line| line.starts_with("{\""));
    let counts = counts.unwrap_or_else(|| panic!("no counts in {stderr}"));
    let counts = serde_json::from_str(counts).expect("JSON");
    (output, counts)
}

fn sites(counts: &Value) -> &[Value] {
    counts["sites"].as_array().expect("a list")
}

fn sum(counts: &Value, key: &str) -> u64 {
    sites(counts).iter().map(|site| site[key].as_u64().expect("a number")).sum()
}

/// The counts of the only call site for which this is true.
fn site(counts: &Value, is_it: impl Fn(&Value) -> bool) -> &Value {
    let found: Vec<_> = sites(counts).iter().filter(|site| is_it(site)).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0]
}

#[test]
fn the_bytes_of_all_sites_are_those_of_a_writer_that_accepts_parts_fails_and_panics() {
    let formats = [("LOG_FORMAT", "json"), ("LOG_FORMAT", "pretty"), ("LOG_PROFILE", "gcp")];
    let overloads = ["block", "drop", "block"];
    let check = |seed, format, overload, queue, layers| {
        let env = [
            ("SEED", seed),
            ("QUEUE", queue),
            ("OVERLOAD", overload),
            ("LAYERS", layers),
            ("THREADS", "3"),
            ("LINES", "60"),
            format,
        ];
        let (_, counts) = run(&env);
        assert!(counts["dropped"].as_u64() > Some(50), "{env:?}: {counts}");
        assert_eq!(sum(&counts, "bytes"), counts["accepted"], "{env:?}");
        assert_eq!(sum(&counts, "lines"), counts["written"], "{env:?}");
        assert_eq!(sum(&counts, "dropped"), counts["dropped"], "{env:?}");
    };
    for seed in candor_tests::sampled(vec!["1", "2", "3"], 3) {
        // Together, because a program with a queue spends most of its time waiting for its writer.
        thread::scope(|scope| {
            for (format, overload) in formats.into_iter().zip(overloads) {
                for (queue, layers) in [("0", "1"), ("20", "1"), ("0", "2"), ("20", "2")] {
                    scope.spawn(move || check(seed, format, overload, queue, layers));
                }
            }
        });
    }
}

#[test]
fn a_panic_of_the_writer_does_not_wait_for_the_queue_of_its_own_thread() {
    // The hook of each of these panics waited 200 ms, so that the flush reached its limit.
    let (_, counts) = run(&[("SEED", "1"), ("QUEUE", "5000"), ("PANICS", "1"), ("LINES", "30")]);
    assert_eq!(counts["written"], 0);
    assert!(counts["dropped"].as_u64() > Some(200), "{counts}");
    assert_eq!(sum(&counts, "dropped"), counts["dropped"]);
}

#[test]
fn each_site_has_the_lines_and_bytes_that_it_wrote() {
    for env in [vec![], vec![("QUEUE", "50")], vec![("CLOSE", "1")], vec![("LAYERS", "2")]] {
        let (output, counts) = run(&env);
        assert_eq!(sum(&counts, "bytes"), output.stdout.len() as u64, "{env:?}");
        let mut expected = BTreeMap::<[String; 4], (u64, u64)>::new();
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        for line in out.split_inclusive('\n') {
            let parsed: Value = serde_json::from_str(line).expect("JSON");
            let text = |key: &str| parsed[key].as_str().unwrap_or_default().to_owned();
            let name = if parsed["step"].is_null() { text("operation") } else { text("step") };
            let key = match text("logger").as_str() {
                "nowhere" => [String::new(), String::new(), String::new(), "no location".into()],
                _ => [text("logger"), text("event"), text("dependency"), name],
            };
            let known = expected.entry(key).or_default();
            *known = (known.0 + 1, known.1 + line.len() as u64);
        }
        let mut found = BTreeMap::<[String; 4], (u64, u64)>::new();
        for site in sites(&counts) {
            let key = ["target", "event", "dependency", "name"]
                .map(|key| site[key].as_str().expect("a text").to_owned());
            let number = |key: &str| site[key].as_u64().expect("a number");
            if number("lines") == 0 {
                continue;
            }
            let known = found.entry(key).or_default();
            *known = (known.0 + number("lines"), known.1 + number("bytes"));
        }
        assert_eq!(found, expected, "{env:?}");
    }
}

#[test]
fn sites_are_sorted_by_bytes_and_named_by_location_target_and_event() {
    let (_, counts) = run(&[]);
    assert!(sites(&counts).is_sorted_by_key(|site| std::cmp::Reverse(site["bytes"].as_u64())));
    let step = site(&counts, |site| site["name"] == "check_out");
    assert_eq!(
        (&step["file"], &step["event"]),
        (&"tests/fixtures/sites.rs".into(), &"step_timing".into())
    );
    assert_eq!((&step["target"], &step["lines"]), (&"shop".into(), &20.into()));
    let line = step["line"].as_u64().expect("a number");
    let shown = format!(
        "tests/fixtures/sites.rs:{line} shop step_timing check_out: lines 20, bytes {}",
        step["bytes"]
    );
    assert_eq!(step["shown"], shown);
    let call = site(&counts, |site| site["event"] == "dependency_call");
    assert_eq!((&call["dependency"], &call["name"]), (&"payments".into(), &"charge".into()));
    let audit = site(&counts, |site| site["event"] == "audit");
    assert_eq!((&audit["target"], &audit["lines"]), (&"shop".into(), &20.into()));
    let panic = site(&counts, |site| site["event"] == "panic");
    assert_eq!((&panic["file"], &panic["lines"]), (&Value::Null, &1.into()));
    // Two targets of one place count apart.
    let records = sites(&counts)
        .iter()
        .filter(|site| site["target"].as_str().is_some_and(|t| t.starts_with("module_")));
    assert_eq!(records.count(), 2);
}

#[test]
fn lines_beyond_the_limit_of_a_request_are_counted_as_suppressed_by_their_site() {
    let (_, counts) = run(&[]);
    let foreign = |site: &Value| site["target"] == "legacy" && site["suppressed"] != 0;
    let foreign = site(&counts, foreign);
    assert_eq!((&foreign["lines"], &foreign["suppressed"]), (&0.into(), &20.into()));
    // WARN has no limit.
    assert_eq!(sum(&counts, "dropped"), 0);
}

#[test]
fn operators_and_programs_see_the_same_counts() {
    let subscriber = candor::Config::new().writer(std::io::sink()).subscriber();
    tracing::subscriber::with_default(subscriber.expect("a configuration"), || {
        tracing::info!(target: "only_in_this_test", "a line");
    });
    let stats = candor::stats();
    let own: Vec<_> =
        stats.sites().iter().filter(|site| site.target == "only_in_this_test").collect();
    let [site] = own[..] else { panic!("{own:?}") };
    assert_eq!((site.lines, site.dropped, site.suppressed), (1, 0, 0));
    // Of a sink that no longer exists.
    assert!(site.bytes > 50 && site.file.is_some_and(|file| file.ends_with("sites.rs")), "{site}");
}
