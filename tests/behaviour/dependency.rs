//! `#[dependency_call]`: what its line says of the answer, and how loudly.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

use anyhow::Context as _;
use candor::context::{InContextExt as _, carry};
use candor::dependency::{self, Category, DependencyOutcome};
use candor::testing::{Line, capture};
use candor::{RequestContext, dependency_call, step_timed};
use candor_tests::{checked, keys};
use futures::executor::block_on;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn answer(line: &Line) -> (Option<i64>, Option<&str>, &str, &str) {
    (
        line.get("status").and_then(serde_json::Value::as_i64),
        line.get("error").and_then(serde_json::Value::as_str),
        line.text("outcome"),
        line.text("level"),
    )
}

#[test]
fn a_call_has_its_own_keys_in_order_and_null_where_nothing_is_known() {
    #[dependency_call("payments", fields(order = 7))]
    fn charge() -> u8 {
        7
    }

    let captured = capture();
    RequestContext::with_id("r").enter_with(charge);
    checked(&captured);
    let line = captured.dependency("payments");
    assert_eq!(
        keys(line.raw())[9..],
        [
            "event",
            "dependency",
            "operation",
            "dependency_method",
            "url",
            "status",
            "duration_ms",
            "retries",
            "error",
            "outcome",
            "step_id",
            "parent_id",
            "offset_ms",
            "order"
        ]
    );
    assert_eq!(line.text("msg"), "dependency_call");
    assert_eq!(line.text("logger"), "deps");
    assert_eq!(line.text("operation"), "charge");
    for key in ["dependency_method", "url", "status", "error"] {
        assert!(line.is_null(key), "{key}");
    }
    assert_eq!(line.integer("retries"), 0);
    assert_eq!(answer(&line), (None, None, "ok", "INFO"));
    assert!(!line.has("error_detail"));
}

#[test]
fn arguments_say_what_is_called() {
    #[dependency_call(
        dependency = "payments",
        operation = "create charge",
        method = "POST",
        url = format!("https://user:canary-1@pay.example.com:8443/v1/charges?key=canary-2&n={n}"),
        level = "debug",
        target = "shop",
        ret
    )]
    async fn charge(n: u32) -> Result<u32, io::Error> {
        Ok(n)
    }

    #[dependency_call(
        "vault",
        url = "https://vault.example.com/secret/canary-3",
        url_template = "/secret/{name}"
    )]
    fn read() {}

    #[dependency_call("bare", url_template = "/only/{template}")]
    fn bare() {}

    let captured = capture();
    block_on(charge(5)).expect("good");
    read();
    bare();
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let line = captured.dependency("payments");
    assert_eq!(line.text("operation"), "create charge");
    assert_eq!(line.text("dependency_method"), "POST");
    assert_eq!(line.text("url"), "https://pay.example.com:8443/v1/charges");
    assert_eq!(line.text("level"), "DEBUG");
    assert_eq!(line.text("logger"), "shop");
    assert_eq!(line.integer("ret"), 5);
    assert_eq!(captured.dependency("vault").text("url"), "https://vault.example.com/secret/{name}");
    assert_eq!(captured.dependency("bare").text("url"), "/only/{template}");
}

#[test]
fn a_url_that_the_body_names_is_made_safe_and_takes_the_template() {
    #[dependency_call("plain")]
    fn plain() {
        dependency::current().set_url("https://u:canary-1@a.example/b?token=canary-2#canary-3");
    }

    #[dependency_call("template", url_template = "/reset/{token}")]
    fn template() {
        dependency::current().set_url("https://a.example/reset/canary-4");
    }

    #[dependency_call("odd")]
    fn odd() {
        dependency::current().set_url("no url canary-5");
    }

    let captured = capture();
    plain();
    template();
    odd();
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    assert_eq!(captured.dependency("plain").text("url"), "https://a.example/b");
    assert_eq!(captured.dependency("template").text("url"), "https://a.example/reset/{token}");
}

#[test]
fn a_response_tells_its_status() {
    #[dependency_call("shop")]
    fn get(status: u16) -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
    }

    #[dependency_call("shop")]
    async fn fetch(status: u16) -> Result<http::Response<String>, io::Error> {
        let mut response = http::Response::new(String::new());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }

    let captured = capture();
    for status in [200, 304, 404, 503] {
        get(status);
        block_on(fetch(status)).expect("a response");
    }
    let lines = checked(&captured);
    let answers: Vec<_> = lines.iter().step_by(2).map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(200), None, "ok", "INFO"),
            (Some(304), None, "ok", "INFO"),
            (Some(404), Some("status"), "ok", "WARN"),
            (Some(503), Some("status"), "error", "ERROR"),
        ]
    );
    assert_eq!(lines.iter().skip(1).step_by(2).map(answer).collect::<Vec<_>>(), answers);
}

