//! A whole service: axum over loopback, with a request line, three steps and a dependency call for each request,
//! and JSON written to a file.
//!
//! One thread serves, and another one is the client: it keeps its connections open, writes a request to each
//! and reads the responses, so that a request is always waiting for the server. Every variant has the same
//! handlers (see [`handlers`]) and its own server in every round:
//!
//! - *bare*: no logging;
//! - *by hand*: the bytes of candor's five lines, rendered beforehand, each written separately to a file opened
//!   for appending: the lower bound for logging with these writes;
//! - *candor*: `RequestLayer`, `#[step_timed]`, `#[dependency_call]` and `Config::file`, and the same with the
//!   lines discarded, and with the level off;
//! - *tower-http*: `TraceLayer` with its request span at INFO, `#[instrument]` on the same functions, and the
//!   JSON of tracing-subscriber with a line when a span closes, to the file behind a `Mutex`.
//!
//! Beside the throughput stands the CPU time of the serving thread for a request, on Linux: other load on the
//! machine affects it less.

mod client;
mod handlers;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use axum::Router;
use candor::{Config, Format, Overload};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::dispatcher::with_default;
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::failure::{Context as _, Failure};
use crate::figure::Figure;

const ROUNDS: usize = 5;
/// In the first second (`SHARED_AT_FIRST`), candor looks for lines of other processes after each write. A service runs
/// for longer.
const WARM_UP: Duration = Duration::from_millis(1100);
const MEASURED: Duration = Duration::from_millis(400);

#[derive(Debug, Clone, Copy)]
enum Logs {
    Nothing,
    ByHand,
    /// candor, with its sink set by the function.
    Candor(fn(Config) -> Config),
    CandorOff,
    TowerHttp,
}

/// Every variant, the bare one first.
const VARIANTS: [(&str, Logs); 7] = [
    (BARE, Logs::Nothing),
    (BY_HAND, Logs::ByHand),
    (DIRECT, Logs::Candor(|config| config)),
    (BACKGROUND, Logs::Candor(|config| config.background(8192, Overload::Block))),
    // To tell the cost of the file from the cost of the lines.
    ("candor, lines to nowhere", Logs::Candor(|config| config.writer(io::sink()))),
    ("candor, level off", Logs::CandorOff),
    ("tower-http and tracing-subscriber", Logs::TowerHttp),
];

const BARE: &str = "bare";
const BY_HAND: &str = "the same bytes by hand";
const DIRECT: &str = "candor";
const BACKGROUND: &str = "candor, background";

/// One request, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Reading {
    wall: f64,
    /// CPU time of the serving thread.
    cpu: f64,
}

/// All rounds of one variant.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) name: &'static str,
    readings: Vec<Reading>,
    /// Bytes of the lines of one request.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) variants: Vec<Served>,
}

impl Served {
    fn wall(&self) -> Vec<f64> {
        self.readings.iter().map(|reading| reading.wall).collect()
    }

    fn cpu(&self) -> Vec<f64> {
        self.readings.iter().map(|reading| reading.cpu).collect()
    }

    pub(crate) fn wall_figure(&self) -> Figure {
        Figure::of(&self.wall())
    }

    pub(crate) fn cpu_figure(&self) -> Figure {
        Figure::of(&self.cpu())
    }
}

impl Service {
    /// Adds the rounds of another run.
    pub(crate) fn add(&mut self, other: Service) {
        for (own, other) in self.variants.iter_mut().zip(other.variants) {
            own.readings.extend(other.readings);
            own.bytes = other.bytes;
        }
    }

    pub(crate) fn over_by_hand(&self) -> Option<Figure> {
        self.throughput(DIRECT, BY_HAND)
    }

    pub(crate) fn background_over_bare(&self) -> Option<Figure> {
        self.throughput(BACKGROUND, BARE)
    }

    /// The ratio of requests per second of `of` to those of `over`.
    fn throughput(&self, of: &str, over: &str) -> Option<Figure> {
        let named = |name| self.variants.iter().find(|variant| variant.name == name);
        Some(Figure::ratio(&named(over)?.wall(), &named(of)?.wall()))
    }
}

pub(crate) fn measure() -> Result<Service, Failure> {
    let folder = Folder::make()?;
    let lines = lines_of_a_request(&folder.0).context("one request with candor")?;
    let mut variants: Vec<Served> =
        VARIANTS.iter().map(|(name, _)| Served { name, readings: Vec::new(), bytes: 0 }).collect();
    for round in 0..ROUNDS {
        for (nth, (name, logs)) in VARIANTS.iter().enumerate() {
            let file = folder.0.join(format!("{nth}-{round}.log"));
            let (reading, requests) =
                serving(*logs, &file, &lines, |server| client::drive(server, WARM_UP, MEASURED))
                    .and_then(|driven| driven)
                    .context(format_args!("variant `{name}`, round {round}"))?;
            variants[nth].readings.push(reading);
            variants[nth].bytes = take_bytes(&file)? / requests.max(1);
        }
    }
    Ok(Service { variants })
}

