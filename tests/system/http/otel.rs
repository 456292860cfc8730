//! With a tracing-opentelemetry layer, lines and spans have the same ids.

use std::net::SocketAddr;

use candor::testing::capture;
use candor::{Config, Format, RequestContext};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// The exported spans and the captured lines.
struct Traced {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    captured: Captured,
    _default: tracing::subscriber::DefaultGuard,
}

impl Traced {
    fn begin() -> Self {
        Self::sampled(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    fn sampled(sampler: Sampler) -> Self {
        Self::filtered(sampler, |_| true)
    }

    /// With a filter on the spans that reach the OpenTelemetry layer.
    fn filtered(
        sampler: Sampler,
        wants: impl Fn(&tracing::Metadata<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        let captured = capture();
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(exporter.clone())
            .build();
        let config = Config::new().format(Format::Json).writer(std::io::sink());
        let config = config.level("debug").expect("levels");
        let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
        let subscriber = tracing_subscriber::registry()
            .with(config.layer().expect("a layer"))
            .with(otel.with_filter(FilterFn::new(wants)).with_filter(LevelFilter::INFO));
        let _default = tracing::subscriber::set_default(subscriber);
        Traced { exporter, provider, captured, _default }
    }

    fn spans(&self, name: &str) -> Vec<SpanData> {
        self.provider.force_flush().expect("exported");
        let spans = self.exporter.get_finished_spans().expect("spans");
        spans.into_iter().filter(|span| span.name == name).collect()
    }

    fn span(&self, name: &str) -> SpanData {
        let mut spans = self.spans(name);
        assert_eq!(spans.len(), 1, "{name}: {spans:?}");
        spans.remove(0)
    }

    /// Asserts that all lines have the ids of the only span of the request.
    fn agrees(&self) -> SpanData {
        let request = self.span("candor.request");
        let lines = self.captured.lines();
        assert!(lines.len() >= 2, "{:?}", self.captured);
        for line in lines {
            assert_eq!(line.text("trace_id"), request.span_context.trace_id().to_string());
            assert_eq!(line.text("span_id"), request.span_context.span_id().to_string());
        }
        request
    }
}

#[step_timed]
async fn charge() -> String {
    tracing::info!("charging");
    let headers = candor::http::outbound_headers();
    headers["traceparent"].to_str().expect("text").to_owned()
}

fn app() -> Router {
    Router::new().route("/", get(charge)).layer(RequestLayer::new())
}

fn continued(flags: &str) -> Request<Body> {
    with_header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
}

#[test]
fn a_request_without_a_trace_uses_the_ids_of_its_span() {
    let traced = Traced::begin();
    let (_, _, sent) = run(send(&app(), to("/")));
    let request = traced.agrees();
    assert!(request.parent_span_id == SpanId::INVALID);
    // The called service is a child of the calling step.
    let step = traced.span("charge");
    assert_eq!(step.parent_span_id, request.span_context.span_id());
    let (trace, span) = (step.span_context.trace_id(), step.span_context.span_id());
    assert_eq!(sent, format!("00-{trace}-{span}-01").as_bytes());
}

#[test]
fn the_span_of_a_request_is_a_child_of_the_callers_span() {
    let traced = Traced::begin();
    let mut request = continued("01");
    request.headers_mut().insert("tracestate", http::HeaderValue::from_static("vendor=x"));
    run(send(&app(), request));
    let request = traced.agrees();
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
    assert_eq!(request.parent_span_id.to_string(), PARENT);
    assert!(request.parent_span_is_remote);
    assert_eq!(request.span_context.trace_state().header(), "vendor=x");
}

/// A span as another layer creates it, with or without the caller's `traceparent`.
#[test]
fn a_span_around_the_request_is_its_parent_in_the_callers_trace() {
    use tracing::Instrument as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let traced = Traced::begin();
    run(run_here(to("/")).instrument(tracing::info_span!("outer")));
    let (request, outer) = (traced.agrees(), traced.span("outer"));
    assert_eq!(request.parent_span_id, outer.span_context.span_id());

    drop(traced);
    let traced = Traced::begin();
    let span = tracing::info_span!("outer");
    span.set_parent(opentelemetry::Context::new().with_remote_span_context(caller())).expect("new");
    run(run_here(continued("01")).instrument(span));
    let (request, outer) = (traced.agrees(), traced.span("outer"));
    assert_eq!(request.parent_span_id, outer.span_context.span_id());
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);

    drop(traced);
    let traced = Traced::begin();
    run(run_here(continued("01")).instrument(tracing::info_span!("outer")));
    let request = traced.agrees();
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
    assert_eq!(request.parent_span_id.to_string(), PARENT);
}

fn caller() -> SpanContext {
    SpanContext::new(
        TraceId::from_hex(TRACE).expect("an id"),
        SpanId::from_hex(PARENT).expect("an id"),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

async fn run_here(request: Request<Body>) {
    send(&app(), request).await;
}

#[test]
fn an_opentelemetry_context_takes_precedence() {
    let traced = Traced::begin();
    let _around = opentelemetry::Context::new().with_remote_span_context(caller()).attach();
    run(send(&app(), to("/")));
    assert_eq!(traced.agrees().parent_span_id.to_string(), PARENT);
}

#[test]
fn an_unsampled_trace_still_has_its_ids() {
    let traced = Traced::begin();
    let (_, _, sent) = run(send(&app(), continued("00")));
    assert_eq!(traced.spans("candor.request"), []);
    let line = traced.captured.completed();
    assert_eq!(line.text("trace_id"), TRACE);
    assert_ne!(line.text("span_id"), PARENT);
    let sent = String::from_utf8(sent.to_vec()).expect("text");
    assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with("-00"), "{sent}");

    drop(traced);
    let traced = Traced::sampled(Sampler::AlwaysOff);
    let (_, _, sent) = run(send(&app(), to("/")));
    let line = traced.captured.completed();
    assert!(sent.starts_with(format!("00-{}-", line.text("trace_id")).as_bytes()));
    assert!(sent.ends_with(b"-00"));
}

#[test]
fn if_the_otel_layer_ignores_the_span_the_outer_trace_is_kept() {
    use tracing::Instrument as _;

    let traced = Traced::filtered(Sampler::AlwaysOn, |of| of.target() != "candor");
    run(run_here(to("/")).instrument(tracing::info_span!("outer")));
    let outer = traced.span("outer").span_context;
    let line = traced.captured.completed();
    assert_eq!(line.text("trace_id"), outer.trace_id().to_string());
    assert_ne!(line.text("span_id"), outer.span_id().to_string());
}

#[test]
fn without_the_otel_layer_a_trace_is_continued() {
    let captured = capture();
    let (_, _, sent) = run(send(&app(), continued("01")));
    let line = captured.completed();
    assert_eq!(line.text("trace_id"), TRACE);
    assert_eq!(sent, format!("00-{TRACE}-{}-01", line.text("span_id")).as_bytes());
}

#[test]
fn jobs_and_manual_contexts_use_the_ids_of_their_spans() {
    let traced = Traced::begin();
    candor::job("count").run(|| tracing::info!("counted"));
    assert_eq!(traced.captured.events("job_started").len(), 1);
    traced.agrees();

    drop(traced);
    let traced = Traced::begin();
    run(candor::job("count").scope(async { tracing::info!("counted") }));
    assert_eq!(traced.captured.events("job_started").len(), 1);
    traced.agrees();

    drop(traced);
    let traced = Traced::begin();
    let context = RequestContext::with_id("r-1");
    context.enter_with(|| tracing::info!("first"));
    context.enter_with(|| tracing::info!("second"));
    let [first, second] = &traced.spans("candor.request")[..] else { panic!("two spans") };
    assert_eq!(second.span_context.trace_id(), first.span_context.trace_id());
    assert_eq!(second.parent_span_id, first.span_context.span_id());
    let first = first.span_context.span_id().to_string();
    for line in traced.captured.lines() {
        assert_eq!(line.text("span_id"), first);
    }
}

/// The hooks and each scope of the request run in the same span.
#[test]
fn a_request_by_hand_and_a_job_with_a_traceparent_have_one_span_in_the_callers_trace() {
    let header = format!("00-{TRACE}-{PARENT}-01");
    let traced = Traced::begin();
    run(async {
        let (parts, ()) = continued("01").map(|_| ()).into_parts();
        let mut active = candor::http::begin(&parts, None);
        active.scope(charge()).await;
        active.run(|| tracing::info!("between"));
        active.scope(charge()).await;
        active.finish(200);
    });
    let request = traced.agrees();
    assert_eq!(request.parent_span_id.to_string(), PARENT);
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
    for step in traced.spans("charge") {
        assert_eq!(step.parent_span_id, request.span_context.span_id());
    }
    drop(traced);

    let traced = Traced::begin();
    run(candor::job("consume").traceparent(Some(&header)).scope(async {
        charge().await;
    }));
    let request = traced.agrees();
    assert_eq!(request.parent_span_id.to_string(), PARENT);
    assert_eq!(request.span_context.trace_id().to_string(), TRACE);
}

#[test]
fn two_services_share_one_trace_in_spans_and_lines() {
    let traced = Traced::begin();
    run(async {
        let payments = serve(app()).await;
        let orders = Router::new()
            .route(
                "/orders",
                get(move || async move {
                    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                    let client = reqwest_middleware::ClientBuilder::new(client)
                        .with(ContextMiddleware::new())
                        .build();
                    let answer = client.get(format!("http://{payments}/")).send().await;
                    answer.expect("answered").text().await.expect("a body")
                }),
            )
            .layer(RequestLayer::new());
        let address: SocketAddr = serve(orders).await.parse().expect("an address");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.get(format!("http://{address}/orders")).send().await.expect("answered");
    });
    let ends = traced.captured.events("request_completed");
    let spans = traced.spans("candor.request");
    assert_eq!((ends.len(), spans.len()), (2, 2));
    for line in &ends {
        assert_eq!(line.text("trace_id"), ends[0].text("trace_id"));
        assert!(spans.iter().any(|span| {
            span.span_context.span_id().to_string() == line.text("span_id")
                && span.span_context.trace_id().to_string() == line.text("trace_id")
        }));
    }
    assert!(spans.iter().any(|span| {
        spans.iter().any(|other| other.parent_span_id == span.span_context.span_id())
    }));
}

#[step_timed(fields(order_id, kind = clear("entry"), note = Option::<u64>::None), ret)]
fn check(order_id: u64) -> u64 {
    candor::record("order_id", 9);
    candor::record("note", 3);
    candor::record("undeclared", 4);
    candor::info!(order_id, "inside");
    order_id
}

#[step_timed(fields(order_id, first = { candor::record("early", 1); 2 }), busy)]
async fn place(order_id: u64) -> Result<u64, std::fmt::Error> {
    check(order_id);
    std::future::ready(()).await;
    candor::record("rows", 3);
    Err(std::fmt::Error)
}

#[dependency_call(
    "payments",
    method = "POST",
    url = "https://pay.example/charges",
    fields(order_id),
    ret
)]
async fn charge_for(order_id: u64) -> Result<u64, std::io::Error> {
    std::future::ready(()).await;
    candor::record("order_id", 8);
    dependency::current().retry();
    Err(std::io::ErrorKind::TimedOut.into())
}

/// An exporter sends an attribute twice if it is recorded twice.
#[tokio::test]
async fn no_span_has_an_attribute_twice() {
    let traced = Traced::begin();
    let handler = async || {
        let _ = place(7).await;
        let _ = charge_for(7).await;
        candor::step("render", || candor::record("rows", 3));
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let app = Router::new().route("/orders", get(handler)).layer(RequestLayer::new());
    let request = Request::builder().uri("/orders").body(Body::empty()).expect("valid");
    let response = app.oneshot(request).await.expect("a response");
    response.into_body().collect().await.expect("a body");
    for (name, expected) in [
        ("candor.request", &[][..]),
        (
            "place",
            &[
                "step",
                "order_id",
                "first",
                "outcome",
                "error",
                "duration_ms",
                "busy_ms",
                "candor.recorded",
            ],
        ),
        ("check", &["step", "order_id", "kind", "outcome", "ret", "candor.recorded"]),
        (
            "charge_for",
            &["dependency", "operation", "order_id", "url", "error", "retries", "outcome"],
        ),
        ("render", &["step", "candor.recorded"]),
    ] {
        let span = traced.span(name);
        let mut keys: Vec<_> = span.attributes.iter().map(|it| it.key.as_str()).collect();
        for key in expected {
            assert!(keys.contains(key), "{name} has no {key}: {keys:?}");
        }
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count, "{name}: {:?}", span.attributes);
        for event in span.events.iter() {
            let mut keys: Vec<_> = event.attributes.iter().map(|it| it.key.as_str()).collect();
            keys.sort_unstable();
            let count = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), count, "an event of {name}: {:?}", event.attributes);
        }
    }
    let charge = traced.span("charge_for");
    let messages: Vec<_> = charge.events.iter().map(|event| event.name.to_string()).collect();
    assert!(
        messages.iter().any(|text| text.starts_with("payments charge_for: timeout after ")),
        "{messages:?}"
    );
}
