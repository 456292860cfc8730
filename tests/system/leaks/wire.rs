//! The cases of the leak suite and of the corpus, on the bytes that OTLP export sends.

use candor::testing::{assert_no_leak, capture_with};
use candor::{Config, Otlp, OtlpProtocol};
use candor_tests::sampled;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Case, http_layer, inputs, names, types};
use crate::otlp::collector::Collector;

/// Everything that an export of these lines sends, as text.
fn sent(protocol: OtlpProtocol, original: bool, write: impl Fn()) -> String {
    let collector = Collector::start();
    let otlp = Otlp::new(collector.endpoint()).protocol(protocol).original(original);
    let config = Config::new().level("trace").expect("a level").otlp(otlp);
    let captured = capture_with(config).expect("a configuration");
    write();
    drop(captured);
    let received = collector.received();
    assert!(!received.logs.is_empty(), "nothing was sent");
    received.bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned() + "\n").collect()
}

fn leaks(text: &str, canary: &str) -> Option<String> {
    let found = catch_unwind(AssertUnwindSafe(|| assert_no_leak!(*text, canary)));
    found.err().map(|panic| *panic.downcast::<String>().expect("a message"))
}

/// The cases of the lines. They are sampled, since an export takes its text from the line that it sends.
fn cases() -> Vec<Case> {
    let all: Vec<Case> = [inputs::cases(), names::cases(), types::cases(), http_layer::cases()]
        .into_iter()
        .flatten()
        .collect();
    assert!(all.len() >= 500, "{} cases", all.len());
    sampled(all, 3)
}

#[test]
fn nothing_leaks_into_the_requests_of_an_export() {
    let cases = cases();
    for (at, case) in cases.iter().enumerate() {
        let protocol = if at % 3 == 0 { OtlpProtocol::Json } else { OtlpProtocol::Protobuf };
        let text = sent(protocol, at % 2 == 0, || (case.write)(false));
        let leak = leaks(&text, &case.canary);
        assert!(leak.is_none(), "{}: {leak:?}", case.name);
    }
}

/// The test above can fail.
#[test]
fn the_requests_of_an_export_leak_if_redaction_is_off() {
    let cases = cases();
    let leaking = cases.iter().filter(|case| {
        candor::__private::without_redaction(|| {
            let text = sent(OtlpProtocol::Protobuf, false, || (case.write)(true));
            leaks(&text, &case.canary).is_some_and(|leak| leak.starts_with("the canary leaked"))
        })
    });
    assert_eq!(leaking.count(), cases.len());
}

#[test]
fn no_secret_of_the_corpus_is_sent() {
    for case in sampled(crate::corpora::cases(crate::corpora::LEAKS), 3) {
        let text = sent(OtlpProtocol::Protobuf, false, || crate::corpora::log(&case));
        let text = [text.clone(), crate::corpora::readable(&text)];
        for secret in &case.secrets {
            let is_sent = text.iter().any(|text| text.contains(secret));
            assert!(!is_sent, "{secret:?} of {:?}", case.text);
        }
    }
}
