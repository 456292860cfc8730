//! Work on many threads, to be run under a sanitizer: `sanitized [seconds] [topic]`, by default a minute of all topics.
//!
//! Each topic is a destination of the lines with its settings, in a process of its own. On all of them, eight threads and
//! a runtime do the same: requests through the HTTP layer, steps, calls, events and audit events, values that panic,
//! futures that are dropped, and contexts that move between threads. Other threads meanwhile change levels, read the
//! counts and the metrics, flush, and use subscribers of their own. At the end the counts must add up, no context may be
//! open, and each line that the program can read must have the request id of its fields.
//!
//! `contrib/sanitizers.sh` builds and runs it.

mod work;

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use candor::testing::open_contexts;
use candor::{Config, Format, Otlp, Overload, Story};

/// The topics, in the order in which they run.
const TOPICS: [&str; 8] =
    ["writer", "queue", "blocking-queue", "file", "file-queue", "stdout", "stories", "otlp"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let seconds = arguments.first().map_or(60, |text| text.parse().expect("a number of seconds"));
    match arguments.get(1) {
        Some(topic) => run(topic, Duration::from_secs(seconds)),
        None => run_all(seconds),
    }
}

/// Runs each topic in a process of its own, and reads the lines that it writes to standard output.
fn run_all(seconds: u64) -> ExitCode {
    let share = (seconds / TOPICS.len() as u64).max(1).to_string();
    let mut code = ExitCode::SUCCESS;
    for topic in TOPICS {
        let program = env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command.args([&share, topic]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let output = child.stdout.take().expect("piped");
        let mut wrong = 0;
        for line in BufReader::new(output).split(b'\n') {
            let line = line.expect("it can be read");
            if let Err(reason) = check(&line) {
                wrong += 1;
                eprintln!("{topic}: {reason}");
            }
        }
        let status = child.wait().expect("a child");
        if !status.success() || wrong > 0 {
            eprintln!("{topic}: {status}, {wrong} wrong lines");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Checks that a line has the request id of its field `n`.
fn check(line: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(line);
    let json: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| format!("{error}: {text}"))?;
    match json["n"].as_u64() {
        Some(n) if json["request_id"] != format!("r-{n}") => {
            Err(format!("another request: {text}"))
        }
        _ if text.contains("canary") => Err(format!("a secret: {text}")),
        _ => Ok(()),
    }
}

static WRONG: AtomicU64 = AtomicU64::new(0);

/// A writer that checks every line, sometimes fails, and is slow if it has a delay.
struct Reader {
    writes: u64,
    /// The beginning of a line of which only a part was accepted.
    begun: Vec<u8>,
    delay: Duration,
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        if self.writes.is_multiple_of(64) {
            thread::sleep(self.delay);
        }
        let accepted = match self.writes % 1021 {
            0 => return Err(io::ErrorKind::BrokenPipe.into()),
            1 => std::panic::resume_unwind(Box::new("a writer gives up")),
            2 => &bytes[..bytes.len() / 2],
            _ => bytes,
        };
        self.begun.extend_from_slice(accepted);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            if let Err(reason) = check(&line)
                && WRONG.fetch_add(1, Relaxed) < 10
            {
                eprintln!("{reason}");
            }
        }
        Ok(accepted.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder that is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("candor-sanitized-{}", process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A collector that accepts every request, and answers one in eight with an error. Returns its address.
fn collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { continue };
            let status = if n % 8 == 7 { "503 Service Unavailable" } else { "200 OK" };
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                    let header = line.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    line.clear();
                }
                let _ = reader.take(length).read_to_end(&mut Vec::new());
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    format!("http://{address}")
}

fn configuration(topic: &str, folder: &Folder) -> Config {
    let config = Config::new().format(Format::Json).metrics(true).lines_per_request(200);
    let reader =
        |delay| Reader { writes: 0, begun: Vec::new(), delay: Duration::from_micros(delay) };
    match topic {
        "writer" => config.writer(reader(0)),
        "queue" => config.writer(reader(50)).background(64, Overload::Drop),
        "blocking-queue" => config.writer(reader(50)).background(64, Overload::Block),
        "file" => config.rotated_file(folder.file("app.log"), 200_000, 3),
        "file-queue" => {
            let config = config.rotated_file(folder.file("app.log"), 200_000, 3);
            config.audit_file(folder.file("audit.log")).background(256, Overload::Block)
        }
        "stdout" => config.stdout().fold_repeats(true),
        "stories" => {
            let config = config.writer(reader(0)).story(Story::Problems);
            let config = config.story_total_bytes(300_000).log_bill(Duration::from_secs(1));
            config.budget("1MB/s").expect("a budget")
        }
        "otlp" => {
            let otlp = Otlp::new(collector()).queue(500, Overload::Drop);
            let otlp = otlp.batch(50, Duration::from_millis(5)).retry_for(Duration::from_secs(1));
            config.writer(reader(0)).otlp(otlp)
        }
        _ => panic!("there is no topic {topic}"),
    }
}

/// Does the work of all threads for this time, and checks what must hold at its end.
fn run(topic: &str, time: Duration) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let folder = Folder::new();
    let logging = configuration(topic, &folder).init().expect("a configuration");
    thread::spawn(move || {
        thread::sleep(time + Duration::from_mins(3));
        eprintln!("it hangs");
        process::exit(3);
    });
    let (until, path) = (Instant::now() + time, folder.file("app.log"));
    let requests = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..8 {
            let requests = &requests;
            scope.spawn(move || work::on_threads(thread, until, requests));
        }
        scope.spawn(|| work::on_runtime(until, &requests));
        scope.spawn(|| work::beside(&logging, until));
        scope.spawn(|| own_subscribers(&path, until));
    });
    let left = logging.flush(Duration::from_secs(20));
    // Folded lines keep their requests until then.
    drop(logging);
    let (stats, open) = (candor::stats(), open_contexts());
    let (requests, wrong) = (requests.load(Relaxed), WRONG.load(Relaxed));
    eprintln!("{topic}: {requests} requests, {open} open contexts, {wrong} wrong lines, {stats}");
    let adds_up = left == 0 && stats.emitted == stats.written + stats.dropped;
    if adds_up && requests > 0 && (open, wrong) == (0, 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Subscribers that live for a few lines and write to the same file as the global one.
fn own_subscribers(path: &Path, until: Instant) {
    let mut n = 0_u64;
    while Instant::now() < until {
        let config = Config::new().format(Format::Json).rotated_file(path, 200_000, 3);
        let config =
            if n.is_multiple_of(2) { config } else { config.background(8, Overload::Drop) };
        let subscriber = config.subscriber().expect("a configuration");
        tracing::subscriber::with_default(subscriber, || work::request(9, n));
        n += 1;
    }
}
