//! The lines that a subcommand needs, for servers that can filter.

use crate::time::Micros;

/// A question to a server. The response may have more lines than needed, never fewer.
#[derive(Debug)]
pub(crate) enum Question<'a> {
    /// The lines of requests whose id begins with the string. The command also accepts an ending, but a
    /// server that can't search for one leaves those ids out.
    Story { short: &'a str },
    /// The lines of requests that failed or have no last line.
    FailedStories,
    /// The last lines of requests, and all lines of those without one.
    Requests(RequestFilter<'a>),
    /// The lines of steps and calls, and the last lines of requests.
    Steps,
}

/// Filter of `candor requests`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct RequestFilter<'a> {
    pub(crate) failed: bool,
    pub(crate) unfinished: bool,
    pub(crate) since: Option<SinceFilter>,
    pub(crate) path: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
}

/// The earliest time, in whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SinceFilter {
    /// Seconds since 1970.
    At(u32),
    /// Seconds before the latest line.
    BeforeLast(u32),
}

impl SinceFilter {
    /// `None` for a time before 1970, which excludes nothing.
    pub(crate) fn at(at: Micros) -> Option<Self> {
        let seconds = at.div_euclid(1_000_000);
        u32::try_from(seconds).ok().map(SinceFilter::At)
    }

    /// Adds one second, because the columns have whole seconds.
    pub(crate) fn before_last(duration: Micros) -> Option<Self> {
        u32::try_from(duration.div_euclid(1_000_000) + 1).ok().map(SinceFilter::BeforeLast)
    }
}
