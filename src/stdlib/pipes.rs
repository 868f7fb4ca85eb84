//! `os.pipe` and its like: in the real world the system's pipes (`world/pipe.rs`), in simulation rows of
//! bytes with the moment at which each arrives.
//!
//! A read or write gives the interpreter lock up once and takes it back once, whether it has to wait or
//! not, as CPython's do: that is what makes the convoy.

use super::{os_error, seconds};
use crate::natives;
use crate::object::Value;
use crate::vm::pipes::Pipe;
use crate::vm::{Call, Next, Raised, Res, Thread};
use crate::world::{Clock, Nanos, WaitKey, WaitKind, WaitOn, pipe};
use std::collections::VecDeque;
use std::io;

natives! { pub PIPES, "_os";
    /// A new pipe: the descriptors of its reading and its writing end.
    holds pipe("") = open;
    /// At most `n` bytes from a descriptor that `pipe` or `kit.echo` made; waits for the first, b'' when
    /// the other end is closed. The interpreter lock is given up meanwhile.
    waits read("fd, n, /") = read;
    /// Writes bytes to a descriptor; returns how many. The interpreter lock is given up meanwhile.
    computes write("fd, data, /") = write;
    /// Closes a descriptor that `pipe` or `kit.echo` made.
    holds close("fd, /") = close;
}

natives! { pub ECHO, "kit";
    /// Starts an echo outside the interpreter lock: what is written to the second of the two descriptors
    /// that it returns comes out of the first, `delay` seconds later (`os.write`, `os.read`). It stands for
    /// another machine at the end of a network; it ends when the writing end is closed.
    holds echo("delay, /") = echo;
}

/// How long the main thread reads before it looks for Ctrl-C.
const PATIENCE: Nanos = 100_000_000;

/// The first number that stands for none of the standard streams.
const FIRST: i64 = 3;

fn number(c: &mut Call, i: usize) -> Res<i64> {
    let v = c.arg(i);
    c.index(&v)
}

fn system(c: &mut Call) -> Res<i32> {
    let n = number(c, 0)?;
    Ok(i32::try_from(n).unwrap_or(-1))
}

fn pair(c: &mut Thread, ends: (i64, i64)) -> Value {
    c.tuple(vec![Value::Int(ends.0), Value::Int(ends.1)])
}

fn made(c: &mut Call, ends: io::Result<(i32, i32)>) -> Res<Value> {
    match ends {
        Ok((reader, writer)) => Ok(pair(c, (reader.into(), writer.into()))),
        Err(e) => Err(os_error::raise(c, &e, None)),
    }
}

fn open(c: &mut Call) -> Res<Value> {
    if c.held.simulated() {
        return Ok(simulated(c, 0));
    }
    made(c, pipe::open())
}

fn echo(c: &mut Call) -> Res<Value> {
    let delay = c.arg(0);
    let delay = seconds::nanos(c, &delay)?;
    let Ok(delay) = u64::try_from(delay) else {
        return Err(c.value_error("delay must be non-negative"));
    };
    if c.held.simulated() {
        return Ok(simulated(c, delay));
    }
    made(c, pipe::echo(delay))
}

/// A pipe of the simulation; an echo is one that takes its time.
fn simulated(c: &mut Call, delay: Nanos) -> Value {
    let key = c.held.new_key();
    let reader = c.interp.pipes.with(&c.held, |p| {
        let reader = p.0.last_key_value().map_or(FIRST, |(n, _)| n + 2);
        p.0.insert(reader, Pipe { key, parts: VecDeque::new(), delay, readable: true, writable: true });
        reader
    });
    pair(c, (reader, reader + 1))
}

fn bad_descriptor(c: &mut Call) -> Raised {
    os_error::raise(c, &pipe::bad_descriptor(), None)
}

