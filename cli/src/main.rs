//! The command `candor`: reads the JSON lines that a service wrote with candor.
//!
//! `candor story` shows one request as a tree, `candor requests` lists requests, and `candor steps` summarises steps
//! and dependency calls. `candor tail` draws requests as they end, with the trees of `story`. `candor view` prints lines. `candor bill` divides the
//! bytes of a log. `candor schema` describes the lines to other programs. `candor migrate` rewrites sources. Each
//! command has a module of its own; they share the modules [`time`], [`screen`], [`markup`], [`read`], [`output`],
//! [`schema`], [`from`], [`args`], [`line`], [`histogram`], [`top`] and [`open`]. A module uses only those before it in
//! this order.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "durations and shares are rounded for display"
)]

mod args;
mod bill;
mod from;
mod histogram;
mod line;
mod markup;
mod migrate;
mod open;
mod output;
mod read;
mod requests;
mod schema;
mod screen;
mod steps;
mod story;
mod tail;
mod time;
mod top;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Reads candor's JSON lines back: what happened in a request, which requests were slow or failed, how
/// long steps take, what the log costs.
///
/// Lines are found behind what kubectl, docker, journald and CRI put before or around them, in plain and
/// gzip-compressed files, and on servers with --from. Exits with 0 if something was found, 1 if nothing was, 2 if
/// the arguments or a file can't be read.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell what happened in a request, as a tree with times
    Story(story::StoryArgs),
    /// List requests: the failed and the slowest first
    Requests(requests::RequestsArgs),
    /// Sum up steps and dependency calls: counts, errors, percentiles
    Steps(steps::StepsArgs),
    /// Follow files, pipes or `kubectl logs -f`, and draw each request when it ends
    Tail(tail::TailArgs),
    /// Print lines for reading, with filters
    View(view::ViewArgs),
    /// Divide the bytes of a log by event, step, dependency, route, level and key, and compare settings
    Bill(bill::BillArgs),
    /// Describe the lines to other programs: tables, a JSON Schema, an index template or a reference
    Schema(schema::SchemaArgs),
    /// Rewrite sources that use `tracing` or `log`, and count the call sites that are left
    Migrate(migrate::MigrateArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::report_usage(&error),
    };
    let mut out = Output::new();
    let result = match &cli.command {
        Command::Story(args) => story::run(args, &mut out),
        Command::Requests(args) => requests::run(args, &mut out),
        Command::Steps(args) => steps::run(args, &mut out),
        Command::Tail(args) => tail::run(args, &mut out),
        Command::View(args) => view::run(args, &mut out),
        Command::Bill(args) => bill::run(args, &mut out),
        Command::Schema(args) => schema::run(args, &mut out),
        Command::Migrate(args) => migrate::run(args, &mut out),
    };
    // `finish` prints the notes even if the subcommand failed.
    let finished = out.finish();
    match result.and_then(|found| finished.map(|()| found)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.code)
        }
    }
}
