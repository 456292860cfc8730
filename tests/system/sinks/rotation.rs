//! Rotation by size: with many threads, with two processes, and in a process that is killed half way.

use std::fs;
use std::process::Stdio;

use super::{Counts, Folder, fixture, lines, numbers, run, text};

/// The environment for a file of about ten lines and this number of backups.
fn rotated<'a>(path: &'a str, backups: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("LOG_FILE", path), ("LOG_FILE_MAX_BYTES", "2500"), ("LOG_FILE_BACKUPS", backups)]
}

#[test]
fn eight_threads_rotate_one_file_without_losing_or_doubling_a_line() {
    for queue in ["0", "100"] {
        let folder = Folder::new(&format!("threads-{queue}"));
        let path = folder.file("app.log");
        let mut env = rotated(text(&path), "1000");
        env.extend([("THREADS", "8"), ("LINES", "250"), ("QUEUE", queue)]);
        let counts = Counts::of(&run("threads", &env).stderr);
        assert_eq!((counts.emitted, counts.written), (2000, 2000));
        assert_eq!(counts.bytes, folder.bytes());
        let threads = numbers(&folder.all_lines());
        assert_eq!(threads.len(), 8);
        for numbers in threads.values() {
            assert_eq!(*numbers, (0..250).collect::<Vec<_>>());
        }
        for name in folder.names() {
            let length = fs::metadata(folder.file(&name)).expect("the file").len();
            assert!((1..=2500).contains(&length), "{name} holds {length} bytes");
        }
    }
}

#[test]
fn two_processes_rotate_one_file_without_losing_a_backup() {
    let folder = Folder::new("processes");
    let path = folder.file("app.log");
    let mut env = rotated(text(&path), "2000");
    env.extend([("THREADS", "2"), ("LINES", "500")]);
    let processes: Vec<_> = ["0", "1000"]
        .map(|first| {
            let mut process = fixture("threads", &env);
            process.env("FIRST", first).stderr(Stdio::piped()).spawn().expect("it runs")
        })
        .into();
    for process in processes {
        let counts = Counts::of(&process.wait_with_output().expect("it ends").stderr);
        assert_eq!((counts.emitted, counts.written), (1000, 1000));
    }
    // Up to 200 files. A process writes to the full file while the other one rotates, which takes longer on a busy machine.
    let names = folder.names();
    assert!(names.len() > 5, "{names:?}");
    let found = numbers(&folder.all_lines());
    for numbers in found.into_values() {
        let mut numbers = numbers;
        numbers.sort_unstable();
        assert_eq!(numbers, (0..500).chain(1000..1500).collect::<Vec<_>>());
    }
}

#[test]
fn a_process_killed_between_two_renames_of_a_rotation_loses_nothing() {
    // With three backups a rotation has five points to stop at; in the second run all backups exist.
    for crash in 0..15 {
        let folder = Folder::new(&format!("crash-{crash}"));
        let path = folder.file("app.log");
        let mut env = rotated(text(&path), "3");
        let (first, second) = (crash.to_string(), "1000");
        env.extend([("CRASH_AT", first.as_str()), ("LINES", "200")]);
        let crashed = fixture("threads", &env).output().expect("it runs");
        #[cfg(unix)]
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&crashed.status), Some(9));
        assert!(!crashed.status.success(), "{crash} is no moment of a rotation");
        let before = numbers(&folder.all_lines()).remove(&0).unwrap_or_default();
        assert!(!before.is_empty());
        assert!(before.is_sorted_by(|a, b| a + 1 == *b), "crash at {crash}: {before:?}");

        // One process continues, and the next one rotates again.
        env.truncate(3);
        env.extend([("FIRST", second), ("LINES", "1")]);
        run("threads", &env);
        let after = numbers(&folder.all_lines()).remove(&0).expect("lines");
        let (old, new) = after.split_at(after.len() - 1);
        assert_eq!(new, [1000]);
        // Every line is there, except those of the oldest backup if all backups existed.
        assert!(before.ends_with(old), "crash at {crash}: {before:?} became {old:?}");
        let oldest = if folder.names().len() > 3 { 12 } else { 0 };
        assert!(before.len() - old.len() <= oldest, "crash at {crash}: {before:?} became {old:?}");
        let odd = folder.names().into_iter().find(|name| {
            !["app.log", "app.log.1", "app.log.2", "app.log.3"].contains(&name.as_str())
        });
        assert_eq!(odd, None);
    }
}

