//! Programs that use candor with another crate: `beside <program>`.
//!
//! `docs/beside-others.md` has the same code.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use candor::{Config, Logging, RequestContext, dependency_call, step_timed};
use sentry::test::TestTransport;
use tracing_subscriber::layer::SubscriberExt as _;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let transport = TestTransport::new();
    match std::env::args().nth(1).unwrap_or_default().as_str() {
        "sentry" => {
            let (_logging, sentry) = beside_sentry(&transport)?;
            work();
            sentry.flush(Some(Duration::from_secs(5)));
        }
        "sentry-first" => {
            let sentry = sentry::init(sentry_options(&transport));
            let logging = compose_with_sentry()?;
            logging.install_panic_hook();
            work();
            sentry.flush(Some(Duration::from_secs(5)));
        }
        "sentry-and-init" => {
            let _sentry = sentry::init(sentry_options(&transport));
            let _logging = candor::init()?;
            work();
        }
        "color-eyre" => {
            color_eyre::install()?;
            let _logging = candor::init()?;
            work();
        }
        "color-eyre-later" => {
            let _logging = candor::init()?;
            color_eyre::install()?;
            work();
            // Another thread looks for the hook and writes the line.
            std::thread::sleep(Duration::from_millis(300));
        }
        "color-eyre-later-and-again" => {
            let logging = candor::init()?;
            color_eyre::install()?;
            logging.install_panic_hook();
            work();
        }
        "env-logger" => {
            env_logger::Builder::new().filter_level(log::LevelFilter::Info).init();
            let _logging = candor::init()?;
            log::info!("of a library");
        }
        "env-logger-later" => {
            let _logging = candor::init()?;
            let taken = env_logger::Builder::new().try_init();
            eprintln!("env_logger: {}", taken.is_ok());
            log::info!("of a library");
        }
        other => eprintln!("no program is called `{other}`"),
    }
    for event in transport.fetch_and_clear_events() {
        let exceptions: Vec<_> = event.exception.iter().filter_map(|it| it.value.clone()).collect();
        let message = event.message.unwrap_or_default();
        let crumbs: Vec<_> = event.breadcrumbs.iter().filter_map(|it| it.message.clone()).collect();
        eprintln!("sentry message={message:?} exceptions={exceptions:?} breadcrumbs={crumbs:?}");
    }
    Ok(())
}

/// candor's panic hook first, then Sentry's, which calls it.
fn beside_sentry(
    transport: &Arc<TestTransport>,
) -> Result<(Logging, sentry::ClientInitGuard), Failure> {
    let options = sentry_options(transport);
    let (layer, logging) = Config::from_env()?.build()?;
    logging.install_panic_hook();
    logging.install_log();
    let sentry = sentry::init(options);
    let subscriber =
        tracing_subscriber::registry().with(layer).with(sentry::integrations::tracing::layer());
    tracing::subscriber::set_global_default(subscriber)?;
    Ok((logging, sentry))
}

fn compose_with_sentry() -> Result<Logging, Failure> {
    let (layer, logging) = Config::from_env()?.build()?;
    let subscriber =
        tracing_subscriber::registry().with(layer).with(sentry::integrations::tracing::layer());
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(logging)
}

/// Options whose events are kept in the process.
fn sentry_options(transport: &Arc<TestTransport>) -> sentry::ClientOptions {
    sentry::ClientOptions::new()
        .dsn("https://public@sentry.invalid/1")
        .transport(Arc::clone(transport))
}

#[dependency_call("payments")]
fn charge() -> Result<(), std::io::Error> {
    Err(std::io::ErrorKind::TimedOut.into())
}

#[step_timed]
fn check_out() {
    let _ = charge();
    let token = "canary-beside";
    panic!("sold out, token={token}");
}

fn work() {
    let caught = catch_unwind(|| RequestContext::with_id("r-1").enter_with(check_out));
    assert!(caught.is_err());
}
