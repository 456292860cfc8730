//! Arguments: patterns, names, attributes, many of them.
use std::fmt::{self, Display};
use std::future::Future;
use std::num::Wrapping;
use std::pin::Pin;
use std::sync::Arc;

use candor::step_timed;

use crate::{Answer, breathe};

struct Point {
    x: u32,
    y: [u32; 2],
    name: String,
}

// shape: patterns of references
#[step_timed]
fn reference_patterns(&(first, ref second): &(u32, String), &&third: &&u8) -> Answer<usize> {
    std::fs::read(second)?;
    Ok(second.len() + first as usize + usize::from(third))
}

// shape: patterns that bind by reference
#[step_timed]
fn patterns_by_reference(
    Point { x, y: [ref mut left, _], ref name }: Point,
    ref mut whole @ [first, .., last]: [u8; 4],
    (Ok(either) | Err(either)): Result<u32, u32>,
) -> Answer<u32> {
    *left += x;
    whole[1] = first + last;
    std::fs::write(name, *whole)?;
    Ok(either + *left)
}

// shape: patterns that bind by reference async
#[step_timed]
async fn patterns_by_reference_async(
    Point { x, y: [ref mut left, _], ref name }: Point,
    ref mut whole @ [first, .., last]: [u8; 4],
    Wrapping(mut number): Wrapping<u32>,
) -> Answer<u32> {
    *left += x;
    breathe().await;
    number += u32::from(first + last);
    std::fs::write(name, whole)?;
    Ok(number + *left)
}

// shape: patterns in place
#[step_timed]
fn patterns_in_place(&[ref first, .., (mut count, _)]: &[(u32, String); 2], _: &str) -> u32 {
    count += first.0;
    count
}

// shape: names of generated code
#[step_timed]
fn generated_names(
    __step: u32,
    __value: u32,
    __arg0: u32,
    value: u32,
    fields: u32,
    candor: u32,
    std: u32,
) -> u32 {
    println!("{value} {fields} {candor} {std}");
    __step + __value + __arg0
}

// shape: names of generated code in a result
#[step_timed(fields(n = value))]
fn generated_names_in_a_result(
    __arg1: u32,
    __arg0: u32,
    __step: u32,
    __value: u32,
    __fields: u32,
    __entry: u32,
    value: u32,
) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(__step + __value + __arg0 + __arg1 + __fields + __entry + value)
}

// shape: names of generated code async
#[step_timed(fields(n = value))]
async fn generated_names_async(
    __arg1: u32,
    __arg0: u32,
    __step: u32,
    __value: u32,
    __fields: u32,
    __entry: u32,
    value: u32,
) -> Answer<u32> {
    breathe().await;
    Ok(__step + __value + __arg0 + __arg1 + __fields + __entry + value)
}

// shape: names of generated code in a boxed future
#[step_timed(fields(n = value))]
fn generated_names_boxed(
    __polled: u32,
    __entry: u32,
    value: u32,
) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { __polled + __entry + value })
}