#[test]
fn an_io_error_tells_its_category() {
    #[dependency_call("disk")]
    fn read(kind: io::ErrorKind) -> io::Result<()> {
        Err(io::Error::new(kind, "password=canary-1"))
    }

    let captured = capture();
    for kind in [
        io::ErrorKind::TimedOut,
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::InvalidData,
        io::ErrorKind::NotFound,
    ] {
        read(kind).expect_err("fails");
    }
    let lines = checked(&captured);
    let answers: Vec<_> = lines.iter().map(answer).collect();
    assert_eq!(
        answers,
        [
            (None, Some("timeout"), "error", "ERROR"),
            (None, Some("connect"), "error", "ERROR"),
            (None, Some("decode"), "error", "ERROR"),
            (None, Some("other"), "error", "ERROR"),
        ]
    );
    assert!(lines.iter().all(|line| line.has("error_detail") && !line.raw().contains("canary")));
}

#[test]
fn the_cause_in_a_chain_tells_the_category() {
    #[derive(Debug, thiserror::Error)]
    enum ClientError {
        #[error("the call failed")]
        Call(#[from] io::Error),
        #[error(transparent)]
        Whole(io::Error),
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[dependency_call("own")]
    fn own() -> Result<(), ClientError> {
        Err(refused())?
    }

    #[dependency_call("transparent")]
    fn transparent() -> Result<(), ClientError> {
        Err(ClientError::Whole(refused()))
    }

    #[dependency_call("boxed")]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        Err(Box::new(ClientError::Call(refused())))
    }

    #[dependency_call("shared")]
    async fn shared() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(Box::new(refused()))
    }

    #[dependency_call("anyhow")]
    async fn anyhow() -> anyhow::Result<()> {
        Err(anyhow::Error::new(refused()).context("charging"))
    }

    #[dependency_call("wrapped")]
    fn wrapped() -> io::Result<()> {
        Err(io::Error::other(ClientError::Call(refused())))
    }

    #[dependency_call("text")]
    fn text() -> Result<(), String> {
        Err("token=canary-1 refused".to_owned())
    }

    let captured = capture();
    own().expect_err("fails");
    transparent().expect_err("fails");
    boxed().expect_err("fails");
    block_on(shared()).expect_err("fails");
    block_on(anyhow()).expect_err("fails");
    wrapped().expect_err("fails");
    text().expect_err("fails");
    checked(&captured);
    for name in ["own", "boxed", "shared", "anyhow", "wrapped"] {
        assert_eq!(captured.dependency(name).text("error"), "connect", "{name}");
    }
    assert_eq!(captured.dependency("text").text("error"), "other");
    assert!(!captured.dependency("text").raw().contains("canary"));
}

#[derive(Debug)]
enum StoreError {
    Refused(u16),
    PoolEmpty,
    Unknown,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store failed")
    }
}

impl std::error::Error for StoreError {}

impl DependencyOutcome for StoreError {
    fn status(&self) -> Option<u16> {
        match self {
            StoreError::Refused(status) => Some(*status),
            _ => None,
        }
    }

    fn category(&self) -> Option<Category> {
        matches!(self, StoreError::PoolEmpty).then_some(Category::Pool)
    }
}

#[test]
fn a_users_own_error_type_tells_its_status_and_category() {
    #[dependency_call("store")]
    fn load(error: StoreError) -> Result<Vec<u8>, StoreError> {
        Err(error)
    }

    let captured = capture();
    load(StoreError::Refused(429)).expect_err("fails");
    load(StoreError::Refused(500)).expect_err("fails");
    load(StoreError::PoolEmpty).expect_err("fails");
    load(StoreError::Unknown).expect_err("fails");
    let lines = checked(&captured);
    let answers: Vec<_> = lines.iter().map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(429), Some("status"), "error", "WARN"),
            (Some(500), Some("status"), "error", "ERROR"),
            (None, Some("pool"), "error", "ERROR"),
            (None, Some("other"), "error", "ERROR"),
        ]
    );
}

