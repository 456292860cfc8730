//! Requests on several threads, with random cancellations and panics: no line is lost or doubled, and no line belongs to
//! another request.

use std::collections::HashMap;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use candor::prelude::*;
use candor::{Config, RequestContext, context, dependency_call, step_timed};
use candor_tests::rounds;
use serde::Deserialize;
use tokio::task::{spawn_blocking, yield_now};
use tracing::Dispatch;
use tracing::dispatcher::{set_default, with_default};

fn requests() -> u64 {
    rounds(100_000) as u64
}

/// Requests that started to run, and steps and calls whose bodies were entered.
static REQUESTS_BEGUN: AtomicU64 = AtomicU64::new(0);
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// The faults of one part of a request, derived from the request's number, so that a run can be repeated.
#[derive(Clone, Copy)]
struct Faults(u64);

impl Faults {
    fn of(request: u64, piece: u64) -> Self {
        let mut hash = request.wrapping_mul(31).wrapping_add(piece).wrapping_add(1);
        for _ in 0..3 {
            hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        Faults(hash >> 17)
    }

    fn one_in(self, n: u64) -> bool {
        self.0.is_multiple_of(n)
    }
}

/// Counts an entered body, and unwinds at random.
fn enter_body(faults: Faults) {
    BEGUN.fetch_add(1, Relaxed);
    if faults.one_in(23) {
        // `resume_unwind` skips the panic hook, whose lines are not counted here.
        resume_unwind(Box::new("stress"));
    }
}

#[step_timed(fields(n))]
async fn handle(n: u64) -> Result<(), ()> {
    REQUESTS_BEGUN.fetch_add(1, Relaxed);
    enter_body(Faults(1));
    let child = tokio::spawn(load(n, 1).in_context());
    if Faults::of(n, 2).one_in(5) {
        child.abort();
    }
    let thread =
        Faults::of(n, 3).one_in(16).then(|| spawn_blocking(context::carry(move || check(n))));
    tokio::select! {
        biased;
        _ = load(n, 4) => {}
        () = wait(Faults::of(n, 5).0 % 4) => {}
    }
    let _ = tokio::join!(charge(n), wait(Faults::of(n, 6).0 % 3).timed("joined"));
    let _ = child.await;
    if let Some(thread) = thread {
        let _ = thread.await;
    }
    if Faults::of(n, 7).one_in(3) { Err(()) } else { Ok(()) }
}

#[step_timed(fields(n))]
fn check(n: u64) {
    enter_body(Faults::of(n, 8));
}

#[step_timed(fields(n))]
async fn load(n: u64, piece: u64) {
    enter_body(Faults::of(n, piece));
    wait(Faults::of(n, piece + 10).0 % 5).await;
    check(n);
}

#[dependency_call("payments", fields(n))]
async fn charge(n: u64) -> Result<(), io::Error> {
    enter_body(Faults::of(n, 9));
    wait(Faults::of(n, 19).0 % 3).await;
    if Faults::of(n, 29).one_in(7) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

async fn wait(times: u64) {
    for _ in 0..times {
        yield_now().await;
    }
}

struct Lines(Sender<Vec<u8>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    request_id: &'a str,
    seq: u64,
    step_id: Option<u64>,
    event: &'a str,
    step: Option<&'a str>,
    outcome: &'a str,
    n: Option<u64>,
}

/// The lines and steps seen of a request, as bit sets.
#[derive(Default)]
struct Seen {
    lines: u64,
    steps: u64,
}

fn insert(set: &mut u64, number: u64, what: &str) {
    assert!((1..64).contains(&number), "{what} {number}");
    assert_eq!(*set & (1 << number), 0, "{what} {number} twice");
    *set |= 1 << number;
}

#[derive(Default)]
struct Tally {
    requests: u64,
    /// Lines of steps whose bodies are counted in `BEGUN`.
    bodies: u64,
    outcomes: HashMap<String, u64>,
}

fn read(lines: &Receiver<Vec<u8>>) -> Tally {
    let mut tally = Tally::default();
    let mut requests: HashMap<String, Seen> = HashMap::new();
    for bytes in lines {
        let text = str::from_utf8(&bytes).expect("UTF-8");
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "one line: {text:?}");
        let line: Line<'_> = serde_json::from_str(text).expect("JSON");
        let request = requests.entry(line.request_id.to_owned()).or_default();
        insert(&mut request.lines, line.seq, "line");
        let step = line.step_id.expect("in a request");
        insert(&mut request.steps, step, "step");
        if line.step != Some("joined") {
            tally.bodies += 1;
            assert_eq!(line.n.map(|n| format!("r{n}")).as_deref(), Some(line.request_id));
        }
        *tally.outcomes.entry(format!("{} {}", line.event, line.outcome)).or_default() += 1;
    }
    tally.requests = requests.len() as u64;
    for (id, seen) in requests {
        // Numbers from 1 without a gap are all bits of a mask.
        assert_eq!(seen.lines & (seen.lines + 2), 0, "lines of {id}: {:b}", seen.lines);
        assert_eq!(seen.lines, seen.steps, "each step of {id} has its line");
    }
    tally
}

#[test]
fn no_line_is_lost_or_doubled_and_contexts_do_not_mix() {
    let (sender, receiver) = channel();
    let reader = thread::spawn(move || read(&receiver));
    let subscriber = Config::new().writer(Lines(sender)).subscriber().expect("a configuration");
    let dispatch = Dispatch::new(subscriber);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .on_thread_start({
            let dispatch = dispatch.downgrade();
            move || {
                let dispatch = dispatch.upgrade().expect("alive while the runtime is");
                // The subscriber stays set for the life of the thread.
                std::mem::forget(set_default(&dispatch));
            }
        })
        .build()
        .expect("a runtime");
    with_default(&dispatch, || {
        runtime.block_on(async {
            for first in (0..requests()).step_by(100) {
                let requests: Vec<_> = (first..first + 100)
                    .map(|n| {
                        let request = RequestContext::with_id(&format!("r{n}"));
                        tokio::spawn(request.scope(handle(n)))
                    })
                    .collect();
                for (n, request) in (first..).zip(requests) {
                    if Faults::of(n, 40).one_in(6) {
                        request.abort();
                    }
                    let _ = request.await;
                }
            }
        });
    });
    // Tasks that were not awaited are dropped with their runtime.
    drop(runtime);
    drop(dispatch);
    let tally = reader.join().expect("the lines are right");
    assert_eq!(tally.requests, REQUESTS_BEGUN.load(Relaxed));
    assert_eq!(tally.bodies, BEGUN.load(Relaxed));
    assert!(tally.requests > requests() / 2);
    for outcome in ["ok", "error", "cancelled", "panicked"] {
        for event in ["step_timing", "dependency_call"] {
            let seen = tally.outcomes.get(&format!("{event} {outcome}")).copied().unwrap_or(0);
            assert!(seen > 0, "no {event} {outcome} among {:?}", tally.outcomes);
        }
    }
}
