//! Functions of every form: the outcome of the step, and the parts that the attribute leaves unchanged.

#![allow(unused_variables, reason = "arguments that only the attribute uses")]

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use async_trait::async_trait;
use candor::testing::{Line, capture};
use candor::{RequestContext, instrument};
use candor_tests::checked;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tracing::Span;

use super::tracing_examples::fields;

fn outcomes(lines: &[Line]) -> Vec<(String, String)> {
    lines
        .iter()
        .map(|line| (line.text("step").to_owned(), line.text("outcome").to_owned()))
        .collect()
}

#[test]
fn every_outcome_is_known() {
    type Aliased<T> = Result<T, fmt::Error>;

    #[instrument]
    fn fails(n: u32) -> Aliased<u32> {
        if n == 1 {
            return Err(fmt::Error);
        }
        Err(fmt::Error)?;
        Ok(n)
    }
    #[instrument]
    fn panics(n: u32) {
        panic!("{n}");
    }
    #[instrument]
    async fn panics_later(n: u32) -> u32 {
        panic!("{n}");
    }
    #[instrument]
    async fn waits(n: u32) -> Aliased<u32> {
        std::future::pending::<()>().await;
        Ok(n)
    }

    let captured = capture();
    let _ = (fails(1), fails(2));
    let _ = catch_unwind(|| panics(3)).expect_err("a panic");
    let _ = catch_unwind(|| block_on(panics_later(4))).expect_err("a panic");
    {
        let mut future = pin!(waits(5));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let steps: Vec<Line> =
        captured.lines().into_iter().filter(|line| line.text("event") == "step_timing").collect();
    let expected = [
        ("fails", "error"),
        ("fails", "error"),
        ("panics", "panicked"),
        ("panics_later", "panicked"),
        ("waits", "cancelled"),
    ];
    let expected = expected.map(|(step, outcome)| (step.to_owned(), outcome.to_owned()));
    assert_eq!(outcomes(&steps), expected);
    let values: Vec<_> = steps.iter().map(|line| line.integer("n")).collect();
    assert_eq!(values, [1, 2, 3, 4, 5]);
}

#[test]
fn async_functions_and_those_that_return_futures() {
    #[instrument]
    async fn plain(polls: usize) -> Result<(), ()> {
        let mut left = polls;
        std::future::poll_fn(|cx| {
            if left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        Ok(())
    }
    #[instrument(err)]
    async fn opaque(n: i32) -> Result<impl Iterator<Item = i32>, &'static str> {
        Ok(0..n)
    }
    #[instrument]
    fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move { n })
    }
    #[instrument(ret, err)]
    fn returned(n: u32) -> impl Future<Output = Result<u32, Infallible>> {
        async move { Ok(n) }
    }
    #[instrument]
    fn alias(n: &u32) -> BoxFuture<'_, u32> {
        Box::pin(async move { *n })
    }
    #[instrument]
    fn sync_opaque(n: usize) -> Result<impl Iterator<Item = usize>, String> {
        Ok(0..n)
    }
    #[instrument]
    async fn borrows<'a>(text: &'a str, out: &mut String) -> &'a str {
        out.push_str(text);
        text
    }

    let captured = capture();
    block_on(plain(2)).expect("is good");
    assert_eq!(block_on(opaque(3)).expect("is good").count(), 3);
    assert_eq!(block_on(boxed(4)), 4);
    assert_eq!(block_on(returned(5)), Ok(5));
    assert_eq!(block_on(alias(&6)), 6);
    assert_eq!(sync_opaque(7).expect("is good").count(), 7);
    let mut out = String::new();
    assert_eq!(block_on(borrows("x", &mut out)), "x");
    checked(&captured);
    let shown: Vec<_> = captured.lines().iter().map(fields).collect();
    let expected =
        ["polls=2", "n=3", "n=4", "n=5 ret=5", "n=6", "n=7", r#"text="<text 1>" out="<text 0>""#];
    assert_eq!(shown, expected);
}

