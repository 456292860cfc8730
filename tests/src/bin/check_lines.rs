//! Checks that each line of standard input is valid: JSON with the fixed keys in order, without duplicate
//! keys or raw control characters.

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
