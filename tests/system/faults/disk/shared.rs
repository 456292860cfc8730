//! Several processes that write long lines to one file and rotate it.

use super::*;

/// A process that logs lines from 10 to 100 kB, each of which may rotate the file.
fn writer(path: &Path, env: &[(&str, &str)]) -> Command {
    let mut all = vec![
        ("LOG_FILE", text(path)),
        ("LOG_FILE_MAX_BYTES", "250000"),
        ("LOG_FILE_BACKUPS", "5000"),
        ("FILL", "10000"),
        ("MOST", "100000"),
    ];
    all.extend(env);
    program("disk", "lines", &all)
}

/// Runs the processes to their end, with `meanwhile` as long as one runs. Returns what is in the files.
fn together(
    folder: &Folder,
    count: usize,
    env: &[(&str, &str)],
    mut meanwhile: impl FnMut(&[Running]),
) -> Found {
    let path = folder.file("app.log");
    let mut running: Vec<_> = (0..count).map(|_| Running::start(writer(&path, env))).collect();
    while running.iter_mut().any(|process| process.child.try_wait().expect("a child").is_none()) {
        meanwhile(&running);
        thread::sleep(Duration::from_millis(2));
    }
    let ids: Vec<_> = running.iter().map(|process| process.child.id()).collect();
    let counts: Vec<_> = running.into_iter().map(Running::counts).collect();
    let found = Found::of(&folder.file("."));
    for (id, counts) in ids.into_iter().zip(counts) {
        assert_eq!((counts.dropped, counts.waiting), (0, 0), "{counts:?}");
        assert_eq!(found.of_process(id), counts.written, "process {id}: {counts:?}");
    }
    found
}

#[test]
fn long_lines_of_several_processes_are_whole_and_no_line_is_blank() {
    for (processes, queue) in [(3, "0"), (5, "0"), (3, "20")] {
        let folder = Folder::new(&format!("shared-{processes}-{queue}"));
        let env = [("LINES", "120"), ("QUEUE", queue)];
        let found = together(&folder, processes, &env, |_| {});
        assert_eq!(found.broken, 0);
        assert_eq!(found.lines.len(), processes * 120);
    }
}

/// The half line of a killed process is ended by the next line of another one.
#[test]
fn a_process_killed_within_a_line_costs_only_that_line() {
    let folder = Folder::new("shared-killed");
    let path = folder.file("app.log");
    let (mut victims, mut after) = (Vec::new(), 0_u64);
    let env = [("MILLIS", "4000"), ("PAUSE", "3000")];
    let found = together(&folder, 2, &env, |_| {
        let mut victim = Running::start(writer(&path, &[("PAUSE", "200")]));
        after = (after + 7) % 20;
        thread::sleep(Duration::from_millis(5 + after));
        victim.child.kill().expect("killed");
        victim.child.wait().expect("a child");
        victims.push(victim.child.id());
    });
    println!("{} killed, {} lines, {} broken", victims.len(), found.lines.len(), found.broken);
    assert!(found.broken <= victims.len(), "{} broken lines", found.broken);
    // Nothing but the last line of a killed process is missing.
    for victim in victims {
        let lines = found.lines.iter().filter(|line| line["process"] == victim);
        let last = lines.clone().filter_map(|line| line["n"].as_u64()).max();
        assert_eq!(lines.count() as u64, last.map_or(0, |last| last + 1));
    }
}

#[test]
fn a_stopped_process_does_not_stop_the_others() {
    let folder = Folder::new("shared-stopped");
    let found = together(&folder, 3, &[("LINES", "150"), ("PAUSE", "1000")], |running| {
        let Some((first, others)) = running.split_first() else { return };
        first.signal("STOP");
        thread::sleep(Duration::from_millis(50));
        let _ = others;
        first.signal("CONT");
    });
    assert_eq!((found.lines.len(), found.broken), (450, 0));
}

/// A file that ends with a half line when the process starts.
#[test]
fn a_half_line_of_a_crash_is_kept_and_ended_at_the_next_start() {
    for half in ["{\"ts\":\"2026-11", "{", "a\n{\"", "\n\n{"] {
        let folder = Folder::new("shared-half");
        let path = folder.file("app.log");
        fs::write(&path, half).expect("a file");
        let env = [("LOG_FILE", text(&path)), ("LINES", "3")];
        let counts = Running::start(program("disk", "lines", &env)).counts();
        let held = fs::read_to_string(&path).expect("the file");
        let rest =
            held.strip_prefix(half).and_then(|rest| rest.strip_prefix('\n')).expect("it is kept");
        assert_eq!(rest.lines().count(), 3);
        assert_eq!(counts.bytes, (held.len() - half.len()) as u64);
    }
}

/// As after a process that was killed while others run: the half line appears behind the back of a running process.
#[test]
fn a_half_line_that_appears_later_is_ended_before_the_next_line() {
    for (half, ended) in [("{\"ts\":\"2026-11", "{\"ts\":\"2026-1\n"), ("{", " ")] {
        let folder = Folder::new("shared-later");
        let path = folder.file("app.log");
        let env = [("LOG_FILE", text(&path)), ("LINES", "2"), ("PAUSE", "600000")];
        let running = Running::start(program("disk", "lines", &env));
        thread::sleep(Duration::from_millis(200));
        let mut other = fs::File::options().append(true).open(&path).expect("the file");
        std::io::Write::write_all(&mut other, half.as_bytes()).expect("written");
        assert_eq!(running.counts().written, 2);
        let held = fs::read_to_string(&path).expect("the file");
        let first = held.find('\n').expect("a line") + 1;
        let rest = held[first..].strip_prefix(ended).expect("it is ended");
        serde_json::from_str::<Value>(rest).expect("the second line is whole");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bug_half_lines_were_not_ended_after_a_moment_without_a_free_descriptor() {
    let folder = Folder::new("shared-descriptors");
    let path = folder.file("app.log");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 60; exec \"$0\" disk half-line-without-descriptors"]);
    command.arg(env!("CARGO_BIN_EXE_faults")).env_clear().env("LOG_FILE", &path);
    let ended = run(&mut command);
    assert!(ended.status.success(), "{}", ended.stderr);
    let held = fs::read_to_string(&path).expect("the file");
    let last = held.lines().next_back().expect("a line");
    let last: Value = serde_json::from_str(last).expect("it is not joined to the half line");
    assert_eq!(last["is_free"], true);
}

/// Each thread has a subscriber of its own for the same file.
#[test]
fn several_subscribers_of_one_process_share_a_file() {
    for queue in ["0", "20"] {
        let folder = Folder::new(&format!("shared-subscribers-{queue}"));
        let env =
            [("OWN", "1"), ("LINES", "60"), ("THREADS", "3"), ("AUDIT", "3"), ("QUEUE", queue)];
        let found = together(&folder, 1, &env, |_| {});
        assert_eq!((found.lines.len(), found.broken), (180, 0));
    }
}
