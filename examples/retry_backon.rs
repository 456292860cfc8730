//! Retries with backon, reported in its `notify` hook: `LOG_LEVEL=debug cargo run --example retry_backon`.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable as _};
use candor::{RequestContext, dependency, dependency_call};
use candor_examples::flaky;

/// One call with up to `retries` retries.
#[dependency_call("stock", method = "GET", url = url)]
async fn look_up(client: &reqwest::Client, url: &str, retries: usize) -> reqwest::Result<u32> {
    let ask = || async {
        let response = client.get(url).send().await?;
        // The returned number does not contain the status.
        dependency::current().set_status(response.status().as_u16());
        response.error_for_status()?.json().await
    };
    let delays =
        ConstantBuilder::new().with_delay(Duration::from_millis(10)).with_max_times(retries);
    ask.retry(delays).notify(|_, _| dependency::current().retry()).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?;
    // The query, which holds a secret, is not in the line.
    let url = format!("{}/items/tea?api_key=k-5a5a5a5a5a", flaky::serve()?);
    let client = reqwest::Client::builder().no_proxy().build()?;
    RequestContext::with_id("stock-check")
        .scope(async {
            candor::info!("three attempts, the last one succeeds");
            let _ = look_up(&client, &url, 3).await;
            candor::info!("two attempts, both fail");
            let _ = look_up(&client, &url, 1).await;
        })
        .await;
    Ok(())
}
