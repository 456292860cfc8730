//! The `candor` command: reads the JSON lines that a service wrote with candor.
//!
//! `candor story` shows one request as a tree, `candor requests` lists requests, and `candor steps` summarises steps
//! and dependency calls. `candor tail` draws requests as they end, with the trees of `story`. `candor view` prints lines. `candor bill` divides the
//! bytes of a log. `candor schema` describes the lines to other programs. `candor migrate` rewrites sources. Each
//! command has a module of its own; they share the modules [`time`], [`screen`], [`markup`], [`read`], [`output`],
//! [`schema`], [`from`], [`args`], [`line`], [`histogram`], [`top`] and [`open`]. A module uses only those before it in
//! this order. [`usage`] explains errors in the command line.

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
mod usage;
mod view;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use output::Output;

/// Reads candor's JSON log lines: shows what happened in a request, which requests failed or were slow, how long steps
/// take, and what the log costs.
///
/// Reads plain and gzip-compressed files, the output of kubectl, docker and journald, and servers (--from).
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Start with:
  candor requests app.log             lists requests, the failed ones first
  candor story 01a204cb-c5a7 app.log  shows what happened in one of them
  candor steps app.log                shows how long steps and calls take

`candor COMMAND --help` shows the options of a command and explains its output.

Exits with 0 if something was found, 1 if nothing was, 2 if the arguments or a file can't be read."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what happened in one request, as a tree of its steps and calls
    Story(story::StoryArgs),
    /// List requests, failed ones first, then the slowest, and count the causes of failures
    Requests(requests::RequestsArgs),
    /// Show how long steps and dependency calls take and how often they fail, or compare two logs
    Steps(steps::StepsArgs),
    /// Follow a log, and draw each request when it ends
    Tail(tail::TailArgs),
    /// Print log lines in a readable form, filtered by level, time, request or field
    View(view::ViewArgs),
    /// Show which events, steps, routes and keys the bytes of a log belong to, and what other settings would save
    Bill(bill::BillArgs),
    /// Print the format of the lines for other programs: tables, a JSON Schema, an index template
    Schema(schema::SchemaArgs),
    /// Rewrite source code from `tracing` or `log` to candor, and count the call sites that are left
    Migrate(migrate::MigrateArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let args: Vec<String> =
                std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
            return usage::report(error, &Cli::command(), &args);
        }
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
