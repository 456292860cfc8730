//! The pretty format: blocks of requests, and what each row looks like.

use std::fmt;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use candor::policy::clear;
use candor::testing::{Captured, capture_with};
use candor::{Config, Format, RequestContext, context, step_timed};
use candor_tests::Random;

fn captured() -> Captured {
    let config = Config::new().level("trace").expect("a level").format(Format::Pretty);
    capture_with(config).expect("a configuration")
}

/// The output with one time and one duration in place of all.
fn steady(output: &str) -> String {
    let mut steady = String::new();
    for row in output.lines() {
        let mut words = row.to_owned();
        let time = |at: usize, byte: &u8| match at {
            2 | 5 => *byte == b':',
            8 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        };
        let first = row.as_bytes().get(..12).unwrap_or_default();
        if !first.is_empty() && first.iter().enumerate().all(|(at, byte)| time(at, byte)) {
            words.replace_range(..12, "10:14:12.123");
        } else if words.get(9..12) == Some(" ms") {
            words.replace_range(..9, "    1.000");
        }
        // The sum of the calls.
        while let Some(at) = words[12.min(words.len())..].find(" ms").map(|at| at + 12)
            && words.as_bytes()[at - 1].is_ascii_digit()
        {
            let start = words[..at].rfind(' ').expect("a space") + 1;
            words.replace_range(start..at + 3, "N\u{a0}ms");
        }
        writeln!(steady, "{words}").expect("written");
    }
    steady
}

#[derive(Debug)]
struct Declined(Wire);
#[derive(Debug)]
struct Wire;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card was declined")
    }
}

impl std::error::Error for Declined {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset by \"peer\"")
    }
}

impl std::error::Error for Wire {}

#[step_timed(fields(sku = clear(sku)))]
fn reserve(sku: &str) {
    tracing::debug!(target: "shop", left = 3, "looked up");
}

#[candor::dependency_call("payments", method = "POST", url = "https://pay.example/v1/charges")]
fn charge(fails: bool) -> Result<(), Declined> {
    if fails { Err(Declined(Wire)) } else { Ok(()) }
}

#[step_timed]
fn check_out(fails: bool) -> Result<(), Declined> {
    reserve("tea");
    charge(fails)
}

#[test]
fn the_lines_of_a_request_are_a_block_and_a_line_of_another_one_is_marked() {
    let captured = captured();
    tracing::warn!(target: "shop", port = 8080, "listening");
    let first = RequestContext::with_id("basket-1").with_method("POST").with_path("/baskets");
    let second = RequestContext::with_id("0190f7a2-1111-7000-8000-00000000beef");
    first.enter_with(|| check_out(false)).expect("it succeeds");
    second.enter_with(|| {
        context::set_user(clear("41"));
        reserve("mug");
    });
    first.enter_with(|| {
        check_out(true).expect_err("it fails");
        context::set_user(clear("42"));
        tracing::info!(target: "shop", "gave up");
    });
    tracing::info!(target: "shop", "outside");
    first.enter_with(|| tracing::info!(target: "shop", "still the same request"));
    second.enter_with(|| tracing::error!(target: "shop", text = "a \"b\"", "said {}", 1));
    candor::job("rebuild").run(|| reserve("cup"));
    reserve("outside");
    let wanted = r#"10:14:12.123 W shop listening port=8080
10:14:12.123   #1  POST /baskets basket-1
10:14:12.123 D           shop looked up left=3
    1.000 ms I         reserve sku=tea
    1.000 ms I         payments charge POST https://pay.example/v1/charges
    1.000 ms I       check_out
10:14:12.123   #2  …00beef user 41
10:14:12.123 D         shop looked up left=3
    1.000 ms I       reserve sku=mug
10:14:12.123 D #1        shop looked up left=3
    1.000 ms I         reserve sku=tea
    1.000 ms E         payments charge POST https://pay.example/v1/charges
                         behaviour::pretty::Declined: the card was declined: connection reset by "peer"
    1.000 ms W       check_out error=Declined
10:14:12.123 I       shop gave up user_id=42
10:14:12.123 I shop outside
10:14:12.123 I       shop still the same request
10:14:12.123 E #2    shop said 1 text="a \"b\""
10:14:12.123   #3  …
10:14:12.123 D       jobs job_started job=rebuild
10:14:12.123 D         shop looked up left=3
    1.000 ms I       reserve sku=cup
    1.000 ms I #3  rebuild ok · 1 step · slowest reserve
10:14:12.123 D shop looked up left=3
    1.000 ms I reserve sku=outside
"#;
    let output = steady(&captured.output());
    let is_job = |row: &str| row.contains("  #3  …");
    let rows = output.lines().map(|row| if is_job(row) { "10:14:12.123   #3  …" } else { row });
    let output = rows.fold(String::new(), |rows, row| rows + row + "\n");
    assert_eq!(output, wanted, "{output}");
}

