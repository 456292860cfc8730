//! What lines are found in: files, compressed files, and what collectors put around them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The outline and cause, which are the same wherever the lines were found.
fn told(input: &[u8], more: &[&str]) -> (Vec<String>, Value) {
    let said = candor(&[&["story", "r-7", "-", "--json"], more].concat(), input);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", String::from_utf8_lossy(input));
    let story = &said.json()[0];
    (outline(story), story["cause"]["name"].clone())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}

#[test]
fn records_are_found_in_whatever_collectors_make_of_them() {
    let lines = failing("r-7");
    let plain = told(&joined(&lines), &[]);
    type Wrap = Box<dyn Fn(&String) -> String>;
    let prefixed =
        |prefix: &'static str| -> Wrap { Box::new(move |line| format!("{prefix}{line}")) };
    let forms: Vec<(&str, Wrap)> = vec![
        ("kubectl --prefix", prefixed("[pod/web-7d4b9c-x2x/app] ")),
        ("kubectl --timestamps", prefixed("2026-11-22T10:14:12.123456789Z ")),
        ("CRI", prefixed("2026-11-22T10:14:12.123456789Z stdout F ")),
        ("compose", prefixed("web-1  | ")),
        (
            "compose in colour",
            Box::new(|line| format!("\u{1b}[36mweb-1  |\u{1b}[0m {line}\u{1b}[0m")),
        ),
        ("journalctl", prefixed("Nov 22 10:14:12 host orders[712]: ")),
        ("a prefix with a brace", prefixed("{web} [x{1}] ")),
        ("CRLF", Box::new(|line| format!("{line}\r"))),
        (
            "docker",
            Box::new(|line| {
                let log = quoted(&format!("{line}\n"));
                format!(
                    "{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"2026-11-22T10:14:12.1Z\"}}"
                )
            }),
        ),
        ("fluent-bit", Box::new(|line| format!("{{\"date\":1.5,\"log\":{}}}", quoted(line)))),
        (
            "journalctl -o json",
            Box::new(|line| {
                format!("{{\"PRIORITY\":\"6\",\"MESSAGE\":{},\"_PID\":\"712\"}}", quoted(line))
            }),
        ),
        (
            "logcli -o jsonl",
            Box::new(|line| {
                format!(
                    "{{\"labels\":{{\"app\":\"x\"}},\"line\":{},\"timestamp\":\"t\"}}",
                    quoted(line)
                )
            }),
        ),
        (
            "journalctl -o json, taken for binary",
            Box::new(|line| format!("{{\"__CURSOR\":\"s\",\"MESSAGE\":{:?}}}", line.as_bytes())),
        ),
        ("gcloud", Box::new(|line| format!("{{\"insertId\":\"1\",\"jsonPayload\":{line}}}"))),
        ("a JSON string", Box::new(|line| quoted(line))),
        ("an array's element", Box::new(|line| format!("  {line},"))),
        (
            "jq without -c",
            Box::new(|line| {
                let value: Value = serde_json::from_str(line).expect("JSON");
                serde_json::to_string_pretty(&value).expect("JSON")
            }),
        ),
        (
            "docker in compose",
            Box::new(|line| {
                let log = quoted(&format!("{line}\n"));
                format!("web-1  | {{\"log\":{log},\"stream\":\"stderr\"}}")
            }),
        ),
    ];
    for (name, wrap) in forms {
        let wrapped: Vec<String> = lines.iter().map(wrap).collect();
        assert_eq!(told(&joined(&wrapped), &[]), plain, "{name}");
    }
}

#[test]
fn lines_that_a_runtime_split_are_joined_by_stream() {
    let lines = failing("r-7");
    let plain = told(&joined(&lines), &[]);
    let mut cri = Vec::new();
    let mut docker = Vec::new();
    for line in &lines {
        // The middle of the line is not ASCII's concern: these lines are ASCII.
        let (head, rest) = line.split_at(40);
        let (middle, tail) = rest.split_at(100);
        for (tag, text) in [("P", head), ("P", middle), ("F", tail)] {
            cri.push(format!("2026-11-22T10:14:12.1Z stdout {tag} {text}"));
            // Of another stream, between the parts.
            cri.push("2026-11-22T10:14:12.1Z stderr F starting".to_owned());
        }
        for (text, end) in [(head, ""), (middle, ""), (tail, "\n")] {
            let log = quoted(&format!("{text}{end}"));
            docker.push(format!("{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"t\"}}"));
        }
    }
    assert_eq!(told(&joined(&docker), &[]), plain);
    let said = candor(&["story", "r-7", "-", "--json"], &joined(&cri));
    assert_eq!(outline(&said.json()[0]), plain.0);
    assert_eq!(said.err, "candor: skipped 15 lines that are not candor JSON\n");
}

