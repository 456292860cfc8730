//! Errors of sqlx and redis.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use candor::dependency_call;
use candor::testing::capture;
use candor_tests::checked;
use sqlx::error::{DatabaseError, ErrorKind};

use super::answers;

/// An error of the database, as a driver creates it.
#[derive(Debug)]
struct Answered {
    code: &'static str,
    kind: fn() -> ErrorKind,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("duplicate key, password=canary-1")
    }
}

impl Error for Answered {}

impl DatabaseError for Answered {
    fn message(&self) -> &str {
        "duplicate key"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        (self.kind)()
    }
}

fn answered(code: &'static str, kind: fn() -> ErrorKind) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Answered { code, kind }))
}

#[test]
fn each_error_of_sqlx_has_its_category_and_level() {
    #[dependency_call("db")]
    fn query(error: sqlx::Error) -> Result<u8, sqlx::Error> {
        Err(error)
    }

    let io = |kind: io::ErrorKind| sqlx::Error::Io(kind.into());
    let errors = [
        (sqlx::Error::PoolTimedOut, "pool error ERROR"),
        (sqlx::Error::PoolClosed, "pool error ERROR"),
        (io(io::ErrorKind::ConnectionRefused), "connect error ERROR"),
        (io(io::ErrorKind::TimedOut), "timeout error ERROR"),
        (io(io::ErrorKind::UnexpectedEof), "connect error ERROR"),
        (io(io::ErrorKind::PermissionDenied), "connect error ERROR"),
        (sqlx::Error::Tls("handshake".into()), "tls error ERROR"),
        (sqlx::Error::Protocol("odd".into()), "decode error ERROR"),
        (sqlx::Error::Decode("odd".into()), "decode error ERROR"),
        (sqlx::Error::ColumnNotFound("id".into()), "decode error ERROR"),
        (sqlx::Error::TypeNotFound { type_name: "point".into() }, "decode error ERROR"),
        (sqlx::Error::WorkerCrashed, "Error error ERROR"),
        (sqlx::Error::Configuration("odd".into()), "Error error ERROR"),
        (sqlx::Error::RowNotFound, "not_found error WARN"),
        (answered("23505", || ErrorKind::UniqueViolation), "Error error WARN"),
        (answered("23503", || ErrorKind::ForeignKeyViolation), "Error error WARN"),
        (answered("42601", || ErrorKind::Other), "Error error ERROR"),
        (answered("57014", || ErrorKind::Other), "timeout error ERROR"),
        (answered("57P01", || ErrorKind::Other), "connect error ERROR"),
        (answered("08006", || ErrorKind::Other), "connect error ERROR"),
    ];
    let captured = capture();
    let mut wanted = Vec::new();
    for (error, told) in errors {
        query(error).expect_err("fails");
        wanted.push(format!("- {told}"));
    }
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    assert_eq!(answers(&captured, "db"), wanted);
}

#[test]
fn an_error_of_sqlx_in_a_chain_is_found() {
    #[derive(Debug, thiserror::Error)]
    #[error("no order")]
    struct NoOrder(#[from] sqlx::Error);

    #[dependency_call("db")]
    fn load() -> Result<u8, NoOrder> {
        Err(sqlx::Error::PoolTimedOut)?
    }

    #[dependency_call("db")]
    fn load_any() -> anyhow::Result<u8> {
        Err(anyhow::Error::new(NoOrder(sqlx::Error::RowNotFound)).context("loading"))
    }

    let captured = capture();
    load().expect_err("fails");
    load_any().expect_err("fails");
    assert_eq!(answers(&captured, "db"), ["- pool error ERROR", "- not_found error WARN"]);
}

/// A server for one connection that answers everything it reads with these bytes, or closes for `close`.
fn serve(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = [0; 4096];
        while let Ok(1..) = stream.read(&mut asked) {
            if answer == b"close" {
                return;
            }
            let _ = stream.write_all(answer);
        }
    });
    format!("redis://:canary-1@{address}/")
}

#[dependency_call("cache", url = url)]
fn get(url: &str) -> redis::RedisResult<u64> {
    let wait = Duration::from_millis(200);
    // Settings and password are sent first, each with its own response.
    let mut connection = redis::Client::open(url)?.get_connection_with_timeout(wait)?;
    connection.set_read_timeout(Some(wait))?;
    redis::cmd("GET").arg("token:canary-2").query(&mut connection)
}

#[test]
fn errors_of_redis_are_classified() {
    let closed = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("redis://{}/", gone.local_addr().expect("an address"))
    };
    let captured = capture();
    get(&closed).expect_err("refused");
    get("redis://no-such-host.invalid/").expect_err("no name");
    get(&serve(b"")).expect_err("late");
    get(&serve(b"close")).expect_err("closed");
    get(&serve(b"\x01odd\r\n")).expect_err("no redis");
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let wanted = [
        "- connect error ERROR",
        "- dns error ERROR",
        "- timeout error ERROR",
        "- connect error ERROR",
        "- decode error ERROR",
    ];
    assert_eq!(answers(&captured, "cache"), wanted, "{captured:?}");
}

#[test]
fn redis_server_errors_and_values_of_another_type_are_classified() {
    #[dependency_call("cache")]
    fn answer(bytes: &[u8]) -> redis::RedisResult<u64> {
        redis::from_redis_value(redis::parse_redis_value(bytes)?.extract_error()?)
            .map_err(redis::RedisError::from)
    }

    #[dependency_call("cache")]
    fn wrapped(bytes: &[u8]) -> anyhow::Result<u64> {
        let value = redis::parse_redis_value(bytes)?.extract_error()?;
        Ok(redis::from_redis_value(value)?)
    }

    let captured = capture();
    let _ = answer(b"-WRONGTYPE no list\r\n");
    let _ = answer(b"+canary-3\r\n");
    answer(b":7\r\n").expect("a number");
    let _ = wrapped(b"*2\r\n+canary-4\r\n+canary-5\r\n");
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    assert!(lines[1].text("error_detail").ends_with("(value was [REDACTED])"));
    let wanted =
        ["- RedisError error ERROR", "- decode error ERROR", "- - ok INFO", "- decode error ERROR"];
    assert_eq!(answers(&captured, "cache"), wanted, "{captured:?}");
}
