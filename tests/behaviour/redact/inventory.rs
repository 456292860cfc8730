//! `candor::inventory`: the list of everything that a program can log.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[allow(dead_code, reason = "it is only listed")]
mod listed {
    use candor::{dependency_call, redact, step_timed};

    #[redact(default = secret)]
    pub(super) struct Order<T> {
        pub(super) id: u64,
        #[redact(mask(first = 2, last = 2))]
        pub(super) card: String,
        #[redact(clear, reason = "the public sandbox")]
        pub(super) test_key: String,
        pub(super) password: String,
        pub(super) note: Option<String>,
        pub(super) items: Vec<T>,
        #[cfg(any())]
        pub(super) missing: String,
    }

    #[redact]
    pub(super) enum Kind {
        Plain,
        Named { x: u32 },
        Held(#[redact(with = String::len)] String),
    }

    #[step_timed(fields(order, sku = clear(sku), card = mask(sku).last(4), token = 1), ret = hash)]
    pub(super) fn place(order: u64, sku: &str) -> String {
        let _ = order;
        sku.to_owned()
    }

    #[step_timed]
    pub(super) fn bare() {}

    #[dependency_call("payments", ret)]
    pub(super) fn charge() -> u32 {
        1
    }
}

fn inventory() -> candor::inventory::Inventory {
    candor::inventory().under(concat!(module_path!(), "::listed"))
}

#[test]
fn inventory_lists_every_policy_with_its_reason() {
    let module = concat!(module_path!(), "::listed");
    let expected = [
        "call payments M::charge.ret: by its type",
        "redact M::Kind.Held.0: with = String::len",
        "redact M::Kind.Named.x: by its type, u32",
        "redact M::Order.card: mask(first = 2, last = 2)",
        "redact M::Order.id: by its type, u64, else secret",
        "redact M::Order.items: by its type, Vec<T>, else secret",
        "redact M::Order.note: by its type, Option<String>, else secret",
        "redact M::Order.password: secret, by its name",
        "redact M::Order.test_key: clear, because the public sandbox",
        "step M::bare",
        "step M::place.card: mask.last(4)",
        "step M::place.order: by its type",
        "step M::place.ret: hash",
        "step M::place.sku: clear",
        "step M::place.token: secret, by its name",
    ];
    let shown: Vec<String> = inventory().lines().map(|line| line.replace(module, "M")).collect();
    assert_eq!(shown, expected);
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn failure(path: &Path) -> String {
    let path = path.to_owned();
    let caught =
        catch_unwind(move || inventory().assert_unchanged(path)).expect_err("a difference");
    *caught.downcast::<String>().expect("a text")
}

#[test]
fn inventory_check_fails_with_added_and_removed_entries() {
    let path = file("changed.lock");
    let text = inventory().to_string();
    std::fs::write(&path, &text).unwrap();
    inventory().assert_unchanged(&path);

    let changed = text.replace("Order.card: mask(first = 2, last = 2)", "Order.card: secret");
    assert_ne!(changed, text);
    std::fs::write(&path, &changed).unwrap();
    let failure = failure(&path);
    assert!(failure.contains("UPDATE_LOGGED=1"), "{failure}");
    let lines: Vec<&str> = failure.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    assert_eq!(lines.len(), 2, "{failure}");
    assert!(lines[0].starts_with("+ redact") && lines[0].ends_with("mask(first = 2, last = 2)"));
    assert!(lines[1].starts_with("- redact") && lines[1].ends_with("secret"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed, "nothing is written unasked");
}

#[test]
fn inventory_check_fails_without_a_file() {
    let path = file("missing.lock");
    let failure = failure(&path);
    assert!(
        failure.contains("missing.lock is missing; run the test with UPDATE_LOGGED=1"),
        "{failure}"
    );
    assert!(!path.exists());
}
