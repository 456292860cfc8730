//! Bodies: statements, tails, items and attributes inside of them.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Mutex;

use candor::step_timed;

use crate::{Answer, breathe};

// shape: labeled block as the tail
#[step_timed]
fn labeled_block(names: &[&str]) -> Answer<usize> {
    'found: {
        for name in names {
            if name.is_empty() {
                break 'found Ok(0);
            }
            if std::fs::exists(name)? {
                break 'found Ok(name.len());
            }
        }
        Err(io::Error::other("none"))
    }
}

// shape: labeled loops as the tail async
#[step_timed]
async fn labeled_loops(mut left: u32) -> Answer<u32> {
    'outer: loop {
        while left > 0 {
            breathe().await;
            left -= 1;
            if left == 7 {
                continue 'outer;
            }
            if left == 3 {
                break 'outer Ok(left);
            }
        }
        break Err(io::Error::other("none"));
    }
}

// shape: let else
#[step_timed]
fn let_else(text: &str) -> Answer<u32> {
    let Some((left, right)) = text.split_once('=') else {
        return Err(io::Error::other("no pair"));
    };
    let Ok(number) = right.parse::<u32>() else {
        println!("{left}");
        return Ok(0);
    };
    Ok(number)
}

// shape: let else in a loop async
#[step_timed]
async fn let_else_async(texts: &[&str]) -> Option<u32> {
    let mut sum = 0;
    for text in texts {
        let Ok(number) = text.parse::<u32>() else { continue };
        breathe().await;
        sum += number;
    }
    let [first, ..] = texts else { return None };
    first.parse().ok().map(|first: u32| first + sum)
}

// shape: pattern test as the tail
#[step_timed]
fn pattern_test(number: u32) -> bool {
    println!("{number}");
    matches!(number, 1..=9 | 90..)
}

// shape: pattern test as the tail of a result
#[step_timed]
async fn pattern_test_async(number: u32) -> Answer<bool> {
    breathe().await;
    Ok(matches!(number, 1 | 2 if number > 1))
}

// shape: closure as a try block
#[step_timed]
fn closure_as_try_block(path: &str) -> u64 {
    let length = (|| -> Answer<u64> {
        let length = std::fs::metadata(path)?.len();
        if length == 0 {
            return Err(io::Error::other("empty"));
        }
        Ok(length)
    })();
    length.unwrap_or_default()
}