// shape: raw identifiers
#[step_timed(fields(r#type, name = r#fn.len(), r#mod = r#type + 1))]
fn r#match(r#type: u32, r#fn: &str) -> Answer<u32> {
    std::fs::read(r#fn)?;
    Ok(r#type)
}

// shape: raw identifiers async
#[step_timed(fields(r#type))]
async fn r#loop(r#type: u32, mut r#fn: String) -> Answer<u32> {
    r#fn.push('a');
    breathe().await;
    std::fs::read(r#fn)?;
    Ok(r#type)
}

// shape: argument present under a cfg
#[step_timed]
fn cfg_argument(
    #[cfg(any())] first: Missing,
    #[cfg(not(any()))] second: u32,
    #[cfg(all())] mut third: u32,
    #[cfg_attr(all(), allow(unused_variables))] fourth: u32,
) -> Answer<u32> {
    third += 1;
    std::fs::read("none")?;
    Ok(second + third)
}

// shape: argument present under a cfg in place
#[step_timed]
fn cfg_argument_in_place(#[cfg(any())] first: Missing, #[cfg(all())] second: u32) -> u32 {
    println!("{second}");
    second + 1
}

// shape: argument present under a cfg async
#[step_timed]
async fn cfg_argument_async(
    #[cfg(any())] first: Missing,
    #[cfg(not(any()))] second: u32,
    #[cfg(all())] _: u32,
    #[cfg(any())] _: Missing,
    #[cfg(any())] (left, right): Missing,
) -> Answer<u32> {
    breathe().await;
    Ok(second)
}

// shape: expectations on arguments
#[step_timed]
fn expects(
    #[expect(unused_variables)] first: u32,
    #[expect(unused_mut, reason = "as another platform needs it")] mut second: u32,
    #[allow(unused_variables)] (third, _): (u32, u32),
) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(second)
}

// shape: expectations on arguments async
#[step_timed]
async fn expects_async(
    #[expect(unused_variables)] first: u32,
    #[expect(unused_mut, reason = "as another platform needs it")] mut second: u32,
    #[expect(unused_variables)] (third, _): (u32, u32),
) -> Answer<u32> {
    breathe().await;
    Ok(second)
}

// shape: expectations on arguments in place
#[step_timed]
fn expects_in_place(
    #[expect(unused_variables)] first: u32,
    #[expect(unused_mut)] mut second: u32,
) -> u32 {
    println!("{second}");
    second
}

// shape: many arguments
#[step_timed(fields(amount, others = others.len()))]
#[allow(clippy::too_many_arguments)]
fn many_arguments<'a, T: Display>(
    amount: u8,
    bits: u16,
    text: &'a str,
    bytes: &mut Vec<u8>,
    extra: Option<u8>,
    front: (u8, u8),
    given: [u8; 2],
    hash: impl Fn(u8) -> u8,
    boxed: Box<u8>,
    shared: Arc<u8>,
    key: T,
    mut line: String,
    mut more: Vec<u8>,
    (number, _): (u8, u8),
    others: &'a [u8],
) -> Answer<(&'a str, String)> {
    bytes.push(amount);
    more.extend([given[0], front.0, hash(number), *boxed, *shared, extra.unwrap_or(1)]);
    line.push_str(&format!("{key}{bits}"));
    std::fs::write("none", &more)?;
    Ok((if others.is_empty() { text } else { "none" }, line))
}

// shape: many arguments async
#[step_timed(fields(amount, others = others.len()))]
#[allow(clippy::too_many_arguments)]
async fn many_arguments_async<'a, T: Display + Send>(
    amount: u8,
    bits: u16,
    text: &'a str,
    bytes: &mut Vec<u8>,
    extra: Option<u8>,
    front: (u8, u8),
    given: [u8; 2],
    hash: impl Fn(u8) -> u8 + Send,
    boxed: Box<u8>,
    shared: Arc<u8>,
    key: T,
    mut line: String,
    mut more: Vec<u8>,
    (number, _): (u8, u8),
    others: &'a [u8],
) -> Answer<(&'a str, String)> {
    bytes.push(amount);
    breathe().await;
    more.extend([given[0], front.0, hash(number), *boxed, *shared, extra.unwrap_or(1)]);
    line.push_str(&format!("{key}{bits}"));
    std::fs::write("none", &more)?;
    Ok((if others.is_empty() { text } else { "none" }, line))
}

// shape: formatted
impl Display for Point {
    #[step_timed(level = "trace")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.x)?;
        f.write_str(&self.name)
    }
}

trait Executor<'a> {
    fn rows(&self) -> u32;
}

// shape: anonymous lifetime in an impl trait argument
#[step_timed]
async fn executes(executor: impl Executor<'_> + Send) -> Answer<u32> {
    breathe().await;
    Ok(executor.rows())
}

// shape: reference in an impl trait argument
#[step_timed]
async fn counts(names: impl Iterator<Item = &str> + Send) -> usize {
    breathe().await;
    names.count()
}

// shape: reference of a closure in an impl trait argument
#[step_timed]
async fn maps(measure: impl Fn(&str) -> usize + Send) -> usize {
    breathe().await;
    measure("name")
}
