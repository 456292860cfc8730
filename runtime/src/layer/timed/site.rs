//! The data of a call site for timing its spans, and the sites of its steps and calls.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{OnceLock, RwLock};

use tracing_core::{Level, Metadata};

use crate::base::cached_answer::CachedAnswer;
use crate::base::fork::ForkLocks;
use crate::base::sync;
use crate::current::span_facts::{FieldRole as Role, SpanFacts};
use crate::format::keys::{LineKind, is_reserved};
use crate::layer::event::SiteField;
use crate::logger::Logger;
use crate::logger::timed_spans::{TimedSpans, is_of_request};
use crate::redact::shown::Redacted;
use crate::site::{Site, Spec};

/// Data of a call site for timing its spans.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about the fields of a call site"
)]
pub(crate) struct SpanTiming {
    /// Whether a field of the span has a role.
    pub(super) has_roles: bool,
    /// Whether the span is one that a framework creates for each request.
    pub(super) may_begin_request: bool,
    /// Whether the line of the step has all fields, under their own names.
    pub(super) is_plain: bool,
    /// Whether the span has fields `otel.*`.
    pub(super) has_control: bool,
    /// Whether an event has ever reported the response of a request of this call site.
    pub(super) reports: AtomicBool,
    /// Whether a logger times these spans, by its id.
    is_timed: CachedAnswer,
    step: OnceLock<&'static Site>,
    /// The site for the first name or dependency that the fields give.
    first_named: OnceLock<&'static Site>,
    /// The sites for all of these names and dependencies, in the order of their [`SiteName`]s.
    named: RwLock<Vec<&'static Site>>,
}

impl SpanTiming {
    pub(in crate::layer) fn new(metadata: &Metadata<'_>, fields: &[SiteField]) -> Self {
        let is_own = |field: &SiteField| {
            field.role.is_some_and(Role::is_own) || is_reserved(&field.key, LineKind::Call)
        };
        SpanTiming {
            has_roles: fields.iter().any(|field| field.role.is_some()),
            may_begin_request: is_of_request(metadata),
            is_plain: !fields.iter().any(is_own),
            has_control: fields.iter().any(|field| field.key.starts_with("otel.")),
            reports: AtomicBool::new(false),
            is_timed: CachedAnswer::new(),
            step: OnceLock::new(),
            first_named: OnceLock::new(),
            named: RwLock::default(),
        }
    }

    /// Takes the lock before a fork, if spans of this call site may need it.
    pub(in crate::layer) fn hold(&'static self, locks: &mut ForkLocks) {
        if self.has_roles {
            locks.hold_rw(self, |this| &this.named);
        }
    }

    #[inline]
    pub(super) fn is_timed(
        &self,
        logger: &Logger,
        timed: &TimedSpans,
        metadata: &Metadata<'_>,
    ) -> bool {
        self.is_timed.get(logger.id, || timed.include(metadata))
    }

    /// The site of a step that has the name of the span.
    pub(super) fn step(&self, metadata: &'static Metadata<'static>) -> &'static Site {
        self.step.get_or_init(|| Site::leaked(step_spec(metadata.name(), metadata)))
    }

    /// The site of a step or call with the name and the dependency that the fields give.
    pub(super) fn site(
        &self,
        metadata: &'static Metadata<'static>,
        facts: &SpanFacts,
    ) -> &'static Site {
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
        let name = SiteName { name, call: call.as_ref().map(|call| (call.name, call.method)) };
        let is_it = |site: &Site| SiteName::of(site) == name;
        if let Some(site) = self.first_named.get().filter(|site| is_it(site)) {
            return site;
        }
        let site = named_site(&self.named, metadata, name);
        let _ = self.first_named.set(site);
        site
    }
}

/// The maximum number of names and dependencies of one call site's spans. Sites live as long as the program.
const NAMED: usize = 256;

/// The name of the dependency of calls beyond this number.
const OTHER: &str = "other";

/// The name of a site; for a call, with the name of its dependency and its method.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SiteName<'a> {
    name: &'a str,
    call: Option<(&'a str, Option<&'a str>)>,
}

impl SiteName<'_> {
    fn of(site: &Site) -> Self {
        let call = site.spec.call.map(|call| (call.dependency, call.method));
        SiteName { name: site.spec.name, call }
    }
}

/// Returns the site for a name other than that of the span.
fn named_site(
    sites: &RwLock<Vec<&'static Site>>,
    metadata: &'static Metadata<'static>,
    mut name: SiteName<'_>,
) -> &'static Site {
    let find = |sites: &[&'static Site], name: SiteName<'_>| {
        sites.binary_search_by(|site| SiteName::of(site).cmp(&name))
    };
    let known = sync::read(sites);
    if let Ok(at) = find(&known, name) {
        return known[at];
    }
    drop(known);
    let mut sites = sync::write(sites);
    if sites.len() >= NAMED {
        name = SiteName { name: metadata.name(), call: name.call.map(|_| (OTHER, None)) };
    }
    match find(&sites, name) {
        Ok(at) => sites[at],
        Err(at) => {
            let site = Site::leaked(spec_of(name, metadata));
            sites.insert(at, site);
            site
        }
    }
}

fn spec_of(SiteName { name, call }: SiteName<'_>, metadata: &'static Metadata<'static>) -> Spec {
    let leaked = |text: &str| -> &'static str { text.to_owned().leak() };
    let name = leaked(name);
    let Some((dependency, method)) = call else {
        return step_spec(name, metadata);
    };
    let (file, line) = location(metadata);
    let spec = Spec::call(name, metadata.target(), file, line)
        .level(level_of(metadata))
        .dependency(leaked(dependency))
        .busy();
    match method {
        Some(method) => spec.method(leaked(method)),
        None => spec,
    }
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
struct Dependency<'a> {
    name: &'a str,
    operation: Option<Cow<'a, str>>,
    method: Option<&'a str>,
}

impl<'a> Dependency<'a> {
    fn of(metadata: &Metadata<'static>, facts: &'a SpanFacts) -> Self {
        let first = |roles: &[Role]| facts.first(roles).map(Redacted::as_str);
        let host = || host_of(first(&[Role::Url])?);
        let name = first(&[Role::Peer, Role::Server, Role::DbSystem, Role::RpcService])
            .or_else(host)
            .or_else(|| first(&[Role::Messaging, Role::RpcSystem]));
        let method = first(&[Role::HttpMethod]);
        let method = method.or_else(|| first(&[Role::Url]).and(first(&[Role::Method])));
        let of_http = || {
            let (method, route) = (method?, first(&[Role::Route])?);
            Some(format!("{method} {route}").into())
        };
        let operation = first(&[Role::Name, Role::RpcMethod, Role::DbOperation]);
        let operation = operation.map(Cow::from).or_else(of_http);
        Dependency { name: name.unwrap_or(metadata.target()), operation, method }
    }
}

/// The host of a URL that is already redacted.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty()).then_some(host)
}
