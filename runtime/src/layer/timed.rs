//! Infers steps from the fields, the events and the ends of spans of other crates.
//!
//! `docs/adopting.md` describes what is inferred.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::{mem, ptr};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Record};
use tracing_core::{Event, Level, Metadata};

use super::event::{ForeignSite, SiteField, with_text};
use crate::base::catch::{catch, catch_value};
use crate::base::clock::Tick;
use crate::base::sync;
use crate::current::span_stack::{self, SpanScope};
use crate::current::timed_span::{
    Begun, FieldRole as Role, OtelKind, SpanFacts, SpanFailure, SpanPlace, TimedSpan,
};
use crate::current::{self, CallFacts, CallState, SpanData};
use crate::format::keys::{LineKind, is_reserved};
use crate::json::members;
use crate::logger::Logger;
use crate::logger::timed_spans::{
    Beginning, EndedRequest, EndedStep, RESPONSE_EVENTS, TimedSpans, is_of_err, is_of_request,
    is_of_response,
};
use crate::outcome::chain::chain_answer;
use crate::outcome::kind::Outcome;
use crate::outcome::{AnswerStatus, Category, grpc};
use crate::redact::scrub::REDACTED;
use crate::redact::shown::{self, Redacted};
use crate::redact::{error_text, keys, strict};
use crate::request::overrides::{RequestOverrides, Sampling};
use crate::request::trace::Trace;
use crate::request::{Origin, Request};
use crate::site::{Site, Spec};

/// The `error` of a span that fails because of an ERROR event.
const ERROR_EVENT: &str = "logged_error";
/// The `error` of a span that fails because of one of its fields.
const ERROR_FIELD: &str = "recorded_error";

/// Data of a call site for timing its spans.
#[derive(Debug)]
pub(crate) struct SpanTiming {
    /// Whether a field of the span has a role.
    has_roles: bool,
    /// Whether the line of the step has all fields, under their own names.
    is_plain: bool,
    /// Whether the span has fields `otel.*`.
    has_control: bool,
    /// Whether an event has ever reported the response of a request of this call site.
    reports: AtomicBool,
    /// The id of a logger in the upper bits; the lowest bit is set if it times these spans. 0 if no logger was asked.
    timed_by: AtomicU64,
    step: OnceLock<&'static Site>,
    /// The site for the first name or dependency that the fields give.
    first_named: OnceLock<&'static Site>,
    /// The sites for all of these names and dependencies.
    named: RwLock<HashMap<SiteName, &'static Site>>,
}

impl SpanTiming {
    pub(super) fn new(fields: &[SiteField]) -> Self {
        let is_own = |field: &SiteField| {
            field.role.is_some_and(Role::is_own) || is_reserved(&field.key, LineKind::Call)
        };
        SpanTiming {
            has_roles: fields.iter().any(|field| field.role.is_some()),
            is_plain: !fields.iter().any(is_own),
            has_control: fields.iter().any(|field| field.key.starts_with("otel.")),
            reports: AtomicBool::new(false),
            timed_by: AtomicU64::new(0),
            step: OnceLock::new(),
            first_named: OnceLock::new(),
            named: RwLock::default(),
        }
    }

    fn is_timed(&self, logger: &Logger, timed: &TimedSpans, metadata: &Metadata<'_>) -> bool {
        let known = self.timed_by.load(Ordering::Relaxed);
        if known >> 1 == logger.id {
            return known & 1 == 1;
        }
        let is_timed = timed.include(metadata);
        self.timed_by.store(logger.id << 1 | u64::from(is_timed), Ordering::Relaxed);
        is_timed
    }

