//! The beginning of a span: its step, or the request or job that it begins.

use std::mem;
use std::sync::Arc;

use tracing_core::Metadata;
use tracing_core::span::Attributes;

use super::roles::facts_of;
use super::site::SpanTiming;
#[cfg(feature = "testing")]
use crate::current;
use crate::current::span_facts::{FieldRole as Role, OtelKind, SpanFacts};
use crate::current::timed_span::{Begun, NewStep, TimedSpan};
use crate::current::{CallState, SpanData};
use crate::json::members;
use crate::layer::event::ForeignSite;
use crate::logger::Logger;
use crate::logger::timed_spans::{Beginning, TimedSpans, is_of_request};
use crate::redact::shown;
use crate::request::overrides::{RequestOverrides, Sampling};
use crate::request::trace::Trace;
use crate::request::{Origin, Request};

/// A new span, before its step or request begins.
pub(in crate::layer) struct NewSpan<'a> {
    pub(in crate::layer) attributes: &'a Attributes<'a>,
    pub(in crate::layer) site: &'static ForeignSite,
    pub(in crate::layer) fields: String,
    pub(in crate::layer) parent: Option<Arc<SpanData>>,
    /// The request around the span, and the id of the step around it.
    pub(in crate::layer) request: Option<Arc<Request>>,
    pub(in crate::layer) around: u32,
}

impl NewSpan<'_> {
    /// Creates the data of the span, and begins its step or request.
    #[inline]
    pub(in crate::layer) fn open(mut self, logger: &Logger, timed: &TimedSpans) -> Arc<SpanData> {
        let metadata = self.attributes.metadata();
        if let Some(parent) = self.parent.as_ref().filter(|_| !self.attributes.is_contextual()) {
            self.request = parent.request().cloned();
            self.around = parent.step();
        }
        if self.attributes.is_root() {
            self.around = 0;
        }
        let timing = &self.site.timing;
        if !timing.is_timed(logger, timed, metadata) {
            return self.into_data(logger, |_| None);
        }
        if timing.may_begin_request || timing.has_roles {
            // Moved, so that the compiler keeps the parts of other spans in registers.
            let mut span = self;
            let step = span.begin_by_roles(logger, timed);
            return span.into_data(logger, |_| Some(step));
        }
        self.into_data(logger, |span| Some(span.begin_step()))
    }

    /// Makes the data of the span, with the step that `begin` returns.
    #[inline(always)]
    fn into_data(
        self,
        logger: &Logger,
        begin: impl FnOnce(&Self) -> Option<TimedSpan>,
    ) -> Arc<SpanData> {
        // `new_cyclic` allocates before it calls the closure, so the data is written in place.
        Arc::new_cyclic(|_| {
            let step = begin(&self);
            let NewSpan { fields, parent, request, around, .. } = self;
            SpanData::of_span(logger.id, fields, request, parent, around, step)
        })
    }

    /// Begins the step of a span without a field that has a role.
    #[inline(always)]
    fn begin_step(&self) -> TimedSpan {
        let metadata = self.attributes.metadata();
        let timing = &self.site.timing;
        TimedSpan::begin(NewStep {
            metadata,
            site: timing.step(metadata),
            request: self.request.as_ref(),
            parent: self.around,
            begins: None,
            facts: None,
            call: None,
            may_be_call: false,
            is_plain: timing.is_plain,
            reports: &timing.reports,
        })
    }

    /// Begins the step, call, request or job of a span whose fields may have a role.
    #[inline(never)]
    fn begin_by_roles(&mut self, logger: &Logger, timed: &TimedSpans) -> TimedSpan {
        let site = self.site;
        let metadata = self.attributes.metadata();
        let mut query = None;
        let mut facts = facts_of(self.attributes, site, &mut query);
        drop_control(&mut self.fields, site);
        let begins = begins(metadata, self.request.as_ref(), &facts);
        if let Some(begun) = begins {
            if begun == Begun::Request {
                facts.fields = mem::take(&mut self.fields);
            }
            let request = new_request(logger, begun, &facts, self.request.as_ref());
            let job = (begun == Begun::Job).then(|| site.timing.site(metadata, &facts).spec.name);
            let beginning = Beginning { job, query: query.as_deref() };
            (timed.hooks.request_began)(logger, &request, &beginning);
            self.request = Some(request);
        }
        let (step_site, call) = if begins.is_none() && facts.is_call() {
            let site = site.timing.site(metadata, &facts);
            let url = facts.first(&[Role::Url]).cloned();
            (site, Some(CallState::new(site, url)))
        } else {
            (site.timing.step(metadata), None)
        };
        let SpanTiming { is_plain, reports, .. } = &site.timing;
        TimedSpan::begin(NewStep {
            metadata,
            site: step_site,
            request: self.request.as_ref(),
            parent: self.around,
            begins,
            facts: (!facts.is_empty()).then(|| Box::new(facts)),
            call,
            may_be_call: site.fields.iter().any(|field| field.role.is_some_and(Role::makes_call)),
            is_plain: *is_plain,
            reports,
        })
    }
}

/// The request or job that the span begins, if none is current.
fn begins(
    metadata: &Metadata<'_>,
    current: Option<&Arc<Request>>,
    facts: &SpanFacts,
) -> Option<Begun> {
    // The span around a server may be a root span, and a worker may have been spawned by a request that has ended.
    let is_around = |request: &Request| request.origin != Origin::RootSpan && !request.is_over();
    if Request::identified(current).is_some_and(is_around) {
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
pub(in crate::layer) fn drop_control(fields: &mut String, site: &ForeignSite) {
    if site.timing.has_control {
        let is_control =
            |role| matches!(role, Role::Name | Role::Kind | Role::StatusCode | Role::StatusText);
        for field in site.fields.iter().filter(|field| field.role.is_some_and(is_control)) {
            members::remove(fields, &field.key);
        }
    }
}
