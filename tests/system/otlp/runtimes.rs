//! An export is flushed under any runtime, and without one.

use std::time::Duration;

use super::collector::Collector;
use super::run;

#[test]
fn a_flush_delivers_everything_wherever_it_is_called() {
    let runtimes = [
        "none",
        "current-thread",
        "local-set",
        "one-worker",
        "worker",
        "smol",
        "thread",
        "exit",
        "guard",
    ];
    for runtime in runtimes {
        let collector = Collector::start();
        let run = run("otlp", &collector.endpoint(), &[("RUNTIME", runtime)]);
        assert_eq!(run.logs.delivered, run.logs.emitted, "{runtime}: {run:?}");
        assert_eq!(run.spans.delivered, run.spans.emitted, "{runtime}");
        assert_eq!(collector.received().logs.len() as u64, run.logs.emitted, "{runtime}");
        assert!(run.logs.emitted > 30, "{runtime}");
        assert!(run.time < Duration::from_secs(5), "{runtime}: {:?}", run.time);
    }
}
