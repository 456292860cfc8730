//! Functions that macros generate, and attributes whose arguments they pass on.
use std::future::Future;
use std::io;

use candor::{dependency_call, step_timed};

use crate::{Answer, breathe};

// shape: macro with a block
macro_rules! with_a_block {
    ($(#[$attribute:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block) => {
        $(#[$attribute])*
        #[step_timed]
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
    ($(#[$attribute:meta])* $vis:vis async fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block) => {
        $(#[$attribute])*
        #[step_timed(level = "debug", fields($($arg),*))]
        $vis async fn $name($($arg: $ty),*) -> $ret $body
    };
}
with_a_block! {
    /// Adds.
    #[inline]
    pub fn block_of_a_macro(left: u32, right: u32) -> Answer<u32> {
        if left > right {
            return Err(io::Error::other("large"));
        }
        std::fs::read("none")?;
        Ok(left + right)
    }
}
with_a_block! {
    #[allow(clippy::unused_async)]
    async fn async_block_of_a_macro(left: u32, right: u32) -> Answer<u32> {
        if left > right {
            return Err(io::Error::other("large"));
        }
        breathe().await;
        Ok(left + right)
    }
}
with_a_block! {
    fn plain_block_of_a_macro(left: u32) -> u32 { left + std::process::id() }
}
with_a_block! {
    fn boxed_block_of_a_macro(left: u32) -> std::pin::Pin<Box<dyn Future<Output = Answer<u32>> + Send>> {
        Box::pin(async move { Ok(left) })
    }
}

// shape: macro with tokens
macro_rules! with_tokens {
    ($name:ident, $ret:ty, $($body:tt)*) => {
        #[step_timed(name = stringify!($name))]
        fn $name(text: &str) -> $ret { $($body)*(text) }
    };
    (async $name:ident, $ret:ty, { $($body:tt)* }) => {
        #[step_timed(name = concat!("step_", stringify!($name)))]
        async fn $name(text: &str) -> $ret { breathe().await; println!("{text}"); $($body)* }
    };
}
with_tokens!(tokens_of_a_macro, Answer<Vec<u8>>, std::fs::read);
with_tokens!(async tokens_of_a_macro_async, Answer<Vec<u8>>, { std::fs::read("none") });

// shape: macro with arguments of the attribute
macro_rules! with_arguments {
    ($name:ident, $step:literal, $level:literal, $slow:literal, { $($field:ident = $value:expr),* }, $policy:ident) => {
        #[step_timed($step, level = $level, slow = $slow, fields($($field = $value),*), ret = $policy)]
        fn $name(text: &str) -> Answer<String> {
            std::fs::read_to_string(text)
        }
    };
    ($name:ident, $dependency:expr, $url:expr, $($outcome:tt)*) => {
        #[dependency_call(dependency = $dependency, url = $url, outcome = $($outcome)*)]
        async fn $name(text: &str) -> Answer<String> {
            breathe().await;
            std::fs::read_to_string(text)
        }
    };
}
with_arguments!(arguments_of_a_macro, "made", "debug", "5s", { rows = 1 + 1, kind = "guest" }, clear);
with_arguments!(call_of_a_macro, "payments", format!("https://example.com/{}", 1), outcome_of);

fn outcome_of(answer: &Answer<String>) -> (Option<u16>, Option<candor::dependency::Category>) {
    (answer.as_ref().ok().map(|_| 200), None)
}

// shape: macro with patterns, lifetimes and generics
macro_rules! with_patterns {
    ($name:ident<$life:lifetime, $generic:ident: $bound:path>, $pattern:pat, $result:expr) => {
        #[step_timed]
        fn $name<$life, $generic: $bound>($pattern: (&$life str, u32), other: &$generic) -> Answer<&$life str> {
            std::fs::write("none", format!("{other}"))?;
            Ok($result)
        }
    };
}
with_patterns!(patterns_of_a_macro<'a, T: std::fmt::Display>, (text, 0 | 1..), text);

// shape: macro with items
macro_rules! with_items {
    ($($item:item)*) => { $($item)* };
}
with_items! {
    #[step_timed("item_of_a_macro", fields(number))]
    fn item_of_a_macro(number: u32) -> Answer<u32> {
        std::fs::read("none")?;
        Ok(number)
    }

    #[step_timed]
    async fn async_item_of_a_macro(number: u32) -> Answer<u32> {
        breathe().await;
        Ok(number)
    }
}

// shape: macro with a whole signature
macro_rules! with_methods {
    ($ty:ident { $($(#[$attribute:meta])* fn $name:ident $args:tt -> $ret:ty = $value:expr;)* }) => {
        #[step_timed(level = "debug")]
        impl $ty {
            $($(#[$attribute])* fn $name $args -> $ret { $value })*
        }
    };
}
struct Made;
with_methods! {
    Made {
        /// Reads.
        fn read(path: &str) -> Answer<Vec<u8>> = std::fs::read(path);
        #[allow(clippy::unused_self)]
        fn length(&self, path: &str) -> Answer<usize> = Ok(Self::read(path)?.len());
        fn own(self) -> Answer<Self> = Self::read("none").map(|_| self);
    }
}

// shape: macro inside an annotated block
macro_rules! constant {
    ($name:ident) => {
        const $name: u32 = 7;
    };
}
#[step_timed]
impl Made {
    constant!(FIRST);
    constant! { SECOND }

    fn constants(&self) -> Answer<u32> {
        std::fs::read("none")?;
        Ok(Self::FIRST + Self::SECOND)
    }
}

// shape: macro that defines a macro
macro_rules! defines {
    ($dollar:tt $name:ident) => {
        macro_rules! $name {
                            ($dollar function:ident, $dollar body:expr) => {
                                #[step_timed]
                                async fn $dollar function() -> $crate::Answer<u32> {
                                    breathe().await;
                                    $dollar body
                                }
                            };
                        }
    };
}
defines!($ defined);
defined!(of_a_defined_macro, Ok(std::process::id()));

// shape: long type of a crate
macro_rules! with_a_long_type {
    ($name:ident) => {
        #[step_timed]
        async fn $name(
            path: &str,
        ) -> $crate::Answer<Option<Vec<(u32, Option<Vec<(u32, Option<String>)>>)>>> {
            breathe().await;
            std::fs::read(path)?;
            Ok(None)
        }
    };
}
with_a_long_type!(long_type_of_a_crate);

// shape: hygienic names
macro_rules! hygienic {
    ($name:ident, $outer:ident, $value:expr) => {
        #[step_timed(fields(n = $outer, m = inner))]
        fn $name($outer: u32, inner: u32) -> Answer<u32> {
            std::fs::read("none")?;
            let value = inner + 1;
            Ok($value + value)
        }
    };
}
hygienic!(hygienic, value, value + 1);

// shape: hygienic names async
macro_rules! hygienic_async {
    ($name:ident, $outer:ident, $value:expr) => {
        #[step_timed(fields(n = $outer, m = inner))]
        async fn $name(mut $outer: u32, inner: u32) -> Answer<u32> {
            breathe().await;
            let value = inner + 1;
            $outer += 1;
            Ok($value + value)
        }
    };
}
hygienic_async!(hygienic_async, value, value + 1);

// shape: macro with a statement
macro_rules! with_a_statement {
    ($name:ident, $statement:stmt, $tail:expr) => {
        #[step_timed]
        fn $name(number: u32) -> Answer<u32> {
            $statement;
            std::fs::read("none")?;
            $tail
        }
    };
}
with_a_statement!(statement_of_a_macro, let _ = 7, Ok(1));

// shape: macro with a closure
macro_rules! with_a_closure {
    ($name:ident, $closure:expr) => {
        #[step_timed]
        fn $name(number: u32) -> impl Fn(u32) -> Answer<u32> {
            println!("{number}");
            $closure
        }
    };
}
with_a_closure!(closure_of_a_macro, |number| Ok(number + 1));

// shape: macro with all arguments of the attribute
macro_rules! with_all_arguments {
    (step($($args:tt)*) $name:ident, $text:ident, $first:ident) => {
        #[step_timed($($args)*)]
        fn $name($text: &str, ($first, rest): (u32, u32)) -> Answer<u32> {
            std::fs::read($text)?;
            Ok($first + rest)
        }
    };
    (call($($args:tt)*) $name:ident, $text:ident) => {
        #[dependency_call($($args)*)]
        async fn $name($text: &str) -> Answer<String> {
            breathe().await;
            std::fs::read_to_string($text)
        }
    };
}
with_all_arguments!(step("made", ret, fields(length = text.len(), first), err = "error") all_arguments, text, first);
with_all_arguments!(step("made", ret = with = half, context(n = 1)) arguments_with_a_function, text, first);
with_all_arguments!(call("payments", ret = mask(last = 4), url = text, outcome = outcome_of) arguments_of_a_call, text);

fn half(number: &u32) -> u32 {
    number / 2
}
