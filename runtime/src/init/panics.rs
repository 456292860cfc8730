//! The panic hook, which writes a line with the location, the scrubbed message and the backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{process, thread};

use super::logging;
use crate::base::catch::{self, PanicHookGuard};
use crate::base::clock::Tick;
use crate::base::fork::{ForkLocks, OutputLock};
use crate::base::{lock, timer};
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::Severity;
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::notices::{self, PanicHookExists, with_any_logger};
use crate::logger::{self, Logger};
use crate::redact::loggable::Encoder;
use crate::redact::shown::{self, Redacted};
use crate::sink::{self, Ending, LAST_LINES};
use crate::site::event_sites;

event_sites! {
    PANIC = "panic" ERROR "panic" [location panic_message thread exc].with_exc();
}

/// How candor's hook was installed relative to the previous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It replaced the default hook of the standard library.
    Alone,
    /// It runs before another one.
    BeforeAnother,
    /// It was already installed, and nothing changed.
    Already,
}

/// Held while the hook is taken, so that two threads do not take each other's.
static LOCK: Mutex<()> = Mutex::new(());

/// Held while a backtrace is captured. The standard library's own lock could stay taken for ever in a forked child.
static BACKTRACE: OutputLock<()> = OutputLock::new(());

/// Takes the lock of backtraces before a fork.
pub(super) fn hold(locks: &mut ForkLocks) {
    locks.hold_output((), |()| Some(&BACKTRACE), |(), _| {});
}

/// The address that identifies candor's hook.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// Installs the panic hook.
///
/// A hook that is already installed runs after candor's. The default hook of the standard library, which prints the raw
/// message to standard error, runs only with `print_panics`.
///
/// The standard library can't show the current hook without removing it. If another thread panics between `take_hook`
/// and `set_hook`, no line is written. Code that runs more than once must call [`install_for_captures`] instead.
pub(crate) fn install(print_panics: bool) -> Joined {
    let _lock = lock(&LOCK);
    install_locked(print_panics)
}

/// Installs the panic hook if it does not exist.
///
/// An existing hook is not taken out, so that captures of other tests miss no panic.
#[cfg(feature = "testing")]
pub(crate) fn install_for_captures() {
    let _lock = lock(&LOCK);
    if !PanicHookExists::for_any() {
        install_locked(true);
    }
}

fn install_locked(print_panics: bool) -> Joined {
    let previous = panic::take_hook();
    if PanicHookExists::for_any() && address(&*previous) == OWN.load(Ordering::Relaxed) {
        panic::set_hook(previous);
        return Joined::Already;
    }
    // Without a hook, the default one is taken.
    let is_default = is_same(&*previous, &*panic::take_hook());
    let chains = !is_default || print_panics;
    let exists = PanicHookExists::new();
    let hook: Box<PanicHook> = Box::new(move |info| {
        let _ = &exists;
        let ends_process = ends_process(info);
        // The line being written shows `<unprintable>` for the value.
        if catch::is_catching() && !ends_process {
            return;
        }
        // A hook that was installed between two of candor's calls the inner one.
        let guard = PanicHookGuard::enter();
        let _ending = ends_process.then(Ending::begin);
        if guard.is_some() {
            if ends_process {
                write_last(info);
            } else {
                write(info);
                flush_soon();
                catch::end_panic_hook_wait();
            }
        }
        if chains {
            previous(info);
        }
    });
    OWN.store(address(&*hook), Ordering::Relaxed);
    panic::set_hook(hook);
    if is_default { Joined::Alone } else { Joined::BeforeAnother }
}

type PanicHook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

fn address(hook: &PanicHook) -> usize {
    (&raw const *hook).cast::<()>().addr()
}

/// Compares the vtables, too: hooks without state have the same address. That of the default hook is in `std`, once.
fn is_same(one: &PanicHook, other: &PanicHook) -> bool {
    std::ptr::eq(one, other)
}

