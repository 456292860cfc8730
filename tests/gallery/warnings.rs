#![warn(unused, deprecated)]
use std::io;

use candor::step_timed;

#[deprecated]
fn old() {}

#[must_use]
fn value() -> u32 {
    7
}

#[step_timed]
fn unused_variable(a: u32) -> io::Result<u32> {
    let b = a;
    Ok(1)
}

#[step_timed]
fn unused_argument(a: u32, b: u32) -> io::Result<u32> {
    Ok(b)
}

#[step_timed]
async fn unused_argument_of_a_future(a: u32, b: u32) -> io::Result<u32> {
    Ok(b)
}

#[step_timed]
fn unused_argument_in_place(a: u32) {}

#[step_timed]
fn unused_mut(mut a: u32) -> io::Result<u32> {
    Ok(a)
}

#[step_timed]
async fn unused_mut_of_a_future(mut a: u32) -> io::Result<u32> {
    Ok(a)
}

#[step_timed]
fn dropped_value() -> io::Result<()> {
    value();
    std::fs::read("none");
    Ok(())
}

#[step_timed]
async fn dropped_future() -> io::Result<()> {
    unused_argument_of_a_future(1, 2);
    unused_argument_of_a_future(1, 2).await;
    Ok(())
}

#[step_timed]
fn deprecated_call() -> io::Result<()> {
    old();
    Ok(())
}

#[step_timed]
async fn deprecated_call_in_a_future() {
    old();
}

#[step_timed]
fn unreachable() -> io::Result<u32> {
    return Ok(1);
    println!("never");
}

#[step_timed]
async fn unreachable_in_a_future() -> io::Result<u32> {
    return Ok(1);
    println!("never");
}

#[step_timed]
fn parentheses(a: u32) -> io::Result<u32> {
    let b = (a + 1);
    Ok(b)
}

#[step_timed]
fn unused_assignment(mut a: u32) -> io::Result<u32> {
    a = 2;
    Ok(1)
}

#[step_timed]
async fn never_called() {}

#[must_use]
#[step_timed]
async fn must_be_used() -> u32 {
    7
}

async fn uses() {
    must_be_used().await;
}

fn main() {
    let _ = (unused_variable(1), unused_argument(1, 2), unused_mut(1), dropped_value());
    let _ = (unused_mut_of_a_future(1), dropped_future(), deprecated_call(), unreachable());
    let _ = (deprecated_call_in_a_future(), unreachable_in_a_future(), parentheses(1), uses());
    let _ = (unused_argument_in_place(1), unused_assignment(1));
}
