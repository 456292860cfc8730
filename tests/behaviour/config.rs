//! Configuration through the environment, and process-wide behaviour: standard output, files and the panic
//! hook.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candor::ConfigErrorKind;
use candor_tests::{check, keys};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

/// A program of the fixture with exactly this environment.
fn fixture(program: &str, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg(program).env_clear().envs(env.iter().copied());
    command
}

fn run(program: &str, env: &[(&str, &str)]) -> Output {
    fixture(program, env).output().expect("the fixture runs")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// The lines of a text, each of which must be valid.
fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| {
            check(line);
            serde_json::from_str(line).expect("JSON")
        })
        .collect()
}

/// The messages of the lines of a run.
fn messages(env: &[(&str, &str)]) -> Vec<String> {
    let output = run("lines", env);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let lines = lines(stdout(&output));
    lines.iter().map(|line| line["msg"].as_str().expect("a text").to_owned()).collect()
}

/// The error of `init` for an invalid environment.
fn error(name: &str, value: &str) -> String {
    let output = run("lines", &[(name, value)]);
    assert_eq!(output.status.code(), Some(2), "{name}={value}");
    assert_eq!(stdout(&output), "");
    stderr(&output).trim_end().to_owned()
}

/// A temporary folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("candor-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_default_is_json_on_standard_output_at_info() {
    let expected = [
        "info",
        "warn",
        "error",
        "hyper warn",
        "legacy password=[REDACTED] 7",
        "step_timing",
        "legacy in a request",
    ];
    assert_eq!(messages(&[]), expected);
    // An empty variable counts as unset.
    assert_eq!(messages(&[("LOG_LEVEL", ""), ("LOG_FORMAT", ""), ("RUST_LOG", "")]), expected);
}

#[test]
fn log_level_accepts_a_level_and_targets_in_any_case() {
    let quiet = messages(&[("LOG_LEVEL", "Warning,deps=DEBUG")]);
    assert_eq!(
        quiet,
        ["warn", "error", "deps debug", "hyper warn", "legacy password=[REDACTED] 7"]
    );
    let named = messages(&[("LOG_LEVEL", "error, hyper=info ,legacy=debug")]);
    assert_eq!(
        named,
        ["error", "hyper info", "hyper warn", "legacy password=[REDACTED] 7", "legacy debug"]
    );
    assert_eq!(messages(&[("LOG_LEVEL", "off")]), [""; 0]);
    assert_eq!(messages(&[("LOG_LEVEL", "trace")])[..3], ["trace", "debug", "info"]);
}

#[test]
fn noisy_crates_stay_at_warn_unless_listed() {
    assert!(!messages(&[("LOG_LEVEL", "trace")]).contains(&"hyper info".to_owned()));
    assert!(!messages(&[("LOG_LEVEL", "error")]).contains(&"hyper warn".to_owned()));
    assert!(
        messages(&[("LOG_LEVEL", "error,hyper::client=info")]).contains(&"hyper info".to_owned())
    );
}

#[test]
fn rust_log_is_the_fallback_and_each_span_directive_is_ignored_with_a_warning() {
    assert_eq!(messages(&[("RUST_LOG", "error")]), ["error"]);
    assert_eq!(messages(&[("RUST_LOG", "error"), ("LOG_LEVEL", "off,deps=debug")]), ["deps debug"]);
    let output =
        run("lines", &[("RUST_LOG", "error,candor=warn,app[span{a=1,b=2}]=debug,x[y]=info")]);
    let lines = lines(stdout(&output));
    let warnings: Vec<_> = lines.iter().filter(|line| line["logger"] == "candor").collect();
    assert_eq!(warnings.len(), 2, "{lines:?}");
    assert_eq!(warnings[0]["level"], "WARN");
    assert_eq!(warnings[0]["directive"], "app[span{a=1,b=2}]=debug");
    // `RUST_LOG` can hold directives for other libraries, so it never fails.
    assert!(run("lines", &[("RUST_LOG", "what=is=this")]).status.success());
}

