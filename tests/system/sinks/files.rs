//! A file that is moved, removed or truncated by others, or on a full disk.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Counts, Folder, fixture, lines, numbers, text};

/// A process that writes a line on request.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stderr: BufReader<ChildStderr>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it runs");
        let stdin = child.stdin.take().expect("piped");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Process { child, stdin, stderr }
    }

    /// Writes one line, and returns the counts after it.
    fn line(&mut self, fill: &str) -> Counts {
        writeln!(self.stdin, "{fill}").expect("it reads");
        let mut text = String::new();
        self.stderr.read_line(&mut text).expect("a line");
        Counts::of(text.as_bytes())
    }

    fn end(self) {
        drop(self.stdin);
        let output = self.child.wait_with_output().expect("it ends");
        assert!(output.status.success());
    }
}

/// Waits longer than the interval at which candor checks the name of its open file.
fn pause() {
    thread::sleep(Duration::from_millis(30));
}

#[test]
fn a_moved_or_removed_file_is_created_again() {
    let folder = Folder::new("moved");
    let path = folder.file("app.log");
    let mut process = Process::start(fixture("on-demand", &[("LOG_FILE", text(&path))]));
    process.line("first");
    fs::rename(&path, folder.file("app.log-20261122")).expect("moved");
    pause();
    process.line("second");
    let removed = fs::metadata(&path).expect("the file").len();
    fs::remove_file(&path).expect("removed");
    pause();
    process.line("third");
    // A new file created by another process under the name is appended to.
    fs::rename(&path, folder.file("third")).expect("moved");
    fs::write(&path, "").expect("a file");
    pause();
    let counts = process.line("fourth");
    assert_eq!(counts.written, 4);
    process.end();
    let fill = |name: &str| lines(&fs::read(folder.file(name)).expect("a file"))[0]["fill"].clone();
    assert_eq!(fill("app.log-20261122"), "first");
    assert_eq!(fill("third"), "third");
    assert_eq!(fill("app.log"), "fourth");
    let held = ["app.log-20261122", "third", "app.log"];
    let held = held.map(|name| fs::metadata(folder.file(name)).expect("a file").len());
    assert_eq!(counts.bytes, held.iter().sum::<u64>() + removed);
}

#[test]
fn a_removed_folder_is_created_again() {
    let folder = Folder::new("folder");
    let inner = folder.file("a/b");
    fs::create_dir_all(&inner).expect("a folder");
    let path = inner.join("app.log");
    let mut process = Process::start(fixture("on-demand", &[("LOG_FILE", text(&path))]));
    process.line("first");
    fs::remove_dir_all(folder.file("a")).expect("removed");
    pause();
    assert_eq!(process.line("second").written, 2);
    // A file has the name of the folder: lines are lost and counted until it is removed.
    fs::remove_dir_all(folder.file("a")).expect("removed");
    fs::write(folder.file("a"), "in the way").expect("a file");
    pause();
    let counts = process.line("third");
    assert_eq!((counts.written, counts.reasons["file: io"]), (2, 1));
    fs::remove_file(folder.file("a")).expect("removed");
    // Followed by the report of the third one.
    assert_eq!(process.line("fourth").written, 4);
    process.end();
    let found = lines(&fs::read(&path).expect("the file"));
    assert_eq!((&found[0]["n"], &found[1]["event"]), (&3.into(), &"lines_dropped".into()));
    assert_eq!((&found[1]["lines"], &found[1]["reason"]), (&1.into(), &"io".into()));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_line_cut_by_a_crash_is_terminated_and_kept() {
    let folder = Folder::new("cut");
    let path = folder.file("app.log");
    fs::write(&path, "{\"ts\":\"2026-11").expect("a file");
    let mut process = Process::start(fixture("on-demand", &[("LOG_FILE", text(&path))]));
    let counts = process.line("first");
    process.end();
    let held = fs::read_to_string(&path).expect("the file");
    // The line feed that ends the cut line counts, too.
    assert_eq!(counts.bytes, (held.len() - "{\"ts\":\"2026-11".len()) as u64);
    let rest = held.strip_prefix("{\"ts\":\"2026-11\n").expect("what was there");
    assert_eq!(lines(rest.as_bytes()).len(), 1);
}

/// Writes until five lines are lost because the file can't grow, calls `free`, and writes one line more.
fn fill_up(mut process: Process, path: &std::path::Path, free: impl FnOnce(&Process)) {
    let fill = "x".repeat(700);
    let mut lost = Vec::new();
    let (mut before, mut bytes) = (0, 0);
    for n in 0..200_u64 {
        let counts = process.line(&fill);
        bytes = counts.bytes;
        if counts.dropped > before {
            before = counts.dropped;
            lost.push(n);
        }
        if lost.len() == 5 {
            break;
        }
    }
    assert_eq!(lost.len(), 5, "the disk is not full");
    let first_lost = lost[0];
    let cut = fs::read(path).expect("the file");
    assert!(!cut.ends_with(b"\n"), "the line that filled the disk is not half written");
    assert_eq!(bytes, cut.len() as u64);
    free(&process);
    let counts = process.line(&fill);
    process.end();
    // The line that was cut has been completed and does not count as lost.
    let held = fs::read(path).expect("the file");
    assert_eq!(counts.bytes, held.len() as u64);
    let found = lines(&held);
    assert_eq!((counts.written, counts.reasons["file: io"]), (found.len() as u64, 4));
    let numbers = &numbers(&found)[&0];
    assert_eq!(*numbers, (0..=first_lost).chain([first_lost + 5]).collect::<Vec<_>>());
}

/// A file size limit simulates a small disk, for systems that can't mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_line_cut_at_the_file_size_limit_is_completed_later() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `prlimit` here");
        return;
    }
    let folder = Folder::new("limit");
    let path = folder.file("app.log");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -S -f 16; exec \"$0\" on-demand"])
        .arg(env!("CARGO_BIN_EXE_fixture"))
        .env("LOG_FILE", &path)
        .env_remove("LOG_LEVEL");
    fill_up(Process::start(command), &path, |process| {
        let pid = process.child.id().to_string();
        let freed = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status();
        assert!(freed.expect("prlimit runs").success());
    });
}

