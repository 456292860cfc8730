//! Benchmarks of candor and its peers, in one run and one table.
//!
//! ```text
//! cargo run --release -p candor-peers
//! cargo run --release -p candor-peers -- --compile --json figures.json
//! cargo run --release -p candor-peers -- --runs 1 --rounds 101 --rows candor
//! cargo run --release -p candor-peers -- --compile --markdown # the tables of `tests/peers/README.md`
//! ```
//!
//! # What is measured
//!
//! **Lines.** candor and its peers log the same work: one synchronous step with its line, and one ordinary event
//! with three fields, both inside a request. Every line holds the same details, as far as its library has them,
//! and goes to the same sink, which reads the bytes and discards them. The lines are printed below the table for
//! comparison. The **floor** is the lower bound of a timed line: two clock readings, and a copy of the bytes of
//! candor's step line into a buffer that is reused. A disabled step is measured against the bare function.
//!
//! **Redaction** of a struct of eight fields; **growth** with live requests, depth, call sites and polls;
//! **futures**, in bytes; **a service** over loopback ([`service`]); and with `--compile` the compile time of
//! annotated functions ([`compile`]).
//!
//! # How
//!
//! Each round measures every row once, one after the other, in a subscriber that is installed for this thread
//! only (the levels of another subscriber would change the cost of a call site). A row is warmed up and then
//! repeated for a few milliseconds. Other load on the machine thus affects all rows alike, and a ratio is
//! reliable even if its two times are not.
//!
//! # How to read it
//!
//! Times are nanoseconds per operation. The *median* is over the rounds; for a ratio, it is the median of the
//! ratios within each round. *Min* is the fastest round; for a ratio, the ratio of the two fastest rounds. On a
//! quiet machine both agree; on a busy one prefer the minimum for a time and the median for a ratio. Never
//! compare times of two runs: compare ratios.
//!
//! Everything is measured in five runs (`--runs`). A bar is compared with the median of the five medians, and the
//! table shows the lowest and the highest of them. The column *machine* says whether a figure depends on the machine:
//! `no` for a count, `little` for a ratio of similar work, `yes` if the CPU, its clock source or its neighbours change
//! it. Such a bar is a limit that held on each machine that was tried.

mod allocations;
mod args;
mod compile;
mod failure;
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
use failure::{Context as _, Failure};
use report::Report;

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
        fs::write(file, report.json())
            .context(format_args!("cannot write the figures to {}", file.display()))?;
    }
    Ok(())
}
