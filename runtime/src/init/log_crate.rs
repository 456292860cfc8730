//! The logger of the `log` crate, which writes its records as lines.

use std::borrow::Cow;
use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record as LogRecord};
use tracing_core::Level;

use crate::base::clock::Tick;
use crate::base::lock;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::layer::event;
use crate::logger::with_layer;
use crate::redact::{error_text, scrub, strict};

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
            .map_or_else(|| Cow::from(error_text::display(record.args())), Cow::from);
        let message = if hidden { scrub::shape(&text).into() } else { scrub::text(&text) };
        with_layer(|logger| {
            logger.write(
                &Record {
                    at: Tick::now(),
                    severity: Severity::from(level(record.level())),
                    logger: record.target(),
                    message: &message,
                    has_exc: false,
                    capped: true,
                    context_keys: ContextKeys::Unused,
                },
                SpanScope::Thread,
                |line| {
                    if hidden {
                        // Not `file()`, which may be a text of the running program.
                        line.push_str(&event::location(
                            record.file_static(),
                            record.line(),
                            |_| false,
                        ));
                    }
                },
            );
        });
    }

    fn flush(&self) {}
}
