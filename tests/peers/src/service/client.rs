//! The client: persistent connections with one request on each, and the elapsed time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, str};

use super::{Reading, Server, handlers};
use crate::failure::{Context as _, Failure};

/// The number of requests in flight.
const CONNECTIONS: usize = 16;

const REQUEST: &[u8] = b"POST /orders HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 0\r\n\r\n";

/// Sends a single request.
pub(super) fn once(address: SocketAddr) -> Result<(), Failure> {
    let mut connection = Connection::open(address)?;
    connection.send()?;
    connection.receive()
}

/// Returns the cost of a request, and the number of requests including the warm-up.
pub(super) fn drive(
    server: &Server,
    warm_up: Duration,
    measured: Duration,
) -> Result<(Reading, usize), Failure> {
    let mut connections = (0..CONNECTIONS)
        .map(|_| Connection::open(server.address))
        .collect::<Result<Vec<_>, _>>()?;
    let warmed = requests(&mut connections, warm_up)?;
    let cpu = cpu_nanos(server);
    let started = Instant::now();
    let done = requests(&mut connections, measured)?;
    let wall = started.elapsed();
    let cpu = cpu_nanos(server) - cpu;
    let each = f64::from(u32::try_from(done).context("number of requests")?);
    Ok((Reading { wall: wall.as_secs_f64() * 1e9 / each, cpu: cpu / each }, warmed + done))
}

fn requests(connections: &mut [Connection], during: Duration) -> Result<usize, Failure> {
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < during {
        for connection in &mut *connections {
            connection.send()?;
        }
        for connection in &mut *connections {
            connection.receive()?;
        }
        done += connections.len();
    }
    Ok(done)
}

/// CPU time of the serving thread; NaN if the system does not report it.
fn cpu_nanos(server: &Server) -> f64 {
    let times = server.times.as_ref().and_then(|times| fs::read_to_string(times).ok());
    let nanos = times.as_ref().and_then(|times| times.split(' ').next());
    nanos.and_then(|nanos| nanos.parse().ok()).unwrap_or(f64::NAN)
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).context(format_args!("connect to {address}"))?;
        stream.set_nodelay(true).context("set_nodelay")?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).context("set_read_timeout")?;
        Ok(Connection { stream, answer: Vec::new() })
    }

    fn send(&mut self) -> Result<(), Failure> {
        self.stream.write_all(REQUEST).context("send a request")
    }

    /// Reads one response, which must be that of the handler.
    fn receive(&mut self) -> Result<(), Failure> {
        self.answer.clear();
        let mut part = [0; 1024];
        loop {
            let read = self.stream.read(&mut part).context("read a response")?;
            self.answer.extend_from_slice(&part[..read]);
            let answer = str::from_utf8(&self.answer).context("decode a response")?;
            if answer.split_once("\r\n\r\n").is_some_and(|(_, body)| body == handlers::ANSWER) {
                return if answer.starts_with("HTTP/1.1 200 ") {
                    Ok(())
                } else {
                    Err(format!("the service answered {answer:?}").into())
                };
            }
            if read == 0 {
                return Err("the service closed the connection".into());
            }
        }
    }
}
