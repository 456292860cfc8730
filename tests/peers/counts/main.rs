//! Repeats one operation, so that `counts.sh` can count its instructions: `candor-counts step 1000`. The
//! difference between two numbers of repetitions is the cost of the operation without that of starting.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use candor::http::RequestLayer;
use candor::policy::clear;
use candor::{Config, Format, RequestContext, context, redact, step_timed};
use http::{Request, Response};
use http_body::{Body, Frame};
use tower_layer::Layer as _;
use tower_service::Service;
use tracing::Dispatch;
use tracing::dispatcher::with_default;

/// Its name, the level directive, and the operation, which is called with a number.
type Operation = (&'static str, &'static str, fn(u64));

const OPERATIONS: [Operation; 15] = [
    ("step", "info", step),
    ("step_off", "off", step),
    ("step_only_error", "warn", fallible_step),
    ("step_in_step", "info", step_in_step),
    ("async_step", "info", async_step),
    ("dependency", "info", dependency),
    ("request", "info", request),
    ("event", "info", event),
    ("event_off", "off", event),
    ("redact", "off", redaction),
    ("text", "off", text),
    ("bare", "off", bare),
    ("span_registry", "info", span),
    ("span_off", "info", span),
    ("span_step", "info", span),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let times = arguments.next().and_then(|times| times.parse().ok());
    let operation = OPERATIONS.iter().find(|(known, ..)| *known == name);
    let (Some((_, level, operation)), Some(times)) = (operation, times) else {
        let names = OPERATIONS.map(|(name, ..)| name);
        eprintln!("expected one of {names:?} and a number of repetitions");
        return ExitCode::from(2);
    };
    match repeat(&name, level, *operation, times) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("operation `{name}`: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn repeat(
    name: &str,
    level: &str,
    operation: fn(u64),
    times: u64,
) -> Result<(), candor::ConfigError> {
    let spans = if name == "span_step" { "info" } else { "off" };
    let subscriber = Config::new()
        .time_spans(spans)?
        .level(level)?
        .format(Format::Json)
        .writer(Null)
        .lines_per_request(u64::MAX)
        .subscriber()?;
    let dispatch = match name {
        "span_registry" => Dispatch::new(tracing_subscriber::registry()),
        _ => Dispatch::new(subscriber),
    };
    with_default(&dispatch, || {
        let request = RequestContext::with_id("0195f3a2-7c1e-7a40-9d52-3f6b8e21c704");
        request.with_method("POST").with_path("/v1/orders/checkout").enter_with(|| {
            context::set_user(clear("u-1042"));
            // candor's clock switches to the processor's counter once it has measured its rate.
            operation(1_000_000);
            std::thread::sleep(Duration::from_millis(1100));
            operation(1_000_000);
            // From here on every number has the same number of digits, and costs the same instructions.
            (1_000_000..1_000_000 + times).for_each(operation);
        });
    });
    Ok(())
}

struct Null;

impl Write for Null {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[step_timed(fields(order_id = order_id))]
#[inline(never)]
fn charge(order_id: u64) -> u64 {
    black_box(order_id)
}

fn step(order_id: u64) {
    black_box(charge(order_id));
}

#[step_timed]
#[inline(never)]
fn check_out(order_id: u64) -> u64 {
    charge(order_id)
}

fn step_in_step(order_id: u64) {
    black_box(check_out(order_id));
}

#[step_timed]
async fn look_up(order_id: u64) -> u64 {
    black_box(order_id)
}

fn async_step(order_id: u64) {
    black_box(answer_of(look_up(order_id)).is_ready());
}

/// A span of `tracing`: a step in `span_step`, seen by candor in `span_off`, and by a registry alone in
/// `span_registry`.
fn span(order_id: u64) {
    let span = tracing::info_span!("charge", order_id);
    black_box(span.in_scope(|| black_box(order_id)));
}

/// Polls a future that is ready at once.
fn answer_of<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[step_timed]
#[inline(never)]
fn try_charge(order_id: u64) -> Result<u64, io::Error> {
    Ok(black_box(order_id))
}

fn fallible_step(order_id: u64) {
    black_box(try_charge(order_id).is_ok());
}

#[candor::dependency_call("payments", method = "POST", url = "https://pay.example/v1/charges")]
#[inline(never)]
fn call(order_id: u64) -> Result<u64, io::Error> {
    Ok(black_box(order_id))
}

fn dependency(order_id: u64) {
    black_box(call(order_id).is_ok());
}

/// A service without log output.
struct Silent;

impl Service<Request<()>> for Silent {
    type Response = Response<Nothing>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Nothing>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Nothing)))
    }
}

struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// The HTTP layer around it, including its line and the creation of the layer.
fn request(_: u64) {
    let asked = Request::post("/v1/orders/checkout").header("host", "localhost").body(());
    if let Ok(asked) = asked {
        let mut service = RequestLayer::new().stuck_after(None).layer(Silent);
        black_box(answer_of(service.call(asked)).is_ready());
    }
}

#[inline(never)]
fn plain(order_id: u64) -> u64 {
    black_box(order_id)
}

/// A message without secrets.
fn text(_: u64) {
    const CLEAN: &str = "Job 1042 was accepted by the payment provider and passed on to the warehouse, after \
                         the address had been looked up and the stock was reserved; the customer gets an \
                         e-mail once it has left, not before.";
    black_box(candor::scrub::text(black_box(CLEAN)));
}

/// The baseline of `step_off`.
fn bare(order_id: u64) {
    black_box(plain(order_id));
}

fn event(order_id: u64) {
    tracing::info!(order_id, items = 3, currency = "EUR", "order accepted");
}

#[redact]
struct Payment {
    order_id: u64,
    items: u32,
    express: bool,
    amount: f64,
    #[redact(clear)]
    currency: &'static str,
    #[redact(mask(last = 4))]
    card: &'static str,
    #[redact(email)]
    email: &'static str,
    #[allow(dead_code, reason = "a secret is not even read")]
    password: &'static str,
}

fn redaction(order_id: u64) {
    thread_local! {
        static OUT: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
    }
    let payment = Payment {
        order_id,
        items: 3,
        express: true,
        amount: 129.95,
        currency: "EUR",
        card: "4242424242424242",
        email: "ada.lovelace@example.com",
        password: "correct horse battery staple",
    };
    OUT.with_borrow_mut(|out| {
        out.clear();
        candor::loggable::write_json(black_box(&payment), out);
        black_box(out.as_str());
    });
}
