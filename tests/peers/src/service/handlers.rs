//! The same handlers four times: an order is reserved, priced and paid.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;

/// The lines of a request: three steps, a call and its completion.
pub(super) const LINES: usize = 5;
pub(super) const ANSWER: &str = "accepted 3750";

/// `$wrote` is called at each point where candor would have written a line.
macro_rules! handlers {
    ($module:ident, $wrote:path $(, step #[$step:meta], call #[$call:meta])?) => {
        pub(super) mod $module {
            use std::io;

            use axum::Router;
            use axum::routing::post;

            pub(in super::super) fn router() -> Router {
                Router::new().route("/orders", post(answer))
            }

            async fn answer() -> String {
                let total = place_order(1042).await;
                $wrote(3);
                let answer = format!("accepted {}", total.unwrap_or_default());
                $wrote(4);
                answer
            }

            $(#[$step])?
            async fn place_order(order_id: u64) -> io::Result<u64> {
                let items = reserve(order_id);
                $wrote(0);
                let total = price(items);
                $wrote(1);
                charge(total).await?;
                $wrote(2);
                Ok(total)
            }

            $(#[$step])?
            fn reserve(order_id: u64) -> u64 {
                std::hint::black_box(order_id) % 7 - 3
            }

            $(#[$step])?
            fn price(items: u64) -> u64 {
                std::hint::black_box(items) * 1250
            }

            $(#[$call])?
            async fn charge(total: u64) -> io::Result<()> {
                // The call to the payment service yields to the executor once.
                tokio::task::yield_now().await;
                if total == 0 { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
            }
        }
    };
}

handlers!(bare, super::nothing);
handlers!(by_hand, super::write);
handlers!(
    candor, super::nothing,
    step #[candor::step_timed],
    call #[candor::dependency_call("payments", method = "POST", url = "https://pay.example/v1/charges")]
);
handlers!(
    tower_http, super::nothing,
    step #[tracing::instrument(skip_all)],
    call #[tracing::instrument(
        skip_all, err, fields(dependency = "payments", method = "POST", url = "https://pay.example/v1/charges")
    )]
);

fn nothing(_: usize) {}

thread_local! {
    /// The file and the lines; the server has one thread.
    static BY_HAND: RefCell<Option<(File, Vec<Vec<u8>>)>> = const { RefCell::new(None) };
}

/// Makes the handlers of this thread write these lines.
pub(super) fn write_by_hand(file: File, lines: &[Vec<u8>]) {
    BY_HAND.set(Some((file, lines.to_vec())));
}

fn write(line: usize) {
    BY_HAND.with_borrow_mut(|by_hand| {
        if let Some((file, lines)) = by_hand {
            // Errors are ignored: a full disk would affect candor's figure too.
            let _ = file.write_all(&lines[line]);
        }
    });
}
