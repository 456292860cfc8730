//! The end of a span: the line of its step, or of the request or job that it began.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::clock::Tick;
use crate::current::span_facts::{FieldRole as Role, SpanFacts, SpanFailure};
use crate::current::span_stack::SpanScope;
use crate::current::timed_span::{Begun, TimedSpan};
use crate::current::{self, CallFacts, SpanData};
use crate::format::keys::{LineKind, is_reserved};
use crate::json::members;
use crate::layer::event::{ForeignSite, site_of};
use crate::logger::Logger;
use crate::logger::timed_spans::{EndedRequest, EndedStep, SucceededStep, TimedSpans};
use crate::outcome::kind::Outcome;
use crate::outcome::{AnswerStatus, grpc};
use crate::redact::shown::Redacted;
use crate::request::Request;

/// Ends a span: writes its own line, or the line of the request or job that it began.
#[inline(always)]
pub(in crate::layer) fn closed(logger: &Logger, timed: &TimedSpan, data: &SpanData) {
    let Some(settings) = &logger.timed_spans else { return };
    timed.set_closed();
    let at = timed.ended();
    let (request, position) = (data.request(), timed.position());
    if position.0 != 0 {
        add_to_outer(data, request, position.1, at.nanos_since(timed.started));
    }
    let is_written = timed.is_plain_success() && {
        let site = timed.site;
        let step = SucceededStep { timed, data, request, position, site, at, fields: None };
        (settings.hooks.step_succeeded)(logger, step)
    };
    if !is_written {
        end(logger, settings, timed, data, at);
    }
}

#[inline(never)]
fn end(logger: &Logger, settings: &TimedSpans, timed: &TimedSpan, data: &SpanData, at: Tick) {
    let site = site_of(timed.metadata);
    let recorded = timed.take_extras();
    let facts = timed.take_facts();
    if timed.begins().is_some() {
        return end_request(logger, settings, timed, data, site, &facts.unwrap_or_default(), at);
    }
    let facts = facts.as_deref();
    let step_site = facts.map_or(timed.site, |facts| site.timing.site(timed.metadata, facts));
    let request = data.request();
    if let Some(request) = request.filter(|request| request.has_id()) {
        if step_site.is_call() && timed.call.is_none() {
            timed.count_late_call(request, at);
        }
        // The line counts the span under the site that is known at its end.
        if let Some(open) = &request.open_steps
            && !ptr::eq(step_site, timed.site)
        {
            open.end(timed.site.index(), timed.step());
        }
    }
    let (outcome, failure) = outcome_of(timed, facts);
    let error_type = facts.and_then(|facts| facts.first(&[Role::ErrorType]));
    let call = facts.filter(|_| step_site.is_call()).map(|facts| call_facts(timed, facts));
    let kind = if call.is_some() { LineKind::Call } else { LineKind::Step };
    let fields = (!site.timing.is_plain).then(|| own_fields(data, site, failure.is_some(), kind));
    let is_usual = outcome == Outcome::Ok && call.is_none() && recorded.is_none();
    let succeeded = SucceededStep {
        timed,
        data,
        request,
        position: timed.position(),
        site: step_site,
        at,
        fields: fields.as_deref(),
    };
    if is_usual && (settings.hooks.step_succeeded)(logger, succeeded) {
        return;
    }
    let around = data.parent.as_ref().map_or(SpanScope::Nothing, SpanScope::Span);
    let ended = EndedStep {
        timed,
        data,
        site: step_site,
        request,
        around,
        at,
        outcome,
        failure,
        error_type,
        call,
        fields: fields.as_deref(),
        recorded,
    };
    (settings.hooks.step_ended)(logger, ended);
}

/// Adds the time of a span to the step around it, which has the id `parent`.
#[inline(always)]
fn add_to_outer(data: &SpanData, request: Option<&Arc<Request>>, parent: u32, took: u64) {
    let own = request.map(Arc::as_ptr);
    let outer = data.parent.as_ref().and_then(SpanData::innermost_timed);
    if let Some(outer) = outer
        && outer.request().map(Arc::as_ptr) == own
        && let Some(outer) = &outer.timed
        && outer.step() == parent
    {
        outer.add_inner(took);
        return;
    }
    current::with(|frame| {
        if frame.request.as_ref().map(Arc::as_ptr) == own && frame.step == parent {
            frame.add_inner(took);
        }
    });
}

/// The outcome of a span, and its failure.
fn outcome_of(timed: &TimedSpan, facts: Option<&SpanFacts>) -> (Outcome, Option<SpanFailure>) {
    let failure = facts.and_then(failure_of);
    let outcome = if timed.has_panicked() {
        Outcome::Panicked
    } else if failure.is_some() {
        Outcome::Error
    } else if timed.is_cancelled() {
        Outcome::Cancelled
    } else {
        Outcome::Ok
    };
    (outcome, failure)
}

fn failure_of(facts: &SpanFacts) -> Option<SpanFailure> {
    let SpanFailure { evidence, detail, category } = facts.failure.as_ref()?;
    let detail = detail.clone().or_else(|| text_of_failure(facts));
    Some(SpanFailure { evidence, detail, category: *category })
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

/// The fields for the span's own line, without those that its members already show. A field with the name of a member
/// gets a trailing underscore.
fn own_fields(data: &SpanData, site: &ForeignSite, shows_failure: bool, kind: LineKind) -> String {
    let (mut fields, mut out) = (String::new(), String::new());
    data.append_fields(&mut fields);
    if site.timing.is_plain {
        return fields;
    }
    for member in members::walk(&fields, 0) {
        let known = site.fields.iter().find(|field| field.key == member.key);
        let role = known.and_then(|field| field.role);
        let is_error = matches!(role, Some(Role::Error | Role::ErrorText | Role::ErrorType));
        if role.is_some_and(Role::is_own) && (shows_failure || !is_error) {
            continue;
        }
        if is_reserved(member.key, kind) {
            members::renamed(&mut out, member.key, member.value);
        } else {
            out.push_str(&fields[member.start..member.end]);
        }
    }
    out
}

/// The fields of a request's span, without those that other members of the line show.
fn request_fields(fields: &str, site: &ForeignSite) -> String {
    let mut out = String::new();
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
    out
}

fn end_request(
    logger: &Logger,
    settings: &TimedSpans,
    timed: &TimedSpan,
    data: &SpanData,
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
    let (outcome, failure) = outcome_of(timed, Some(facts));
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
    let fields = if is_job {
        own_fields(data, site, true, LineKind::Event)
    } else {
        request_fields(&facts.fields, site)
    };
    let ended = EndedRequest {
        request,
        job: is_job.then(|| site.timing.site(timed.metadata, facts).spec.name),
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
