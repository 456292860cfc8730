//! Queries of one version of sqlx.

use std::io;
use std::time::Duration;

use candor::dependency_call;
use candor::testing::capture;

use super::sqlx;
use crate::{answers, check_lines, run, servers};
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{Connection as _, Error};

#[dependency_call("db")]
async fn connect(url: &str) -> Result<(), Error> {
    PgConnection::connect(url).await.map(drop)
}

#[dependency_call("db")]
async fn acquire(url: &str, is_closed: bool) -> anyhow::Result<()> {
    let pool =
        PgPoolOptions::new().acquire_timeout(Duration::from_millis(300)).connect_lazy(url)?;
    if is_closed {
        pool.close().await;
    }
    pool.acquire().await?;
    Ok(())
}

#[dependency_call("db")]
fn fail(error: Error) -> Result<(), Error> {
    Err(error)
}

#[test]
fn errors_are_classified() {
    let captured = capture();
    run(async {
        let nobody = servers::closed().await;
        connect(&format!("postgres://{nobody}/shop?sslmode=disable")).await.expect_err("refused");
        connect(&servers::postgres(Some("53300")).await).await.expect_err("too many connections");
        connect(&servers::postgres(Some("57014")).await).await.expect_err("canceled");
        acquire(&servers::postgres(None).await, false).await.expect_err("no connection in time");
        acquire(&servers::postgres(None).await, true).await.expect_err("a closed pool");
    });
    fail(Error::Io(io::ErrorKind::TimedOut.into())).expect_err("late");
    fail(Error::ColumnNotFound("id".to_owned())).expect_err("no column");
    check_lines(&captured);
    let expected = [
        "- connect error ERROR",
        "- connect error ERROR",
        "- timeout error ERROR",
        "- pool error ERROR",
        "- pool error ERROR",
        "- timeout error ERROR",
        "- decode error ERROR",
    ];
    assert_eq!(answers(&captured, "db"), expected, "{captured:?}");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}

#[test]
fn a_refusal_is_a_warning_and_a_wrong_query_is_an_error() {
    let captured = capture();
    fail(Error::RowNotFound).expect_err("no row");
    run(async {
        connect(&servers::postgres(Some("42601")).await).await.expect_err("a syntax error");
    });
    check_lines(&captured);
    let lines = captured.dependencies("db");
    let levels: Vec<_> =
        lines.iter().map(|line| (line.text("outcome"), line.text("level"))).collect();
    assert_eq!(levels, [("error", "WARN"), ("error", "ERROR")], "{captured:?}");
}
