//! A small service that keeps orders in `SQLite` and charges cards at a second service, `payments`.
//!
//! `cargo run --example orders` starts both on free loopback ports, sends good and bad requests over real sockets, and
//! prints their lines: in the pretty format on a terminal, else as JSON.
//!
//! `cargo run --example orders -- --serve` (with `--port N`) keeps it running:
//!
//! ```text
//! curl -i localhost:8080/orders -H 'content-type: application/json' -d '{"customer_id":41,"sku":"tea",
//!   "quantity":2,"email":"ada@example.com","password":"x","card":{"number":"4242424242424242","cvv":"123"}}'
//! ```

mod drive;
mod payments;
mod service;
mod store;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::service::Orders;
use crate::store::Store;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("orders: {message}\nusage: orders [--serve] [--port N]");
            return ExitCode::from(2);
        }
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orders: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Arguments of the command line.
struct Options {
    serve: bool,
    port: u16,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options { serve: false, port: 0 };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--serve" => options.serve = true,
                "--port" => {
                    let port = args.next().unwrap_or_default();
                    options.port = port.parse().map_err(|_| {
                        format!("`--port` takes a number up to 65535, not `{port}`")
                    })?;
                }
                other => return Err(format!("unknown argument `{other}`")),
            }
        }
        Ok(options)
    }
}

async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let _logging = candor::init()?;

    let payments = listen(0).await?;
    let payments_url = format!("http://{}", payments.local_addr()?);
    tokio::spawn(async move { axum::serve(payments, payments::router()).await });

    let database = database_path();
    let orders = Orders::new(Store::open(&database)?, payments_url);
    let listener = listen(options.port).await?;
    let address = listener.local_addr()?;
    let service = service::router(orders).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service);
    if options.serve {
        eprintln!("orders: listening on http://{address}, orders kept in {}", database.display());
        server.await?;
        return Ok(());
    }
    tokio::spawn(async move { server.await });

    let summary = drive::all(address).await?;
    eprintln!("orders: {summary}; orders kept in {}", database.display());
    Ok(())
}

async fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

fn database_path() -> PathBuf {
    std::env::temp_dir().join(format!("candor-orders-{}.db", std::process::id()))
}
