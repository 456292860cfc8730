//! The page as a browser shows it, where there is one.

use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

const BROWSER: &str = "/usr/bin/chromium";

/// What the browser made of the page, after it was loaded.
fn dumped(page: &Path, profile: &Path) -> String {
    let mut child = Command::new(BROWSER)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let started = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        if started.elapsed() > Duration::from_secs(120) {
            child.kill().expect("it can be ended");
            panic!("the browser did not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().expect("its output");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_browser_shows_the_tree_the_bars_and_the_texts() {
    if !Path::new(BROWSER).exists() {
        eprintln!("skipped: there is no browser at {BROWSER}");
        return;
    }
    let folder = Folder::new("page");
    let log = folder.file("app.log", &joined(&failing("r-7")));
    let page = folder.0.join("story.html");
    let said = candor(&["story", "r-7", &log, "--html", page.to_str().expect("UTF-8")], b"");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let seen = dumped(&page, &folder.0.join("profile"));
    assert!(seen.contains("<title>POST /orders 504 error · r-7</title>"), "{seen}");
    // A row that can be opened with the keyboard is a `details`; the request has four. The one with children has
    // another `details` for its fields.
    assert_eq!(seen.matches("<summary class=\"row ").count(), 4, "{seen}");
    assert_eq!(seen.matches("<details").count(), 5, "{seen}");
    assert_eq!(seen.matches("class=\"bar\"").count(), 4, "{seen}");
    assert!(seen.contains("--from:40.000%;--width:55.000%"), "the call's bar: {seen}");
    assert!(
        seen.contains("</i>likely cause</em>")
            && seen.contains("</i>consequence of payments charge</em>"),
        "{seen}"
    );
    assert!(seen.contains("payments charge: timeout after 55.0 ms"), "{seen}");
    assert!(seen.contains("<th scope=\"row\">stock</th><td>3</td>"), "{seen}");
}

#[test]
fn a_page_of_several_requests_has_a_list_of_them() {
    let folder = Folder::new("several");
    let log = folder.file("app.log", &joined(&[failing("r-7"), failing("r-8")].concat()));
    let page = folder.0.join("story.html");
    candor(&["story", &log, "--failed", "--html", page.to_str().expect("UTF-8")], b"");
    let page = std::fs::read_to_string(page).expect("a page");
    // Requests that began at the same instant are in the order of their ids.
    assert!(candor(&["story", &log, "--failed", "--html", "-"], b"").out == page);
    assert!(page.find("request</span> r-7") < page.find("request</span> r-8"));
    assert!(page.contains("<title>2 requests</title>"));
    for index in 0..2 {
        assert!(
            page.contains(&format!("href=\"#r{index}\""))
                && page.contains(&format!("id=\"r{index}\""))
        );
    }
    for outside in ["http-equiv=\"refresh\"", "src=", "<link", "<script", "url("] {
        assert!(!page.contains(outside), "{outside} stands in the page");
    }
}
