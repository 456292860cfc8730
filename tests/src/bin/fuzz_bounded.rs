//! Runs the fuzz targets for a bounded time on stable Rust: `fuzz_bounded [seconds] [seed] [target]`.
//!
//! The inputs are those of `tests/fuzz/seeds.txt`, cut, spliced and mixed with parts of secrets. The same seed
//! gives the same inputs. An input that violates a guarantee is printed, and the exit code is 1.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use candor_tests::Random;
use candor_tests::fuzz::{TARGETS, Target};

const SEEDS: &str = include_str!("../../fuzz/seeds.txt");

/// Parts of secrets, of their names and of their encodings.
const WORDS: [&[u8]; 48] = [
    b"password",
    b"token",
    b"api_key",
    b"secret",
    b"=",
    b":",
    b"://",
    b"=>",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"\\\"",
    b"\\u0070",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b"</",
    b">",
    b"?",
    b"&",
    b"#",
    b"%",
    b"%3D",
    b"%2570",
    b"@",
    b",",
    b";",
    b" ",
    b"\n",
    b"\r\n",
    b"\0",
    b"\x1b[",
    b"--",
    b"-----BEGIN PRIVATE KEY-----",
    b"eyJ",
    b"Bearer ",
    b"Basic ",
    b"AKIA",
    b"4111111111111111",
    b"Some(",
    b"name",
    b"value",
    "\u{200b}\u{430}\u{202e}é".as_bytes(),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(30);
    let seed: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let only = arguments.next();
    let targets: Vec<_> = TARGETS
        .into_iter()
        .filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name))
        .collect();
    if targets.is_empty() {
        eprintln!("unknown target; the targets are {}", TARGETS.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    let each = Duration::from_secs(seconds) / u32::try_from(targets.len()).unwrap_or(1);
    let mut found = false;
    for (name, target) in targets {
        let (runs, input) = run(target, seed, each);
        println!(
            "{name}: {runs} inputs, {}",
            if input.is_some() { "one breaks a promise" } else { "all hold" }
        );
        if let Some(input) = input {
            println!("  b\"{}\"", input.escape_ascii());
            found = true;
        }
    }
    ExitCode::from(u8::from(found))
}

/// Runs a target until the time is over or an input makes it panic.
fn run(target: Target, seed: u64, time: Duration) -> (u64, Option<Vec<u8>>) {
    let seeds: Vec<&[u8]> = SEEDS.lines().map(str::as_bytes).collect();
    let mut random = Random::new(seed);
    let started = Instant::now();
    let mut runs = 0;
    while started.elapsed() < time {
        let input = input(&mut random, &seeds);
        runs += 1;
        if catch_unwind(|| target(&input)).is_err() {
            return (runs, Some(smallest(target, input)));
        }
    }
    (runs, None)
}

fn input(random: &mut Random, seeds: &[&[u8]]) -> Vec<u8> {
    let mut input = match random.below(8) {
        0 => Vec::new(),
        _ => random.pick(seeds).to_vec(),
    };
    for _ in 0..random.below(12) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 => {
                let end = at + random.below(input.len() - at + 1);
                input.drain(at..end);
            }
            1 => input.insert(at, u8::try_from(random.below(256)).unwrap_or_default()),
            2 => {
                let other = random.pick(seeds);
                let part = &other[random.below(other.len() + 1)..];
                input.splice(at..at, part.iter().copied());
            }
            _ => {
                input.splice(at..at, random.pick(&WORDS).iter().copied());
            }
        }
    }
    input
}

/// Shrinks the input as long as it still makes the target panic.
fn smallest(target: Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut len = input.len() / 2;
    while len > 0 {
        let mut at = 0;
        while at + len <= input.len() {
            let mut shorter = input.clone();
            shorter.drain(at..at + len);
            if catch_unwind(|| target(&shorter)).is_err() {
                input = shorter;
            } else {
                at += 1;
            }
        }
        len /= 2;
    }
    input
}