#[test]
fn a_request_with_one_line_is_one_row() {
    let config = Config::new().level("info").expect("a level").format(Format::Pretty);
    let captured = capture_with(config).expect("a configuration");
    candor::job("nightly").run(|| ());
    let output = captured.output();
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(
        output.contains(" I #1  …") && output.contains(" nightly ok ") && output.ends_with(" ms\n"),
        "{output}"
    );
}

#[test]
fn panics_have_their_backtrace_on_rows_of_its_own() {
    let captured = captured();
    std::panic::catch_unwind(|| {
        RequestContext::with_id("r-1").enter_with(|| panic!("at \x1b[31mthe\nend"))
    })
    .expect_err("it panics");
    let output = captured.output();
    let rows: Vec<&str> = output.lines().collect();
    assert!(rows[0].ends_with("  #1  r-1"), "{output}");
    assert!(rows[1].contains(" E       panic "), "{output}");
    assert!(rows[1].contains(r"the\nend"), "{output}");
    assert!(
        rows.len() > 4 && rows[2..].iter().all(|row| row.starts_with(&" ".repeat(20))),
        "{output}"
    );
    assert_eq!(captured.lines().len(), 1);
}

/// Steps of 40 threads in 8 requests: each row belongs to the request of the number in front of it.
#[test]
fn rows_of_several_threads_are_in_their_request() {
    #[step_timed(fields(request = request))]
    fn work(request: usize) {
        tracing::info!(target: "shop", request, "inside");
    }

    for background in [false, true] {
        let mut config = Config::new().format(Format::Pretty);
        if background {
            config = config.background(3, candor::Overload::Block);
        }
        let captured = capture_with(config).expect("a configuration");
        let contexts: Vec<_> =
            (0..8).map(|at| RequestContext::with_id(&format!("r-{at}"))).collect();
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        thread::scope(|scope| {
            for at in 0..40 {
                let (contexts, dispatch) = (&contexts, &dispatch);
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        for _ in 0..20 {
                            contexts[at % 8].enter_with(|| work(at % 8));
                        }
                    });
                });
            }
        });
        captured.logging().expect("a handle").flush(std::time::Duration::from_secs(5));
        let output = captured.output();
        let mut numbers = std::collections::BTreeMap::new();
        let mut current = "";
        let mut rows = 0;
        for row in output.lines() {
            let number = row[15..].split(' ').next().expect("a column");
            if !number.is_empty() {
                current = number;
            }
            if row.as_bytes()[13] == b' ' {
                let id = row.rsplit("r-").next().expect("an id").to_owned();
                assert_eq!(numbers.insert(current, id), None, "{row}\n{output}");
            } else {
                let of = row.rsplit("request=").next().expect("a field");
                assert_eq!(numbers.get(current).map(String::as_str), Some(of), "{row}\n{output}");
                rows += 1;
            }
        }
        assert_eq!((rows, numbers.len()), (40 * 20 * 2, 8), "{output}");
    }
}

#[test]
fn after_a_loss_requests_are_introduced_again() {
    /// Refuses the rows with `lost` in them.
    struct Fussy(std::sync::Arc<std::sync::Mutex<String>>);
    impl std::io::Write for Fussy {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            if text.contains("lost") {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.0.lock().expect("not poisoned").push_str(text);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = std::sync::Arc::default();
    let config =
        Config::new().format(Format::Pretty).writer(Fussy(std::sync::Arc::clone(&written)));
    let subscriber = config.subscriber().expect("a configuration");
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r-1").enter_with(|| {
            tracing::info!(target: "shop", "lost with its header");
            tracing::info!(target: "shop", "first");
            tracing::info!(target: "shop", "second");
        });
    });
    let output = steady(&written.lock().expect("not poisoned"));
    let wanted = "10:14:12.123   #2  r-1\n10:14:12.123 I       shop first\n\
                  10:14:12.123 W candor lines_dropped lines=1 reason=io\n\
                  10:14:12.123 I       shop second\n";
    assert_eq!(output, wanted);
}

