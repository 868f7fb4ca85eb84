//! `os.pipe` and its like: in the real world the system's pipes (`world/pipe.rs`), in simulation rows of
//! bytes with the moment at which each arrives (`world/simnet.rs`).
//!
//! A read or write gives the interpreter lock up once and takes it back once, whether it has to wait or
//! not, as CPython's do: that is what makes the convoy.

use super::files::disk::disk;
use super::net::{self, Patience, Sock, Tried};
use super::{os_error, seconds};
use crate::natives;
use crate::object::Value;
use crate::vm::{Call, Next, Res, Thread};
use crate::world::disk::File;
use crate::world::simnet::{End, Found, PIPE_ROOM};
use crate::world::{Nanos, WaitKind, fd, handle, out, pipe};
use std::io;
use std::sync::Arc;

natives! { pub PIPES, "_os";
    /// A new pipe: the descriptors of its reading and its writing end.
    holds pipe("") = open;
    /// At most `n` bytes from a descriptor that `pipe` or `kit.echo` made; waits for the first, b'' when
    /// the other end is closed. The interpreter lock is given up meanwhile.
    waits read("fd, n, /") = read;
    /// Writes bytes to a descriptor; returns how many. The interpreter lock is given up meanwhile.
    waits write("fd, data, /") = write;
    /// Closes a descriptor that `pipe` or `kit.echo` made.
    holds close("fd, /") = net::close;
}

natives! { pub ECHO, "kit";
    /// Starts an echo outside the interpreter lock: what is written to the second of the two descriptors
    /// that it returns comes out of the first, `delay` seconds later (`os.write`, `os.read`). It stands for
    /// another machine at the end of a network; it ends when the writing end is closed.
    holds echo("delay, /") = echo;
    /// The same over a connected socket: the number of the script's end, for `socket.socket(fileno=...)`.
    holds echo_socket("delay, /") = echo_socket;
}

/// How long the main thread reads before it looks for Ctrl-C.
const PATIENCE: Nanos = 100_000_000;

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

/// The length of time that argument 0 is.
fn delay(c: &mut Call) -> Res<Nanos> {
    let delay = c.arg(0);
    let delay = seconds::nanos(c, &delay)?;
    u64::try_from(delay).map_err(|_| c.value_error("delay must be non-negative"))
}

fn echo_socket(c: &mut Call) -> Res<Value> {
    let delay = delay(c)?;
    if c.held.simulated() {
        let end = End::echo(c.held.new_key(), delay);
        return Ok(Value::Int(c.interp.pipes.with(&c.held, |p| p.enter(end))));
    }
    let made = pipe::echo_socket(delay);
    made.map(|n| Value::Int(n.into())).map_err(|e| os_error::raise(c, &e, None))
}

fn echo(c: &mut Call) -> Res<Value> {
    let delay = delay(c)?;
    if c.held.simulated() {
        return Ok(simulated(c, delay));
    }
    made(c, pipe::echo(delay))
}

/// A pipe of the simulation; an echo is one that takes its time, and takes everything.
fn simulated(c: &mut Call, delay: Nanos) -> Value {
    let keys = [c.held.new_key(), c.held.new_key()];
    let room = if delay > 0 { usize::MAX } else { PIPE_ROOM };
    let [reader, writer] = End::pipe(keys, delay, room);
    let ends = c.interp.pipes.with(&c.held, |p| (p.enter(reader), p.enter(writer)));
    pair(c, ends)
}

/// The file of this number, of a simulated process.
fn file(th: &Thread, n: i64) -> Option<File> {
    th.interp.pipes.with(&th.held, |p| p.files.get(n))
}

/// The simulated end of this number.
fn end(c: &mut Call, n: i64) -> Res<Arc<End>> {
    let found = c.interp.pipes.with(&c.held, |p| p.get(n));
    found.ok_or_else(|| os_error::raise(c, &fd::bad_descriptor(), None))
}