#[test]
fn an_outcome_that_panics_is_no_answer() {
    #[derive(Debug)]
    struct Bad;
    impl DependencyOutcome for Bad {
        fn status(&self) -> Option<u16> {
            panic!("no")
        }
    }

    #[dependency_call("bad")]
    fn call() -> Result<(), Bad> {
        Err(Bad)
    }

    let captured = capture();
    call().expect_err("fails");
    assert_eq!(answer(&captured.dependency("bad")), (None, Some("other"), "error", "ERROR"));
}

#[test]
fn retries_are_counted_and_each_leaves_a_line() {
    #[dependency_call("payments")]
    async fn charge(fails: bool) -> Result<(), io::Error> {
        dependency::current().retry();
        tokio::task::yield_now().await;
        dependency::current().retry();
        if fails { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    let captured = capture();
    block_on(RequestContext::with_id("r").scope(async {
        charge(false).await.expect("good");
        charge(true).await.expect_err("fails");
    }));
    checked(&captured);
    let calls = captured.dependencies("payments");
    assert_eq!(answer(&calls[0]), (None, None, "ok", "WARN"));
    assert_eq!(answer(&calls[1]), (None, Some("timeout"), "error", "ERROR"));
    assert_eq!(calls[0].integer("retries"), 2);
    let attempts = captured.events("dependency_attempt");
    assert_eq!(attempts.len(), 4);
    assert_eq!(attempts[0].text("level"), "DEBUG");
    assert_eq!(attempts[0].text("logger"), "deps");
    assert_eq!(attempts[0].text("request_id"), "r");
    assert_eq!(attempts[0].text("dependency"), "payments");
    assert_eq!(attempts[0].text("operation"), "charge");
    let numbers: Vec<_> = attempts.iter().map(|line| line.integer("attempt")).collect();
    assert_eq!(numbers, [2, 3, 2, 3]);
}

#[test]
fn what_the_body_says_of_the_status_counts() {
    #[dependency_call("rpc")]
    fn call(status: u16) -> u8 {
        dependency::current().set_status(status);
        7
    }

    let captured = capture();
    for status in [204, 409, 502] {
        call(status);
    }
    let answers: Vec<_> = captured.lines();
    let answers: Vec<_> = answers.iter().map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(204), None, "ok", "INFO"),
            (Some(409), Some("status"), "ok", "WARN"),
            (Some(502), Some("status"), "error", "ERROR"),
        ]
    );
}

#[test]
fn a_call_that_is_dropped_or_panics_says_so() {
    #[dependency_call("slow")]
    async fn slow() -> io::Result<()> {
        dependency::current().retry();
        std::future::pending().await
    }

    #[dependency_call("broken")]
    fn broken() -> io::Result<()> {
        panic!("gone")
    }

    let captured = capture();
    {
        let mut future = pin!(slow());
        assert!(
            future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending()
        );
    }
    catch_unwind(broken).expect_err("a panic");
    assert_eq!(
        answer(&captured.dependency("slow")),
        (None, Some("cancelled"), "cancelled", "INFO")
    );
    assert_eq!(captured.dependency("slow").integer("retries"), 1);
    assert_eq!(
        answer(&captured.dependency("broken")),
        (None, Some("panicked"), "panicked", "ERROR")
    );
}

#[test]
fn a_slow_call_warns() {
    #[dependency_call("slow", slow = "1us")]
    fn slow() {
        std::thread::sleep(Duration::from_millis(1));
    }

    #[dependency_call("quick", slow = "10m")]
    fn quick() {}

    let captured = capture();
    slow();
    quick();
    assert_eq!(captured.dependency("slow").text("level"), "WARN");
    assert_eq!(captured.dependency("quick").text("level"), "DEBUG");
}

#[test]
fn current_is_the_innermost_call_also_from_steps_tasks_and_threads() {
    #[dependency_call("inner")]
    fn inner() {
        dependency::current().retry();
    }

    #[step_timed]
    async fn step() {
        dependency::current().retry();
    }

    #[dependency_call("outer")]
    async fn outer() {
        inner();
        step().await;
        std::thread::spawn(carry(|| dependency::current().retry())).join().expect("no panic");
        tokio::spawn(async { dependency::current().retry() }.in_context()).await.expect("no panic");
    }

    let captured = capture();
    dependency::current().retry();
    dependency::current().set_status(500);
    dependency::current().set_url("https://nowhere.example");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime").block_on(RequestContext::with_id("r").scope(outer()));
    assert_eq!(captured.dependency("inner").integer("retries"), 1);
    assert_eq!(captured.dependency("outer").integer("retries"), 3);
    assert!(captured.dependency("outer").is_null("status"));
    assert_eq!(
        captured.step("step").integer("parent_id"),
        captured.dependency("outer").integer("step_id")
    );
}

