//! One running process: source text to exit code, with the parts below wired together.
//!
//! E1: what is printed about an error and the exit code come from one place (`Outcome`); nothing below
//! ends the process. E2: the order at the end is: main's code ends, non-daemon threads are joined, daemonic
//! children are ended and the others joined, daemon threads are told to stop, counters are read, output is
//! flushed. A child process ends in the same order.
//!
//! Exit codes: 0 fine, 1 an uncaught exception or a script that does not compile, 71 deadlock, 130
//! Ctrl-C, n from `sys.exit(n)`.
//!
//! Not here: commands and flags (`cli`), modules (`stdlib`).

pub mod child;
pub mod config;
pub mod counts;
pub mod job;
mod library;
mod loader;
mod parts;
pub mod repeat;
pub mod repl;
pub mod template;
pub mod tracing;
pub mod trial;
pub mod variant;

pub use crate::vm::report::{Better, Metric, Report};
pub use config::{Config, Script};
pub use loader::{LoadError, Loader, load};

use crate::bytecode::Code;
use crate::compile::{Options, compile_module};
use crate::gil::{self, Held};
use crate::object::{Ref, name};
use crate::stdlib;
use crate::vm::errors::Uncaught;
use crate::vm::thread::Ending;
use crate::vm::{Interp, Res, Thread};
use crate::world::disk::{Disk, Writes};
use crate::world::overlay::View;
use crate::world::{Clock, Nanos, out, signal};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How a run ended.
pub struct Outcome {
    pub code: i32,
    /// The counters, if they were asked for.
    pub stats: Option<gil::Stats>,
    /// CPU time of all threads (of the simulated ones, in simulation) while the script ran.
    pub cpu_ns: Nanos,
    /// Its figures, and what it did with its settings.
    pub report: Report,
    /// What it recorded, if it was asked to.
    pub trace: Option<tracing::Traced>,
}

/// The exit code of a deadlock.
pub const DEADLOCK: i32 = 71;

/// Compiles a script as the run would. Errors come back for the caller to print.
pub fn compile(script: &Script, every_safe_point: bool) -> Result<Arc<Code>, LoadError> {
    compile_with(script, Options { every_safe_point, ..Options::default() })
}

fn compile_with(script: &Script, options: Options) -> Result<Arc<Code>, LoadError> {
    let file = load(script)?;
    let ast = crate::syntax::parse(&file)?;
    Ok(compile_module(&ast, options)?)
}

/// Runs a script to its end.
pub fn run(mut config: Config) -> Result<Outcome, gil::RunError> {
    let code = match compile(&config.script, config.every_safe_point) {
        Ok(code) => code,
        Err(e) => {
            out::error(e.render(config.colour).as_bytes());
            return Ok(Outcome { code: e.code(), stats: None, cpu_ns: 0, report: Report::default(), trace: None });
        }
    };
    tracing::begin(&mut config);
    let folder = config.trace.clone();
    let mut outcome = gil::run(config.gil.clone(), move |held| run_main(held, code, config))?;
    if let (Some(folder), Some(traced)) = (folder, &mut outcome.trace) {
        tracing::gather(&folder, traced);
    }
    Ok(outcome)
}

/// The exit code when the last of the output could not be written, as CPython has it.
const OUTPUT_LOST: i32 = 120;

/// A main thread with a new interpreter.
pub fn begin(held: Held, config: &Config, options: Options) -> Thread {
    let (loader, starter) = (loader::Loader::new(config, options), child::Starter::new(config));
    let (argv, every) = (config.argv.clone(), config.every_safe_point);
    let interp = Interp::start(&held, stdlib::natives(), Box::new(loader), Box::new(starter), argv, every);
    if held.simulated() && config.sim_fs != Writes::Commit {
        let view = View::new(config.sim_fs == Writes::Deny);
        interp.pipes.with(&held, |p| p.disk = Disk::Overlay(view));
    }
    interp.reporting.set_params(config.params.clone());
    let mut th = Thread::new(held, interp);
    th.counting = config.gil.unit_cost > 0;
    stdlib::install(&mut th);
    th
}

/// How a run's modules are compiled.
pub fn options(config: &Config) -> Options {
    Options { every_safe_point: config.every_safe_point, ..Options::default() }
}

/// The main thread: the script, then the end of all others.
fn run_main(held: Held, code: Arc<Code>, config: Config) -> Outcome {
    let cpu_start = held.now(Clock::Process);
    let mut th = begin(held, &config, options(&config));
    let main = th.new_module(name::MAIN);
    let (code, stuck) = match th.to_end(|th| script(th, &code, &main)) {
        Ok(()) => (0, false),
        Err(e) => {
            let stuck = matches!(e, Uncaught::Ending(Ending::Deadlock(_)));
            (report(&mut th, e), stuck)
        }
    };
    finish(th, &config, cpu_start, code, stuck)
}

/// The end of a process whose main thread is done with its script (E2).
fn finish(mut th: Thread, config: &Config, cpu_start: Nanos, mut code: i32, stuck: bool) -> Outcome {
    // After a deadlock there is nobody left who could end.
    let waits = [stdlib::threading::join_all, stdlib::multiprocessing::join_children, last_look];
    for wait in waits.into_iter().filter(|_| !stuck) {
        if let Err(e) = th.to_end(wait) {
            code = report(&mut th, e).max(code);
        }
    }
    th.interp.ending.store(true, Relaxed);
    stdlib::net::close_all(&mut th);
    th.held.end_daemons();
    let stats = config.stats.then(|| th.held.stats());
    let cpu_ns = th.held.now(Clock::Process).saturating_sub(cpu_start);
    let report = th.interp.reporting.read(&th.held);
    let trace = tracing::end(&th.held, config);
    let flushed = out::flush();
    let code = match flushed {
        Err(e) => {
            let file = "<_io.TextIOWrapper name='<stdout>' mode='w' encoding='utf-8'>";
            let text = format!("Exception ignored in: {file}\nOSError: {}\n", stdlib::os_error::text(&e));
            out::error(text.as_bytes());
            OUTPUT_LOST
        }
        Ok(()) => code,
    };
    drop(th.finish());
    Outcome { code, stats, cpu_ns, report, trace }
}

/// A Ctrl-C that came while the last wait of the script ended by itself is not lost.
fn last_look(th: &mut Thread) -> Res<()> {
    if th.held.simulated() {
        return Ok(());
    }
    signal::settle();
    if th.held.breaker().load(Relaxed) == 0 { Ok(()) } else { th.safe_point() }
}

fn script(th: &mut Thread, code: &Arc<Code>, main: &Ref) -> Res<()> {
    let file = th.str(&code.file.name);
    th.store_global(main, name::FILE, file);
    th.run_module(code, main)
}

/// Prints what a thread did not catch; gives the exit code.
pub fn report(th: &mut Thread, e: Uncaught) -> i32 {
    match e {
        Uncaught::Ending(Ending::Daemon) => 0,
        Uncaught::Ending(Ending::Deadlock(text)) => {
            out::error(text.as_bytes());
            DEADLOCK
        }
        Uncaught::Exception(e) => {
            let (code, text) = th.exit_code(&e);
            if !text.is_empty() {
                out::error(text.as_bytes());
            }
            code
        }
    }
}