#[test]
fn no_field_gives_a_row_a_control_character() {
    const PARTS: [&str; 12] = [
        "\n",
        "\r",
        "\x1b[2J",
        "\u{85}",
        "\u{202e}",
        "\u{2028}",
        " ",
        "\\n",
        "\\",
        "\"",
        "#1  POST /",
        "=",
    ];
    let mut random = Random::new(19);
    for round in 0..400 {
        let captured = captured();
        let mut text = || random.pieces(&PARTS, 5);
        let (id, path, value, detail) = (text(), text(), text(), text());
        RequestContext::with_id(&format!("r{id}")).with_path(&path).enter_with(|| {
            candor::step("work", || {
                candor::record(&value, clear(&detail));
                tracing::info!(target: "shop", a = value, path = detail, "{value}");
                Err::<(), _>(std::io::Error::other(detail.clone()))
            })
            .expect_err("an error");
        });
        let output = captured.output();
        let is_raw =
            |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{202e}'));
        assert!(!output.contains(is_raw), "round {round}: {output:?}");
        let records = output.lines().filter(|row| row.as_bytes()[13] != b' ').count();
        assert_eq!(records, 2, "round {round}: {output:?}");
        let headers = output.lines().filter(|row| row.get(12..17) == Some("   #1"));
        assert_eq!(headers.count(), 1, "round {round}: {output:?}");
    }
}

#[test]
fn making_a_line_does_not_allocate() {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations")).output().expect("it runs");
    let counts = String::from_utf8(output.stdout).expect("UTF-8");
    for name in ["pretty step 0", "pretty event 0", "pretty event in turn 0", "pretty error 0"] {
        assert!(counts.lines().any(|line| line == name), "no `{name}` in {counts}");
    }
}

/// Runs on a terminal created by `script`, if that is installed.
#[cfg(target_os = "linux")]
#[test]
fn only_rows_on_a_terminal_have_its_width() {
    let on_terminal = |columns: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{} pretty", env!("CARGO_BIN_EXE_fixture")), "/dev/null"]);
        command.env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("NO_COLOR", "1"),
            ("COLUMNS", columns),
        ]);
        let output = command.stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let Some(narrow) = on_terminal("60") else {
        eprintln!("skipped: there is no `script` here");
        return;
    };
    let narrow = steady(&narrow.replace('\r', ""));
    let wanted = "\
10:14:12.123   #1  GET /orders r-1
10:14:12.123 I       fixture listed first=1111111111
                       second=222222222222222222222 third=3
                       long=\"x x x x x x x x x x x x x x x …
    1.000 ms W       fail
                       std::io::error::Error: the connection
                       to the server was lost after a very
                       long time
";
    assert_eq!(narrow, wanted, "{narrow}");

    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg("pretty").env_clear().envs([("LOG_FORMAT", "pretty"), ("COLUMNS", "60")]);
    let output = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
    assert_eq!(output.lines().count(), 4, "{output}");
    assert!(output.contains(&"x ".repeat(60)), "{output}");
}

#[test]
fn colours_mark_the_level_the_request_and_the_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg("pretty").env_clear().envs([("LOG_FORMAT", "pretty"), ("CLICOLOR_FORCE", "1")]);
    let output = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
    for part in [
        "\x1b[35m#1\x1b[0m",
        "\x1b[1mGET\x1b[0m \x1b[1m/orders\x1b[0m",
        " \x1b[32mI\x1b[0m ",
        " \x1b[33mW\x1b[0m ",
        "\x1b[2m first=1111111111",
        "\x1b[31mstd::io::error::Error: ",
    ] {
        assert!(output.contains(part), "no {part:?} in {output:?}");
    }
}
