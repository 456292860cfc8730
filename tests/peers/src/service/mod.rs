//! A whole service: axum over loopback, a request line, three steps and a dependency call a request,
//! JSON to a file.
//!
//! One thread serves, another one is the client: it keeps its connections open, writes a request on each
//! and reads the answers, so that the server always has one waiting. Every variant has the same handlers
//! (see [`handlers`]) and a server of its own in every round:
//!
//! - *bare*: nothing is logged;
//! - *by hand*: the very bytes of candor's five lines, rendered beforehand, each in a write of its own
//!   to a file that was opened for appending: what no logging at all could go below with these writes;
//! - *candor*: `RequestLayer`, `#[step_timed]` and `#[dependency_call]`, `Config::file`,
//!   and the same with its lines going nowhere, and with none;
//! - *tower-http*: `TraceLayer` with its request span at INFO, `#[instrument]` on the same functions,
//!   tracing-subscriber's JSON with a line for every span's end, to the file behind a `Mutex`.
//!
//! Beside the throughput stands the CPU time that the serving thread took for a request, where Linux
//! says it: a busy machine disturbs it less.

mod client;
mod handlers;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use std::{env, io, thread};

use axum::Router;
use candor::{Config, Format, Overload};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::dispatcher::with_default;
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::figure::Figure;
use crate::rows::Failure;

const ROUNDS: usize = 9;
const WARM_UP: Duration = Duration::from_millis(150);
const MEASURED: Duration = Duration::from_millis(400);

#[derive(Debug, Clone, Copy)]
enum Logs {
    Nothing,
    ByHand,
    /// How the lines get to the file is said by the configuration.
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
    // What of it is the file's share, and what the lines'.
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
    /// Of the serving thread.
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
    pub(crate) fn over_by_hand(&self) -> Option<Figure> {
        self.throughput(DIRECT, BY_HAND)
    }

    pub(crate) fn background_over_bare(&self) -> Option<Figure> {
        self.throughput(BACKGROUND, BARE)
    }

    /// Requests a second of the one over those of the other.
    fn throughput(&self, of: &str, over: &str) -> Option<Figure> {
        let named = |name| self.variants.iter().find(|variant| variant.name == name);
        Some(Figure::ratio(&named(over)?.wall(), &named(of)?.wall()))
    }
}

pub(crate) fn measure() -> Result<Service, Failure> {
    let folder = Folder::make()?;
    let lines = lines_of_a_request(&folder.0)?;
    written(&folder.0)?;
    let mut variants: Vec<Served> =
        VARIANTS.iter().map(|(name, _)| Served { name, readings: Vec::new(), bytes: 0 }).collect();
    for round in 0..ROUNDS {
        for (nth, (_, logs)) in VARIANTS.iter().enumerate() {
            let file = folder.0.join(format!("{nth}-{round}.log"));
            let (reading, requests) =
                serving(*logs, &file, &lines, |server| client::drive(server, WARM_UP, MEASURED))??;
            variants[nth].readings.push(reading);
            variants[nth].bytes = written(&folder.0)? / requests.max(1);
        }
    }
    Ok(Service { variants })
}

/// What candor writes for one request, which is also a check that all of its lines are there.
fn lines_of_a_request(folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let file = folder.join("lines.log");
    let direct = Logs::Candor(|config| config);
    serving(direct, &file, &[], |server| client::once(server.address))??;
    let text = fs::read(&file)?;
    let lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(Vec::from).collect();
    if lines.len() == handlers::LINES {
        Ok(lines)
    } else {
        Err(format!("a request wrote {} lines instead of {}", lines.len(), handlers::LINES).into())
    }
}

/// Bytes of all that lies in the folder, rotated files too; it is removed, since a few rounds would fill
/// a disk.
fn written(folder: &Path) -> Result<usize, Failure> {
    let mut bytes = 0;
    for file in fs::read_dir(folder)? {
        let file = file?;
        bytes += file.metadata()?.len();
        fs::remove_file(file.path())?;
    }
    Ok(usize::try_from(bytes)?)
}

/// Where the server is, for its client.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// Its thread's times, where the system tells them.
    times: Option<PathBuf>,
}

/// Runs a server of its own around the client's work.
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
        // An error is the server's, which says more.
        let done = when_started.recv().map(|server| work(&server));
        drop(stop);
        server.join().map_err(|_| "the server panicked")??;
        Ok(done?)
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
            handlers::write_by_hand(append_to(file)?, lines);
            (handlers::by_hand::router(), Dispatch::none())
        }
        Logs::Candor(sink) => (candor_router(), candor_lines("info", sink, file)?),
        Logs::CandorOff => (candor_router(), candor_lines("off", |config| config, file)?),
        Logs::TowerHttp => {
            let lines = tracing_subscriber::fmt()
                .json()
                .with_max_level(Level::INFO)
                .with_span_events(FmtSpan::CLOSE)
                .with_writer(Mutex::new(append_to(file)?))
                .finish();
            let layer = TraceLayer::new_for_http()
                .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
                .on_request(())
                .on_response(());
            (handlers::tower_http::router().layer(layer), Dispatch::new(lines))
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    with_default(&dispatch, || {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let times = fs::read_link("/proc/thread-self")
                .map(|thread| Path::new("/proc").join(thread).join("schedstat"))
                .ok();
            started.send(Server { address: listener.local_addr()?, times })?;
            let serve = axum::serve(listener, app).with_graceful_shutdown(async {
                // Dropped where the client is done.
                let _ = stopped.await;
            });
            Ok(serve.await?)
        })
    })
}

fn candor_router() -> Router {
    handlers::candor::router().layer(candor::http::RequestLayer::new())
}

fn candor_lines(level: &str, sink: fn(Config) -> Config, file: &Path) -> Result<Dispatch, Failure> {
    let config = Config::new().level(level)?.format(Format::Json).file(file);
    Ok(Dispatch::new(sink(config).subscriber()?))
}

fn append_to(file: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(file)
}

/// Removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("candor-service-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind in the temporary directory is no reason to fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}
