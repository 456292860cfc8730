//! Code whose meaning depends on the edition of its tokens: captured lifetimes, unsafe bodies, and when the
//! temporaries of a tail expression are dropped.
use std::sync::Mutex;

use candor::step_timed;

struct Shop<'x>(&'x str);

impl<'x> Shop<'x> {
    #[step_timed]
    async fn method(&self, b: &str, c: &&'x str) -> Result<usize, std::io::Error> {
        Ok(b.len() + c.len() + self.0.len())
    }
}

#[step_timed]
async fn two_lifetimes<'a>(a: &'a str, b: &str) -> &'a str {
    if b.is_empty() { b.len() } else { a.len() };
    a
}

#[step_timed]
async fn lock(a: Mutex<Vec<u8>>) -> usize {
    a.lock().unwrap().len()
}

#[step_timed]
fn lock_now(a: Mutex<Vec<u8>>) -> Result<usize, String> {
    Ok(a.lock().unwrap().len())
}

#[step_timed]
unsafe fn raw(a: *const u8) -> Result<u8, String> {
    Ok(a.read())
}

#[step_timed]
async unsafe fn raw_async(a: usize) -> Result<u8, String> {
    Ok((a as *const u8).read())
}

fn main() {
    let (a, b, c) = (String::from("a"), String::from("b"), "c");
    drop((two_lifetimes(&a, &b), Shop("x").method(&b, &c), lock(Mutex::default())));
    // SAFETY: never executed, since the gallery is only compiled.
    drop((lock_now(Mutex::default()), unsafe { raw(&1) }, unsafe { raw_async(1) }));
    let unused = 7;
}
