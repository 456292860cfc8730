//! Steps and calls as spans for other layers: their parents, their fields and their OpenTelemetry data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use candor::prelude::*;
use candor::{Config, RequestContext, context, dependency_call, step_guard, step_timed};
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::Value;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

#[derive(Clone, Debug, Default)]
struct Span {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<&'static str, Value>,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeMap<u64, Span>>>);

/// The first key of closed spans, above all ids of the registry.
const CLOSED: u64 = 1 << 60;

impl Visit for Span {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.fields.insert(field.name(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name(), value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("debug {value:?}").into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let parent = ctx.span(id).and_then(|span| span.parent()).map(|span| span.name());
        let mut span = Span { name: attributes.metadata().name(), parent, ..Span::default() };
        attributes.record(&mut span);
        self.0.lock().expect("no panic").insert(id.into_u64(), span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().expect("no panic");
        values.record(spans.get_mut(&id.into_u64()).expect("a known span"));
    }

    /// The registry reuses ids, so closed spans are kept under unique ones.
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut spans = self.0.lock().expect("no panic");
        let span = spans.remove(&id.into_u64()).expect("a known span");
        let closed = spans.range(CLOSED..).count() as u64;
        spans.insert(CLOSED + closed, span);
    }
}

impl Recorder {
    fn span(&self, name: &str) -> Span {
        let spans = self.0.lock().expect("no panic");
        let mut named = spans.values().filter(|span| span.name == name);
        let span = named.next().unwrap_or_else(|| panic!("no span {name} among {spans:?}")).clone();
        assert!(named.next().is_none(), "one span {name}");
        span
    }

    fn parent(&self, name: &str) -> Option<&'static str> {
        self.span(name).parent
    }
}

#[derive(Debug)]
struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("declined: password=canary-1")
    }
}

#[step_timed(fields(order_id = 7))]
async fn handle() {
    step_guard("parse").finish(&());
    let spawned = async {
        inner().await;
        let thread = context::carry(sync_inner);
        tokio::task::spawn_blocking(thread).await.expect("no panic");
    };
    tokio::spawn(spawned.in_context()).await.expect("no panic");
    charge(41).await.expect_err("declined");
    candor::record("rows", 3);
}

#[step_timed]
async fn inner() {
    tokio::task::yield_now().await;
}

#[step_timed]
fn sync_inner() {}

#[dependency_call(
    "payments",
    url = "https://pay.example.com/charge?token=canary-2",
    fields(amount)
)]
async fn charge(amount: u64) -> Result<(), Declined> {
    candor::dependency::current().retry();
    async { tokio::task::yield_now().await }.timed("wait").await;
    Err(Declined)
}

fn run(subscriber: impl Subscriber + Send + Sync) {
    let dispatch = tracing::Dispatch::new(subscriber);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start({
            let dispatch = dispatch.clone();
            move || std::mem::forget(tracing::dispatcher::set_default(&dispatch))
        })
        .build()
        .expect("a runtime");
    tracing::dispatcher::with_default(&dispatch, || {
        runtime.block_on(async {
            let request = RequestContext::with_id("r").scope(handle());
            tokio::spawn(request).await.expect("no panic");
        });
    });
}

fn config() -> Config {
    Config::new().level("trace").expect("a level").writer(std::io::sink())
}

#[test]
fn spans_have_the_right_parents_across_spawn() {
    let recorder = Recorder::default();
    let layer = config().layer().expect("a configuration");
    run(Registry::default().with(layer).with(recorder.clone()));
    assert_eq!(recorder.parent("candor.request"), None);
    assert_eq!(recorder.parent("handle"), Some("candor.request"));
    assert_eq!(recorder.parent("parse"), Some("handle"));
    assert_eq!(recorder.parent("inner"), Some("handle"));
    assert_eq!(recorder.parent("sync_inner"), Some("handle"));
    assert_eq!(recorder.parent("charge"), Some("handle"));
    assert_eq!(recorder.parent("wait"), Some("charge"));
}

#[test]
fn a_span_has_the_step_completion_and_recorded_fields() {
    let recorder = Recorder::default();
    let layer = config().layer().expect("a configuration");
    run(Registry::default().with(recorder.clone()).with(layer));
    let step = recorder.span("handle").fields;
    assert_eq!(step["step"], "handle");
    assert_eq!(step["order_id"], 7);
    assert_eq!(step["outcome"], "ok");
    assert_eq!(step["candor.recorded"], r#"{"rows":3}"#);
    assert!(!step.contains_key("otel.status_code"));
    let call = recorder.span("charge").fields;
    assert_eq!(call["dependency"], "payments");
    assert_eq!(call["operation"], "charge");
    assert_eq!(call["amount"], 41);
    assert_eq!(call["url"], "https://pay.example.com/charge");
    assert_eq!(call["retries"], 1);
    assert_eq!(call["outcome"], "error");
    assert_eq!(call["otel.status_code"], "ERROR");
    assert_eq!(call["otel.kind"], "client");
    assert!(!format!("{step:?}{call:?}").contains("canary"));
}

#[test]
fn recorded_fields_are_also_on_the_event() {
    #[derive(Clone, Default)]
    struct Events(Arc<Mutex<Vec<Span>>>);
    impl<S: Subscriber> Layer<S> for Events {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut seen = Span::default();
            event.record(&mut seen);
            self.0.lock().expect("no panic").push(seen);
        }
    }
    let events = Events::default();
    let layer = config().layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(events.clone());
    tracing::subscriber::with_default(subscriber, || {
        candor::step("count", || {
            candor::record("rows", 3);
            candor::record("full", true);
        });
    });
    let events = events.0.lock().expect("no panic");
    assert_eq!(events[0].fields["candor.recorded"], r#"{"rows":3,"full":true}"#);
}

#[test]
fn no_span_is_created_for_a_disabled_step() {
    let recorder = Recorder::default();
    let layer = config().spans(false).layer().expect("a configuration");
    run(Registry::default().with(layer).with(recorder.clone()));
    let spans = recorder.0.lock().expect("no panic");
    let names: Vec<_> = spans.values().map(|span| span.name).collect();
    assert_eq!(names, ["candor.request"]);
}

fn exported(spans: &[SpanData], name: &str) -> SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn opentelemetry_sees_one_trace_with_attributes_and_status() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = config().layer().expect("a configuration");
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    run(Registry::default().with(otel).with(layer));
    provider.force_flush().expect("exported");
    let spans = exporter.get_finished_spans().expect("spans");
    let request = exported(&spans, "candor.request");
    let handle = exported(&spans, "handle");
    let charge = exported(&spans, "charge");
    assert_eq!(handle.parent_span_id, request.span_context.span_id());
    for child in ["parse", "inner", "sync_inner", "charge"] {
        let child = exported(&spans, child);
        assert_eq!(child.parent_span_id, handle.span_context.span_id(), "{}", child.name);
        assert_eq!(child.span_context.trace_id(), request.span_context.trace_id());
    }
    assert_eq!(charge.span_kind, SpanKind::Client);
    assert!(matches!(charge.status, Status::Error { .. }), "{:?}", charge.status);
    assert_eq!(handle.status, Status::Unset);
    let attribute = |key: &str| {
        charge
            .attributes
            .iter()
            .find(|known| known.key.as_str() == key)
            .map(|known| known.value.as_str().into_owned())
    };
    assert_eq!(attribute("outcome").as_deref(), Some("error"));
    assert_eq!(attribute("dependency").as_deref(), Some("payments"));
    assert!(!format!("{spans:?}").contains("canary"));
}