/// Answers every connection with the bytes that belong to the path that is asked for.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 4096];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let path = asked
                    .split(' ')
                    .nth(1)
                    .unwrap_or("/")
                    .split('?')
                    .next()
                    .unwrap_or("/")
                    .to_owned();
                let answer = match path.as_str() {
                    "/402" => {
                        "HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    }
                    "/503" => {
                        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    }
                    "/slow" => {
                        tokio::time::sleep(Duration::from_mins(1)).await;
                        ""
                    }
                    "/close" => "",
                    "/half" => {
                        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"half"
                    }
                    _ => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnope",
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

#[dependency_call("client", method = "GET", url = url)]
async fn get(client: &reqwest::Client, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    client.get(url).send().await
}

#[dependency_call("client", url = url)]
async fn get_ok(client: &reqwest::Client, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    client.get(url).send().await?.error_for_status()
}

#[dependency_call("client", url = url)]
async fn get_json(client: &reqwest::Client, url: &str) -> Result<u32, reqwest::Error> {
    client.get(url).send().await?.json().await
}

#[dependency_call("client", url = url)]
async fn get_anyhow(client: &reqwest::Client, url: &str) -> anyhow::Result<u32> {
    client
        .get(url)
        .send()
        .await
        .context("asking")?
        .error_for_status()?
        .json()
        .await
        .context("reading")
}

#[dependency_call("client", url = url)]
async fn get_middleware(
    client: &reqwest_middleware::ClientWithMiddleware,
    url: &str,
) -> reqwest_middleware::Result<reqwest::Response> {
    client.get(url).send().await
}

#[test]
fn reqwest_answers_and_errors_are_known() {
    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let base = serve().await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let hasty = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(200));
        let hasty = hasty.build().expect("a client");
        let asked = |path: &str| format!("{base}{path}?api_key=canary-key-1");

        get(&client, &asked("/200")).await.expect("a response");
        get(&client, &asked("/402")).await.expect("a response");
        get(&client, &asked("/503")).await.expect("a response");
        get_ok(&client, &asked("/402")).await.expect_err("a status");
        get_ok(&client, &asked("/503")).await.expect_err("a status");
        get(&hasty, &asked("/slow")).await.expect_err("a timeout");
        get_json(&client, &asked("/200")).await.expect_err("no JSON");
        get_json(&client, &asked("/half")).await.expect_err("half a body");
        get(&client, &asked("/close")).await.expect_err("no answer");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let nobody =
            format!("http://{}/?api_key=canary-key-2", listener.local_addr().expect("an address"));
        drop(listener);
        get(&client, &nobody).await.expect_err("refused");
        get_anyhow(&client, &nobody).await.expect_err("refused");
        get_anyhow(&client, &asked("/402")).await.expect_err("a status");
        let wrapped = reqwest_middleware::ClientWithMiddleware::from(client.clone());
        get_middleware(&wrapped, &nobody).await.expect_err("refused");
        get(&client, "http://no-such-host.invalid/").await.expect_err("no name");
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let answers: Vec<_> = captured
        .dependencies("client")
        .iter()
        .map(|line| {
            let (status, error, outcome, level) = answer(line);
            (status, error.map(str::to_owned), outcome.to_owned(), level.to_owned())
        })
        .collect();
    let expected = [
        (Some(200), None, "ok", "INFO"),
        (Some(402), Some("status"), "ok", "WARN"),
        (Some(503), Some("status"), "error", "ERROR"),
        (Some(402), Some("status"), "error", "WARN"),
        (Some(503), Some("status"), "error", "ERROR"),
        (None, Some("timeout"), "error", "ERROR"),
        (None, Some("decode"), "error", "ERROR"),
        (None, Some("decode"), "error", "ERROR"),
        (None, Some("connect"), "error", "ERROR"),
        (None, Some("connect"), "error", "ERROR"),
        (None, Some("connect"), "error", "ERROR"),
        (Some(402), Some("status"), "error", "WARN"),
        (None, Some("connect"), "error", "ERROR"),
        (None, Some("dns"), "error", "ERROR"),
    ];
    for (found, (status, error, outcome, level)) in answers.iter().zip(expected) {
        assert_eq!(
            (found.0, found.1.as_deref(), found.2.as_str(), found.3.as_str()),
            (status, error, outcome, level),
            "{captured:?}"
        );
    }
    assert_eq!(answers.len(), expected.len());
}
