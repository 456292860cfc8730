//! Escaping, and the scrubbers of text, URLs, JSON and headers.

use candor::keys::is_sensitive;
use candor::scrub;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::{CANARY, Input, NAMES, assert_clean, assert_hidden};

/// Text under `clear` is logged unchanged, and forges no line or field.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn escape(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let json = candor::loggable::to_json(&candor::policy::clear(&*text));
    assert_clean(&json);
    let back: String = serde_json::from_str(&json).expect("a JSON string");
    // A long value is cut and marked as such.
    match back.rsplit_once("…(+") {
        Some((kept, _)) if text.len() > 4096 => assert!(text.starts_with(kept)),
        _ => assert_eq!(back, text),
    }
    let debug = format!("{:?}", candor::policy::clear(&*text));
    assert_clean(&debug);
}

/// A secret under a sensitive name, on its own line between random text.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn text(data: &[u8]) {
    const FORMS: [fn(&str, &str) -> String; 12] = [
        |name, value| format!("{name}={value}"),
        |name, value| format!("{name}: {value}"),
        |name, value| format!("{name} = \"{value}\""),
        |name, value| format!("\"{name}\":\"a {value} b\""),
        |name, value| format!("\"{name}\": [1, \"{value}\"]"),
        |name, value| format!("{{\\\"{name}\\\":\\\"{value}\\\"}}"),
        |name, value| format!("{name}: Some(\"{value}\")"),
        |name, value| format!("https://h/p?a=1&{name}={value}&b=2"),
        |name, value| format!("{name}%3D{value}%26z%3D1"),
        |name, value| format!("<{name}>{value}</{name}>"),
        |_, value| format!("https://u:{value}@h/"),
        |_, value| format!("Password(\"{value}\")"),
    ];
    let mut input = Input(data);
    let form = *input.pick(&FORMS);
    let name = input.pick(&NAMES);
    let secret = form(name, CANARY);
    let around = input.noise(200);
    let given = format!("{around}\n{secret}\n{}", input.noise(200));
    assert_hidden(&scrub::text(&given), &given);
    let lossy = String::from_utf8_lossy(data);
    let shown = scrub::text(&lossy);
    // The scrubber adds nothing.
    let mut rest = &*lossy;
    for kept in shown.split("[REDACTED]") {
        let kept = kept.trim_matches(['"', '\\', '\'', '`']);
        let at = rest.find(kept);
        assert!(at.is_some(), "{kept:?} of {shown:?} is not in {lossy:?}");
        rest = &rest[at.unwrap_or_default() + kept.len()..];
    }
}

/// A URL with a secret in each component that can hold one.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn url(data: &[u8]) {
    let mut input = Input(data);
    let part = |input: &mut Input<'_>| -> String {
        let noise = input.noise(24);
        noise
            .bytes()
            .map(|byte| if byte.is_ascii_lowercase() { char::from(byte) } else { '-' })
            .collect()
    };
    let (user, host, path) = (part(&mut input), format!("h{}", part(&mut input)), part(&mut input));
    let name = input.pick(&NAMES);
    let given = format!(
        "https://{user}:{CANARY}@{host}/{path}?{name}={CANARY}&next=%2Fa%3F{name}%3D{CANARY}#{name}={CANARY}"
    );
    let shown = scrub::url(&given);
    assert_hidden(&shown, &given);
    assert!(shown.starts_with(&format!("https://{host}/")), "{shown} of {given}");
    let shown = scrub::url_with_query(&given);
    assert_hidden(&shown, &given);
    assert!(shown.contains(&format!("?{name}=[REDACTED]&next=")), "{shown} of {given}");

    let lossy = String::from_utf8_lossy(data);
    let shown = scrub::url(&lossy);
    assert!(
        !shown.contains(['?', '#']) && !shown.contains(char::is_control),
        "{shown:?} of {lossy:?}"
    );
    // `pass://a` is shown as `pass:[REDACTED]`: it has no scheme any more.
    let authority = match shown.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(':') => rest.split('/').next().unwrap_or(""),
        _ => "",
    };
    // A relative reference has no scheme, and `://` in it belongs to its path.
    let relative = shown.starts_with(['/', '.']);
    assert!(relative || !authority.contains('@'), "{shown:?} of {lossy:?}");
    let _ = scrub::url_with_query(&lossy);
}

/// JSON made of the input stays valid and keeps its structure, without values under sensitive names.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn json(data: &[u8]) {
    let mut input = Input(data);
    let given = value(&mut input, 5);
    check_json(&given);
    if let Ok(given) = serde_json::from_slice::<Value>(data) {
        check_json(&given);
    }
}