    /// The site of a step that has the name of the span.
    fn step(&self, metadata: &'static Metadata<'static>) -> &'static Site {
        self.step.get_or_init(|| Site::leaked(step_spec(metadata.name(), metadata)))
    }

    /// The site of a step or call with the name and the dependency that the fields give.
    fn site(&self, metadata: &'static Metadata<'static>, facts: &SpanFacts) -> &'static Site {
        if !self.has_roles {
            return self.step(metadata);
        }
        let call = facts.is_call().then(|| Dependency::of(metadata, facts));
        let name = facts.first(&[Role::Name]).map(Redacted::as_str);
        let name = call.as_ref().and_then(|call| call.operation.as_deref()).or(name);
        let name = name.unwrap_or(metadata.name());
        if call.is_none() && name == metadata.name() {
            return self.step(metadata);
        }
        let is_it = |site: &Site| {
            site.spec.name == name
                && match (&site.spec.call, &call) {
                    (None, None) => true,
                    (Some(known), Some(call)) => {
                        known.dependency == call.name && known.method == call.method.as_deref()
                    }
                    _ => false,
                }
        };
        if let Some(site) = self.first_named.get().filter(|site| is_it(site)) {
            return site;
        }
        let site = named_site(&self.named, metadata, name, call.as_ref());
        let _ = self.first_named.set(site);
        site
    }
}

/// The maximum number of names and dependencies of one call site's spans. Sites live as long as the program.
const NAMED: usize = 256;

/// The name of the dependency of calls beyond this number.
const OTHER: &str = "other";

/// The name of a site. If it is a call, also the name of its dependency and its method.
type SiteName = (String, Option<(String, Option<String>)>);

/// Returns the site for a name other than that of the span.
fn named_site(
    sites: &RwLock<HashMap<SiteName, &'static Site>>,
    metadata: &'static Metadata<'static>,
    name: &str,
    call: Option<&Dependency>,
) -> &'static Site {
    let mut key: SiteName =
        (name.to_owned(), call.map(|call| (call.name.clone(), call.method.clone())));
    if let Some(site) = sync::read(sites).get(&key) {
        return site;
    }
    let mut sites = sync::write(sites);
    if sites.len() >= NAMED {
        key = (metadata.name().to_owned(), call.map(|_| (OTHER.to_owned(), None)));
    }
    sites.entry(key).or_insert_with_key(|(name, call)| {
        let name: &'static str = name.clone().leak();
        let Some((dependency, method)) = call else {
            return Site::leaked(step_spec(name, metadata));
        };
        let (file, line) = location(metadata);
        let spec = Spec::call(name, metadata.target(), file, line)
            .level(level_of(metadata))
            .dependency(dependency.clone().leak())
            .busy();
        Site::leaked(match method {
            Some(method) => spec.method(method.clone().leak()),
            None => spec,
        })
    })
}

fn step_spec(name: &'static str, metadata: &'static Metadata<'static>) -> Spec {
    let (file, line) = location(metadata);
    Spec::step(name, metadata.target(), file, line).level(level_of(metadata)).busy()
}

fn location(metadata: &'static Metadata<'static>) -> (&'static str, u32) {
    (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default())
}

/// The level of a success line: that of the span, but at most INFO.
fn level_of(metadata: &Metadata<'_>) -> Level {
    (*metadata.level()).max(Level::INFO)
}

/// The dependency that the span of a client names.
struct Dependency {
    name: String,
    operation: Option<String>,
    method: Option<String>,
}

impl Dependency {
    fn of(metadata: &Metadata<'_>, facts: &SpanFacts) -> Self {
        let first = |roles: &[Role]| facts.first(roles).map(|value| value.as_str().to_owned());
        let host = || Some(host_of(facts.first(&[Role::Url])?.as_str())?.to_owned());
        let name = first(&[Role::Peer, Role::Server, Role::DbSystem, Role::RpcService])
            .or_else(host)
            .or_else(|| first(&[Role::Messaging, Role::RpcSystem]));
        let method = first(&[Role::HttpMethod]);
        let method = method.or_else(|| facts.first(&[Role::Url]).and(first(&[Role::Method])));
        let of_http = || {
            let (method, route) = (method.as_deref()?, first(&[Role::Route])?);
            Some(format!("{method} {route}"))
        };
        let operation = first(&[Role::Name, Role::RpcMethod, Role::DbOperation]).or_else(of_http);
        let name = name.unwrap_or_else(|| metadata.target().to_owned());
        Dependency { name, operation, method }
    }
}

/// The host of a URL that is already redacted.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty()).then_some(host)
}

