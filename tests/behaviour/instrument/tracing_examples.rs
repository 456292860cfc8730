//! The examples in the documentation of `tracing`'s `#[instrument]`, with candor's attribute imported in its place.

#![allow(
    unreachable_pub,
    unused_variables,
    clippy::needless_borrows_for_generic_args,
    clippy::redundant_static_lifetimes,
    reason = "the examples are as in that documentation"
)]

use std::collections::HashMap;

use async_trait::async_trait;
use candor::RequestContext;
use candor::instrument;
use candor::testing::{Line, capture};
use candor_tests::checked;
use futures::executor::block_on;
use tracing::Level;

/// Runs `work` in a request, and returns the line of its only step.
fn only_step(name: &str, work: impl FnOnce()) -> Line {
    let captured = capture();
    RequestContext::with_id("r-1").enter_with(work);
    checked(&captured);
    let line = captured.step(name);
    assert_eq!(line.text("request_id"), "r-1");
    line
}

/// The keys and values that are not candor's own, as JSON.
pub(super) fn fields(line: &Line) -> String {
    #[rustfmt::skip]
    const OWN: [&str; 16] = [
        "ts", "level", "logger", "msg", "request_id", "user_id", "method", "path", "seq", "event", "step",
        "duration_ms", "outcome", "step_id", "parent_id", "offset_ms",
    ];
    let keys = candor_tests::keys(line.raw());
    let own = keys.iter().filter(|key| !OWN.contains(&key.as_str()));
    let shown: Vec<_> =
        own.map(|key| format!("{key}={}", line.get(key).expect("a value"))).collect();
    shown.join(" ")
}

#[test]
fn a_name() {
    #[instrument(name = "my_span")]
    pub fn my_function() {}

    only_step("my_span", my_function);
}

mod my_module {
    use candor::instrument;

    #[instrument(target = "my_crate::some_special_target")]
    pub fn my_function() {}
}

#[test]
fn a_target() {
    let line = only_step("my_function", my_module::my_function);
    assert_eq!(line.text("logger"), "my_crate::some_special_target");
}

#[test]
fn a_level() {
    #[instrument(level = "trace")]
    pub fn my_function() {}

    assert_eq!(only_step("my_function", my_function).text("level"), "TRACE");
}

#[test]
fn a_skipped_argument() {
    struct NonDebug;

    #[instrument(skip(non_debug))]
    fn my_function(arg: usize, non_debug: NonDebug) {}

    #[instrument(skip_all)]
    fn my_big_data_function(large: Vec<u8>, also_large: HashMap<String, String>) {}

    let line = only_step("my_function", || my_function(3, NonDebug));
    assert_eq!(fields(&line), "arg=3");
    let work = || my_big_data_function(vec![0; 99], HashMap::new());
    assert_eq!(fields(&only_step("my_big_data_function", work)), "");
}

#[test]
fn a_skipped_receiver() {
    #[derive(Debug)]
    struct MyType {
        data: Vec<u8>,
    }

    impl MyType {
        #[instrument(skip(self))]
        pub fn my_method(&mut self, an_interesting_argument: usize) {
            self.data.clear();
        }
    }

    let line = only_step("my_method", || MyType { data: vec![7] }.my_method(3));
    assert_eq!(fields(&line), "an_interesting_argument=3");
}

#[test]
fn a_field_with_an_expression() {
    #[instrument(fields(next = i + 1))]
    pub fn my_function(i: usize) {}

    assert_eq!(fields(&only_step("my_function", || my_function(3))), "i=3 next=4");
}

#[test]
fn parts_of_an_argument() {
    mod http {
        use std::fmt;
        use std::marker::PhantomData;

        pub struct Response<B> {
            pub(super) body: PhantomData<B>,
        }
        pub struct Request<B> {
            pub(super) body: B,
        }
        impl<B> fmt::Debug for Request<B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad("request")
            }
        }
        impl<B> Request<B> {
            pub fn uri(&self) -> &str {
                "fake"
            }
            pub fn method(&self) -> &str {
                "GET"
            }
        }
    }

    #[instrument(fields(http.uri = req.uri(), http.method = req.method()))]
    pub fn handle_request<B>(req: http::Request<B>) -> http::Response<B> {
        drop(req.body);
        http::Response { body: std::marker::PhantomData }
    }

    let line = only_step("handle_request", || {
        let _ = handle_request(http::Request { body: 7 }).body;
    });
    let shown = r#"req="<Request<i32>>" http.uri="<text 3-4>" http.method="<text 3-4>""#;
    assert_eq!(fields(&line), shown);
}

