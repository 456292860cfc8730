//! Servers and clients over real sockets, for the tests of the HTTP layer.

use std::error::Error;
use std::net::SocketAddr;

use candor::http::PeerAddr;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tower::Service;

use super::*;

/// How long a client of [`Version::Http1InTime`] may take to send the headers of a request.
pub(super) const HEADERS_IN: Duration = Duration::from_millis(400);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Version {
    Http1,
    /// HTTP/1, and a client that closes its side of the connection gets its response.
    Http1HalfClose,
    /// HTTP/1, and a client that is slow to send its headers is disconnected.
    Http1InTime,
    Http2,
}

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// A hyper server of this service, and its address.
pub(super) async fn serve_hyper<S, B>(service: S, version: Version) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Error: Into<BoxError>, Data: Send> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let service = service.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddr(peer));
                request
            });
            let service = TowerToHyperService::new(service);
            let stream = TokioIo::new(stream);
            tokio::spawn(async move {
                if version == Version::Http2 {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(stream, service).await;
                } else {
                    let mut server = hyper::server::conn::http1::Builder::new();
                    server.half_close(version == Version::Http1HalfClose).pipeline_flush(true);
                    if version == Version::Http1InTime {
                        server.timer(TokioTimer::new()).header_read_timeout(HEADERS_IN);
                    }
                    let _ = server.serve_connection(stream, service).with_upgrades().await;
                }
            });
        }
    });
    address
}

/// Opens a connection and sends bytes.
pub(super) async fn connect(address: SocketAddr, sent: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(sent.as_ref()).await.expect("sent");
    stream
}

/// Sends a request head over a socket, reads the response head and keeps the connection open.
pub(super) async fn head(address: SocketAddr, request: &str) -> (TcpStream, String) {
    let mut stream = connect(address, request).await;
    let head = read_head(&mut stream).await;
    (stream, head)
}

/// Reads the head of a response.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(answer).expect("a head")
}

/// Reads all bytes until the server closes the connection.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
