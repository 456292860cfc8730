#![doc = include_str!("_guide/links.md")]
#![doc = include_str!("../guide/README.md")]

// The pages of `docs/`, which `runtime/guide` links to. rustdoc alone reads this file: for the documentation of candor,
// and in `candor-tests`, which runs the snippets, because they use crates that candor does not depend on.
//
// A page defines its links with relative paths, for readers of the repository. `links.md` defines the same labels as
// modules. It precedes each page, because the first definition of a label takes precedence.

macro_rules! pages {
    ($($name:ident = $file:literal,)*) => {$(
        #[doc = include_str!("_guide/links.md")]
        #[doc = include_str!(concat!("../guide/", $file))]
        pub mod $name {}
    )*};
}

pages! {
    adopting = "adopting.md",
    beside_others = "beside-others.md",
    compared = "compared.md",
    concepts = "concepts.md",
    configuration = "configuration.md",
    context = "context.md",
    cost = "cost.md",
    databases = "databases.md",
    first_hour = "first-hour.md",
    frameworks = "frameworks.md",
    getting_started = "getting-started.md",
    http_without_tower = "http-without-tower.md",
    instrument = "instrument.md",
    line_reference = "line-reference.md",
    metrics = "metrics.md",
    migrating = "migrating.md",
    on_call = "on-call.md",
    opentelemetry = "opentelemetry.md",
    performance = "performance.md",
    platforms = "platforms.md",
    reading = "reading.md",
    redaction = "redaction.md",
    reviewing = "reviewing.md",
    sinks = "sinks.md",
    testing = "testing.md",
    tightening = "tightening.md",
    troubleshooting = "troubleshooting.md",
    versions = "versions.md",
    what_to_log = "what-to-log.md",
}
