//! A script run again and again in one interpreter: what stays behind each time is a leak.
//!
//! The body of the module runs in one namespace that is emptied after each run; then dead cycles are collected
//! and the live objects counted. What is made once stays out of the comparison of later runs: modules that it
//! imports, functions that a cache of globals has made immortal, caches.

use super::{Config, begin, compile, options, report};
use crate::gil::{self, Held};
use crate::object::module::Module;
use crate::object::{Name, Ref, Value, name};
use crate::stdlib;
use crate::vm::Thread;
use crate::vm::errors::Uncaught;
use crate::world::out;
use std::sync::atomic::Ordering::Relaxed;

/// What one run left.
pub struct Repeat {
    /// Live objects after it.
    pub live: usize,
    /// What the script ended with: 0, or the exit code of what it did not catch.
    pub code: i32,
}

/// One entry for each run; fewer than `times` if the script ended the process. What the script does not catch
/// is printed the first time.
pub fn run(config: Config, times: usize) -> Result<Vec<Repeat>, String> {
    let code = compile(&config.script, config.every_safe_point).map_err(|e| e.render(false))?;
    let body = |held: Held| {
        let mut th = begin(held, &config, options(&config));
        let main = th.new_module(name::MAIN);
        let file = th.str(&code.file.name);
        let bound = th.program(&code, &main);
        let kept: Vec<Name> = names(&th, &main);
        let mut runs: Vec<Repeat> = Vec::new();
        while runs.len() < times {
            th.store_global(&main, name::FILE, file.clone());
            // The end of the run before closed the executors for good; this is another program's beginning.
            let executors = th.interp.modules.with(&th.held, |m| m.get(Name::of("concurrent.futures.thread")).cloned());
            if let Some(Value::Obj(module)) = executors {
                stdlib::set_in(&th, &module, "_ended", Value::bool(false));
            }
            let ran = th.to_end(|th| th.run_bound(&bound, &main));
            let ended = th.to_end(stdlib::threading::join_all);
            if matches!(ran, Err(Uncaught::Ending(_))) || matches!(ended, Err(Uncaught::Ending(_))) {
                break;
            }
            let mut code = 0;
            for e in [ran, ended].into_iter().filter_map(Result::err) {
                code = match e {
                    Uncaught::Exception(e) if !runs.is_empty() => th.exit_code(&e).0,
                    e => report(&mut th, e),
                };
            }
            for n in names(&th, &main).into_iter().filter(|n| !kept.contains(n)) {
                let old = main.with::<Module, _>(&th.held, |m| m.names.remove(n));
                drop(old);
            }
            // What died in a cycle may speak, and what it says may free more.
            for _ in 0..3 {
                th.collect_cycles(true);
                let _ = th.to_end(Thread::hear_last_words);
            }
            let heap = &th.interp.heap;
            runs.push(Repeat { live: th.held.alone(|alone| heap.live(alone)), code });
        }
        th.interp.ending.store(true, Relaxed);
        th.held.end_daemons();
        let _ = out::flush();
        drop(th.finish());
        runs
    };
    gil::run(config.gil.clone(), body).map_err(|e| e.to_string())
}

fn names(th: &Thread, m: &Ref) -> Vec<Name> {
    m.with::<Module, _>(&th.held, |m| m.names.iter().map(|(n, _): (Name, &Value)| n).collect())
}
