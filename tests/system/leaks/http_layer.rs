//! Text sent by callers (queries, paths, headers, ids), and URLs in the errors of HTTP clients.

use std::convert::Infallible;

use candor::http::RequestLayer;
use futures::executor::block_on;
use http::{HeaderName, HeaderValue, Request, Response};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use super::{CANARY, Case, KEPT};

fn send(request: Request<String>) {
    let service = ServiceBuilder::new()
        .layer(RequestLayer::new())
        .service(service_fn(|_| async { Ok::<_, Infallible>(Response::new(String::new())) }));
    block_on(service.oneshot(request)).expect("infallible");
}

/// Headers whose value is always secret.
const HEADERS: [&str; 24] = [
    "authorization",
    "Proxy-Authorization",
    "COOKIE",
    "set-cookie",
    "x-api-key",
    "X-Stripe-Api-Key",
    "x-auth-token",
    "x-amz-security-token",
    "x-vault-token",
    "x-csrf-token",
    "x-session",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "private-token",
    "dpop",
    "x-hub-signature-256",
    "stripe-signature",
    "x-slack-signature",
    "authentication-info",
    "x-forwarded-authorization",
    "x-shopify-access-token",
    "x-otp",
    "x-user-password",
    "x-acme-apikey",
];

/// Query parameters whose value is always secret.
const PARAMETERS: [&str; 14] = [
    "password",
    "token",
    "access_token",
    "api_key",
    "apikey",
    "pass%77ord",
    "p%D0%B0ssword",
    "pass%E2%80%8Bword",
    "sig",
    "X-Amz-Signature",
    "code",
    "state",
    "session_id",
    "%2570assword",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: String, request: Request<String>| {
        cases.push(Case::new(name, CANARY, move || send(request.clone())));
    };
    let get = |uri: String| {
        Request::get(uri).header("x-kept", KEPT).body(String::new()).expect("a request")
    };
    for name in HEADERS {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        let mut request = get("/".to_owned());
        request.headers_mut().append(&name, HeaderValue::from_static("a"));
        request.headers_mut().append(&name, HeaderValue::from_static(CANARY));
        case(format!("the second value of {name}"), request);
    }
    for (name, value) in [
        ("x-note", format!("Bearer {CANARY}")),
        ("x-note", format!("password={CANARY}")),
        ("referer", format!("https://a:{CANARY}@example.com/{KEPT}?token={CANARY}#{CANARY}")),
        ("referer", format!("{CANARY} {CANARY}")),
        ("origin", format!("https://{CANARY}@example.com")),
        ("link", format!("<https://example.com/?token={CANARY}>; rel=next")),
        ("location", format!("/{KEPT}?code={CANARY}")),
        ("sec-websocket-protocol", format!("bearer, {CANARY}")),
        ("sec-websocket-protocol", format!("Authorization, {CANARY}")),
        ("x-request-id", format!("password={CANARY}")),
        ("traceparent", format!("00-Bearer {CANARY}-01")),
        ("content-type", format!("text/plain; token={CANARY}")),
        ("user-agent", format!("curl; api_key={CANARY}")),
        ("x-original-url", format!("/a?access_token={CANARY}")),
        ("x-forwarded-uri", format!("https://u:{CANARY}@h/")),
        ("forwarded", format!("for=1; secret={CANARY}")),
    ] {
        let mut request = get("/".to_owned());
        let value = HeaderValue::from_str(&value).expect("a value");
        request.headers_mut().insert(name, value);
        case(format!("{name}: {:?}", request.headers()[name]), request);
    }
    let mut marked = HeaderValue::from_static(CANARY);
    marked.set_sensitive(true);
    let mut request = get("/".to_owned());
    request.headers_mut().insert("x-unknown", marked);
    case("a header that is marked".to_owned(), request);
    for name in PARAMETERS {
        case(
            format!("the parameter {name}"),
            get(format!("/a?kept={KEPT}&{name}={CANARY}&{name}={CANARY}")),
        );
    }
    for uri in [
        format!("/a?next=%2Fb%3Ftoken%3D{CANARY}"),
        format!("/a?next=https%3A%2F%2Fu%3A{CANARY}%40h%2F"),
        format!("/a?Bearer+{CANARY}"),
        format!("/a?q=%7B%22password%22%3A%22{CANARY}%22%7D"),
        format!("/a?q=password%253D{CANARY}"),
        format!("/reset-password/{CANARY}{CANARY}"),
        format!("/a/Bearer%20{CANARY}"),
        format!("/a/password={CANARY}"),
    ] {
        case(uri.clone(), get(uri));
    }
    cases
}
