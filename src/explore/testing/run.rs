//! Running tests: each in a process of its own, with a time limit, several at once if asked.

use super::{Done, Plan, ROWS, Test, row};
use crate::engine::job::{Job, Received};
use crate::engine::tracing;
use crate::engine::trial::{self, Trial, Verdict};
use crate::explore::trace;
use crate::world::capture::{self, End, Finished, Stop};
use crate::world::child::{Exit, Stream};
use crate::world::{Nanos, out, thread};
use crossbeam::channel::unbounded;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The role of a test's process, in the command line's table of roles.
pub const ROLE: &str = "test";

/// Pauses before the second, third, fourth attempt of an inconclusive test; the last goes on.
const BACK_OFF_NS: [Nanos; 3] = [200_000_000, 1_000_000_000, 3_000_000_000];

/// More attempts than this are not made, whatever a script asks for.
const ATTEMPTS_MAX: u64 = 20;

/// In the child: runs the test that the job names and answers.
pub fn work(mut job: Received) -> i32 {
    let file = job.extra["trace"].as_str().map(PathBuf::from);
    job.config.trace = file.is_some().then(tracing::folder);
    let script = job.config.argv.first().cloned().unwrap_or_default();
    let Some(test) = job.extra["test"].as_str() else {
        out::error(b"kit: a job without a test\n");
        return 2;
    };
    match trial::run(job.config, test) {
        Ok((trial, traced)) => {
            if let (Some(file), Some(traced)) = (file, traced)
                && let Err(e) = trace::save(&file, &script, &traced)
            {
                out::error(format!("kit: can't write the trace '{}': {e}\n", file.display()).as_bytes());
            }
            let frame = json!({
                "verdict": row(trial.verdict).word,
                "text": trial.text,
                "summary": trial.summary,
                "attempts": trial.attempts,
                "elapsed_ns": trial.elapsed_ns,
            });
            match job.channel.send(frame.to_string().as_bytes()) {
                Ok(()) => 0,
                Err(e) => {
                    out::error(format!("kit: the result could not be sent: {e}\n").as_bytes());
                    1
                }
            }
        }
        Err(e) => {
            out::error(format!("kit: {e}\n").as_bytes());
            1
        }
    }
}

fn answer(frame: &[u8]) -> Option<Trial> {
    let j: Json = serde_json::from_slice(frame).ok()?;
    let said = j["verdict"].as_str()?;
    let verdict = ROWS.iter().find(|r| r.word == said)?.verdict;
    Some(Trial {
        verdict,
        text: j["text"].as_str()?.to_string(),
        summary: j["summary"].as_str()?.to_string(),
        attempts: j["attempts"].as_u64()?,
        elapsed_ns: j["elapsed_ns"].as_u64()?,
    })
}

/// Runs all tests and tells each in the order of the list. Ends early if `stop` is set, or after the first
/// failure if the plan says so; then fewer are told.
pub fn run_all(tests: &[Test], plan: &Plan, stop: &Stop, mut each: impl FnMut(Done)) -> std::io::Result<()> {
    if plan.jobs <= 1 {
        for test in tests {
            let done = run(test, plan, stop);
            let last = over(&done, plan) || stop.asked();
            each(done);
            if last {
                break;
            }
        }
        return Ok(());
    }
    let (send, results) = unbounded();
    let next = Arc::new(AtomicUsize::new(0));
    let quit = Arc::new(AtomicBool::new(false));
    for _ in 0..plan.jobs.min(tests.len()) {
        let (tests, plan, stop) = (tests.to_vec(), plan.clone(), stop.clone());
        let (send, next, quit) = (send.clone(), next.clone(), quit.clone());
        let body = move || {
            while !quit.load(Relaxed) && !stop.asked() {
                let at = next.fetch_add(1, Relaxed);
                let Some(test) = tests.get(at) else { break };
                let done = run(test, &plan, &stop);
                if over(&done, &plan) {
                    quit.store(true, Relaxed);
                }
                if send.send((at, done)).is_err() {
                    break;
                }
            }
        };
        thread::start("tests", 512 << 10, Box::new(body))?;
    }
    drop(send);
    let mut early = BTreeMap::new();
    let mut told = 0;
    for (at, done) in results {
        early.insert(at, done);
        while let Some(done) = early.remove(&told) {
            told += 1;
            each(done);
        }
    }
    early.into_values().for_each(each);
    Ok(())
}

fn over(done: &Done, plan: &Plan) -> bool {
    let bad = matches!(done.verdict, Verdict::Failed | Verdict::Error);
    done.verdict == Verdict::Interrupted || plan.first_only && bad
}

/// Runs one test, again if a duration was inconclusive.
fn run(test: &Test, plan: &Plan, stop: &Stop) -> Done {
    let mut runs = 0;
    loop {
        runs += 1;
        let (mut done, attempts) = attempt(test, plan, stop);
        done.runs = runs;
        if done.verdict != Verdict::Inconclusive {
            return done;
        }
        let pause = BACK_OFF_NS[(runs as usize - 1).min(BACK_OFF_NS.len() - 1)];
        if runs < attempts.min(ATTEMPTS_MAX) && !stop.pause(pause) {
            continue;
        }
        if plan.strict_timing {
            done.verdict = Verdict::Failed;
        }
        return done;
    }
}

/// One run of a test, and how many its durations allow.
fn attempt(test: &Test, plan: &Plan, stop: &Stop) -> (Done, u64) {
    let config = plan.config_for(&test.file);
    let job =
        Job { role: ROLE, config, extra: json!({ "test": test.name, "trace": plan.trace_file(test) }), template: None };
    let watched = capture::watch(|on_exit| job.start(Stream::Capture, Stream::Capture, on_exit), plan.timeout_ns, stop);
    let mut done = Done {
        test: test.clone(),
        verdict: Verdict::Failed,
        text: String::new(),
        summary: String::new(),
        elapsed_ns: 0,
        stdout: String::new(),
        stderr: String::new(),
        runs: 1,
    };
    let finished = match watched {
        Ok(finished) => finished,
        Err(e) => {
            done.verdict = Verdict::Error;
            done.summary = format!("the test's process could not be started: {e}");
            done.text = format!("{}\n", done.summary);
            return (done, 1);
        }
    };
    done.stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
    done.stderr = String::from_utf8_lossy(&finished.stderr).into_owned();
    match finished.frames.first().and_then(|frame| answer(frame)) {
        Some(trial) if finished.end == End::Ended => {
            done.verdict = trial.verdict;
            done.text = trial.text;
            done.summary = trial.summary;
            done.elapsed_ns = trial.elapsed_ns;
            (done, trial.attempts)
        }
        _ => {
            done.summary = died(&finished, plan);
            done.text = format!("{}\n", done.summary);
            if finished.end == End::Stopped {
                done.verdict = Verdict::Interrupted;
            }
            (done, 1)
        }
    }
}

/// Why there is no answer.
fn died(finished: &Finished, plan: &Plan) -> String {
    match (finished.end, finished.exit) {
        (End::TimedOut, _) => {
            format!("the test did not end within {} s and was killed (--timeout)", plan.timeout_ns as f64 / 1e9)
        }
        (End::Stopped, _) => "interrupted".to_string(),
        (End::Ended, Exit(code @ ..0)) => format!("the test's process was ended by signal {}", -code),
        (End::Ended, Exit(70)) => "the test's process ended by a fault of Kit (exit code 70)".to_string(),
        (End::Ended, Exit(code)) => format!("the test's process ended with exit code {code} and without a result"),
    }
}
