//! The future of an annotated async function: its size, its nesting depth and its auto traits.

use std::cell::Cell;
use std::future::Future;
use std::panic::UnwindSafe;
use std::rc::Rc;

async fn breathe() {
    std::future::ready(()).await;
}

super::both! {
    pub(super) async fn empty() {}
    pub(super) async fn one_word(a: u64) -> u64 { breathe().await; a }
    pub(super) async fn text(a: String, b: String) -> usize { breathe().await; a.len() + b.len() }
    pub(super) async fn array(a: [u8; 1024]) -> u8 { breathe().await; a[7] }
    pub(super) async fn borrowed(a: &[u8], b: &str) -> usize { breathe().await; a.len() + b.len() }
    pub(super) async fn ignored(_: String, _: [u64; 8]) { breathe().await; }
    pub(super) async fn fallible(a: u64) -> Result<u64, String> { breathe().await; Ok(a) }
    pub(super) async fn large_value() -> [u64; 64] { breathe().await; [1; 64] }
    pub(super) async fn nested(a: String) -> usize {
        let first = one_word(1).await;
        let second = text(a, String::new()).await;
        second + usize::try_from(first).unwrap_or(0)
    }
    pub(super) async fn pattern((a, b): (String, [u8; 64]), c: Vec<u8>) -> usize {
        breathe().await;
        a.len() + b.len() + c.len()
    }
    pub(super) async fn generic<T: Send + Clone>(a: T, b: &T) -> (T, T) { breathe().await; (a, b.clone()) }
}

/// The size of a step's state, by which a future grows.
const HEADER: usize = 64;

macro_rules! sizes {
    ($($name:ident($($argument:expr),*);)*) => {
        #[test]
        fn a_future_grows_by_at_most_64_bytes() {
            let mut rows = Vec::new();
            $({
                let plain = size_of_val(&plain::$name($($argument),*));
                let timed = size_of_val(&timed::$name($($argument),*));
                rows.push((stringify!($name), plain, timed));
            })*
            for (name, plain, timed) in &rows {
                // The inner future is annotated too.
                let futures = if *name == "nested" { 2 } else { 1 };
                println!("{name:12} {plain:5} {timed:5} +{}", timed - plain);
                assert!(timed - plain <= futures * HEADER, "{name}: {plain} to {timed} bytes");
            }
            assert!(rows.len() >= 10);
        }
    };
}

sizes! {
    empty();
    one_word(1);
    text(String::new(), String::new());
    array([0; 1024]);
    borrowed(&[], "");
    ignored(String::new(), [0; 8]);
    fallible(1);
    large_value();
    nested(String::new());
    pattern((String::new(), [0; 64]), Vec::new());
    generic(1_u8, &2);
}

/// Functions that each call the one before; the first is innermost.
macro_rules! chain {
    ($first:ident $($name:ident)*) => {
        #[candor::step_timed]
        async fn $first(depth: u32) -> Result<u32, std::io::Error> {
            breathe().await;
            Ok(depth)
        }
        chain!(@ $first $($name)*);
    };
    (@ $inner:ident $name:ident $($rest:ident)*) => {
        #[candor::step_timed]
        async fn $name(depth: u32) -> Result<u32, std::io::Error> {
            let depth = $inner(depth).await?;
            Ok(depth + 1)
        }
        chain!(@ $name $($rest)*);
    };
    (@ $last:ident) => {
        fn deepest() -> impl Future<Output = Result<u32, std::io::Error>> {
            $last(1)
        }
    };
}

chain!(f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24);

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn twenty_four_nested_async_calls_are_send() {
    let captured = candor::testing::capture();
    let depth = futures::executor::block_on(is_send(async { is_send(deepest()).await }));
    assert_eq!(depth.ok(), Some(24));
    assert_eq!(captured.events("step_timing").len(), 24);
}

/// Detects the auto traits of a future at compile time, without requiring them.
macro_rules! is {
    ($value:expr, $Trait:ident) => {{
        #[allow(dead_code, reason = "the value's type is asked alone")]
        struct Probe<'a, T>(&'a T);
        #[allow(dead_code, reason = "one of the two answers")]
        trait No {
            fn is(&self) -> bool {
                false
            }
        }
        impl<T> No for &Probe<'_, T> {}
        #[allow(dead_code, reason = "one of the two answers")]
        trait Yes {
            fn is(&self) -> bool {
                true
            }
        }
        impl<T: $Trait> Yes for Probe<'_, T> {}
        match $value {
            value => (&Probe(&value)).is(),
        }
    }};
}

mod traits {
    use super::*;

    super::super::both! {
        pub(super) async fn send(a: String) -> usize { breathe().await; a.len() }
        pub(super) async fn local(a: Rc<u8>) -> u8 { breathe().await; *a }
        pub(super) async fn unused_local(_: Rc<u8>) { breathe().await; }
        pub(super) async fn cell(a: &Cell<u8>) -> u8 { breathe().await; a.get() }
        pub(super) async fn drops_before(a: Rc<u8>) { drop(a); breathe().await; }
        pub(super) async fn exclusive(a: &mut u8) { breathe().await; *a = 1; }
        pub(super) fn returned(a: String) -> impl Future<Output = usize> + Send { async move { breathe().await; a.len() } }
        pub(super) fn returned_local(a: Rc<u8>) -> impl Future<Output = u8> { async move { breathe().await; *a } }
    }

    macro_rules! same {
        ($($name:ident($($argument:expr),*);)*) => {
            #[test]
            fn a_future_is_send_sync_and_unwind_safe_if_the_plain_one_is() {
                $(
                    let plain = [
                        is!(plain::$name($($argument),*), Send),
                        is!(plain::$name($($argument),*), Sync),
                        is!(plain::$name($($argument),*), UnwindSafe),
                        is!(plain::$name($($argument),*), Unpin),
                    ];
                    let timed = [
                        is!(timed::$name($($argument),*), Send),
                        is!(timed::$name($($argument),*), Sync),
                        is!(timed::$name($($argument),*), UnwindSafe),
                        is!(timed::$name($($argument),*), Unpin),
                    ];
                    assert_eq!(timed, plain, stringify!($name));
                )*
            }
        };
    }

    same! {
        send(String::new());
        local(Rc::new(1));
        unused_local(Rc::new(1));
        cell(&Cell::new(1));
        drops_before(Rc::new(1));
        exclusive(&mut 1);
        returned(String::new());
        returned_local(Rc::new(1));
    }

    #[test]
    fn the_auto_trait_probe_can_return_both_values() {
        assert!(is!(String::new(), Send));
        assert!(!is!(Rc::new(1), Send));
    }
}
