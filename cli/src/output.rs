//! What the command says: on standard output what was asked for, on standard error the rest.

use std::fmt;
use std::io::{self, StdoutLock, Write as _};
use std::process::ExitCode;

use crate::read::Unreadable;
use crate::screen::{is_unsafe, safe};

/// Why there is no answer, in one sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    pub(crate) code: u8,
}

impl Failure {
    /// Nothing matched.
    pub(crate) fn nothing(message: String) -> Self {
        Failure { message, code: 1 }
    }

    /// The question can't be answered as it was put.
    pub(crate) fn usage(message: String) -> Self {
        Failure { message, code: 2 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Failure::usage(unreadable.to_string())
    }
}

/// Standard output, and what is to be said when all is done.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: StdoutLock<'static>,
    notes: Vec<String>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Output { stdout: io::stdout().lock(), notes: Vec::new() }
    }

    pub(crate) fn note(&mut self, note: Option<String>) {
        self.notes.extend(note);
    }

    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.stdout.write_all(text.as_bytes()).or_else(|error| end_quietly(&error))
    }

    /// Writes what is left, and the notes.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.stdout.flush().or_else(|error| end_quietly(&error))?;
        for note in self.notes {
            complain(&note);
        }
        Ok(())
    }
}

/// One sentence on standard error, if anybody takes it.
pub(crate) fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "candor: {}", safe(sentence));
}

/// A pager that was left is no error.
fn end_quietly(error: &io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Err(Failure::usage(format!("can't write the output: {error}")))
}

/// Says what is wrong with the command line, or prints the help that was asked for. What was typed or
/// pasted is repeated in it, and is shown as safely as what a log holds.
pub(crate) fn refused(error: &clap::Error) -> ExitCode {
    let plain = error.to_string();
    if plain.chars().any(|c| c != '\n' && is_unsafe(c)) {
        let rows: Vec<String> = plain.lines().map(safe).collect();
        let _ = writeln!(io::stderr(), "{}", rows.join("\n"));
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
