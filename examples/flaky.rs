//! A server that fails twice before it responds with 200, to be called with retries.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// Starts the server on a port of this machine and returns its address as `http://…`.
///
/// Of three requests, the first gets a 503, the second a closed connection, and the third a 200 with the body `3`.
///
/// # Errors
///
/// Returns an error if no port is free.
pub fn serve() -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            // The client may have closed the connection.
            let _ = answer(number, stream);
        }
    });
    Ok(format!("http://{address}"))
}

fn answer(number: usize, mut stream: TcpStream) -> io::Result<()> {
    let mut asked = Vec::new();
    let mut bytes = [0; 1024];
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            read => asked.extend_from_slice(&bytes[..read]),
        }
    }
    match number % 3 {
        0 => stream.write_all(
            b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        ),
        1 => Ok(()),
        _ => stream.write_all(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n3",
        ),
    }
}