/// Creates the data of a span, and begins its step or request.
pub(super) fn opened(
    logger: &Logger,
    timed: &TimedSpans,
    attributes: &Attributes<'_>,
    site: &'static ForeignSite,
    mut fields: String,
    parent: Option<Arc<SpanData>>,
) -> SpanData {
    let metadata = attributes.metadata();
    let (request, around) = match &parent {
        Some(parent) if !attributes.is_contextual() => (parent.request().cloned(), parent.step()),
        _ => current::with(|frame| (frame.request.clone(), frame.step)).unwrap_or_default(),
    };
    let around = if attributes.is_root() { 0 } else { around };
    if !site.timing.is_timed(logger, timed, metadata) {
        return SpanData::new(fields, request, parent).with_step(around, None);
    }
    let mut facts = SpanFacts::default();
    let mut query = None;
    if site.timing.has_roles {
        let mut visitor = RoleVisitor { site, facts: &mut facts, query: Some(&mut query) };
        attributes.record(&mut visitor);
    }
    drop_control(&mut fields, site);
    let begins = begins(metadata, request.as_ref(), &facts);
    let request = match begins {
        None => request,
        Some(begun) => {
            if begun == Begun::Request {
                facts.fields = mem::take(&mut fields);
            }
            let request = new_request(logger, begun, &facts, request.as_ref());
            let job = (begun == Begun::Job).then(|| site.timing.site(metadata, &facts).spec.name);
            let beginning = Beginning { job, query: query.as_deref() };
            (timed.hooks.request_began)(logger, &request, &beginning);
            Some(request)
        }
    };
    let (step_site, call) = if begins.is_none() && facts.is_call() {
        let site = site.timing.site(metadata, &facts);
        let url = facts.first(&[Role::Url]).cloned();
        (site, Some(Arc::new(CallState::new(site, url))))
    } else {
        (site.timing.step(metadata), None)
    };
    let place = SpanPlace { request: request.as_ref(), parent: around, begins };
    let timed = TimedSpan::begin(logger.id, step_site, &place, facts, call, &site.timing.reports);
    SpanData::new(fields, request, parent).with_step(around, Some(timed))
}

/// The request or job that the span begins, if none is current.
fn begins(
    metadata: &Metadata<'_>,
    current: Option<&Arc<Request>>,
    facts: &SpanFacts,
) -> Option<Begun> {
    // The span around a server may be a root span.
    if Request::identified(current).is_some_and(|request| request.origin != Origin::RootSpan) {
        return None;
    }
    match facts.kind {
        Some(OtelKind::Server) => return Some(Begun::Request),
        Some(OtelKind::Consumer) => return Some(Begun::Job),
        Some(OtelKind::Client | OtelKind::Producer) => return None,
        Some(OtelKind::Internal) | None => {}
    }
    let has_method = facts.first(&[Role::HttpMethod, Role::Method]).is_some();
    let has_path = facts.first(&[Role::Path, Role::Route]).is_some();
    (is_of_request(metadata) || (has_method && has_path)).then_some(Begun::Request)
}

fn new_request(
    logger: &Logger,
    begun: Begun,
    facts: &SpanFacts,
    placeholder: Option<&Arc<Request>>,
) -> Arc<Request> {
    let id = facts.first(&[Role::RequestId]).and_then(|id| shown::request_id(id.as_str()));
    let mut request = id.map_or_else(Request::new, Request::with_id);
    if begun == Begun::Request {
        request.origin = Origin::ByHand;
        request.method = facts.first(&[Role::HttpMethod, Role::Method]).cloned();
        request.path = facts.first(&[Role::Path, Role::Route]).cloned();
    }
    if let Some(story) = logger.begin_story(None) {
        let overrides = RequestOverrides::new(None, Sampling::Sampled, None, Some(story));
        request.overrides = Some(Box::new(overrides));
    }
    let trace = Trace::after(None, request.started);
    request.trace = trace.into();
    join_capture(&request, placeholder);
    Arc::new(request)
}