/// The half line can't be ended at the start. When there is space again, the file no longer counts as shared.
#[cfg(target_os = "linux")]
#[test]
fn bug_a_start_on_a_full_disk_joined_a_line_to_the_half_line_before_it() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `prlimit` here");
        return;
    }
    let folder = Folder::new("full-at-start");
    let path = folder.file("app.log");
    let half = format!("{{\"half\":\"{}", "x".repeat(3000));
    fs::write(&path, &half).expect("a file");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec prlimit --fsize=3000: \"$0\" on-demand"])
        .arg(env!("CARGO_BIN_EXE_fixture"))
        .env("LOG_FILE", &path)
        .env_remove("LOG_LEVEL");
    let mut process = Process::start(command);
    assert_eq!(process.line("lost").dropped, 1);
    thread::sleep(Duration::from_millis(1_100));
    let pid = process.child.id().to_string();
    let freed = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status();
    assert!(freed.expect("prlimit runs").success());
    for n in 1..3 {
        // The first one is followed by the report of the lost one.
        assert_eq!(process.line("written").written, n + 1);
    }
    process.end();
    let held = fs::read_to_string(&path).expect("the file");
    let (first, rest) = held.split_once('\n').expect("lines");
    assert!(half.starts_with(first), "joined lines: {first}");
    assert_eq!(numbers(&lines(rest.as_bytes()))[&0], [1, 2]);
}

/// Standard output is a file, and another process appends a line to it before there is space again.
#[cfg(target_os = "linux")]
#[test]
fn bug_the_rest_of_a_cut_line_was_written_behind_the_line_of_another_process() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `prlimit` here");
        return;
    }
    let folder = Folder::new("cut-stdout");
    let path = folder.file("app.log");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -S -f 16; exec \"$0\" on-demand >>\"$1\""])
        .args([env!("CARGO_BIN_EXE_fixture").as_ref(), path.as_os_str()])
        .env_remove("LOG_LEVEL");
    let mut process = Process::start(command);
    let fill = "x".repeat(700);
    let is_cut = |process: &mut Process| process.line(&fill).dropped > 0;
    assert!((0..200).any(|_| is_cut(&mut process)), "no line is cut");
    let mut other = fs::File::options().append(true).open(&path).expect("the file");
    other.write_all(b"{\"other\":1}\n").expect("written");
    let pid = process.child.id().to_string();
    let freed = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status();
    assert!(freed.expect("prlimit runs").success());
    let counts = process.line(&fill);
    process.end();
    let held = fs::read_to_string(&path).expect("the file");
    let is_whole = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    let whole = held.lines().filter(is_whole).count();
    assert_eq!(whole as u64, counts.written, "{counts:?}");
    // The line that was cut, with that of the other process.
    assert_eq!(held.lines().count() - whole, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_cut_by_a_full_disk_is_completed_when_space_is_free() {
    struct Disk<'a>(&'a Folder);

    impl Drop for Disk<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(&self.0.0).status();
        }
    }

    let folder = Folder::new("disk");
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "candor"])
        .arg(&folder.0)
        .stderr(Stdio::null())
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no disk can be mounted here");
        return;
    }
    let disk = Disk(&folder);
    fs::write(folder.file("other"), vec![0; 32_000]).expect("a file");
    let path = folder.file("app.log");
    let process = Process::start(fixture("on-demand", &[("LOG_FILE", text(&path))]));
    fill_up(process, &path, |_| fs::remove_file(folder.file("other")).expect("removed"));
    drop(disk);
}
