//! Reads lines from standard input and says whether each is a proper one: JSON with the fixed keys in
//! their places, no key twice, no raw control character.

use std::io::{self, BufRead as _};

fn main() -> io::Result<()> {
    let mut count = 0;
    for line in io::stdin().lock().lines() {
        candor_tests::check(&line?);
        count += 1;
    }
    assert!(count > 0, "there are no lines");
    println!("{count} proper lines");
    Ok(())
}
