//! candor measured against its peers, in one run and in one table.
//!
//! ```text
//! cargo run --release -p candor-peers
//! cargo run --release -p candor-peers -- --rounds 101 --json ratios.json
//! cargo run --release -p candor-peers -- --only candor
//! ```
//!
//! # What is measured
//!
//! The same work is told to the log by candor, by tracing-subscriber's JSON formatter and by
//! slog-json: one synchronous step with its line, and one ordinary event with three fields, both
//! inside a request. Every line holds the same facts, as far as its library has them, and goes to the
//! same sink, which looks at the bytes and forgets them; the lines are printed below the table, so
//! that anyone can compare them. Below all of them lies the **floor**, what a timed line costs at the
//! least: two readings of the clock, and a copy of the bytes of candor's step line into a buffer that
//! is used again. A step that is switched off is measured against the bare function.
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
//! a time and the median to that of a ratio. Never compare times of two runs: compare ratios.

mod allocations;
mod args;
mod machine;
mod meter;
mod rounds;
mod rows;
mod table;

use std::fs;
use std::process::ExitCode;

use args::Args;
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
    let rows = rows::named(&args.only);
    let results = rounds::measure(&rows, args.rounds)?;
    print!("{}", table::render(&results, rows::RATIOS));
    if let Some(file) = &args.json {
        let ratios = table::ratios_json(&results, rows::RATIOS);
        fs::write(file, ratios).map_err(|error| {
            format!("the ratios can't be written to {}: {error}", file.display())
        })?;
    }
    Ok(())
}