/// Attaches the capture around the span to its request.
#[cfg_attr(not(feature = "testing"), expect(unused_variables, reason = "only tests capture"))]
fn join_capture(request: &Request, placeholder: Option<&Arc<Request>>) {
    #[cfg(feature = "testing")]
    {
        if let Some(capture) = placeholder.and_then(|around| around.capture.get()) {
            let _ = request.capture.set(Arc::clone(capture));
        }
        current::join_capture(request);
    }
}

/// Removes the fields that only control how OpenTelemetry shows the span.
pub(super) fn drop_control(fields: &mut String, site: &ForeignSite) {
    if site.timing.has_control {
        let is_control =
            |role| matches!(role, Role::Name | Role::Kind | Role::StatusCode | Role::StatusText);
        for field in site.fields.iter().filter(|field| field.role.is_some_and(is_control)) {
            members::remove(fields, &field.key);
        }
    }
}

/// Reads values that are recorded after the span was created.
pub(super) fn recorded(timed: &TimedSpan, site: &'static ForeignSite, values: &Record<'_>) {
    if !site.timing.has_roles {
        return;
    }
    // Read before the lock, because the values run user code.
    let mut added = SpanFacts::default();
    values.record(&mut RoleVisitor { site, facts: &mut added, query: None });
    let mut facts = timed.facts();
    facts.kind = added.kind.or(facts.kind);
    facts.http_status = added.http_status.or(facts.http_status);
    facts.grpc_status = added.grpc_status.or(facts.grpc_status);
    if let Some(failure) = added.failure {
        facts.fail(failure);
    }
    for (role, value) in added.values {
        facts.set(role, value);
    }
}

/// Whether an event is written.
#[derive(PartialEq, Eq)]
pub(super) enum EventFate {
    Written,
    /// The event is enabled only because of timed spans.
    Hidden,
}

/// Reads an event of another crate. `parent` is its explicit parent, for which [`error_seen`] has already been called.
pub(super) fn event_seen(
    logger: &Logger,
    event: &Event<'_>,
    parent: Option<&Arc<SpanData>>,
) -> EventFate {
    let metadata = event.metadata();
    let is_response = is_of_response(metadata);
    if is_response || is_of_err(metadata) {
        if is_response {
            response_seen(event, parent);
        } else if parent.is_none() && event.is_contextual() {
            error_seen(event, None);
        }
        let (target, level) = (metadata.target(), *metadata.level());
        if !logger.levels.load().allow(target, level) && !current::raises(target, level) {
            return EventFate::Hidden;
        }
    } else if parent.is_none() && event.is_contextual() {
        error_seen(event, None);
        if metadata.fields().field("status").is_some() {
            status_seen(event);
        }
    }
    EventFate::Written
}

/// Fails the span that an ERROR event is directly in.
pub(super) fn error_seen(event: &Event<'_>, parent: Option<&Arc<SpanData>>) {
    let metadata = event.metadata();
    let is_error = *metadata.level() == Level::ERROR || is_of_err(metadata);
    if !is_error || is_of_response(metadata) {
        return;
    }
    // Read before the lock, because the values run user code.
    let fail = |timed: &TimedSpan| {
        let mut visitor = EventVisitor::default();
        event.record(&mut visitor);
        let failure = visitor.failure();
        timed.facts().fail(failure);
    };
    match parent {
        Some(parent) => {
            let timed = parent.innermost_timed().and_then(|data| data.timed.as_ref());
            if let Some(timed) = timed {
                fail(timed);
            }
        }
        None => span_stack::with_timed(fail),
    }
}

