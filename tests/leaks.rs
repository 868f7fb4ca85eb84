//! Nothing stays behind: every script of `tests/lang` runs again and again in one interpreter, and after dead
//! cycles are collected the number of live objects does not grow.
//!
//! Each script has a process of its own, this very program with `KIT_LEAKS_OF=FILE`, and runs in simulation, where
//! sleeping takes no time. 12 repeats in `cargo test`; `KIT_REPEATS=1000 cargo test --test leaks` makes 1,000. The
//! first runs fill caches and import modules; from the `SETTLED`th on the count must stand still.
//!
//! Left out: scripts of the real world (processes, signals, files that only exist there) and those that end their
//! process (a deadlock); and those in `LEAVE`, with the reason.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use kit::engine::{Config, Script, repeat};
use kit::gil::{GilConfig, World};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Runs after which all that is made once has been made.
const SETTLED: usize = 6;
/// Scripts that leave something behind each time, and why that is right.
const LEAVE: &[(&str, &str)] = &[
    ("futures/processes", "a simulated process that has ended stays in memory"),
    ("imports/errors", "a module's code is kept as long as the interpreter, also if it failed"),
    ("stdlib/logging_use", "loggers are registered for good"),
    ("threads/daemon", "daemon threads wait until the program ends"),
    ("threads/threading_more", "daemon threads wait until the program ends"),
];

fn main() {
    if let Some(file) = std::env::var_os("KIT_LEAKS_OF") {
        return child(Path::new(&file));
    }
    let arguments = Arguments::from_args();
    let mut files = Vec::new();
    collect(&Path::new(ROOT).join("tests/lang"), &mut files);
    files.sort();
    let trials = files.into_iter().filter_map(|file| {
        let text = std::fs::read_to_string(&file).ok()?;
        let real = text.lines().any(|l| l == "# real only" || l.contains("multiprocessing"));
        let name = file.strip_prefix(Path::new(ROOT).join("tests/lang")).ok()?.with_extension("");
        let leaves = LEAVE.iter().any(|(n, _)| Path::new(n) == name);
        Some(Trial::test(name.to_string_lossy(), move || parent(&file)).with_ignored_flag(real || leaves))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder of scripts") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "modules") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|e| e == "kit") {
            files.push(path);
        }
    }
}

fn repeats() -> usize {
    std::env::var("KIT_REPEATS").ok().and_then(|v| v.replace('_', "").parse().ok()).unwrap_or(12).max(SETTLED + 2)
}

/// Runs one script and prints the counts on the last line of standard error.
fn child(file: &Path) {
    let shown = file.strip_prefix(ROOT).unwrap_or(file);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let args = text.lines().find_map(|l| l.strip_prefix("# args: ")).unwrap_or_default();
    let argv = std::iter::once(shown.to_string_lossy().into_owned()).chain(args.split_whitespace().map(String::from));
    let config = Config {
        script: Script::File(shown.to_path_buf()),
        argv: argv.collect(),
        params: Vec::new(),
        gil: GilConfig { world: World::Sim { seed: None }, ..GilConfig::default() },
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: kit::world::disk::Writes::Overlay,
        colour: false,
    };
    match repeat::run(config, repeats()) {
        Ok(runs) => {
            let first = runs.first().map_or(0, |run| run.code);
            if let Some(i) = runs.iter().position(|run| run.code != first) {
                return eprintln!("\nrun {i} ended with {}, the first one with {first}", runs[i].code);
            }
            eprintln!("\nlive {}", runs.iter().map(|run| run.live.to_string()).collect::<Vec<_>>().join(" "));
        }
        Err(text) => eprintln!("\nnot run {text}"),
    }
}

fn parent(file: &Path) -> Result<(), Failed> {
    let output = Command::new(std::env::current_exe()?)
        .current_dir(ROOT)
        .env("KIT_LEAKS_OF", file)
        .env("NO_COLOR", "1")
        .env("KIT_TEST_DIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.trim_end().lines().last().unwrap_or_default();
    if !output.status.success() {
        return Err(format!("{}\n{last}", output.status).into());
    }
    // A script that does not compile or that ends its process leaves nothing to compare.
    if last.starts_with("run ") {
        return Err(last.into());
    }
    let Some(counts) = last.strip_prefix("live ") else { return Ok(()) };
    let counts: Vec<usize> = counts.split(' ').map(|n| n.parse().expect("a count")).collect();
    if counts.len() < SETTLED + 2 || counts[counts.len() - 1] <= counts[SETTLED] {
        return Ok(());
    }
    Err(format!("live objects after each run: {:?}", &counts[..counts.len().min(20)]).into())
}
