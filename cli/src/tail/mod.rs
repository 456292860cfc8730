//! `candor tail`: draws requests as they end.
//!
//! `follow` waits for lines, `pending` gathers the lines of open requests, and `draw` draws a request when its last
//! line arrives.

mod draw;
mod follow;
mod pending;

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::args::{KeyArgs, parse_count};
use crate::line::{Level, Line};
use crate::output::{self, Failure, Output};
use crate::read::{Key, Keys, LiveLine, LiveReader, Record, text};
use crate::screen::Screen;
use crate::time::{self, Clock, LocalZone, Micros};
use draw::{Drawing, Unfinished};
use follow::{News, Start};
use pending::{Added, Gathered, LineFacts, Pending};

/// Requests that took at least this long are drawn as trees, unless `--slow` gives another time.
const SLOW: Micros = 1_000_000;
/// Time after which a request with only warnings and errors is drawn. With `LOG_LEVEL=warn`, it has no last line.
const WARNINGS_ONLY: Duration = Duration::from_secs(2);
/// The maximum number of trees of unfinished requests at the end of the input. Older ones are drawn on one row each.
const MAX_UNFINISHED_TREES: usize = 20;
/// Interval at which open requests and Ctrl-C are checked.
const TICK: Duration = Duration::from_millis(100);
/// Time after Ctrl-C until the command reports why it has not ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// Draws each request when it ends, from files that grow, pipes or `kubectl logs -f`.
///
/// A request that failed, was slow, or wrote a warning is drawn as a tree when it ends, and any other request on one
/// row. Lines that candor did not write pass through. Times are in the machine's time zone (`TZ`).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A row of the output, for a request without a problem:
  10:14:12.607  201   63.2 ms 01a2202a-de8b  POST /orders  3 steps, 2 calls

Other requests are drawn as trees, as in `candor story`. Lines that candor did
not write pass through. Times are in the machine's time zone; for UTC, set TZ=UTC.

Examples:
  cargo run | candor tail
  candor tail app.log --slow=500ms
  kubectl logs -f --prefix deploy/orders | candor tail --failed

Exits with 0 after the end of the input or Ctrl-C, 2 if the arguments or a file can't be read.")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct TailArgs {
    /// Files to follow, even when they are rotated; `-` is standard input, which is the default
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Read the files from their beginning instead of their end
    #[arg(long, conflicts_with = "lines")]
    from_start: bool,
    /// Read the files from this many lines before their end
    #[arg(short = 'n', long, value_name = "N", default_value = "0", value_parser = parse_count)]
    lines: usize,
    /// Only requests that failed, panicked, were cancelled, or have no end
    #[arg(long)]
    failed: bool,
    /// Only requests that took at least this long: 500 (ms), 2s. They are drawn as trees
    #[arg(long, value_name = "TIME", value_parser = |text: &str| time::parse_duration(text, "ms"))]
    slow: Option<Micros>,
    /// Only requests and lines that contain TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Hide lines below WARN that are outside requests
    #[arg(short, long)]
    quiet: bool,
    /// Draw every request as a tree
    #[arg(long)]
    expand: bool,
    /// Show every field of every line in trees
    #[arg(long)]
    fields: bool,
    /// Show times as the time since the first one that is shown
    #[arg(long)]
    relative: bool,
    /// Report a request that has been open for this long
    #[arg(long, value_name = "TIME", default_value = "30s",
          value_parser = |text: &str| time::parse_duration(text, "s"))]
    stuck: Micros,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Draws requests until the inputs end or the user ends the command.
