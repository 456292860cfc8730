//! The keys of a call's line, and the attribute arguments that set them.

use std::io;

use candor::testing::capture;
use candor::{RequestContext, dependency, dependency_call};
use candor_tests::{checked, keys};
use futures::executor::block_on;

use super::answer;

#[test]
fn a_call_has_its_keys_in_order_and_null_for_unknown_values() {
    #[dependency_call("payments", fields(order = 7))]
    fn charge() -> u8 {
        7
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(charge);
    checked(&captured);
    let line = captured.dependency("payments");
    assert_eq!(
        keys(line.raw())[9..],
        [
            "event",
            "dependency",
            "operation",
            "dependency_method",
            "url",
            "status",
            "duration_ms",
            "retries",
            "error",
            "outcome",
            "step_id",
            "parent_id",
            "offset_ms",
            "order"
        ]
    );
    assert_eq!(line.text("msg"), "dependency_call");
    assert_eq!(line.text("logger"), "deps");
    assert_eq!(line.text("operation"), "charge");
    for key in ["dependency_method", "url", "status", "error"] {
        assert!(line.is_null(key), "{key}");
    }
    assert_eq!(line.integer("retries"), 0);
    assert_eq!(answer(&line), (None, None, "ok", "INFO"));
    assert!(!line.has("error_detail"));
}

#[test]
fn arguments_set_the_method_and_the_url() {
    #[dependency_call(
        dependency = "payments",
        operation = "create charge",
        method = "POST",
        url = format!("https://user:canary-1@pay.example.com:8443/v1/charges?key=canary-2&n={n}"),
        level = "debug",
        target = "shop",
        ret
    )]
    async fn charge(n: u32) -> Result<u32, io::Error> {
        Ok(n)
    }

    #[dependency_call(
        "vault",
        url = "https://vault.example.com/secret/canary-3",
        url_template = "/secret/{name}"
    )]
    fn read() {}

    #[dependency_call("bare", url_template = "/only/{template}")]
    fn bare() {}

    let captured = capture();
    block_on(charge(5)).expect("good");
    read();
    bare();
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let line = captured.dependency("payments");
    assert_eq!(line.text("operation"), "create charge");
    assert_eq!(line.text("dependency_method"), "POST");
    assert_eq!(line.text("url"), "https://pay.example.com:8443/v1/charges");
    assert_eq!(line.text("level"), "DEBUG");
    assert_eq!(line.text("logger"), "shop");
    assert_eq!(line.integer("ret"), 5);
    assert_eq!(captured.dependency("vault").text("url"), "https://vault.example.com/secret/{name}");
    assert_eq!(captured.dependency("bare").text("url"), "/only/{template}");
}

#[test]
fn a_url_set_in_the_body_is_redacted_and_replaces_the_template() {
    #[dependency_call("plain")]
    fn plain() {
        dependency::current().set_url("https://u:canary-1@a.example/b?token=canary-2#canary-3");
    }

    #[dependency_call("template", url_template = "/reset/{token}")]
    fn template() {
        dependency::current().set_url("https://a.example/reset/canary-4");
    }

    #[dependency_call("odd")]
    fn odd() {
        dependency::current().set_url("no url canary-5");
    }

    let captured = capture();
    plain();
    template();
    odd();
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    assert_eq!(captured.dependency("plain").text("url"), "https://a.example/b");
    assert_eq!(captured.dependency("template").text("url"), "https://a.example/reset/{token}");
}
