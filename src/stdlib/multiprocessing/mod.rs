//! `_multiprocessing`: child processes, and what processes share. `multiprocessing` itself is in `kit/`.
//!
//! Pipes, permits and shared memory are `handle::Resource`s inside objects of type `Handle`. A resource is
//! the system's in the real world and `sim.rs`'s in a simulation; the natives do not tell the difference.
//!
//! Invariants:
//! - M1: a resource goes to another process only inside a frame (`hand_over`, `arrived`), which numbers it.
//! - M2: a native tries without waiting first. What a wait has received counts, whatever ended the wait.
//! - M3: in a simulation whatever changes a resource wakes its key and its watchers, after the change.
//!
//! A child is known by a number here, until its exit code has been read (`forget`). A number that is not
//! known any more is a child that has ended: asking for it is no error, so that two threads may see the
//! end of one child.

pub mod handle;
mod memory;
mod message;
mod permit;
mod sim;
mod wait;

use self::handle::{Known, Resource, Sentinel};
use super::{os_error, seconds};
use crate::gil::Held;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::process;
use crate::vm::children::{Birth, ChildProcess, Handing, Method, StartError};
use crate::vm::make::text;
use crate::vm::{Call, NativeRow, Next, Res, Thread};
use crate::world::{WaitOn, out};
use std::io;
use std::sync::Arc;

natives! { pub MULTIPROCESSING, "_multiprocessing";
    /// Starts a child process that does the work of the Process object `process`: method "fork" or
    /// "spawn", the default method of the script or None, its arguments or None. Returns a number for the
    /// child, its process number, what is ready at its end, and what it knows of `__main__`. OSError if the system has no room for one.
    holds start("process, name, method, default, argv, /") = start;
    /// Waits for the end of child `number`, at most `timeout` seconds. Returns whether it has ended.
    waits wait("number, timeout=None, /") = wait;
    /// The exit code of child `number`, or minus the number of the signal that ended it; None before.
    holds poll("number, /") = poll;
    /// Sends SIGTERM to child `number`.
    holds terminate("number, /") = terminate;
    /// Sends SIGKILL to child `number`.
    holds kill("number, /") = kill;
    /// Sends any signal to child `number`.
    holds send_signal("number, signal, /") = send_signal;
    /// Forgets child `number`, whose exit code has been read.
    holds forget("number, /") = forget;
    /// Writes the exception `e` of the process called `name` to standard error.
    holds report("name, e, /") = report;
    /// Waits for the end of the parent, at most `timeout` seconds. This process ends with it.
    waits wait_parent("timeout=None, /") = wait_parent;
}

/// All tables of `_multiprocessing`.
pub fn tables() -> [&'static [NativeRow]; 6] {
    [MULTIPROCESSING, handle::HANDLE, message::MESSAGE, permit::PERMIT, memory::MEMORY, wait::WAIT]
}

fn method(c: &mut Call, v: &Value) -> Res<Method> {
    let known = text(v).and_then(|t| Method::ALL.into_iter().find(|m| m.name() == t));
    known.ok_or_else(|| c.value_error("no such start method"))
}

fn start(c: &mut Call) -> Res<Value> {
    let object = c.arg(0);
    let name = c.arg(1);
    let name = c.str_text(&name)?;
    let way = c.arg(2);
    let way = method(c, &way)?;
    let default = match c.some(3) {
        Some(v) => Some(method(c, &v)?),
        None => None,
    };
    let argv = match c.some(4) {
        Some(list) => Some(c.collect(&list)?.iter().filter_map(|v| text(v).map(str::to_string)).collect()),
        None => None,
    };
    let (me, interp) = (c.held.tid(), c.interp);
    interp.children.with(&c.held, |all| all.begin(me, Handing { spawning: true, things: Vec::new() }));
    let encoded = match way {
        Method::Fork => process::snapshot_and_names(c, &[object]),
        Method::Spawn => process::encode(c, &[object]).map(|bytes| (bytes, process::main_names(c))),
    };
    let passed = interp.children.with(&c.held, |all| all.end(me));
    let (payload, known) = encoded?;
    // Before the child writes, what this process wrote before.
    if let Err(e) = out::flush() {
        return Err(os_error::raise(c, &e, None));
    }
    let environ = c.interp.environ.with(&c.held, |e| e.clone());
    let birth = Birth { method: way, name, default, argv, limit: c.limit, environ, payload };
    let interp = c.interp;
    match interp.starter.start(c, birth, passed) {
        Ok(child) => {
            let pid = Value::Int(child.pid().into());
            let sentinel = handle::object(c, Resource::Sentinel(Sentinel(child.clone())));
            let known = handle::object(c, Resource::Known(Known::new(known)));
            let number = interp.children.with(&c.held, |all| all.enter(child));
            Ok(c.tuple(vec![Value::Int(number as i64), pid, sentinel, known]))
        }
        Err(StartError::Os(e)) => Err(os_error::raise(c, &e, None)),
        Err(StartError::Refused(text)) => Err(c.raise(TypeId::NotImplementedError, text)),
    }
}