#[test]
fn compressed_and_rotated_files_are_put_in_order_by_what_they_hold() {
    let folder = Folder::new("rotated");
    let lines = failing("r-7");
    let new = folder.file("app.log", &joined(&lines[3..]));
    let old = folder.file("app.log.1", &joined(&lines[2..3]));
    // Two members, as `cat a.gz b.gz` makes them.
    let oldest = [gzip(&joined(&lines[..1])), gzip(&joined(&lines[1..2]))].concat();
    let oldest = folder.file("app.log.2.gz", &oldest);
    let said = candor(&["story", "r-7", &new, &old, &oldest, "--json"], b"");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_eq!(outline(&said.json()[0]), told(&joined(&lines), &[]).0);
    let stdin = candor(&["story", "r-7", "-", "--json"], &gzip(&joined(&lines)));
    assert_eq!(outline(&stdin.json()[0]), outline(&said.json()[0]));
}

#[test]
fn a_compressed_file_that_is_cut_off_is_used_as_far_as_it_goes() {
    let folder = Folder::new("cut");
    let lines: Vec<String> = (0..500).flat_map(|number| failing(&format!("r-{number}"))).collect();
    let mut compressed = gzip(&joined(&lines));
    compressed.truncate(compressed.len() - 500);
    let file = folder.file("app.log.gz", &compressed);
    let said = candor(&["story", "r-300", &file], b"");
    assert_eq!(said.code, Some(0));
    assert!(said.err.contains("whose compressed data is damaged or cut off"), "{}", said.err);
}

#[test]
fn the_last_line_before_a_cut_is_read() {
    // The rest is garbage, as after a disk that was full; what was decompressed has no line feed.
    let lines = failing("r-7").join("\n");
    let torn = [gzip(lines.as_bytes()), b"garbage".to_vec()].concat();
    let said = candor(&["story", "r-7", "-", "--json"], &torn);
    assert_eq!(said.json()[0]["parts"][0]["end_missing"], false, "{}", said.out);
    assert!(said.err.contains("damaged or cut off"), "{}", said.err);
}

#[test]
fn a_list_of_records_on_one_line_is_all_of_them() {
    let lines = failing("r-7");
    let plain = told(&joined(&lines), &[]);
    for list in [format!("[{}]", lines.join(",")), format!("[ {} ]\n", lines.join(" , "))] {
        assert_eq!(told(list.as_bytes(), &[]), plain, "{list}");
    }
}

