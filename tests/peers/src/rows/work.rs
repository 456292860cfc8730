//! The content of every line: one step and one event of the same request.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const REQUEST_ID: &str = "0195f3a2-7c1e-7a40-9d52-3f6b8e21c704";
pub(super) const USER_ID: &str = "u-1042";
pub(super) const METHOD: &str = "POST";
pub(super) const PATH: &str = "/v1/orders/checkout";

/// The work that is timed. It is the body of functions that are never inlined, so that the annotated
/// one and the bare one are one call each.
#[inline]
pub(super) fn charge(order_id: u64) -> u64 {
    black_box(order_id)
}

/// Eight fields, two of them text that may be shown, three that may not; and the same for each way to
/// write it.
macro_rules! payment {
    ($(#[$of:meta])* $name:ident, $shown:meta, $card:meta, $email:meta, $password:meta, $make:ident) => {
        $(#[$of])*
        pub(super) struct $name {
            pub(super) order_id: u64,
            pub(super) items: u32,
            pub(super) express: bool,
            pub(super) amount: f64,
            #[$shown]
            pub(super) currency: String,
            #[$card]
            pub(super) card: String,
            #[$email]
            pub(super) email: String,
            #[allow(dead_code, reason = "a secret is not even read")]
            #[$password]
            pub(super) password: String,
        }

        pub(super) fn $make() -> $name {
            $name {
                order_id: 1042,
                items: 3,
                express: true,
                amount: 129.95,
                currency: "EUR".to_owned(),
                card: "4242424242424242".to_owned(),
                email: "ada.lovelace@example.com".to_owned(),
                password: "correct horse battery staple".to_owned(),
            }
        }
    };
}

payment!(
    #[candor::redact]
    Payment,
    redact(clear),
    redact(mask(last = 4)),
    redact(email),
    redact(secret),
    payment
);
// veil has no policy for a mail address; its partial one shows the ends.
payment!(
    #[derive(veil::Redact)]
    Veiled,
    doc = "Shown.",
    redact(partial),
    redact(partial),
    redact(fixed = 3),
    veiled
);
payment!(
    #[derive(Clone, Debug, serde::Serialize)]
    Raw,
    doc = "Shown.",
    doc = "A secret.",
    doc = "A secret.",
    doc = "A secret.",
    raw
);

/// A struct around it.
#[candor::redact]
pub(super) struct Order {
    customer: u64,
    payment: Payment,
}

/// The same with veil.
#[derive(Debug)]
pub(super) struct VeiledOrder {
    #[allow(dead_code, reason = "its Debug reads it")]
    customer: u64,
    #[allow(dead_code, reason = "its Debug reads it")]
    payment: Veiled,
}

pub(super) fn order() -> Order {
    Order { customer: 41, payment: payment() }
}

pub(super) fn veiled_order() -> VeiledOrder {
    VeiledOrder { customer: 41, payment: veiled() }
}

/// The counters of a hand-written line, for libraries that have only spans or
/// neither.
#[derive(Debug)]
pub(super) struct HandKept {
    began: Instant,
    lines: AtomicU64,
    steps: AtomicU64,
}

impl HandKept {
    pub(super) fn new() -> Self {
        HandKept { began: Instant::now(), lines: AtomicU64::new(0), steps: AtomicU64::new(0) }
    }

    pub(super) fn next_line(&self) -> u64 {
        self.lines.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn next_step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn offset_ms(&self, at: Instant) -> f64 {
        millis(at.duration_since(self.began))
    }
}

/// Milliseconds with three decimals.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
