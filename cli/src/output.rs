//! Standard output for results, standard error for notes and failures.

use std::fmt;
use std::io::{self, StdoutLock, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::read::Unreadable;
use crate::screen::{escape, is_unsafe};

/// Reason for a run without a result, in one sentence, with the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    pub(crate) code: u8,
}

impl Failure {
    /// The input has nothing that matches.
    pub(crate) fn no_match(message: String) -> Self {
        Failure { message, code: 1 }
    }

    /// The arguments are wrong, or a file can't be read or written.
    pub(crate) fn usage(message: String) -> Self {
        Failure { message, code: 2 }
    }

    /// A file can't be read, and the error has been printed already.
    pub(crate) fn reported() -> Self {
        Failure { message: String::new(), code: 2 }
    }

    /// Prints the reason, unless it was printed already.
    pub(crate) fn report(&self) {
        if !self.message.is_empty() {
            report(&self.message);
        }
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

/// Standard output, and notes that are printed to standard error after it.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: StdoutLock<'static>,
    notes: Vec<String>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Output { stdout: io::stdout().lock(), notes: Vec::new() }
    }

    pub(crate) fn note(&mut self, note: impl Into<Option<String>>) {
        self.notes.extend(note.into());
    }

    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.stdout.write_all(text.as_bytes()).map_err(|error| write_failure(&error))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|error| write_failure(&error))
    }

    /// Flushes standard output and prints the notes.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|error| write_failure(&error))?;
        for note in self.notes {
            report(&note);
        }
        Ok(())
    }
}

/// Prints one sentence to standard error. An error while doing so is ignored, since there is nowhere left
/// to report it.
pub(crate) fn report(sentence: &str) {
    let _ = writeln!(io::stderr(), "candor: {}", escape(sentence));
}

/// Fails if writing the page would overwrite one of the input files.
pub(crate) fn check_page(page: Option<&Path>, files: &[PathBuf]) -> Result<(), Failure> {
    let stdin = Path::new("-");
    let page = page.filter(|page| *page != stdin).and_then(|page| page.canonicalize().ok());
    let Some(page) = page.filter(|page| page.is_file()) else { return Ok(()) };
    // Standard input may be a file, too: `candor bill - < app.log`.
    let path = |file: &PathBuf| {
        let file = if file == stdin { Path::new("/dev/stdin") } else { file.as_path() };
        file.canonicalize().ok()
    };
    if files.iter().any(|file| path(file).as_ref() == Some(&page)) {
        return Err(Failure::usage(
            "--html names a file that is read; give the page another name".to_owned(),
        ));
    }
    Ok(())
}

/// The failure for an error on standard output. A closed pipe exits the process with success instead: it
/// means that the user has quit the pager.
fn write_failure(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::usage(format!("can't write the output: {error}"))
}

/// Prints an error in the command line, or the help if the user asked for it.
///
/// clap repeats arguments in its messages. They may have been pasted from a log, so control characters in
/// them are escaped as they are in log content.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let plain = error.to_string();
    if plain.chars().any(|c| c != '\n' && is_unsafe(c)) {
        let rows: Vec<String> = plain.lines().map(escape).collect();
        let _ = writeln!(io::stderr(), "{}", rows.join("\n"));
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
