//! Categories from the first classified error in a chain of sources.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use candor::testing::capture;
use candor::{dependency_call, redact};
use candor_tests::checked;
use futures::executor::block_on;

use super::{answer, answers};

#[test]
fn an_io_error_is_classified() {
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
            (None, Some("Error"), "error", "ERROR"),
        ]
    );
    assert!(lines.iter().all(|line| line.has("error_detail") && !line.raw().contains("canary")));
}

#[test]
fn the_cause_in_an_error_chain_decides_the_category() {
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
    fn boxed() -> Result<(), Box<dyn Error>> {
        Err(Box::new(ClientError::Call(refused())))
    }

    #[dependency_call("shared")]
    async fn shared() -> Result<(), Box<dyn Error + Send + Sync>> {
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
    assert_eq!(captured.dependency("text").text("error"), "String");
    assert!(!captured.dependency("text").raw().contains("canary"));
}

#[test]
fn each_kind_of_an_io_error_has_its_category() {
    use io::ErrorKind as Kind;

    #[dependency_call("disk")]
    fn read(kind: Kind) -> io::Result<()> {
        Err(kind.into())
    }

    let kinds = [
        (Kind::TimedOut, "timeout"),
        (Kind::WouldBlock, "timeout"),
        (Kind::ConnectionRefused, "connect"),
        (Kind::ConnectionReset, "connect"),
        (Kind::ConnectionAborted, "connect"),
        (Kind::NotConnected, "connect"),
        (Kind::BrokenPipe, "connect"),
        (Kind::AddrNotAvailable, "connect"),
        (Kind::NetworkDown, "connect"),
        (Kind::NetworkUnreachable, "connect"),
        (Kind::HostUnreachable, "connect"),
        (Kind::InvalidData, "decode"),
        (Kind::UnexpectedEof, "decode"),
        (Kind::PermissionDenied, "Error"),
        (Kind::Other, "Error"),
    ];
    let captured = capture();
    for (kind, _) in kinds {
        read(kind).expect_err("fails");
    }
    let wanted: Vec<_> =
        kinds.iter().map(|(_, category)| format!("- {category} error ERROR")).collect();
    assert_eq!(answers(&captured, "disk"), wanted);
}

#[test]
fn a_failed_name_lookup_is_dns() {
    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct NoConnection(#[source] io::Error);

    #[dependency_call("host")]
    fn connect() -> io::Result<std::net::TcpStream> {
        std::net::TcpStream::connect(("no-such-host.invalid", 1))
    }

    #[dependency_call("host")]
    fn wrapped() -> Result<std::net::TcpStream, NoConnection> {
        std::net::TcpStream::connect(("no-such-host.invalid", 1)).map_err(NoConnection)
    }

    let captured = capture();
    connect().expect_err("no such host");
    wrapped().expect_err("no such host");
    assert_eq!(answers(&captured, "host"), ["- dns error ERROR", "- dns error ERROR"]);
}

#[test]
fn a_failed_handshake_is_tls() {
    use rustls::{AlertDescription, CertificateError, Error as Tls, InvalidMessage};

    #[dependency_call("bank")]
    fn connect(error: Tls) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[dependency_call("bank")]
    fn wrapped(error: Tls) -> anyhow::Result<()> {
        Err(anyhow::Error::new(io::Error::other(error)).context("connecting"))
    }

    let errors = [
        Tls::InvalidCertificate(CertificateError::UnknownIssuer),
        Tls::InvalidMessage(InvalidMessage::InvalidContentType),
        Tls::AlertReceived(AlertDescription::HandshakeFailure),
        Tls::NoCertificatesPresented,
        Tls::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon),
        Tls::NoApplicationProtocol,
        Tls::DecryptError,
    ];
    let captured = capture();
    for error in errors {
        connect(error.clone()).expect_err("no channel");
        wrapped(error).expect_err("no channel");
    }
    assert_eq!(answers(&captured, "bank"), vec!["- tls error ERROR"; 14]);
}

#[derive(Debug, thiserror::Error)]
enum ShopError {
    #[error("the store is slow")]
    Slow(#[from] tokio::time::error::Elapsed),
    #[error("the store is away")]
    Away(#[source] Arc<io::Error>),
    #[error("the store is odd")]
    Odd(#[source] Box<dyn Error + Send + Sync>),
    #[error("no idea")]
    Unknown,
}

async fn elapsed() -> tokio::time::error::Elapsed {
    tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await.expect_err("late")
}

#[test]
fn tokio_timeouts_are_classified_alone_and_in_every_wrapper() {
    use tokio::time::error::Elapsed;

    #[dependency_call("store")]
    async fn plain() -> Result<u8, Elapsed> {
        Err(elapsed().await)
    }

    #[dependency_call("store")]
    async fn nested() -> Result<Result<u8, io::Error>, Elapsed> {
        Err(elapsed().await)
    }

    #[dependency_call("store")]
    async fn own() -> Result<u8, ShopError> {
        Err(elapsed().await)?
    }

    #[dependency_call("store")]
    async fn boxed() -> Result<u8, Box<dyn Error + Send + Sync>> {
        Err(elapsed().await)?
    }

    #[dependency_call("store")]
    async fn anyhow() -> anyhow::Result<u8> {
        Err(anyhow::Error::new(ShopError::Slow(elapsed().await)).context("asking"))
    }

    #[dependency_call("store")]
    async fn eyre() -> eyre::Result<u8> {
        Err(eyre::Report::new(elapsed().await).wrap_err("asking"))
    }

    #[dependency_call("store")]
    async fn as_io() -> io::Result<u8> {
        Err(elapsed().await)?
    }

    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        plain().await.expect_err("late");
        nested().await.expect_err("late").to_string();
        own().await.expect_err("late");
        boxed().await.expect_err("late");
        anyhow().await.expect_err("late");
        let _ = eyre().await.expect_err("late");
        as_io().await.expect_err("late");
    });
    checked(&captured);
    assert_eq!(answers(&captured, "store"), vec!["- timeout error ERROR"; 7]);
}

#[test]
fn an_eyre_report_is_classified_like_an_anyhow_error() {
    #[dependency_call("store")]
    fn load() -> eyre::Result<()> {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err(eyre::Report::new(ShopError::Odd(refused.into())).wrap_err("loading"))
    }

    let captured = capture();
    let _ = load().expect_err("fails");
    assert_eq!(answers(&captured, "store"), ["- connect error ERROR"]);
    let line = captured.dependency("store");
    assert_eq!(line.text("error_detail"), "loading: the store is odd: connection refused");
}

#[test]
fn errors_behind_pointers_are_found() {
    #[dependency_call("store")]
    fn shared() -> Result<(), ShopError> {
        Err(ShopError::Away(Arc::new(io::ErrorKind::BrokenPipe.into())))
    }

    #[dependency_call("store")]
    fn any_shared() -> Result<(), ShopError> {
        let inner: Arc<dyn Error + Send + Sync> =
            Arc::new(io::Error::from(io::ErrorKind::TimedOut));
        Err(ShopError::Odd(Box::new(inner)))
    }

    #[dependency_call("store")]
    fn twice_boxed() -> Result<(), Box<dyn Error>> {
        Err(Box::new(Box::new(io::Error::from(io::ErrorKind::TimedOut))))
    }

    #[dependency_call("store")]
    fn unknown() -> Result<(), ShopError> {
        Err(ShopError::Unknown)
    }

    let captured = capture();
    shared().expect_err("fails");
    any_shared().expect_err("fails");
    twice_boxed().expect_err("fails");
    unknown().expect_err("fails");
    let wanted = [
        "- connect error ERROR",
        "- timeout error ERROR",
        "- timeout error ERROR",
        "- ShopError error ERROR",
    ];
    assert_eq!(answers(&captured, "store"), wanted);
}

#[test]
fn the_first_classified_error_decides_unless_it_is_a_guess() {
    #[dependency_call("store")]
    fn load(error: io::Error) -> io::Result<()> {
        Err(error)
    }

    let inner = |kind: io::ErrorKind| io::Error::from(kind);
    let captured = capture();
    let late = inner(io::ErrorKind::TimedOut);
    let _ = load(io::Error::new(io::ErrorKind::ConnectionReset, late));
    let late = inner(io::ErrorKind::TimedOut);
    let _ = load(io::Error::new(io::ErrorKind::InvalidData, late));
    let _ = load(io::Error::new(io::ErrorKind::InvalidData, "odd"));
    let _ = load(io::Error::new(io::ErrorKind::InvalidData, ShopError::Unknown));
    let wanted = [
        "- connect error ERROR",
        "- timeout error ERROR",
        "- decode error ERROR",
        "- decode error ERROR",
    ];
    assert_eq!(answers(&captured, "store"), wanted);
}

#[test]
fn a_redacted_error_sets_the_text_and_its_source_sets_the_category() {
    #[redact]
    struct Declined {
        order: u64,
        #[redact(skip)]
        source: io::Error,
    }

    impl fmt::Display for Declined {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("declined")
        }
    }

    impl Error for Declined {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.source)
        }
    }

    #[dependency_call("bank")]
    fn charge() -> Result<(), Declined> {
        Err(Declined { order: 7, source: io::ErrorKind::TimedOut.into() })
    }

    let captured = capture();
    charge().expect_err("declined");
    let line = captured.dependency("bank");
    assert_eq!(line.text("error_detail"), "Declined { order: 7 }");
    assert_eq!(line.get("error_fields"), Some(&serde_json::json!({ "order": 7 })));
    assert_eq!(answer(&line), (None, Some("timeout"), "error", "ERROR"));
}

