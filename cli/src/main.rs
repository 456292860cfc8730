//! `candor`: reads back what candor wrote.
//!
//! `candor story` tells one request, `candor requests` lists them, `candor steps` sums them up.

// Times and shares are computed to be shown with three digits.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what is computed here is rounded for the eye anyway"
)]

mod args;
mod first;
mod histogram;
mod line;
mod open;
mod output;
mod read;
mod requests;
mod screen;
mod steps;
mod story;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Reads candor's JSON lines back: what happened in a request, which requests were slow or failed, how
/// long steps take.
///
/// Lines are found behind what kubectl, docker, journald and CRI put before or around them, in plain
/// and gzip-compressed files. Exits with 0 where something was found, 1 where nothing was, 2 where the
/// question or a file can't be read.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell what happened in a request, as a tree with times
    Story(story::Args),
    /// List requests: the failed and the slowest first
    Requests(requests::Args),
    /// Sum up steps and dependency calls: counts, errors, percentiles
    Steps(steps::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::refused(&error),
    };
    let mut out = Output::new();
    let done = match &cli.command {
        Command::Story(args) => story::run(args, &mut out),
        Command::Requests(args) => requests::run(args, &mut out),
        Command::Steps(args) => steps::run(args, &mut out),
    };
    let done = match (done, out.finish()) {
        (Ok(found), Ok(())) => Ok(found),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::from(failure.code)
        }
    }
}
