//! Differential fuzzing: thousands of generated snippets must answer as CPython 3.11 does, to the last
//! letter of an exception's text.
//!
//! A snippet is the body of a function; many of them go into one script, each run inside `try`, so that one
//! process of either interpreter answers for hundreds. Values are typed while they are generated, so most
//! snippets get far; one expression in sixteen is of a wrong type on purpose.
//!
//! `KIT_FUZZ=100000 cargo test --test differential` runs that many snippets (else 3,000), from
//! `KIT_FUZZ_SEED` (else 1). Where no CPython 3.11 is found the tests are shown as ignored.
//!
//! Not generated: what has no fixed answer (order of sets of strings, addresses, time) or is refused by Kit.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

mod snippets;

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::HashMap;
use std::fmt::Write;
use std::process::{Command, Stdio};

/// A script that runs longer hangs.
const WATCHDOG: std::time::Duration = std::time::Duration::from_secs(60);
/// Snippets in one script.
const BATCH: u64 = 250;

/// What runs a snippet and prints its number and its answer.
const PRELUDE: &str = "\
def show(n, f):
    try:
        r = repr(f())
    except RecursionError:
        print(n, '! RecursionError')
    except Exception as e:
        print(n, '!', type(e).__name__ + ':', str(e), '|', repr(e.args)[:200])
    else:
        print(n, '=', r if len(r) < 2000 else (len(r), r[:500], r[-500:]))
";

fn number(name: &str, absent: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.replace('_', "").parse().ok()).unwrap_or(absent)
}

fn main() {
    let arguments = Arguments::from_args();
    let (total, seed) = (number("KIT_FUZZ", 3000), number("KIT_FUZZ_SEED", 1));
    let python = cpython();
    let trials = (0..total.div_ceil(BATCH)).map(|batch| {
        let from = batch * BATCH;
        let run = move || compare(python.ok_or("no CPython 3.11 is here")?, seed, from, (from + BATCH).min(total));
        Trial::test(format!("snippets_{from}"), run).with_ignored_flag(python.is_none())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn cpython() -> Option<&'static str> {
    ["/usr/bin/python3.11", "python3.11", "python3"].into_iter().find(|name| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|o| o.stdout.starts_with(b"Python 3.11."))
    })
}

/// Runs the snippets `from..to` under both and reports the first answers that differ.
fn compare(python: &str, seed: u64, from: u64, to: u64) -> Result<(), Failed> {
    let all: Vec<String> = (from..to).map(|n| snippets::snippet(seed.wrapping_mul(1 << 32).wrapping_add(n))).collect();
    let mut script = PRELUDE.to_string();
    for (n, body) in all.iter().enumerate() {
        let _ = write!(script, "def f():\n{body}show({n}, f)\n");
    }
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("snippets_{seed}_{from}.py"));
    std::fs::write(&path, script)?;
    let mut kit = Command::new(env!("CARGO_BIN_EXE_kit"));
    kit.arg("run").arg(&path);
    let mut other = Command::new(python);
    other.args(["-W", "ignore"]).arg(&path);
    let ((mine, mine_err), (its, its_err)) = (answers(kit)?, answers(other)?);
    let mut wrong = String::new();
    let mut count = 0;
    for (n, body) in all.iter().enumerate() {
        let (a, b) = (mine.get(&n), its.get(&n));
        if a.zip(b).is_some_and(|(a, b)| a == b || only_order(a, b)) {
            continue;
        }
        count += 1;
        if count <= 5 {
            let none = "(no answer)".to_string();
            let _ = writeln!(wrong, "{body}  CPython: {}\n  Kit:     {}", b.unwrap_or(&none), a.unwrap_or(&none));
        }
    }
    if count == 0 {
        std::fs::remove_file(&path)?;
        return Ok(());
    }
    let err: String = format!("{mine_err}{its_err}").chars().take(2000).collect();
    Err(format!("{count} of {} differ\n{wrong}{err}\nthe script: {}", all.len(), path.display()).into())
}

/// Sets of strings have no fixed order: their lines need only hold the same characters.
fn only_order(a: &str, b: &str) -> bool {
    let sorted = |t: &str| {
        let mut all: Vec<char> = t.chars().collect();
        all.sort_unstable();
        all
    };
    a.contains("{") && a.contains('\'') && sorted(a) == sorted(b)
}

/// The answers by number, and standard error.
fn answers(mut command: Command) -> std::io::Result<(HashMap<usize, String>, String)> {
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "PYTHONPATH"] {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("PYTHONIOENCODING", "utf-8").stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let id = child.id().to_string();
    let (done, waits) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waits.recv_timeout(WATCHDOG) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").arg(id).status();
        }
    });
    let output = child.wait_with_output()?;
    drop(done);
    let _ = watchdog.join();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found: HashMap<usize, String> = HashMap::new();
    let mut last = None;
    for line in text.lines() {
        let number = line.split_once(' ').and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
        match (number, last) {
            (Some((n, rest)), _) if rest.starts_with(['=', '!']) => {
                last = Some(n);
                found.insert(n, rest.to_string());
            }
            (_, Some(n)) => found.entry(n).or_default().push_str(line),
            _ => {}
        }
    }
    Ok((found, String::from_utf8_lossy(&output.stderr).into_owned()))
}