#[test]
fn a_file_that_is_no_text_is_named_as_what_it_is() {
    let folder = Folder::new("foreign");
    for (begin, name) in [
        (&b"\x28\xb5\x2f\xfd"[..], "compressed with zstd"),
        (b"\xfd7zXZ\0", "compressed with xz"),
        (b"BZh91AY", "compressed with bzip2"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\xff\xfe{\0\"\0", "text in UTF-16"),
    ] {
        let file = folder.file("app.log.x", begin);
        let said = candor(&["steps", &file], b"");
        let wanted =
            format!("candor: can't read {file}: it is {name}; plain text and gzip are read\n");
        assert_eq!((said.code, said.err), (Some(2), wanted));
    }
}

#[test]
fn a_log_in_the_readable_form_is_told_from_one_that_has_nothing() {
    let pretty = b"10:14:12.123 INFO  shop hello request_id=r-7 seq=1\n".repeat(3);
    for args in [&["story", "r-7", "-"][..], &["story", "-"], &["requests", "-"], &["steps", "-"]] {
        let said = candor(args, &pretty);
        assert_eq!(said.code, Some(1));
        assert!(
            said.err.starts_with(
                "candor: skipped 3 lines that are not candor JSON (set LOG_FORMAT=json)"
            ),
            "{}",
            said.err
        );
    }
    // Candor's own lines that are of other requests are no other form.
    let mixed = [joined(&failing("r-8")), pretty].concat();
    let said = candor(&["story", "r-7", "-"], &mixed);
    assert_eq!(said.code, Some(1));
    assert!(!said.err.contains("LOG_FORMAT"), "{}", said.err);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = Folder::new("twice");
    let file = folder.file("app.log", &joined(&failing("r-7")));
    let other = folder.0.join("./app.log");
    let other = other.to_str().expect("UTF-8");
    let rows = candor(&["steps", &file, other, "--json"], b"").json();
    assert!(rows.iter().all(|row| row["count"] == 1), "{rows:?}");
    // A copy is another file; its ends are the same lines.
    let copy = folder.file("copy.log", &joined(&failing("r-7")));
    for more in [&[][..], &["--since", "1h"], &["--failed"]] {
        let args = [&["requests", &file, &copy, "--json"], more].concat();
        assert_eq!(candor(&args, b"").json().len(), 1, "{args:?}");
        let summary = &candor(&[&args[..], &["--summary"]].concat(), b"").json()[0];
        assert_eq!((&summary["requests"], &summary["failed"]), (&1.into(), &1.into()), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_has_a_name_is_read_once_and_told_whole() {
    // As `<(…)` is: it can be opened and read only once, and failed requests take two readings.
    let said = candor(&["story", "--failed", "/dev/stdin", "--json"], &joined(&failing("r-7")));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(said.json()[0]["request_id"], "r-7");
}

#[test]
fn renamed_keys_are_known_or_can_be_given() {
    let rename = |line: &String, renames: &[(&str, &str)]| {
        renames.iter().fold(line.clone(), |line, (from, to)| {
            line.replacen(&format!("\"{from}\":"), &format!("\"{to}\":"), 1)
        })
    };
    let lines = failing("r-7");
    let plain = told(&joined(&lines), &[]);
    let usual = [
        ("ts", "timestamp"),
        ("level", "severity"),
        ("msg", "message"),
        ("request_id", "requestId"),
    ];
    let renamed: Vec<String> = lines.iter().map(|line| rename(line, &usual)).collect();
    assert_eq!(told(&joined(&renamed), &[]), plain);
    let own = [("ts", "wann"), ("level", "wie"), ("request_id", "wer"), ("seq", "nr")];
    let renamed: Vec<String> = lines.iter().map(|line| rename(line, &own)).collect();
    let said = candor(&["story", "r-7", "-"], &joined(&renamed));
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert_eq!(
        told(&joined(&renamed), &["--keys", "ts=wann,level=wie,request_id=wer,seq=nr"]),
        plain
    );
}

#[test]
fn what_is_no_record_is_passed_by_and_counted() {
    let mut lines = vec![
        "Starting the service …".to_owned(),
        "thread 'main' panicked at src/main.rs:1:1:".to_owned(),
        "{\"time\":\"now\",\"level\":\"info\",\"fields\":{}}".to_owned(),
        String::new(),
    ];
    lines.extend(failing("r-7"));
    let torn = lines[5][..120].to_owned();
    lines.push(torn);
    let said = candor(&["steps", "-"], &joined(&lines));
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.err,
        "candor: skipped 3 lines that are not candor JSON, 1 line that is broken\n"
    );
}

#[test]
fn records_that_lost_their_line_feed_are_both_found() {
    let lines = failing("r-7");
    let plain = told(&joined(&lines), &[]);
    assert_eq!(told(lines.concat().as_bytes(), &[]).0, plain.0[..]);
    // A line that was cut off by a crash, and the first one of the next start behind it.
    let torn = format!("{}{}\n", &lines[0][..90], lines.join("\n"));
    assert_eq!(told(torn.as_bytes(), &[]).0, plain.0);
}

#[test]
fn the_last_line_needs_no_line_feed() {
    let lines = failing("r-7");
    assert_eq!(told(lines.join("\n").as_bytes(), &[]), told(&joined(&lines), &[]));
}

#[test]
fn a_line_of_many_megabytes_is_skipped() {
    let mut input = joined(&failing("r-7"));
    input.extend(std::iter::repeat_n(b'x', 40 << 20));
    input.extend_from_slice(b"\n");
    input.extend(joined(&failing("r-8")));
    for id in ["r-7", "r-8"] {
        let said = candor(&["story", id, "-", "--json"], &input);
        assert_eq!(outline(&said.json()[0]).len(), 4);
        assert_eq!(said.err, "candor: skipped 1 line that is too long\n");
    }
}