/// An error that is its own source, or panics in `source`.
#[derive(Debug)]
enum Bad {
    Circle,
    Panics,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad")
    }
}

impl Error for Bad {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Bad::Circle => Some(self),
            Bad::Panics => panic!("no source"),
        }
    }
}

#[test]
fn a_cyclic_or_panicking_error_is_handled() {
    #[dependency_call("bad")]
    fn plain(bad: Bad) -> Result<(), Bad> {
        Err(bad)
    }

    #[dependency_call("bad")]
    fn boxed(bad: Bad) -> Result<(), Box<dyn Error>> {
        Err(Box::new(bad))
    }

    #[dependency_call("bad")]
    fn in_io(bad: Bad) -> io::Result<()> {
        Err(io::Error::other(bad))
    }

    trait Both {
        const BOTH: [fn() -> Bad; 2] = [|| Bad::Circle, || Bad::Panics];
    }
    impl Both for Bad {}

    let captured = capture();
    for bad in Bad::BOTH {
        plain(bad()).expect_err("bad");
        boxed(bad()).expect_err("bad");
        in_io(bad()).expect_err("bad");
    }
    checked(&captured);
    let classes = ["Bad", "Box<dyn Error>", "Error"];
    let wanted = classes.map(|class| format!("- {class} error ERROR"));
    assert_eq!(answers(&captured, "bad"), [wanted.clone(), wanted].concat());
}

