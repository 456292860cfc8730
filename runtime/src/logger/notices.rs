//! Lines about other code that hides lines or replaces hooks, each written once.

use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::time::Instant;

use tracing_core::{Metadata, dispatcher};

use super::budget::FloodReport;
use super::site_list::SiteList;
use super::{CandorLayer, Logger, with_layer};
use crate::base::fork::ForkLocks;
use crate::base::{lock, sync, timer};
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::{Record, Severity};
use crate::json::members;
use crate::redact::loggable::Encoder;
use crate::redact::shown;
use crate::redact::strict_report::{self, Place};

/// The number of existing panic hooks of candor.
static PANIC_HOOKS: AtomicUsize = AtomicUsize::new(0);
/// Whether candor has ever created a panic hook.
static HAD_PANIC_HOOK: AtomicBool = AtomicBool::new(false);

/// Part of candor's panic hook, dropped with it.
///
/// A later hook either keeps candor's hook and calls it, or drops it. So a hook that exists is assumed to be in use,
/// and it need not be removed from the standard library for a check.
#[derive(Debug)]
pub(crate) struct PanicHookExists;

impl PanicHookExists {
    pub(crate) fn new() -> Self {
        PANIC_HOOKS.fetch_add(1, Ordering::Relaxed);
        HAD_PANIC_HOOK.store(true, Ordering::Relaxed);
        PanicHookExists
    }

    /// Whether a panic hook of candor exists.
    pub(crate) fn for_any() -> bool {
        PANIC_HOOKS.load(Ordering::Relaxed) > 0
    }
}

