//! Folders and files that are deleted, replaced or locked while eight threads write.

use super::*;

/// The time within which lines must arrive again.
const SOON: Duration = Duration::from_secs(1);

/// Starts a process whose eight threads write for 3 seconds to `logs/app.log`, and to `logs/audit.log`.
fn start(folder: &Folder, env: &[(&str, &str)]) -> Running {
    let (log, audit) = (folder.file("logs/app.log"), folder.file("logs/audit.log"));
    let _ = fs::create_dir_all(folder.file("logs"));
    let mut all = vec![
        ("LOG_FILE", text(&log)),
        ("LOG_AUDIT_FILE", text(&audit)),
        ("AUDIT", "10"),
        ("THREADS", "8"),
        ("MILLIS", "3000"),
        ("PAUSE", "500"),
    ];
    all.extend(env);
    let running = Running::start(program("disk", "lines", &all));
    has_lines_soon(&log);
    has_lines_soon(&audit);
    running
}

/// Waits until a file has a line that is written from now on.
fn has_lines_soon(path: &Path) {
    let started = Instant::now();
    let length = || fs::metadata(path).map_or(0, |metadata| metadata.len());
    while length() == 0 {
        assert!(started.elapsed() < SOON, "{} has no lines", path.display());
        thread::sleep(Duration::from_millis(1));
    }
    let before = length();
    while length() <= before {
        assert!(started.elapsed() < SOON, "{} gets no lines", path.display());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Removes a folder although new files appear in it.
fn remove(folder: &Path) {
    while let Err(error) = fs::remove_dir_all(folder) {
        assert!(folder.exists(), "{error}");
    }
}

#[test]
fn a_deleted_folder_is_made_anew_within_a_second() {
    for queue in ["0", "100"] {
        let folder = Folder::new(&format!("deleted-{queue}"));
        let running = start(&folder, &[("QUEUE", queue)]);
        for _ in 0..15 {
            remove(&folder.file("logs"));
            has_lines_soon(&folder.file("logs/app.log"));
            has_lines_soon(&folder.file("logs/audit.log"));
        }
        let counts = running.counts();
        assert_eq!(counts.waiting, 0);
        assert_eq!(Found::of(&folder.file("logs")).broken, 0);
    }
}

/// What happens to the folder `logs`.
type Fault = fn(&Folder);

#[test]
fn lines_go_to_the_file_that_has_the_name() {
    let faults: [(&str, Fault); 6] = [
        ("renamed folder", |folder| {
            fs::rename(folder.file("logs"), folder.file("old")).expect("renamed");
        }),
        ("replaced folder", |folder| {
            fs::rename(folder.file("logs"), folder.file("old")).expect("renamed");
            let _ = fs::create_dir(folder.file("logs"));
        }),
        ("deleted file", |folder| fs::remove_file(folder.file("logs/app.log")).expect("removed")),
        ("renamed file", |folder| {
            fs::rename(folder.file("logs/app.log"), folder.file("app.log")).expect("renamed");
        }),
        ("replaced file", |folder| {
            fs::write(folder.file("new"), "").expect("a file");
            fs::rename(folder.file("new"), folder.file("logs/app.log")).expect("renamed");
        }),
        ("emptied file", |folder| fs::write(folder.file("logs/app.log"), "").expect("emptied")),
    ];
    for (name, fault) in faults {
        let folder = Folder::new("replaced");
        let running = start(&folder, &[("MILLIS", "500")]);
        fault(&folder);
        has_lines_soon(&folder.file("logs/app.log"));
        has_lines_soon(&folder.file("logs/audit.log"));
        let counts = running.counts();
        assert_eq!((counts.dropped, counts.waiting), (0, 0), "{name}");
        assert_eq!(Found::of(&folder.file("logs")).broken, 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn lines_that_no_file_can_take_are_counted() {
    use std::os::unix::fs::symlink;

    let faults: [(&str, Fault, Fault); 5] = [
        (
            "a file in place of the folder",
            |folder| {
                fs::rename(folder.file("logs"), folder.file("old")).expect("renamed");
                while fs::write(folder.file("logs"), "in the way").is_err() {
                    let _ = fs::remove_dir_all(folder.file("logs"));
                }
                fs::remove_dir_all(folder.file("old")).expect("removed");
            },
            |folder| fs::remove_file(folder.file("logs")).expect("removed"),
        ),
        (
            "a folder in place of the file",
            |folder| {
                let path = folder.file("logs/app.log");
                let audit = folder.file("logs/audit.log");
                for path in [path, audit] {
                    fs::remove_file(&path).expect("removed");
                    while fs::create_dir(&path).is_err() {
                        let _ = fs::remove_file(&path);
                    }
                }
            },
            |folder| {
                fs::remove_dir(folder.file("logs/app.log")).expect("removed");
                fs::remove_dir(folder.file("logs/audit.log")).expect("removed");
            },
        ),
        (
            "a dangling link in place of the folder",
            |folder| {
                fs::rename(folder.file("logs"), folder.file("old")).expect("renamed");
                while symlink(folder.file("nowhere"), folder.file("logs")).is_err() {
                    let _ = fs::remove_dir_all(folder.file("logs"));
                }
                fs::remove_dir_all(folder.file("old")).expect("removed");
            },
            |folder| fs::create_dir(folder.file("nowhere")).expect("created"),
        ),
        (
            "dangling links in place of the files",
            |folder| {
                for name in ["app.log", "audit.log"] {
                    let link = folder.file("link");
                    symlink(folder.file("nowhere").join(name), &link).expect("a link");
                    fs::rename(link, folder.file("logs").join(name)).expect("renamed");
                }
            },
            |folder| fs::create_dir(folder.file("nowhere")).expect("created"),
        ),
        (
            "pipes without a reader in place of the files",
            |folder| {
                for name in ["app.log", "audit.log"] {
                    let pipe = make_pipe(folder);
                    fs::rename(pipe, folder.file("logs").join(name)).expect("renamed");
                }
            },
            |folder| {
                for name in ["app.log", "audit.log"] {
                    fs::remove_file(folder.file("logs").join(name)).expect("removed");
                }
            },
        ),
    ];
    let with_queues = ["0", "100"].into_iter().flat_map(|queue| faults.map(|it| (queue, it)));
    for (queue, (name, fault, repair)) in with_queues {
        let folder = Folder::new("in-the-way");
        let running = start(&folder, &[("MILLIS", "800"), ("QUEUE", queue)]);
        fault(&folder);
        thread::sleep(Duration::from_millis(100));
        repair(&folder);
        has_lines_soon(&folder.file("logs/app.log"));
        has_lines_soon(&folder.file("logs/audit.log"));
        let counts = running.counts();
        assert!(
            counts.reasons["file: io"] > 0 && counts.reasons["audit: io"] > 0,
            "{name}: {counts:?}"
        );
        let found = Found::of(&folder.file("logs"));
        assert_eq!(found.broken, 0, "{name}");
        let reported: u64 = found.reports().map(|(_, lines)| lines).sum();
        assert_eq!(reported, counts.reasons["file: io"], "{name}: {counts:?}");
    }
}

#[cfg(unix)]
fn make_pipe(folder: &Folder) -> std::path::PathBuf {
    let path = folder.file("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    path
}

#[cfg(unix)]
#[test]
fn bug_init_waited_for_the_reader_of_a_pipe() {
    let folder = Folder::new("pipe-alone");
    let pipe = make_pipe(&folder);
    for variable in ["LOG_FILE", "LOG_AUDIT_FILE"] {
        let ended = run(&mut program("disk", "lines", &[(variable, text(&pipe))]));
        assert!(!ended.status.success());
        assert!(ended.stderr.contains("can't be opened"), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[test]
fn lines_wait_for_the_slow_reader_of_a_pipe() {
    for queue in ["0", "20"] {
        let folder = Folder::new(&format!("pipe-{queue}"));
        let pipe = make_pipe(&folder);
        // Opened for writing, too, so that opening it does not wait for a writer.
        let reader = fs::File::options().read(true).write(true).open(&pipe).expect("a pipe");
        let env = [("LOG_FILE", text(&pipe)), ("FILL", "1000"), ("LINES", "300"), ("QUEUE", queue)];
        let running = Running::start(program("disk", "lines", &env));
        thread::sleep(Duration::from_millis(300));
        let lines = BufReader::new(reader).lines().take(300);
        let numbers = lines.map(|line| {
            let line: Value = serde_json::from_str(&line.expect("it can be read")).expect("JSON");
            line["n"].as_u64()
        });
        assert!(numbers.eq((0..300).map(Some)), "{queue}");
        let counts = running.counts();
        assert_eq!((counts.written, counts.dropped), (300, 0), "{queue}");
    }
}

/// A write of more than 4,096 bytes can be split by the writes of others.
#[cfg(unix)]
#[test]
fn bug_the_queues_of_two_processes_tore_their_lines_in_a_pipe() {
    let folder = Folder::new("pipe-shared");
    let pipe = make_pipe(&folder);
    let reader = fs::File::options().read(true).write(true).open(&pipe).expect("a pipe");
    let env = [("LOG_FILE", text(&pipe)), ("FILL", "300"), ("LINES", "2000"), ("QUEUE", "1000")];
    let running = [(); 2].map(|()| Running::start(program("disk", "lines", &env)));
    let mut content = String::new();
    for line in BufReader::new(reader).lines().take(4000) {
        content.push_str(&line.expect("it can be read"));
        content.push('\n');
    }
    let mut found = Found::default();
    found.add("pipe", content.as_bytes());
    assert_eq!((found.lines.len(), found.broken), (4000, 0));
    for running in running {
        let counts = running.counts();
        assert_eq!((counts.written, counts.dropped), (2000, 0));
    }
}

#[cfg(unix)]
#[test]
fn bug_the_next_reader_of_a_pipe_got_the_rest_of_a_line_that_counted_as_written() {
    let folder = Folder::new("pipe-readers");
    let pipe = make_pipe(&folder);
    let fill = "200000";
    // Opened for writing, too, so that opening it does not wait for a writer. This one is closed first.
    let both = fs::File::options().read(true).write(true).open(&pipe).expect("a pipe");
    let env = [("LOG_FILE", text(&pipe)), ("FILL", fill), ("LINES", "3"), ("PAUSE", "500000")];
    let running = Running::start(program("disk", "lines", &env));
    // The pipe is full before the end of the line.
    thread::sleep(Duration::from_millis(200));
    drop(both);
    thread::sleep(Duration::from_millis(100));
    let mut content = String::new();
    let mut reader = fs::File::open(&pipe).expect("a pipe");
    reader.read_to_string(&mut content).expect("it can be read");
    let counts = running.counts();
    let mut found = Found::default();
    found.add("pipe", content.as_bytes());
    // The first line is cut, the two others and its report are whole.
    assert_eq!((found.lines.len(), found.broken), (3, 1), "{counts:?}");
    assert_eq!((counts.written, counts.dropped), (3, 1), "{counts:?}");
    assert_eq!(found.reports().collect::<Vec<_>>(), [("io", 1)]);
}

#[cfg(unix)]
#[test]
fn a_link_whose_target_is_deleted_is_followed_again() {
    let folder = Folder::new("link-target");
    fs::create_dir_all(folder.file("logs")).expect("a folder");
    fs::create_dir_all(folder.file("target")).expect("a folder");
    let target = folder.file("target/app.log");
    std::os::unix::fs::symlink(&target, folder.file("logs/app.log")).expect("a link");
    let running = start(&folder, &[("MILLIS", "1000")]);
    fs::remove_file(&target).expect("removed");
    has_lines_soon(&target);
    fs::remove_dir_all(folder.file("target")).expect("removed");
    thread::sleep(Duration::from_millis(100));
    fs::create_dir(folder.file("target")).expect("a folder");
    has_lines_soon(&target);
    assert!(running.counts().reasons["file: io"] > 0);
    assert!(fs::symlink_metadata(folder.file("logs/app.log")).expect("the link").is_symlink());
}

/// The user `nobody`, to whom the permissions of folders apply.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// Makes the folder `logs`, which belongs to [`NOBODY`].
#[cfg(unix)]
fn make_logs_of_nobody(folder: &Folder) {
    fs::create_dir(folder.file("logs")).expect("a folder");
    std::os::unix::fs::chown(folder.file("logs"), Some(NOBODY), Some(NOBODY)).expect("given away");
}

/// Starts a process of [`NOBODY`] whose eight threads write to `logs/app.log`, and to `logs/audit.log`; `None` if this
/// process may not.
#[cfg(unix)]
fn start_as_nobody(folder: &Folder, millis: &str) -> Option<Running> {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;

    if fs::metadata(folder.file(".")).expect("a folder").uid() != 0 {
        eprintln!("skipped: only root can run a program as someone else");
        return None;
    }
    set_mode(&folder.file("."), 0o755);
    make_logs_of_nobody(folder);
    // The target folder can be inaccessible to other users.
    let copy = folder.file("faults");
    crate::sinks::copy_program(env!("CARGO_BIN_EXE_faults"), &copy);
    let (path, audit) = (folder.file("logs/app.log"), folder.file("logs/audit.log"));
    let mut command = Command::new(&copy);
    command.args(["disk", "lines"]).env_clear().uid(NOBODY).gid(NOBODY).envs([
        ("LOG_FILE", text(&path)),
        ("LOG_AUDIT_FILE", text(&audit)),
        ("AUDIT", "10"),
        ("LOG_FILE_MAX_BYTES", "20000"),
        ("LOG_FILE_BACKUPS", "3"),
        ("MILLIS", millis),
        ("THREADS", "8"),
        ("PAUSE", "500"),
    ]);
    let running = Running::start(command);
    has_lines_soon(&path);
    Some(running)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

/// The process may not create the folder again.
#[cfg(unix)]
#[test]
fn lines_go_on_into_a_renamed_folder_if_the_path_cannot_be_opened() {
    let folder = Folder::new("not-writable");
    let Some(running) = start_as_nobody(&folder, "1000") else { return };
    fs::rename(folder.file("logs"), folder.file("old")).expect("renamed");
    thread::sleep(Duration::from_millis(50));
    has_lines_soon(&folder.file("old/app.log"));
    fs::remove_dir_all(folder.file("old")).expect("removed");
    thread::sleep(Duration::from_millis(100));
    make_logs_of_nobody(&folder);
    has_lines_soon(&folder.file("logs/app.log"));
    let counts = running.counts();
    assert!(counts.reasons["file: io"] > 0, "{counts:?}");
}

/// The process can't rename the file, and not create it again after it was deleted.
#[cfg(unix)]
#[test]
fn a_folder_that_becomes_read_only_loses_only_counted_lines() {
    let folder = Folder::new("read-only");
    let Some(running) = start_as_nobody(&folder, "3000") else { return };
    let (logs, path) = (folder.file("logs"), folder.file("logs/app.log"));
    set_mode(&logs, 0o555);
    let started = Instant::now();
    while fs::metadata(&path).expect("the file").len() < 30_000 {
        assert!(started.elapsed() < 2 * SOON, "the file does not grow beyond its limit");
        thread::sleep(Duration::from_millis(1));
    }
    fs::remove_file(&path).expect("removed");
    thread::sleep(Duration::from_millis(100));
    assert!(!path.exists());
    set_mode(&logs, 0o755);
    has_lines_soon(&path);
    let counts = running.counts();
    assert!(counts.reasons["file: io"] > 0 && counts.waiting == 0, "{counts:?}");
    assert_eq!(Found::of(&logs).broken, 0);
}

/// The process can't see whether the path still names its file.
#[cfg(unix)]
#[test]
fn bug_lines_to_a_deleted_file_behind_an_unreadable_folder_were_counted_as_written() {
    let folder = Folder::new("unreadable");
    let Some(running) = start_as_nobody(&folder, "1500") else { return };
    let (logs, path) = (folder.file("logs"), folder.file("logs/app.log"));
    set_mode(&logs, 0o000);
    has_lines_soon(&path);
    let files = [path, folder.file("logs/audit.log")].map(|path| {
        let file = fs::File::open(&path).expect("the file");
        fs::remove_file(path).expect("removed");
        file
    });
    thread::sleep(Duration::from_millis(100));
    let lengths = || files.each_ref().map(|file| file.metadata().expect("the file").len());
    let before = lengths();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(lengths(), before, "lines go on into files without a name");
    set_mode(&logs, 0o755);
    has_lines_soon(&folder.file("logs/app.log"));
    has_lines_soon(&folder.file("logs/audit.log"));
    let counts = running.counts();
    assert!(counts.reasons["file: io"] > 0 && counts.reasons["audit: io"] > 0, "{counts:?}");
}

#[cfg(unix)]
#[test]
fn a_rotation_without_free_descriptors_loses_no_line() {
    let folder = Folder::new("descriptors");
    let path = folder.file("app.log");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 60; exec \"$0\" disk no-descriptors"]);
    command.arg(env!("CARGO_BIN_EXE_faults")).env_clear();
    command.envs([
        ("LOG_FILE", text(&path)),
        ("LOG_FILE_MAX_BYTES", "2500"),
        ("LOG_FILE_BACKUPS", "50"),
    ]);
    let ended = run(&mut command);
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stderr.contains("is there true"), "{}", ended.stderr);
    let counts = Counts::of(ended.stderr.as_bytes());
    assert_eq!((counts.written, counts.dropped), (150, 0));
    let found = Found::of(&folder.file("."));
    assert_eq!((found.lines.len(), found.broken, found.bytes), (150, 0, counts.bytes));
}

/// Nothing in an immutable folder can be renamed.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_allows_no_rename_lets_the_file_grow() {
    struct Mutable<'a>(&'a Path);

    impl Drop for Mutable<'_> {
        fn drop(&mut self) {
            let _ = Command::new("chattr").arg("-i").arg(self.0).status();
        }
    }

    let folder = Folder::new("immutable");
    let logs = folder.file("logs");
    let running = start(&folder, &[("LOG_FILE_MAX_BYTES", "20000"), ("MILLIS", "600")]);
    let mut change = Command::new("chattr");
    let changed = change.arg("+i").arg(&logs).stderr(Stdio::null()).status();
    if !changed.is_ok_and(|status| status.success()) {
        running.counts();
        eprintln!("skipped: no folder can be made immutable here");
        return;
    }
    let mutable = Mutable(&logs);
    thread::sleep(Duration::from_millis(100));
    has_lines_soon(&folder.file("logs/app.log"));
    let counts = running.counts();
    drop(mutable);
    assert_eq!((counts.dropped, counts.waiting), (0, 0));
}