/// The lines that candor writes for one request; an error if their number is wrong.
fn lines_of_a_request(folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let file = folder.join("lines.log");
    let direct = Logs::Candor(|config| config);
    serving(direct, &file, &[], |server| client::once(server.address))??;
    let text = fs::read(&file).context(file.display())?;
    take_bytes(&file)?;
    let lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(Vec::from).collect();
    if lines.len() == handlers::LINES {
        Ok(lines)
    } else {
        Err(format!("a request wrote {} lines instead of {}", lines.len(), handlers::LINES).into())
    }
}

/// Returns the length of a log file, and removes it: those of a few rounds would fill a disk. 0 if the variant writes
/// none.
fn take_bytes(file: &Path) -> Result<usize, Failure> {
    wait_for_background_writer();
    let bytes = match fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).context(file.display()),
    };
    fs::remove_file(file).context(file.display())?;
    usize::try_from(bytes).context("bytes of the log file")
}

/// Waits until no line is queued, for at most ten seconds: lines written later would be missing from
/// their variant's bytes.
fn wait_for_background_writer() {
    let began = Instant::now();
    while candor::stats().waiting > 0 && began.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The address of the server, and its CPU time.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// The file with the CPU time of its thread, if the system has one.
    times: Option<PathBuf>,
}

/// Runs a new server for the duration of `work`.
fn serving<T>(
    logs: Logs,
    file: &Path,
    lines: &[Vec<u8>],
    work: impl FnOnce(&Server) -> T,
) -> Result<T, Failure> {
    let (started, when_started) = mpsc::channel();
    let (stop, when_stopped) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let server = scope.spawn(move || serve(logs, file, lines, &started, when_stopped));
        // `recv` fails only if the server failed, whose own error is returned by `join` below.
        let done = when_started.recv().map(|server| work(&server));
        drop(stop);
        server.join().map_err(|_| "the server panicked")??;
        done.context("start of the server")
    })
}

fn serve(
    logs: Logs,
    file: &Path,
    lines: &[Vec<u8>],
    started: &mpsc::Sender<Server>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let (app, dispatch) = match logs {
        Logs::Nothing => (handlers::bare::router(), Dispatch::none()),
        Logs::ByHand => {
            handlers::write_by_hand(append_to(file).context(file.display())?, lines);
            (handlers::by_hand::router(), Dispatch::none())
        }
        Logs::Candor(sink) => (candor_router(), candor_lines("info", sink, file)?),
        Logs::CandorOff => (candor_router(), candor_lines("off", |config| config, file)?),
        Logs::TowerHttp => {
            let lines = tracing_subscriber::fmt()
                .json()
                .with_max_level(Level::INFO)
                .with_span_events(FmtSpan::CLOSE)
                .with_writer(Mutex::new(append_to(file).context(file.display())?))
                .finish();
            let layer = TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                .on_request(())
                .on_response(());
            (handlers::tower_http::router().layer(layer), Dispatch::new(lines))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("tokio runtime")?;
    with_default(&dispatch, || {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("bind 127.0.0.1:0")?;
            let times = fs::read_link("/proc/thread-self")
                .map(|thread| Path::new("/proc").join(thread).join("schedstat"))
                .ok();
            let address = listener.local_addr().context("address of the listener")?;
            started.send(Server { address, times }).context("start of the client")?;
            let serve = axum::serve(listener, app).with_graceful_shutdown(async {
                // The sender is dropped when the client is done.
                let _ = stopped.await;
            });
            serve.await.context("axum::serve")
        })
    })
}

fn candor_router() -> Router {
    handlers::candor::router().layer(candor::http::RequestLayer::new())
}

fn candor_lines(level: &str, sink: fn(Config) -> Config, file: &Path) -> Result<Dispatch, Failure> {
    // Not rotated: the other variants don't rotate their files either.
    let config = Config::new().level(level)?.format(Format::Json).rotated_file(file, u64::MAX, 0);
    Ok(Dispatch::new(sink(config).subscriber().context(file.display())?))
}

fn append_to(file: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(file)
}

/// A temporary folder, removed with its content on drop.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("candor-service-{}", std::process::id()));
        fs::create_dir_all(&path).context(path.display())?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary directory is not an error.
        let _ = fs::remove_dir_all(&self.0);
    }
}