fn read(c: &mut Call) -> Res<Next> {
    let n = number(c, 1)?;
    let Ok(n) = usize::try_from(n) else {
        return Err(os_error::raise(c, &pipe::invalid(), None));
    };
    if c.held.simulated() {
        let fd = number(c, 0)?;
        // The lock is given up once: here if there is something to read, else by waiting for it.
        if !matches!(look(c, fd, n, false)?, Looked::Wait(..)) {
            c.held.outside(|| ());
        }
        return taken(c, fd, n);
    }
    let fd = system(c)?;
    let main = c.held.is_main();
    loop {
        let got = c.held.outside_for(WaitKind::Io, move || {
            if main && !pipe::await_data(fd, PATIENCE)? { Ok(None) } else { pipe::read(fd, n).map(Some) }
        });
        match got {
            Ok(Some(bytes)) => return Ok(Next::Done(c.bytes(bytes))),
            Ok(None) => c.safe_point()?,
            Err(e) => return Err(os_error::raise(c, &e, None)),
        }
    }
}

/// What a look at a simulated pipe found.
enum Looked {
    Bytes(Vec<u8>),
    Wait(WaitKey, Option<Nanos>),
}

fn look(c: &mut Call, fd: i64, n: usize, take: bool) -> Res<Looked> {
    let now = c.held.now(Clock::Monotonic);
    let looked = c.interp.pipes.with(&c.held, |p| {
        let pipe = p.0.get_mut(&fd).filter(|p| p.readable)?;
        Some(match pipe.parts.front_mut() {
            Some((at, _)) if *at > now => Looked::Wait(pipe.key, Some(*at)),
            Some(_) if !take => Looked::Bytes(Vec::new()),
            Some((_, part)) => {
                let rest = part.split_off(n.min(part.len()));
                let bytes = std::mem::replace(part, rest);
                if part.is_empty() {
                    pipe.parts.pop_front();
                }
                Looked::Bytes(bytes)
            }
            None if pipe.writable => Looked::Wait(pipe.key, None),
            None => Looked::Bytes(Vec::new()),
        })
    });
    match looked {
        Some(looked) => Ok(looked),
        None => Err(bad_descriptor(c)),
    }
}

/// Takes what there is, or waits for it.
fn taken(c: &mut Call, fd: i64, n: usize) -> Res<Next> {
    match look(c, fd, n, true)? {
        Looked::Bytes(bytes) => Ok(Next::Done(c.bytes(bytes))),
        Looked::Wait(key, until) => Ok(Next::Wait {
            on: WaitOn::Io { key },
            until,
            // Nobody else runs in a simulation between the look and the wait.
            still: Box::new(|_| true),
            then: Box::new(move |c, wake| {
                c.after_wake(wake)?;
                taken(c, fd, n)
            }),
        }),
    }
}

fn write(c: &mut Call) -> Res<Value> {
    let data = c.arg(1);
    let Some(bytes) = c.bytes_like(&data) else {
        let got = c.type_name(&data);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    let n = bytes.len();
    if !c.held.simulated() {
        let fd = system(c)?;
        return match c.held.outside_for(WaitKind::Io, move || pipe::write(fd, &bytes)) {
            Ok(n) => Ok(Value::Int(n as i64)),
            Err(e) => Err(os_error::raise(c, &e, None)),
        };
    }
    let fd = number(c, 0)?;
    let now = c.held.now(Clock::Monotonic);
    let key = c.interp.pipes.with(&c.held, |p| {
        let pipe = p.0.get_mut(&(fd - 1)).filter(|p| p.writable)?;
        pipe.parts.push_back((now + pipe.delay, bytes));
        Some(pipe.key)
    });
    let Some(key) = key else { return Err(bad_descriptor(c)) };
    c.held.wake(key, 1);
    c.held.outside(|| ());
    Ok(Value::Int(n as i64))
}

fn close(c: &mut Call) -> Res<Value> {
    if !c.held.simulated() {
        let fd = system(c)?;
        return match pipe::close(fd) {
            Ok(()) => Ok(Value::None),
            Err(e) => Err(os_error::raise(c, &e, None)),
        };
    }
    let fd = number(c, 0)?;
    let key = c.interp.pipes.with(&c.held, |p| {
        if let Some(pipe) = p.0.get_mut(&fd).filter(|p| p.readable) {
            pipe.readable = false;
            return Some(pipe.key);
        }
        let pipe = p.0.get_mut(&(fd - 1)).filter(|p| p.writable)?;
        pipe.writable = false;
        Some(pipe.key)
    });
    let Some(key) = key else { return Err(bad_descriptor(c)) };
    c.held.wake(key, usize::MAX);
    Ok(Value::None)
}
