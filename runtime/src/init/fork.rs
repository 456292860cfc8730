//! The locks that a thread takes before it forks, the outer ones first.

use super::panics;
use crate::base::fork::{self, ForkLocks};
use crate::base::timer;
use crate::current::{deferred, span_stack};
use crate::instrument::step::adhoc;
use crate::layer::event;
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::redact::{counted, strict_report};
use crate::request::recorder;
use crate::sink::stats;
use crate::{current, format, levels, logger, site};

/// Makes forked children able to log.
pub(super) fn install() {
    fork::install(hold);
}

fn hold(locks: &mut ForkLocks) {
    levels::hold(locks);
    if let Some(request) = current::request() {
        request.hold(locks);
    }
    if let Some(call) = current::with(|frame| frame.call.clone()).flatten() {
        call.hold(locks);
    }
    if let Some(span) = span_stack::innermost() {
        span.hold(locks);
    }
    recorder::hold(locks);
    deferred::hold(locks);
    logger::hold(locks);
    logger::notices::hold(locks);
    #[cfg(feature = "log")]
    super::log_crate::hold(locks);
    event::hold(locks);
    adhoc::hold(locks);
    site::hold(locks);
    #[cfg(feature = "metrics")]
    metrics::hold(locks);
    #[cfg(feature = "otlp")]
    crate::sink::otlp::stats::hold(locks);
    stats::hold(locks);
    format::sites::hold(locks);
    counted::hold(locks);
    strict_report::hold(locks);
    timer::hold(locks);
    // A thread may panic, and so capture a backtrace, while it holds any other lock.
    panics::hold(locks);
}
