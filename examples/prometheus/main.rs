//! A service with metrics that sends itself requests.
//!
//! It then waits for Prometheus to scrape it.
//!
//! ```sh
//! LOG_METRICS=1 LOG_FILE=service.log cargo run --example prometheus -- 127.0.0.1:19091 2000
//! curl -s http://127.0.0.1:19091/metrics
//! ```
//!
//! Some requests fail, some panic, and some are cancelled because the client disconnects. The service prints `ready`
//! when all of them have completed. It ends on Ctrl-C or SIGTERM, or after five minutes.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use candor::http::RequestLayer;
use candor::metrics::{self, openmetrics};
use candor::{dependency_call, step_timed};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Number of concurrent requests.
const CLIENTS: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:19091".to_owned());
    let count = arguments.next().unwrap_or_else(|| "2000".to_owned());
    let (Ok(address), Ok(count)) = (address.parse(), count.parse()) else {
        eprintln!(
            "prometheus: expected an address and a number of requests, but got `{address}` and `{count}`"
        );
        return ExitCode::from(2);
    };
    match run(address, count).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prometheus: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(address: SocketAddr, count: u32) -> Result<(), Box<dyn Error>> {
    let _logging = candor::init()?;
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(axum::serve(listener, router()).into_future());

    send_all(address, count).await?;
    candor::job("tidy-up").run(tidy_up);
    // If a client has disconnected, its request completes a moment later.
    sleep(Duration::from_millis(500)).await;
    println!("ready");

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = sleep(Duration::from_mins(5)) => {}
    }
    Ok(())
}

fn router() -> Router {
    let service = Router::new().route("/orders/{id}", get(order)).layer(RequestLayer::new());
    // Added outside the layer, so that scrapes are not counted.
    let show = get(async || ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], openmetrics()));
    service.route("/metrics", show)
}

async fn order(Path(id): Path<u32>) -> StatusCode {
    let Some(order) = load(id) else { return StatusCode::NOT_FOUND };
    if id % 50 == 7 {
        // Cancelled: the client does not wait that long.
        sleep(Duration::from_mins(1)).await;
    }
    match charge(order).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[step_timed]
fn load(id: u32) -> Option<u32> {
    if id % 100 == 13 {
        // Like a panic, but without the output of the panic hook.
        resume_unwind(Box::new("no such shelf"));
    }
    (!id.is_multiple_of(10)).then_some(id)
}

/// Stand-in for the client of a second service.
#[dependency_call("payments")]
async fn charge(order: u32) -> io::Result<()> {
    sleep(Duration::from_millis(u64::from(order % 4))).await;
    if order % 20 == 9 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

#[step_timed]
fn tidy_up() {
    std::thread::sleep(Duration::from_millis(1));
}

async fn send_all(address: SocketAddr, count: u32) -> Result<(), Box<dyn Error>> {
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let next = Arc::clone(&next);
        clients.spawn(async move {
            let client = Client::new();
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                if id >= count {
                    return;
                }
                let request = client
                    .get(format!("http://{address}/orders/{id}"))
                    .header("x-request-id", format!("order-{id}"));
                let patience = Duration::from_millis(if id % 50 == 7 { 20 } else { 10_000 });
                // The log has the result.
                let _ = timeout(patience, request.send()).await;
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client?;
    }
    Ok(())
}
