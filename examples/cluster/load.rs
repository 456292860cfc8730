//! Load generator for the cluster: sends many requests to a small service, over real sockets.
//!
//! ```sh
//! LOG_FILE=load.log cargo run --example load -- 10000
//! ```
//!
//! A request writes four lines: two steps, a call and `request_completed`. One request in a hundred fails. The ids of
//! the requests are `load-0`, `load-1` and so on, so that a missing request is noticed.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use candor::http::RequestLayer;
use candor::{dependency_call, step_timed};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Number of concurrent requests.
const CLIENTS: usize = 16;

#[tokio::main]
async fn main() -> ExitCode {
    let count = std::env::args().nth(1).unwrap_or_else(|| "10000".to_owned());
    let Ok(count) = count.parse() else {
        eprintln!("load: the number of requests must be a whole number, not `{count}`");
        return ExitCode::from(2);
    };
    match run(count).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(count: u32) -> Result<(), Box<dyn Error>> {
    let _logging = candor::init()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/quotes/{number}", get(quote)).layer(RequestLayer::new());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        // An error means that the sender was dropped, which ends the server too.
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());

    send_all(address, count).await?;
    drop(stop);
    // The last lines are written when the connections close.
    server.await??;
    eprintln!("load: {count} requests, {} lines", candor::stats().emitted);
    Ok(())
}

/// Sends the requests and checks their status.
async fn send_all(address: SocketAddr, count: u32) -> Result<(), Box<dyn Error>> {
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let next = Arc::clone(&next);
        clients.spawn(async move {
            let client = Client::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let request = client
                    .get(format!("http://{address}/quotes/{number}"))
                    .header("x-request-id", format!("load-{number}"));
                let status = request.send().await.map_err(|error| error.to_string())?.status();
                let expected = if is_sold_out(number) {
                    StatusCode::SERVICE_UNAVAILABLE
                } else {
                    StatusCode::OK
                };
                if status != expected {
                    return Err(format!(
                        "request {number} has the status {status}, not {expected}"
                    ));
                }
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

async fn quote(Path(number): Path<u32>) -> Result<String, StatusCode> {
    match make_quote(number).await {
        Ok(cents) => Ok(cents.to_string()),
        Err(SoldOut) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

#[step_timed(fields(number))]
async fn make_quote(number: u32) -> Result<u32, SoldOut> {
    let cents = price(number);
    reserve(number).await?;
    Ok(cents)
}

#[step_timed(fields(number), ret)]
fn price(number: u32) -> u32 {
    100 + number % 900
}

/// Stand-in for the client of a second service.
#[dependency_call("stock", method = "POST", fields(number))]
async fn reserve(number: u32) -> Result<(), SoldOut> {
    tokio::task::yield_now().await;
    if is_sold_out(number) { Err(SoldOut) } else { Ok(()) }
}

fn is_sold_out(number: u32) -> bool {
    number % 100 == 99
}

#[derive(Debug)]
struct SoldOut;

impl std::fmt::Display for SoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the article is sold out")
    }
}

impl Error for SoldOut {}
