//! The guide in `docs/`: the outputs it shows are those of the programs, its links lead somewhere.

mod shop;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Method, Request, header};
use candor::testing::capture_with;
use candor::{Config, Format};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::cli::candor;
use super::programs::{block, root, run, settled, text};

/// The block of a chapter under `<!-- marker -->`, without its fence.
fn shown(chapter: &str, marker: &str) -> String {
    block(&format!("docs/{chapter}.md"), marker)
}

/// Sends a basket as the chapter's `curl` does, and reads the answer.
async fn send(id: &str, cents: u32) -> u16 {
    let body = format!(
        r#"{{"customer":41,"cents":{cents},"sku":"green-tea","receipt_to":"ada@example.com","password":"hunter2"}}"#
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri("/baskets")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-request-id", id)
        .body(Body::from(body))
        .expect("a request");
    let response = shop::router().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("a body");
    status
}

#[test]
fn the_first_request_s_lines_are_those_of_the_guide() {
    let source = std::fs::read_to_string(root().join("tests/behaviour/guide/shop.rs"));
    let source = source.expect("the service").replace("pub(super) ", "");
    let code = shown("getting-started", "code: tests/behaviour/guide/shop.rs");
    let code: Vec<&str> = code.lines().take_while(|line| !line.starts_with("# ")).collect();
    assert!(source.contains(code.join("\n").trim()), "the guide shows another service");

    let captured = capture_with(Config::new().format(Format::Pretty)).expect("a configuration");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let statuses = runtime.expect("a runtime").block_on(async {
        [send("basket-1", 1250).await, send("basket-2", 1_000_000).await]
    });
    assert_eq!(statuses, [200, 503]);
    let output = captured.output().replace("behaviour::guide::shop", "shop");
    let real: Vec<String> = output.lines().map(settled).collect();
    let shown: Vec<String> =
        shown("getting-started", "output: shop").lines().map(settled).collect();
    assert_eq!(shown, real, "{output}");
}
