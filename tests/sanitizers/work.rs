//! What the threads do.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use candor::http::{FlightRecorder, PeerAddr, RequestLayer, Trust};
use candor::policy::{clear, mask};
use candor::prelude::*;
use candor::{
    Logging, RequestContext, audit, context, dependency_call, job, redact, step, step_guard,
    step_timed,
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::task::{spawn_blocking, yield_now};
use tower::{ServiceExt as _, service_fn};
use tower_layer::Layer as _;

/// Requests on one thread, and on short threads that it starts.
pub(super) fn on_threads(thread: u64, until: Instant, requests: &AtomicU64) {
    let mut n = 0;
    while Instant::now() < until {
        request(thread, n);
        n += 1;
        requests.fetch_add(1, Relaxed);
    }
}

thread_local! {
    /// Logs while the locals of its thread are destroyed.
    static AT_EXIT: RefCell<Option<LogsOnDrop>> = const { RefCell::new(None) };
}

struct LogsOnDrop(u64);

impl Drop for LogsOnDrop {
    fn drop(&mut self) {
        // Without the locals of candor, a line has no request.
        RequestContext::with_id(&format!("r-{}", self.0)).enter_with(|| {
            step("at_exit", || candor::info!(thread = self.0, "the thread ends"));
        });
    }
}

/// One request, whose lines have its number.
pub(super) fn request(thread: u64, round: u64) {
    let n = round * 16 + thread;
    let request = RequestContext::with_id(&format!("r-{n}")).with_path("/orders/7?token=canary");
    request.enter_with(|| {
        context::set_user(clear(&format!("u-{n}")));
        context::set("n", clear(&n));
        for at in 0..4 {
            let _ = catch_unwind(AssertUnwindSafe(|| order(n, round * 4 + at)));
        }
        let guards = (step_guard("outer"), step_guard("inner"));
        // Out of order.
        drop(guards.0);
        drop(guards.1);
        if round.is_multiple_of(16) {
            let _ = audit!(n, card = mask("4242424242424242").last(4), "charged");
            let carried = context::carry(move || order(n, round));
            let short = thread::spawn(move || {
                AT_EXIT.with_borrow_mut(|at_exit| *at_exit = Some(LogsOnDrop(n)));
                let _ = catch_unwind(AssertUnwindSafe(carried));
            });
            let _ = catch_unwind(|| order(n, round + 1));
            short.join().expect("no panic");
        }
    });
    // A guard that is dropped after a later one.
    if round.is_multiple_of(7) {
        let (one, other) =
            (request.enter(), RequestContext::with_id(&format!("r-{}", n + 1)).enter());
        drop(one);
        candor::debug!(n = n + 1, "in the other request");
        drop(other);
    }
    drop_after_polls(&request, n, round);
    job("refresh").run(|| step("refreshed", || tracing::info!(round, "a job")));
}

/// Polls a future on this thread a few times, and then drops it.
fn drop_after_polls(request: &RequestContext, n: u64, round: u64) {
    let future = request.clone().scope(async move { load(n, 5).await.is_ok() });
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..round % 5 {
        if let Poll::Ready(is_ok) = future.as_mut().poll(&mut context) {
            black_box(is_ok);
            break;
        }
    }
}

/// A value with policies, whose `Debug` panics now and then.
#[redact]
struct Order {
    #[redact(clear)]
    n: u64,
    #[redact(mask(last = 4))]
    card: String,
    #[redact(secret)]
    note: String,
}

struct Panics(bool);

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 {
            resume_unwind(Box::new("a value gives up"));
        }
        f.write_str("fine")
    }
}

/// A value that logs itself while it is formatted.
struct Logs(u64);

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        candor::debug!(n = self.0, "formatted");
        tracing::info!(n = self.0, "formatted");
        f.write_str("itself")
    }
}

/// A text of each length in turn, in an allocation of exactly its size, so that a read beyond its end is found.
fn text(at: u64) -> Box<str> {
    const WORDS: &str = "words, password=canary, token: canary, 4111 1111 1111 1111 and a@b.example, \
                         https://u:canary@host/path?token=canary, and words once more until its end. ";
    let [first, copies, last] =
        [at % 7, at / 97 % 4, at % 97].map(|it| usize::try_from(it).expect("small"));
    [&"p ".repeat(first), &WORDS.repeat(copies), &*"x".repeat(last)].concat().into_boxed_str()
}

