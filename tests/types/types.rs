//! What candor has without the feature `subscriber`.
//!
//! Run it alone (`cargo test -p candor-shared-types`): together with other packages, it would be built with the
//! features of candor that they need.

use candor::keys::is_sensitive;
use candor::loggable::{Encoder, Loggable, to_json, write_json};
use candor::{safe_url, scrub};
use candor_shared_types::{Answer, SignUp, examples};

#[test]
fn values_show_what_a_line_would() {
    for (shown, expected) in examples() {
        assert_eq!(shown, expected);
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn a_time_has_no_calendar() {
    assert_eq!(to_json(&std::time::SystemTime::UNIX_EPOCH), r#""<time>""#);
}

#[test]
fn debug_shows_what_the_json_does() {
    assert_eq!(
        format!("{:?}", SignUp::of_ada()),
        concat!(
            r#"SignUp { plan: 2, password: "[REDACTED]", country: "GB", email: "[REDACTED]", card: "****4242", "#,
            r#"referrer: "https://example.com/a", contact: "c***@example.com", "#,
            r#"note: "call me: password=[REDACTED]", tags: "<list 3-4>", birthday: "[REDACTED]", "#,
            r#"origin: "https://example.com/" }"#,
        ),
    );
    assert_eq!(format!("{:?}", Answer::Created(7)), "Created(7)");
}

#[test]
fn the_key_rule_and_the_scrubber_are_there() {
    const HIDDEN: bool = is_sensitive("apiKey");
    assert!(HIDDEN && !is_sensitive("token_count"));
    assert_eq!(scrub::text("Authorization: Bearer canary"), "Authorization: [REDACTED]");
    assert_eq!(scrub::url_with_query("/a?page=2&token=canary"), "/a?page=2&token=[REDACTED]");
    assert_eq!(safe_url("https://u:canary@example.com/a?b"), "https://example.com/a");
}

#[test]
fn loggable_can_be_implemented_by_hand() {
    struct Cart {
        items: u32,
        total: f64,
    }

    impl Loggable for Cart {
        fn log(&self, to: &mut Encoder<'_>) {
            to.object("Cart", |cart| {
                cart.field("items", &self.items);
                cart.field("total", &self.total);
                cart.field("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", &true);
            });
        }
    }

    let cart = Cart { items: 2, total: 9.5 };
    let expected = r#"{"items":2,"total":9.5,"[REDACTED]":true}"#;
    assert_eq!(to_json(&cart), expected, "a name that is a secret is hidden");
    let mut out = String::from("cart=");
    write_json(&cart, &mut out);
    assert_eq!(out.strip_prefix("cart="), Some(expected));
}
