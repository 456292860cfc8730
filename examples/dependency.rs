//! How calls to a dependency end, and what their lines say: `cargo run --example dependency`.
//!
//! The dependency is a TCP listener of this very program, so that each ending is a real one.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use candor::dependency::{Category, DependencyOutcome};
use candor::{RequestContext, dependency, dependency_call};

/// An error type that says itself what kind of failure it is.
#[derive(Debug)]
enum StockError {
    NoConnectionFree,
    Refused(u16),
}

impl std::fmt::Display for StockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StockError::NoConnectionFree => f.write_str("every connection is in use"),
            StockError::Refused(status) => write!(f, "answered {status}"),
        }
    }
}

impl std::error::Error for StockError {}

impl DependencyOutcome for StockError {
    fn status(&self) -> Option<u16> {
        match self {
            StockError::Refused(status) => Some(*status),
            StockError::NoConnectionFree => None,
        }
    }

    fn category(&self) -> Option<Category> {
        matches!(self, StockError::NoConnectionFree).then_some(Category::Pool)
    }
}

#[dependency_call("stock", operation = "connect", url = format!("tcp://{address}"))]
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, Duration::from_secs(1))
}

/// Nobody answers: the second attempt gives up as well.
#[dependency_call("stock", slow = "10ms")]
fn read(address: SocketAddr) -> io::Result<u8> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut byte = [0];
    if stream.read(&mut byte).is_err() {
        dependency::current().retry();
        stream.read_exact(&mut byte)?;
    }
    Ok(byte[0])
}

#[dependency_call("stock", method = "GET", url_template = "/items/{sku}")]
fn look_up(status: Option<u16>) -> Result<(), StockError> {
    Err(status.map_or(StockError::NoConnectionFree, StockError::Refused))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let open = listener.local_addr()?;
    let closed = {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        gone.local_addr()?
    };
    RequestContext::with_id("stock-check").enter_with(|| {
        tracing::info!("a connection that is made, one that is refused");
        let _ = connect(open);
        let _ = connect(closed);
        tracing::info!("an answer that does not come");
        let _ = read(open);
        tracing::info!("a refusal (4xx), a failure (5xx), and no connection free");
        let _ = look_up(Some(404));
        let _ = look_up(Some(503));
        let _ = look_up(None);
    });
    Ok(())
}