/// Reads an event by which `TraceLayer` reports a response.
fn response_seen(event: &Event<'_>, parent: Option<&Arc<SpanData>>) {
    let mut visitor = EventVisitor::default();
    event.record(&mut visitor);
    let is_failure = event.metadata().target() == RESPONSE_EVENTS[1];
    let begun = parent.and_then(|parent| parent.innermost_timed().cloned());
    let begun = begun.or_else(span_stack::begun_request);
    if begun.is_none() && is_failure && *event.metadata().level() == Level::ERROR {
        // The span is a step in a request that an HTTP layer of candor has begun.
        span_stack::with_timed(|timed| timed.facts().fail(visitor.failure()));
        return;
    }
    let Some(timed) = begun.as_ref().and_then(|data| data.timed.as_ref()) else { return };
    if !is_failure {
        timed.reports.store(true, Ordering::Relaxed);
    }
    let status = visitor.status;
    let failure = is_failure.then(|| visitor.failure());
    let mut facts = timed.facts();
    match status {
        // `TraceLayer` reports the status of gRPC in place of that of HTTP.
        Some(code @ 0..100) => facts.grpc_status = Some(code),
        status => facts.http_status = status.or(facts.http_status),
    }
    if let Some(failure) = failure {
        facts.fail(failure);
    } else if timed.begins().is_some() {
        facts.set(Role::Status, Redacted::from("reported"));
    }
}

/// Reads the status from an event that reports the response of a request, as in poem, salvo and warp: the event is
/// directly in the span that began the request, and has the target of that span.
fn status_seen(event: &Event<'_>) {
    span_stack::with_timed(|timed| {
        if !timed.is_request() || timed.site.spec.target != event.metadata().target() {
            return;
        }
        let mut visitor = EventVisitor::default();
        event.record(&mut visitor);
        let Some(status @ 100..=999) = visitor.status else { return };
        timed.reports.store(true, Ordering::Relaxed);
        let mut facts = timed.facts();
        facts.http_status = Some(status);
        facts.set(Role::Status, Redacted::from("reported"));
    });
}

/// Fails the innermost timed span because of an ERROR event that does not pass `tracing`.
pub(crate) fn error_logged(text: &Redacted<'_>) {
    span_stack::with_timed(|timed| {
        let detail = Some(text.clone().into_owned());
        timed.facts().fail(SpanFailure { evidence: ERROR_EVENT, detail, category: None });
    });
}

/// Ends a span: writes its own line, or the line of the request or job that it began.
pub(super) fn closed(
    logger: &Logger,
    timed: &TimedSpan,
    data: &Arc<SpanData>,
    metadata: &'static Metadata<'static>,
    site: &'static ForeignSite,
) {
    let Some(settings) = &logger.timed_spans else { return };
    let at = timed.ended(Tick::now());
    let recorded = timed.take_extras();
    let facts = mem::take(&mut *timed.facts());
    if timed.begins().is_some() {
        end_request(logger, settings, timed, data, metadata, site, &facts, at);
        return;
    }
    let took = at.nanos_since(timed.started);
    let request = timed.request().or(data.request.as_ref());
    if timed.step() != 0 {
        add_to_outer(data, timed, took);
    }
    let step_site = site.timing.site(metadata, &facts);
    if let Some(request) = request.filter(|request| request.has_id()) {
        if step_site.is_call() && timed.call.is_none() {
            request.call_started(timed.started);
        }
        // The line counts the span under the site that is known at its end.
        if let Some(open) = &request.open_steps
            && !ptr::eq(step_site, timed.site)
        {
            open.end(timed.site.index(), timed.step());
        }
    }
    let call = step_site.is_call().then(|| call_facts(timed, &facts));
    let kind = if call.is_some() { LineKind::Call } else { LineKind::Step };
    let (outcome, failure) = outcome_of(timed, &facts);
    let shows_failure = failure.is_some();
    let fields = |out: &mut String| own_fields(data, site, shows_failure, kind, out);
    let SpanFacts { values, .. } = facts;
    let mut values = values.into_iter();
    let error_type = values.find(|(role, _)| *role == Role::ErrorType).map(|(_, value)| value);
    let around = data.parent.as_ref().map_or(SpanScope::Nothing, SpanScope::Span);
    (settings.hooks.step_ended)(
        logger,
        EndedStep {
            timed,
            site: step_site,
            request,
            around,
            at,
            outcome,
            failure,
            error_type,
            call,
            fields: &fields,
            recorded,
        },
    );
}

