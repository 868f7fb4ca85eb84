//! Ctrl-C in the real world. A second one ends the process, so each case runs in a process of its own:
//! this test starts itself again.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use kit::gil::{GilConfig, Held, run};
use kit::world::{Clock, Nanos, WaitOn, Wake};
use rustix::process::{Signal, getpid, kill_process};
use std::process::Command;

const MS: Nanos = 1_000_000;
const CASE: &str = "KIT_TEST_INTERRUPT";

/// Runs one case in a child process and returns its exit code and output.
fn child(case: &str) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
    command.args(["--exact", "cases", "--nocapture"]).env(CASE, case);
    let output = command.output().expect("the test starts again");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn interrupt_myself() {
    kill_process(getpid(), Signal::INT).expect("a process may signal itself");
}

/// What the child processes do; nothing at all without the variable.
#[test]
fn cases() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    let config = GilConfig { signals: true, ..GilConfig::default() };
    run(config, |mut held| match case.as_str() {
        "wait" => wait(&mut held),
        "safe point" => safe_point(&mut held),
        _ => second(&mut held),
    })
    .expect("the run starts");
}

/// Another thread sends the signal while main waits without a deadline and a third one keeps the lock busy.
fn wait(held: &mut Held) {
    let busy = |mut held: Held| {
        let end = held.now(Clock::Perf) + 500 * MS;
        while held.now(Clock::Perf) < end {
            if held.breaker().load(std::sync::atomic::Ordering::Relaxed) != 0 {
                held.safe_point();
            }
        }
    };
    held.spawn("busy", true, Box::new(busy)).expect("a thread");
    let sender = |mut held: Held| {
        let until = held.now(Clock::Monotonic) + 50 * MS;
        held.wait(WaitOn::Sleep {}, Some(until), &|_| true);
        interrupt_myself();
    };
    held.spawn("sender", true, Box::new(sender)).expect("a thread");
    let begin = held.now(Clock::Perf);
    let key = held.new_key();
    assert_eq!(held.wait(WaitOn::Event { key }, None, &|_| true), Wake::Interrupted);
    let took = (held.now(Clock::Perf) - begin) / MS;
    assert!(took < 150, "{took} ms");
    println!("interrupted");
}

fn safe_point(held: &mut Held) {
    interrupt_myself();
    let end = held.now(Clock::Perf) + 100 * MS;
    while held.breaker().load(std::sync::atomic::Ordering::Relaxed) == 0 {
        assert!(held.now(Clock::Perf) < end, "seen within 100 ms");
    }
    assert!(held.safe_point().signal);
    assert!(!held.safe_point().signal, "told once");
    println!("interrupted");
}

fn second(held: &mut Held) {
    interrupt_myself();
    held.sleep_holding(50 * MS);
    println!("still here");
    interrupt_myself();
    held.sleep_holding(1000 * MS);
    println!("too late");
}

#[test]
fn interrupts_a_wait_beside_a_busy_thread() {
    let (code, out) = child("wait");
    assert!(code == Some(0) && out.contains("interrupted"), "{code:?} {out}");
}

#[test]
fn is_seen_at_the_next_safe_point() {
    let (code, out) = child("safe point");
    assert!(code == Some(0) && out.contains("interrupted"), "{code:?} {out}");
}

#[test]
fn a_second_one_ends_the_process() {
    let (code, out) = child("second");
    assert_eq!(code, Some(130), "{out}");
    assert!(out.contains("still here") && !out.contains("too late"), "{out}");
}
