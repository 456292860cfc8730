//! Values that are loggable without a policy, and their JSON.

use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::{NonZeroU32, Saturating, Wrapping};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use candor::Loggable;
use candor::loggable::{Encoder, to_json};
use candor::policy::clear;
use candor::redact;

#[test]
fn values_match_serde_json_if_it_supports_them() {
    assert_eq!(to_json(&Ok::<u32, ()>(1)), r#"{"Ok":1}"#);
    assert_eq!(to_json(&Err::<u32, _>(2)), r#"{"Err":2}"#);
    assert_eq!(to_json(&(1..5)), r#"{"start":1,"end":5}"#);
    assert_eq!(to_json(&(1..=5)), r#"{"start":1,"end":5}"#);
    assert_eq!(to_json(&(1..)), r#"{"start":1}"#);
    assert_eq!(to_json(&(..5)), r#"{"end":5}"#);
    assert_eq!(to_json(&(Wrapping(1), Saturating(2), Reverse(3))), "[1,2,3]");
    assert_eq!(to_json(&NonZeroU32::MIN), "1");
    assert_eq!(to_json(&(AtomicU64::new(7), AtomicBool::new(true))), "[7,true]");
    assert_eq!(to_json(&Box::pin(1)), "1");
    assert_eq!(to_json(&(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)), "[1,2,3,4,5,6,7,8,9,10,11,12]");
    assert_eq!(to_json(&BTreeSet::from([2, 1])), "[1,2]");
    assert_eq!(to_json(&HashMap::from([(1, Some(true))])), r#"{"1":true}"#);
    assert_eq!(format!("{:?}", clear(&Some("x"))), r#""x""#);
}

#[test]
fn dangling_weak_pointers_are_null() {
    let rc = Rc::new(1);
    let weak = Rc::downgrade(&rc);
    assert_eq!(to_json(&weak), "1");
    drop(rc);
    assert_eq!(to_json(&weak), "null");
    assert_eq!(to_json(&OnceCell::<u32>::new()), "null");
    let arc = Arc::downgrade(&Arc::new(1));
    assert_eq!(to_json(&arc), "null");
}

#[test]
fn locked_values_are_never_waited_for() {
    assert_eq!(to_json(&Cell::new(1)), "1");
    let cell = RefCell::new(1);
    assert_eq!(to_json(&cell), "1");
    let borrowed = cell.borrow_mut();
    assert_eq!(to_json(&cell), r#""<borrowed>""#);
    assert_eq!(to_json(&borrowed), "1");
    let mutex = Mutex::new(1);
    assert_eq!(to_json(&mutex), "1");
    let guard = mutex.lock().unwrap();
    assert_eq!(to_json(&mutex), r#""<locked>""#);
    assert_eq!(to_json(&guard), "1");
    let lock = RwLock::new(1);
    let reader = lock.read().unwrap();
    assert_eq!(to_json(&lock), "1");
    drop(reader);
    let _writer = lock.write().unwrap();
    assert_eq!(to_json(&lock), r#""<locked>""#);
}

#[test]
fn a_poisoned_lock_is_reported() {
    let mutex = Arc::new(Mutex::new(1));
    let other = Arc::clone(&mutex);
    let panicked = std::thread::spawn(move || {
        let _guard = other.lock();
        panic!("while it is locked");
    });
    assert!(panicked.join().is_err());
    assert_eq!(to_json(&*mutex), r#""<poisoned>""#);
}

#[test]
fn times_have_one_format() {
    assert_eq!(to_json(&Duration::from_micros(1_500)), "1.5");
    assert_eq!(to_json(&UNIX_EPOCH), r#""1970-01-01T00:00:00.000000Z""#);
}

#[test]
fn types_of_other_crates_are_loggable() {
    use chrono::TimeZone as _;
    let at = chrono::FixedOffset::east_opt(3600).unwrap();
    let at = at.with_ymd_and_hms(2026, 11, 22, 11, 14, 12).unwrap();
    assert_eq!(to_json(&at), r#""2026-11-22T11:14:12+01:00""#);
    assert_eq!(to_json(&at.to_utc()), r#""2026-11-22T10:14:12Z""#);
    assert_eq!(to_json(&at.naive_utc()), r#""2026-11-22T10:14:12""#);
    assert_eq!(to_json(&at.date_naive()), r#""2026-11-22""#);
    assert_eq!(to_json(&chrono::TimeDelta::microseconds(-1_500)), "-1.5");

    let at: jiff::Timestamp = "2026-11-22T10:14:12.5Z".parse().unwrap();
    assert_eq!(to_json(&at), r#""2026-11-22T10:14:12.5Z""#);
    let zoned = at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(1)));
    assert_eq!(to_json(&zoned), r#""2026-11-22T11:14:12.5+01:00""#);
    assert_eq!(to_json(&zoned.date()), r#""2026-11-22""#);
    assert_eq!(to_json(&jiff::SignedDuration::from_millis(2)), "2.0");

    let at = time::macros::datetime!(2026-11-22 10:14:12.5 +1);
    assert_eq!(to_json(&at), r#""2026-11-22T10:14:12.5+01:00""#);
    assert_eq!(to_json(&at.date()), r#""2026-11-22""#);
    assert_eq!(to_json(&time::Duration::milliseconds(3)), "3.0");

    let price = rust_decimal::Decimal::new(1250, 2);
    assert_eq!(to_json(&price), r#""12.50""#);
    let id = uuid::Uuid::nil();
    assert_eq!(to_json(&[id]), r#"["00000000-0000-0000-0000-000000000000"]"#);
}

/// A value written by a function.
struct By<F>(F);

impl<F: Fn(&mut Encoder<'_>)> Loggable for By<F> {
    fn log(&self, to: &mut Encoder<'_>) {
        (self.0)(to);
    }
}

mod keys_appear_once {
    use super::*;

    #[redact]
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Account {
        id: u32,
        #[redact(secret)]
        hidden: u32,
    }

    #[test]
    fn two_map_keys_with_the_same_text() {
        let accounts = [1, 2, 3].map(|hidden| (Account { id: 7, hidden }, hidden));
        let json = to_json(&BTreeMap::from(accounts));
        assert_eq!(candor_tests::keys(&json).len(), 3, "{json}");
        let key = r#"{\"id\":7,\"hidden\":\"[REDACTED]\"}"#;
        assert_eq!(json, format!(r#"{{"{key}":1,"{key}_2":2,"{key}_3":3}}"#));
    }

    #[test]
    fn many_map_keys_with_the_same_text() {
        let many: BTreeMap<_, _> = (0..1000).map(|n| (Account { id: 1, hidden: n }, n)).collect();
        let json = to_json(&many);
        assert_eq!(candor_tests::keys(&json).len(), 1000);
        assert!(json.len() < 100_000, "{} bytes", json.len());
    }

    #[test]
    fn an_object_with_a_duplicate_field() {
        let twice = By(|to: &mut Encoder<'_>| {
            to.object("Twice", |object| {
                object.field("a", &1);
                object.field("a", &2);
                object.field("a_2", &3);
            });
        });
        assert_eq!(to_json(&twice), r#"{"a":1,"a_2":2,"a_2_3":3}"#);
    }

    #[test]
    fn a_number_and_a_string_key_with_the_same_text() {
        let mixed = By(|to: &mut Encoder<'_>| {
            to.map(|map| {
                map.entry(&1, &"number".len());
                map.entry(&clear("1"), &2);
            });
        });
        assert_eq!(to_json(&mixed), r#"{"1":6,"1_2":2}"#);
    }
}

mod depth {
    use super::*;

    #[redact]
    struct Link {
        id: u32,
        next: Option<Box<Link>>,
    }

    #[redact]
    struct Newtype(Option<Box<Newtype>>);

    #[redact]
    enum Tree {
        Leaf,
        Branch(Vec<Tree>),
    }

    /// A million levels; dropped iteratively, since the recursive drop would overflow the stack.
    fn chain() -> Link {
        let mut link = Link { id: 0, next: None };
        for id in 1..1_000_000 {
            link = Link { id, next: Some(Box::new(link)) };
        }
        link
    }

    impl Link {
        fn take_apart(mut self) {
            while let Some(mut next) = self.next.take() {
                self.next = next.next.take();
            }
        }
    }

    #[test]
    fn a_depth_of_a_million_does_not_overflow_the_stack() {
        let link = chain();
        let json = to_json(&link);
        let debug = format!("{link:?}");
        let pretty = format!("{link:#?}");
        link.take_apart();
        for text in [&json, &debug, &pretty] {
            assert_eq!(text.matches("[…]").count(), 1);
            assert!(text.contains("999900") && !text.contains("999800"), "{text}");
        }
        let line = format!("{{\"chain\":{json}}}");
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "readers take it");
    }

    #[test]
    fn nested_newtypes_and_variants_are_cut() {
        let mut newtype = Newtype(None);
        let mut tree = Tree::Leaf;
        for _ in 0..10_000 {
            newtype = Newtype(Some(Box::new(newtype)));
            tree = Tree::Branch(vec![tree]);
        }
        assert_eq!(to_json(&newtype), r#""[…]""#);
        let json = to_json(&tree);
        assert!(json.contains(r#""[…]""#) && json.len() < 4000, "{json}");
        let line = format!("{{\"tree\":{json}}}");
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "readers take it");
        assert_eq!(format!("{tree:?}").matches("[…]").count(), 1);
        while let Some(inner) = newtype.0.take() {
            newtype = *inner;
        }
        while let Tree::Branch(mut items) = tree {
            tree = items.remove(0);
        }
    }

    #[test]
    fn a_depth_of_a_hundred_is_shown() {
        let mut link = Link { id: 0, next: None };
        for id in 1..100 {
            link = Link { id, next: Some(Box::new(link)) };
        }
        assert!(!to_json(&link).contains('…'));
    }

    #[test]
    fn nested_json_under_clear_is_cut() {
        let mut value = serde_json::json!(1);
        for _ in 0..1000 {
            value = serde_json::json!([value]);
        }
        assert!(to_json(&clear(&value)).contains("[…]"));
    }
}

#[test]
fn values_are_written_without_allocation() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_allocations")).output().unwrap();
    let counts = String::from_utf8(output.stdout).unwrap();
    let count = |name: &str| -> u64 {
        let line = counts.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{counts}"))
    };
    assert_eq!((count("redacted"), count("by hand"), count("text")), (0, 0, 0), "{counts}");
    assert!(count("shape") > 0, "the counter counts");
}
