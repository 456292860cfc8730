//! A worker that flushes its lines when it is stopped.
//!
//! ```sh
//! cargo run --example shutdown & sleep 1; pkill -TERM -x shutdown
//! ```
//!
//! A background thread writes the lines. Ctrl-C, or the signal that container runtimes send (SIGTERM), ends the loop.
//! The flush then waits until the thread has written all lines.

use std::process::ExitCode;
use std::time::Duration;

use candor::{Config, Overload, step_timed};

/// Capacity of the queue, in lines.
const QUEUE: usize = 10_000;

/// Less than the time that an orchestrator waits between SIGTERM and SIGKILL.
const LAST_LINES: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let logging = Config::from_env()?.background(QUEUE, Overload::Drop).init()?;
    let mut signal = std::pin::pin!(stop_signal()?);
    let mut done = 0_u64;
    loop {
        tokio::select! {
            biased;
            () = &mut signal => break,
            () = next_piece() => {
                work(done);
                done += 1;
            }
        }
    }
    candor::info!(done, "stopping");
    let unwritten = logging.flush(LAST_LINES);
    Ok(if unwritten == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stand-in for waiting for a message of a queue.
async fn next_piece() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[step_timed(fields(piece))]
fn work(piece: u64) {
    candor::info!("worked on {piece}");
}

/// Ready when the process gets SIGTERM or SIGINT.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
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
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler for the signal, the loop goes on until the process is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
