//! Assertions that filter lines, and their failure messages.

use std::time::Duration;

use candor::prelude::*;
use candor::testing::{Captured, capture};
use candor::{RequestContext, dependency_call, step_timed};
use futures::executor::block_on;

use super::failure;

#[step_timed]
fn place_order(rows: u32) -> Result<(), std::io::Error> {
    price();
    load(rows);
    charge(rows)
}

#[step_timed]
fn price() {
    candor::record("rate", 1.0);
    tracing::warn!(customer = 41, "old tariff");
}

#[dependency_call("db", fields(rows))]
fn load(rows: u32) {}

#[dependency_call("payments", method = "POST")]
fn charge(rows: u32) -> Result<(), std::io::Error> {
    candor::record("rows", rows);
    if rows > 2 { Err(std::io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

/// Two requests: one succeeds, one fails.
fn two_requests() -> Captured {
    let captured = capture();
    for (id, rows) in [("r-1", 1), ("r-2", 3)] {
        let _ = RequestContext::with_id(id).enter_with(|| place_order(rows));
    }
    captured
}

#[test]
fn lines_can_be_filtered_by_field() {
    let captured = two_requests();
    captured.assert_step("place_order").times(2);
    captured.assert_step("place_order").outcome("error").level("warn").field("request_id", "r-2");
    let failed = captured.assert_dependency("payments").outcome("error").under("place_order");
    failed.field("rows", 3).field("error", "timeout").field("dependency_method", "POST").times(1);
    captured.assert_step("price").field("rate", 1).without("error").times(2);
    captured.assert_line("old tariff").level("WARN").field("customer", 41).times(2);
    captured.assert_dependency("db").without("error").at_most(2);
    let lines = captured.assert_dependency("db").field("rows", 3).lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].text("request_id"), "r-2");
}

#[test]
fn a_failed_assertion_shows_the_lines_and_the_difference() {
    let captured = two_requests();
    let text = failure(|| captured.assert_step("refund"));
    assert!(
        text.starts_with("no line of the step `refund` was captured; captured lines:\n"),
        "{text}"
    );
    assert!(text.contains("step_timing step=price") && text.contains("dependency=db"), "{text}");

    let text = failure(|| captured.assert_dependency("payments").outcome("error").field("rows", 4));
    let mut said = text.lines();
    assert_eq!(
        said.next(),
        Some("no line of a call to `payments` that has `outcome` \"error\" has `rows` 4; found:")
    );
    let found = said.next().unwrap_or_default();
    assert!(found.starts_with("  `rows` is 3 in ") && found.contains("error=timeout"), "{found}");
    assert_eq!(said.next(), None);

    let said = |text: String| text.lines().nth(1).unwrap_or_default().trim().to_owned();
    let text = said(failure(|| captured.assert_step("price").field("amount", 4)));
    assert!(text.starts_with("`amount` is missing in "), "{text}");
    let text = said(failure(|| captured.assert_dependency("payments").under("price")));
    assert!(text.starts_with("under `place_order` in "), "{text}");
    let text = said(failure(|| captured.assert_step("place_order").under("price")));
    assert!(text.starts_with("under no step in "), "{text}");
    let text = said(failure(|| captured.assert_step("price").without("rate")));
    assert!(text.starts_with("`rate` is 1.0 in "), "{text}");
    let text = failure(|| captured.assert_step("price").under("place_order").times(1));
    assert!(
        text.starts_with("2 lines of the step `price` that is under `place_order`, not 1:\n"),
        "{text}"
    );
    let text = failure(|| captured.assert_dependency("db").at_most(1));
    assert!(text.starts_with("2 lines of a call to `db`, more than 1:\n"), "{text}");
}

#[test]
fn a_failed_assertion_points_at_the_test() {
    let captured = two_requests();
    let here = line!();
    failure(|| captured.assert_step("refund"));
    failure(|| captured.assert_step("price").field("amount", 4));
    failure(|| captured.assert_step("price").times(7));
    failure(|| captured.step("refund"));
    let panics = captured.events("panic");
    assert_eq!(panics.len(), 4);
    for (panic, at) in panics.iter().zip(here + 1..) {
        let place = format!("{}:{at}:", file!());
        assert!(panic.text("location").starts_with(&place), "{place} is not in {panic:?}");
    }
}

#[test]
fn outside_a_request_steps_have_no_parent_in_the_tree() {
    let captured = capture();
    let _ = place_order(1);
    let text = failure(|| captured.assert_step("price").under("place_order"));
    assert!(text.contains("outside a request, where there is no tree, in "), "{text}");
    assert_eq!(captured.tree(), "price ok\ndb.load ok\npayments.charge ok\nplace_order ok\n");
    assert!(captured.children(&captured.step("place_order")).is_empty());
}

#[test]
fn under_reports_a_parent_step_that_is_still_open() {
    let captured = capture();
    RequestContext::with_id("r-1").enter_with(|| {
        let open = candor::step_guard("open");
        price();
        let text = failure(|| captured.assert_step("price").under("open"));
        assert!(text.contains("under a step that has no line yet in "), "{text}");
        drop(open);
        captured.assert_step("price").under("open");
    });
}

#[test]
fn a_tree_shows_names_and_outcomes_in_start_order() {
    let captured = two_requests();
    let tree = "\
place_order ok
  price ok
  db.load ok
  payments.charge ok
place_order error timeout
  price ok
  db.load ok
  payments.charge error timeout
";
    assert_eq!(captured.tree(), tree);
    let failed = captured.assert_step("place_order").outcome("error").lines();
    let children = captured.children(&failed[0]);
    let names: Vec<_> =
        children.iter().map(|line| line.get("step").or(line.get("operation")).cloned()).collect();
    assert_eq!(names, [Some("price".into()), Some("load".into()), Some("charge".into())]);
    assert!(children.iter().all(|line| line.text("request_id") == "r-2"));
}

#[test]
fn a_tree_shows_calls_that_were_cancelled_and_steps_without_their_parent() {
    let captured = capture();
    let request = RequestContext::with_id("r-1");
    request.enter_with(|| {
        let open = candor::step_guard("open");
        price();
        assert_eq!(captured.tree(), "price ok\n");
        drop(open);
    });
    block_on(request.scope(async {
        #[dependency_call("stock")]
        async fn reserve() {
            std::future::pending().await
        }
        let mut reserving = Box::pin(reserve().timed("never"));
        let _ = futures::poll!(&mut reserving);
    }));
    assert_eq!(
        captured.tree(),
        "open ok\n  price ok\nnever cancelled\n  stock.reserve cancelled\n"
    );
}

#[test]
fn requests_with_the_same_id_are_kept_apart() {
    let captured = capture();
    for rows in [1, 3] {
        let _ = RequestContext::with_id("r-7").enter_with(|| place_order(rows));
    }
    assert_eq!(captured.tree(), two_requests().tree());
    let failed = captured.assert_step("place_order").outcome("error").lines();
    assert_eq!(captured.children(&failed[0]).len(), 3);
    captured.assert_dependency("db").share_at_most("place_order", 1.0);
}

#[test]
fn lines_can_be_matched_in_order() {
    let captured = two_requests();
    captured.assert_order(&["old tariff", "price", "db", "payments", "place_order", "price"]);
    let text = failure(|| captured.assert_order(&["payments", "place_order", "price", "refund"]));
    assert!(
        text.starts_with("no line of `refund` was captured after `price`; captured lines:"),
        "{text}"
    );
    failure(|| captured.assert_order(&["place_order", "price", "db", "place_order", "price"]));
}

#[test]
fn durations_can_be_asserted() {
    let captured = two_requests();
    let step = || captured.assert_step("place_order");
    step().took_at_most(Duration::from_secs(3600)).took_at_least(Duration::ZERO);
    let text = failure(|| step().took_at_most(Duration::ZERO));
    assert!(text.starts_with("a line of the step `place_order` took "), "{text}");
    assert!(text.contains(" ms, more than 0ns:\n"), "{text}");
    let text = failure(|| step().took_at_least(Duration::from_secs(3600)));
    assert!(text.contains(" ms, less than 3600s:\n"), "{text}");
}

#[test]
fn the_share_of_a_call_counts_overlapping_calls_once() {
    #[dependency_call("payments")]
    async fn slow() {}

    let captured = capture();
    let _delay = candor::testing::delay("payments", Duration::from_millis(30));
    let request = RequestContext::with_id("r-1");
    block_on(
        request.scope(
            async {
                futures::join!(slow(), slow());
            }
            .timed("both"),
        ),
    );
    // Concurrent calls take the whole time, not twice that.
    let calls = captured.assert_dependency("payments").times(2).share_at_most("both", 1.0);
    let text = failure(|| calls.clone().share_at_most("both", 0.01));
    assert!(text.contains(" of `both`, more than 0.01:\n"), "{text}");
    let text = failure(|| calls.share_at_most("neither", 1.0));
    assert!(text.contains("is inside a `neither`"), "{text}");
}

#[test]
fn the_share_is_checked_for_each_request() {
    let captured = two_requests();
    captured.assert_dependency("db").share_at_most("place_order", 1.0);
    let shares = captured.assert_dependency("payments").outcome("error");
    shares.share_at_most("place_order", 1.0);
    let text = failure(|| captured.assert_dependency("db").share_at_most("place_order", -1.0));
    assert!(text.contains(" of `place_order`, more than -1:\n"), "{text}");
}

#[test]
fn a_long_line_does_not_hide_other_lines_in_a_failure() {
    let captured = capture();
    tracing::info!(exc = "frame\n".repeat(500), "it broke");
    tracing::info!("and so on");
    let said = failure(|| {
        captured.assert_line("something else");
    });
    assert!(said.contains("it broke") && said.contains("and so on"), "{said}");
    assert!(said.len() < 2_000 && said.contains("…(+"), "{said}");
}