#[test]
fn a_process_killed_while_rotating_leaves_whole_lines_in_order() {
    for round in 0..8 {
        let folder = Folder::new(&format!("killed-{round}"));
        let path = folder.file("app.log");
        let mut env = rotated(text(&path), "5");
        env.extend([("THREADS", "4"), ("LINES", "1000000")]);
        let mut child = fixture("threads", &env).stderr(Stdio::null()).spawn().expect("it runs");
        while !folder.file("app.log.5").exists() {
            assert!(child.try_wait().expect("a child").is_none());
            std::thread::yield_now();
        }
        // Often in the middle of a rotation.
        std::thread::sleep(std::time::Duration::from_micros(700 * round));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let all = numbers(&folder.all_lines());
        for numbers in all.values() {
            assert!(numbers.is_sorted_by(|a, b| a + 1 == *b), "{numbers:?}");
        }
    }
}

#[test]
fn a_relative_path_is_resolved_at_start() {
    let folder = Folder::new("elsewhere");
    fs::create_dir(folder.file("elsewhere")).expect("a folder");
    let env = rotated("app.log", "100");
    let mut command = fixture("elsewhere", &env);
    super::finished(command.current_dir(&folder.0).output().expect("it runs"));
    assert_eq!(numbers(&folder.all_lines())[&0], (0..100).collect::<Vec<_>>());
    assert_eq!(fs::read_dir(folder.file("elsewhere")).expect("a folder").count(), 0);
}

#[test]
fn the_default_rotation_is_ten_million_bytes_and_five_backups() {
    let folder = Folder::new("defaults");
    let path = folder.file("app.log");
    for place in 1..=6 {
        fs::write(folder.file(&format!("app.log.{place}")), format!("{place}")).expect("a file");
    }
    run("threads", &[("LOG_FILE", text(&path)), ("LINES", "2700"), ("FILL", "4000")]);
    let length = fs::metadata(folder.file("app.log.1")).expect("a backup").len();
    assert!((9_990_000..=10_000_000).contains(&length), "{length}");
    let held = |place: u32| fs::read_to_string(folder.file(&format!("app.log.{place}")));
    assert_eq!(
        [2, 3, 4, 5, 6].map(|place| held(place).expect("a backup")),
        ["1", "2", "3", "4", "6"]
    );
}

#[test]
fn a_missing_backup_number_is_used_before_the_oldest_is_replaced() {
    let folder = Folder::new("hole");
    let path = folder.file("app.log");
    for (name, n) in [("app.log.1", 3), ("app.log.3", 2), ("app.log.4", 1)] {
        fs::write(folder.file(name), format!("backup {n}\n")).expect("a file");
    }
    let mut env = rotated(text(&path), "4");
    env.push(("LINES", "15"));
    run("threads", &env);
    let held = |name: &str| fs::read_to_string(folder.file(name)).expect("a backup");
    assert_eq!(held("app.log.4"), "backup 1\n");
    assert_eq!(held("app.log.3"), "backup 2\n");
    assert_eq!(held("app.log.2"), "backup 3\n");
    assert!(held("app.log.1").contains("numbered"));
}

