//! One test, in this process: the script's module is run, then the one function.
//!
//! T1 Whatever happens to the test is a verdict; only a process that dies has none.
//! T2 The time is the test function's own, by the clock of its world: virtual in simulation.

use super::config::Config;
use super::tracing::{self, Traced};
use super::{DEADLOCK, begin, compile_with};
use crate::bytecode::Code;
use crate::compile::Options;
use crate::gil::{self, Held};
use crate::object::{Name, Ref, TypeId, Value, name};
use crate::stdlib;
use crate::vm::errors::Uncaught;
use crate::vm::thread::Ending;
use crate::vm::{Res, Thread};
use crate::world::{Clock, Nanos, out};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How a test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Passed,
    Failed,
    /// The test could not be begun: its file does not compile or its module raises.
    Error,
    /// A duration was missed for a reason that lies outside the script.
    Inconclusive,
    Skipped,
    /// Ctrl-C.
    Interrupted,
}

/// What a test has to say for itself.
#[derive(Clone, Debug)]
pub struct Trial {
    pub verdict: Verdict,
    /// The traceback, or why it was skipped.
    pub text: String,
    /// The last exception in one line.
    pub summary: String,
    /// How often an inconclusive test may be run in all.
    pub attempts: u64,
    pub elapsed_ns: Nanos,
}

impl Trial {
    fn new(verdict: Verdict, text: String) -> Trial {
        let summary = text.lines().next().unwrap_or_default().to_string();
        Trial { verdict, text, summary, attempts: 1, elapsed_ns: 0 }
    }
}