fn value(input: &mut Input<'_>, depth: usize) -> Value {
    let kind = input.byte() % if depth == 0 { 5 } else { 8 };
    match kind {
        0 => json!(input.byte()),
        1 => json!(input.byte().is_multiple_of(2)),
        2 => Value::Null,
        3 => json!(input.noise(12)),
        4 => json!(json!({ *input.pick(&NAMES): CANARY, "n": input.byte() }).to_string()),
        5 => (0..input.byte() % 4).map(|_| value(input, depth - 1)).collect(),
        _ => (0..input.byte() % 4)
            .map(|_| match input.byte() % 3 {
                0 => ((*input.pick(&NAMES)).to_owned(), json!([CANARY, { "x": CANARY }, 7])),
                1 => ("pair".to_owned(), json!({ "name": *input.pick(&NAMES), "value": CANARY })),
                _ => (input.noise(8), value(input, depth - 1)),
            })
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn check_json(given: &Value) {
    let text = scrub::json(given).to_string();
    assert_clean(&text);
    if !given.to_string().contains("Zq7xKw") || given.to_string().contains(CANARY) {
        assert_hidden(&text, &given.to_string());
    }
    let shown: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
    same_form(given, &shown);
}

/// Keys that hold the name in a name-value pair, such as `{"k":"api_key","val":[1]}`.
#[rustfmt::skip]
const PAIR_NAMES: [&str; 15] = [
    "name", "key", "field", "header", "param", "parameter", "label", "property", "attribute", "variable", "setting",
    "option", "path", "k", "n",
];

/// The naive rule, by recursion: values under a sensitive key are hidden, and values other than strings under
/// other keys are unchanged.
fn same_form(given: &Value, shown: &Value) {
    match (given, shown) {
        (Value::Object(given), Value::Object(shown)) => {
            assert_eq!(given.len(), shown.len(), "{given:?} became {shown:?}");
            let pair = given.iter().any(|(key, value)| {
                PAIR_NAMES.iter().any(|name| key.eq_ignore_ascii_case(name))
                    && value.as_str().is_some_and(is_sensitive)
            });
            for (key, given) in given {
                // A key that contains a secret is itself replaced.
                let Some(shown) = shown.get(key) else {
                    assert_ne!(scrub::text(key), *key, "{key:?} is missing in {shown:?}");
                    continue;
                };
                if is_sensitive(key) {
                    assert_eq!(shown, "[REDACTED]", "under {key:?}");
                } else if !pair {
                    same_form(given, shown);
                }
            }
        }
        (Value::Array(given), Value::Array(shown)) => {
            assert_eq!(given.len(), shown.len());
            given.iter().zip(shown).for_each(|(given, shown)| same_form(given, shown));
        }
        (Value::String(_), Value::String(_)) => {}
        // The number can be a card number.
        (Value::Number(_), Value::String(shown)) if shown == "[REDACTED]" => {}
        // The parser may round a number otherwise at the second time.
        (Value::Number(given), Value::Number(shown)) if given.is_f64() => {
            let (given, shown) = (given.as_f64().unwrap_or(0.0), shown.as_f64().unwrap_or(0.0));
            assert!((given - shown).abs() <= given.abs() * 1e-12, "{given} became {shown}");
        }
        (_, Value::String(shown)) if shown == "[…]" => {}
        _ => assert_eq!(given, shown),
    }
}

/// Headers made of the input, one of them with a secret.
///
/// # Panics
///
/// Panics if a guarantee is violated.
pub fn headers(data: &[u8]) {
    let mut input = Input(data);
    let mut map = HeaderMap::new();
    while !input.0.is_empty() && map.len() < 16 {
        let name: Vec<u8> = input.noise(8).into_bytes();
        let value: Vec<u8> = input.noise(24).into_bytes();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&name), HeaderValue::from_bytes(&value))
        {
            map.append(name, value);
        }
    }
    let given: Vec<String> = map.keys().map(ToString::to_string).collect();
    for name in ["authorization", "set-cookie", "x-api-key", "x-stripe-signature", "x-session"] {
        map.append(name, HeaderValue::from_static(CANARY));
    }
    let text = scrub::headers(&map).to_string();
    assert_clean(&text);
    assert_hidden(&text, &format!("{map:?}"));
    let shown: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
    for name in given {
        // A name with a secret is not shown.
        assert!(
            shown.get(&name).is_some() || scrub::text(&name) != name,
            "{name} is missing in {shown}"
        );
    }
}
