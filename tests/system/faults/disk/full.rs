//! Disks that fill up within a line, and writes that are cut short.

use super::*;

/// Compares the counts with the file, whose whole lines are all that was written.
fn check(ended: &super::super::Ended, folder: &Folder) -> Counts {
    assert!(ended.status.success(), "{}: {}", ended.status, ended.stderr);
    let counts = Counts::of(ended.stderr.as_bytes());
    let found = Found::of(&folder.file("."));
    assert_eq!(found.lines.len() as u64, counts.written, "{}", ended.stderr);
    assert_eq!((found.bytes, counts.waiting), (counts.bytes, 0), "{}", ended.stderr);
    counts
}

/// No line is an audit event.
const NO_AUDIT: &str = "1000000";

/// Checks that each lost line was reported once. Lost audit events are not reported.
fn check_reports(counts: &Counts, folder: &Folder, sink: &str) {
    let found = Found::of(&folder.file("."));
    let reported: u64 = found.reports().map(|(_, lines)| lines).sum();
    let lost = counts.reasons.get(&format!("{sink}: io")).copied().unwrap_or_default();
    assert_eq!(reported, lost, "{counts:?}");
    assert!(found.reports().all(|(reason, _)| reason == "io"), "{counts:?}");
}

/// A small disk, which is unmounted on drop.
#[cfg(target_os = "linux")]
struct Disk<'a>(&'a Folder);

#[cfg(target_os = "linux")]
impl<'a> Disk<'a> {
    /// Mounts a file system in memory with these options in the folder; `None` if this process may not.
    fn mount(folder: &'a Folder, options: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "candor"]).arg(folder.file("."));
        if mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Some(Disk(folder));
        }
        eprintln!("skipped: no disk can be mounted here");
        None
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.file(".")).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_correct_counts_of_logs_and_audit_events() {
    for (audit, queue, fill) in [
        ("2", "0", "700"),
        ("1", "0", "700"),
        ("3", "0", "5000"),
        ("2", "10", "700"),
        ("2", "10", "300"),
        (NO_AUDIT, "0", "700"),
        (NO_AUDIT, "10", "700"),
        (NO_AUDIT, "10", "60"),
        (NO_AUDIT, "1000", "5000"),
    ] {
        let folder = Folder::new(&format!("full-{audit}-{queue}-{fill}"));
        let Some(disk) = Disk::mount(&folder, "size=128k") else { return };
        let (path, ballast) = (folder.file("app.log"), folder.file("ballast"));
        fs::write(&ballast, vec![0; 100_000]).expect("a file");
        let env = [
            ("LOG_FILE", text(&path)),
            ("BALLAST", text(&ballast)),
            ("AUDIT", audit),
            ("QUEUE", queue),
            ("FILL", fill),
            ("ROUNDS", "2"),
        ];
        let counts = check(&run(&mut program("disk", "full", &env)), &folder);
        assert!(counts.dropped >= 4, "{counts:?}");
        check_reports(&counts, &folder, "file");
        drop(disk);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_size_limit_leaves_correct_counts_of_logs_and_audit_events() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `prlimit` here");
        return;
    }
    // The signal of the limit would end the process. The program of the last case ignores it already.
    for (audit, queue, fill, before) in [
        ("1", "0", "700", ""),
        ("2", "0", "3000", ""),
        ("3", "10", "700", ""),
        (NO_AUDIT, "10", "700", ""),
        (NO_AUDIT, "1000", "3000", ""),
        ("2", "0", "700", ""),
        ("2", "0", "700", "trap '' XFSZ;"),
    ] {
        for to_stdout in [false, true] {
            let folder = Folder::new(&format!("limited-{audit}-{queue}-{fill}-{to_stdout}"));
            let path = folder.file("app.log");
            let redirected = if to_stdout { ">>\"$1\"" } else { "" };
            let script = format!("{before} ulimit -S -f 16; exec \"$0\" disk full {redirected}");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_faults")).arg(&path);
            command.envs([("AUDIT", audit), ("QUEUE", queue), ("FILL", fill)]);
            if !to_stdout {
                command.env("LOG_FILE", &path);
            }
            let ended = run(&mut command);
            let counts = check(&ended, &folder);
            assert!(counts.dropped >= 4, "{counts:?}");
            check_reports(&counts, &folder, if to_stdout { "stdout" } else { "file" });
            // The macro of an audit event returns whether it was written.
            let has_audit = audit != NO_AUDIT;
            assert!(
                !has_audit || ended.stderr.contains(" false\n") && ended.stderr.contains(" true\n")
            );
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_the_process_starts_ends_at_its_file_size_limit() {
    let folder = Folder::new("limited-child");
    let path = folder.file("large");
    let ended = run(&mut program("disk", "limited-child", &[("LARGE", text(&path))]));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(fs::metadata(&path).expect("the file").len(), 1024);
}

/// A rotation can rename the file, but not create another one.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_a_free_inode_loses_no_line() {
    let folder = Folder::new("inodes");
    // For the folder and two files.
    let Some(disk) = Disk::mount(&folder, "size=10m,nr_inodes=3") else { return };
    let path = folder.file("app.log");
    let env = [
        ("LOG_FILE", text(&path)),
        ("LOG_FILE_MAX_BYTES", "2500"),
        ("LOG_FILE_BACKUPS", "50"),
        ("THREADS", "2"),
        ("LINES", "100"),
    ];
    let counts = check(&run(&mut program("disk", "lines", &env)), &folder);
    assert_eq!((counts.written, counts.dropped), (200, 0));
    let names = fs::read_dir(folder.file(".")).expect("a folder").count();
    assert_eq!(names, 2, "there was a free inode");
    drop(disk);
}

/// A library that makes every `EVERY`th write at the end of a file fail in the way of `FAULT`; with `LATER`, one to two
/// seconds after the first write.
#[cfg(target_os = "linux")]
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int is(const char *name) {
    const char *fault = getenv("FAULT");
    return fault && !strcmp(fault, name);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    static unsigned long calls, fails;
    struct stat file;
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (fd <= 2 || fstat(fd, &file) || !S_ISREG(file.st_mode)) return real(fd, bytes, length);
    if (!(fcntl(fd, F_GETFL) & O_APPEND)) return real(fd, bytes, length);
    static time_t first;
    if (!first) first = time(0);
    if (getenv("LATER") && time(0) < first + 2) return real(fd, bytes, length);
    if (__atomic_exchange_n(&fails, 0, __ATOMIC_SEQ_CST)) return errno = ENOSPC, -1;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) % strtoul(getenv("EVERY"), 0, 10)) return real(fd, bytes, length);
    if (is("eintr")) return errno = EINTR, -1;
    if (is("enospc")) return errno = ENOSPC, -1;
    if (is("eio")) return errno = EIO, -1;
    if (is("eagain")) return errno = EAGAIN, -1;
    if (is("byte")) return real(fd, bytes, 1);
    if (is("half-enospc")) __atomic_store_n(&fails, 1, __ATOMIC_SEQ_CST);
    return real(fd, bytes, length / 2 + 1);
}
"#;

