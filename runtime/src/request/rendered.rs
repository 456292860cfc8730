//! The request's part of a line: rendered once for each version of a request, and kept by each thread.

use super::Request;
use super::identity::Identity;
use crate::format::template::{RequestPart, Template};
use crate::redact::shown::Redacted;

/// The request's part of the line that a thread wrote last. The next line probably has the same.
#[derive(Debug, Default)]
pub(crate) struct RequestPartCache {
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
        if self.version != version {
            self.render(request, template, logger);
            self.version = version;
        }
        template.request_part(&self.text, self.has_fields)
    }

    #[cold]
    fn render(&mut self, request: &Request, template: &Template, logger: u64) {
        let identity = request.identity();
        self.text.clear();
        identity.write(logger, |out| render(request, &identity, template, out), &mut self.text);
        self.text.push_str(template.seq_key());
        self.has_fields = !identity.fields.is_empty();
    }
}

fn render(request: &Request, identity: &Identity, template: &Template, out: &mut String) {
    let values = [
        Some(request.id.shown()),
        identity.user.as_ref().map(Redacted::shown),
        identity.method.as_ref().or(request.method.as_ref()).map(Redacted::shown),
        identity.path.as_ref().or(request.path.as_ref()).map(Redacted::shown),
    ];
    let trace = request.trace().map(|trace| (&trace.trace_id, &trace.span_id));
    template.identity(values, trace, out);
}
