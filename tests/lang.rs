//! Scripts that carry their answers: `tests/lang/<feature>/<fact>.kit`; longer programs in
//! `tests/programs/`, whose answers lie beside them in `NAME.out`.
//!
//! `# expect: LINE` is a line of standard output, in order; `# expect error: TEXT` is contained in the
//! last line of a traceback, or in any line of another report; `# exit: N` is the exit code (else 1 with an expected error, 0 without).
//! Every script runs as it is, with a safe point after every instruction, simulated without and with a
//! seed, without the lock, and under CPython 3.11 where one is found. Markers, each a comment of its own:
//!
//! - `# threads`: starts threads;
//! - `# real only`, `# sim only`: its answer belongs to one world;
//! - `# not every`, `# not off`: that way of running changes its answer;
//! - `# cpython: differs`: CPython prints something else, and the script says why;
//! - `# args: A B`: what it finds in `sys.argv[1:]`.
//!
//! Files in a folder `modules` are imported by scripts, not run. `scripts/oracle.py` writes answers from
//! CPython. One script: `cargo test --test lang -- closures`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A script that runs longer hangs.
const WATCHDOG: Duration = Duration::from_secs(60);
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn main() {
    let arguments = Arguments::from_args();
    let mut files = Vec::new();
    for folder in ["tests/lang", "tests/programs"] {
        collect(&Path::new(ROOT).join(folder), &mut files);
    }
    files.sort();
    let mut trials = Vec::new();
    for file in files {
        add(&mut trials, &file);
    }
    libtest_mimic::run(&arguments, trials).exit();
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

/// What a script says about itself.
#[derive(Debug, Default)]
struct Script {
    path: String,
    stdout: String,
    error: Option<String>,
    exit: i32,
    args: Vec<String>,
    threads: bool,
    real_only: bool,
    sim_only: bool,
    differs: bool,
    not_every: bool,
    not_off: bool,
    /// It expects nothing at all, which no script should.
    silent: bool,
}

impl Script {
    fn read(path: &Path) -> Script {
        let text = std::fs::read_to_string(path).expect("a readable script");
        let inside = path.strip_prefix(ROOT).expect("a path inside").to_string_lossy();
        let mut s = Script { path: inside.into_owned(), ..Script::default() };
        s.differs = s.path.contains("/differs/");
        let mut exit = None;
        for line in text.lines() {
            if let Some((_, expected)) = line.split_once("# expect:") {
                s.stdout += expected.strip_prefix(' ').unwrap_or(expected);
                s.stdout.push('\n');
            } else if let Some(expected) = line.strip_prefix("# expect error: ") {
                s.error = Some(expected.to_string());
            } else if let Some(code) = line.strip_prefix("# exit: ") {
                exit = Some(code.trim().parse().expect("an exit code"));
            } else if let Some(args) = line.strip_prefix("# args: ") {
                s.args = args.split(' ').map(str::to_string).collect();
            }
            match line {
                "# threads" => s.threads = true,
                "# real only" => s.real_only = true,
                "# not every" => s.not_every = true,
                "# not off" => s.not_off = true,
                "# sim only" => s.sim_only = true,
                _ if line.starts_with("# cpython: differs") => s.differs = true,
                _ => s.differs |= imports_kit(line),
            }
        }
        if let Ok(output) = std::fs::read_to_string(path.with_extension("out")) {
            s.stdout = output;
        }
        s.exit = exit.unwrap_or(i32::from(s.error.is_some()));
        s.silent = s.stdout.is_empty() && s.error.is_none() && exit.is_none();
        s
    }
}

fn imports_kit(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let module = |word: &str| word.trim_end_matches(',') == "kit" || word.starts_with("kit.");
    match words.next() {
        Some("from") => words.next().is_some_and(module),
        Some("import") => words.any(module),
        _ => false,
    }
}

/// One test for each way of running the script.
fn add(trials: &mut Vec<Trial>, path: &Path) {
    let script = Arc::new(Script::read(path));
    let short =
        script.path.trim_start_matches("tests/").trim_start_matches("lang/").trim_end_matches(".kit").to_string();
    let mut ways: Vec<(&str, &[&str])> = vec![];
    if !script.sim_only {
        ways.push(("plain", &[]));
        if !script.not_every {
            ways.push(("every", &["--safe-points", "every"]));
        }
        if !script.not_off {
            ways.push(("off", &["--gil", "off"]));
        }
    }
    if !script.real_only {
        ways.push(("sim", &["--sim"]));
        ways.push(("seed", &["--sim", "--seed", "1"]));
    }
    for (way, flags) in ways {
        let script = script.clone();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
        command.arg("run").args(flags);
        trials.push(Trial::test(format!("{short}::{way}"), move || judge(&script, command)));
    }
    let ignored = script.differs || script.sim_only || cpython().is_none();
    let body = move || {
        let mut command = Command::new(cpython().ok_or("no CPython 3.11 is here")?);
        command.args(["-W", "ignore"]).arg(Path::new(ROOT).join("scripts/oracle.py")).arg("--run");
        judge(&script, command)
    };
    trials.push(Trial::test(format!("{short}::cpython"), body).with_ignored_flag(ignored));
}

/// A CPython that says it is 3.11, if there is one.
fn cpython() -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        ["/usr/bin/python3.11", "python3.11", "python3"].into_iter().find(|name| {
            let output = Command::new(name).arg("--version").output();
            output.is_ok_and(|o| o.stdout.starts_with(b"Python 3.11."))
        })
    })
}

