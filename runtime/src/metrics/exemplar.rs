//! Exemplars: the request and trace of one observation with a written line.

use std::fmt::Write as _;
use std::sync::Mutex;

use super::text::{escape_label, push_seconds};
use crate::base::clock::Tick;
use crate::base::sync;
use crate::request::Request;

/// The maximum length of the names and values of an exemplar's labels, in characters.
const LONGEST: usize = 128;

const TRACE_ID: &str = "trace_id";
const REQUEST_ID: &str = "request_id";

/// The last exemplar of a bucket.
#[derive(Debug)]
pub(super) struct ExemplarSlot(Mutex<Option<Box<Exemplar>>>);

#[derive(Debug, Default)]
struct Exemplar {
    /// The labels in the exposition format.
    labels: String,
    nanos: u64,
    unix_millis: u64,
}

impl ExemplarSlot {
    pub(super) const fn new() -> Self {
        ExemplarSlot(Mutex::new(None))
    }

    /// Replaces the exemplar. Does nothing if another thread is using the slot, because either exemplar will do.
    pub(super) fn set(&self, request: &Request, nanos: u64, at: Tick) {
        let Some(mut slot) = sync::try_lock(&self.0) else { return };
        let exemplar = slot.get_or_insert_default();
        exemplar.labels.clear();
        push_labels(request, &mut exemplar.labels);
        exemplar.nanos = nanos;
        exemplar.unix_millis = at.unix_millis();
        if exemplar.labels.is_empty() {
            *slot = None;
        }
    }

    /// Appends ` # {request_id="…"} 0.5 1700000000.000`.
    ///
    /// Writes nothing if another thread is using the slot. In a forked child, that thread may not exist.
    pub(super) fn write(&self, out: &mut String) {
        let Some(slot) = sync::try_lock(&self.0) else { return };
        let Some(exemplar) = &*slot else { return };
        out.push_str(" # {");
        out.push_str(&exemplar.labels);
        out.push_str("} ");
        push_seconds(exemplar.nanos, out);
        out.push(' ');
        let (seconds, millis) = (exemplar.unix_millis / 1000, exemplar.unix_millis % 1000);
        let _ = write!(out, "{seconds}.{millis:03}");
    }
}

/// Appends the labels that fit into the limit; `request_id` takes precedence.
fn push_labels(request: &Request, out: &mut String) {
    let id = request.id.as_str();
    let mut left = LONGEST;
    if let Some(rest) = left.checked_sub(REQUEST_ID.len() + id.chars().count()) {
        left = rest;
        push(REQUEST_ID, id, out);
    }
    if let Some(trace) = request.trace()
        && TRACE_ID.len() + trace.trace_id.as_str().len() <= left
    {
        push(TRACE_ID, trace.trace_id.as_str(), out);
    }
}

fn push(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape_label(value, out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::shown;
    use crate::request::trace::Trace;

    fn labels(id: &str) -> String {
        let mut request = Request::with_id(shown::text(id).into_owned());
        request.trace = Trace::after(None, request.started).into();
        let mut out = String::new();
        push_labels(&request, &mut out);
        out
    }

    #[test]
    fn bug_a_slot_that_a_thread_of_the_parent_held_stopped_a_forked_child() {
        static SLOT: ExemplarSlot = ExemplarSlot::new();
        let _held = SLOT.0.lock().expect("not poisoned");
        let (done, is_done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut out = String::new();
            SLOT.write(&mut out);
            done.send(out)
        });
        let out = is_done.recv_timeout(std::time::Duration::from_secs(30));
        assert_eq!(out.as_deref(), Ok(""));
    }

    #[test]
    fn labels_stay_within_the_limit() {
        let both = labels(&"r".repeat(78));
        assert!(both.starts_with("request_id=\"rrr") && both.contains(",trace_id=\""), "{both}");
        let without_trace = labels(&"r".repeat(79));
        assert!(!without_trace.contains("trace_id"), "{without_trace}");
        assert!(labels(&"r".repeat(118)).starts_with("request_id="));
        assert!(labels(&"r".repeat(119)).starts_with("trace_id="));
        assert!(labels("a\"b\\").starts_with(r#"request_id="a\"b\\","#));
    }
}
