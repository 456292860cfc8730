//! The policies as attributes and as functions, which have the same names and results.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::marker::PhantomData;
use std::path::PathBuf;

use candor::loggable::to_json;
use candor::policy::{clear, email, mask, scrub, secret, shape, url};
use candor::{Loggable, redact};
use serde_json::json;

#[test]
fn a_shape_is_kind_and_size_class() {
    for (length, shown) in [
        (0, "<text 0>"),
        (1, "<text 1>"),
        (2, "<text 2>"),
        (3, "<text 3-4>"),
        (4, "<text 3-4>"),
        (5, "<text 5-8>"),
        (16, "<text 9-16>"),
        (17, "<text 17-32>"),
        (32, "<text 17-32>"),
        (33, "<text 33-64>"),
        (4097, "<text 4097-8192>"),
    ] {
        assert_eq!(to_json(&shape(&"é".repeat(length))), format!("\"{shown}\""));
    }
    assert_eq!(to_json(&shape(&[1; 5])), r#""<list 5-8>""#);
    assert_eq!(to_json(&shape(&vec![0_u8; 20])), r#""<list 17-32>""#);
    assert_eq!(to_json(&shape(&HashMap::from([("ada@example.com", 1)]))), r#""<map 1>""#);
    assert_eq!(to_json(&shape(&4711)), r#""<number>""#);
    assert_eq!(to_json(&shape(&true)), r#""<bool>""#);
    assert_eq!(to_json(&shape(&None::<String>)), "null");
    assert_eq!(to_json(&shape(&Some(Box::new("abc")))), r#""<text 3-4>""#);
    assert_eq!(
        to_json(&shape(&std::net::IpAddr::from([10, 0, 0, 1]))),
        r#""<address>""#,
        "an address has one of two lengths"
    );
    assert_eq!(to_json(&shape(&bytes::Bytes::from_static(b"abc"))), r#""<bytes 3-4>""#);
}

#[test]
fn the_shape_of_an_object_has_its_keys() {
    let body = json!({
        "items": [{"sku": "tea"}, {"sku": "tin"}],
        "customer": {"email": "ada@example.com", "age": 36, "vip": true, "note": null},
    });
    let expected = json!({
        "items": "<list 2>",
        "customer": {"email": "<text 9-16>", "age": "<number>", "vip": "<bool>", "note": null},
    });
    assert_eq!(to_json(&shape(&body)), expected.to_string());

    #[redact]
    struct Customer {
        id: u64,
        #[redact(clear)]
        city: String,
        password: String,
        #[redact(secret)]
        #[expect(dead_code, reason = "hidden")]
        street: String,
    }
    let (password, street) = ("hunter2".into(), "1 Main Street".into());
    let customer = Customer { id: 7, city: "London".into(), password, street };
    assert_eq!(
        to_json(&shape(&customer)),
        r#"{"city":"<text 5-8>","id":"<number>","password":"[REDACTED]","street":"[REDACTED]"}"#,
        "what is hidden has no shape"
    );
    assert_eq!(to_json(&shape(&vec![customer])), r#""<list 1>""#);
}

#[redact(default = shape)]
struct Form {
    id: u64,
    name: String,
    tags: Vec<String>,
    body: serde_json::Value,
    password: String,
    #[redact(shape)]
    count: u64,
    #[redact(clear)]
    city: String,
}

#[test]
fn a_type_level_default_can_be_a_shape() {
    let form = Form {
        id: 7,
        name: "Ada Lovelace".into(),
        tags: vec!["a".into()],
        body: json!({"x": "y"}),
        password: "x".into(),
        count: 3,
        city: "London".into(),
    };
    let expected = concat!(
        r#"{"id":7,"name":"<text 9-16>","tags":"<list 1>","body":{"x":"<text 1>"},"#,
        r#""password":"[REDACTED]","count":"<number>","city":"London"}"#
    );
    assert_eq!(to_json(&form), expected);
}

#[redact]
struct Held<'a> {
    #[redact(mask(last = 4))]
    option: Option<&'a str>,
    #[redact(mask(last = 4))]
    list: Vec<String>,
    #[redact(email)]
    boxed: Box<str>,
    #[redact(url)]
    map: BTreeMap<String, String>,
    #[redact(scrub)]
    deque: VecDeque<Option<String>>,
    #[redact(clear)]
    path: PathBuf,
    #[redact(clear)]
    pair: (String, u8),
    #[redact(shape)]
    nested: Option<Vec<Secretive>>,
}

struct Secretive;

#[test]
fn a_policy_applies_inside_containers_of_text() {
    let held = Held {
        option: Some("4111111111111111"),
        list: vec!["4111111111111111".into(), "short".into()],
        boxed: "ada@example.com".into(),
        map: BTreeMap::from([("home".into(), "https://u:p@example.com/a?b=c".into())]),
        deque: VecDeque::from([Some("password=hunter2".into()), None]),
        path: "/srv/data".into(),
        pair: ("left".into(), 1),
        nested: Some(vec![Secretive, Secretive]),
    };
    let expected = json!({
        "option": "****1111",
        "list": ["****1111", "[REDACTED]"],
        "boxed": "a***@example.com",
        "map": {"home": "https://example.com/a"},
        "deque": ["password=[REDACTED]", null],
        "path": "/srv/data",
        "pair": ["left", 1],
        "nested": "<list 2>",
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&to_json(&held)).unwrap(), expected);
}

/// A policy applied to each character would reveal the text.
#[test]
fn a_list_of_chars_or_bytes_is_one_text() {
    let letters: Vec<char> = "password=hunter2".chars().collect();
    let bytes = b"password=hunter2";
    assert_eq!(to_json(&scrub(&letters)), r#""password=[REDACTED]""#);
    assert_eq!(to_json(&scrub(bytes)), r#""password=[REDACTED]""#);
    assert_eq!(to_json(&mask(&letters).last(4)), r#""****ter2""#);
    assert_eq!(to_json(&email(b"ada@example.com")), r#""a***@example.com""#);
    assert_eq!(to_json(&url(b"https://u:p@example.com/")), r#""https://example.com/""#);
    assert_eq!(to_json(&scrub(&BTreeSet::from(['b', 'a']))), r#""ab""#);
    assert_eq!(to_json(&clear(b"ab")), "[97,98]", "who shows it shows it");
}

#[test]
fn a_partial_policy_also_applies_to_map_keys() {
    let by_address = BTreeMap::from([("ada@example.com", "bob@example.com")]);
    assert_eq!(to_json(&email(&by_address)), r#"{"a***@example.com":"b***@example.com"}"#);
    let named = BTreeMap::from([("password", "0123456789")]);
    assert_eq!(to_json(&mask(&named).last(2)), r#"{"****rd":"[REDACTED]"}"#);
}

#[test]
fn a_json_value_is_shown_under_its_policy() {
    let body = json!({"id": 7, "note": "token=abc", "password": "hunter2", "list": [1.5, "x"]});
    assert_eq!(
        to_json(&scrub(&body)),
        r#"{"id":7,"list":[1.5,"x"],"note":"token=[REDACTED]","password":"[REDACTED]"}"#
    );
    assert_eq!(
        to_json(&clear(&body)),
        r#"{"id":7,"list":[1.5,"x"],"note":"token=abc","password":"[REDACTED]"}"#,
        "a sensitive key hides what is under it"
    );
    assert_eq!(to_json(&mask(&body).last(4)), r#""[REDACTED]""#);
    assert_eq!(to_json(&mask(&json!("4111111111111111")).last(4)), r#""****1111""#);
}

#[redact]
struct Wired {
    #[redact(with = candor::scrub::json)]
    body: serde_json::Value,
    #[redact(with = candor::scrub::headers)]
    headers: http::HeaderMap,
    #[redact(url)]
    callback: url::Url,
    #[redact(url)]
    target: http::Uri,
    #[redact(scrub)]
    accept: http::HeaderValue,
    #[redact(shape)]
    raw: bytes::Bytes,
    status: http::StatusCode,
    method: http::Method,
    version: http::Version,
}

#[test]
fn urls_need_a_policy() {
    struct Is<T>(PhantomData<T>);
    impl<T: Loggable> Is<T> {
        const LOGGABLE: bool = true;
    }
    trait Otherwise {
        const LOGGABLE: bool = false;
    }
    impl<T> Otherwise for Is<T> {}

    const { assert!(Is::<u32>::LOGGABLE) };
    const { assert!(!Is::<url::Url>::LOGGABLE && !Is::<http::Uri>::LOGGABLE) };
}

#[test]
fn http_types_support_the_matching_policies() {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "Bearer abc".parse().unwrap());
    headers.insert("accept", "text/html".parse().unwrap());
    let mut accept: http::HeaderValue = "text/html".parse().unwrap();
    accept.set_sensitive(true);
    let wired = Wired {
        body: json!({"pin": 1234, "id": 1}),
        headers,
        callback: "https://u:p@example.com/done?token=t".parse().unwrap(),
        target: "/a?token=t".parse().unwrap(),
        accept,
        raw: bytes::Bytes::from_static(b"12345"),
        status: http::StatusCode::NOT_FOUND,
        method: http::Method::from_bytes(b"SECRET4711").unwrap(),
        version: http::Version::HTTP_11,
    };
    let expected = json!({
        "body": {"pin": "[REDACTED]", "id": 1},
        "headers": {"authorization": "[REDACTED]", "accept": "text/html"},
        "callback": "https://example.com/done",
        "target": "/a",
        "accept": "[REDACTED]",
        "raw": "<bytes 5-8>",
        "status": 404,
        "method": "_OTHER",
        "version": "HTTP/1.1",
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&to_json(&wired)).unwrap(), expected);
}

#[test]
fn a_secrecy_box_is_hidden_under_every_policy() {
    let password: secrecy::SecretString = "correct horse".into();
    for shown in [
        &password as &dyn Loggable,
        &clear(&password),
        &scrub(&password),
        &mask(&password).last(4),
        &shape(&password),
        &vec![&password],
    ] {
        let json = to_json(shown);
        assert!(json.contains("[REDACTED]") && !json.contains("horse"), "{json}");
    }
}

#[test]
fn a_secret_hides_its_kind_and_size() {
    struct Opaque;
    assert_eq!(to_json(&secret(&Opaque)), r#""[REDACTED]""#);
    assert_eq!(to_json(&secret(&vec![1])), r#""[REDACTED]""#);
}

mod in_fields_and_events {
    use candor::step_timed;
    use candor::testing::capture;

    use super::*;

    #[expect(clippy::ptr_arg, reason = "`ret` is a `String`")]
    fn length(text: &String) -> usize {
        text.len()
    }

    #[step_timed(fields(body = shape(body), first = length(body)), ret = with = length)]
    fn upper(body: &String) -> String {
        body.to_uppercase()
    }

    #[step_timed(ret = shape)]
    fn list() -> Vec<Secretive> {
        vec![Secretive]
    }

    #[test]
    fn policies_in_fields_and_events_are_the_same() {
        let captured = capture();
        upper(&"abcde".to_owned());
        let line = captured.step("upper");
        assert_eq!(line.text("body"), "<text 5-8>");
        assert_eq!((line.integer("first"), line.integer("ret")), (5, 5));
        list();
        assert_eq!(captured.step("list").text("ret"), "<list 1>");
    }

    /// Regression test: only the outermost policy call was resolved without an import.
    #[test]
    fn a_policy_inside_some_needs_no_import() {
        mod elsewhere {
            #[candor::step_timed(fields(first = Some(clear(text)), both = (clear(text), mask(text).last(4))))]
            pub(super) fn step(text: &str) {
                candor::info!(some = Some(clear(&text)), list = [clear(&text)], "seen");
            }
        }
        let captured = capture();
        elsewhere::step("0123456789abcdef");
        let line = captured.step("step");
        assert_eq!(line.text("first"), "0123456789abcdef");
        assert_eq!(line.get("both"), Some(&json!(["0123456789abcdef", "****cdef"])));
        let line = captured.line("seen");
        assert_eq!(line.get("list"), Some(&json!(["0123456789abcdef"])));
    }
}