/// Whether the process ends after this panic, because it can't unwind.
///
/// `PanicHookInfo` does not tell it in stable Rust, so the messages of the standard library do.
fn ends_process(info: &PanicHookInfo<'_>) -> bool {
    cfg!(panic = "abort") || info.payload_as_str().is_some_and(cannot_unwind)
}

/// Whether this is a message of `core` for a panic that can't unwind.
fn cannot_unwind(message: &str) -> bool {
    const WHOLE: [&str; 3] = [
        "panic in a destructor during cleanup",
        "panic in a function that cannot unwind",
        "null pointer dereference occurred",
    ];
    const BEGINNINGS: [&str; 6] = [
        "unsafe precondition(s) violated: ",
        "misaligned pointer dereference: address must be a multiple of ",
        "trying to construct an enum from an invalid value 0x",
        "attempted to instantiate uninhabited type `",
        "attempted to zero-initialize type `",
        "attempted to leave type `",
    ];
    WHOLE.contains(&message) || BEGINNINGS.iter().any(|beginning| message.starts_with(beginning))
}

/// Writes the line of a panic that ends the process, and every line that waits. Nothing of candor runs after that.
///
/// If the line may not have been written, the panic is printed to standard error.
fn write_last(info: &PanicHookInfo<'_>) {
    let (done, is_done) = channel::<()>();
    let report = Arc::new(Mutex::new(None));
    // A lock may never become free: its holder may wait for an output that stalls.
    let watch = {
        let report = Arc::clone(&report);
        move || {
            if is_done.recv_timeout(LAST_LINES + GRACE) == Err(RecvTimeoutError::Timeout) {
                print(&report);
                process::abort();
            }
        }
    };
    let _ = thread::Builder::new().name("candor-abort".to_owned()).spawn(watch);
    *lock(&report) = Some(report_of(info));
    if sink::is_writing() {
        // The writer panicked, and can't write the line.
        print(&report);
    }
    let is_written = notices::any_logger().is_some_and(|logger| {
        let lost = logger.sink.lost();
        write(info);
        flush_everything(&logger) == 0 && logger.sink.lost() == lost
    });
    if !is_written {
        print(&report);
    }
    drop(done);
}

/// Prints a report, once.
fn print(report: &Mutex<Option<String>>) {
    let report = lock(report).take();
    if let Some(report) = report {
        logging::print(report);
    }
}

/// Flushes all loggers of the process at the same time. Returns how many lines of this one were not written.
fn flush_everything(logger: &Arc<Logger>) -> u64 {
    let until = timer::after(LAST_LINES);
    let (done, are_done) = channel::<()>();
    for other in logger::all().into_iter().filter(|other| !Arc::ptr_eq(other, logger)) {
        let done = done.clone();
        // Not joined, since its output may stall.
        let _ = thread::Builder::new().spawn(move || {
            let _ending = Ending::begin();
            logging::flush_all(&other, LAST_LINES, false);
            drop(done);
        });
    }
    drop(done);
    let (unwritten, _) = logging::flush_all(logger, LAST_LINES, false);
    // No message is sent: the call returns when all threads have dropped their sender.
    let _ = are_done.recv_timeout(until.saturating_duration_since(Instant::now()));
    unwritten
}

/// The report of the panic on standard error.
fn report_of(info: &PanicHookInfo<'_>) -> String {
    let who = if sink::is_writing() { "the writer" } else { "a thread" };
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let (location, message) = (shown::text(&location), message(info.payload()));
    let (location, message) = (location.as_str(), message.as_str());
    format!("candor: the process ends because {who} panicked at {location}: {message}\n")
}

/// How much longer than `LAST_LINES` the last line may take.
const GRACE: Duration = Duration::from_millis(500);

/// Waits briefly for the line of a panic, because a hook that runs later may end the process.
fn flush_soon() {
    if let Some(logger) = notices::any_logger() {
        logger.sink.wait_for_queue();
    }
}

