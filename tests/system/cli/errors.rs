//! Errors and response statuses, in lines of this version and of former ones.

use super::*;

/// A failed call of 55 ms, with these members for its status and its error.
fn failed_call(status: &str, error: &str) -> String {
    let call = call("payments", "charge", 55.0, Some("CLASS"), 3, 1, 40.0);
    call.replace("\"status\":null", status).replace("\"error\":\"CLASS\"", error)
}

/// A request with this failed call, and its `request_completed`.
fn request(call: &str, category: &str) -> Vec<u8> {
    let cause = format!(
        ",\"cause\":{{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"category\":\"{category}\"}}"
    );
    joined(&[
        line("r-7", 95_000, "ERROR", 1, call),
        line("r-7", 98_000, "WARN", 2, &step("place_order", 97.0, "error", 1, 0, 1.0)),
        line("r-7", 100_000, "ERROR", 3, &completed(100.0, 504, "error", &cause)),
    ])
}

fn story(input: &[u8], more: &[&str]) -> String {
    candor_at("160", &[&["story", "r-7", "-"], more].concat(), input).out
}

#[test]
fn a_call_is_explained_by_its_class_and_not_by_its_type() {
    let declined = failed_call(
        "\"status\":null",
        "\"error\":\"Declined\",\"error_type\":\"shop::bank::Declined\",\
         \"error_detail\":\"Declined { order: 7, card: \\\"****4242\\\" }\",\
         \"error_fields\":{\"order\":7,\"card\":\"****4242\"}",
    );
    let input = request(&declined, "other");
    let shown = story(&input, &[]);
    let wanted = "likely cause  payments charge: Declined after 55.0 ms\n              Declined { order: 7, card: \"****4242\" }\n";
    assert!(shown.contains(wanted), "{shown}");
    assert!(shown.contains("likely cause: error · Declined · POST http://payments/"), "{shown}");
    let shown = story(&input, &["--fields"]);
    assert!(!shown.contains("shop::bank::Declined"), "it only repeats the class: {shown}");
    assert!(shown.contains("error_fields={\"card\":\"****4242\",\"order\":7}"), "{shown}");
    // A category does not say which type the error has.
    let late = failed_call(
        "\"status\":null",
        "\"error\":\"timeout\",\"error_type\":\"shop::bank::Late\",\"error_detail\":\"no answer\"",
    );
    let shown = story(&request(&late, "timeout"), &["--fields"]);
    assert!(shown.contains("error_type=shop::bank::Late"), "{shown}");
    // JSON has all members.
    let node = &nodes(&candor(&["story", "r-7", "-", "--json"], &input).json()[0])[1].1;
    assert_eq!(node["fields"]["error_type"], "shop::bank::Declined");
    assert_eq!(node["fields"]["error_fields"]["order"], 7);
    // So has the table of a row on a page.
    let folder = Folder::new("errors");
    let page = folder.0.join("story.html");
    candor(&["story", "r-7", "-", "--html", page.to_str().expect("UTF-8")], &input);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("payments charge: Declined after 55.0 ms"), "{page}");
    assert!(
        page.contains("<th scope=\"row\">error_type</th><td>shop::bank::Declined</td>"),
        "{page}"
    );
    assert!(page.contains("<th scope=\"row\">error_fields</th><td>{\n"), "{page}");
    // The list shows the outcome in words, but not an unknown category.
    let shown = candor(&["requests", "-"], &input).out;
    assert!(shown.contains("  payments charge\n"), "{shown}");
}

#[test]
fn fields_alone_explain_an_error_without_text() {
    let error = "\"error\":\"Declined\",\"error_fields\":{\"order\":7}";
    let shown = story(&request(&failed_call("\"status\":null", error), "other"), &[]);
    assert!(shown.contains("Declined after 55.0 ms\n              {\"order\":7}\n"), "{shown}");
}

