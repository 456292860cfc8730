//! An OTLP/HTTP collector on loopback that decodes requests with the official protobuf definitions, and answers as a
//! test asks it to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// Answer to one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// 200 with an empty response.
    Ok,
    /// A status, with `Retry-After` if given, and no records taken.
    Status(u16, Option<&'static str>),
    /// 200, with this number of rejected records.
    Partial(i64),
    /// Like `Partial`, with a message and any number.
    Rejected(i64, String),
    /// The connection is closed without a response.
    Close,
    /// Nothing for this time, and then the connection is closed.
    Hang(Duration),
    /// 200 after this time.
    Slow(Duration),
    /// A redirect to another host.
    Redirect,
}

#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) requests: usize,
    /// Headers of the requests, in lower case.
    pub(crate) headers: Vec<Vec<(String, String)>>,
    /// Decoded bodies in order of arrival, including those of requests that were not accepted.
    pub(crate) bodies: Vec<Vec<u8>>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) logs: Vec<(InstrumentationScope, LogRecord)>,
    pub(crate) spans: Vec<(InstrumentationScope, Span)>,
    /// Times of the requests.
    pub(crate) times: Vec<Instant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Received>,
    answers: Mutex<VecDeque<Answer>>,
    /// The answer when `answers` is empty.
    then: Answer,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::answering([], Answer::Ok)
    }

    /// Gives these answers, and then always `then`.
    pub(crate) fn answering(answers: impl IntoIterator<Item = Answer>, then: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            answers: Mutex::new(answers.into_iter().collect()),
            then,
        });
        let collector = Collector { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        collector
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn received(&self) -> std::sync::MutexGuard<'_, Received> {
        self.shared.received.lock().expect("no panic")
    }

    /// Serves one connection, which may be the decrypted side of a TLS connection.
    pub(crate) fn serve(&self, stream: impl std::io::Read + std::io::Write) {
        self.shared.serve(stream);
    }
}

impl Received {
    /// The number of log records with this message.
    pub(crate) fn logs_of(&self, message: &str) -> usize {
        let body = format!("StringValue({message:?})");
        self.logs.iter().filter(|(_, log)| format!("{:?}", log.body).contains(&body)).count()
    }
}

impl Shared {
    fn serve(&self, stream: impl std::io::Read + std::io::Write) {
        let mut stream = BufReader::new(stream);
        while let Some((path, headers, body)) = read_request(&mut stream) {
            let answer = self.answers.lock().expect("no panic").pop_front();
            let answer = answer.unwrap_or_else(|| self.then.clone());
            self.record(&path, &headers, body, &answer);
            let is_json = header(&headers, "content-type") == "application/json";
            let (status, more, body) = match answer {
                Answer::Ok => (200, String::new(), Vec::new()),
                Answer::Slow(time) => {
                    thread::sleep(time);
                    (200, String::new(), Vec::new())
                }
                Answer::Status(status, retry_after) => {
                    let more = retry_after.map(|time| format!("retry-after: {time}\r\n"));
                    (status, more.unwrap_or_default(), b"no".to_vec())
                }
                Answer::Partial(rejected) => {
                    (200, String::new(), partial(rejected, "too old", is_json))
                }
                Answer::Rejected(rejected, error) => {
                    (200, String::new(), partial(rejected, &error, is_json))
                }
                Answer::Redirect => {
                    (307, "location: http://127.0.0.1:1/v1/logs\r\n".to_owned(), Vec::new())
                }
                Answer::Close => return,
                Answer::Hang(time) => return thread::sleep(time),
            };
            let head =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{more}\r\n", body.len());
            let response = [head.as_bytes(), &body].concat();
            if stream
                .get_mut()
                .write_all(&response)
                .and_then(|()| stream.get_mut().flush())
                .is_err()
            {
                return;
            }
        }
    }

    fn record(&self, path: &str, headers: &[(String, String)], body: Vec<u8>, answer: &Answer) {
        let body = match header(headers, "content-encoding") {
            "gzip" => {
                let mut plain = Vec::new();
                GzDecoder::new(&body[..]).read_to_end(&mut plain).expect("gzip");
                plain
            }
            _ => body,
        };
        let mut received = self.received.lock().expect("no panic");
        received.requests += 1;
        received.times.push(Instant::now());
        received.headers.push(headers.to_vec());
        if matches!(
            answer,
            Answer::Ok | Answer::Slow(_) | Answer::Partial(_) | Answer::Rejected(..)
        ) {
            let is_json = header(headers, "content-type") == "application/json";
            match path.split('?').next().unwrap_or_default() {
                "/v1/logs" => received.add_logs(&body, is_json),
                "/v1/traces" => received.add_spans(&body, is_json),
                other => panic!("a request for {other}"),
            }
            if let Answer::Partial(rejected) = answer {
                let kept = received.logs.len() - usize::try_from(*rejected).expect("a count");
                received.logs.truncate(kept);
            }
        }
        received.bodies.push(body);
    }
}

impl Received {
    fn add_logs(&mut self, body: &[u8], is_json: bool) {
        let request = if is_json {
            serde_json::from_slice(body).expect("OTLP/JSON")
        } else {
            ExportLogsServiceRequest::decode(body).expect("protobuf")
        };
        for of_resource in request.resource_logs {
            self.resources.extend(of_resource.resource);
            for of_scope in of_resource.scope_logs {
                let scope = of_scope.scope.expect("a scope");
                self.logs.extend(of_scope.log_records.into_iter().map(|log| (scope.clone(), log)));
            }
        }
    }

    fn add_spans(&mut self, body: &[u8], is_json: bool) {
        let request = if is_json {
            serde_json::from_slice(body).expect("OTLP/JSON")
        } else {
            ExportTraceServiceRequest::decode(body).expect("protobuf")
        };
        for of_resource in request.resource_spans {
            for of_scope in of_resource.scope_spans {
                let scope = of_scope.scope.expect("a scope");
                self.spans.extend(of_scope.spans.into_iter().map(|span| (scope.clone(), span)));
            }
        }
    }
}

fn partial(rejected: i64, error: &str, is_json: bool) -> Vec<u8> {
    use opentelemetry_proto::tonic::collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceResponse,
    };
    if is_json {
        let text = format!(
            r#"{{"partialSuccess":{{"rejectedLogRecords":"{rejected}","errorMessage":"{error}"}}}}"#
        );
        return text.into_bytes();
    }
    let partial = ExportLogsPartialSuccess {
        rejected_log_records: rejected,
        error_message: error.to_owned(),
    };
    ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
}

pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

type Request = (String, Vec<(String, String)>, Vec<u8>);

fn read_request(stream: &mut BufReader<impl std::io::Read>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = header(&headers, "content-length").parse().expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((path, headers, body))
}

/// A port on which nothing listens.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A listener that accepts connections and never reads.
pub(crate) fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, endpoint)
}