/// Adds the time of a span to the step around it.
fn add_to_outer(data: &Arc<SpanData>, timed: &TimedSpan, took: u64) {
    let is_own = |request: Option<&Arc<Request>>| {
        request.map(Arc::as_ptr) == timed.request().map(Arc::as_ptr)
    };
    let outer = data.parent.as_ref().and_then(SpanData::innermost_timed);
    if let Some(outer) = outer.and_then(|outer| outer.timed.as_ref())
        && is_own(outer.request())
        && outer.step() == timed.parent()
    {
        outer.add_inner(took);
        return;
    }
    current::with(|frame| {
        if is_own(frame.request.as_ref()) && frame.step == timed.parent() {
            frame.add_inner(took);
        }
    });
}

/// The outcome of a span, and its failure.
fn outcome_of(timed: &TimedSpan, facts: &SpanFacts) -> (Outcome, Option<SpanFailure>) {
    let mut facts_failure = None;
    if let Some(SpanFailure { evidence, detail, category }) = &facts.failure {
        let detail = detail.clone().or_else(|| text_of_failure(facts));
        facts_failure = Some(SpanFailure { evidence, detail, category: *category });
    }
    let outcome = if timed.has_panicked() {
        Outcome::Panicked
    } else if facts_failure.is_some() {
        Outcome::Error
    } else if timed.is_cancelled() {
        Outcome::Cancelled
    } else {
        Outcome::Ok
    };
    (outcome, facts_failure)
}

fn text_of_failure(facts: &SpanFacts) -> Option<Redacted<'static>> {
    facts.first(&[Role::ErrorText, Role::Error, Role::StatusText]).cloned()
}

fn call_facts(timed: &TimedSpan, facts: &SpanFacts) -> CallFacts {
    let mut call = match &timed.call {
        Some(call) => {
            let mut known = call.facts();
            CallFacts { url: known.url.take(), ..*known }
        }
        None => CallFacts::default(),
    };
    call.url = call.url.or_else(|| facts.first(&[Role::Url]).cloned());
    let grpc = facts.grpc_status.map(AnswerStatus::Grpc);
    let status = grpc.or(facts.http_status.map(AnswerStatus::Http));
    call.status = call.status.or(status);
    call
}

/// Appends the fields for the span's own line, except fields that its members already show. A field with the name of a
/// member gets a trailing underscore.
fn own_fields(
    data: &SpanData,
    site: &ForeignSite,
    shows_failure: bool,
    kind: LineKind,
    out: &mut String,
) {
    if site.timing.is_plain {
        return data.append_fields(out);
    }
    let mut fields = String::new();
    data.append_fields(&mut fields);
    for member in members::walk(&fields, 0) {
        let known = site.fields.iter().find(|field| field.key == member.key);
        let role = known.and_then(|field| field.role);
        let is_error = matches!(role, Some(Role::Error | Role::ErrorText | Role::ErrorType));
        if role.is_some_and(Role::is_own) && (shows_failure || !is_error) {
            continue;
        }
        if is_reserved(member.key, kind) {
            out.push_str(",\"");
            out.push_str(member.key);
            out.push_str("_\":");
            out.push_str(member.value);
        } else {
            out.push_str(&fields[member.start..member.end]);
        }
    }
}

