//! Outcomes and error categories of dependency calls: `cargo run --example dependency`.
//!
//! The dependency is a TCP listener of the same program, so all connection errors are real.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use candor::dependency::{Category, DependencyOutcome};
use candor::{RequestContext, dependency, dependency_call};

/// An error type that states its category and the status of the response.
#[derive(Debug)]
enum StockError {
    NoSuchItem,
    NoConnectionFree,
    Refused(u16),
}

impl std::fmt::Display for StockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StockError::NoSuchItem => f.write_str("there is no such item"),
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
            StockError::NoSuchItem | StockError::NoConnectionFree => None,
        }
    }

    fn category(&self) -> Option<Category> {
        match self {
            // A refusal: the line is a WARN, not an ERROR.
            StockError::NoSuchItem => Some(Category::NotFound),
            StockError::NoConnectionFree => Some(Category::Pool),
            StockError::Refused(_) => None,
        }
    }
}

#[dependency_call("stock", operation = "connect", url = format!("tcp://{address}"))]
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, Duration::from_secs(1))
}

/// The listener never responds, so both attempts time out.
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
fn look_up(error: StockError) -> Result<(), StockError> {
    Err(error)
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
        candor::info!("a connection that succeeds, and one that is refused");
        let _ = connect(open);
        let _ = connect(closed);
        candor::info!("a response that never arrives");
        let _ = read(open);
        candor::info!("two refusals (a missing item, a 4xx status)");
        let _ = look_up(StockError::NoSuchItem);
        let _ = look_up(StockError::Refused(422));
        candor::info!("two failures (a 5xx status, no free connection)");
        let _ = look_up(StockError::Refused(503));
        if let Err(e) = look_up(StockError::NoConnectionFree) {
            candor::error!(error = e, "no item was looked up");
        }
    });
    Ok(())
}
