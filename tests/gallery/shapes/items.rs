//! Items inside of bodies, and functions inside of constants.
use std::cell::RefCell;

use candor::step_timed;

use crate::{Answer, breathe};

// shape: foreign items first
#[step_timed]
fn foreign_items_first(number: i32) -> Answer<i32> {
    unsafe extern "C" {
        safe fn abs(number: i32) -> i32;
    }
    std::fs::read("none")?;
    Ok(abs(number))
}

// shape: foreign items first async
#[step_timed]
async fn foreign_items_first_async(number: i32) -> Answer<i32> {
    unsafe extern "C" {
        safe fn abs(number: i32) -> i32;
    }
    breathe().await;
    Ok(abs(number))
}

// shape: unsafe function first
#[step_timed]
async fn unsafe_function_first(number: &u32) -> u32 {
    unsafe fn read(number: *const u32) -> u32 {
        // SAFETY: the caller guarantees that `number` is valid for reads.
        unsafe { *number }
    }
    breathe().await;
    // SAFETY: a reference is valid for reads.
    unsafe { read(number) }
}

// shape: async function first
#[step_timed]
async fn async_function_first(number: u32) -> u32 {
    async fn next(number: u32) -> u32 {
        breathe().await;
        number + 1
    }
    next(number).await
}

// shape: async function first in place
#[step_timed]
fn async_function_first_in_place(number: u32) {
    async fn next(number: u32) -> u32 {
        breathe().await;
        number + 1
    }
    drop(next(number));
}

// shape: implementation first
#[step_timed]
fn implementation_first(number: u32) -> Answer<u32> {
    impl Counted for u8 {
        fn counted(&self) -> Answer<u32> {
            Ok(u32::from(*self))
        }
    }
    std::fs::read("none")?;
    7_u8.counted().map(|seven| seven + number)
}

// shape: implementation first async
#[step_timed]
async fn implementation_first_async(number: u32) -> Answer<u32> {
    impl Counted for u16 {
        fn counted(&self) -> Answer<u32> {
            Ok(u32::from(*self))
        }
    }
    breathe().await;
    7_u16.counted().map(|seven| seven + number)
}

// shape: implementation first in place
#[step_timed]
fn implementation_first_in_place(number: u32) -> u32 {
    unsafe impl Marked for u32 {}
    fn counted(number: u32) -> u32 {
        number
    }
    counted(number + std::process::id())
}

trait Counted {
    fn counted(&self) -> Answer<u32>;
}

/// # Safety
///
/// There is no requirement.
unsafe trait Marked {}

// shape: visible items first
#[step_timed]
async fn visible_items_first() -> Answer<u32> {
    pub struct Held {
        pub held: u32,
    }
    pub(crate) enum Other {
        Held(Held),
    }
    breathe().await;
    let Other::Held(held) = Other::Held(Held { held: 7 });
    Ok(held.held)
}

// shape: union first
#[step_timed]
async fn union_first() -> u32 {
    union Bits {
        number: u32,
        bytes: [u8; 4],
    }
    breathe().await;
    let bits = Bits { number: 7 };
    // SAFETY: all bits are valid for a number.
    unsafe { bits.number }
}

// shape: thread local first
#[step_timed]
async fn thread_local_first() -> Answer<u32> {
    thread_local! {
        static COUNT: RefCell<u32> = const { RefCell::new(0) };
    }
    breathe().await;
    COUNT.with_borrow_mut(|count| *count += 1);
    Ok(COUNT.with_borrow(|count| *count))
}

// shape: macro definition first
#[step_timed]
async fn macro_definition_first() -> Answer<u32> {
    macro_rules! seven {
        () => {
            7
        };
    }
    breathe().await;
    Ok(seven!())
}

// shape: in a constant block
const NESTED: fn(&str) -> Answer<usize> = const {
    #[step_timed]
    fn nested(path: &str) -> Answer<usize> {
        std::fs::read(path).map(|read| read.len())
    }
    nested
};

// shape: in an anonymous constant
const _: () = {
    #[step_timed]
    async fn anonymous(path: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(path).map(|read| read.len())
    }
};

// shape: annotated implementation inside a body
#[step_timed]
fn implementation_inside(path: &str) -> Answer<usize> {
    struct Inner<'a>(&'a str);
    impl Inner<'_> {
        #[step_timed("inner_read", level = "debug")]
        fn read(&self) -> Answer<usize> {
            Ok(std::fs::read(self.0)?.len())
        }
    }
    Inner(path).read()
}
