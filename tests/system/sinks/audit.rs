//! Audit events: written before the call returns, or an error.

use std::fs;

use candor::policy::mask;
use candor::testing::capture;
use candor::{Config, Overload, RequestContext};
use candor_tests::{check, checked};

use super::{Counts, Folder, lines, run, text};

#[test]
fn an_audit_event_has_all_fixed_keys_and_its_fields() {
    let captured = capture();
    let card = "4242424242424242";
    RequestContext::with_id("r-1").enter_with(|| {
        candor::audit!(target: "billing", user = 41, card = mask(&card).last(4), "charged {} cents", 950)
            .expect("written");
    });
    let line = captured.line("charged 950 cents");
    check(line.raw());
    assert_eq!((line.text("level"), line.text("event")), ("INFO", "audit"));
    assert_eq!((line.text("logger"), line.text("request_id")), ("billing", "r-1"));
    assert_eq!((line.integer("user"), line.text("card")), (41, "****4242"));
    assert_eq!(line.integer("seq"), 1);
}

#[test]
fn an_audit_event_returns_ok_when_written_even_without_fields_or_message() {
    let captured = capture();
    let write = || -> Result<(), candor::AuditError> {
        candor::audit!("only a message")?;
        candor::audit!(rows = 3)?;
        candor::audit!(password = 7, "hidden")
    };
    write().expect("written");
    let lines = checked(&captured);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1].integer("rows"), 3);
    assert_eq!(lines[2].text("password"), "[REDACTED]");
}

#[test]
fn levels_limits_and_queues_do_not_apply_to_audit_events() {
    let folder = Folder::new("audit-levels");
    let path = folder.file("app.log");
    let config = Config::new().level("off").expect("a level").file(&path).lines_per_request(0);
    let config = config.background(1, Overload::Drop);
    let subscriber = config.subscriber().expect("a file");
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r-1").enter_with(|| {
            for n in 0..100 {
                candor::audit!(n, "audited").expect("written");
                let found = lines(&fs::read(&path).expect("the file"));
                assert_eq!(found.len(), n + 1, "it is there as soon as the call returns");
            }
        });
    });
}

#[test]
fn the_audit_file_holds_only_audit_events() {
    for queue in ["0", "100"] {
        let folder = Folder::new(&format!("audit-{queue}"));
        let path = folder.file("audit.log");
        let env = [("LOG_AUDIT_FILE", text(&path)), ("QUEUE", queue)];
        let output = run("audit", &env);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("written\nholds it true\n"), "{stderr}");
        let held = fs::read(&path).expect("the file");
        let counts = Counts::of(&output.stderr);
        // Lines may still be in the queue.
        let is_all = (held.len() + output.stdout.len()) as u64 == counts.bytes;
        assert!(is_all || counts.waiting > 0, "{counts:?}");
        let audited = lines(&held);
        assert_eq!(audited.len(), 1);
        assert_eq!(
            (&audited[0]["event"], &audited[0]["request_id"]),
            (&"audit".into(), &"r-1".into())
        );
        // With a `seq` of the request, the log file would have a gap, as if a line were lost.
        assert!(audited[0].get("seq").is_none());
        let others = lines(&output.stdout);
        let numbered: Vec<_> = others.iter().map(|line| (&line["msg"], &line["seq"])).collect();
        assert_eq!(numbered, [(&"before".into(), &1.into()), (&"after".into(), &2.into())]);
    }
}

#[test]
fn without_an_audit_file_audit_events_go_to_the_log() {
    let output = run("audit", &[]);
    let found = lines(&output.stdout);
    let numbered: Vec<_> = found.iter().map(|line| (&line["msg"], &line["seq"])).collect();
    let audited = (&"deleted an account".into(), &2.into());
    assert_eq!(numbered, [(&"before".into(), &1.into()), audited, (&"after".into(), &3.into())]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_audit_event_that_cannot_be_written_is_an_error_and_counted() {
    let output = run("audit", &[("LOG_AUDIT_FILE", "/dev/full")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the audit event was not written: No space left on device"),
        "{stderr}"
    );
    let counts = Counts::of(&output.stderr);
    assert_eq!((counts.written, counts.reasons["audit: io"]), (2, 1));
    assert_eq!(counts.bytes, output.stdout.len() as u64);
}

#[test]
fn an_audit_event_without_a_layer_or_inside_a_writer_is_an_error() {
    let output = run("audit", &[("NO_INIT", "1")]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        stderr.trim_end(),
        "the audit event was not written: this thread has no subscriber of candor; call `candor::init` first"
    );
    let output = run("audit-in-writer", &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("the audit event was not written: it was logged by the writer"),
        "{stderr}"
    );
    assert_eq!(Counts::of(&output.stderr).reasons["audit: reentrant"], 1);
}

#[test]
fn the_audit_file_is_reopened_after_external_rotation_and_never_rotated_by_candor() {
    let folder = Folder::new("audit-moved");
    let path = folder.file("audit.log");
    let config = Config::new().rotated_file(folder.file("app.log"), 500, 3).audit_file(&path);
    let subscriber = config.subscriber().expect("a file");
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..20 {
            candor::audit!("audited").expect("written");
        }
        fs::rename(&path, folder.file("audit.log.1")).expect("moved");
        candor::audit!("audited").expect("written");
    });
    assert_eq!(folder.names(), ["app.log", "audit.log", "audit.log.1"]);
    assert_eq!(lines(&fs::read(folder.file("audit.log.1")).expect("a file")).len(), 20);
    assert_eq!(lines(&fs::read(&path).expect("a file")).len(), 1);
}

#[test]
fn bug_an_audit_event_that_waited_for_the_output_blocked_all_threads_in_spite_of_a_queue() {
    for format in ["json", "pretty"] {
        let env = [("QUEUE", "100"), ("OVERLOAD", "drop"), ("LOG_FORMAT", format)];
        let counts = Counts::of(&run("audit-stalls", &env).stderr);
        // The line that stalls and those of the other thread. The audit event is counted when it can be written.
        assert_eq!((counts.emitted, counts.waiting), (3, 3), "{format}");
    }
}