/// Appends the fields of a request's span, without those that other members of the line show.
fn request_fields(fields: &str, site: &ForeignSite, out: &mut String) {
    for member in members::walk(fields, 0) {
        let known = site.fields.iter().find(|field| field.key == member.key);
        let is_shown = |role: Role| {
            role.is_own()
                || matches!(
                    role,
                    Role::HttpMethod
                        | Role::Method
                        | Role::Path
                        | Role::Route
                        | Role::RequestId
                        | Role::HttpStatus
                        | Role::GrpcStatus
                )
        };
        if !known.and_then(|field| field.role).is_some_and(is_shown) {
            out.push_str(&fields[member.start..member.end]);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a span that ended")]
fn end_request(
    logger: &Logger,
    settings: &TimedSpans,
    timed: &TimedSpan,
    data: &Arc<SpanData>,
    metadata: &'static Metadata<'static>,
    site: &'static ForeignSite,
    facts: &SpanFacts,
    at: Tick,
) {
    let Some(request) = data.request() else { return };
    let is_job = timed.begins() == Some(Begun::Job);
    let is_reported = facts.first(&[Role::Status]).is_some();
    let http_status = facts
        .http_status
        .or_else(|| facts.first(&[Role::Status]).and_then(|status| status.as_str().parse().ok()));
    let has_panicked = request.has_panicked.load(Ordering::Relaxed) || timed.has_panicked();
    let (outcome, failure) = outcome_of(timed, facts);
    let is_fault =
        http_status.is_some_and(|it| it >= 500) || facts.grpc_status.is_some_and(grpc::is_fault);
    let has_answer = http_status.is_some() || facts.grpc_status.is_some() || is_reported;
    // The response of a request says more about it than the errors that its handler logged.
    let outcome = match outcome {
        _ if has_panicked => Outcome::Panicked,
        _ if is_fault => Outcome::Error,
        Outcome::Error if has_answer && !is_job => Outcome::Ok,
        Outcome::Ok if !has_answer && !is_job && expects_answer(timed, site) => Outcome::Cancelled,
        outcome => outcome,
    };
    // A dropped future is not entered again, so the request ends when its span closes.
    let at = if outcome == Outcome::Cancelled { Tick::now() } else { at };
    let mut fields = String::new();
    if is_job {
        own_fields(data, site, true, LineKind::Event, &mut fields);
    } else {
        request_fields(&facts.fields, site, &mut fields);
    }
    let ended = EndedRequest {
        request,
        job: is_job.then(|| site.timing.site(metadata, facts).spec.name),
        at,
        outcome,
        failure: failure.as_ref(),
        http_status,
        grpc_status: facts.grpc_status,
        route: facts.first(&[Role::Route]),
        fields: &fields,
    };
    (settings.hooks.request_ended)(logger, &ended);
}

/// Whether every response of such a request is reported, so that a request without a report was dropped earlier.
fn expects_answer(timed: &TimedSpan, site: &ForeignSite) -> bool {
    timed.reports.load(Ordering::Relaxed)
        || site.fields.iter().any(|field| field.role == Some(Role::HttpStatus))
}

/// Reads the fields of a span that have a role.
struct RoleVisitor<'a> {
    site: &'static ForeignSite,
    facts: &'a mut SpanFacts,
    /// Takes the query of a path, without redacting it.
    query: Option<&'a mut Option<String>>,
}

impl RoleVisitor<'_> {
    fn role(&self, field: &Field) -> Option<Role> {
        let known = self.site.fields.get(field.index())?;
        if known.sensitive { None } else { known.role }
    }

    fn read(&mut self, role: Role, text: &str) {
        if text.is_empty() {
            return;
        }
        let facts = &mut *self.facts;
        match role {
            Role::Kind => facts.kind = kind_of(text),
            Role::StatusCode if text.eq_ignore_ascii_case("error") => {
                facts.set(role, "error".into());
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail: None, category: None });
            }
            Role::StatusCode => {}
            Role::Error | Role::ErrorText => {
                // The `Debug` of an `Option` without an error.
                if matches!(text, "None" | "false") {
                    return;
                }
                let is_flag = text == "true";
                let detail = (!is_flag).then(|| shown::text_or_shape(text).into_owned());
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail, category: None });
            }
            Role::ErrorType => {
                facts.set(role, name(text, role).unwrap_or_else(|| REDACTED.into()));
                facts.fail(SpanFailure { evidence: ERROR_FIELD, detail: None, category: None });
            }
            Role::StatusText => facts.set(role, shown::text_or_shape(text).into_owned()),
            Role::HttpStatus => facts.http_status = text.parse().ok().or(facts.http_status),
            Role::GrpcStatus => facts.grpc_status = text.parse().ok().or(facts.grpc_status),
            Role::Status => {
                if let Some(status) = text.parse().ok().filter(|it| (100..1000_u16).contains(it)) {
                    facts.http_status = Some(status);
                }
            }
            Role::HttpMethod | Role::Method => facts.set(role, shown::method(text)),
            Role::Url => facts.set(role, shown::url(text)),
            Role::Path => {
                let path = path_of(text);
                facts.set(role, shown::request_target(path));
                if let (Some(query), Some((_, own))) = (&mut self.query, path.split_once('?')) {
                    **query = Some(own.to_owned());
                }
            }
            _ => {
                if let Some(name) = name(text, role) {
                    facts.set(role, name);
                }
            }
        }
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        if let Some(role) = self.role(field) {
            self.read(role, &value.to_string());
        }
    }
}

