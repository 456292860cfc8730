//! A worker that is told to end: it finishes what it has begun, and leaves no line behind.
//!
//! ```sh
//! cargo run --example shutdown & sleep 1; pkill -TERM -x shutdown
//! ```
//!
//! Its lines are written by a thread of its own. Ctrl-C, or the signal that container runtimes send
//! (SIGTERM), ends the loop; the flush waits until the thread has written all there is.

use std::process::ExitCode;
use std::time::Duration;

use candor::{Config, Overload, step_timed};

/// Lines that may wait for the output.
const QUEUE: usize = 10_000;

/// Well within the time an orchestrator leaves between the signal and the end.
const LAST_LINES: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let logging = Config::from_env()?.background(QUEUE, Overload::Drop).init()?;
    let mut end = std::pin::pin!(told_to_end()?);
    let mut done = 0_u64;
    loop {
        tokio::select! {
            biased;
            () = &mut end => break,
            () = next_piece() => {
                work(done);
                done += 1;
            }
        }
    }
    candor::info!(done, "told to end");
    let left = logging.flush(LAST_LINES);
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a queue would be asked.
async fn next_piece() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[step_timed(fields(piece))]
fn work(piece: u64) {
    candor::info!("worked on {piece}");
}

/// Ready when the process is asked to end.
#[cfg(unix)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a signal there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
