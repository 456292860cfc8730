//! Errors in the command line, with what exists instead.

use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::output;

/// Prints an error in the command line, or the help if the user asked for it. `command` is the definition of the
/// command line, and `args` are the arguments.
pub(crate) fn report(mut error: clap::Error, command: &clap::Command, args: &[String]) -> ExitCode {
    let invalid = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument if error.get(ContextKind::SuggestedArg).is_none() => {
            invalid(ContextKind::InvalidArg).and_then(|option| option_tip(&option, command, args))
        }
        ErrorKind::InvalidSubcommand => {
            let name = invalid(ContextKind::InvalidSubcommand).unwrap_or_default();
            if Path::new(&name).is_file() {
                let error = clap::Error::raw(error.kind(), file_message(&name));
                return output::report_usage(&error.with_cmd(command));
            }
            let has_similar = error.get(ContextKind::SuggestedSubcommand).is_some();
            (!has_similar).then(|| format!("the subcommands are {}", names(command).join(", ")))
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    output::report_usage(&error)
}

/// Names the commands that have the option, and the options of the command in use.
fn option_tip(option: &str, command: &clap::Command, args: &[String]) -> Option<String> {
    let used = args.iter().find_map(|arg| command.find_subcommand(arg))?;
    let own: Vec<String> = long_options(used).map(|name| format!("--{name}")).collect();
    let own = match own.as_slice() {
        [] => format!("'candor {}' has no options", used.get_name()),
        own => format!("the options of 'candor {}' are {}", used.get_name(), own.join(", ")),
    };
    let name = option.strip_prefix("--").filter(|name| !name.is_empty());
    let others = command
        .get_subcommands()
        .filter(|other| name.is_some_and(|name| long_options(other).any(|known| known == name)));
    let others: Vec<String> =
        others.map(|other| format!("'candor {}'", other.get_name())).collect();
    Some(match others.as_slice() {
        [] => own,
        others => format!("'{option}' is an option of {}; {own}", others.join(", ")),
    })
}

fn long_options(command: &clap::Command) -> impl Iterator<Item = &str> {
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    shown.filter_map(clap::Arg::get_long).filter(|name| !["help", "version"].contains(name))
}

fn names(command: &clap::Command) -> Vec<&str> {
    command.get_subcommands().map(clap::Command::get_name).collect()
}

/// The message for `candor app.log`.
fn file_message(name: &str) -> String {
    format!(
        "'{name}' is a file, not a subcommand; 'candor requests {name}' lists its requests, and \
         'candor view {name}' prints its lines\n"
    )
}