fn write(info: &PanicHookInfo<'_>) {
    let in_request =
        current::with(|frame| frame.request.as_ref().is_some_and(|request| request.has_id()));
    let severity = if in_request == Some(true) { Severity::Error } else { Severity::Critical };
    let message = message(info.payload());
    let record = PANIC.record(severity, Tick::now());
    // Not dispatched to other layers: a panic in a layer would abort the process here, and a layer that panicked while
    // it held a lock would wait for that lock.
    with_any_logger(|logger| {
        if !logger.allows(&record) {
            return;
        }
        // A backtrace takes milliseconds, so it is captured only if the line is written.
        let backtrace = backtrace();
        let backtrace = backtrace.as_deref().map(skip_machinery);
        logger.write(&record, SpanScope::Thread, |out| {
            write_members(info, message.shown(), backtrace, logger.value_limit, out);
        });
    });
}

/// Returns `None` in a forked child if another thread was capturing a backtrace throughout the fork.
fn backtrace() -> Option<String> {
    let _lock = BACKTRACE.lock_if_released()?;
    Some(Backtrace::force_capture().to_string())
}

fn write_members(
    info: &PanicHookInfo<'_>,
    message: Shown<'_>,
    backtrace: Option<&str>,
    limit: usize,
    out: &mut String,
) {
    let put = |out: &mut String, key: &'static str, value: Shown<'_>| {
        members::open(out, key);
        Encoder::json(out, limit).shown(value);
    };
    members::text(out, "event", "panic");
    if let Some(location) = info.location() {
        put(out, "location", shown::text(&location.to_string()).shown());
    }
    put(out, "panic_message", message);
    put(out, "thread", shown::thread_name(thread::current().name()).shown());
    if let Some(backtrace) = backtrace {
        put(out, "exc", shown::text(backtrace).shown());
    }
}

/// Removes the frames of the panic machinery at the start of a backtrace, which would use up the length of a value.
fn skip_machinery(backtrace: &str) -> &str {
    let machinery = |line: &str| {
        ["core::panicking", "rust_begin_unwind", "begin_panic", "panic_display"]
            .iter()
            .any(|name| line.contains(name))
    };
    let mut at = 0;
    let mut start = 0;
    let mut skipping = false;
    for line in backtrace.split_inclusive('\n') {
        if !line.trim_start().starts_with("at ") {
            if skipping {
                start = at;
            }
            skipping = machinery(line);
        }
        at += line.len();
    }
    &backtrace[start..]
}

/// The scrubbed message. A message with arguments is a `String`, and strict mode shows only its shape.
fn message(payload: &(dyn Any + Send)) -> Redacted<'_> {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return shown::text(text);
    }
    payload
        .downcast_ref::<String>()
        .map_or("a value that is not a string".into(), |text| shown::panic_message(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_like_one_of_core_does_not_end_the_process() {
        for message in [
            "null pointer dereference in foo",
            "null pointer dereference occurred twice",
            "misaligned pointer dereference of a header",
            "unsafe precondition(s) violated by the caller",
            "trying to construct an enum from an invalid value in a row",
            "attempted to leave type unset",
            "panic in a destructor during cleanup of the cache",
        ] {
            assert!(!cannot_unwind(message), "{message}");
        }
        for message in [
            "null pointer dereference occurred",
            "misaligned pointer dereference: address must be a multiple of 0x8 but is 0x7",
            "unsafe precondition(s) violated: ptr::read requires that the pointer argument is aligned",
            "trying to construct an enum from an invalid value 0x3",
            "attempted to instantiate uninhabited type `Never`",
            "attempted to zero-initialize type `&u8`, which is invalid",
            "attempted to leave type `&u8` uninitialized, which is invalid",
        ] {
            assert!(cannot_unwind(message), "{message}");
        }
    }
}
