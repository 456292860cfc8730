//! The encoder: the JSON and the `Debug` notation of values that are written by hand.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use candor::Config;
use candor::loggable::{Element, Encoder, Loggable, to_json};
use candor::policy::{clear, email, mask};
use candor::testing::{capture, capture_with};

/// A value that is written by a function.
struct By<F>(F);

impl<F: Fn(&mut Encoder<'_>)> Loggable for By<F> {
    fn log(&self, to: &mut Encoder<'_>) {
        (self.0)(to);
    }
}

impl<F: Fn(&mut Encoder<'_>)> Element for By<F> {}

fn by<F: Fn(&mut Encoder<'_>)>(write: F) -> By<F> {
    By(write)
}

/// The `Debug` that `#[redact]` implements.
struct Debugged<'a, T>(&'a T);

impl<T: Loggable> fmt::Debug for Debugged<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        candor::__private::debug(self.0, None, f)
    }
}

fn debug<T: Loggable>(value: &T) -> String {
    format!("{:?}", Debugged(value))
}

fn pretty<T: Loggable>(value: &T) -> String {
    format!("{:#?}", Debugged(value))
}

#[test]
fn numbers_stay_numbers() {
    assert_eq!(to_json(&(1.0, 0.1_f32, -0.0, 1e21)), "[1.0,0.1,-0.0,1e+21]");
    assert_eq!(to_json(&(f64::NAN, f32::INFINITY, f64::NEG_INFINITY)), r#"["NaN","inf","-inf"]"#);
    assert_eq!(to_json(&(u64::MAX, i64::MIN)), "[18446744073709551615,-9223372036854775808]");
    assert_eq!(to_json(&(1_u128, u128::MAX)), r#"[1,"340282366920938463463374607431768211455"]"#);
    for value in [f64::MAX, f64::MIN_POSITIVE, 1e16, 1e-7, 123_456_789.125] {
        assert_eq!(to_json(&value).parse(), Ok(value));
        assert!(serde_json::from_str::<f64>(&to_json(&value)).is_ok());
    }
}

#[test]
fn a_value_is_written_once() {
    assert_eq!(to_json(&by(|_| ())), "null");
    assert_eq!(debug(&by(|_| ())), "None");
    let twice = by(|to| {
        to.u64(1);
        to.text("two");
        to.list(|list| list.item(&3));
        to.variant("Four", |to| to.u64(4));
        to.newtype("Five", &5);
        to.null();
    });
    assert_eq!(to_json(&twice), "1");
    assert_eq!(to_json(&[&twice, &twice]), "[1,1]");
    assert_eq!(debug(&twice), "1");
}

#[test]
fn times_are_text_and_numbers() {
    let time = UNIX_EPOCH + Duration::from_millis(1_500);
    assert_eq!(to_json(&time), r#""1970-01-01T00:00:01.500000Z""#);
    assert_eq!(debug(&Some(time)), r#""1970-01-01T00:00:01.500000Z""#);
    assert_eq!(to_json(&Duration::from_nanos(1_234_567)), "1.235");
}

#[test]
fn empty_groups() {
    let object = by(|to| to.object("Empty", |_| ()));
    let tuple = by(|to| to.tuple("Empty", |_| ()));
    assert_eq!([to_json(&object), debug(&object), pretty(&object)], ["{}", "Empty", "Empty"]);
    assert_eq!([to_json(&tuple), debug(&tuple), pretty(&tuple)], ["[]", "Empty", "Empty"]);
    let list: Vec<u32> = Vec::new();
    assert_eq!([to_json(&list), debug(&list), pretty(&list)], ["[]", "[]", "[]"]);
    let map: BTreeMap<u32, u32> = BTreeMap::new();
    assert_eq!([to_json(&map), debug(&map), pretty(&map)], ["{}", "{}", "{}"]);
    let variant = by(|to| to.variant("Empty", |_| ()));
    assert_eq!([to_json(&variant), debug(&variant)], [r#"{"Empty":null}"#, "Empty"]);
}

#[test]
fn variants() {
    let newtype = by(|to| to.variant("A", |to| to.newtype("A", &1)));
    assert_eq!([to_json(&newtype), debug(&newtype)], [r#"{"A":1}"#, "A(1)"]);
    let object = by(|to| to.variant("B", |to| to.object("B", |b| b.field("x", &1))));
    assert_eq!([to_json(&object), debug(&object)], [r#"{"B":{"x":1}}"#, "B { x: 1 }"]);
    assert_eq!(pretty(&vec![&object]), "[\n    B {\n        x: 1,\n    },\n]");
}

#[test]
fn keys_are_text_and_appear_once() {
    let map = BTreeMap::from([(1, 2), (3, 4)]);
    assert_eq!(to_json(&map), r#"{"1":2,"3":4}"#);
    assert_eq!(debug(&map), r#"{"1": 2, "3": 4}"#);
    let pairs = BTreeMap::from([((1, true), 2)]);
    assert_eq!(to_json(&pairs), r#"{"[1,true]":2}"#);
    let units = BTreeMap::from([(Ordering::Less, 1)]);
    assert_eq!(to_json(&units), r#"{"Less":1}"#);
    let nested = by(|to| to.map(|map| map.entry(&[Ordering::Less], &1)));
    assert_eq!(to_json(&nested), r#"{"[\"Less\"]":1}"#);
    let same = by(|to| {
        to.map(|map| {
            map.entry(&clear("a"), &1);
            map.entry(&clear("a"), &2);
            map.entry(&clear("password"), &3);
        });
    });
    assert_eq!(to_json(&same), r#"{"a":1,"a_2":2,"password":"[REDACTED]"}"#);
    let texts = HashMap::from([("k\"", "v\n")]);
    assert_eq!(to_json(&clear(&texts)), r#"{"k\"":"v\n"}"#);
}

#[test]
fn a_value_that_fails_to_format_is_unprintable() {
    struct Fails;
    impl fmt::Display for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let value = by(|to| to.display(&Fails));
    assert_eq!(to_json(&(1, &value, 2)), r#"[1,"<unprintable>",2]"#);
}

#[test]
fn text_is_cut_at_a_character() {
    let captured = capture_with(Config::new().value_limit(3)).expect("a configuration");
    candor::info!(text = clear("aéé"), "cut");
    assert_eq!(captured.line("cut").text("text"), "aé…(+2 bytes)");
    let captured = capture_with(Config::new().value_limit(8)).expect("a configuration");
    candor::info!(card = mask("4111111111111111").last(5), "cut");
    assert_eq!(captured.line("cut").text("card"), "****1111…(+1 bytes)");
}

#[test]
fn debug_of_a_loggable_value_is_json_only_if_candor_requests_it() {
    #[derive(Debug)]
    struct Wrapper<T>(T);

    let value = by(|to| to.object("Order", |order| order.field("id", &1)));
    let order = Debugged(&value);
    assert_eq!(format!("{order:?}"), "Order { id: 1 }");
    let captured = capture();
    tracing::info!(?order, wrapped = ?Wrapper(Debugged(&value)), "seen");
    let line = captured.line("seen");
    assert_eq!(line.get("order"), Some(&serde_json::json!({"id": 1})));
    assert_eq!(line.text("wrapped"), "Wrapper(Order { id: 1 })");
}

/// Numbers of up to three decimals take a fast path.
#[test]
fn numbers_are_written_as_serde_json_writes_them() {
    let mut numbers = vec![
        0.0,
        -0.0,
        0.001,
        -0.001,
        0.0005,
        0.3,
        0.1 + 0.2,
        4.35,
        1.005,
        2.675,
        129.95,
        1.0,
        -1.5,
        1234.5678,
        1e-7,
        5e-324,
        999_999_999_999.999,
        1e12,
        1e12 + 0.5,
        1e15,
        1e16,
        1e21,
        f64::MAX,
        f64::MIN_POSITIVE,
    ];
    let mut random = 88_172_645_463_325_252_u64;
    for round in 0..candor_tests::rounds(200_000) as u32 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        #[expect(clippy::cast_precision_loss, reason = "any number will do")]
        numbers.push(match round % 3 {
            0 => (random % 1_000_000_000_000_000) as f64 / 1000.0,
            1 => (random % 10_000_000) as f64 / -100.0,
            _ => f64::from_bits(random),
        });
    }
    for number in numbers.into_iter().filter(|number| number.is_finite()) {
        assert_eq!(to_json(&number), serde_json::to_string(&number).unwrap());
    }
}

#[test]
fn both_paths_show_an_address_alike() {
    for (address, shown) in [
        ("ada@example.com", "a***@example.com"),
        ("a+b@mail.example.co.uk", "a***@mail.example.co.uk"),
        ("a@b@c.de", "a***@c.de"),
        (" ada@example.com\n", "a***@example.com"),
        ("\"ada\"@example.com", "\\\"***@example.com"),
        ("\u{e9}va@ex\u{e4}mple.com", "\u{e9}***@ex\u{e4}mple.com"),
        ("a@example", "[REDACTED]"),
        ("@example.com", "[REDACTED]"),
        ("a@.example.com", "[REDACTED]"),
        ("a@example..com", "[REDACTED]"),
        ("a@example.com.", "[REDACTED]"),
        ("a@exa mple.com", "[REDACTED]"),
        ("a.example.com", "[REDACTED]"),
        ("", "[REDACTED]"),
    ] {
        assert_eq!(to_json(&email(address)), format!("\"{shown}\""), "{address:?}");
    }
}

#[test]
fn every_unsafe_character_at_every_position_is_escaped() {
    let characters = ('\0'..='\u{2ff}').chain(['\u{2028}', '\u{202e}', '\u{feff}', 'é', '😀']);
    for c in characters {
        for before in 0..9 {
            let text = format!("{}{c}{}", "a".repeat(before), "b".repeat(9));
            let json = to_json(&clear(&text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
            let is_unsafe = |c: char| {
                c.is_control() || matches!(c, '\u{61c}' | '\u{2028}' | '\u{202e}' | '\u{feff}')
            };
            assert!(!json.contains(is_unsafe), "{json:?}");
        }
    }
}
