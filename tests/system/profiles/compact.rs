//! The profile `compact` omits what the first line of a request says.

use super::*;
use crate::sinks::Folder;

fn compact() -> Config {
    Config::new().level("trace").expect("a level").service("orders").profile(Profile::Compact)
}

fn parsed(captured: &candor::testing::Captured) -> Vec<Value> {
    let output = captured.output();
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn only_the_first_line_and_the_completion_have_the_context() {
    let captured = capture_with(compact()).expect("a configuration");
    let app = Router::new().route("/orders/{id}", post(handle)).layer(RequestLayer::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let request = Request::post("/orders/7").body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("infallible");
        response.into_body().collect().await.expect("a body");
    });
    let lines = parsed(&captured);
    let (first, rest) = lines.split_first().expect("lines");
    let (last, between) = rest.split_last().expect("lines");
    assert!(between.len() > 3, "{lines:?}");
    assert_eq!((&first["method"], &first["path"]), (&"POST".into(), &"/orders/7".into()));
    assert_eq!((&last["event"], &last["user_id"]), (&"request_completed".into(), &"41".into()));
    for line in between {
        for key in ["method", "path", "trace_id"] {
            assert!(line.get(key).is_none(), "{key} in {line}");
        }
        assert_eq!(line["request_id"], first["request_id"]);
        assert_eq!(line["span_id"], first["span_id"]);
        // The user was not known on the first line.
        assert_eq!(line["user_id"], "41");
    }
    for key in ["method", "path", "trace_id", "span_id", "service", "request_id"] {
        assert_eq!(last[key], first[key]);
    }
}

#[test]
fn no_line_has_a_placeholder() {
    let captured = capture_with(compact()).expect("a configuration");
    candor::info!("outside any request");
    RequestContext::with_id("r-1").enter_with(|| price(&order()));
    let output = captured.output();
    assert!(!output.contains("\"-\""), "{output}");
    assert!(
        output
            .lines()
            .next()
            .expect("a line")
            .contains("\"msg\":\"outside any request\",\"service\"")
    );
}

#[test]
fn a_changed_value_stays() {
    let captured = capture_with(compact()).expect("a configuration");
    RequestContext::with_id("r-1").with_path("/a").enter_with(|| {
        context::set_user(clear("1"));
        candor::info!("first");
        candor::info!("second");
        context::set_user(clear("2"));
        candor::info!("third");
        candor::info!(path = clear("/b"), "fourth");
    });
    let lines = parsed(&captured);
    let of = |at: usize, key: &str| lines[at].get(key).and_then(Value::as_str).unwrap_or("none");
    let users: Vec<_> = (0..4).map(|at| of(at, "user_id")).collect();
    let paths: Vec<_> = (0..4).map(|at| of(at, "path")).collect();
    assert_eq!(users, ["1", "none", "2", "2"]);
    assert_eq!(paths, ["/a", "none", "none", "/b"]);
}

#[test]
fn a_story_survives_the_loss_of_its_first_line() {
    let run = run_with(compact());
    let without_first = |lines: &[String]| -> String {
        let is_first = |line: &&String| !line.contains("\"seq\":1,");
        lines.iter().filter(is_first).fold(String::new(), |text, line| text + line + "\n")
    };
    for arguments in [&["story", "--failed", "-", "--json"][..], &["requests", "-", "--json"]] {
        let own = crate::cli::candor(arguments, without_first(&run.own).as_bytes());
        let compact = crate::cli::candor(arguments, without_first(&run.written).as_bytes());
        let completed = |out: &str| -> Vec<Value> {
            let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            lines.filter(|line| !line.to_string().contains("\"r-1\"")).collect()
        };
        assert!(!completed(&own.out).is_empty());
        assert_eq!(completed(&compact.out), completed(&own.out), "{arguments:?}");
    }
}

#[test]
fn a_placeholder_that_replaces_a_value_stays() {
    let captured = capture_with(compact()).expect("a configuration");
    RequestContext::with_id("r-1").enter_with(|| {
        context::set_user(clear("1"));
        candor::info!("first");
        context::set_user(clear("-"));
        candor::info!("second");
    });
    let lines = parsed(&captured);
    assert_eq!((&lines[0]["user_id"], &lines[1]["user_id"]), (&"1".into(), &"-".into()));
}

#[test]
fn events_of_a_separate_audit_file_have_their_context() {
    let folder = Folder::new("compact-audit");
    let audit = folder.file("audit.log");
    let captured = capture_with(compact().audit_file(&audit)).expect("a configuration");
    RequestContext::with_id("r-1").with_path("/a").enter_with(|| {
        context::set_user(clear("41"));
        candor::info!("first");
        candor::audit!(rows = 3, "deleted an account").expect("written");
    });
    assert_eq!(parsed(&captured).len(), 1);
    let text = std::fs::read_to_string(&audit).expect("the file");
    let event: Value = serde_json::from_str(&text).expect("one line");
    assert_eq!((&event["user_id"], &event["path"]), (&"41".into(), &"/a".into()));
}
