//! `_subprocess`: programs of the system. `subprocess` itself is in `kit/`.
//!
//! A started program is entered among the children: waiting, polling and signals are `_multiprocessing`'s.

use super::multiprocessing::handle::{self, Resource, Sentinel};
use super::{os_error, seconds};
use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::children::Awaited;
use crate::vm::make::text;
use crate::vm::{Call, Next, Res};
use crate::world::child;
use crate::world::command::{Exchange, Exchanged, Flow, Program};
use crate::world::work::{Descriptor, Labour};
use crate::world::{Nanos, WaitOn, host, out};
use std::sync::{Arc, Mutex, PoisonError};

natives! { pub SUBPROCESS, "_subprocess";
    /// Starts a program: its arguments, the environment as a dict or None, the folder or None, where its
    /// three streams go, whether in a process group of its own. Returns its number among the children, its
    /// process number, this process's ends of the streams, and what is ready at its end.
    holds start("args, env, cwd, stdin, stdout, stderr, own_group, /") = start;
    /// Gives a program `data` while its output is taken: until both outputs end, there are `enough` bytes,
    /// or a line (`line`), at most `timeout` seconds. Returns output, errors, how much of `data` is
    /// written, and whether it is over. Unless `keep`, `stdin` is closed when all of `data` is written.
    waits exchange("stdin, data, stdout, stderr, timeout=None, enough=-1, line=False, keep=False, /") = exchange;
}

fn strings(c: &mut Call, v: &Value) -> Res<Vec<String>> {
    c.collect(v)?.iter().map(|v| c.str_text(v)).collect()
}

/// Where a stream goes: None, "pipe", "null", "joined", a number, a handle, or (path, write, place).
fn flow(c: &mut Call, i: usize) -> Res<Flow> {
    let v = c.arg(i);
    if v.is_none() || v.is_unbound() {
        return Ok(Flow::Inherit);
    }
    match text(&v) {
        Some("pipe") => return Ok(Flow::Pipe),
        Some("null") => return Ok(Flow::Null),
        Some("joined") => return Ok(Flow::Joined),
        _ => {}
    }
    if let Some(r) = handle::resource(&c.held, &v) {
        return match r.descriptor() {
            Some(d) => Ok(Flow::Open(d)),
            None => Err(c.raise(TypeId::OSError, "handle is closed")),
        };
    }
    if let Value::Int(n) = v {
        return match u8::try_from(n) {
            Ok(n @ 0..=2) => Ok(Flow::Standard(n)),
            _ => Err(c.raise(TypeId::OSError, "[Errno 9] Bad file descriptor")),
        };
    }
    let parts = c.collect(&v)?;
    match &parts[..] {
        [path, write, at] => {
            let (path, write, at) = (c.str_text(path)?, c.truth(write)?, c.index(at)?);
            Ok(Flow::File { path, write, at: u64::try_from(at).unwrap_or(0) })
        }
        _ => Err(c.type_error("a stream goes nowhere")),
    }
}

fn start(c: &mut Call) -> Res<Value> {
    if c.held.simulated() {
        let text = "subprocess: a simulation has no programs of the system; run the script without --sim";
        return Err(c.raise(TypeId::NotImplementedError, text));
    }
    let args = c.arg(0);
    let mut args = strings(c, &args)?.into_iter();
    let Some(program) = args.next() else { return Err(c.raise(TypeId::IndexError, "list index out of range")) };
    let env = match c.some(1) {
        Some(dict) => {
            let items = dict.as_ref().map(|d| c.dict_items(d)).unwrap_or_default();
            Some(items.iter().map(|(k, v)| Ok((c.str_text(k)?, c.str_text(v)?))).collect::<Res<Vec<_>>>()?)
        }
        None => None,
    };
    let cwd = match c.some(2) {
        Some(v) => Some(c.str_text(&v)?),
        None => None,
    };
    let flows = [flow(c, 3)?, flow(c, 4)?, flow(c, 5)?];
    let own_group = c.arg(6);
    let own_group = c.truth(&own_group)?;
    let (name, folder) = (program.clone(), cwd.clone());
    let what = Program { program, args: args.collect(), env, cwd, flows, own_group };
    // Before the program writes, what this process wrote before.
    let flushed = out::flush();
    handle::ok(c, flushed)?;
    let (awaited, on_exit) = Awaited::new(&mut c.held);
    let (child, ends) = match c.held.holding(|| child::start_program(what, on_exit)) {
        Ok(started) => started,
        Err(e) => {
            let lost = folder.filter(|f| !host::is_dir(std::path::Path::new(f)));
            return Err(os_error::raise(c, &e, Some(lost.as_deref().unwrap_or(&name))));
        }
    };
    let pid = Value::Int(child.pid().into());
    let started = awaited.child(&child, None);
    let interp = c.interp;
    let sentinel = handle::object(c, Resource::Sentinel(Sentinel(started.clone())));
    let number = interp.children.with(&c.held, |all| all.enter(started));
    let mut row = vec![Value::Int(number as i64), pid];
    row.extend(ends.into_iter().map(|end| match end {
        Some(d) => handle::object(c, Resource::Stream(d)),
        None => Value::None,
    }));
    row.push(sentinel);
    Ok(c.tuple(row))
}

fn stream(c: &mut Call, i: usize) -> Res<Option<Descriptor>> {
    match c.some(i) {
        Some(v) => Ok(handle::of_value(c, &v)?.descriptor()),
        None => Ok(None),
    }
}

fn exchange(c: &mut Call) -> Res<Next> {
    let ends = [stream(c, 0)?, stream(c, 2)?, stream(c, 3)?];
    let input = match c.some(1) {
        Some(v) => match c.bytes_like(&v) {
            Some(bytes) => bytes,
            None => {
                let got = c.type_name(&v);
                return Err(c.type_error(format!("memoryview: a bytes-like object is required, not '{got}'")));
            }
        },
        None => Vec::new(),
    };
    let until = c.some(4);
    let until = seconds::optional_deadline(c, until)?;
    let enough = match c.opt(5) {
        Some(n) => usize::try_from(c.index(&n)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let line = match c.opt(6) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    let keep = match c.opt(7) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    // The last one who has it open is the work, so that the program sees the end of its input.
    let stdin = c.some(0).filter(|_| !keep);
    if let Some(v) = &stdin {
        drop(handle::replace(&c.held, v, Resource::Closed));
    }
    let state = Exchanged { input, ends, enough, line, ..Exchanged::default() };
    Ok(go_on(c, Arc::new(Exchange(Mutex::new(state))), stdin, until))
}

fn go_on(c: &mut Call, work: Arc<Exchange>, stdin: Option<Value>, until: Option<Nanos>) -> Next {
    Next::Wait {
        on: WaitOn::Message { key: c.held.new_key(), work: Some(Labour(work.clone())) },
        until,
        still: Box::new(|_| true),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake);
            let open = work.0.lock().unwrap_or_else(PoisonError::into_inner).ends[0].take();
            if let (Some(v), Some(d)) = (&stdin, open) {
                drop(handle::replace(&c.held, v, Resource::Stream(d)));
            }
            let done = woken?;
            let (output, errors, written, error) = {
                let mut x = work.0.lock().unwrap_or_else(PoisonError::into_inner);
                let [output, errors] = std::mem::take(&mut x.output);
                (output, errors, x.written, x.error.take())
            };
            if let Some(e) = error {
                return Err(os_error::raise(c, &e, None));
            }
            let row = vec![c.bytes(output), c.bytes(errors), Value::Int(written as i64), Value::bool(done)];
            Ok(Next::Done(c.tuple(row)))
        }),
    }
}
