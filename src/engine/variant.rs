//! One function of a script that is marked with `@kit.variant`, in this process: the script's module is run,
//! then the function is called and timed by the clock of its world.

use super::config::Config;
use super::{begin, compile, finish, options, report};
use crate::bytecode::Code;
use crate::gil::{self, Held};
use crate::object::{Value, name};
use crate::stdlib;
use crate::vm::errors::Uncaught;
use crate::vm::thread::Ending;
use crate::vm::{Res, Thread};
use crate::world::{Clock, Nanos, out};
use std::sync::Arc;

/// A marked function.
#[derive(Clone, PartialEq, Debug)]
pub struct Variant {
    pub name: String,
    /// What it is called with, one after another, if nothing else is said.
    pub sizes: Vec<f64>,
    /// Whether it has a parameter.
    pub takes_size: bool,
}

/// What is to be done with the script.
#[derive(Clone, PartialEq, Debug)]
pub enum Task {
    /// Say which functions are marked.
    List,
    /// Call the variant of that index, with that size if it takes one.
    Call(usize, Option<f64>),
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Variants(Vec<Variant>),
    /// How long the call took, and the CPU time of all threads meanwhile.
    Took {
        wall_ns: Nanos,
        cpu_ns: Nanos,
    },
}

/// Does the task; gives the exit code and, if all went well, the answer.
pub fn run(config: Config, task: &Task) -> Result<(i32, Option<Answer>), gil::RunError> {
    let code = match compile(&config.script, config.every_safe_point) {
        Ok(code) => code,
        Err(e) => {
            out::error(e.render(config.colour).as_bytes());
            return Ok((e.code(), None));
        }
    };
    gil::run(config.gil.clone(), |held| main(held, code, &config, task))
}

fn main(held: Held, code: Arc<Code>, config: &Config, task: &Task) -> (i32, Option<Answer>) {
    let cpu_start = held.now(Clock::Process);
    let mut th = begin(held, config, options(config));
    let module = th.new_module(name::MAIN);
    let ended = th.to_end(|th| {
        super::script(th, &code, &module)?;
        let found = variants(th)?;
        match task {
            Task::List => Ok(Answer::Variants(found.into_iter().map(|(variant, _)| variant).collect())),
            Task::Call(index, size) => match found.into_iter().nth(*index) {
                Some((_, function)) => call(th, &function, *size),
                None => Err(th.runtime_error("the script marks other functions than before (kit.variant)")),
            },
        }
    });
    let (code, stuck, answer) = match ended {
        Ok(answer) => (0, false, Some(answer)),
        Err(e) => {
            let stuck = matches!(e, Uncaught::Ending(Ending::Deadlock(_)));
            (report(&mut th, e), stuck, None)
        }
    };
    let code = finish(th, config, cpu_start, code, stuck).code;
    (code, answer.filter(|_| code == 0))
}

fn call(th: &mut Thread, function: &Value, size: Option<f64>) -> Res<Answer> {
    let size = size.map(|size| match size.fract() == 0.0 && size.abs() < 9e15 {
        true => Value::Int(size as i64),
        false => Value::float(size),
    });
    let (wall, cpu) = (th.held.now(Clock::Perf), th.held.now(Clock::Process));
    th.call(function, size.as_slice())?;
    let took = |clock, start| th.held.now(clock).saturating_sub(start);
    Ok(Answer::Took { wall_ns: took(Clock::Perf, wall), cpu_ns: took(Clock::Process, cpu) })
}

/// The script's variants in order of definition; none if it has not asked for `kit.variant`.
fn variants(th: &mut Thread) -> Res<Vec<(Variant, Value)>> {
    let Some(all) = stdlib::get_in(th, "kit.testing", "_variants") else { return Ok(vec![]) };
    let mut found = Vec::new();
    for row in th.collect(&all)? {
        let row = th.collect(&row)?;
        let [name, sizes, function, takes_size] = &row[..] else {
            return Err(th.runtime_error("kit.testing._variants was changed by the script"));
        };
        let name = th.expect_str(name, "a variant's name")?.to_string();
        let mut numbers = Vec::new();
        for size in th.collect(sizes)? {
            numbers.push(match th.try_float(&size)? {
                Some(size) => size,
                None => return Err(th.type_error("the sizes of a kit.variant must be numbers")),
            });
        }
        let takes_size = th.truth(takes_size)?;
        found.push((Variant { name, sizes: numbers, takes_size }, function.clone()));
    }
    Ok(found)
}
