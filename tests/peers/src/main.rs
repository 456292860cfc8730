//! candor measured against its peers, in one run and in one table.
//!
//! ```text
//! cargo run --release -p candor-peers
//! cargo run --release -p candor-peers -- --compile --json figures.json
//! cargo run --release -p candor-peers -- --rounds 101 --rows candor
//! cargo run --release -p candor-peers -- --compile --markdown > docs/performance-tables.md
//! ```
//!
//! # What is measured
//!
//! **Lines.** The same work is told to the log by candor and by its peers: one synchronous step with
//! its line, and one ordinary event with three fields, both inside a request. Every line holds the same
//! facts, as far as its library has them, and goes to the same sink, which looks at the bytes and
//! forgets them; the lines are printed below the table, so that anyone can compare them. Below all of
//! them lies the **floor**, what a timed line costs at the least: two readings of the clock, and a copy
//! of the bytes of candor's step line into a buffer that is used again. A step that is switched off is
//! measured against the bare function.
//!
//! **Redaction**, of a struct of eight fields; **growth**, with live requests, depth, call sites and
//! polls; **futures**, in bytes; **a service** over loopback ([`service`]); and with `--compile` what the
//! attribute costs the compiler ([`compile`]).
//!
//! # How
//!
//! Each round measures every row once, one after the other, in a subscriber of its own that is
//! installed for this thread (what another subscriber wants would change what a call site costs).
//! A row is warmed up and then repeated for a few milliseconds. So what disturbs the machine disturbs
//! all rows alike, and a ratio holds where its two times don't.
//!
//! # How to read it
//!
//! Times are nanoseconds an operation. The *median* is over the rounds; of a ratio, it is the median
//! of the ratios within each round. *Min* is the fastest round; of a ratio, the ratio of the two
//! fastest rounds. On a quiet machine both agree; on a busy one the minimum is nearer to the truth of
//! a time and the median to that of a ratio. Never compare times of two runs: compare ratios. A bar is
//! judged by the median.

mod allocations;
mod args;
mod compile;
mod figure;
mod futures;
mod machine;
mod meter;
mod report;
mod rounds;
mod rows;
mod service;
mod table;

use std::fs;
use std::process::ExitCode;

use args::Args;
use report::Report;
use rows::Failure;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    match compare(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{failed}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &Args) -> Result<(), Failure> {
    let report = Report::make(args)?;
    print!("{}", report.render(args.markdown));
    if let Some(file) = &args.json {
        fs::write(file, report.json()).map_err(|error| {
            format!("the figures can't be written to {}: {error}", file.display())
        })?;
    }
    Ok(())
}