#[step_timed(fields(n, at))]
fn order(n: u64, at: u64) -> Result<u64, io::Error> {
    let order = Order { n, card: "4242424242424242".to_owned(), note: "canary".repeat(3) };
    black_box(&order.note);
    candor::info!(n, order, "ordered {} times", at);
    tracing::info!(n, text = &*text(at), "foreign {}", text(at + 1));
    tracing::warn!(n, value = ?Panics(at.is_multiple_of(31)), "a value");
    if at.is_multiple_of(17) {
        candor::info!(n, value = clear(&Logs(n).to_string()), "nested");
        tracing::info!(n, value = %Logs(n), "nested");
    }
    let _ = charge(n, at);
    priced(n, at)?;
    if at.is_multiple_of(23) {
        resume_unwind(Box::new("a step gives up"));
    }
    assert!(!at.is_multiple_of(1009), "a step gives up");
    Ok(at)
}

#[step_timed(level = "debug", slow = "1us")]
fn priced(n: u64, at: u64) -> Result<(), io::Error> {
    candor::record("n", n);
    tracing::debug!(n, "priced");
    if at % 5 == 1 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

#[dependency_call("payments", url = "https://pay.example/charges?token=canary", fields(n))]
fn charge(n: u64, at: u64) -> Result<(), io::Error> {
    candor::trace!(n, "charging");
    if at % 4 == 1 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
}

#[step_timed(fields(n))]
async fn load(n: u64, polls: u64) -> Result<u64, io::Error> {
    for _ in 0..polls {
        yield_now().await;
        priced(n, polls)?;
    }
    Ok(n)
}

/// Requests through the HTTP layer, on a runtime with four threads.
pub(super) fn on_runtime(until: Instant, requests: &AtomicU64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    let runtime = runtime.expect("a runtime");
    let recorder = FlightRecorder::new("sanitized=debug").expect("directives").lines(20);
    let layer = RequestLayer::new().sample(0.5).flight_recorder(recorder);
    let layer = layer.trust(Trust::new().network("10.0.0.0/8").expect("a network").lines(30));
    let layer = layer.fields(|request, fields| {
        if let Some(n) =
            request.headers.get("x-n").and_then(|n| n.to_str().ok()?.parse::<u64>().ok())
        {
            fields.set("n", n);
        }
    });
    let layer = Arc::new(layer);
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 10..16_u64 {
            let layer = Arc::clone(&layer);
            tasks.spawn(async move {
                let (mut round, mut done) = (0, 0);
                while Instant::now() < until {
                    through_layer(&layer, round * 16 + task, round).await;
                    round += 1;
                    done += 1;
                }
                done
            });
        }
        while let Some(done) = tasks.join_next().await {
            requests.fetch_add(done.expect("no panic"), Relaxed);
        }
    });
}

async fn through_layer(layer: &RequestLayer, n: u64, round: u64) {
    let mut request = Request::get("/work/7?token=canary")
        .header("x-request-id", format!("r-{n}"))
        .header("x-n", n);
    if round.is_multiple_of(5) {
        request = request.header("x-debug-log", "1");
    }
    let mut request = request.body(Full::<Bytes>::default()).expect("a request");
    request.extensions_mut().insert(PeerAddr(([10, 0, 0, 1], 1).into()));
    let service = layer.layer(service_fn(move |_: Request<Full<Bytes>>| handle(n, round)));
    let asked = tokio::spawn(async move {
        let answer: Response<_> =
            service.oneshot(request).await.unwrap_or_else(|never| match never {});
        let _ = answer.into_body().collect().await;
    });
    if round.is_multiple_of(6) {
        yield_now().await;
        asked.abort();
    }
    // Aborted, or a panic of the handler.
    let _ = asked.await;
}

#[step_timed(fields(n))]
async fn handle(n: u64, round: u64) -> Result<Response<Full<Bytes>>, Infallible> {
    let child = tokio::spawn(load(n, round % 4).in_context());
    let blocking = spawn_blocking(context::carry(move || drop(catch_unwind(|| order(n, round)))));
    let _ = load(n, 2).timed("timed").await;
    if round.is_multiple_of(9) {
        child.abort();
    }
    let _ = (child.await, blocking.await);
    if round % 13 == 1 {
        resume_unwind(Box::new("a handler gives up"));
    }
    let status = if round % 11 == 1 { 503 } else { 200 };
    Ok(Response::builder().status(status).body(Full::from("hello")).expect("a response"))
}

/// Changes settings and reads counts while the others log.
pub(super) fn beside(logging: &Logging, until: Instant) {
    let mut round = 0_u64;
    while Instant::now() < until {
        let levels = ["info", "debug,sanitized::work=trace", "warn", "info,sanitized=debug"];
        logging.set_levels(levels[usize::try_from(round % 4).expect("small")]).expect("directives");
        logging.raise_for(Duration::from_millis(3), "sanitized=trace").expect("directives");
        let stats = candor::stats();
        assert!(stats.emitted >= stats.written, "{stats}");
        black_box(stats.sites().len());
        black_box(candor::metrics::openmetrics().len());
        black_box(candor::testing::open_contexts());
        if round.is_multiple_of(8) {
            logging.flush(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(5));
        round += 1;
    }
}
