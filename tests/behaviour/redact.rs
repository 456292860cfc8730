//! The output of `#[redact]`, as a specification from top to bottom.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::rc::Rc;

use candor::loggable::{Element, Loggable, to_json};
use candor::redact;

mod encoder;
mod errors;
mod hash;
mod inventory;
mod macro_rules;
mod policies;
mod serde_forms;
mod values;

fn debug<T: std::fmt::Debug>(value: &T) -> String {
    format!("{value:?}")
}

mod a_field_is_decided {
    use super::*;

    #[redact]
    struct Login {
        user_id: u64,
        password: u64,
        #[redact(clear)]
        client: String,
        #[redact(secret)]
        #[expect(dead_code, reason = "what is hidden is not read")]
        nonce: u64,
        #[redact(mask(last = 4))]
        card: &'static str,
        #[redact(mask(first = 2, last = 2))]
        account: String,
        #[redact(url)]
        from: String,
        #[redact(email)]
        mail: Option<String>,
        #[redact(scrub)]
        note: String,
        #[redact(skip)]
        #[expect(dead_code, reason = "what is skipped is not read")]
        raw: Vec<u8>,
        #[redact(with = length)]
        body: String,
    }

    #[expect(clippy::ptr_arg, reason = "the contract is a reference to the field's type")]
    fn length(body: &String) -> usize {
        body.len()
    }

    fn login() -> Login {
        Login {
            user_id: 7,
            password: 1234,
            client: "web \"2\"".into(),
            nonce: 99,
            card: "4111111111111111",
            account: "DE02120300000000202051".into(),
            from: "https://example.com/a?next=b".into(),
            mail: Some("ada@example.com".into()),
            note: "hello".into(),
            raw: vec![1],
            body: "12345".into(),
        }
    }

    #[test]
    fn attribute_name_or_type_decides() {
        let expected = concat!(
            r#"{"user_id":7,"password":"[REDACTED]","client":"web \"2\"","nonce":"[REDACTED]","#,
            r#""card":"****1111","account":"DE****51","from":"https://example.com/a","#,
            r#""mail":"a***@example.com","note":"hello","body":5}"#
        );
        assert_eq!(to_json(&login()), expected);
    }

    #[test]
    fn debug_shows_the_same() {
        let expected = concat!(
            r#"Login { user_id: 7, password: "[REDACTED]", client: "web \"2\"", "#,
            r#"nonce: "[REDACTED]", card: "****1111", account: "DE****51", "#,
            r#"from: "https://example.com/a", mail: "a***@example.com", note: "hello", body: 5 }"#
        );
        assert_eq!(debug(&login()), expected);
    }

    #[redact]
    struct Reasoned {
        #[redact(clear, reason = "a fixed test account")]
        password: String,
        #[redact(mask(last = 2))]
        #[doc = "A policy of its own comes before the key rule."]
        r#type: u64,
    }