#[test]
fn async_trait_methods() {
    struct Shop {
        id: u32,
    }

    #[async_trait]
    trait Store {
        async fn plain(&self, n: u32) -> Result<u32, fmt::Error>;
        async fn changes(&mut self, (a, b): (u32, u32), mut c: u32);
        async fn generic<T: Send + 'static>(&self, value: T) -> T;
        async fn consumes(self) -> u32;
        #[instrument]
        async fn provided(&self, n: u32) -> u32 {
            n
        }
    }

    #[async_trait]
    impl Store for Shop {
        #[instrument(skip(self), fields(id = self.id))]
        async fn plain(&self, n: u32) -> Result<u32, fmt::Error> {
            if n == 0 {
                return Err(fmt::Error);
            }
            Ok(self.id)
        }
        #[instrument(skip(self))]
        async fn changes(&mut self, (a, b): (u32, u32), mut c: u32) {
            c += a + b;
            self.id = c;
        }
        #[instrument(ret)]
        async fn generic<T: Send + 'static>(&self, value: T) -> T {
            value
        }
        #[instrument(err, ret, fields(Self = std::any::type_name::<Self>()))]
        async fn consumes(self) -> u32 {
            self.id
        }
    }

    let captured = capture();
    let mut shop = Shop { id: 7 };
    block_on(async {
        let _ = shop.plain(0).await;
        shop.changes((1, 2), 3).await;
        shop.generic("x").await;
        shop.provided(5).await;
        assert_eq!(shop.consumes().await, 6);
    });
    checked(&captured);
    assert_eq!(captured.step("plain").text("outcome"), "error");
    assert_eq!(captured.step("plain").integer("id"), 7);
    // The macro below has moved the pattern into the body.
    assert_eq!(fields(&captured.step("changes")), "c=3");
    assert_eq!(captured.step("generic").text("ret"), "<str>");
    assert_eq!(captured.step("provided").integer("n"), 5);
    let line = captured.step("consumes");
    assert_eq!((line.text("self"), line.integer("ret")), ("<Shop>", 6));
}

#[test]
fn methods_with_receivers_of_every_form() {
    #[derive(Clone)]
    struct Shop(u32);

    impl Shop {
        #[instrument]
        fn shared(&self) -> u32 {
            self.0
        }
        #[instrument(fields(id = self.0))]
        fn changed(&mut self, by: u32) -> Result<(), fmt::Error> {
            self.0 += by;
            Ok(())
        }
        #[instrument]
        fn boxed(self: Box<Self>) -> Option<u32> {
            Some(self.0)
        }
        #[instrument]
        async fn pinned(self: Pin<&mut Self>) -> u32 {
            self.0
        }
        #[instrument(skip(self))]
        async fn consumed(mut self, by: u32) -> Result<u32, fmt::Error> {
            self.0 += by;
            Ok(self.0)
        }
    }

    let captured = capture();
    let mut shop = Shop(1);
    shop.shared();
    shop.changed(2).expect("is good");
    Box::new(shop.clone()).boxed();
    block_on(Pin::new(&mut shop).pinned());
    assert_eq!(block_on(shop.consumed(3)), Ok(6));
    let shown: Vec<_> = captured.lines().iter().map(fields).collect();
    let expected = [
        r#"self="<Shop>""#,
        r#"self="<Shop>" by=2 id=1"#,
        r#"self="<Box<Shop>>""#,
        r#"self="<Pin<&mut Shop>>""#,
        "by=3",
    ];
    assert_eq!(shown, expected);
}

