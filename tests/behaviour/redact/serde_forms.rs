//! The representations of serde: the log has the same ones, or avoids duplicate keys if it can't.

use std::collections::BTreeMap;

use candor::loggable::to_json;
use candor::redact;
use serde::Serialize;

/// Asserts that the logged JSON is that of serde.
macro_rules! agree {
    ($($value:expr),* $(,)?) => {$({
        let value = $value;
        assert_eq!(to_json(&value), serde_json::to_string(&value).unwrap());
    })*};
}

#[redact]
#[derive(Serialize)]
struct Address {
    zip: u32,
}

#[redact]
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Internal {
    Nothing,
    Named { x: u32 },
    Held(Address),
}

#[redact]
#[derive(Serialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Nothing,
    Named { x: u32 },
    One(u32),
    Two(u32, bool),
    Held(Address),
}

#[redact]
#[derive(Serialize)]
#[serde(untagged)]
enum Untagged {
    Nothing,
    Named { x: u32 },
    One(u32),
    Two(u32, bool),
}

#[redact]
#[derive(Serialize)]
#[serde(tag = "kind", rename = "order")]
struct Tagged {
    id: u32,
}

#[redact]
#[derive(Serialize)]
#[serde(transparent)]
struct Transparent {
    value: u32,
}

#[redact]
#[derive(Serialize)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    address: Address,
    #[serde(flatten)]
    kind: Internal,
    #[serde(flatten)]
    nothing: Option<Address>,
    last: bool,
}

#[test]
fn serde_attributes_are_followed() {
    agree! {
        Internal::Nothing, Internal::Named { x: 1 }, Internal::Held(Address { zip: 1 }),
        Adjacent::Nothing, Adjacent::Named { x: 1 }, Adjacent::One(1), Adjacent::Two(1, true),
        Adjacent::Held(Address { zip: 1 }),
        Untagged::Nothing, Untagged::Named { x: 1 }, Untagged::One(1), Untagged::Two(1, true),
        Tagged { id: 1 },
        Transparent { value: 1 },
        Flat {
            id: 1,
            address: Address { zip: 2 },
            kind: Internal::Named { x: 3 },
            nothing: None,
            last: true,
        },
        vec![Flat {
            id: 1,
            address: Address { zip: 2 },
            kind: Internal::Nothing,
            nothing: Some(Address { zip: 3 }),
            last: true,
        }.kind],
    }
}

#[test]
fn serde_names_apply_to_json_and_not_to_debug() {
    assert_eq!(format!("{:?}", Internal::Named { x: 1 }), "named { x: 1 }");
    assert_eq!(format!("{:?}", Internal::Held(Address { zip: 1 })), "held(Address { zip: 1 })");
    assert_eq!(format!("{:?}", Adjacent::Two(1, true)), "Two(1, true)");
    assert_eq!(format!("{:?}", Untagged::Nothing), "Nothing");
    assert_eq!(format!("{:?}", Transparent { value: 1 }), "Transparent(1)");
    assert_eq!(format!("{:?}", Tagged { id: 1 }), "Tagged { id: 1 }");
    let flat = Flat {
        id: 1,
        address: Address { zip: 2 },
        kind: Internal::Nothing,
        nothing: None,
        last: true,
    };
    assert_eq!(
        format!("{flat:?}"),
        "Flat { id: 1, address: Address { zip: 2 }, kind: nothing, nothing: None, last: true }"
    );
}

#[redact]
#[derive(Serialize)]
struct Open {
    id: u32,
    #[serde(flatten)]
    #[redact(clear)]
    extra: BTreeMap<String, String>,
    #[serde(flatten)]
    #[redact(clear)]
    more: BTreeMap<String, String>,
    name: u32,
    #[serde(flatten)]
    credentials: Address,
}

/// serde writes these keys twice.
#[test]
fn flattened_keys_appear_once_and_are_subject_to_the_key_rule() {
    let texts = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let open = Open {
        id: 1,
        extra: texts(&[("id", "2"), ("name", "3"), ("password", "hunter2"), ("a\"b", "4")]),
        more: texts(&[("id", "5"), ("password", "6")]),
        name: 7,
        credentials: Address { zip: 8 },
    };
    let json = to_json(&open);
    assert_eq!(
        json,
        concat!(
            r#"{"id":1,"a\"b":"4","id_2":"2","name_3":"3","password":"[REDACTED]","#,
            r#""id_4":"5","password_5":"[REDACTED]","name":7,"credentials":"[REDACTED]"}"#
        )
    );
    candor_tests::keys(&json);
}

/// serde writes both a tag and a field of the same name.
#[test]
fn a_tag_and_a_field_never_share_a_key() {
    mod tagged {
        use candor::redact;

        #[redact]
        #[derive(serde::Serialize)]
        #[serde(tag = "kind")]
        pub(super) struct Clash {
            pub(super) kind: u32,
        }
    }
    let json = to_json(&tagged::Clash { kind: 1 });
    candor_tests::keys(&json);
    assert_eq!(json, r#"{"kind":"Clash","kind_":1}"#);
}

mod a_sensitive_key_hides_what_is_under_it {
    use super::*;

    #[redact]
    enum Factor {
        Pin {
            value: u32,
            #[redact(clear)]
            digits: u8,
        },
        Email {
            id: u32,
        },
    }

    #[test]
    fn a_sensitive_variant_name_hides_its_content() {
        let pin = Factor::Pin { value: 1234, digits: 4 };
        assert_eq!(to_json(&pin), r#"{"Pin":{"value":"[REDACTED]","digits":4}}"#);
        assert_eq!(to_json(&Factor::Email { id: 7 }), r#"{"Email":{"id":7}}"#);
    }

    #[redact]
    #[derive(Serialize)]
    #[serde(tag = "kind", content = "secret")]
    enum Held {
        Number { value: u32 },
        Nothing,
    }

    #[test]
    fn a_sensitive_content_key_hides_its_content() {
        let number = Held::Number { value: 1234 };
        assert_eq!(to_json(&number), r#"{"kind":"Number","secret":"[REDACTED]"}"#);
        assert_eq!(to_json(&Held::Nothing), r#"{"kind":"Nothing"}"#);
    }
}