#[test]
fn nested_io_errors_are_classified_once_per_level() {
    #[dependency_call("deep")]
    fn load(levels: u32) -> io::Result<()> {
        let mut error = io::Error::other("the innermost");
        for _ in 0..levels {
            error = io::Error::other(error);
        }
        Err(error)
    }

    let captured = capture();
    load(1_000).expect_err("deep");
    load(31).expect_err("deep");
    checked(&captured);
    assert_eq!(answers(&captured, "deep"), vec!["- Error error ERROR"; 2]);
}

#[test]
fn an_item_of_a_stream_decides_the_category() {
    use futures::StreamExt as _;

    #[dependency_call("store")]
    fn rows() -> impl futures::Stream<Item = io::Result<u8>> {
        futures::stream::iter([Ok(1), Err(io::ErrorKind::TimedOut.into()), Ok(2)])
    }

    #[dependency_call("store")]
    fn more_rows() -> impl futures::Stream<Item = anyhow::Result<u8>> {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        futures::stream::iter([Err(anyhow::Error::new(refused).context("reading"))])
    }

    let captured = capture();
    assert_eq!(block_on(rows().count()), 3);
    assert_eq!(block_on(more_rows().count()), 1);
    checked(&captured);
    assert_eq!(answers(&captured, "store"), ["- timeout error ERROR", "- connect error ERROR"]);
}

#[test]
fn a_response_that_is_not_json_is_decode() {
    #[dependency_call("shop")]
    fn own(answer: &str) -> Result<u64, serde_json::Error> {
        serde_json::from_str(answer)
    }

    #[dependency_call("shop")]
    fn wrapped(answer: &str) -> anyhow::Result<u64> {
        Ok(serde_json::from_str(answer)?)
    }

    struct Late;
    impl io::Read for Late {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    #[dependency_call("shop")]
    fn late() -> Result<u64, serde_json::Error> {
        serde_json::from_reader(Late)
    }

    let captured = capture();
    own("{").expect_err("no JSON");
    wrapped("\"text\"").expect_err("no number");
    late().expect_err("late");
    let wanted = ["- decode error ERROR", "- decode error ERROR", "- timeout error ERROR"];
    assert_eq!(answers(&captured, "shop"), wanted);
}
