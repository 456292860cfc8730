//! Servers for the clients: HTTP/1, gRPC over HTTP/2, and the beginning of the Postgres protocol.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than any test waits.
const NEVER: Duration = Duration::from_mins(10);

/// An address without a listener.
pub(crate) async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// Starts a server that calls `serve` with each connection; returns its address.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Starts an HTTP server. A path that is a number is the status; `/slow` never has a response; `/echo` responds with
/// the request's headers; `/redirect?URL` is a redirect to that URL.
pub(crate) async fn http() -> String {
    let serve = |mut stream: TcpStream| async move {
        let mut received = vec![0; 4096];
        let length = stream.read(&mut received).await.unwrap_or(0);
        let received = String::from_utf8_lossy(&received[..length]).into_owned();
        let target = received.split(' ').nth(1).unwrap_or("/").to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, headers, body) = match path {
            "/slow" => return tokio::time::sleep(NEVER).await,
            "/echo" => ("200".to_owned(), String::new(), received.clone()),
            "/redirect" => ("302".to_owned(), format!("location: {query}\r\n"), String::new()),
            path => (path.trim_start_matches('/').to_owned(), String::new(), "text".to_owned()),
        };
        let length = body.len();
        let response = format!(
            "HTTP/1.1 {status} Status\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(response.as_bytes()).await;
    };
    format!("http://{}", listen(serve).await)
}

/// Starts a gRPC server. The method's name is the code of the response; `slow` never has a response.
pub(crate) async fn grpc() -> String {
    async fn respond(
        request: Request<Incoming>,
    ) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible>
    {
        let code = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        if code == "slow" {
            tokio::time::sleep(NEVER).await;
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.parse().expect("a number"));
        trailers.insert("grpc-message", "token=canary-grpc".parse().expect("a header"));
        trailers.insert("grpc-status-details-bin", "Y2FuYXJ5".parse().expect("a header"));
        trailers.insert("x-visitor", "canary-metadata".parse().expect("a header"));
        // An empty message: not compressed, of length 0.
        let message = if code == "0" { Bytes::from_static(&[0; 5]) } else { Bytes::new() };
        let body = Full::new(message).with_trailers(async move { Some(Ok(trailers)) });
        let response = Response::builder().header("content-type", "application/grpc");
        Ok(response.body(body).expect("a response"))
    }

    let serve = |stream: TcpStream| async move {
        let service = hyper::service::service_fn(respond);
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    };
    format!("http://{}", listen(serve).await)
}

/// Starts a database that answers the first message with this SQLSTATE, or never.
pub(crate) async fn postgres(code: Option<&'static str>) -> String {
    let serve = move |mut stream: TcpStream| async move {
        let mut received = [0; 1024];
        let _ = stream.read(&mut received).await;
        let Some(code) = code else { return tokio::time::sleep(NEVER).await };
        let fields = format!("SFATAL\0VFATAL\0C{code}\0Mpassword=canary-postgres\0\0");
        let length = u32::try_from(fields.len() + 4).expect("a short message");
        let mut message = vec![b'E'];
        message.extend(length.to_be_bytes());
        message.extend(fields.as_bytes());
        let _ = stream.write_all(&message).await;
        // The client closes the connection after it has read the message.
        let _ = stream.read(&mut received).await;
    };
    format!("postgres://user:canary-password@{}/shop?sslmode=disable", listen(serve).await)
}
