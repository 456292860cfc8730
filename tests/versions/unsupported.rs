//! reqwest 0.11 is not supported: reported once per call site without an `outcome`.

use std::time::Duration;

use candor::testing::capture;
use candor::{RequestContext, dependency, dependency_call};
use reqwest_0_11 as reqwest;

use crate::{answers, check_lines, run, servers};

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(300));
    client.build().expect("a client")
}

#[test]
fn an_unsupported_response_is_reported_once_for_each_call_site() {
    #[dependency_call("old")]
    async fn get(url: &str) -> Result<reqwest::Response, reqwest::Error> {
        client().get(url).send().await
    }

    #[dependency_call("old")]
    async fn get_any(url: &str) -> anyhow::Result<Box<reqwest::Response>> {
        Ok(Box::new(client().get(url).send().await?))
    }

    #[dependency_call("old")]
    async fn in_time(
        url: &str,
    ) -> Result<Result<reqwest::Response, reqwest::Error>, tokio::time::error::Elapsed> {
        tokio::time::timeout(Duration::from_secs(10), client().get(url).send()).await
    }

    let captured = capture();
    run(async {
        let base = servers::http().await;
        let url = format!("{base}/500");
        RequestContext::with_id("r-7").scope(get(&url)).await.expect("a response");
        get(&url).await.expect("a response");
        get_any(&url).await.expect("a response");
        in_time(&url).await.expect("in time").expect("a response");
    });
    check_lines(&captured);
    assert_eq!(answers(&captured, "old"), ["- - ok INFO"; 4], "{captured:?}");
    let reported = captured.events("unsupported_response");
    let operations: Vec<_> = reported.iter().map(|line| line.text("operation")).collect();
    assert_eq!(operations, ["get", "get_any", "in_time"], "{captured:?}");
    let first = &reported[0];
    assert_eq!(first.text("level"), "WARN");
    assert_eq!(first.text("request_id"), "r-7");
    assert_eq!(first.text("dependency"), "old");
    assert_eq!(first.text("type"), "reqwest::Response");
    let detail = first.text("detail");
    assert!(detail.starts_with("the status of this type is not read"), "{detail}");
    // All features are enabled.
    assert!(!detail.contains("feature") && detail.contains("outcome = result"), "{detail}");
}

#[test]
fn an_unsupported_error_is_reported_if_its_category_is_unknown() {
    #[dependency_call("old")]
    async fn read(url: &str) -> Result<String, reqwest::Error> {
        client().get(url).send().await?.error_for_status()?.text().await
    }

    let captured = capture();
    run(async {
        let base = servers::http().await;
        let nobody = servers::closed().await;
        read(&format!("{base}/200")).await.expect("text");
        // The I/O error in its chain has a category.
        read(&format!("http://{nobody}/")).await.expect_err("refused");
        assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
        read(&format!("{base}/500")).await.expect_err("a status");
        read(&format!("{base}/500")).await.expect_err("a status");
    });
    check_lines(&captured);
    let answers = answers(&captured, "old");
    assert_eq!(answers[..2], ["- - ok INFO", "- connect error ERROR"], "{captured:?}");
    assert!(answers[2..].iter().all(|answer| answer.ends_with("error ERROR")), "{captured:?}");
    let reported = captured.events("unsupported_response");
    assert_eq!(reported.len(), 1, "{captured:?}");
    assert_eq!(reported[0].text("type"), "reqwest::Error");
}

#[test]
fn a_response_that_the_call_reads_is_not_reported() {
    fn status(
        result: &Result<reqwest::Response, reqwest::Error>,
    ) -> (Option<u16>, Option<dependency::Category>) {
        (result.as_ref().ok().map(|response| response.status().as_u16()), None)
    }

    #[dependency_call("old", outcome = status)]
    async fn by_function(url: &str) -> Result<reqwest::Response, reqwest::Error> {
        client().get(url).send().await
    }

    #[dependency_call("old")]
    async fn by_handle(url: &str) -> Result<reqwest::Response, reqwest::Error> {
        let response = client().get(url).send().await?;
        dependency::current().set_status(response.status().as_u16());
        Ok(response)
    }

    #[dependency_call("old", outcome = result)]
    async fn only_result(url: &str) -> Result<reqwest::Response, reqwest::Error> {
        client().get(url).send().await
    }

    let captured = capture();
    run(async {
        let url = format!("{}/500", servers::http().await);
        by_function(&url).await.expect("a response");
        by_handle(&url).await.expect("a response");
        only_result(&url).await.expect("a response");
    });
    check_lines(&captured);
    let expected = ["500 status error ERROR", "500 status error ERROR", "- - ok INFO"];
    assert_eq!(answers(&captured, "old"), expected, "{captured:?}");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}
