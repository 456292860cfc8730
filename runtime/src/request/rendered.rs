//! The request's part of a line: rendered once for each version of a request, and kept by each thread.

use super::Request;
use super::identity::Identity;
use crate::format::template::{RequestPart, Template};
use crate::redact::shown::Redacted;

/// How many requests a thread keeps. An asynchronous server works on several of them in turn.
const KEPT: usize = 32;

/// A longer part is freed when its place is taken, so that long paths do not hold their memory.
const KEPT_CAPACITY: usize = 1024;

/// The request's parts of the lines that a thread wrote last. The next line probably has one of them.
#[derive(Debug, Default)]
pub(crate) struct RequestPartCache {
    /// Indexed by the version of the request. Requests that begin one after the other usually have different indexes.
    parts: [CachedPart; KEPT],
}

#[derive(Debug, Default)]
struct CachedPart {
    /// The logger that it was rendered for, and the version of the request.
    version: (u64, u64),
    text: String,
    has_fields: bool,
}

impl RequestPartCache {
    /// The part of a line in `request`, or outside any request, as the logger with this id and template writes it.
    #[inline]
    pub(crate) fn part<'a>(
        &'a mut self,
        request: Option<&Request>,
        template: &'a Template,
        logger: u64,
    ) -> RequestPart<'a> {
        let Some(request) = request else { return template.outside_requests() };
        let version = (logger, request.version());
        let part = &mut self.parts[usize::from(version.1.to_le_bytes()[0]) % KEPT];
        if part.version != version {
            part.render(request, template, version);
            part.version = version;
        }
        template.request_part(&part.text, part.has_fields)
    }
}

impl CachedPart {
    #[cold]
    fn render(&mut self, request: &Request, template: &Template, version: (u64, u64)) {
        let identity = request.identity();
        if self.text.capacity() > KEPT_CAPACITY {
            self.text = String::new();
        }
        self.text.clear();
        let render = |out: &mut String| render(request, &identity, template, out);
        let is_to_be_cached = identity.write(version.0, render, &mut self.text);
        self.has_fields = !identity.fields.is_empty();
        drop(identity);
        if is_to_be_cached {
            request.cache_rendered(version, &self.text);
        }
        self.text.push_str(template.seq_key());
    }
}

fn render(request: &Request, identity: &Identity, template: &Template, out: &mut String) {
    let values = [
        identity.user.as_ref().map(Redacted::shown),
        identity.method.as_ref().or(request.method.as_ref()).map(Redacted::shown),
        identity.path.as_ref().or(request.path.as_ref()).map(Redacted::shown),
    ];
    let trace = request.trace().map(|trace| (&trace.trace_id, &trace.span_id));
    template.identity(Some(&request.id), values, trace, out);
}