#[test]
fn a_grpc_code_is_shown_as_one() {
    let error = "\"error\":\"status\",\"error_type\":\"tonic::status::Status\"";
    // Former versions wrote the code as the status of the call.
    for status in ["\"status\":null,\"grpc_status\":13", "\"status\":13"] {
        let shown = story(&request(&failed_call(status, error), "status"), &[]);
        assert!(shown.contains("payments charge: responded with grpc 13 after 55.0 ms"), "{shown}");
        assert!(shown.contains("likely cause: error · grpc 13 · POST"), "{shown}");
    }
    let shown = story(&request(&failed_call("\"status\":404", error), "status"), &[]);
    assert!(shown.contains("payments charge: responded with 404 after 55.0 ms"), "{shown}");
    assert!(shown.contains("likely cause: error · status 404 · POST"), "{shown}");
    // Without a status, only the class is known.
    let shown = story(&request(&failed_call("\"status\":null", error), "status"), &[]);
    assert!(shown.contains("payments charge: status after 55.0 ms"), "{shown}");
}

#[test]
fn a_grpc_request_has_its_code_as_the_status() {
    let end = |outcome: &str, code: u16| {
        let end = completed(10.0, 200, outcome, &format!(",\"grpc_status\":{code}"));
        joined(&[line("r-7", 10_000, "INFO", 1, &end)])
    };
    let shown = story(&end("error", 13), &[]);
    assert!(shown.starts_with("POST /orders  grpc 13 error  10.0 ms"), "{shown}");
    let shown = story(&end("ok", 5), &[]);
    assert!(shown.starts_with("POST /orders  grpc 5 ok"), "{shown}");
    assert!(shown.contains("responded with grpc 5; every step and call succeeded"), "{shown}");
    let shown = candor(&["requests", "-"], &end("error", 13)).out;
    assert!(shown.contains("POST /orders  grpc 13 error"), "{shown}");
    let json = candor(&["story", "r-7", "-", "--json"], &end("ok", 5)).json();
    assert_eq!(json[0]["parts"][0]["status"], 200);
    assert_eq!(json[0]["parts"][0]["grpc_status"], 5);
    assert_eq!(json[0]["failed"], true, "as for a 4xx response");
    let json = candor(&["story", "r-7", "-", "--json"], &end("ok", 0)).json();
    assert_eq!(json[0]["failed"], false);
}

#[test]
fn an_error_of_a_former_version_without_a_category_is_a_failure() {
    let error = "\"error\":\"other\",\"error_detail\":\"the card is unknown\"";
    let input = request(&failed_call("\"status\":null", error), "other");
    let shown = story(&input, &[]);
    let wanted = "payments charge: failed after 55.0 ms\n              the card is unknown\n";
    assert!(shown.contains(wanted) && !shown.contains("other"), "{shown}");
    // Only the end is there.
    let last = input.split_inclusive(|byte| *byte == b'\n').next_back().expect("the end");
    let shown = story(last, &[]);
    assert!(shown.contains("payments charge: failed, according to the completion line"), "{shown}");
    let shown = candor(&["requests", "-"], last).out;
    assert!(shown.contains("  payments charge\n"), "{shown}");
}

