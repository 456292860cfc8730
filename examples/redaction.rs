//! What each policy shows of a value: `cargo run --example redaction`.

use candor::loggable::to_json;
use candor::policy::{clear, email, mask, scrub, secret, url};
use candor::{Loggable, redact};

/// A row per policy as a field of a type.
#[redact]
struct Payment {
    amount_cents: u64,
    #[redact(clear)]
    currency: &'static str,
    #[redact(mask(last = 4))]
    card_number: &'static str,
    #[redact(mask(first = 2, last = 2))]
    iban: &'static str,
    #[redact(email)]
    receipt_to: &'static str,
    #[redact(url)]
    callback: &'static str,
    #[redact(scrub)]
    note: &'static str,
    #[redact(secret)]
    shipping_address: &'static str,
    #[redact(skip)]
    scan: &'static [u8],
    cvv: &'static str,
}

fn main() {
    let payment = Payment {
        amount_cents: 1250,
        currency: "EUR",
        card_number: "4242424242424242",
        iban: "DE89370400440532013000",
        receipt_to: "ada@example.com",
        callback: "https://user:pass@shop.example/done?token=t-1",
        note: "call me, my password=hunter2 as ever",
        shipping_address: "1 Main Street",
        scan: &[1, 2, 3],
        cvv: "737",
    };
    println!("{:<28} {:<46} the line shows", "policy", "value");
    row("number: by its type", "1250", &payment.amount_cents);
    row("clear", payment.currency, &clear(payment.currency));
    row("mask(last = 4)", payment.card_number, &mask(payment.card_number).last(4));
    row("mask(first = 2, last = 2)", payment.iban, &mask(payment.iban).first(2).last(2));
    row("mask of a short value", "12345", &mask("12345").last(4));
    row("email", payment.receipt_to, &email(payment.receipt_to));
    row("url", payment.callback, &url(payment.callback));
    row("scrub", payment.note, &scrub(payment.note));
    row("secret", payment.shipping_address, &secret(payment.shipping_address));
    row("cvv: by its name", payment.cvv, &secret(payment.cvv));
    println!("{:<28} {:<46} no field at all", "skip", format!("{:?}", payment.scan));
    println!("\nas JSON  {}", to_json(&payment));
    println!("as Debug {payment:?}");
}

fn row(policy: &str, value: &str, shown: &impl Loggable) {
    println!("{policy:<28} {value:<46} {}", to_json(shown));
}