/// The tests of a file in order of definition: name (`test_a`, `TestB::test_c`) and line. The file is
/// compiled whole, so what does not compile is told here.
pub fn outline(config: &Config) -> Result<Vec<(String, u32)>, super::LoadError> {
    use crate::syntax::ast::Stmt;
    let file = super::load(&config.script)?;
    let ast = crate::syntax::parse(&file)?;
    crate::compile::compile_module(&ast, options(config))?;
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut add = |name: String, line: u32| match found.iter_mut().find(|(n, _)| *n == name) {
        // As in the namespace: the last definition counts, at the place of the first.
        Some(earlier) => earlier.1 = line,
        None => found.push((name, line)),
    };
    for &s in &*ast.body {
        let line = file.line(ast.stmt_span(s).lo);
        match ast.stmt(s) {
            Stmt::Def(d) if ast.name(d.name).starts_with("test_") => add(ast.name(d.name).to_string(), line),
            Stmt::Class(c) if ast.name(c.name).starts_with("Test") => {
                for &s in &*c.body {
                    if let Stmt::Def(d) = ast.stmt(s)
                        && ast.name(d.name).starts_with("test_")
                    {
                        let line = file.line(ast.stmt_span(s).lo);
                        add(format!("{}::{}", ast.name(c.name), ast.name(d.name)), line);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn options(config: &Config) -> Options {
    Options { every_safe_point: config.every_safe_point, explain_asserts: true, ..Options::default() }
}

/// Runs one test to its end and that of its threads; says also what it recorded, if it was asked to.
pub fn run(mut config: Config, test: &str) -> Result<(Trial, Option<Traced>), gil::RunError> {
    let code = match compile_with(&config.script, options(&config)) {
        Ok(code) => code,
        Err(e) => return Ok((Trial::new(Verdict::Error, e.render(false)), None)),
    };
    tracing::begin(&mut config);
    let (trial, mut traced) = gil::run(config.gil.clone(), |held| trial(held, code, &config, test))?;
    if let (Some(folder), Some(traced)) = (&config.trace, &mut traced) {
        tracing::gather(folder, traced);
    }
    Ok((trial, traced))
}

fn trial(held: Held, code: Arc<Code>, config: &Config, test: &str) -> (Trial, Option<Traced>) {
    let mut th = begin(held, config, options(config));
    let main = th.new_module(name::MAIN);
    let begun = th.to_end(|th| {
        super::script(th, &code, &main)?;
        find(th, &main, test)
    });
    let mut stuck = false;
    let mut trial = match begun {
        Ok(found) => {
            let start = th.held.now(Clock::Monotonic);
            let ended = th.to_end(|th| call(th, &found));
            let elapsed_ns = th.held.now(Clock::Monotonic).saturating_sub(start);
            let trial = match ended {
                Ok(()) => Trial::new(Verdict::Passed, String::new()),
                Err(e) => {
                    stuck = is_deadlock(&e);
                    judged(&mut th, e)
                }
            };
            Trial { elapsed_ns, ..trial }
        }
        Err(e) => {
            stuck = is_deadlock(&e);
            let trial = judged(&mut th, e);
            let verdict = if trial.verdict == Verdict::Failed { Verdict::Error } else { trial.verdict };
            Trial { verdict, ..trial }
        }
    };
    // After a deadlock there is nobody left who could end.
    let waits = [stdlib::threading::join_all, stdlib::multiprocessing::join_children];
    for wait in waits.into_iter().filter(|_| !stuck) {
        if let Err(e) = th.to_end(wait)
            && trial.verdict == Verdict::Passed
        {
            trial = judged(&mut th, e);
        }
    }
    th.interp.ending.store(true, Relaxed);
    th.held.end_daemons();
    if let Err(e) = out::flush() {
        out::error(format!("kit: writing the output failed: {e}\n").as_bytes());
    }
    let traced = tracing::end(&th.held, config);
    drop(th.finish());
    (trial, traced)
}

fn is_deadlock(e: &Uncaught) -> bool {
    matches!(e, Uncaught::Ending(Ending::Deadlock(_)))
}

/// What is to be called: a function, or a class and one of its methods.
struct Found {
    callable: Value,
    method: Option<Name>,
}

fn find(th: &mut Thread, main: &Ref, test: &str) -> Res<Found> {
    let (first, method) = match test.split_once("::") {
        Some((class, method)) => (class, Some(Name::of(method))),
        None => (test, None),
    };
    let callable = th.get_attr(&main.clone().into(), Name::of(first))?;
    Ok(Found { callable, method })
}

/// Calls the test; a method on a fresh instance, between `setup_method` and `teardown_method`.
fn call(th: &mut Thread, found: &Found) -> Res<()> {
    let made = th.call(&found.callable, &[])?;
    let Some(method) = found.method else { return Ok(()) };
    around(th, &made, "setup_method")?;
    let result = th.call_method(&made, method, &[]).map(drop);
    if th.ending.is_some() {
        return result;
    }
    match result {
        Ok(()) => around(th, &made, "teardown_method"),
        Err(_) => {
            let first = th.take_raised();
            around(th, &made, "teardown_method")?;
            Err(th.reraise(first))
        }
    }
}

fn around(th: &mut Thread, object: &Value, method: &str) -> Res<()> {
    match th.find_attr(object, Name::of(method))? {
        Some(f) => th.call(&f, &[]).map(drop),
        None => Ok(()),
    }
}

/// What an exception that the test did not catch makes of it.
fn judged(th: &mut Thread, e: Uncaught) -> Trial {
    let e = match e {
        Uncaught::Exception(e) => e,
        Uncaught::Ending(Ending::Daemon) => return Trial::new(Verdict::Failed, "the program ended".into()),
        Uncaught::Ending(Ending::Deadlock(text)) => {
            return Trial::new(Verdict::Failed, format!("{text}(exit code {DEADLOCK} outside tests)\n"));
        }
    };
    let verdict = if th.is_a(&e, TypeId::KeyboardInterrupt) {
        Verdict::Interrupted
    } else if is_instance(th, &e, "InconclusiveTiming") {
        Verdict::Inconclusive
    } else if is_instance(th, &e, "Skipped") {
        Verdict::Skipped
    } else {
        Verdict::Failed
    };
    let last = th.format_last(&e);
    let text = if verdict == Verdict::Skipped { last.clone() } else { th.format_exception(&e) };
    let attempts = th.to_end(|th| th.find_attr(&e, Name::of("attempts"))).ok().flatten();
    let attempts = if let Some(Value::Int(n)) = attempts { u64::try_from(n).unwrap_or(1).max(1) } else { 1 };
    let summary = last.lines().next().unwrap_or_default().to_string();
    Trial { verdict, text, summary, attempts, elapsed_ns: 0 }
}

/// Whether `e` is of this class of `kit.testing`; if nobody has imported that, it is not.
fn is_instance(th: &mut Thread, e: &Value, class: &str) -> bool {
    match stdlib::get_in(th, "kit.testing", class) {
        Some(class) => th.to_end(|th| th.match_exception(e, &class)).unwrap_or(false),
        None => false,
    }
}
