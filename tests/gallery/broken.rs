// Bodies that do not compile. Each case begins with a comment, its name; the code above the first case is
// part of all of them.
#![allow(dead_code, unused)]
use std::future::Future;
use std::io;
use std::pin::Pin;

use candor::step_timed;

type Answer<T> = Result<T, io::Error>;

struct Shop {
    name: String,
    stock: Vec<u32>,
}

fn main() {}

async fn later(a: u32) -> u32 {
    a
}

// wrong type in the tail
#[step_timed]
fn f() -> u32 {
    "seven"
}
// wrong type in the tail of a result
#[step_timed]
fn f() -> Answer<u32> {
    Ok("seven")
}
// wrong type in the tail of a future
#[step_timed]
async fn f() -> u32 {
    "seven"
}
// wrong type in the tail of a fallible future
#[step_timed]
async fn f() -> Answer<u32> {
    later(1).await;
    Ok("seven")
}
// missing value
#[step_timed]
fn f() -> u32 {
    let a = 7;
}
// missing value in a result
#[step_timed]
fn f(a: u32) -> Answer<u32> {
    Ok(a);
}
// missing value in a future
#[step_timed]
async fn f(a: u32) -> u32 {
    later(a).await;
}
// an empty body
#[step_timed]
fn f() -> Answer<u32> {}
// an empty body of a future
#[step_timed]
async fn f() -> Answer<u32> {}
// unexpected value
#[step_timed]
fn f() {
    7
}
// unexpected value in a future
#[step_timed]
async fn f() {
    7
}
// wrong return
#[step_timed]
fn f(a: bool) -> Answer<u32> {
    if a {
        return "no";
    }
    Ok(1)
}
// wrong return of a future
#[step_timed]
async fn f(a: bool) -> Answer<u32> {
    if a {
        return "no";
    }
    Ok(1)
}
// return without a value
#[step_timed]
fn f(a: bool) -> Answer<u32> {
    if a {
        return;
    }
    Ok(1)
}
// return without a value in a future
#[step_timed]
async fn f(a: bool) -> Answer<u32> {
    if a {
        return;
    }
    Ok(1)
}
// if without else
#[step_timed]
fn f(a: bool) -> Answer<u32> {
    if a {
        Ok(1)
    }
}
// arms of different types
#[step_timed]
fn f(a: Option<u32>) -> Answer<u32> {
    match a {
        Some(a) => Ok(a),
        None => 7,
    }
}
// an error that does not convert
#[step_timed]
fn f(a: &str) -> Answer<u32> {
    let a: u32 = a.parse()?;
    Ok(a)
}
// an error that does not convert in a future
#[step_timed]
async fn f(a: &str) -> Answer<u32> {
    let a: u32 = a.parse()?;
    Ok(a)
}
// question mark in a function without a return type
#[step_timed]
fn f() {
    std::fs::read("none")?;
}
// question mark in a future without a return type
#[step_timed]
async fn f() {
    std::fs::read("none")?;
}
// unknown name
#[step_timed]
fn f() -> Answer<u32> {
    Ok(unknown)
}
// unknown name in a future
#[step_timed]
async fn f() -> Answer<u32> {
    Ok(unknown)
}
// unknown method
#[step_timed]
fn f(a: u32) -> Answer<u32> {
    Ok(a.pushed())
}
// unknown type in the signature
#[step_timed]
fn f(a: Unknown) -> Answer<u32> {
    Ok(1)
}
// unknown returned type
#[step_timed]
async fn f() -> Unknown {
    later(1).await
}
// missing await
#[step_timed]
async fn f() -> u32 {
    later(1)
}
// missing await in a sum
#[step_timed]
async fn f() -> Answer<u32> {
    Ok(later(1) + 1)
}
// missing await before a question mark
#[step_timed]
async fn f() -> Answer<u32> {
    let a = g()?;
    Ok(a)
}
async fn g() -> Answer<u32> {
    Ok(1)
}
// await outside async
#[step_timed]
fn f() -> Answer<u32> {
    Ok(later(1).await)
}
// use after move
#[step_timed]
fn f(a: String) -> Answer<usize> {
    drop(a);
    Ok(a.len())
}
// use after move in a future
#[step_timed]
async fn f(a: String) -> usize {
    drop(a);
    later(1).await;
    a.len()
}
// use after move of a local
#[step_timed]
fn f() -> Answer<usize> {
    let a = String::new();
    drop(a);
    Ok(a.len())
}
// assignment to an immutable variable
#[step_timed]
fn f(a: u32) -> Answer<u32> {
    a += 1;
    Ok(a)
}
// assignment to an immutable variable in a future
#[step_timed]
async fn f(a: u32) -> u32 {
    a += 1;
    a
}
// mutable borrow of an immutable variable
#[step_timed]
fn f(a: Vec<u32>) -> Answer<Vec<u32>> {
    a.push(1);
    Ok(a)
}
// mutable borrow of an immutable variable in a future
#[step_timed]
async fn f(a: Vec<u32>) -> Vec<u32> {
    a.push(1);
    a
}
// change behind a shared reference
#[step_timed]
fn f(a: &Vec<u32>) -> Answer<()> {
    a.push(1);
    Ok(())
}
// change behind a shared self
impl Shop {
    #[step_timed]
    fn f(&self) -> Answer<()> {
        self.stock.push(1);
        Ok(())
    }
}
// change behind a shared self in a future
impl Shop {
    #[step_timed]
    async fn f(&self) {
        self.stock.push(1);
    }
}
// move out of a shared self
impl Shop {
    #[step_timed]
    fn f(&self) -> Answer<String> {
        Ok(self.name)
    }
}
// move out of a shared self in a future
impl Shop {
    #[step_timed]
    async fn f(&self) -> String {
        self.name
    }
}
// two exclusive borrows
#[step_timed]
fn f(a: &mut Vec<u32>) -> Answer<()> {
    let b = &mut *a;
    let c = &mut *a;
    b.push(1);
    c.push(1);
    Ok(())
}
// two exclusive borrows in a future
#[step_timed]
async fn f(a: &mut Vec<u32>) {
    let b = &mut *a;
    let c = &mut *a;
    b.push(1);
    c.push(1);
}
// reference to a local
#[step_timed]
fn f<'a>() -> Answer<&'a str> {
    let a = String::new();
    Ok(&a)
}
// reference to a local in a future
#[step_timed]
async fn f<'a>() -> &'a str {
    let a = String::new();
    &a
}
// reference to an argument
#[step_timed]
fn f<'a>(a: String) -> Answer<&'a str> {
    Ok(a.as_str())
}
// reference to an argument in a future
#[step_timed]
async fn f<'a>(a: String) -> &'a str {
    a.as_str()
}
// wrong lifetime
#[step_timed]
fn f<'a>(a: &'a str, b: &str) -> Answer<&'a str> {
    Ok(b)
}
// wrong lifetime in a future
#[step_timed]
async fn f<'a>(a: &'a str, b: &str) -> &'a str {
    b
}
// missing lifetime
#[step_timed]
fn f(a: &str, b: &str) -> Answer<&str> {
    Ok(b)
}
// borrowed for too long
#[step_timed]
fn f() -> Answer<u32> {
    let a;
    {
        let b = 7;
        a = &b;
    }
    Ok(*a)
}
// too few arguments
#[step_timed]
fn f() -> Answer<u32> {
    Ok(7_u32.pow())
}
// missing bound
#[step_timed]
fn f<T>(a: T) -> Answer<T> {
    Ok(a.clone())
}
// missing bound in a future
#[step_timed]
async fn f<T>(a: T) -> T {
    a + a
}
// ambiguous type
#[step_timed]
fn f() -> Answer<()> {
    let a = Vec::new();
    Ok(())
}
// missing arm
#[step_timed]
fn f(a: Option<u32>) -> Answer<u32> {
    match a {
        Some(a) => Ok(a),
    }
}
// refutable argument
#[step_timed]
fn f(Some(a): Option<u32>) -> Answer<u32> {
    Ok(a)
}
// break outside of a loop
#[step_timed]
fn f() -> Answer<u32> {
    break;
}
// break outside of a loop in a future
#[step_timed]
async fn f() -> Answer<u32> {
    break;
}
// unsafe call
#[step_timed]
fn f(a: *const u32) -> Answer<u32> {
    Ok(a.read())
}
// not an iterator
#[step_timed]
fn f(a: u32) -> impl Iterator<Item = u32> {
    a
}
// not the promised opaque type
#[step_timed]
fn f(a: u32) -> impl Future<Output = u32> {
    async move { "seven" }
}
// wrong item of the boxed future
#[step_timed]
fn f(a: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { "seven" })
}
// used uninitialized
#[step_timed]
fn f() -> Answer<u32> {
    let a: u32;
    Ok(a)
}
// privacy
#[step_timed]
fn f(a: std::time::Duration) -> Answer<u64> {
    Ok(a.secs)
}
// not the promised opaque type of a future
#[step_timed]
async fn f(a: u32) -> impl std::fmt::Display {
    vec![a]
}
// two types behind an opaque type of a future
#[step_timed]
async fn f(a: bool) -> impl std::fmt::Display {
    if a {
        return 3_u32;
    }
    "text"
}
