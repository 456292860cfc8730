//! `#[redact]` on items made by `macro_rules!`, and on items inside functions.

use candor::loggable::to_json;
use candor::redact;

macro_rules! model {
    ($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[redact]
        struct $name { $($(#[$attribute])* $field: $type,)* own: u8 }
    };
}

model! { Order { id: Option<u64>, #[redact(clear)] note: String, #[redact(mask(last = 2))] pin: String, } }

#[test]
fn fields_from_a_macro_call_keep_their_policies() {
    let order = Order { id: Some(1), note: "tea".to_owned(), pin: "4829103755".to_owned(), own: 1 };
    assert_eq!(to_json(&order), r#"{"id":1,"note":"tea","pin":"****55","own":1}"#);
}

#[test]
fn a_type_inside_a_function_is_redacted() {
    #[redact]
    struct Local<'a>(#[redact(clear)] &'a str, u8);

    let local = Local("x", 7);
    assert_eq!(to_json(&local), r#"["x",7]"#);
    assert_eq!(format!("{local:?}"), r#"Local("x", 7)"#);
}
