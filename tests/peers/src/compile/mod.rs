//! The compile time of 500 annotated functions: the same functions plain, as steps and as spans, each set a
//! crate of its own in a temporary workspace, compiled in turn.
//!
//! The dependencies are built beforehand. A round touches the source of the crate and runs `cargo build`, so a
//! figure includes cargo's own time, which is the same for all crates. Incremental compilation is off for full
//! builds, and on for the cost of an edit.

mod source;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use source::Attribute;

use crate::failure::{Context as _, Failure};
use crate::figure::Figure;

/// The number of times that each of the three crates is compiled, in turn.
const ROUNDS: usize = 5;

/// Seconds of one kind of build, over all rounds.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) wall: Figure,
    /// CPU time of cargo and its child processes: other load affects it less.
    pub(crate) cpu: Figure,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) attribute: &'static str,
    pub(crate) build: Times,
    pub(crate) check: Times,
    /// An incremental build after the source was touched.
    pub(crate) edit: Times,
    /// Size of the stripped release binary, in bytes.
    pub(crate) binary: u64,
}

/// The three crates, and the CPU time of the steps over that of the spans.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) crates: Vec<Compiled>,
    pub(crate) ratio: Figure,
}

pub(crate) fn measure() -> Result<Comparison, Failure> {
    let workspace = Workspace::write()?;
    let build = workspace.rounds(&["build", "--lib"], false)?;
    let [_, steps, spans] = &build;
    let ratio = Figure::ratio(&steps.cpu, &spans.cpu);
    // The rest takes minutes, so the most important figures are printed first.
    eprintln!(
        "building: steps {:.2} s, spans {:.2} s, ratio {:.3}",
        Figure::of(&steps.cpu).median,
        Figure::of(&spans.cpu).median,
        ratio.median
    );
    let check = workspace.rounds(&["check", "--lib"], false)?;
    let edit = workspace.rounds(&["build", "--lib"], true)?;
    let crates = Attribute::ALL
        .into_iter()
        .enumerate()
        .map(|(nth, attribute)| {
            Ok(Compiled {
                attribute: attribute.package(),
                build: build[nth].times(),
                check: check[nth].times(),
                edit: edit[nth].times(),
                binary: workspace.weigh(attribute)?,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(Comparison { crates, ratio })
}

/// Seconds of each round.
#[derive(Debug, Default)]
struct Rounds {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Rounds {
    fn times(&self) -> Times {
        Times { wall: Figure::of(&self.wall), cpu: Figure::of(&self.cpu) }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).context(path.display())
}

/// CPU seconds of all processes that this one has waited for; if the system does not report them, wall
/// seconds since the start of the measurement.
fn cpu_of_children(began: Instant) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything, in parentheses: user time is the 14th field from there,
    // system time the 15th, in ticks of which Linux shows 100 a second.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    match ticks[..] {
        [user, system] => (user + system) / 100.0,
        _ => began.elapsed().as_secs_f64(),
    }
}

/// The generated crates, removed on drop.
#[derive(Debug)]
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn write() -> Result<Self, Failure> {
        let root = env::temp_dir().join(format!("candor-compile-{}", std::process::id()));
        let workspace = Workspace { root };
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let repository = checkout.canonicalize().context(checkout.display())?;
        let candor = repository.join("runtime");
        let candor = candor.to_str().ok_or("the checkout's path is no UTF-8")?;
        for attribute in Attribute::ALL {
            let package = workspace.root.join(attribute.package());
            fs::create_dir_all(package.join("src")).context(package.display())?;
            let manifest = format!(
                "[package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{}",
                attribute.package(),
                attribute.dependency(candor)
            );
            write(&package.join("Cargo.toml"), &manifest)?;
            write(&package.join("src/lib.rs"), &source::library(attribute))?;
            write(&package.join("src/main.rs"), &source::program(attribute))?;
        }
        let members = Attribute::ALL.map(Attribute::package);
        write(
            &workspace.root.join("Cargo.toml"),
            &format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n"),
        )?;
        // The versions of the checkout, which are already downloaded.
        let lockfile = repository.join("Cargo.lock");
        fs::copy(&lockfile, workspace.root.join("Cargo.lock")).context(lockfile.display())?;
        Ok(workspace)
    }

    fn rounds(&self, command: &[&str], incremental: bool) -> Result<[Rounds; 3], Failure> {
        for attribute in Attribute::ALL {
            self.cargo(command, attribute, incremental)?;
        }
        let mut rounds = <[Rounds; 3]>::default();
        let began = Instant::now();
        for _ in 0..ROUNDS {
            for (attribute, rounds) in Attribute::ALL.into_iter().zip(&mut rounds) {
                let library = self.root.join(attribute.package()).join("src/lib.rs");
                File::options()
                    .append(true)
                    .open(&library)
                    .and_then(|file| file.set_modified(SystemTime::now()))
                    .context(library.display())?;
                let (started, cpu) = (Instant::now(), cpu_of_children(began));
                self.cargo(command, attribute, incremental)?;
                rounds.cpu.push(cpu_of_children(began) - cpu);
                rounds.wall.push(started.elapsed().as_secs_f64());
            }
        }
        Ok(rounds)
    }

    /// Size of the stripped release binary, in bytes.
    fn weigh(&self, attribute: Attribute) -> Result<u64, Failure> {
        self.cargo(&["build", "--release"], attribute, false)?;
        let binary = format!("target/release/{}{}", attribute.package(), env::consts::EXE_SUFFIX);
        let binary = self.root.join(binary);
        Ok(fs::metadata(&binary).context(binary.display())?.len())
    }

    fn cargo(
        &self,
        command: &[&str],
        attribute: Attribute,
        incremental: bool,
    ) -> Result<(), Failure> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned());
        let output = Command::new(cargo)
            .args(command)
            .args(["--quiet", "--offline", "--package", attribute.package()])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_INCREMENTAL", if incremental { "1" } else { "0" })
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
            .env_remove("CARGO_PROFILE_DEV_DEBUG")
            .output()
            .context(format_args!("start `cargo {}`", command.join(" ")))?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("`cargo {}` of the generated crate failed:\n{errors}", command.join(" "))
            .into())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // A leftover in the temporary directory is not an error.
        let _ = fs::remove_dir_all(&self.root);
    }
}
