//! The edge's own lines, known to `tracing`.

use tracing_core::Level;

use crate::site::{Site, Spec};

pub(super) static STARTED: Site = Site::new(
    &STARTED,
    Spec::event(
        "request_started",
        "http",
        Level::DEBUG,
        &[
            "message",
            "event",
            "query",
            "headers",
            "content_type",
            "content_length",
            "client_request_id",
        ],
    ),
);

pub(super) static COMPLETED: Site = Site::new(
    &COMPLETED,
    Spec::event(
        "request_completed",
        "http",
        Level::INFO,
        &[
            "message",
            "event",
            "status",
            "duration_ms",
            "outcome",
            "content_type",
            "response_bytes",
            "route",
            "steps",
            "dependency_calls",
            "dependency_ms",
            "retries",
            "slowest_step",
            "cause",
            "lines_suppressed",
            "client_request_id",
        ],
    )
    .uncapped(),
);
