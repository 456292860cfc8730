//! The logger of the `log` crate, which writes its records as lines.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record as LogRecord};
use tracing_core::Level;

use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::lock;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::current::timed_span;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::sites::{SiteId, SiteKey};
use crate::json::members;
use crate::layer::{event, timed};
use crate::logger::{Logger, with_layer};
use crate::redact::{error_text, shown, strict};

struct Bridge;

/// Installs the logger; returns false if the process has another one.
pub(super) fn install() -> bool {
    static IS_INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut is_installed = lock(&IS_INSTALLED);
    if !*is_installed && log::set_logger(&Bridge).is_ok() {
        // `enabled` filters, because levels can change.
        log::set_max_level(LevelFilter::Trace);
        *is_installed = true;
    }
    *is_installed
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = level(metadata.level());
        let target = metadata.target();
        with_layer(|logger| logger.levels.load().allow(target, level))
            .is_some_and(|allowed| allowed || current::raises(target, level))
    }

    fn log(&self, record: &LogRecord<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let hidden = strict::hides_messages_of(record.target());
        let text = record
            .args()
            .as_str()
            .map_or_else(|| Cow::from(error_text::display_value(record.args())), Cow::from);
        let message = if hidden { shown::shape(&text) } else { shown::text(&text) };
        if record.level() == log::Level::Error && timed_span::is_on() {
            timed::error_logged(&message);
        }
        // A text of the running program, unlike the target of a tracing event.
        let target = shown::log_target(record.target());
        with_layer(|logger| {
            logger.write(
                &Record {
                    at: Tick::now(),
                    severity: Severity::from(level(record.level())),
                    logger: target.shown(),
                    message: message.shown(),
                    has_exc: false,
                    capped: true,
                    folds: true,
                    context_keys: ContextKeys::Unused,
                    site: site_of(record, target.shown().as_str()),
                },
                SpanScope::Thread,
                |line| {
                    if hidden {
                        // Not `file()`, which may be a string that was built at run time.
                        line.push_str(&event::location(
                            record.file_static(),
                            record.line(),
                            |_| false,
                        ));
                    }
                },
            );
            if strict::is_reported() {
                report_hidden(logger, record);
            }
        });
    }

    fn flush(&self) {}
}

/// Returns the call site of a record with this shown target.
fn site_of(record: &LogRecord<'_>, target: &str) -> SiteId {
    /// The number of call sites that a thread can find without a lock. The slot depends on the line number.
    const CACHED: usize = 64;
    type Slot = Option<(SiteKey<'static>, SiteId)>;
    thread_local! {
        static MET: RefCell<[Slot; CACHED]> = const { RefCell::new([None; CACHED]) };
    }
    // Not `file()`, which may be a string that was built at run time.
    let key = SiteKey::of_event(record.file_static(), record.line(), target, "");
    let slot = key.line.unwrap_or_default() as usize % CACHED;
    let find = |met: &RefCell<[Slot; CACHED]>| {
        let mut met = met.try_borrow_mut().ok()?;
        if let Some((known, id)) = met[slot]
            && known == key
        {
            return Some(id);
        }
        let id = key.id();
        met[slot] = Some((id.key(), id));
        Some(id)
    };
    MET.try_with(find).ok().flatten().unwrap_or_else(|| key.id())
}

/// The call sites that [`report_hidden`] has reported.
static CALL_SITES: Mutex<BTreeSet<(Option<&str>, Option<u32>)>> = Mutex::new(BTreeSet::new());

/// Takes the lock before a fork.
pub(super) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&CALL_SITES), |(), _| {});
}

/// Reports what strict mode would hide, once for each call site.
#[cold]
fn report_hidden(logger: &Logger, record: &LogRecord<'_>) {
    const MAX_CALL_SITES: usize = 1000;

    let target = record.target();
    let mut hides = Vec::new();
    let mut members = String::new();
    if !strict::is_listed_target(target) {
        hides.push("\"message\"".to_owned());
    }
    if shown::is_log_path(target) {
        members::text(&mut members, "target", &shown::text(target));
    } else {
        hides.push("\"logger\"".to_owned());
    }
    if hides.is_empty() {
        return;
    }
    let is_new = {
        let mut sites = lock(&CALL_SITES);
        sites.len() < MAX_CALL_SITES && sites.insert((record.file_static(), record.line()))
    };
    if is_new {
        members.push_str(&event::location(record.file_static(), record.line(), |_| false));
        logger.strict_report("log", &members, &hides);
    }
}