struct Ran {
    /// `None`: the watchdog ended it.
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
}

/// Runs a command to its end, or until the watchdog's patience is over.
fn watch(mut command: Command) -> std::io::Result<Ran> {
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"] {
        command.env_remove(variable);
    }
    command
        .current_dir(ROOT)
        .env("NO_COLOR", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .env("KIT_TEST_DIR", env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let drain = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.expect("a pipe").read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = drain(child.stdout.take().map(|p| Box::new(p) as Box<dyn Read + Send>));
    let err = drain(child.stderr.take().map(|p| Box::new(p) as Box<dyn Read + Send>));
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begin.elapsed() > WATCHDOG {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    Ok(Ran { status, stdout: out.join().unwrap_or_default(), stderr: err.join().unwrap_or_default() })
}

/// Compares what the script did with what it expects.
fn judge(script: &Script, mut command: Command) -> Result<(), Failed> {
    command.arg(&script.path).args(&script.args);
    if script.silent {
        return Err("the script expects nothing".into());
    }
    let shown = format!("{command:?}").replace(env!("CARGO_BIN_EXE_kit"), "kit");
    let ran = watch(command)?;
    let mut wrong = String::new();
    if trimmed(&ran.stdout) != trimmed(&script.stdout) {
        let _ = writeln!(wrong, "{}", difference(&script.stdout, &ran.stdout));
    }
    let traceback = ran.stderr.contains("Traceback (most recent call last)");
    let mut cause = ran.stderr.trim_end().lines().rev().take(if traceback { 1 } else { usize::MAX });
    match &script.error {
        Some(expected) if !cause.any(|line| line.contains(expected.as_str())) => {
            let _ = writeln!(wrong, "expected error: {expected}");
        }
        None if !ran.stderr.is_empty() => {
            let _ = writeln!(wrong, "expected nothing on standard error");
        }
        _ => {}
    }
    let code = ran.status.and_then(|s| s.code());
    if code != Some(script.exit) {
        let _ = match ran.status {
            Some(status) => writeln!(wrong, "expected exit code {}, got {status}", script.exit),
            None => writeln!(wrong, "still running after {} s", WATCHDOG.as_secs()),
        };
    }
    if wrong.is_empty() {
        return Ok(());
    }
    if !ran.stderr.is_empty() {
        let _ = write!(wrong, "standard error:\n{}", ran.stderr);
    }
    Err(format!("{wrong}repeat with: {shown}").into())
}

/// Blanks at the ends of lines do not count: a comment does not keep them.
fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

/// The first line in which two texts differ.
fn difference(expected: &str, got: &str) -> String {
    let (e, g) = (trimmed(expected), trimmed(got));
    let (mut e, mut g) = (e.into_iter(), g.into_iter());
    let mut number = 1;
    loop {
        match (e.next(), g.next()) {
            (Some(a), Some(b)) if a == b => number += 1,
            (None, None) => return "the end of the output differs".to_string(),
            (a, b) => {
                let show = |l: Option<&str>| l.map_or("(nothing)".to_string(), |l| format!("{l:?}"));
                return format!("line {number}: expected {}, got {}", show(a), show(b));
            }
        }
    }
}