impl Drop for PanicHookExists {
    fn drop(&mut self) {
        PANIC_HOOKS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The logger whose panic hook was installed last.
static INSTALLED: RwLock<Weak<Logger>> = RwLock::new(Weak::new());

/// Notices from before the installation, with their events and help texts.
static PENDING: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// The call sites that [`at_call_site`] has reported.
static CALL_SITES: Mutex<BTreeSet<(&str, u32, u32)>> = Mutex::new(BTreeSet::new());

/// Maximum number of call sites that are reported.
const MAX_CALL_SITES: usize = 1000;

/// Sets the logger for threads whose subscriber has no candor layer.
///
/// It logs panics on these threads. Also writes the pending notices.
pub(crate) fn set_installed(logger: &Arc<Logger>) {
    *sync::write(&INSTALLED) = Arc::downgrade(logger);
    let pending = std::mem::take(&mut *lock(&PENDING));
    for (event, help) in pending {
        logger.notice(Severity::Warn, event, &help);
    }
}

/// Writes a WARN about a call in user code, once per call site.
///
/// Only if `applies` returns true for the logger. Without a logger, the WARN is written when one is installed.
#[cold]
pub(crate) fn at_call_site(
    site: &'static Location<'static>,
    event: &'static str,
    applies: impl Fn(&Logger) -> bool,
    help: impl Fn() -> String,
) {
    let applies = with_any_logger(|logger| applies(logger));
    let is_new = || {
        let mut sites = lock(&CALL_SITES);
        sites.len() < MAX_CALL_SITES && sites.insert((site.file(), site.line(), site.column()))
    };
    if applies == Some(false) || !is_new() {
        return;
    }
    let help = format!("{}:{}: {}", site.file(), site.line(), help());
    if with_any_logger(|logger| logger.notice(Severity::Warn, event, &help)).is_none() {
        lock(&PENDING).push((event, help));
    }
}

/// Runs `f` with the logger of the thread's subscriber, or with the installed one.
pub(crate) fn with_any_logger<T>(mut f: impl FnMut(&Logger) -> T) -> Option<T> {
    with_layer(&mut f).or_else(|| {
        let installed = sync::read(&INSTALLED).upgrade();
        installed.map(|logger| f(&logger))
    })
}

/// Returns the logger of the thread's subscriber, or the installed one.
pub(crate) fn any_logger() -> Option<Arc<Logger>> {
    let of_thread = dispatcher::get_default(|dispatch| {
        Some(Arc::clone(&dispatch.downcast_ref::<CandorLayer>()?.logger))
    });
    of_thread.or_else(|| sync::read(&INSTALLED).upgrade())
}

impl Logger {
    /// Writes a line about the process, outside any request.
    ///
    /// `help` says what the line means and what to do.
    #[cold]
    pub(crate) fn notice(&self, severity: Severity, event: &'static str, help: &str) {
        self.notice_with(severity, event, |out| members::text(out, "help", &shown::text(help)));
    }

    #[cold]
    pub(super) fn notice_with(
        &self,
        severity: Severity,
        event: &'static str,
        fields: impl FnOnce(&mut String),
    ) {
        let record = Record::own(severity, event);
        if self.levels.load().allow(record.logger.as_str(), severity.level()) {
            self.write_notice(&record, event, fields);
        }
    }

    /// Writes a requested line about the process, whatever the levels are.
    #[cold]
    pub(super) fn notice_always(
        &self,
        severity: Severity,
        event: &'static str,
        fields: impl FnOnce(&mut String),
    ) {
        self.write_notice(&Record::own(severity, event), event, fields);
    }

    fn write_notice(
        &self,
        record: &Record<'_>,
        event: &'static str,
        fields: impl FnOnce(&mut String),
    ) {
        current::with_line_buffer(|buffer| {
            self.write_for(buffer, None, record, SpanScope::Nothing, None, |out| {
                members::text(out, "event", event);
                fields(out);
            });
        });
    }

    /// Writes the line of a flood that begins or has ended.
    #[cold]
    pub(super) fn write_flood(&self, report: &FloodReport) {
        if !report.has_ended {
            return self.notice_always(Severity::Warn, "log_flood_started", |out| {
                let detail = "the budget is used up; lines below WARN are counted instead of written, beginning with \
                              the call sites that write the most; `log_flood_ended` has the counts";
                members::text(out, "budget", &shown::text(&report.directive));
                members::text(out, "detail", detail);
                write_cut_sites(report, out);
            });
        }
        self.notice_always(Severity::Info, "log_flood_ended", |out| {
            members::text(out, "budget", &shown::text(&report.directive));
            members::open(out, "seconds");
            Encoder::json(out, self.value_limit).f64(report.seconds());
            let lines = report.cut.iter().map(|(_, cut)| cut.lines).sum();
            let bytes = report.cut.iter().map(|(_, cut)| cut.bytes()).sum();
            for (key, count) in [("lines", lines), ("bytes", bytes)] {
                members::open(out, key);
                Encoder::json(out, self.value_limit).u64(count);
            }
            write_cut_sites(report, out);
        });
    }

    /// Reports values that strict mode would hide in one place. `members` locate the place, and `hides` are the names
    /// of the values as JSON strings.
    #[cold]
    pub(crate) fn strict_report(&self, place: &'static str, members: &str, hides: &[String]) {
        self.notice_with(Severity::Info, "strict_report", |out| {
            members::text(out, "place", place);
            out.push_str(members);
            members::open(out, "hides");
            out.push('[');
            out.push_str(&hides.join(","));
            out.push(']');
        });
    }

    /// Writes the places that are due.
    #[cold]
    pub(super) fn write_strict_reports(&self) {
        for (place, name) in strict_report::take() {
            let mut members = String::new();
            let name = match place {
                Place::Header | Place::QueryParameter => format!("\"{name}\""),
                Place::Error => {
                    members::text(&mut members, "error_type", &shown::text(&name));
                    "\"error_detail\"".to_owned()
                }
                Place::Panic => "\"panic_message\"".to_owned(),
                _ => format!("\"{}\"", place.as_str()),
            };
            self.strict_report(place.as_str(), &members, &[name]);
        }
    }
}

/// Appends the call sites with the most lines cut.
fn write_cut_sites(report: &FloodReport, out: &mut String) {
    const SHOWN: usize = 5;
    let mut list = SiteList::begin(out);
    for (site, cut) in report.cut.iter().take(SHOWN) {
        list.add(*site, cut.lines, cut.bytes(), None);
    }
    list.end();
}

/// Reports once if another panic hook has replaced candor's. A step, job or request that panicked calls this.
#[cold]
pub(crate) fn panicked() {
    static IS_WRITTEN: AtomicBool = AtomicBool::new(false);
    if PanicHookExists::for_any()
        || !HAD_PANIC_HOOK.load(Ordering::Relaxed)
        || IS_WRITTEN.load(Ordering::Relaxed)
    {
        return;
    }
    // Written on another thread, because this one is unwinding and may hold the buffer of its line.
    let _ = timer::schedule(Instant::now(), || {
        with_any_logger(|logger| {
            if !IS_WRITTEN.swap(true, Ordering::Relaxed) {
                logger.notice(
                    Severity::Warn,
                    "panic_hook_replaced",
                    "a panic hook that was installed after candor's replaced it, so panics are not logged; \
                     install it before candor, or call `Logging::install_panic_hook` after it",
                );
            }
        });
    });
}

/// Notices that a filter of the subscriber disables a call site that candor's levels allow.
#[cold]
pub(crate) fn is_never_enabled(metadata: &Metadata<'_>) {
    static IS_WRITTEN: AtomicBool = AtomicBool::new(false);
    let hides = |logger: &Logger| {
        !logger.is_only_layer && logger.levels.load().allow(metadata.target(), *metadata.level())
    };
    with_layer(|logger| {
        if hides(logger) && !IS_WRITTEN.swap(true, Ordering::Relaxed) {
            let help = format!(
                "a filter of the subscriber hides lines that candor's levels allow, first \"{}\" at {}; put the \
                 filter on the other layers with `.with_filter(…)`, and set candor's levels in LOG_LEVEL",
                metadata.target(),
                metadata.level()
            );
            logger.notice(Severity::Warn, "lines_filtered", &help);
        }
    });
}

/// Notices that candor's layer can't be found in the subscriber.
///
/// `audit!`, the `log` bridge and captures look for it there.
#[cold]
pub(crate) fn layer_is_hidden(logger: &Logger) {
    static IS_WRITTEN: AtomicBool = AtomicBool::new(false);
    if !IS_WRITTEN.swap(true, Ordering::Relaxed) {
        logger.notice(
            Severity::Warn,
            "layer_hidden",
            "candor's layer is inside a layer that hides it, such as `reload::Layer`; `audit!` fails and records of \
             the `log` crate are lost; add the layer directly, and change its levels with `Logging::set_levels`",
        );
    }
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold_rw((), |()| &INSTALLED);
    locks.hold((), |()| Some(&PENDING), |(), _| {});
    locks.hold((), |()| Some(&CALL_SITES), |(), _| {});
}