/// The child that argument 0 names, unless it has been forgotten.
fn child(c: &mut Call) -> Res<Option<Arc<dyn ChildProcess>>> {
    let number = c.arg(0);
    let number = c.index(&number)?;
    let interp = c.interp;
    Ok(u64::try_from(number).ok().and_then(|n| interp.children.with(&c.held, |all| all.live.get(&n).cloned())))
}

fn wait(c: &mut Call) -> Res<Next> {
    let Some(child) = child(c)?.filter(|child| child.exit(&c.held).is_none()) else {
        return Ok(Next::Done(Value::TRUE));
    };
    let until = c.some(1);
    let until = seconds::optional_deadline(c, until)?;
    if until.is_some_and(|at| at <= seconds::deadline(c, 0)) {
        return Ok(Next::Done(Value::FALSE));
    }
    Ok(Next::Wait {
        on: WaitOn::Child { key: child.key() },
        until,
        still: Box::new(move |_| child.pending()),
        then: Box::new(|c, wake| Ok(Next::Done(Value::bool(c.after_wake(wake)?)))),
    })
}

fn poll(c: &mut Call) -> Res<Value> {
    Ok(match child(c)?.and_then(|child| child.exit(&c.held)) {
        Some(code) => Value::Int(code.into()),
        None => Value::None,
    })
}

fn signal(c: &mut Call, send: fn(&dyn ChildProcess, &mut Held) -> io::Result<()>) -> Res<Value> {
    if let Some(child) = child(c)?
        && let Err(e) = send(&*child, &mut c.held)
    {
        return Err(os_error::raise(c, &e, None));
    }
    Ok(Value::None)
}

fn terminate(c: &mut Call) -> Res<Value> {
    signal(c, |child, held| child.terminate(held))
}

fn kill(c: &mut Call) -> Res<Value> {
    signal(c, |child, held| child.kill(held))
}

fn send_signal(c: &mut Call) -> Res<Value> {
    let number = c.arg(1);
    let number = i32::try_from(c.index(&number)?).unwrap_or(-1);
    if let Some(child) = child(c)?
        && let Err(e) = child.signal(&mut c.held, number)
    {
        return Err(os_error::raise(c, &e, None));
    }
    Ok(Value::None)
}

fn forget(c: &mut Call) -> Res<Value> {
    let number = c.arg(0);
    let number = c.index(&number)?;
    let interp = c.interp;
    if let Ok(number) = u64::try_from(number) {
        let gone = interp.children.with(&c.held, |all| all.live.remove(&number));
        drop(gone);
    }
    Ok(Value::None)
}

fn report(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = c.str_text(&name)?;
    let e = c.arg(1);
    let report = c.format_exception(&e);
    out::error(format!("Process {name}:\n{report}").as_bytes());
    Ok(Value::None)
}

fn wait_parent(c: &mut Call) -> Res<Next> {
    let until = c.some(0);
    let until = seconds::optional_deadline(c, until)?;
    Ok(Next::Wait {
        // Nobody wakes it.
        on: WaitOn::Child { key: c.held.new_key() },
        until,
        still: Box::new(|_| true),
        then: Box::new(|c, wake| {
            c.after_wake(wake)?;
            Ok(Next::Done(Value::None))
        }),
    })
}

/// The end of the process: daemonic children are ended, the others waited for.
pub fn join_children(th: &mut Thread) -> Res<()> {
    match super::get_in(th, "multiprocessing.process", "_exit_function") {
        Some(exit) => th.call(&exit, &[]).map(drop),
        None => Ok(()),
    }
}
