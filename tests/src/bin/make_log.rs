//! Writes a log of many requests in candor's format to standard output, for benchmarks of the command.
//!
//! `make_log 1000 >big.log` writes at least 1000 megabytes, with request ids from `req-00000000` on.

use std::io::{self, BufWriter, Write as _};

fn main() -> io::Result<()> {
    let megabytes = std::env::args().nth(1).and_then(|text| text.parse::<u64>().ok());
    let Some(megabytes) = megabytes else {
        eprintln!("usage: make_log MEGABYTES");
        std::process::exit(2);
    };
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut written = 0;
    let mut text = String::new();
    for number in 0.. {
        if written >= megabytes * 1_000_000 {
            break;
        }
        text.clear();
        request(number, &mut random, &mut text);
        out.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    out.flush()
}

/// xorshift with a fixed seed, so that the log is always the same.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Writes six lines: three steps, two calls and the completion; one request in fifty fails.
fn request(number: u64, random: &mut Random, out: &mut String) {
    use std::fmt::Write as _;
    let fails = random.next(50) == 0;
    let begins = number * 1_700;
    let trace = format!("{:016x}{:016x}", random.next(u64::MAX), random.next(u64::MAX));
    let span = format!("{:016x}", random.next(u64::MAX));
    let mut seq = 0;
    let mut line = |at: u64, level: &str, logger: &str, event: &str, rest: &str| {
        seq += 1;
        let at = begins + at;
        let (micros, seconds) = (at % 1_000_000, at / 1_000_000);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        let day = 1 + seconds / 86_400 % 28;
        let _ = writeln!(
            out,
            "{{\"ts\":\"2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z\",\"level\":\"{level}\",\
             \"logger\":\"{logger}\",\"msg\":\"{event}\",\"request_id\":\"req-{number:08}\",\"user_id\":\"{}\",\
             \"method\":\"POST\",\"path\":\"/orders\",\"trace_id\":\"{trace}\",\"span_id\":\"{span}\",\"seq\":{seq},\
             \"event\":\"{event}\",{rest}}}",
            number % 997,
        );
    };
    let log_in = 2_000 + random.next(2_000);
    let power = 10 + random.next(8);
    let charge = if fails { 400_000 } else { 5_000 + random.next(1 << power) };
    let store = 300 + random.next(3_000);
    let step = |name: &str, took: u64, outcome: &str, id: u64, parent: u64, offset: u64| {
        format!(
            "\"step\":\"{name}\",\"duration_ms\":{},\"outcome\":\"{outcome}\",\"step_id\":{id},\
             \"parent_id\":{parent},\"offset_ms\":{}",
            ms(took),
            ms(offset)
        )
    };
    let call = |(name, operation): (&str, &str),
                took: u64,
                error: Option<&str>,
                id: u64,
                offset: u64| {
        let (status, outcome) = if error.is_some() { ("null", "error") } else { ("200", "ok") };
        let error = error.map_or("null".to_owned(), |error| {
            failure(error, &format!("orders::{name}::CallError"), name, operation)
        });
        format!(
            "\"dependency\":\"{name}\",\"operation\":\"{operation}\",\"dependency_method\":\"POST\",\
             \"url\":\"http://{name}.internal:8080/{operation}\",\"status\":{status},\"duration_ms\":{},\
             \"retries\":0,\"error\":{error},\"outcome\":\"{outcome}\",\"step_id\":{id},\"parent_id\":1,\
             \"offset_ms\":{}",
            ms(took),
            ms(offset)
        )
    };
    let mut at = 200 + log_in;
    line(at, "INFO", "orders::service", "step_timing", &step("log_in", log_in, "ok", 2, 1, 200));
    line(at + 6, "INFO", "orders::service", "step_timing", &step("price", 6, "ok", 3, 1, at));
    at += 10;
    let error = fails.then_some("timeout");
    let level = if fails { "ERROR" } else { "INFO" };
    line(
        at + charge,
        level,
        "deps",
        "dependency_call",
        &call(("payments", "charge"), charge, error, 4, at),
    );
    at += charge;
    if !fails {
        line(
            at + store,
            "INFO",
            "deps",
            "dependency_call",
            &call(("sqlite", "insert_order"), store, None, 5, at),
        );
        at += store;
    }
    let (outcome, status) = if fails { ("error", 504) } else { ("ok", 201) };
    let order = "\"order\":{\"customer_id\":41,\"sku\":\"tea\",\"quantity\":2,\"email\":\"a***@example.com\",\
                 \"password\":\"[REDACTED]\",\"card\":{\"number\":\"****4242\",\"cvv\":\"[REDACTED]\"}}";
    let place = step("place_order", at - 100, outcome, 1, 0, 100);
    let failure =
        error.map(|class| failure(class, "orders::service::OrderError", "payments", "charge"));
    let failure = failure.map_or(String::new(), |failure| format!(",\"error\":{failure}"));
    let level = if fails { "WARN" } else { "INFO" };
    line(at, level, "orders::service", "step_timing", &format!("{place},{order}{failure}"));
    let cause = if fails {
        ",\"cause\":{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":4,\"category\":\"timeout\"}"
    } else {
        ""
    };
    let end = format!(
        "\"status\":{status},\"duration_ms\":{},\"outcome\":\"{outcome}\",\"content_type\":\"application/json\",\
         \"response_bytes\":63,\"route\":\"/orders\",\"steps\":3,\"dependency_calls\":{},\"dependency_ms\":{},\
         \"retries\":0,\"slowest_step\":\"charge\"{cause}",
        ms(at + 150),
        if fails { 1 } else { 2 },
        ms(charge + if fails { 0 } else { store }),
    );
    let level = if fails { "ERROR" } else { "INFO" };
    line(at + 150, level, "http", "request_completed", &end);
}

/// The value of `error`, and the members that follow it.
fn failure(class: &str, type_name: &str, dependency: &str, operation: &str) -> String {
    format!(
        "\"{class}\",\"error_type\":\"{type_name}\",\
         \"error_detail\":\"{dependency} did not answer: operation \\\"{operation}\\\" timed out\""
    )
}

fn ms(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}