/// The longest name that a span gives at run time, in characters. Names of steps live as long as the program.
const LONGEST_NAME: usize = 256;

/// A name that a span gives at run time. In strict mode, a name that may be personal data is not used.
fn name(text: &str, role: Role) -> Option<Redacted<'static>> {
    // A route can be the path itself, whose segments may be values, unless it has characters that no path has.
    let is_path = role == Role::Route && text.starts_with('/') && !text.contains(['<', '>', '\\']);
    let mut name = if is_path {
        shown::request_target(text)
    } else if strict::is_on() {
        let name = shown::name(text).into_owned();
        if name.as_str() == REDACTED {
            return None;
        }
        name
    } else {
        shown::text(text).into_owned()
    };
    if name.cut_chars(LONGEST_NAME) {
        name.push("…");
    }
    Some(name)
}

/// The path and query of a URI, which may be absolute.
fn path_of(uri: &str) -> &str {
    let Some((_, rest)) = uri.split_once("://") else { return uri };
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn kind_of(text: &str) -> Option<OtelKind> {
    let kinds = [
        ("internal", OtelKind::Internal),
        ("client", OtelKind::Client),
        ("producer", OtelKind::Producer),
        ("server", OtelKind::Server),
        ("consumer", OtelKind::Consumer),
    ];
    let is_it = |(name, _): &(&str, OtelKind)| text.eq_ignore_ascii_case(name);
    kinds.into_iter().find(is_it).map(|(_, kind)| kind)
}

/// Calls `f` with the text of a `Debug` value, without the quotes of a string.
fn with_debug(value: &dyn fmt::Debug, f: impl FnOnce(&str)) {
    with_text(|text| {
        if let Ok(Ok(())) = catch_value(|| write!(text, "{value:?}")) {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            f(inner.unwrap_or(text));
        }
    });
}

impl Visit for RoleVisitor<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(role) = self.role(field) {
            self.read(role, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match self.role(field) {
            Some(Role::Error | Role::ErrorText) => {
                let category = catch(|| chain_answer(Some(value)).category).flatten();
                let detail = Some(shown::error_chain(value));
                self.facts.fail(SpanFailure { evidence: ERROR_FIELD, detail, category });
            }
            Some(role) => self.read(role, &error_text::display_value(value)),
            None => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(role) = self.role(field) {
            with_debug(value, |text| self.read(role, text));
        }
    }
}

/// Reads the error, the message and the status of an event.
#[derive(Default)]
struct EventVisitor {
    error: Option<Redacted<'static>>,
    message: Option<Redacted<'static>>,
    category: Option<Category>,
    status: Option<u16>,
}

impl EventVisitor {
    fn failure(self) -> SpanFailure {
        let detail = self.error.or(self.message);
        SpanFailure { evidence: ERROR_EVENT, detail, category: self.category }
    }

    fn read(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = Some(shown::text_or_shape(text).into_owned()),
            "error" | "err" | "exception.message" if !keys::hides(field.name()) => {
                self.error = Some(shown::text_or_shape(text).into_owned());
            }
            // The text of a status can include the reason: `500 Internal Server Error`.
            "status" => {
                let number = text.split(' ').next().and_then(|number| number.parse().ok());
                self.status = number.or(self.status);
            }
            _ => {}
        }
    }
}

impl Visit for EventVisitor {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "status" {
            self.status = value.try_into().ok();
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = value.try_into().ok();
        }
    }

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        self.read(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        // The error can have any name.
        if !keys::hides(field.name()) {
            self.error = Some(shown::error_chain(value));
        }
        self.category = catch(|| chain_answer(Some(value)).category).flatten().or(self.category);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if matches!(field.name(), "message" | "error" | "err" | "exception.message" | "status") {
            with_debug(value, |text| self.read(field, text));
        }
    }
}
