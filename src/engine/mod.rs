//! One running process: source text to exit code, with the parts below wired together.
//!
//! E1: what is printed about an error and the exit code come from one place (`Outcome`); nothing below
//! ends the process. E2: the order at the end is: main's code ends, non-daemon threads are joined, daemon
//! threads are told to stop, counters are read, output is flushed.
//!
//! Exit codes: 0 fine, 1 an uncaught exception or a script that does not compile, 71 deadlock, 130
//! Ctrl-C, n from `sys.exit(n)`.
//!
//! Not here: commands and flags (`cli`), modules (`stdlib`).

pub mod config;
pub mod job;
mod loader;
pub mod trial;

pub use config::{Config, Script};
pub use loader::{LoadError, load};

use crate::bytecode::Code;
use crate::compile::{Options, compile_module};
use crate::gil::{self, Held};
use crate::object::{Ref, name};
use crate::stdlib;
use crate::vm::errors::Uncaught;
use crate::vm::thread::Ending;
use crate::vm::{Interp, Res, Thread};
use crate::world::out;
use std::sync::Arc;

/// How a run ended.
pub struct Outcome {
    pub code: i32,
    /// The counters, if they were asked for.
    pub stats: Option<gil::Stats>,
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
pub fn run(config: Config) -> Result<Outcome, gil::RunError> {
    let code = match compile(&config.script, config.every_safe_point) {
        Ok(code) => code,
        Err(e) => {
            out::error(e.render(config.colour).as_bytes());
            return Ok(Outcome { code: e.code(), stats: None });
        }
    };
    gil::run(config.gil.clone(), move |held| run_main(held, code, config))
}

/// The main thread of a new interpreter, and the module that the script will fill.
fn begin(held: Held, config: &Config, options: Options) -> (Thread, Ref) {
    let loader = loader::Loader::new(config, options);
    let argv = config.argv.clone();
    let interp = Interp::start(&held, stdlib::natives(), Box::new(loader), argv, config.every_safe_point);
    let mut th = Thread::new(held, interp);
    th.counting = config.gil.unit_cost > 0;
    stdlib::install(&mut th);
    let main = th.new_module(name::MAIN);
    (th, main)
}

/// The main thread: the script, then the end of all others.
fn run_main(held: Held, code: Arc<Code>, config: Config) -> Outcome {
    let options = Options { every_safe_point: config.every_safe_point, ..Options::default() };
    let (mut th, main) = begin(held, &config, options);
    let (code, stuck) = match th.to_end(|th| script(th, &code, &main)) {
        Ok(()) => (0, false),
        Err(e) => {
            let stuck = matches!(e, Uncaught::Ending(Ending::Deadlock(_)));
            (report(&mut th, e), stuck)
        }
    };
    // After a deadlock there is nobody left who could end.
    let joined = if stuck { Ok(()) } else { th.to_end(stdlib::threading::join_all) };
    let code = match joined {
        Ok(()) => code,
        Err(e) => report(&mut th, e).max(code),
    };
    th.held.end_daemons();
    let stats = config.stats.then(|| th.held.stats());
    let flushed = out::flush();
    let code = match flushed {
        Err(e) if code == 0 => {
            out::error(format!("kit: writing the output failed: {e}\n").as_bytes());
            1
        }
        _ => code,
    };
    drop(th.finish());
    Outcome { code, stats }
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