#[test]
fn the_row_of_an_event_does_not_repeat_its_error() {
    let event = |msg: &str, error: &str| {
        let event = line("r-7", 35_000, "ERROR", 1, &format!("\"rows\":3,{error}"));
        let event = event.replace("a line of its own", msg);
        story(
            &joined(&[event, line("r-7", 100_000, "INFO", 2, &completed(100.0, 200, "ok", ""))]),
            &[],
        )
    };
    let late = "\"error\":\"timeout\",\"error_type\":\"std::io::error::Error\",\"error_detail\":\"no answer\"";
    let shown = event("save failed: no answer", late);
    assert!(
        shown.contains(
            "ERROR save failed: no answer  at 35.0 ms  rows=3  error=timeout  error_type=std::io::error::Error\n"
        ),
        "{shown}"
    );
    assert!(
        shown.contains("first problem save failed: no answer\n              timeout\n"),
        "{shown}"
    );
    let declined = "\"error\":\"Declined\",\"error_type\":\"shop::Declined\",\"error_detail\":\"Declined { order: 7 }\",\
                    \"error_fields\":{\"order\":7}";
    let shown = event("save failed", declined);
    let wanted = "rows=3  error=Declined  error_detail=Declined { order: 7 }\n";
    assert!(shown.contains(wanted), "{shown}");
    // Any field may be an error.
    let named = "\"reason\":\"ParseIntError\",\"reason_type\":\"core::num::error::ParseIntError\",\
                 \"kind_type\":\"core::num::error::ParseIntError\"";
    let shown = event("save failed", named);
    let wanted = "rows=3  reason=ParseIntError  kind_type=core::num::error::ParseIntError\n";
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn a_field_in_place_of_the_context_does_not_move_a_line_to_another_request() {
    let own = line("r-7", 35_000, "INFO", 2, "")
        .replace("\"trace_id\"", "\"service\":\"bank\",\"trace_id\"")
        .replace("\"41\"", "\"7\"")
        .replace("/orders", "/own");
    let mut lines = failing("r-7");
    lines[1] = own.clone();
    let story = &candor(&["story", "r-7", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(story["parts"].as_array().expect("parts").len(), 1, "{story}");
    assert_eq!(story["parts"][0]["path"], "/orders");
    assert_eq!(story["parts"][0]["user_id"], "41");
    // The end closes the request of that line too.
    let rows = candor(&["requests", "-", "--json"], &joined(&lines)).json();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows.iter().all(|row| row.get("unfinished").is_none()), "{rows:?}");
}

#[test]
fn an_event_without_a_message_shows_the_text_of_its_error() {
    let event =
        line("r-7", 35_000, "ERROR", 1, "\"error\":\"timeout\",\"error_detail\":\"timed out\"");
    let event = event.replace("a line of its own", "");
    let shown = story(
        &joined(&[event, line("r-7", 100_000, "INFO", 2, &completed(100.0, 200, "ok", ""))]),
        &[],
    );
    assert!(shown.contains("ERROR timed out  at 35.0 ms  error=timeout\n"), "{shown}");
    assert!(shown.contains("first problem timed out\n"), "{shown}");
}

#[test]
fn a_request_that_ended_well_has_no_cause_although_a_service_that_it_called_failed() {
    let callee = |at, level, seq, rest: &str| {
        line("r-7", at, level, seq, rest)
            .replace("\"path\":\"/orders\"", "\"path\":\"/charges\",\"service\":\"payments\"")
            .replace("\"span_id\":\"s1\"", "\"span_id\":\"s2\"")
    };
    let shown = story(
        &joined(&[
            callee(40_000, "ERROR", 1, "\"rows\":0"),
            callee(50_000, "ERROR", 2, &completed(20.0, 503, "error", "")),
            line(
                "r-7",
                60_000,
                "WARN",
                1,
                &call("payments", "charge", 40.0, Some("status"), 2, 1, 20.0),
            ),
            line("r-7", 90_000, "INFO", 2, &step("place_order", 90.0, "ok", 1, 0, 0.0)),
            line("r-7", 100_000, "INFO", 3, &completed(100.0, 200, "ok", "")),
        ]),
        &[],
    );
    assert!(shown.contains("first problem") && !shown.contains("likely cause"), "{shown}");
    assert!(!shown.contains("consequence"), "{shown}");
}

#[test]
fn a_cancelled_step_says_when_it_was_dropped_and_why() {
    let cancelled = |end: &str| {
        story(
            &joined(&[
                line("r-7", 60_000, "WARN", 1, &step("load", 40.0, "cancelled", 1, 0, 20.0)),
                line("r-7", 100_000, "INFO", 2, end),
            ]),
            &[],
        )
    };
    let shown = cancelled(&completed(100.0, 200, "cancelled", ""));
    let wanted = "likely cause  load: cancelled after 40.0 ms, when the request was dropped\n";
    assert!(shown.contains(wanted), "{shown}");
    // The request went on, for example after a `select!`.
    let shown = cancelled(&completed(100.0, 200, "ok", ""));
    assert!(shown.contains("first problem load: cancelled after 40.0 ms\n"), "{shown}");
}