#[test]
fn log_format_selects_the_format_and_colour_follows_its_variables() {
    let readable = |env: &[(&str, &str)]| {
        let mut all = vec![("LOG_FORMAT", "Pretty")];
        all.extend(env);
        stdout(&run("lines", &all)).to_owned()
    };
    let plain = readable(&[]);
    assert!(plain.lines().next().is_some_and(|line| line.ends_with(" I fixture info")), "{plain}");
    assert!(!plain.contains('\x1b'), "{plain}");
    assert!(readable(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!readable(&[("CLICOLOR_FORCE", "0")]).contains('\x1b'));
    assert!(!readable(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
    assert_eq!(messages(&[("LOG_FORMAT", "json"), ("LOG_LEVEL", "error")]), ["error"]);
}

#[test]
fn log_output_selects_the_stream() {
    let output = run("lines", &[("LOG_OUTPUT", "stderr"), ("LOG_LEVEL", "error")]);
    assert_eq!(stdout(&output), "");
    assert_eq!(lines(stderr(&output)).len(), 1);
    let output = run("lines", &[("LOG_OUTPUT", "stdout"), ("LOG_LEVEL", "error")]);
    assert_eq!(lines(stdout(&output)).len(), 1);
}

#[test]
fn log_service_and_log_keys_change_the_fixed_keys() {
    let service = |env: &[(&str, &str)]| lines(stdout(&run("lines", env)))[0]["service"].clone();
    assert_eq!(service(&[]), Value::Null);
    assert_eq!(service(&[("LOG_SERVICE", "orders"), ("OTEL_SERVICE_NAME", "other")]), "orders");
    assert_eq!(service(&[("OTEL_SERVICE_NAME", "other")]), "other");

    let env = [("LOG_KEYS", "ts=timestamp, level=severity,msg=message"), ("LOG_LEVEL", "error")];
    let output = run("lines", &env);
    let line = stdout(&output).lines().next().expect("a line");
    assert_eq!(keys(line)[..4], ["timestamp", "severity", "logger", "message"]);
}

#[test]
fn an_invalid_value_is_an_error_that_names_the_variable_the_value_and_the_accepted_values() {
    for (name, value, says) in [
        (
            "LOG_LEVEL",
            "loud",
            "invalid LOG_LEVEL \"loud\": unknown level \"loud\", expected off, error",
        ),
        ("LOG_LEVEL", "info,=debug", "missing target in \"=debug\""),
        (
            "LOG_LEVEL",
            "app[span]=debug",
            "span filters such as \"app[span]=debug\" are not supported",
        ),
        ("LOG_FORMAT", "xml", "invalid LOG_FORMAT \"xml\": expected \"json\" or \"pretty\""),
        ("LOG_OUTPUT", "file", "invalid LOG_OUTPUT \"file\": expected \"stdout\" or \"stderr\""),
        ("LOG_FILE_MAX_BYTES", "10MB", "invalid LOG_FILE_MAX_BYTES \"10MB\": expected a number"),
        ("LOG_FILE_MAX_BYTES", "0", "at least 1"),
        ("LOG_FILE_BACKUPS", "-1", "invalid LOG_FILE_BACKUPS \"-1\": expected a number"),
        ("LOG_KEYS", "ts", "invalid LOG_KEYS \"ts\""),
        ("LOG_KEYS", "time=timestamp", "`time` is not a fixed key"),
        ("LOG_KEYS", "ts=level", "`level` is the name of another key"),
        ("LOG_KEYS", "colour=color", "invalid LOG_KEYS \"colour=color\""),
        (
            "LOG_HASH_KEY",
            "deadbeefdeadbeef",
            "invalid LOG_HASH_KEY: expected 64 hex digits (generate with openssl rand -hex 32)",
        ),
        (
            "LOG_BUDGET",
            "64KiB",
            "invalid LOG_BUDGET \"64KiB\": expected a rate such as \"64KiB/s\", or \"target=rate\", separated by \
             commas",
        ),
        ("LOG_FOLD", "yes", "invalid LOG_FOLD \"yes\": expected \"1\" or \"0\""),
        (
            "LOG_BILL",
            "0",
            "invalid LOG_BILL \"0\": expected a time of at least a second, such as \"90s\"",
        ),
        ("LOG_STRICT", "yes", "invalid LOG_STRICT \"yes\": expected \"1\", \"0\" or \"report\""),
        (
            "LOG_AUDIT_FILE",
            "/nowhere/at/all/audit.log",
            "the audit file /nowhere/at/all/audit.log (`LOG_AUDIT_FILE` or `Config::audit_file`) can't be opened",
        ),
        (
            "LOG_FILE",
            "/nowhere/at/all/app.log",
            "the log file /nowhere/at/all/app.log (`LOG_FILE` or `Config::file`) can't be opened",
        ),
    ] {
        let text = error(name, value);
        assert!(text.contains(says), "{name}={value}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains("deadbeef"), "{text}");
    }
}

#[test]
fn strict_mode_is_turned_on_or_reported_by_the_environment() {
    let text = |value| {
        let output = run("lines", &[("LOG_STRICT", value), ("LOG_LEVEL", "info")]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).to_owned()
    };
    let (off, on, report) = (text("0"), text("1"), text("report"));
    assert!(!off.contains("strict_report") && !off.contains("<text "), "{off}");
    assert!(!on.contains("strict_report") && on.contains("<text "), "{on}");
    assert!(
        report.contains("\"event\":\"strict_report\"") && !report.contains("<text "),
        "{report}"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = Folder::new("mistakes");
    let env = [
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("LOG_STRICT", "yes"),
        ("LOG_HASH_KEY", "deadbeef"),
        ("LOG_SERVICE", "orders"),
    ];
    let output = run("lines", &env);
    assert_eq!(output.status.code(), Some(2));
    let mistakes: Vec<_> = stderr(&output).lines().collect();
    assert_eq!(mistakes.len(), 4, "{mistakes:?}");
    for name in ["LOG_LEVEL", "LOG_FORMAT", "LOG_STRICT", "LOG_HASH_KEY"] {
        let named = mistakes.iter().filter(|line| line.starts_with(&format!("invalid {name}")));
        assert_eq!(named.count(), 1, "{name}: {mistakes:?}");
    }
    // The files are opened together, too.
    let env = [("LOG_FILE", "/nowhere/app.log"), ("LOG_AUDIT_FILE", text(&folder.0))];
    let output = run("lines", &env);
    assert_eq!(stderr(&output).lines().count(), 2, "{}", stderr(&output));
}

#[test]
fn a_mistake_has_a_kind_a_variable_a_value_and_a_cause() {
    use std::error::Error as _;

    let level = candor::Config::new().level("info,deps=loud").expect_err("no such level");
    assert_eq!(level.kind(), ConfigErrorKind::InvalidValue);
    assert_eq!((level.variable(), level.value()), (Some("LOG_LEVEL"), Some("info,deps=loud")));
    assert!(level.source().is_none());
    let keys = candor::Config::new().rename_keys([("ts", "level")]).expect_err("taken");
    assert_eq!((keys.variable(), keys.value()), (Some("LOG_KEYS"), Some("ts=level")));
    let config = candor::Config::new().file("/nowhere/app.log").audit_file("/nowhere/audit.log");
    let files = config.subscriber().map(|_| ()).expect_err("no folder");
    assert_eq!((files.kind(), files.variable()), (ConfigErrorKind::Io, Some("LOG_FILE")));
    let source = files.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
    let values: Vec<_> = files.mistakes().map(|mistake| mistake.value()).collect();
    assert_eq!(values, [Some("/nowhere/app.log"), Some("/nowhere/audit.log")]);
    let config = candor::Config::new().file("/tmp/app.log").audit_file("/tmp/app.log");
    let conflict = config.subscriber().map(|_| ()).expect_err("the same file");
    assert_eq!(conflict.kind(), ConfigErrorKind::Conflict);
    let trust = candor::http::Trust::new().network("10.0.0.0/99").expect_err("too long");
    assert_eq!((trust.variable(), trust.value()), (None, Some("10.0.0.0/99")));
}

#[test]
fn the_hash_key_can_be_in_a_file() {
    let folder = Folder::new("hash-key");
    let (key, bad) = (folder.file("key"), folder.file("bad"));
    let digits = "0123456789abcdef".repeat(4);
    fs::write(&key, format!("  {digits}\r\n")).expect("a file");
    fs::write(&bad, "canary-key").expect("a file");
    let hashed = |env: &[(&str, &str)]| {
        let output = run("hash", env);
        assert!(output.status.success(), "{}", stderr(&output));
        let lines = lines(stdout(&output));
        lines
            .iter()
            .map(|line| line.to_string())
            .filter_map(|line| {
                let at = line.find("\"h1:")?;
                Some(line[at..at + 30].to_owned())
            })
            .collect::<Vec<_>>()
    };
    let from_file = hashed(&[("LOG_HASH_KEY_FILE", text(&key))]);
    assert!(!from_file.is_empty(), "no pseudonyms");
    assert_eq!(from_file, hashed(&[("LOG_HASH_KEY", &digits)]));

    for (env, says) in [
        (
            &[("LOG_HASH_KEY_FILE", text(&bad))][..],
            "bad (LOG_HASH_KEY_FILE): expected 64 hex digits",
        ),
        (
            &[("LOG_HASH_KEY_FILE", "/nowhere/key")],
            "the file /nowhere/key (LOG_HASH_KEY_FILE) can't be read: No such file",
        ),
        (
            &[("LOG_HASH_KEY_FILE", text(&key)), ("LOG_HASH_KEY", "canary-key")],
            "both LOG_HASH_KEY and LOG_HASH_KEY_FILE are set; unset one of them",
        ),
    ] {
        let output = run("lines", env);
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(text.contains(says) && text.lines().count() == 1, "{text}");
        assert!(!text.contains("canary") && !text.contains("0123"), "{text}");
    }
}

#[test]
fn bug_a_hash_key_in_place_of_a_path_was_shown() {
    let digits = "0123456789abcdef".repeat(4);
    let key = &*digits;
    for (env, says) in [
        (
            &[("LOG_HASH_KEY_FILE", key), ("LOG_HASH_KEY", key)][..],
            "both LOG_HASH_KEY and LOG_HASH_KEY_FILE are set; unset one of them",
        ),
        // A digit is missing, Base64, a password.
        (&[("LOG_HASH_KEY_FILE", &key[1..])], "LOG_HASH_KEY_FILE is not the path of a file"),
        (
            &[("LOG_HASH_KEY_FILE", "/0123456789abcdefGHIJKLMNOPQRSTUVWXYZ/+klmn=")],
            "set LOG_HASH_KEY to a key): No such file",
        ),
        (&[("LOG_HASH_KEY_FILE", "hunter2-0123")], "LOG_HASH_KEY_FILE is not the path of a file"),
    ] {
        let output = run("lines", env);
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(text.contains(says) && text.lines().count() == 1, "{text}");
        assert!(!text.contains("0123") && !text.contains("hunter2"), "{text}");
    }
    for json in [
        format!(r#"{{"hash_key_file": "{}"}}"#, &key[1..]),
        format!(r#"{{"hash_key": "{key}", "hash_key_file": "{key}"}}"#),
    ] {
        let error = serde_json::from_str::<candor::Config>(&json).expect_err("not a path");
        assert!(error.to_string().contains("hash_key_file"), "{error}");
        assert!(!format!("{error} {error:?}").contains("0123"), "{error}");
    }
}

#[test]
fn a_configuration_is_deserialized() {
    let folder = Folder::new("deserialized");
    let (log, audit) = (folder.file("app.log"), folder.file("audit.log"));
    let config: candor::Config = serde_json::from_value(serde_json::json!({
        "level": "warn,deps=debug",
        "format": "json",
        "file": log,
        "file_max_bytes": 5000,
        "file_backups": 2,
        "audit_file": audit,
        "service": "orders",
        "keys": { "ts": "timestamp", "msg": "message" },
        // A limit of the whole process; the default value does not affect other tests.
        "value_limit": 4096,
        "line_limit": 2000,
        "lines_per_request": 10,
        "spans": false,
        "strict": false,
        "strict_report": false,
        "sensitive": [],
        "not_sensitive": [],
        "strict_allow": [],
        "strict_targets": [],
        "print_panics": false,
        "background": { "queue": 10, "overload": "block" },
    }))
    .expect("valid");
    let (layer, logging) = config.build().expect("opened");
    let subscriber = tracing_subscriber::registry::Registry::default().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("not written");
        tracing::warn!(long = "x".repeat(3000), "written");
        candor::audit!("who did it").expect("written");
    });
    assert_eq!(logging.flush(std::time::Duration::from_secs(5)), 0);
    let line = fs::read_to_string(&log).expect("the file");
    let line: Value = serde_json::from_str(&line).expect("one line");
    assert_eq!((&line["message"], &line["service"]), (&"written".into(), &"orders".into()));
    assert_eq!(line["truncated"], true, "{line}");
    assert!(fs::read_to_string(&audit).expect("the file").contains("who did it"));
    let empty: candor::Config = serde_json::from_str("{}").expect("all settings are optional");
    assert_eq!(format!("{empty:?}"), format!("{:?}", candor::Config::new()));
}

#[test]
fn mistakes_in_a_deserialized_configuration_name_the_settings() {
    let error = |json: &str| {
        let error = serde_json::from_str::<candor::Config>(json).expect_err(json).to_string();
        assert!(!error.contains("canary") && !error.contains("1234567"), "{error}");
        error
    };
    let both = error(r#"{"level": "loud", "format": "xml", "file_max_bytes": 0}"#);
    let lines: Vec<_> = both.lines().collect();
    assert_eq!(lines.len(), 3, "{both}");
    assert!(lines[0].starts_with("invalid level \"loud\": unknown level"), "{both}");
    assert!(
        lines[1].starts_with("invalid format \"xml\": expected \"json\" or \"pretty\""),
        "{both}"
    );
    assert!(
        lines[2].starts_with("invalid file_max_bytes \"0\": expected a number of bytes"),
        "{both}"
    );
    for (json, says) in [
        (r#"{"levels": "info"}"#, "unknown field `levels`, expected one of `level`, `format`"),
        (r#"{"level": "info", "level": "warn"}"#, "duplicate field `level`"),
        (r#"{"keys": {"time": "t"}}"#, "`time` is not a fixed key"),
        (r#"{"hash_key": "canary"}"#, "invalid hash_key: expected 64 hex digits"),
        (r#"{"hash_key": 12345678901234}"#, "invalid hash_key: expected 64 hex digits"),
        (r#"{"hash_key": {"a": [1234567]}}"#, "invalid hash_key: expected 64 hex digits"),
        (r#"{"hash_key_file": "/nowhere/key"}"#, "(hash_key_file) can't be read"),
        (
            r#"{"hash_key": "canary", "hash_key_file": "k"}"#,
            "both hash_key and hash_key_file are set",
        ),
        (r#"{"background": {"queue": 1}}"#, "missing field `overload`"),
        (
            r#"{"background": {"queue": 1, "overload": "wait"}}"#,
            "unknown variant `wait`, expected `block` or `drop`",
        ),
    ] {
        assert!(error(json).contains(says), "{json}: {}", error(json));
    }
}

#[test]
fn clones_of_a_configuration_share_its_writer() {
    #[derive(Clone, Default)]
    struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let output = Output::default();
    let config = candor::Config::new().writer(output.clone());
    for config in [config.clone(), config.level("warn").expect("a level")] {
        let subscriber = config.subscriber().expect("valid");
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("info");
            tracing::warn!("warn");
        });
    }
    let written = output.0.lock().expect("no panic").clone();
    let messages: Vec<_> = lines(std::str::from_utf8(&written).expect("UTF-8"))
        .iter()
        .map(|line| line["msg"].clone())
        .collect();
    assert_eq!(messages, ["info", "warn", "warn"]);
}

/// A path may be any bytes; every other variable of candor's has to be valid UTF-8.
#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_an_error_except_in_a_path() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new("no-text");
    let odd = OsStr::from_bytes(b"a\xffb");
    let output = |name: &str, value: &OsStr| {
        fixture("lines", &[]).env(name, value).output().expect("the fixture runs")
    };
    for name in [
        "LOG_LEVEL",
        "LOG_FORMAT",
        "LOG_PROFILE",
        "LOG_OUTPUT",
        "LOG_FILE_MAX_BYTES",
        "LOG_FILE_BACKUPS",
        "LOG_SERVICE",
        "LOG_KEYS",
    ] {
        let output = output(name, odd);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let text = stderr(&output);
        assert!(text.contains(name) && text.contains("expected valid UTF-8"), "{text}");
    }
    for name in ["LOG_FILE", "LOG_AUDIT_FILE"] {
        assert!(output(name, folder.0.join(odd).as_os_str()).status.success(), "{name}");
    }
    // Variables that are not candor's can hold anything.
    let service = output("OTEL_SERVICE_NAME", odd);
    assert_eq!(lines(stdout(&service))[0]["service"], "a\u{fffd}b");
    assert!(output("RUST_LOG", odd).status.success());
}

/// Runs on a terminal created by `script`, if that is installed.
#[cfg(target_os = "linux")]
#[test]
fn lines_are_pretty_only_if_their_own_stream_is_a_terminal() {
    let folder = Folder::new("terminal");
    let path = folder.file("app.log");
    let on_terminal = |env: &[(&str, &str)]| {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{} lines", env!("CARGO_BIN_EXE_fixture")), "/dev/null"]);
        command.env_clear().envs(env.iter().copied()).env("PATH", "/usr/bin:/bin");
        command.output().ok().filter(|output| output.status.success())
    };
    let Some(readable) = on_terminal(&[("LOG_LEVEL", "error")]) else {
        eprintln!("skipped: there is no `script` here");
        return;
    };
    let shown = stdout(&readable);
    assert!(shown.contains("\x1b[31mE\x1b[0m") && !shown.contains('{'), "{shown}");
    let asked = on_terminal(&[("LOG_LEVEL", "error"), ("LOG_FORMAT", "json")]).expect("it runs");
    assert_eq!(lines(stdout(&asked)).len(), 1);
    on_terminal(&[("LOG_LEVEL", "error"), ("LOG_FILE", text(&path))]).expect("it runs");
    assert_eq!(lines(&fs::read_to_string(&path).expect("the file")).len(), 1);
}

#[test]
fn the_audit_file_is_not_the_log_file() {
    let folder = Folder::new("same-file");
    let (log, audit) = (folder.file("app.log"), folder.0.join(".").join("app.log"));
    let output = run("lines", &[("LOG_FILE", text(&log)), ("LOG_AUDIT_FILE", text(&audit))]);
    assert_eq!(output.status.code(), Some(2));
    let says = "is the log file; the audit file (`LOG_AUDIT_FILE` or `Config::audit_file`) contains only audit events";
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

/// Rotation would rename the audit file, and finally replace it.
#[test]
fn the_audit_file_is_not_a_backup_of_the_log_file() {
    let folder = Folder::new("backup-file");
    let log = folder.file("app.log");
    let with_audit = |name: &str| {
        let audit = folder.file(name);
        run("lines", &[("LOG_FILE", text(&log)), ("LOG_AUDIT_FILE", text(&audit))])
    };
    for name in ["app.log.1", "app.log.5"] {
        let output = with_audit(name);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains("is a backup of the log file"), "{}", stderr(&output));
        assert!(!folder.file(name).exists(), "{name}");
    }
    for name in ["app.log.6", "app.log.0", "app.log.01", "app-audit.log", "audit.log.1"] {
        assert!(with_audit(name).status.success(), "{name}");
    }
}

#[test]
fn candor_can_be_installed_once() {
    let output = run("twice", &[]);
    assert!(
        stderr(&output).contains("to combine candor with other layers use `Config::build`"),
        "{}",
        stderr(&output)
    );
}

/// The numbers of the lines in a rotated file and its backups, oldest first.
fn numbers(folder: &Folder) -> Vec<u64> {
    let mut all = Vec::new();
    for name in ["app.log.3", "app.log.2", "app.log.1", "app.log"] {
        let Ok(content) = fs::read_to_string(folder.file(name)) else { continue };
        assert!(content.len() <= 4000, "{name} holds {} bytes", content.len());
        assert!(content.ends_with('\n'), "{name} ends within a line");
        all.extend(lines(&content).iter().map(|line| line["n"].as_u64().expect("a number")));
    }
    all
}

#[test]
fn a_log_file_is_rotated_between_lines_and_keeps_its_backups() {
    let folder = Folder::new("rotation");
    let path = folder.file("app.log");
    fs::write(folder.file("app-audit.log"), "not candor's").expect("a file");
    fs::write(folder.file("app.log.old"), "not candor's").expect("a file");
    let env =
        [("LOG_FILE", text(&path)), ("LOG_FILE_MAX_BYTES", "4_000"), ("LOG_FILE_BACKUPS", "3")];
    let output = run("flood", &env);
    assert_eq!((stdout(&output), stderr(&output)), ("", "dropped 0\n"));
    let kept = numbers(&folder);
    let first = kept[0];
    assert!(first > 0, "nothing was rotated out");
    assert_eq!(kept, (first..200).collect::<Vec<_>>());
    let mut names: Vec<_> = fs::read_dir(&folder.0)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["app-audit.log", "app.log", "app.log.1", "app.log.2", "app.log.3", "app.log.old"]
    );

    // A second run continues the file.
    let before = fs::read_to_string(&path).expect("the file");
    run("lines", &[("LOG_FILE", text(&path)), ("LOG_LEVEL", "error")]);
    let after = fs::read_to_string(&path).expect("the file");
    assert!(after.starts_with(&before) && after.len() > before.len());
}

#[cfg(unix)]
#[test]
fn a_log_file_is_readable_by_owner_and_group_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("mode");
    let path = folder.file("app.log");
    run("lines", &[("LOG_FILE", text(&path))]);
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
}

#[test]
fn without_backups_the_file_is_not_rotated() {
    let folder = Folder::new("no-backups");
    let path = folder.file("app.log");
    let env =
        [("LOG_FILE", text(&path)), ("LOG_FILE_MAX_BYTES", "1000"), ("LOG_FILE_BACKUPS", "0")];
    run("flood", &env);
    assert_eq!(lines(&fs::read_to_string(&path).expect("the file")).len(), 200);
}

#[test]
fn a_panic_is_logged_and_not_printed_to_standard_error() {
    let output = run("panic", &[]);
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
    assert!(!stdout(&output).contains("canary"), "{}", stdout(&output));
    let lines = lines(stdout(&output));
    assert_eq!(lines.len(), 3);
    let [outside, inside, odd] = &lines[..] else { unreachable!("three lines") };
    assert_eq!((&outside["level"], &outside["event"]), (&"CRITICAL".into(), &"panic".into()));
    assert_eq!(outside["thread"], "worker");
    assert!(outside["panic_message"].as_str().is_some_and(|text| text.starts_with("outside, ")));
    let location = outside["location"].as_str().expect("a location");
    assert!(location.contains("fixtures/main.rs:"), "{location}");
    assert_eq!((&inside["level"], &inside["request_id"]), (&"ERROR".into(), &"r-1".into()));
    assert!(inside["exc"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(odd["panic_message"], "a value that is not a string");
}

#[test]
fn the_default_panic_hook_prints_panics_if_asked_to() {
    let output = run("print", &[]);
    assert_eq!(lines(stdout(&output)).len(), 3);
    assert!(stderr(&output).contains("panicked at"));
}

#[test]
fn no_step_span_is_created_without_other_layers() {
    // In its own process, since the layer of another test would enable every call site.
    for program in ["whole", "layer"] {
        let output = run(program, &[]);
        assert_eq!(stderr(&output), "span false\n", "{program}");
        assert_eq!(lines(stdout(&output)).len(), 1, "{program}");
    }
}

#[test]
fn a_process_that_exits_inside_a_step_leaves_whole_lines_and_its_exit_code() {
    let output = run("exit", &[("LOG_FORMAT", "json")]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let lines = lines(stdout(&output));
    let steps: Vec<_> = lines.iter().map(|line| line["step"].clone()).collect();
    assert_eq!(steps, ["done"], "what never ends has no line");
    assert_eq!((&lines[0]["parent_id"], &lines[0]["seq"]), (&2.into(), &1.into()));
}