#[cfg(target_os = "linux")]
#[test]
fn short_and_failed_writes_leave_whole_lines_and_correct_counts() {
    let libraries = Folder::new("shim");
    let Some(library) = library(&libraries, SHIM) else {
        eprintln!("skipped: there is no C compiler here");
        return;
    };
    for fault in ["short", "byte", "eintr", "enospc", "eio", "eagain", "half-enospc"] {
        for (queue, every) in [("0", "2"), ("0", "7"), ("100", "3"), ("0", "1")] {
            // A process that is interrupted for ever waits for ever, and one byte at a time takes long.
            if every == "1" && !["short", "enospc"].contains(&fault) {
                continue;
            }
            let folder = Folder::new("shimmed");
            let path = folder.file("app.log");
            let mut command = program(
                "disk",
                "lines",
                &[
                    ("LOG_FILE", text(&path)),
                    ("LOG_FILE_MAX_BYTES", "20000"),
                    ("LOG_FILE_BACKUPS", "100"),
                    ("THREADS", "3"),
                    ("LINES", "60"),
                    ("AUDIT", "4"),
                    ("QUEUE", queue),
                    ("FAULT", fault),
                    ("EVERY", every),
                ],
            );
            command.env("LD_PRELOAD", &library);
            let counts = check(&run(&mut command), &folder);
            match fault {
                "short" | "byte" | "eintr" => {
                    assert_eq!(counts.dropped, 0, "{fault} every {every}");
                }
                "enospc" | "eio" | "eagain" => assert!(counts.dropped > 0, "{fault}: {counts:?}"),
                // The rest of a line is written before the next one.
                _ => assert!(counts.dropped <= 1, "{fault}: {counts:?}"),
            }
            assert!(counts.emitted >= 180, "{counts:?}");
            let found = Found::of(&folder.file("."));
            // The last report may be among the writes that fail.
            let lost = ["file: io", "file: stalled"].map(|reason| counts.reasons.get(reason));
            let lost: u64 = lost.into_iter().flatten().sum();
            let reported: u64 = found.reports().map(|(_, lines)| lines).sum();
            assert!(reported <= lost, "{fault}: {reported} of {counts:?}");
            // Without a queue, the report is the write after one that succeeded.
            let may_all_fail = every == "1" || (queue, every) == ("0", "2");
            assert!(lost < 3 || may_all_fail || reported > 0, "{fault}: {counts:?}");
        }
    }
}

/// Another process may write between the two parts of a line. That line is then lost, and counted. The faults begin later,
/// because a process needs 10 ms to notice that others write to its file.
#[cfg(target_os = "linux")]
#[test]
fn short_writes_of_several_processes_lose_only_counted_lines() {
    let folder = Folder::new("shim-shared");
    let libraries = Folder::new("shim-shared-library");
    let Some(library) = library(&libraries, SHIM) else {
        eprintln!("skipped: there is no C compiler here");
        return;
    };
    let path = folder.file("app.log");
    let running: Vec<_> = ["short", "half-enospc", "none"]
        .map(|fault| {
            let env = [
                ("LOG_FILE", text(&path)),
                ("LOG_FILE_MAX_BYTES", "200000"),
                ("LOG_FILE_BACKUPS", "1000"),
                ("MILLIS", "3500"),
                ("PAUSE", "3000"),
                ("FILL", "5000"),
                ("MOST", "20000"),
                ("LATER", "1"),
                ("FAULT", fault),
                ("EVERY", if fault == "none" { "1000000000" } else { "3" }),
            ];
            let mut command = program("disk", "lines", &env);
            command.env("LD_PRELOAD", &library);
            Running::start(command)
        })
        .into();
    let ids: Vec<_> = running.iter().map(|process| process.child.id()).collect();
    let counts: Vec<_> = running.into_iter().map(Running::counts).collect();
    let found = Found::of(&folder.file("."));
    let reports = found.reports().count() as u64;
    let lines = ids.into_iter().map(|id| found.of_process(id)).sum::<u64>();
    let written = counts.iter().map(|counts| counts.written).sum::<u64>();
    assert_eq!(lines + reports, written, "{counts:?}");
    assert!(counts.iter().all(|counts| counts.waiting == 0), "{counts:?}");
}
