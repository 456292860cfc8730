//! The Rust sources of a folder, and their state in git.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

/// The sources below `root`, sorted: those that git does not ignore, or without git, all those outside `target` and
/// hidden folders. Symbolic links are not followed.
pub(super) fn sources(root: &Path) -> Vec<PathBuf> {
    // A folder that git ignores completely was named on purpose.
    let mut files = tracked(root).filter(|files| !files.is_empty()).unwrap_or_else(|| {
        let mut files = Vec::new();
        walk(root, &mut files);
        files
    });
    files.retain(|path| path.file_name().is_some_and(|name| name != "build.rs"));
    files.sort_unstable();
    files.dedup();
    files
}

fn walk(root: &Path, files: &mut Vec<PathBuf>) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && is_entered(&name.to_string_lossy()) {
                folders.push(entry.path());
            } else if kind.is_file() && is_source(&name.to_string_lossy()) {
                files.push(entry.path());
            }
        }
    }
}

fn is_entered(folder: &str) -> bool {
    folder != "target" && !folder.starts_with('.')
}

fn is_source(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rs")
}

/// The sources that git tracks or would add.
fn tracked(root: &Path) -> Option<Vec<PathBuf>> {
    let listed =
        git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rs"])?;
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(Path::new);
    let is_visible = |path: &&Path| {
        let folders = path.parent().into_iter().flat_map(Path::components);
        folders.into_iter().all(|folder| is_entered(&folder.as_os_str().to_string_lossy()))
    };
    let files = paths.filter(is_visible).map(|path| root.join(path));
    Some(files.filter(|path| path.symlink_metadata().is_ok_and(|data| data.is_file())).collect())
}

/// The files below `root` with uncommitted changes. `None` if the folder is not in a git repository.
pub(super) fn uncommitted(root: &Path) -> Option<Vec<String>> {
    let status = git(root, &["status", "--porcelain", "--untracked-files=no", "--", "."])?;
    Some(status.lines().filter_map(|line| line.get(3..)).map(str::to_owned).collect())
}

/// The time of the last change to each of these lines: from git, or else the time of the file.
pub(super) fn ages(file: &Path, lines: &[usize]) -> HashMap<usize, u64> {
    let changed = fs::metadata(file).and_then(|data| data.modified()).ok();
    let changed =
        changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |at| at.as_secs());
    let mut ages: HashMap<usize, u64> = lines.iter().map(|line| (*line, changed)).collect();
    let (Some(folder), Some(name)) =
        (file.parent(), file.file_name().and_then(|name| name.to_str()))
    else {
        return ages;
    };
    let Some(blame) = git(folder, &["blame", "--line-porcelain", "--", name]) else { return ages };
    let (mut line, mut is_committed) = (0, true);
    for row in blame.lines() {
        let mut words = row.split(' ');
        let first = words.next().unwrap_or_default();
        if first.len() >= 40 && first.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            is_committed = first.bytes().any(|byte| byte != b'0');
            line = words.nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
        } else if first == "committer-time"
            && let (Some(age), Some(time)) = (ages.get_mut(&line), words.next())
        {
            *age = if is_committed { time.parse().unwrap_or(changed) } else { u64::MAX };
        }
    }
    ages
}

/// The files that the last commits changed, the newest first.
pub(super) fn recently_changed(root: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    let status = git(root, &["diff", "--name-only", "--relative", "HEAD"]).unwrap_or_default();
    let log = git(root, &["log", "-n", "300", "--name-only", "--relative", "--format="])
        .unwrap_or_default();
    for path in status.lines().chain(log.lines()).filter(|path| !path.is_empty()) {
        let path = root.join(path);
        if files.len() < 1000 && !files.contains(&path) {
            files.push(path);
        }
    }
    files
}

/// The output of a git command that only reads.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    // A repository may configure a program to run for its status.
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
