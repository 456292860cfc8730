//! Retries with reqwest-retry, reported in a middleware after it: `LOG_LEVEL=debug cargo run --example retry_reqwest`.

use std::time::Duration;

use candor::http::ContextMiddleware;
use candor::{RequestContext, dependency, dependency_call};
use candor_examples::flaky;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

/// Runs once for each attempt, and reports each attempt but the first as a retry.
struct CountRetries;

/// Marks a request that was sent before. Extensions are kept when a request is sent again.
#[derive(Clone)]
struct WasSent;

#[async_trait::async_trait]
impl Middleware for CountRetries {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut axum::http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        if extensions.insert(WasSent).is_some() {
            dependency::current().retry();
        }
        next.run(request, extensions).await
    }
}

fn client(retries: u32) -> reqwest::Result<ClientWithMiddleware> {
    let delays = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(5), Duration::from_millis(20))
        .build_with_max_retries(retries);
    let client = reqwest::Client::builder().no_proxy().build()?;
    Ok(ClientBuilder::new(client)
        .with(RetryTransientMiddleware::new_with_policy(delays))
        .with(CountRetries)
        .with(ContextMiddleware::new())
        .build())
}

/// One call with the retries of the client.
#[dependency_call("stock", method = "GET", url = url)]
async fn look_up(client: &ClientWithMiddleware, url: &str) -> reqwest_middleware::Result<Response> {
    client.get(url).send().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?;
    // The query, which holds a secret, is not in the line.
    let url = format!("{}/items/tea?api_key=k-5a5a5a5a5a", flaky::serve()?);
    let (patient, hasty) = (client(3)?, client(1)?);
    RequestContext::with_id("stock-check")
        .scope(async {
            candor::info!("three attempts, the last one succeeds");
            let _ = look_up(&patient, &url).await;
            candor::info!("two attempts, both fail");
            let _ = look_up(&hasty, &url).await;
        })
        .await;
    Ok(())
}
