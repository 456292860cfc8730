//! A log file that another program has locked for good.

use super::*;

/// Appends a byte to the file `CALLS` for each attempt to take a lock, and fails every other one with `EINTR`.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

int flock(int fd, int operation) {
    static int (*real)(int, int);
    static unsigned long calls;
    if (!real) real = dlsym(RTLD_NEXT, "flock");
    if (operation & LOCK_UN) return real(fd, operation);
    int noted = open(getenv("CALLS"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write(noted, "x", 1) != 1 || close(noted)) abort();
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) % 2) return errno = EINTR, -1;
    return real(fd, operation);
}
"#;

/// Writes 2000 lines to a locked file that is full after a few of them. Returns the number of files, and of the
/// process's attempts to take the lock; `None` without a C compiler.
fn write_locked(name: &str) -> Option<(usize, usize)> {
    let (folder, libraries) = (Folder::new(name), Folder::new(&format!("{name}-library")));
    let Some(library) = library(&libraries, SHIM) else {
        eprintln!("skipped: there is no C compiler here");
        return None;
    };
    let (path, calls) = (folder.file("app.log"), libraries.file("calls"));
    let locked = fs::File::create(&path).expect("a file");
    locked.lock().expect("nobody has locked it");
    let env = [
        ("LOG_FILE", text(&path)),
        ("LOG_FILE_MAX_BYTES", "5000"),
        ("LINES", "2000"),
        ("CALLS", text(&calls)),
        ("LD_PRELOAD", text(&library)),
    ];
    let counts = Running::start(program("disk", "lines", &env)).counts();
    assert_eq!((counts.written, counts.dropped), (2000, 0));
    let files = fs::read_dir(folder.file(".")).expect("a folder").count();
    Some((files, fs::read(&calls).expect("calls").len()))
}

#[test]
fn bug_a_signal_let_a_process_rotate_a_file_that_another_one_had_locked() {
    if let Some((files, _)) = write_locked("interrupted") {
        assert_eq!(files, 1, "the file was rotated");
    }
}

#[test]
fn bug_a_file_locked_by_another_program_was_opened_again_for_each_line() {
    if let Some((_, calls)) = write_locked("locked") {
        assert!((2..1000).contains(&calls), "{calls} attempts for 2000 lines");
    }
}
