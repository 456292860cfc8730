//! Call sites of the lines that the HTTP layer and its clients write.

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
            "grpc_status",
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
            "lines_sampled_away",
            "lines_recorded",
            "lines_recorded_lost",
            "client_request_id",
        ],
    )
    .uncapped(),
);

pub(super) static DEBUG_RAISED: Site = Site::new(
    &DEBUG_RAISED,
    Spec::event("debug_raised", "http", Level::INFO, &["message", "event", "levels", "lines"])
        .uncapped(),
);

pub(super) static NO_PEER: Site = Site::new(
    &NO_PEER,
    Spec::event("peer_unknown", "http", Level::WARN, &["message", "event", "detail"]),
);

pub(super) static STUCK: Site = Site::new(
    &STUCK,
    Spec::event("request_stuck", "http", Level::WARN, &["message", "event", "age_ms", "open"]),
);

#[cfg(feature = "reqwest")]
pub(super) static REDIRECTED: Site = Site::new(
    &REDIRECTED,
    Spec::event("redirect_followed", "http", Level::WARN, &["message", "event", "url", "detail"]),
);
