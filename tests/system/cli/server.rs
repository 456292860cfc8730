//! A small HTTP server for the command to read from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) headers: String,
    pub(super) body: String,
}

/// How the server answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A status and a body with its length.
    Whole(u16, Vec<u8>),
    /// A body in chunks, with the last one.
    Chunks(Vec<Vec<u8>>),
    /// Chunks without the last one: the connection closes before the end.
    Cut(Vec<Vec<u8>>),
    /// A body that is shorter than its stated length.
    TooShort(Vec<u8>),
    /// A body without a length, which ends when the connection closes.
    UntilClosed(Vec<u8>),
    /// A redirect to this URL.
    Redirect(String),
    /// Chunks, then nothing while the connection stays open.
    Stops(Vec<Vec<u8>>),
    /// Nothing at all while the connection stays open.
    Silence,
    /// Closes the connection at once.
    HangUp,
    /// Bytes that are not HTTP.
    Garbage,
    /// One answer for each request, and then none.
    Each(Vec<Answer>),
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (known, stop) = (Arc::clone(&asked), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            // Connections stay open until the server ends.
            let mut open = Vec::new();
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if let Some(request) = request(&stream) {
                    let mut known = known.lock().expect("no panic");
                    let answer = match &answer {
                        Answer::Each(answers) => {
                            answers.get(known.len()).unwrap_or(&Answer::HangUp)
                        }
                        answer => answer,
                    };
                    known.push(request);
                    drop(known);
                    open.extend(reply(stream, answer));
                }
            }
        });
        Server { port, asked, ended, thread: Some(thread) }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// The only request.
    pub(super) fn only_request(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "one question, one request: {asked:?}");
        asked.into_iter().next().expect("one")
    }

    pub(super) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn request(stream: &TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = String::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? == 0 {
            return None;
        }
        if header.trim().is_empty() {
            break;
        }
        headers.push_str(&header.to_ascii_lowercase());
    }
    let length = headers.lines().find_map(|header| header.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap_or(0))];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Asked { line: line.trim().to_owned(), headers, body })
}

/// Answers, and returns the connection if it stays open. Errors are those of a client that has gone.
fn reply(mut stream: TcpStream, answer: &Answer) -> Option<TcpStream> {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush());
    let mut send_chunks = |head: &str, chunks: &[Vec<u8>]| {
        let _ = send(head.as_bytes());
        for chunk in chunks {
            let _ = send(&[format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        }
    };
    match answer {
        Answer::Whole(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
        Answer::Chunks(chunks) => {
            send_chunks(chunked, chunks);
            let _ = stream.write_all(b"0\r\n\r\n");
        }
        Answer::Cut(chunks) => send_chunks(chunked, chunks),
        Answer::TooShort(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 1);
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
        Answer::UntilClosed(body) => {
            let _ = stream.write_all(&[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), body].concat());
        }
        Answer::Redirect(url) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
        }
        Answer::Stops(chunks) => {
            send_chunks(chunked, chunks);
            return Some(stream);
        }
        Answer::Silence => return Some(stream),
        Answer::HangUp | Answer::Each(_) => {}
        Answer::Garbage => {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        }
    }
    None
}