#[test]
fn a_part_of_the_skipped_receiver() {
    #[derive(Debug)]
    struct MyType {
        name: &'static str,
        data: Vec<u8>,
    }

    impl MyType {
        #[instrument(skip(self), fields(self.name = %self.name))]
        pub fn my_method(&mut self, an_interesting_argument: usize) {
            self.data.clear();
        }
    }

    let line = only_step("my_method", || MyType { name: "ada", data: vec![] }.my_method(3));
    assert_eq!(fields(&line), r#"an_interesting_argument=3 self.name="<text 3-4>""#);
}

#[test]
fn an_empty_field_that_is_recorded_later() {
    #[instrument(fields(result))]
    pub fn do_calculation(input_1: usize, input_2: usize) -> usize {
        let result = input_1 + input_2;
        tracing::Span::current().record("result", &result);
        tracing::info!("calculation complete!");
        0
    }

    let captured = capture();
    do_calculation(3, 4);
    checked(&captured);
    assert_eq!(fields(&captured.step("do_calculation")), "input_1=3 input_2=4 result=7");
    assert_eq!(captured.line("calculation complete!").integer("result"), 7);
}

#[test]
fn a_function() {
    #[instrument]
    pub fn my_function(my_arg: usize) {
        tracing::info!("inside my_function!");
    }

    let captured = capture();
    my_function(3);
    assert_eq!(fields(&captured.step("my_function")), "my_arg=3");
    captured.line("inside my_function!");
}

#[test]
fn a_constant_level() {
    #[instrument(level = Level::DEBUG)]
    pub fn my_function() {}

    assert_eq!(only_step("my_function", my_function).text("level"), "DEBUG");
}

#[test]
fn a_short_target() {
    #[instrument(target = "my_target")]
    pub fn my_function() {}

    assert_eq!(only_step("my_function", my_function).text("logger"), "my_target");
}

#[test]
fn a_parent() {
    #[instrument(parent = None)]
    pub fn without_parent() {}

    struct MyStruct {
        span: tracing::Span,
    }

    impl MyStruct {
        #[instrument(parent = &self.span, skip(self))]
        fn my_method(&self) {}
    }

    #[candor::step_timed]
    fn outer() {
        without_parent();
        MyStruct { span: tracing::info_span!("another") }.my_method();
    }

    // The parent is the step around it.
    let captured = capture();
    RequestContext::new().enter_with(outer);
    captured.assert_step("without_parent").under("outer");
    captured.assert_step("my_method").under("outer");
}

#[test]
fn what_it_follows_from() {
    #[instrument(follows_from = causes)]
    pub fn of_ids(causes: &[tracing::Id]) {}

    #[instrument(follows_from = [cause])]
    pub fn of_a_span(cause: &tracing::span::EnteredSpan) {}

    assert_eq!(fields(&only_step("of_ids", || of_ids(&[]))), r#"causes="<list 0>""#);
    let line = only_step("of_a_span", || of_a_span(&tracing::info_span!("cause").entered()));
    assert_eq!(fields(&line), r#"cause="<EnteredSpan>""#);
}

#[test]
fn fields_of_every_kind() {
    #[derive(Debug)]
    struct Argument;
    impl Argument {
        fn bar(&self) -> &'static str {
            "bar"
        }
    }
    const FOOBAR: &'static str = "foo.bar";

    #[instrument(fields(foo="bar", id=1, show=true, {FOOBAR}=%arg.bar()))]
    fn my_function(arg: Argument) {}

    let line = only_step("my_function", || my_function(Argument));
    let shown = r#"arg="<Argument>" foo="bar" id=1 show=true foo.bar="<text 3-4>""#;
    assert_eq!(fields(&line), shown);
}

#[test]
fn the_returned_value() {
    #[instrument(ret)]
    fn my_function() -> i32 {
        42
    }

    #[instrument(ret(level = Level::WARN))]
    fn at_a_level() -> i32 {
        42
    }

    #[instrument(ret(Display))]
    fn displayed() -> i32 {
        42
    }

    let lines = [
        (only_step("my_function", || assert_eq!(my_function(), 42)), "INFO"),
        (only_step("at_a_level", || assert_eq!(at_a_level(), 42)), "WARN"),
        (only_step("displayed", || assert_eq!(displayed(), 42)), "INFO"),
    ];
    for (line, level) in lines {
        assert_eq!((line.text("level"), fields(&line).as_str()), (level, "ret=42"));
    }
}

#[test]
fn the_returned_error() {
    #[instrument(err)]
    fn my_function(arg: usize) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[instrument(err(level = Level::INFO))]
    fn at_a_level(arg: usize) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[instrument(err(Debug))]
    fn debugged(arg: usize) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[instrument(err, ret)]
    fn both(arg: usize) -> Result<(), std::io::Error> {
        Ok(())
    }

    for (name, function) in [
        ("my_function", my_function as fn(usize) -> Result<(), std::io::Error>),
        ("at_a_level", at_a_level),
        ("debugged", debugged),
    ] {
        let line = only_step(name, || function(7).expect("is good"));
        assert_eq!((line.text("level"), fields(&line).as_str()), ("INFO", "arg=7"));
    }
    let line = only_step("both", || both(7).expect("is good"));
    assert_eq!(fields(&line), "arg=7 ret=null");
}

#[test]
fn an_async_function() {
    #[instrument]
    pub async fn my_function() -> Result<(), ()> {
        Ok(())
    }

    only_step("my_function", || block_on(my_function()).expect("is good"));
}

#[test]
fn a_method_under_async_trait() {
    #[async_trait]
    pub trait Foo {
        async fn foo(&self, arg: usize);
    }

    #[derive(Debug)]
    struct FooImpl(usize);

    #[async_trait]
    impl Foo for FooImpl {
        #[instrument(fields(value = self.0, tmp = std::any::type_name::<Self>()))]
        async fn foo(&self, arg: usize) {}
    }

    let line = only_step("foo", || block_on(FooImpl(7).foo(3)));
    let shown = r#"self="<FooImpl>" arg=3 value=7 tmp="<text 65-128>""#;
    assert_eq!(fields(&line), shown);
}