fn read(c: &mut Call) -> Res<Next> {
    let n = number(c, 1)?;
    let Ok(n) = usize::try_from(n) else {
        return Err(os_error::raise(c, &fd::invalid(), None));
    };
    if c.held.simulated() {
        let number = number(c, 0)?;
        if let Some(file) = file(c, number) {
            let got = c.held.outside_for(WaitKind::Io, move || handle::read(&file.fd, n));
            return match got {
                Ok(bytes) => Ok(Next::Done(c.bytes(bytes))),
                Err(e) => Err(os_error::raise(c, &e, None)),
            };
        }
        let end = end(c, number)?;
        // The lock is given up once: here if there is something to read, else by waiting for it.
        if !matches!(end.receive(net::now(c), n, true).0, Found::Later(_)) {
            c.held.outside(|| ());
        }
        return taken(c, end, n);
    }
    let number = system(c)?;
    let main = c.held.is_main();
    loop {
        let got = c.held.outside_for(WaitKind::Io, move || {
            if main && !fd::await_data(number, PATIENCE)? { Ok(None) } else { fd::read(number, n).map(Some) }
        });
        match got {
            Ok(Some(bytes)) => return Ok(Next::Done(c.bytes(bytes))),
            Ok(None) => c.safe_point()?,
            Err(e) => return Err(os_error::raise(c, &e, None)),
        }
    }
}

/// Takes what there is, or waits for it.
fn taken(c: &mut Call, end: Arc<End>, n: usize) -> Res<Next> {
    let sock = Sock::Sim(end.clone());
    let attempt = move |c: &mut Call| {
        let (found, wakes) = end.receive(net::now(c), n, false);
        net::wake(c, wakes);
        tried(c, found, |c, (bytes, _)| c.bytes(bytes))
    };
    net::go(c, sock, WaitKind::Io, Patience::Until(None), Box::new(attempt))
}

fn tried<T>(c: &mut Call, found: Found<T>, done: impl FnOnce(&mut Call, T) -> Value) -> Res<Tried> {
    match found {
        Found::Got(v) => Ok(Tried::Done(done(c, v))),
        Found::Later(at) => Ok(Tried::Later(at)),
        Found::Failed(e) => Err(net::errno(c, e)),
    }
}

fn write(c: &mut Call) -> Res<Next> {
    let data = c.arg(1);
    let Some(bytes) = c.bytes_like(&data) else {
        let got = c.type_name(&data);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    if !c.held.simulated() {
        let number = system(c)?;
        if (1..=2).contains(&number) {
            // After what is buffered.
            out::flush().map_err(|e| os_error::raise(c, &e, None))?;
        }
        return match c.held.outside_for(WaitKind::Io, move || fd::write(number, &bytes)) {
            Ok(n) => Ok(Next::Done(Value::Int(n as i64))),
            Err(e) => Err(os_error::raise(c, &e, None)),
        };
    }
    let n = number(c, 0)?;
    if (1..=2).contains(&n) {
        if n == 2 {
            out::error(&bytes);
        } else {
            out::write(&bytes).map_err(|e| os_error::raise(c, &e, None))?;
        }
        return Ok(Next::Done(Value::Int(bytes.len() as i64)));
    }
    if let Some(file) = file(c, n) {
        let fd = file.fd.clone();
        let done = c.held.outside_for(WaitKind::Io, move || handle::write(&fd, &bytes));
        let n = done.map_err(|e| os_error::raise(c, &e, None))?;
        disk(c).wrote(&file);
        return Ok(Next::Done(Value::Int(n as i64)));
    }
    let end = end(c, n)?;
    let sock = Sock::Sim(end.clone());
    // The lock is given up once: here if there is room, else by waiting for it.
    let attempt = move |c: &mut Call| {
        let (found, wakes) = end.send(net::now(c), &bytes);
        net::wake(c, wakes);
        if matches!(found, Found::Got(_)) {
            c.held.outside(|| ());
        }
        tried(c, found, |_, n| Value::Int(n as i64))
    };
    net::go(c, sock, WaitKind::Io, Patience::Until(None), Box::new(attempt))
}
