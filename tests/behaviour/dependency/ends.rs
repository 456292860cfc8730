//! Calls that do not return, and slow ones.

use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

use candor::testing::capture;
use candor::{dependency, dependency_call};

use super::answer;

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