#[test]
#[allow(unsafe_code, reason = "an unsafe function is one of the forms")]
fn generic_unsafe_and_other_functions() {
    #[instrument]
    fn generic<T, const N: usize>(items: [T; N], n: u8) -> usize
    where
        T: Clone + fmt::Debug,
    {
        items.len()
    }
    #[instrument]
    unsafe fn not_safe(n: u32) -> u32 {
        n
    }
    #[instrument]
    extern "C" fn foreign(n: u32) -> u32 {
        n
    }
    #[instrument]
    #[must_use]
    #[inline]
    async fn attributes(_unused: u32, n: u32) -> u32 {
        n
    }
    #[instrument]
    fn inner_attributes(n: u32) -> u32 {
        #![allow(unused_mut)]
        #![doc = "inner"]
        let mut twice = n;
        twice * 2
    }
    #[instrument]
    fn twelve(
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
    ) -> Result<u8, ()> {
        Ok(a + b + c + d + e + f + g + h + i + j + k + l + m)
    }
    trait Shape {
        #[instrument]
        fn sides(&self, n: u32) -> u32 {
            n
        }
    }
    impl Shape for str {}

    let captured = capture();
    assert_eq!(generic([1, 2, 3], 1), 3);
    // SAFETY: the function does nothing unsafe.
    unsafe { not_safe(2) };
    let _ = foreign(3);
    let _ = block_on(attributes(0, 4));
    inner_attributes(5);
    let _ = twelve(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    "text".sides(6);
    let shown: Vec<_> = captured.lines().iter().map(fields).collect();
    assert_eq!(shown[..5], [r#"items="<list 3-4>" n=1"#, "n=2", "n=3", "_unused=0 n=4", "n=5"]);
    assert_eq!(shown[5].matches("=1").count(), 13, "{}", shown[5]);
    assert_eq!(shown[6], r#"self="<str>" n=6"#);
}

#[test]
fn moved_arguments_and_relations_leave_the_body_as_it_was() {
    #[instrument(parent = span.id(), follows_from = causes, skip(causes))]
    fn moves(span: Span, causes: Vec<Span>, text: String) -> Result<(Span, Vec<Span>, String), ()> {
        Ok((span, causes, text))
    }
    #[instrument(follows_from = causes, skip(causes))]
    async fn moves_later(
        causes: impl IntoIterator<Item = impl Into<Option<tracing::Id>>>,
        (a, b): (u32, u32),
    ) -> Result<usize, ()> {
        Ok(causes.into_iter().count())
    }
    #[instrument(follows_from = [&Span::current()], parent = a)]
    fn in_a_pattern((a, b): (Option<tracing::Id>, u32)) -> Result<u32, ()> {
        assert!(a.is_none());
        Ok(b)
    }

    let captured = capture();
    assert!(moves(Span::none(), vec![Span::none()], String::new()).is_ok());
    assert_eq!(block_on(moves_later([Span::none(), Span::none()], (1, 2))), Ok(2));
    assert_eq!(in_a_pattern((None, 3)), Ok(3));
    assert_eq!(captured.step("moves").text("text"), "<text 0>");
    assert_eq!(fields(&captured.step("moves_later")), "a=1 b=2");
    assert_eq!(captured.step("in_a_pattern").integer("b"), 3);
}

#[test]
fn steps_are_nested_and_begin_in_their_request() {
    #[instrument]
    async fn outer(n: u32) {
        inner(n + 1);
        later(n + 2).await;
    }
    #[instrument]
    fn inner(n: u32) {}
    #[candor::step_timed]
    async fn later(n: u32) {
        inner(n);
    }

    let captured = capture();
    RequestContext::with_id("r-9").enter_with(|| block_on(outer(1)));
    checked(&captured);
    assert_eq!(captured.steps("inner").len(), 2);
    captured.assert_step("later").under("outer");
    captured.assert_step("inner").under("later");
    assert_eq!(captured.step("outer").integer("parent_id"), 0);
}

#[test]
fn arguments_are_dropped_in_the_order_of_the_plain_function() {
    use std::cell::RefCell;
    use std::rc::Rc;

    struct Noted(&'static str, Rc<RefCell<Vec<&'static str>>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    #[instrument]
    fn sync(a: Noted, _: Noted, (b, _): (Noted, Noted)) -> Result<(), ()> {
        let _local = &a;
        Ok(())
    }

    let order = Rc::new(RefCell::new(Vec::new()));
    let noted = |name| Noted(name, Rc::clone(&order));
    let captured = capture();
    let _ = sync(noted("a"), noted("ignored"), (noted("b"), noted("rest")));
    assert_eq!(order.take(), ["b", "rest", "ignored", "a"]);
    let _ = captured.step("sync");
}

#[test]
fn a_panic_in_a_field_reaches_the_caller_as_in_a_plain_expression() {
    #[instrument(skip_all, fields(n = text.parse::<u32>().expect("a number")))]
    fn parses(text: &str) {}

    let captured = capture();
    catch_unwind(AssertUnwindSafe(|| parses("x"))).expect_err("a panic");
    parses("7");
    assert_eq!(captured.step("parses").integer("n"), 7);
}
