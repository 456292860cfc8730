//! The headers that the HTTP layer reads of every request and response, each found in one pass over all headers.

use http::{HeaderMap, HeaderValue};

/// The headers of a request that determine its context.
#[derive(Debug, Default)]
pub(super) struct RequestHeaders<'a> {
    pub(super) request_id: SentHeader<'a>,
    pub(super) traceparent: SentHeader<'a>,
}

/// A header that is used only if it was sent once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) enum SentHeader<'a> {
    #[default]
    Missing,
    Once(&'a HeaderValue),
    /// With the first value.
    Repeatedly(&'a HeaderValue),
}

impl<'a> RequestHeaders<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut found = RequestHeaders::default();
        for (name, value) in headers {
            match name.as_str() {
                "x-request-id" => found.request_id.add(value),
                "traceparent" => found.traceparent.add(value),
                _ => {}
            }
        }
        found
    }
}

impl<'a> SentHeader<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match *self {
            SentHeader::Missing => SentHeader::Once(value),
            SentHeader::Once(first) | SentHeader::Repeatedly(first) => {
                SentHeader::Repeatedly(first)
            }
        };
    }
}

/// The headers of a response that `request_completed` shows. Of a header with several values, the first one counts.
#[derive(Debug, Default)]
pub(super) struct ResponseHeaders<'a> {
    pub(super) content_type: Option<&'a HeaderValue>,
    pub(super) content_length: Option<&'a HeaderValue>,
    pub(super) grpc_status: Option<&'a HeaderValue>,
}

impl<'a> ResponseHeaders<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut found = ResponseHeaders::default();
        for (name, value) in headers {
            let header = match name.as_str() {
                "content-type" => &mut found.content_type,
                "content-length" => &mut found.content_length,
                "grpc-status" => &mut found.grpc_status,
                _ => continue,
            };
            header.get_or_insert(value);
        }
        found
    }
}