// shape: async block as a try block
#[step_timed]
async fn async_block_as_try_block(path: &str) -> Answer<Option<u64>> {
    let length: Answer<u64> = async {
        breathe().await;
        let length = std::fs::metadata(path)?.len();
        if length == 0 {
            return Err(io::Error::other("empty"));
        }
        Ok(length)
    }
    .await;
    match length {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

// shape: async block as the tail
#[step_timed]
async fn async_block_as_the_tail(path: &str) -> Answer<u64> {
    let path = path.to_owned();
    async move {
        breathe().await;
        Ok(std::fs::metadata(path)?.len())
    }
    .await
}

// shape: async closures
#[step_timed]
async fn async_closures(names: &mut Vec<String>) -> Answer<usize> {
    let mut push = async |name: &str| -> Answer<()> {
        breathe().await;
        std::fs::metadata(name)?;
        names.push(name.to_owned());
        Ok(())
    };
    push("a").await?;
    push("b").await?;
    Ok(names.len())
}

// shape: mixed errors in closures
#[step_timed]
fn mixed_errors(texts: &[&str]) -> Result<Vec<u32>, Box<dyn std::error::Error>> {
    fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        let number: u32 = text.trim().parse()?;
        Ok(number)
    }
    let numbers = texts
        .iter()
        .map(|text| {
            let text = std::fs::read_to_string(text)?;
            Ok(parse(&text)?)
        })
        .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    if numbers.is_empty() { Err("no numbers".into()) } else { Ok(numbers) }
}

macro_rules! ensure {
    ($test:expr, $($message:tt)+) => {
        if !$test {
            return Err(io::Error::other(format!($($message)+)));
        }
    };
}

macro_rules! parsed {
    ($text:expr) => {{
        let text: &str = $text;
        text.parse::<u32>().map_err(io::Error::other)
    }};
}

// shape: macro that returns
#[step_timed]
fn macro_that_returns(number: u32) -> Answer<()> {
    ensure!(number > 1, "{number} is small");
    ensure!(number < 9, "{} is large", number);
    Ok(())
}

// shape: macro that returns async
#[step_timed]
async fn macro_that_returns_async(number: u32) -> Answer<()> {
    breathe().await;
    ensure!(number > 1, "{number} is small");
    Ok(())
}

// shape: macro as the tail
#[step_timed]
fn macro_as_the_tail(text: &str) -> Answer<u32> {
    std::fs::read("none")?;
    parsed!(text)
}

// shape: macro as the tail async
#[step_timed]
async fn macro_as_the_tail_async(text: &str) -> Answer<u32> {
    breathe().await;
    parsed! { text }
}

// shape: macro as the only token
#[step_timed]
fn macro_as_the_only_token() -> Vec<u32> {
    vec![std::process::id(), 2]
}

// shape: constant block
#[step_timed]
fn constant_block<const N: usize>(bytes: [u8; N]) -> Answer<usize> {
    const { assert!(N > 1, "too short") };
    std::fs::write("none", bytes)?;
    Ok(const { N - 1 })
}

// shape: constant block as the tail
#[step_timed]
async fn constant_block_as_the_tail<const N: usize>() -> usize {
    breathe().await;
    const { N * 2 }
}

// shape: attributes on statements
#[step_timed]
fn attributes_on_statements(number: u32) -> Answer<u32> {
    #[cfg(any())]
    missing();
    #[allow(unused_must_use)]
    std::fs::remove_file("none");
    #[expect(unused_variables)]
    let unused = number;
    #[rustfmt::skip]
    let sum = number+1;
    #[cfg(any())]
    {
        missing()
    }
    #[cfg(all())]
    Ok(sum)
}

// shape: attributes on statements async
#[step_timed]
async fn attributes_on_statements_async(number: u32) -> Answer<u32> {
    #[cfg(any())]
    let number = missing().await;
    #[allow(clippy::let_unit_value)]
    let () = breathe().await;
    #[cfg(any())]
    return Err(missing());
    #[cfg(not(any()))]
    return Ok(number);
}

// shape: inner attributes of a function
#[step_timed]
fn inner_attributes(number: u32) -> Answer<u32> {
    #![allow(clippy::no_effect_underscore_binding, unused_variables)]
    //! Adds nothing.
    let _sum = number + 1;
    let unused = 7;
    std::fs::read("none")?;
    Ok(number)
}

// shape: explicit returns
#[warn(clippy::implicit_return)]
#[step_timed]
fn explicit_return(number: u32) -> Answer<u32> {
    return std::fs::read("none").map(|_| number);
}

// shape: explicit returns in place
#[warn(clippy::implicit_return)]
#[step_timed]
fn explicit_return_in_place(number: u32) -> u32 {
    return number + std::process::id();
}

// shape: explicit returns async
#[warn(clippy::implicit_return)]
#[step_timed]
async fn explicit_return_async(number: u32) -> Answer<u32> {
    breathe().await;
    return Ok(number);
}

// shape: explicit returns async without an await
#[warn(clippy::implicit_return)]
#[expect(clippy::unused_async, reason = "a callback")]
#[step_timed]
async fn explicit_return_at_once(number: u32) -> Answer<u32> {
    return Ok(number);
}

// shape: return of a match
#[step_timed]
fn return_of_a_match(number: Option<u32>) -> Answer<u32> {
    return match number {
        Some(7) => return Err(io::Error::other("seven")),
        Some(number) => Ok(number),
        None => std::fs::read("none").map(|_| 0),
    };
}

// shape: variable as the tail
#[step_timed]
fn variable_as_the_tail(path: &str) -> Answer<usize> {
    let length = std::fs::read(path).map(|read| read.len());
    length
}

// shape: variable as the tail async
#[step_timed]
async fn variable_as_the_tail_async(path: &str) -> Answer<usize> {
    breathe().await;
    let length = std::fs::read(path).map(|read| read.len());
    length
}

// shape: unit value as the tail
#[step_timed]
fn unit_as_the_tail(numbers: &mut Vec<u32>) {
    numbers.clear()
}

// shape: unit value as the tail async
#[step_timed]
async fn unit_as_the_tail_async(numbers: &mut Vec<u32>) {
    breathe().await;
    numbers.clear()
}

// shape: only await
#[step_timed]
async fn only_await() {
    breathe().await
}

// shape: unit branches as the tail
#[step_timed]
async fn unit_branches(numbers: &mut Vec<u32>) {
    if numbers.is_empty() {
        breathe().await;
    } else {
        numbers.clear();
    }
}

// shape: unit loop as the tail
#[step_timed]
async fn unit_loop(numbers: &[u32]) {
    for _ in numbers {
        breathe().await;
    }
}

// shape: if let with several branches as the tail
#[step_timed]
async fn if_let_as_the_tail(first: Option<u32>, second: Answer<u32>) -> Answer<u32> {
    breathe().await;
    if let Some(first) = first {
        Ok(first)
    } else if let Ok(2..) = second {
        second
    } else {
        Err(io::Error::other("none"))
    }
}

// shape: temporaries of the tail
#[step_timed]
fn temporaries_of_the_tail(names: &RefCell<Vec<String>>, at: usize) -> Answer<usize> {
    std::fs::read("none")?;
    names.borrow().get(at).map(String::len).ok_or_else(|| io::Error::other("none"))
}

// shape: temporaries of the scrutinee
#[step_timed]
fn temporaries_of_the_scrutinee(names: &Mutex<BTreeMap<u32, String>>) -> Answer<String> {
    if let Some(name) = names.lock().map_err(|_| io::Error::other("poisoned"))?.remove(&1) {
        Ok(name)
    } else {
        let mut names = names.lock().map_err(|_| io::Error::other("poisoned"))?;
        names.remove(&2).ok_or_else(|| io::Error::other("none"))
    }
}

// shape: borrow across an await
#[step_timed]
async fn borrow_across_an_await(names: Rc<RefCell<Vec<String>>>) -> Answer<usize> {
    let mut borrowed = names.borrow_mut();
    breathe().await;
    borrowed.push(String::new());
    Ok(borrowed.len())
}

// shape: mutable borrow after a closure
#[step_timed]
fn mutable_borrow_after_a_closure(text: &mut String, extra: &mut u32) -> Answer<()> {
    let mut add = |part: &str| {
        *extra += 1;
        text.push_str(part);
    };
    add("a");
    add("b");
    write!(text, "{extra}").map_err(io::Error::other)
}

// shape: nested functions async
#[step_timed]
async fn nested_async(number: u32) -> Answer<u32> {
    #[step_timed("inner_step", fields(number))]
    async fn inner(number: u32) -> Answer<u32> {
        breathe().await;
        Ok(number)
    }
    inner(number).await
}

// shape: recursion through a boxed future
#[step_timed]
fn recursion_boxed(
    left: u32,
) -> std::pin::Pin<Box<dyn std::future::Future<Output = Answer<u32>> + Send + 'static>> {
    Box::pin(async move {
        match left {
            0 => Ok(0),
            left => Ok(recursion_boxed(left - 1).await? + 1),
        }
    })
}

// shape: mutual recursion async
#[step_timed]
async fn is_even(number: u32) -> bool {
    if number == 0 {
        return true;
    }
    Box::pin(is_odd(number - 1)).await
}

#[step_timed]
async fn is_odd(number: u32) -> bool {
    if number == 0 {
        return false;
    }
    Box::pin(is_even(number - 1)).await
}

// shape: literals with braces
#[step_timed]
fn literals_with_braces(number: u32) -> Answer<String> {
    std::fs::write("none", r#"{"a": "}"#)?;
    let bytes = b"{\"";
    let _ = (c"}", '{', b'}', bytes);
    Ok(format!("{{{number}}}"))
}
