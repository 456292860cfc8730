//! The events that candor writes itself.

/// An event: the value of `event`, the usual level and logger, and the meaning.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) level: &'static str,
    pub(crate) logger: &'static str,
    pub(crate) help: &'static str,
}

const fn event(
    name: &'static str,
    level: &'static str,
    logger: &'static str,
    help: &'static str,
) -> Event {
    Event { name, level, logger, help }
}

/// All events, the most frequent first.
pub(crate) const EVENTS: [Event; 27] = [
    event(
        "step_timing",
        "INFO",
        "the module",
        "A step ended: a function with `#[step_timed]`, a block or a future. WARN if it failed or was slow, ERROR if it \
         panicked.",
    ),
    event(
        "dependency_call",
        "INFO",
        "deps",
        "A call to another service ended. ERROR if it failed or panicked, WARN if it was retried, refused or slow.",
    ),
    event(
        "request_completed",
        "INFO",
        "http",
        "The last line of a request. WARN if it was cancelled or slow, ERROR if it failed or panicked.",
    ),
    event(
        "job_completed",
        "INFO",
        "jobs",
        "The last line of a job. WARN if it was cancelled, ERROR if it failed or panicked.",
    ),
    event("request_started", "DEBUG", "http", "The first line of a request, with its headers."),
    event("job_started", "DEBUG", "jobs", "The first line of a job."),
    event("dependency_attempt", "DEBUG", "deps", "A call is retried."),
    event(
        "request_stuck",
        "WARN",
        "http",
        "A request is taking unusually long. Its open steps are listed.",
    ),
    event("panic", "ERROR", "panic", "A thread panicked. CRITICAL outside a request or job."),
    event(
        "audit",
        "INFO",
        "the module",
        "A line of `audit!`. Levels and limits do not suppress it.",
    ),
    event("lines_dropped", "WARN", "candor", "Lines could not be written or exported."),
    event(
        "log_flood_started",
        "WARN",
        "candor",
        "A budget is used up, so lines below WARN are suppressed.",
    ),
    event(
        "log_flood_ended",
        "INFO",
        "candor",
        "A budget has suppressed no line for a second. Reports the suppressed lines.",
    ),
    event(
        "log_bill",
        "INFO",
        "candor",
        "Reports the lines and bytes of a period, and the call sites that wrote the most bytes.",
    ),
    event("levels_changed", "INFO", "candor", "The levels of the process were changed."),
    event("debug_raised", "INFO", "http", "A header raised the levels of this request."),
    event(
        "peer_unknown",
        "WARN",
        "http",
        "A header to raise levels was ignored, because the peer's address is unknown.",
    ),
    event(
        "redirect_followed",
        "WARN",
        "http",
        "An HTTP client sent the request's headers to another origin.",
    ),
    event(
        "unsupported_response",
        "WARN",
        "deps",
        "A call returned a type whose success or failure candor can't see.",
    ),
    event("strict_report", "INFO", "candor", "Strict mode would hide these values."),
    event(
        "recorded_outside_step",
        "WARN",
        "candor",
        "A field was recorded while no step was active.",
    ),
    event("invalid_sample_rate", "WARN", "candor", "A sample rate is not between 0 and 1."),
    event(
        "lines_filtered",
        "WARN",
        "candor",
        "A filter of the subscriber hides lines that the levels allow.",
    ),
    event("layer_hidden", "WARN", "candor", "candor's layer can't be found in the subscriber."),
    event("panic_hook_replaced", "WARN", "candor", "Another panic hook has replaced candor's."),
    event("panic_hook_kept", "INFO", "candor", "Another panic hook runs after candor's."),
    event("logger_taken", "WARN", "candor", "The `log` crate already has another logger."),
];
