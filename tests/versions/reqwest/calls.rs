//! Calls of one version of reqwest.

use std::time::Duration;

use candor::http::{ContextMiddleware, same_host_redirects};
use candor::testing::capture;
use candor::{RequestContext, dependency_call};

use super::{reqwest, reqwest_middleware};
use crate::{answers, check_lines, run, servers};

#[dependency_call("client", method = "GET", url = url)]
async fn get(client: &reqwest::Client, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    client.get(url).send().await
}

#[dependency_call("client", url = url)]
async fn get_ok(client: &reqwest::Client, url: &str) -> anyhow::Result<reqwest::Response> {
    Ok(client.get(url).send().await?.error_for_status()?)
}

#[dependency_call("client", url = url)]
async fn get_json(client: &reqwest::Client, url: &str) -> Result<u32, Box<reqwest::Error>> {
    Ok(client.get(url).send().await?.json().await?)
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(300));
    client.build().expect("a client")
}

fn with_context(
    client: reqwest::Client,
    middleware: ContextMiddleware,
) -> reqwest_middleware::ClientWithMiddleware {
    reqwest_middleware::ClientBuilder::new(client).with(middleware).build()
}

#[test]
fn responses_and_errors_are_classified() {
    let captured = capture();
    run(async {
        let base = servers::http().await;
        let nobody = servers::closed().await;
        let client = client();
        let to = |path: &str| format!("{base}{path}?api_key=canary-key");
        get(&client, &to("/200")).await.expect("a response");
        get(&client, &to("/404")).await.expect("a response");
        get(&client, &to("/500")).await.expect("a response");
        get_ok(&client, &to("/500")).await.expect_err("a status");
        get(&client, &to("/slow")).await.expect_err("a timeout");
        get_json(&client, &to("/200")).await.expect_err("not JSON");
        get(&client, &format!("http://{nobody}/?api_key=canary-key")).await.expect_err("refused");
        get(&client, "http://no-such-host.invalid/").await.expect_err("no address");
    });
    check_lines(&captured);
    let expected = [
        "200 - ok INFO",
        "404 status ok WARN",
        "500 status error ERROR",
        "500 status error ERROR",
        "- timeout error ERROR",
        "- decode error ERROR",
        "- connect error ERROR",
        "- dns error ERROR",
    ];
    assert_eq!(answers(&captured, "client"), expected, "{captured:?}");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}

#[test]
fn the_middleware_sends_the_context_and_its_errors_are_classified() {
    #[dependency_call("client", url = url)]
    async fn get(
        client: &reqwest_middleware::ClientWithMiddleware,
        url: &str,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        client.get(url).send().await
    }

    let captured = capture();
    run(async {
        let base = servers::http().await;
        let nobody = servers::closed().await;
        let client = with_context(client(), ContextMiddleware::new());
        let context = RequestContext::with_id("r-7");
        let echoed = context.scope(get(&client, &format!("{base}/echo"))).await;
        let echoed = echoed.expect("a response").text().await.expect("a body");
        assert!(echoed.contains("\r\nx-request-id: r-7\r\n"), "{echoed}");
        get(&client, &format!("http://{nobody}/")).await.expect_err("refused");
    });
    check_lines(&captured);
    let expected = ["200 - ok INFO", "- connect error ERROR"];
    assert_eq!(answers(&captured, "client"), expected, "{captured:?}");
}

#[test]
fn a_redirect_to_another_origin_is_not_followed_with_the_policy_and_reported_without_it() {
    let captured = capture();
    run(async {
        let elsewhere = servers::http().await;
        let first = servers::http().await;
        let url = format!("{first}/redirect?{elsewhere}/200?token=canary-1");
        let careful = reqwest::Client::builder().no_proxy().redirect(same_host_redirects());
        let careful = with_context(careful.build().expect("a client"), ContextMiddleware::new());
        let usual = with_context(client(), ContextMiddleware::new());
        let context = RequestContext::with_id("r-7");
        let statuses = context.scope(async {
            let careful = careful.get(&url).send().await.expect("a response").status().as_u16();
            assert!(captured.events("redirect_followed").is_empty(), "{captured:?}");
            (careful, usual.get(&url).send().await.expect("a response").status().as_u16())
        });
        assert_eq!(statuses.await, (302, 200));
    });
    check_lines(&captured);
    assert_eq!(captured.events("redirect_followed").len(), 1, "{captured:?}");
}
