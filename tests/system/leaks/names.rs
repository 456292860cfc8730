//! Values under a sensitive name: fields, span fields, map keys and JSON keys.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{CANARY, Case, KEPT};

/// Names in the spellings of many codebases.
const NAMES: [&str; 20] = [
    "password",
    "dbPass",
    "DB_PASSWORD",
    "X-Stripe-Api-Key",
    "accessToken",
    "refresh_token",
    "client_secret",
    "session_id",
    "x_session",
    "my_sid",
    "cardNumber",
    "cvc2",
    "otp_code",
    "private_key",
    "pass%77ord",
    "p\u{430}ssword",
    "pass\u{200b}word",
    "\u{ff30}assword",
    "userCredentials",
    "seedPhrase",
];

/// One case per field name. The names are literals, since call sites are static.
macro_rules! fields {
    ($cases:ident: $($name:literal)*) => {$(
        $cases.push(Case::new(concat!("the field ", $name), CANARY, || {
            tracing::info!({ $name } = %CANARY, kept = KEPT, "a field");
            tracing::info!({ $name } = ?Some(CANARY), kept = KEPT, "a field");
            tracing::info!({ $name } = CANARY, kept = KEPT, "a field");
        }));
        $cases.push(Case::new(concat!("the span's field ", $name), CANARY, || {
            let span = tracing::info_span!("around", { $name } = CANARY, kept = KEPT);
            span.in_scope(|| tracing::info!("in"));
            span.record($name, CANARY);
            span.in_scope(|| tracing::info!("in"));
        }));
    )*};
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    fields! { cases:
        "password" "dbPass" "x-api-key" "user.token" "session_id" "x_session" "card_number" "pin"
        "p\u{430}ssword" "pass\u{200b}word" "pass%77ord"
    }
    for name in NAMES {
        let case = |what: &str, write: Box<dyn Fn()>| {
            Case::new(format!("{name:?} as {what}"), CANARY, write)
        };
        let map = BTreeMap::from([(name, CANARY), ("kept", KEPT)]);
        cases.push(case("the key of a map", Box::new(move || tracing::info!(?map, "a map"))));
        let body = json!({ name: { "deep": [CANARY, { "x": CANARY }] }, "kept": KEPT });
        let shown = body.clone();
        cases.push(case(
            "the key of JSON",
            Box::new(move || candor::info!(body = candor::scrub::json(&shown), "JSON")),
        ));
        let text = json!({ "raw": json!({ "inner": body.to_string() }).to_string() });
        cases.push(case(
            "the key of JSON in JSON in JSON",
            Box::new(move || candor::info!(body = candor::scrub::json(&text), "JSON")),
        ));
        let pair = json!([{ "name": name, "value": CANARY }, { "name": "kept", "value": KEPT }]);
        cases.push(case(
            "the name of a pair",
            Box::new(move || candor::info!(body = candor::scrub::json(&pair), "JSON")),
        ));
        let body = json!({ name: CANARY, "kept": KEPT });
        cases.push(case("the key of a raw value", Box::new(move || tracing::info!(%body, "JSON"))));
        if let Ok(header) = http::HeaderName::from_bytes(name.as_bytes()) {
            let mut map = HeaderMap::new();
            map.insert(header, HeaderValue::from_static(CANARY));
            map.insert("x-kept", HeaderValue::from_static(KEPT));
            cases.push(case(
                "a raw header",
                Box::new(move || tracing::info!(headers = ?map, "headers")),
            ));
        }
    }
    cases
}