#[test]
fn files_with_similar_names_are_not_touched() {
    let folder = Folder::new("neighbours");
    let neighbours = [
        "app-audit.log",
        "app.log.bak",
        "app.log.1.gz",
        "app.log.10",
        "app.log.01",
        "app.log.4",
        "xapp.log.1",
    ];
    for name in neighbours {
        fs::write(folder.file(name), "not candor's").expect("a file");
    }
    let path = folder.file("app.log");
    let mut env = rotated(text(&path), "3");
    env.push(("LINES", "100"));
    run("threads", &env);
    for name in neighbours {
        let held = fs::read_to_string(folder.file(name)).expect("it is there");
        assert_eq!(held, "not candor's", "{name}");
    }
    assert_eq!(folder.names().len(), neighbours.len() + 4);
}

#[test]
fn if_a_rename_fails_the_file_is_kept_and_no_line_is_lost() {
    let folder = Folder::new("rename");
    // The name of the only backup is a folder, which can't be replaced by a file.
    fs::create_dir(folder.file("app.log.1")).expect("a folder");
    let path = folder.file("app.log");
    let mut env = rotated(text(&path), "1");
    env.push(("LINES", "100"));
    let counts = Counts::of(&run("threads", &env).stderr);
    assert_eq!((counts.written, counts.dropped), (100, 0));
    let held = fs::read(&path).expect("the file");
    assert_eq!(counts.bytes, held.len() as u64);
    let lines = lines(&held);
    assert_eq!(numbers(&lines)[&0], (0..100).collect::<Vec<_>>());
}

/// Runs as a user who can write to the file but not to its folder.
#[cfg(unix)]
#[test]
fn a_user_without_write_access_to_the_folder_loses_no_line() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65_534;
    let folder = Folder::new("rights");
    if fs::metadata(&folder.0).expect("a folder").uid() != 0 {
        eprintln!("skipped: only root can run a program as someone else");
        return;
    }
    let path = folder.file("app.log");
    fs::write(&path, "").expect("a file");
    chown(&path, Some(NOBODY), Some(NOBODY)).expect("given away");
    // The target folder can be inaccessible to other users.
    let program = folder.file("fixture");
    super::copy_program(env!("CARGO_BIN_EXE_fixture"), &program);
    let mut env = rotated(text(&path), "3");
    env.push(("LINES", "100"));
    let mut command = std::process::Command::new(&program);
    command.arg("threads").env_clear().envs(env).uid(NOBODY).gid(NOBODY);
    let output = super::finished(command.output().expect("it runs"));
    let counts = Counts::of(&output.stderr);
    assert_eq!((counts.written, counts.dropped), (100, 0));
    assert_eq!(lines(&fs::read(&path).expect("the file")).len(), 100);
    assert_eq!(folder.names(), ["app.log", "fixture"]);
}

#[test]
fn a_line_over_the_file_size_limit_gets_its_own_file() {
    let folder = Folder::new("long");
    let path = folder.file("app.log");
    let mut env = rotated(text(&path), "100");
    env.extend([("LINES", "10"), ("FILL", "3000"), ("QUEUE", "100")]);
    let counts = Counts::of(&run("threads", &env).stderr);
    assert_eq!((folder.names().len(), folder.bytes()), (10, counts.bytes));
    assert_eq!(numbers(&folder.all_lines())[&0], (0..10).collect::<Vec<_>>());
}

/// As root, a rotation would otherwise rename a device such as `/dev/null`.
#[cfg(unix)]
#[test]
fn symbolic_links_are_never_renamed() {
    let folder = Folder::new("link");
    let target = folder.file("target.log");
    fs::write(&target, "").expect("a file");
    let path = folder.file("app.log");
    std::os::unix::fs::symlink(&target, &path).expect("a link");
    let mut env = rotated(text(&path), "3");
    env.push(("LINES", "100"));
    run("threads", &env);
    assert_eq!(folder.names(), ["app.log", "target.log"]);
    assert!(fs::symlink_metadata(&path).expect("the link").is_symlink());
    assert_eq!(lines(&fs::read(&target).expect("the file")).len(), 100);
}
