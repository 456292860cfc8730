//! Responses and errors of reqwest.

use std::time::Duration;

use anyhow::Context as _;
use candor::dependency_call;
use candor::testing::capture;
use candor_tests::checked;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::answers;

/// A server that responds with the bytes registered for the requested path.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 4096];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let path = asked
                    .split(' ')
                    .nth(1)
                    .unwrap_or("/")
                    .split('?')
                    .next()
                    .unwrap_or("/")
                    .to_owned();
                let answer = match path.as_str() {
                    "/402" => {
                        "HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    }
                    "/503" => {
                        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    }
                    "/slow" => {
                        tokio::time::sleep(Duration::from_mins(1)).await;
                        ""
                    }
                    "/close" => "",
                    "/half" => {
                        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"half"
                    }
                    _ => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope",
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

#[dependency_call("client", method = "GET", url = url)]
async fn get(client: &reqwest::Client, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    client.get(url).send().await
}

#[dependency_call("client", url = url)]
async fn get_ok(client: &reqwest::Client, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    client.get(url).send().await?.error_for_status()
}

#[dependency_call("client", url = url)]
async fn get_json(client: &reqwest::Client, url: &str) -> Result<u32, reqwest::Error> {
    client.get(url).send().await?.json().await
}

#[dependency_call("client", url = url)]
async fn get_anyhow(client: &reqwest::Client, url: &str) -> anyhow::Result<u32> {
    client
        .get(url)
        .send()
        .await
        .context("asking")?
        .error_for_status()?
        .json()
        .await
        .context("reading")
}

#[dependency_call("client", url = url)]
async fn get_middleware(
    client: &reqwest_middleware::ClientWithMiddleware,
    url: &str,
) -> reqwest_middleware::Result<reqwest::Response> {
    client.get(url).send().await
}

#[test]
fn reqwest_responses_and_errors_are_classified() {
    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let base = serve().await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let hasty = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(200));
        let hasty = hasty.build().expect("a client");
        let asked = |path: &str| format!("{base}{path}?api_key=canary-key-1");

        get(&client, &asked("/200")).await.expect("a response");
        get(&client, &asked("/402")).await.expect("a response");
        get(&client, &asked("/503")).await.expect("a response");
        get_ok(&client, &asked("/402")).await.expect_err("a status");
        get_ok(&client, &asked("/503")).await.expect_err("a status");
        get(&hasty, &asked("/slow")).await.expect_err("a timeout");
        get_json(&client, &asked("/200")).await.expect_err("no JSON");
        get_json(&client, &asked("/half")).await.expect_err("half a body");
        get(&client, &asked("/close")).await.expect_err("no answer");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let nobody =
            format!("http://{}/?api_key=canary-key-2", listener.local_addr().expect("an address"));
        drop(listener);
        get(&client, &nobody).await.expect_err("refused");
        get_anyhow(&client, &nobody).await.expect_err("refused");
        get_anyhow(&client, &asked("/402")).await.expect_err("a status");
        let wrapped = reqwest_middleware::ClientWithMiddleware::from(client.clone());
        get_middleware(&wrapped, &nobody).await.expect_err("refused");
        get(&client, "http://no-such-host.invalid/").await.expect_err("no name");
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let wanted = [
        "200 - ok INFO",
        "402 status ok WARN",
        "503 status error ERROR",
        "402 status error WARN",
        "503 status error ERROR",
        "- timeout error ERROR",
        "- decode error ERROR",
        "- decode error ERROR",
        "- connect error ERROR",
        "- connect error ERROR",
        "- connect error ERROR",
        "402 status error WARN",
        "- connect error ERROR",
        "- dns error ERROR",
    ];
    assert_eq!(answers(&captured, "client"), wanted, "{captured:?}");
}

#[test]
fn reqwest_errors_are_classified_in_every_wrapper() {
    #[derive(Debug, thiserror::Error)]
    enum ShopError {
        #[error("the shop did not answer")]
        Call(#[from] reqwest::Error),
        #[error(transparent)]
        Same(Box<reqwest::Error>),
        #[error("the shop did not answer in the end")]
        Retried(#[source] reqwest_middleware::Error),
    }

    #[dependency_call("client")]
    async fn own(client: &reqwest::Client, url: &str) -> Result<u8, ShopError> {
        client.get(url).send().await?.error_for_status()?;
        Ok(7)
    }

    #[dependency_call("client")]
    async fn transparent(client: &reqwest::Client, url: &str) -> Result<u8, ShopError> {
        client.get(url).send().await.map_err(|error| ShopError::Same(Box::new(error)))?;
        Ok(7)
    }

    #[dependency_call("client")]
    async fn retried(client: &reqwest::Client, url: &str) -> Result<u8, ShopError> {
        let client = reqwest_middleware::ClientWithMiddleware::from(client.clone());
        client.get(url).send().await.map_err(ShopError::Retried)?;
        Ok(7)
    }

    #[dependency_call("client")]
    async fn eyre(client: &reqwest::Client, url: &str) -> eyre::Result<u8> {
        client.get(url).send().await?.error_for_status()?;
        Ok(7)
    }

    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let base = serve().await;
        let hasty = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(200));
        let hasty = hasty.build().expect("a client");
        let asked = |path: &str| format!("{base}{path}?api_key=canary-key-1");
        own(&hasty, &asked("/slow")).await.expect_err("late");
        transparent(&hasty, &asked("/slow")).await.expect_err("late");
        retried(&hasty, &asked("/slow")).await.expect_err("late");
        let _ = eyre(&hasty, &asked("/slow")).await.expect_err("late");
        own(&hasty, &asked("/402")).await.expect_err("a status");
        let _ = eyre(&hasty, &asked("/503")).await.expect_err("a status");
        transparent(&hasty, &asked("/close")).await.expect_err("closed");
        retried(&hasty, &asked("/close")).await.expect_err("closed");
        transparent(&hasty, "http://no-such-host.invalid/").await.expect_err("no name");
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let wanted = [
        "- timeout error ERROR",
        "- timeout error ERROR",
        "- timeout error ERROR",
        "- timeout error ERROR",
        "402 status error WARN",
        "503 status error ERROR",
        "- connect error ERROR",
        "- connect error ERROR",
        "- dns error ERROR",
    ];
    assert_eq!(answers(&captured, "client"), wanted, "{captured:?}");
}

#[test]
fn the_query_of_a_url_in_an_error_is_hidden_even_with_harmless_names() {
    #[derive(Debug, thiserror::Error)]
    #[error("asking failed, {0}, and that is all; in short {0}")]
    struct Told(reqwest::Error);

    #[dependency_call("client")]
    async fn get(url: &str) -> reqwest::Result<reqwest::Response> {
        reqwest::Client::builder().no_proxy().build()?.get(url).send().await
    }

    #[dependency_call("client")]
    async fn told(url: &str) -> Result<u8, Told> {
        get(url).await.map_err(Told)?;
        Ok(7)
    }

    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let nobody = listener.local_addr().expect("an address");
        drop(listener);
        let url =
            format!("http://canary-1:canary-2@{nobody}/items?q=(canary-3)&n=canary-4#canary-5");
        told(&url).await.expect_err("refused");
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let details: Vec<_> = lines.iter().map(|line| line.text("error_detail")).collect();
    assert!(details[0].contains("/items): client error (Connect)"), "{details:?}");
    assert!(details[1].contains("/items), and that is all; in short"), "{details:?}");
    assert!(details[1].ends_with("/items)"), "{details:?}");
}