    #[test]
    fn a_reason_allows_clear_on_a_sensitive_name() {
        let reasoned = Reasoned { password: "guest".into(), r#type: 12_345_678 };
        assert_eq!(to_json(&reasoned), r#"{"password":"guest","type":"****78"}"#);
    }

    #[redact]
    struct Parcel {
        #[redact(clear)]
        items: Vec<Login>,
        #[redact(clear)]
        sizes: [u8; 2],
        #[redact(clear)]
        labels: HashMap<String, Option<String>>,
    }

    #[test]
    fn clear_applies_inside_collections_and_keeps_policies_of_redacted_types() {
        let parcel = Parcel {
            items: vec![],
            sizes: [1, 2],
            labels: HashMap::from([("a".into(), Some("b".into()))]),
        };
        assert_eq!(to_json(&parcel), r#"{"items":[],"sizes":[1,2],"labels":{"a":"b"}}"#);
        let json = to_json(&Parcel { items: vec![login()], ..parcel });
        assert!(json.starts_with(r#"{"items":[{"user_id":7,"password":"[REDACTED]","#), "{json}");
    }
}

mod a_type_level_default {
    use super::*;

    #[redact(default = clear)]
    struct Shown {
        id: u64,
        name: &'static str,
        password: String,
        #[redact(secret)]
        #[expect(dead_code, reason = "hidden")]
        nick: String,
        address: Option<std::net::IpAddr>,
        inner: Hidden,
    }

    #[redact(default = secret)]
    struct Hidden {
        id: u64,
        name: String,
        json: serde_json::Value,
        #[redact(clear)]
        city: String,
    }

    #[test]
    fn applies_to_fields_without_a_policy() {
        let inner = Hidden {
            id: 8,
            name: "Ada".into(),
            json: serde_json::Value::Null,
            city: "London".into(),
        };
        let shown = Shown {
            id: 7,
            name: "Grace",
            password: "x".into(),
            nick: "y".into(),
            address: Some([127, 0, 0, 1].into()),
            inner,
        };
        let expected = concat!(
            r#"{"id":7,"name":"Grace","password":"[REDACTED]","nick":"[REDACTED]","#,
            r#""address":"127.0.0.1","inner":{"id":8,"name":"[REDACTED]","json":"[REDACTED]","#,
            r#""city":"London"}}"#
        );
        assert_eq!(to_json(&shown), expected);
    }

    #[redact(default = secret)]
    struct Page<T> {
        items: Vec<T>,
        next: String,
    }

    #[test]
    fn does_not_apply_to_type_parameters() {
        let page = Page { items: vec![1_u32, 2], next: "n".into() };
        assert_eq!(to_json(&page), r#"{"items":[1,2],"next":"[REDACTED]"}"#);
    }
}

mod an_item_may_be {
    use super::*;

    #[redact]
    struct Ping;
    #[redact]
    struct Empty {}
    #[redact]
    struct NoItems();
    #[redact]
    struct Point(i32, i32);
    #[redact]
    struct Meters(f64);
    #[redact]
    struct Password(u64);
    #[redact]
    struct PasswordPair(u64, #[redact(clear, reason = "a count")] u64);
    #[redact]
    struct Quiet(
        #[redact(skip)]
        #[expect(dead_code, reason = "skipped")]
        String,
    );
    #[redact]
    struct Partly(
        #[redact(skip)]
        #[expect(dead_code, reason = "skipped")]
        String,
        u32,
    );

    #[test]
    fn a_struct_of_any_form() {
        assert_eq!(to_json(&Ping), r#""Ping""#);
        assert_eq!(to_json(&Empty {}), "{}");
        assert_eq!(to_json(&NoItems()), r#""NoItems""#);
        assert_eq!(to_json(&Point(1, -2)), "[1,-2]");
        assert_eq!(to_json(&Meters(1.5)), "1.5");
        assert_eq!(to_json(&Quiet(String::new())), r#""Quiet""#);
        assert_eq!(to_json(&Partly(String::new(), 3)), "[3]");
    }

    #[test]
    fn debug_shows_the_same() {
        assert_eq!(debug(&Ping), "Ping");
        assert_eq!(debug(&Empty {}), "Empty");
        assert_eq!(debug(&NoItems()), "NoItems");
        assert_eq!(debug(&Point(1, -2)), "Point(1, -2)");
        assert_eq!(debug(&Meters(1.5)), "Meters(1.5)");
        assert_eq!(debug(&Quiet(String::new())), "Quiet");
    }

    #[test]
    fn a_newtype_with_a_sensitive_name() {
        assert_eq!(to_json(&Password(1)), r#""[REDACTED]""#);
        assert_eq!(debug(&Password(1)), r#"Password("[REDACTED]")"#);
        assert_eq!(to_json(&PasswordPair(1, 2)), r#"["[REDACTED]",2]"#);
    }

    #[redact]
    enum Event {
        Started,
        Moved {
            x: i32,
            y: i32,
        },
        Named(#[redact(clear)] String),
        Pair(u8, #[redact(mask(last = 4))] String),
        Password(u64),
        Raw(
            #[redact(skip)]
            #[expect(dead_code, reason = "skipped")]
            Vec<u8>,
        ),
        Nothing {},
        Partly {
            shown: bool,
            #[redact(skip)]
            #[expect(dead_code, reason = "skipped")]
            hidden: String,
        },
    }

    #[test]
    fn an_enum_of_any_form() {
        assert_eq!(to_json(&Event::Started), r#""Started""#);
        assert_eq!(to_json(&Event::Moved { x: 1, y: 2 }), r#"{"Moved":{"x":1,"y":2}}"#);
        assert_eq!(to_json(&Event::Named("a".into())), r#"{"Named":"a"}"#);
        assert_eq!(to_json(&Event::Pair(1, "short".into())), r#"{"Pair":[1,"[REDACTED]"]}"#);
        assert_eq!(to_json(&Event::Password(1)), r#"{"Password":"[REDACTED]"}"#);
        assert_eq!(to_json(&Event::Raw(vec![1])), r#""Raw""#);
        assert_eq!(to_json(&Event::Nothing {}), r#"{"Nothing":{}}"#);
        let partly = Event::Partly { shown: true, hidden: String::new() };
        assert_eq!(to_json(&partly), r#"{"Partly":{"shown":true}}"#);
    }

    #[test]
    fn an_enum_in_debug() {
        assert_eq!(debug(&Event::Started), "Started");
        assert_eq!(debug(&Event::Moved { x: 1, y: 2 }), "Moved { x: 1, y: 2 }");
        assert_eq!(debug(&Event::Named("a".into())), r#"Named("a")"#);
        assert_eq!(debug(&Event::Nothing {}), "Nothing");
        assert_eq!(debug(&Some(Event::Moved { x: 1, y: 2 })), "Some(Moved { x: 1, y: 2 })");
    }

    #[redact]
    enum Never {}

    #[test]
    fn an_enum_without_variants() {
        assert_eq!(to_json(&None::<Never>), "null");
    }

    #[redact]
    pub(crate) struct r#Fn {
        r#match: u8,
    }

    #[test]
    fn named_with_a_raw_identifier() {
        assert_eq!(debug(&r#Fn { r#match: 1 }), "Fn { match: 1 }");
    }

    #[redact]
    struct Unsized {
        id: u32,
        tail: [u32],
    }

    #[test]
    fn without_a_size() {
        fn json(value: &Unsized) -> String {
            to_json(value)
        }
        let _: fn(&Unsized) -> String = json;
    }
}

mod generics {
    use super::*;

    #[redact]
    struct Page<'a, T, K: Clone, const N: usize>
    where
        T: 'a + ?Sized,
        K: Ord,
    {
        first: &'a T,
        list: Vec<K>,
        by_key: BTreeMap<K, Option<u8>>,
        array: [u32; N],
        nothing: PhantomData<fn(String)>,
        #[redact(clear)]
        title: Cow<'a, str>,
    }

    #[test]
    fn of_every_kind() {
        let page = Page {
            first: &7_u8,
            list: vec![1_u32, 2],
            by_key: BTreeMap::from([(3, Some(4))]),
            array: [5, 6],
            nothing: PhantomData,
            title: "t".into(),
        };
        let expected = concat!(
            r#"{"first":7,"list":[1,2],"by_key":{"3":4},"array":[5,6],"#,
            r#""nothing":null,"title":"t"}"#
        );
        assert_eq!(to_json(&page), expected);
    }

    #[redact]
    struct Labelled<T, U, V> {
        #[redact(clear)]
        label: T,
        #[redact(secret)]
        #[expect(dead_code, reason = "hidden")]
        hidden: U,
        #[redact(with = always)]
        other: V,
    }

    fn always<V>(_: &V) -> u8 {
        1
    }

    #[test]
    fn require_only_the_bounds_of_the_policy() {
        struct Opaque;
        let labelled = Labelled { label: "a", hidden: Opaque, other: Opaque };
        assert_eq!(to_json(&labelled), r#"{"label":"a","hidden":"[REDACTED]","other":1}"#);
    }

    #[redact]
    struct Parts<T, U> {
        #[redact(scrub)]
        text: T,
        #[redact(shape)]
        list: Vec<U>,
        #[redact(shape)]
        value: Option<T>,
        #[redact(hash)]
        list_of_text: [T; 0],
    }

    #[test]
    fn require_text_or_shape_bounds_of_a_policy() {
        struct Opaque;
        let parts = Parts {
            text: "password=hunter2",
            list: vec![Opaque],
            value: Some("abc"),
            list_of_text: [],
        };
        assert_eq!(
            to_json(&parts),
            r#"{"text":"password=[REDACTED]","list":"<list 1>","value":"<text 3-4>","list_of_text":[]}"#
        );
    }

    trait Shop {
        type Order;
    }

    #[redact]
    struct Basket<S: Shop> {
        order: S::Order,
        more: Vec<<S as Shop>::Order>,
    }

    #[test]
    fn with_associated_types() {
        struct Books;
        impl Shop for Books {
            type Order = u32;
        }
        let basket = Basket::<Books> { order: 1, more: vec![2] };
        assert_eq!(to_json(&basket), r#"{"order":1,"more":[2]}"#);
    }

    #[redact]
    struct Wrap<T>(T);

    #[test]
    fn a_newtype_does_not_list_its_bytes() {
        fn loggable<T: Loggable>() {}
        fn element<T: Element>() {}
        loggable::<Wrap<u8>>();
        element::<Wrap<u32>>();
        assert_eq!(to_json(&vec![Wrap(1_u32)]), "[1]");
        assert_eq!(to_json(&Wrap(1_u8)), "1");
    }
}

mod recursion {
    use super::*;

    #[redact]
    struct Node {
        id: u32,
        next: Option<Box<Self>>,
        children: Vec<Node>,
        by_name: BTreeMap<u32, Rc<Node>>,
    }

    #[redact(default = secret)]
    struct Tree<T> {
        value: T,
        left: Option<Box<Tree<T>>>,
        children: Vec<Self>,
        name: String,
    }

    #[redact]
    enum Left {
        End,
        Right(Box<Right>),
    }

    #[redact]
    struct Right {
        left: Vec<Left>,
    }

    #[test]
    fn direct_through_a_parameter_and_mutual() {
        let leaf = |id| Node { id, next: None, children: vec![], by_name: BTreeMap::new() };
        let node = Node { next: Some(Box::new(leaf(2))), children: vec![leaf(3)], ..leaf(1) };
        let expected = concat!(
            r#"{"id":1,"next":{"id":2,"next":null,"children":[],"by_name":{}},"#,
            r#""children":[{"id":3,"next":null,"children":[],"by_name":{}}],"by_name":{}}"#
        );
        assert_eq!(to_json(&node), expected);

        let tree = Tree { value: 1_u32, left: None, children: vec![], name: String::new() };
        let expected = r#"{"value":1,"left":null,"children":[],"name":"[REDACTED]"}"#;
        assert_eq!(to_json(&tree), expected);

        let left = Left::Right(Box::new(Right { left: vec![Left::End] }));
        assert_eq!(to_json(&left), r#"{"Right":{"left":["End"]}}"#);
    }
}

mod serde_names {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[redact]
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Renamed {
        order_id: u32,
        #[serde(rename = "n\"1")]
        quoted: u32,
        #[serde(rename(serialize = "out", deserialize = "in"))]
        sides: u32,
        #[serde(rename = "password")]
        pw: u32,
        #[serde(alias = "password")]
        word: u32,
        #[serde(skip)]
        skipped: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        maybe: Option<u32>,
    }

    #[test]
    fn are_keys_subject_to_the_key_rule() {
        let renamed =
            Renamed { order_id: 1, quoted: 2, sides: 3, pw: 4, word: 5, skipped: 6, maybe: None };
        let expected = concat!(
            r#"{"orderId":1,"n\"1":2,"out":3,"password":"[REDACTED]","word":"[REDACTED]","#,
            r#""skipped":6,"maybe":null}"#
        );
        assert_eq!(to_json(&renamed), expected);
        let expected = concat!(
            r#"Renamed { orderId: 1, n\"1: 2, out: 3, password: "[REDACTED]", word: "[REDACTED]", "#,
            r#"skipped: 6, maybe: None }"#
        );
        assert_eq!(debug(&renamed), expected);
    }

    #[derive(Serialize, Deserialize)]
    #[redact]
    #[serde(rename_all = "snake_case", rename_all_fields = "SCREAMING-KEBAB-CASE")]
    enum Kind {
        FirstOne,
        SecondOne {
            the_field: u8,
        },
        #[serde(rename = "3", rename_all = "PascalCase")]
        Third {
            the_field: u8,
        },
        #[serde(rename = "password")]
        Fourth(u8),
    }

    #[test]
    fn are_the_tags_of_an_enum() {
        assert_eq!(to_json(&Kind::FirstOne), r#""first_one""#);
        assert_eq!(to_json(&Kind::SecondOne { the_field: 1 }), r#"{"second_one":{"THE-FIELD":1}}"#);
        assert_eq!(to_json(&Kind::Third { the_field: 1 }), r#"{"3":{"TheField":1}}"#);
        assert_eq!(to_json(&Kind::Fourth(1)), r#"{"password":"[REDACTED]"}"#);
    }

    macro_rules! agrees_with_serde {
        ($($case:literal)*) => {$({
            #[redact]
            #[derive(Serialize)]
            #[serde(rename_all = $case, rename_all_fields = $case)]
            enum Cases { OneTwoThree { one_two3_four: u8, r#type: u8, _x: u8 }, Http2 {} }

            #[redact]
            #[derive(Serialize)]
            #[serde(rename_all = $case)]
            struct Fields { one_two3_four: u8, a1_b: u8, ma_über: u8 }

            for case in [Cases::OneTwoThree { one_two3_four: 1, r#type: 2, _x: 3 }, Cases::Http2 {}] {
                assert_eq!(to_json(&case), serde_json::to_string(&case).unwrap());
            }
            let fields = Fields { one_two3_four: 1, a1_b: 2, ma_über: 3 };
            assert_eq!(to_json(&fields), serde_json::to_string(&fields).unwrap());
        })*};
    }

    #[test]
    fn match_serdes_own() {
        agrees_with_serde! {
            "lowercase" "UPPERCASE" "PascalCase" "camelCase" "snake_case"
            "SCREAMING_SNAKE_CASE" "kebab-case" "SCREAMING-KEBAB-CASE"
        }
    }

    #[redact]
    #[derive(Deserialize)]
    struct Twice {
        #[serde(rename = "id", skip)]
        #[serde(default)]
        old: u32,
        #[serde(rename = "id")]
        new: u32,
    }

    #[test]
    fn a_key_never_appears_twice() {
        let twice: Twice = serde_json::from_str(r#"{"id":1}"#).unwrap();
        assert_eq!(to_json(&twice), r#"{"id":0,"new":1}"#);
    }
}

mod debug_notation {
    use super::*;

    #[redact]
    struct Outer {
        id: u32,
        point: Inner,
        points: Vec<Inner>,
        none: Vec<Inner>,
        kind: Kind,
        pair: (u32, bool),
        map: BTreeMap<u32, Inner>,
    }

    #[redact]
    #[derive(Clone, Copy)]
    struct Inner {
        x: f64,
    }

    #[redact]
    enum Kind {
        Tuple(Inner, u32),
    }

    #[expect(dead_code, reason = "Debug reads them")]
    mod by_std {
        use std::collections::BTreeMap;

        #[derive(Debug)]
        pub(super) struct Outer {
            pub(super) id: u32,
            pub(super) point: Inner,
            pub(super) points: Vec<Inner>,
            pub(super) none: Vec<Inner>,
            pub(super) kind: Kind,
            pub(super) pair: (u32, bool),
            pub(super) map: BTreeMap<u32, Inner>,
        }

        #[derive(Debug, Clone, Copy)]
        pub(super) struct Inner {
            pub(super) x: f64,
        }

        #[derive(Debug)]
        pub(super) enum Kind {
            Tuple(Inner, u32),
        }
    }

    #[test]
    fn matches_the_notation_of_std() {
        let inner = Inner { x: 1.0 };
        let outer = Outer {
            id: 1,
            point: inner,
            points: vec![inner, inner],
            none: vec![],
            kind: Kind::Tuple(inner, 2),
            pair: (3, true),
            map: BTreeMap::from([(4, inner)]),
        };
        let inner = by_std::Inner { x: 1.0 };
        let std = by_std::Outer {
            id: 1,
            point: inner,
            points: vec![inner, inner],
            none: vec![],
            kind: by_std::Kind::Tuple(inner, 2),
            pair: (3, true),
            map: BTreeMap::from([(4, inner)]),
        };
        // A list shows a tuple as JSON does, and map keys are strings.
        let as_list =
            |text: String| text.replace("(3, true)", "[3, true]").replace("{4:", "{\"4\":");
        assert_eq!(format!("{outer:?}"), as_list(format!("{std:?}")));
        let as_list = |text: String| {
            text.replace("pair: (", "pair: [")
                .replace("true,\n    )", "true,\n    ]")
                .replace(" 4:", " \"4\":")
        };
        assert_eq!(format!("{outer:#?}"), as_list(format!("{std:#?}")));
    }
}

mod hygiene {
    //! Names of the user that could collide with generated ones.
    #![expect(dead_code, non_camel_case_types, reason = "names that get in the way")]

    mod core {}
    mod std {}
    mod candor {}
    struct Result;
    struct Option;
    struct Ok;
    struct Err;
    struct Some;
    struct Box;
    struct String;
    struct str;
    struct u64;
    struct Loggable;
    trait Debug {}
    trait Field {}
    trait OrClear {
        fn or_clear(&self) {}
        fn shown(&self) {}
        fn log(&self) {}
    }
    impl<T: ?Sized> OrClear for T {}

    #[::candor::redact(default = clear)]
    struct Shadowed {
        core: u8,
        to: u16,
        __to: u16,
        __object: u16,
        f: u16,
        text: ::std::string::String,
        #[redact(secret)]
        own: String,
    }

    #[::candor::redact]
    enum Kind {
        Some { __to: u8, __object: u8, this: u8 },
        Ok(u8, u8),
        Result(u8),
        None,
    }

    mod re_export {
        pub(super) mod nested {
            pub(crate) use ::candor;
        }
    }

    #[::candor::redact(crate = self::re_export::nested::candor, default = secret)]
    struct ReExported {
        id: u8,
        own: Box,
    }

    #[test]
    fn does_not_matter() {
        let shadowed = Shadowed {
            core: 1,
            to: 2,
            __to: 3,
            __object: 4,
            f: 5,
            text: "t".to_owned(),
            own: String,
        };
        assert_eq!(
            ::candor::loggable::to_json(&shadowed),
            r#"{"core":1,"to":2,"__to":3,"__object":4,"f":5,"text":"t","own":"[REDACTED]"}"#
        );
        let some = Kind::Some { __to: 1, __object: 2, this: 3 };
        assert_eq!(
            ::candor::loggable::to_json(&some),
            r#"{"Some":{"__to":1,"__object":2,"this":3}}"#
        );
        assert_eq!(::candor::loggable::to_json(&Kind::Ok(1, 2)), r#"{"Ok":[1,2]}"#);
        let re_exported = ReExported { id: 1, own: Box };
        assert_eq!(::candor::loggable::to_json(&re_exported), r#"{"id":1,"own":"[REDACTED]"}"#);
    }
}

mod lints {
    //! The output of `#[redact]` causes no lints in the user's crate.
    #![deny(warnings, missing_docs, missing_debug_implementations, unused_qualifications)]
    #![deny(single_use_lifetimes, trivial_casts, unused_results, unused_lifetimes, let_underscore)]
    #![deny(clippy::all, clippy::pedantic, clippy::nursery)]
    #![forbid(unsafe_code, unused_imports, unused_variables)]
    #![allow(unreachable_pub, dead_code, reason = "nobody uses them")]

    use std::collections::HashMap;

    use candor::redact;

    /// A tree.
    #[redact(default = secret)]
    #[derive(Clone)]
    pub struct Node<T: Clone, U>
    where
        U: Ord,
    {
        /// Itself.
        pub children: Vec<Self>,
        /// Itself by its name.
        pub next: Option<Box<Self>>,
        /// Values.
        pub values: HashMap<U, T>,
        /// Text.
        pub text: String,
        /// Nothing.
        #[redact(skip)]
        pub skipped: Vec<u8>,
    }

    /// Two of the same.
    #[redact(default = clear)]
    #[derive(Clone, Copy)]
    pub enum Pair<'a> {
        /// Numbers.
        Numbers {
            /// The first.
            first: u8,
            /// The second.
            second: Option<&'a Self>,
        },
        /// Letters.
        Letters(&'a str, #[redact(mask(last = 4))] &'a str),
        /// The same letters.
        Same(&'a str, #[redact(mask(last = 4))] &'a str),
        /// One.
        One(#[redact(with = first)] &'a str),
    }

    const fn first(text: &str) -> usize {
        text.len()
    }

    /// Things that happen.
    #[redact]
    #[derive(Clone)]
    #[allow(deprecated, reason = "it is the user's affair")]
    pub enum Event {
        /// A deprecated type.
        Old(Old),
        /// A deprecated variant.
        #[deprecated]
        Gone {
            /// A deprecated field.
            #[deprecated]
            at: u64,
            /// Hidden.
            #[redact(secret)]
            name: String,
        },
    }

    /// A deprecated type.
    #[redact]
    #[deprecated]
    pub struct Old {
        /// A deprecated field.
        #[deprecated]
        pub id: u64,
    }

    #[expect(deprecated, reason = "a derive above")]
    impl Clone for Old {
        fn clone(&self) -> Self {
            Self { id: self.id }
        }
    }

    #[test]
    fn are_none() {
        let pair = Pair::Numbers { first: 1, second: Some(&Pair::One("abc")) };
        assert_eq!(
            candor::loggable::to_json(&pair),
            r#"{"Numbers":{"first":1,"second":{"One":3}}}"#
        );
    }
}

mod conditional_compilation {
    use super::*;

    #[redact]
    struct Fields {
        id: u32,
        #[cfg(any())]
        #[redact(clear)]
        missing: NoSuchType,
        #[cfg(not(any()))]
        #[redact(clear)]
        present: u32,
    }

    #[redact]
    enum Variants {
        #[cfg(any())]
        Missing(NoSuchType),
        Present {
            #[cfg(any())]
            missing: NoSuchType,
            id: u32,
        },
    }

    #[test]
    fn is_followed() {
        assert_eq!(to_json(&Fields { id: 1, present: 2 }), r#"{"id":1,"present":2}"#);
        assert_eq!(to_json(&Variants::Present { id: 1 }), r#"{"Present":{"id":1}}"#);
    }
}
