//! Arguments are dropped at the same time and in the same order as in the plain function.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Records its drop.
struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

fn note(what: &'static str) {
    DROPPED.with_borrow_mut(|dropped| dropped.push(what));
}

/// Everything that `run` drops or records, in order.
fn dropped<T>(run: impl FnOnce() -> T) -> Vec<&'static str> {
    DROPPED.with_borrow_mut(Vec::clear);
    drop(run());
    DROPPED.take()
}

/// Polls a future `polls` times, and drops it.
fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
    }
    None
}

/// A future that is pending once.
async fn breathe() {
    let mut done = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut done, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

type Outcome = Result<(), &'static str>;

super::both! {
    pub(super) fn unused(_a: Noisy, _b: Noisy, _c: Noisy) -> Outcome {
        note("body");
        Ok(())
    }

    pub(super) fn ignored(_: Noisy, b: Noisy, _: Noisy) -> Outcome {
        note("body");
        let _local = Noisy("local");
        let _ = &b;
        Ok(())
    }

    pub(super) fn moved(a: Noisy, b: Noisy, c: Noisy) -> Outcome {
        let _later = Noisy("local");
        drop(b);
        note("body");
        let _ = (&a, &c);
        Err("refused")
    }

    pub(super) fn patterns((_a, _): (Noisy, Noisy), [_c, ..]: [Noisy; 2], _: (Noisy, Noisy)) -> Outcome {
        note("body");
        Ok(())
    }

    pub(super) fn mutable(mut a: Noisy, b: Noisy) -> Outcome {
        a.0 = "changed";
        let _ = &b;
        Ok(())
    }

    pub(super) fn in_place(_a: Noisy, _: Noisy, c: Noisy) -> u32 {
        let _local = Noisy("local");
        let _ = &c;
        note("body");
        7
    }

    pub(super) fn unit(_a: Noisy, _: Noisy, _c: Noisy) {
        note("body");
    }

    pub(super) fn early(a: Noisy, _: Noisy, fails: bool) -> Outcome {
        if fails {
            return Err("early");
        }
        let _ = &a;
        note("late");
        Ok(())
    }

    pub(super) fn conditional(
        _a: Noisy,
        #[cfg(all())] b: Noisy,
        #[cfg(any())] c: Missing,
        #[cfg(all())] _: Noisy,
        (_d, _): (Noisy, Noisy),
    ) -> Outcome {
        note("body");
        let _local = Noisy("local");
        let _ = &b;
        Ok(())
    }

    pub(super) async fn conditional_async(
        _a: Noisy,
        #[cfg(all())] b: Noisy,
        #[cfg(any())] c: Missing,
        #[cfg(all())] _: Noisy,
        (_d, _): (Noisy, Noisy),
    ) -> Outcome {
        note("body");
        breathe().await;
        let _ = &b;
        Ok(())
    }

    pub(super) async fn exclusive_async(ref mut a: Noisy, (ref mut b, _): (Noisy, Noisy), c: Noisy) -> Outcome {
        breathe().await;
        a.0 = "changed";
        b.0 = "changed too";
        let _ = &c;
        Ok(())
    }

    #[track_caller]
    pub(super) fn located(_a: Noisy, _: Noisy, c: Noisy) -> Outcome {
        let _local = Noisy("local");
        let _ = &c;
        Err("refused")
    }

    pub(super) async fn unused_async(_a: Noisy, _b: Noisy, _c: Noisy) -> Outcome {
        note("body");
        breathe().await;
        note("behind");
        Ok(())
    }

    pub(super) async fn ignored_async(_: Noisy, b: Noisy, _: Noisy) -> Outcome {
        let _local = Noisy("local");
        breathe().await;
        let _ = &b;
        Ok(())
    }

    pub(super) async fn moved_async(a: Noisy, b: Noisy, c: Noisy) -> Outcome {
        drop(b);
        breathe().await;
        note("body");
        let _ = (&a, &c);
        Err("refused")
    }

    pub(super) async fn patterns_async((_a, _): (Noisy, Noisy), [_c, ..]: [Noisy; 2], _: Noisy) {
        breathe().await;
        note("body");
    }

    #[must_use]
    pub(super) async fn kept_async(_a: Noisy, _: Noisy, (_c, _): (Noisy, Noisy)) -> u32 {
        breathe().await;
        7
    }

    pub(super) fn future(_a: Noisy, _: Noisy, c: Noisy) -> impl Future<Output = u32> {
        note("before");
        async move {
            let _ = &c;
            breathe().await;
            7
        }
    }

    pub(super) fn boxed(_a: Noisy, _: Noisy, c: Noisy) -> Pin<Box<dyn Future<Output = u32>>> {
        note("before");
        Box::pin(async move {
            let _ = &c;
            breathe().await;
            7
        })
    }
}

/// Pairs of values with methods that take `self` apart, plain and timed.
macro_rules! pairs {
    ($($Pair:ident $(#[$attribute:meta])*;)*) => {$(
        struct $Pair {
            left: Noisy,
            right: Noisy,
        }

        impl $Pair {
            fn new() -> Self {
                $Pair { left: Noisy("left"), right: Noisy("right") }
            }

            $(#[$attribute])*
            fn unused(self, _a: Noisy) -> Outcome {
                note("body");
                Ok(())
            }

            $(#[$attribute])*
            fn one_half(self, _: Noisy) -> Outcome {
                drop(self.right);
                Ok(())
            }

            $(#[$attribute])*
            fn borrows_a_half(self, _a: Noisy) -> Outcome {
                let _ = &self.right;
                Ok(())
            }

            $(#[$attribute])*
            fn mutable(mut self, _a: Noisy) -> Outcome {
                self.left.0 = "other";
                Ok(())
            }

            $(#[$attribute])*
            fn boxed(self: Box<Self>, _a: Noisy) -> Outcome {
                let _ = &self.right;
                Ok(())
            }

            $(#[$attribute])*
            async fn unused_async(self, _a: Noisy) -> Outcome {
                breathe().await;
                Ok(())
            }

            $(#[$attribute])*
            async fn one_half_async(self, _: Noisy) -> Outcome {
                breathe().await;
                drop(self.right);
                Ok(())
            }

            $(#[$attribute])*
            async fn mutable_async(mut self, _: Noisy) -> Outcome {
                self.left.0 = "other";
                breathe().await;
                Ok(())
            }
        }
    )*};
}

pairs! {
    Plain;
    Timed #[candor::step_timed];
}

macro_rules! method_cases {
    (sync: $($name:ident)*; polled: $($polled:ident)*;) => {
        #[test]
        fn a_receiver_is_dropped_as_in_the_plain_function() {
            let _captured = candor::testing::capture();
            $(
                let plain = dropped(|| Plain::$name(Plain::new().into(), Noisy("a")));
                let timed = dropped(|| Timed::$name(Timed::new().into(), Noisy("a")));
                assert_eq!(timed, plain, stringify!($name));
                assert!(!plain.is_empty());
            )*
            $(for polls in 0..3 {
                let plain = dropped(|| polled(Plain::$polled(Plain::new(), Noisy("a")), polls));
                let timed = dropped(|| polled(Timed::$polled(Timed::new(), Noisy("a")), polls));
                assert_eq!(timed, plain, "{} after {polls} polls", stringify!($polled));
                assert!(!plain.is_empty());
            })*
        }
    };
}

method_cases! {
    sync: unused one_half borrows_a_half mutable boxed;
    polled: unused_async one_half_async mutable_async;
}

macro_rules! sync_cases {
    ($($name:ident($($argument:expr),*);)*) => {
        #[test]
        fn arguments_of_a_sync_function_are_dropped_as_in_the_plain_one() {
            $({
                let (_captured, plain) = (candor::testing::capture(), dropped(|| plain::$name($($argument),*)));
                assert_eq!(dropped(|| timed::$name($($argument),*)), plain, stringify!($name));
                assert!(!plain.is_empty());
            })*
        }
    };
}

sync_cases! {
    unused(Noisy("a"), Noisy("b"), Noisy("c"));
    ignored(Noisy("a"), Noisy("b"), Noisy("c"));
    moved(Noisy("a"), Noisy("b"), Noisy("c"));
    patterns((Noisy("a"), Noisy("b")), [Noisy("c"), Noisy("d")], (Noisy("e"), Noisy("f")));
    mutable(Noisy("a"), Noisy("b"));
    in_place(Noisy("a"), Noisy("b"), Noisy("c"));
    unit(Noisy("a"), Noisy("b"), Noisy("c"));
    early(Noisy("a"), Noisy("b"), true);
    early(Noisy("a"), Noisy("b"), false);
    located(Noisy("a"), Noisy("b"), Noisy("c"));
    conditional(Noisy("a"), Noisy("b"), Noisy("c"), (Noisy("d"), Noisy("e")));
}

macro_rules! async_cases {
    ($($name:ident($($argument:expr),*);)*) => {
        #[test]
        fn arguments_of_a_future_are_dropped_as_in_the_plain_one() {
            $(for polls in 0..3 {
                let _captured = candor::testing::capture();
                let plain = dropped(|| polled(plain::$name($($argument),*), polls));
                let timed = dropped(|| polled(timed::$name($($argument),*), polls));
                assert_eq!(timed, plain, "{} after {polls} polls", stringify!($name));
                assert!(!plain.is_empty());
            })*
        }
    };
}

async_cases! {
    unused_async(Noisy("a"), Noisy("b"), Noisy("c"));
    ignored_async(Noisy("a"), Noisy("b"), Noisy("c"));
    moved_async(Noisy("a"), Noisy("b"), Noisy("c"));
    patterns_async((Noisy("a"), Noisy("b")), [Noisy("c"), Noisy("d")], Noisy("e"));
    kept_async(Noisy("a"), Noisy("b"), (Noisy("c"), Noisy("d")));
    conditional_async(Noisy("a"), Noisy("b"), Noisy("c"), (Noisy("d"), Noisy("e")));
    exclusive_async(Noisy("a"), (Noisy("b"), Noisy("c")), Noisy("d"));
    future(Noisy("a"), Noisy("b"), Noisy("c"));
    boxed(Noisy("a"), Noisy("b"), Noisy("c"));
}