pub(crate) fn run(args: &TailArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let stdin = PathBuf::from("-");
    let mut files = args.files.clone();
    if files.is_empty() && io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nothing to read; give FILES or pipe a log into it, as in: cargo run | candor tail"
                .to_owned(),
        ));
    }
    if files.is_empty() {
        files.push(stdin.clone());
    }
    // `app.log app.log*` names a file twice.
    let mut known = HashSet::new();
    files.retain(|path| {
        let is_stdin = *path == stdin;
        let identity = path.canonicalize().ok().filter(|_| !is_stdin);
        known.insert(identity.unwrap_or_else(|| path.clone()))
    });
    let start = if args.from_start { Start::Beginning } else { Start::Last(args.lines as u64) };
    // Ctrl-C reaches all programs in a pipeline, and the service has yet to write its last lines.
    let interrupted = Arc::new(AtomicBool::new(false));
    for registered in [
        // A second Ctrl-C ends the process even if this loop does not run, for example because the output is blocked.
        signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted)),
        signal_hook::flag::register(SIGINT, Arc::clone(&interrupted)),
    ] {
        registered.map_err(|why| Failure::usage(format!("can't handle Ctrl-C: {why}")))?;
    }
    let news = follow::follow(&files, start)?;
    let mut tail = Tail::new(args, keys, files.len());
    // A file that does not exist yet is not a stream.
    let is_stream = |path: &&PathBuf| **path == stdin || path.exists() && !path.is_file();
    let mut streams = files.iter().filter(is_stream).count();
    let mut inputs = files.len();
    let mut waits_since = None;
    let mut failure = None;
    let mut has_failed = false;
    while inputs > 0 {
        match news.recv_timeout(TICK) {
            Ok(News::Lines { input, bytes, is_earlier }) => tail.add(input, &bytes, is_earlier),
            Ok(News::Note(note)) => output::report(&note),
            Ok(News::Ended(result)) => {
                inputs -= 1;
                streams = streams.saturating_sub(1);
                match result {
                    Err(why) if inputs == 0 => failure = Some(Failure::from(why)),
                    // The other inputs may go on for long.
                    Err(why) => {
                        output::report(&why.to_string());
                        has_failed = true;
                    }
                    Ok(()) => {}
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        tail.check_open();
        tail.print(out)?;
        if interrupted.swap(false, Ordering::Relaxed) {
            if streams == 0 || waits_since.is_some() {
                break;
            }
            waits_since = Some((Instant::now(), false));
        }
        if streams == 0 && waits_since.is_some() {
            break;
        }
        if let Some((since, is_told @ false)) = &mut waits_since
            && since.elapsed() > PATIENCE
        {
            *is_told = true;
            output::report("waiting for the last lines of the input; press Ctrl-C again to end");
        }
    }
    tail.finish();
    tail.print(out)?;
    failure.or_else(|| has_failed.then(Failure::reported)).map_or(Ok(true), Err)
}

const SIGINT: i32 = signal_hook::consts::SIGINT;

/// State of the command: options, inputs, open requests, and the drawing.
struct Tail<'a> {
    args: &'a TailArgs,
    keys: Keys,
    grep: Option<Needle>,
    readers: Vec<LiveReader>,
    /// The time of the first line of each input.
    first: Vec<Option<Micros>>,
    pending: Pending,
    drawing: Drawing,
    stuck: Duration,
    checked: Instant,
}

impl<'a> Tail<'a> {
    fn new(args: &'a TailArgs, keys: Keys, inputs: usize) -> Self {
        let (zone, note) = LocalZone::detect();
        if let Some(note) = note {
            output::report(&note);
        }
        let mut clock = Clock::new(zone, args.relative);
        clock.skip_date(time::now());
        Tail {
            args,
            keys,
            grep: args.grep.as_deref().map(Needle::new),
            readers: (0..inputs).map(|_| LiveReader::default()).collect(),
            first: vec![None; inputs],
            pending: Pending::default(),
            drawing: Drawing::new(Screen::detect(), clock, args.fields),
            stuck: Duration::from_micros(args.stuck.unsigned_abs()),
            checked: Instant::now(),
        }
    }

    /// Reads lines of an input. Lines before the start position only complete requests that continue after it.
    fn add(&mut self, input: usize, bytes: &[u8], is_earlier: bool) {
        let mut reader = std::mem::take(&mut self.readers[input]);
        let keys = self.keys.clone();
        for line in bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n') {
            reader.add(line, &keys, &mut |found| match found {
                LiveLine::Record(record) => self.record(input, record, is_earlier),
                _ if is_earlier => {}
                LiveLine::Foreign(line) => self.foreign(line),
                LiveLine::Torn(line) => self.torn(line),
            });
        }
        self.readers[input] = reader;
    }

    fn contains(&self, line: &[u8]) -> bool {
        self.grep.as_ref().is_none_or(|needle| needle.is_in(line))
    }

    fn foreign(&mut self, line: &[u8]) {
        if self.contains(line) {
            self.drawing.foreign(line);
        }
    }

    fn torn(&mut self, line: &[u8]) {
        if self.contains(line) {
            self.drawing.torn(line);
        }
    }

    fn record(&mut self, input: usize, record: &Record<'_>, is_earlier: bool) {
        let Some(at) = record.get(Key::Ts).and_then(text).and_then(|at| time::parse(&at)) else {
            // Other loggers have such keys, too, but write their times in another form.
            if !is_earlier {
                self.foreign(record.bytes);
            }
            return;
        };
        self.first[input].get_or_insert(at);
        let level = record.get(Key::Level).and_then(text).unwrap_or_default();
        let facts = LineFacts {
            is_warning: Level::parse(&level) >= Level::Warn,
            is_match: self.contains(record.bytes),
            is_earlier,
        };
        match self.pending.add(record, facts) {
            Added::Ended(request) => self.ended(&request, input),
            Added::Open(request) => {
                let is_stuck = record.get(Key::Msg) == Some(b"\"request_stuck\"");
                if is_stuck && !request.is_reported && !request.facts.is_earlier {
                    request.is_reported = true;
                    if request.facts.is_match {
                        self.drawing.unfinished(request, &self.keys, Unfinished::StillOpen);
                    }
                }
            }
            Added::Late | Added::Outside if is_earlier || !facts.is_match => {}
            Added::Late | Added::Outside => {
                let is_restricted = self.args.quiet || self.args.failed || self.args.slow.is_some();
                if (facts.is_warning || !is_restricted)
                    && let Some(line) = Line::parse(record.bytes, &self.keys)
                {
                    let id = record.get(Key::RequestId).and_then(text).unwrap_or_default();
                    let id = if id == "-" { "" } else { &*id };
                    self.drawing.line(&line, id);
                }
            }
        }
        while let Some(request) = self.pending.give_up() {
            self.unfinished(&request, Unfinished::GivenUp);
        }
    }

    fn ended(&mut self, request: &Gathered, input: usize) {
        if request.facts.is_earlier || !request.facts.is_match {
            return;
        }
        let Some(end) = request.last(&self.keys) else { return };
        let duration = end.micros("duration_ms").unwrap_or(0);
        let has_failed = end.text("outcome") != "ok";
        let is_slow = |least: Micros| duration >= least;
        if !self.args.slow.is_none_or(is_slow) || self.args.failed && !has_failed {
            return;
        }
        let is_problem =
            request.facts.is_warning || has_failed || is_slow(self.args.slow.unwrap_or(SLOW));
        if is_problem || self.args.expand {
            return self.drawing.tree(request, &end, &self.keys);
        }
        // Lines that a request wrote before the first line of the input do not count as missing.
        let is_whole = self.first[input].is_some_and(|first| end.at - duration >= first);
        let is_complete = !is_whole || end.has("lines_left_out");
        let seq = if is_complete { 0 } else { end.seq.unwrap_or(0) };
        self.drawing.folded(request, &end, seq.saturating_sub(request.count()));
    }

    /// Draws a request that has no last line.
    fn unfinished(&mut self, request: &Gathered, form: Unfinished) {
        let is_slow = |least: Micros| request.open_for(&self.keys) >= least;
        if !request.facts.is_earlier && request.facts.is_match && self.args.slow.is_none_or(is_slow)
        {
            self.drawing.unfinished(request, &self.keys, form);
        }
    }

    /// Reports each request once that has been open for long.
    fn check_open(&mut self) {
        if self.checked.elapsed() < TICK {
            return;
        }
        self.checked = Instant::now();
        while let Some(request) = self.pending.next_older_than(self.stuck) {
            if !request.is_reported && !request.facts.is_earlier && request.facts.is_match {
                self.drawing.unfinished(request, &self.keys, Unfinished::StillOpen);
            }
            request.is_reported = true;
        }
        for request in self.pending.take_warnings_only(WARNINGS_ONLY) {
            self.unfinished(&request, Unfinished::Tree);
        }
    }

    /// Draws the lines and requests that are incomplete at the end of the input.
    fn finish(&mut self) {
        for mut reader in std::mem::take(&mut self.readers) {
            reader.finish(&mut |found| match found {
                LiveLine::Foreign(line) => self.foreign(line),
                LiveLine::Torn(line) => self.torn(line),
                LiveLine::Record(_) => {}
            });
        }
        while let Some(request) = self.pending.take_oldest() {
            let is_recent = self.pending.len() < MAX_UNFINISHED_TREES;
            self.unfinished(
                &request,
                if is_recent { Unfinished::Tree } else { Unfinished::GivenUp },
            );
        }
    }

    fn print(&mut self, out: &mut Output) -> Result<(), Failure> {
        if self.drawing.text.is_empty() {
            return Ok(());
        }
        out.print(&self.drawing.text)?;
        self.drawing.text.clear();
        out.flush()
    }
}

/// The text of `--grep`, in lower case.
struct Needle {
    text: String,
    /// The text as JSON escapes it, if that differs.
    escaped: Option<String>,
}

impl Needle {
    fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let json = serde_json::Value::from(text.as_str()).to_string();
        let escaped = json[1..json.len() - 1].to_owned();
        Needle { escaped: (escaped != text).then_some(escaped), text }
    }

    fn is_in(&self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line).to_lowercase();
        line.contains(&self.text)
            || self.escaped.as_ref().is_some_and(|escaped| line.contains(escaped))
    }
}
