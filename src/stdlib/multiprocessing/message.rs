//! Pipes: values and bytes from one process to another.

use super::handle::{self, Line, Resource, line, ok};
use super::sim;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::process::{self, Parts};
use crate::vm::children::{Handing, Passed};
use crate::vm::{Call, Next, Res};
use crate::world::WaitOn;
use crate::world::alloc;
use crate::world::packet::{Packet, Received, Socket};
use crate::world::shared::{Bytes, Outgoing, Receiving, Sending};
use crate::world::work::{Descriptor, Labour};
use std::sync::{Arc, Mutex, PoisonError};

natives! { pub MESSAGE, "_multiprocessing";
    /// Both ends of a new pipe.
    holds pipe("") = pipe;
    /// Sends a value, waiting for room unless `block` is false. Returns whether it was sent. `known` is
    /// what a worker knows of `__main__` (see `start`): what it does not, travels by value.
    waits send("handle, value, known=None, block=True, /") = send;
    /// Receives a value. EOFError when the other end is closed.
    waits receive("handle, /") = receive;
    /// Sends bytes as they are.
    waits send_bytes("handle, data, /") = send_bytes;
    /// Receives bytes as they are.
    waits receive_bytes("handle, /") = receive_bytes;
    /// Receives a value if there is one: (value,), or () if there is none yet. EOFError at the end.
    holds try_receive("handle, /") = try_receive;
}

fn pipe(c: &mut Call) -> Res<Value> {
    let (a, b) = if c.held.simulated() {
        let (a, b) = sim::End::pair(&mut c.held);
        (Line::Sim(Arc::new(a)), Line::Sim(Arc::new(b)))
    } else {
        let pair = Socket::pair();
        let (a, b) = ok(c, pair)?;
        (Line::Real(a), Line::Real(b))
    };
    let ends = vec![handle::object(c, Resource::Line(a)), handle::object(c, Resource::Line(b))];
    Ok(c.tuple(ends))
}

/// Encodes a value with what goes along.
fn encoded(c: &mut Call, v: Value, known: Option<Value>) -> Res<(Parts, Vec<Passed>)> {
    let known = match known {
        Some(k) => match handle::of_value(c, &k)? {
            Resource::Known(k) => Some(k),
            _ => return Err(c.type_error("what a worker knows is needed")),
        },
        None => None,
    };
    let (me, interp) = (c.held.tid(), c.interp);
    interp.children.with(&c.held, |all| all.begin(me, Handing::default()));
    let parts = process::message(c, &v, known.as_ref().map(|k| &*k.0));
    let along = interp.children.with(&c.held, |all| all.end(me));
    Ok((parts?, along))
}

/// The value of a frame and what came along.
fn decoded(c: &mut Call, bytes: &[u8], things: Vec<Passed>) -> Res<Value> {
    let (me, interp) = (c.held.tid(), c.interp);
    interp.children.with(&c.held, |all| all.begin(me, Handing { spawning: false, things }));
    let roots = process::decode(c, bytes);
    let left = interp.children.with(&c.held, |all| all.end(me));
    drop(left);
    match roots?.pop() {
        Some(v) => Ok(v),
        None => Err(process::raise_pickle(c, "UnpicklingError", "a message without a value")),
    }
}

fn send(c: &mut Call) -> Res<Next> {
    let line = line(c)?;
    let (v, known, block) = (c.arg(1), c.some(2), c.opt(3));
    let block = match block {
        Some(b) => c.truth(&b)?,
        None => true,
    };
    let (parts, along) = encoded(c, v, known)?;
    send_on(c, line, parts, along, block)
}

fn send_bytes(c: &mut Call) -> Res<Next> {
    let line = line(c)?;
    let v = c.arg(1);
    let parts = match v.as_ref().and_then(Parts::of_bytes) {
        Some(parts) => Some(parts),
        None => c.bytes_like(&v).map(Parts::from),
    };
    let Some(parts) = parts else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    send_on(c, line, parts, Vec::new(), true)
}

fn broken(c: &mut Call) -> crate::vm::Raised {
    let e = std::io::Error::from_raw_os_error(rustix::io::Errno::PIPE.raw_os_error());
    crate::stdlib::os_error::raise(c, &e, None)
}

fn send_on(c: &mut Call, line: Line, parts: Parts, along: Vec<Passed>, block: bool) -> Res<Next> {
    let socket = match line {
        Line::Real(s) => s,
        Line::Sim(end) => return send_simulated(c, end, parts.whole(), along, block),
    };
    let along: Vec<Descriptor> =
        along.into_iter().filter_map(|p| if let Passed::Descriptor(d) = p { Some(d) } else { None }).collect();
    let packet = Packet::new(&parts.slices(), along);
    let packet = ok(c, packet)?;
    let sent = socket.send(&packet);
    if ok(c, sent)? {
        return Ok(Next::Done(Value::TRUE));
    }
    if !block {
        return Ok(Next::Done(Value::FALSE));
    }
    let work = Arc::new(Sending { socket, message: Mutex::new(Outgoing { packet, result: None }) });
    Ok(send_wait(c, work))
}

fn send_wait(c: &mut Call, work: Arc<Sending>) -> Next {
    let key = c.held.new_key();
    Next::Wait {
        on: WaitOn::Message { key, work: Some(Labour(work.clone())) },
        until: None,
        still: Box::new(|_| true),
        then: Box::new(move |c, wake| {
            let result = work.message.lock().unwrap_or_else(PoisonError::into_inner).result.take();
            c.after_wake(wake)?;
            match result {
                Some(r) => ok(c, r).map(|()| Next::Done(Value::TRUE)),
                None => Ok(send_wait(c, work)),
            }
        }),
    }
}

fn send_simulated(c: &mut Call, end: Arc<sim::End>, bytes: Vec<u8>, along: Vec<Passed>, block: bool) -> Res<Next> {
    match end.send(&mut c.held, &bytes, &along) {
        None => Err(broken(c)),
        Some(true) => Ok(Next::Done(Value::TRUE)),
        Some(false) if !block => Ok(Next::Done(Value::FALSE)),
        Some(false) => Ok(Next::Wait {
            on: WaitOn::Message { key: end.key(), work: None },
            until: None,
            still: Box::new(|_| true),
            then: Box::new(move |c, wake| {
                c.after_wake(wake)?;
                send_simulated(c, end, bytes, along, true)
            }),
        }),
    }
}

type Finish = fn(&mut Call, Bytes, Vec<Passed>) -> Res<Value>;

fn as_value(c: &mut Call, bytes: Bytes, along: Vec<Passed>) -> Res<Value> {
    decoded(c, &bytes, along)
}

fn as_bytes(c: &mut Call, bytes: Bytes, _: Vec<Passed>) -> Res<Value> {
    Ok(match bytes {
        Bytes::Owned(bytes) => c.bytes(bytes),
        frozen => c.bytes(alloc::copied(&frozen)),
    })
}

fn receive(c: &mut Call) -> Res<Next> {
    let line = line(c)?;
    receive_on(c, line, as_value)
}

fn receive_bytes(c: &mut Call) -> Res<Next> {
    let line = line(c)?;
    receive_on(c, line, as_bytes)
}

/// A look without waiting: `None` if there is nothing yet.
fn look(c: &mut Call, line: &Line, finish: Finish) -> Res<Option<Value>> {
    match line {
        Line::Real(socket) => {
            let found = socket.receive();
            let found = ok(c, found)?;
            arrived(c, found, finish)
        }
        Line::Sim(end) => match end.receive(&mut c.held) {
            sim::Found::Message(bytes, along) => finish(c, Bytes::Owned(bytes), along).map(Some),
            sim::Found::Nothing => Ok(None),
            sim::Found::End => Err(c.raise_with(TypeId::EOFError, Vec::new())),
        },
    }
}

fn arrived(c: &mut Call, found: Received, finish: Finish) -> Res<Option<Value>> {
    match found {
        Received::Message(bytes, along) => {
            let along = along.into_iter().map(Passed::Descriptor).collect();
            finish(c, bytes, along).map(Some)
        }
        Received::Nothing => Ok(None),
        Received::End => Err(c.raise_with(TypeId::EOFError, Vec::new())),
    }
}

fn receive_on(c: &mut Call, line: Line, finish: Finish) -> Res<Next> {
    if let Some(v) = look(c, &line, finish)? {
        return Ok(Next::Done(v));
    }
    let work = match &line {
        Line::Real(socket) => Some(Arc::new(Receiving { socket: socket.clone(), result: Mutex::new(None) })),
        Line::Sim(_) => None,
    };
    let key = match &line {
        Line::Real(_) => c.held.new_key(),
        Line::Sim(end) => end.key(),
    };
    Ok(Next::Wait {
        on: WaitOn::Message { key, work: work.clone().map(|w| Labour(w)) },
        until: None,
        still: Box::new(|_| true),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            let found = work.and_then(|w| w.result.lock().unwrap_or_else(PoisonError::into_inner).take());
            match found {
                Some(found) => {
                    let found = ok(c, found)?;
                    match arrived(c, found, finish)? {
                        Some(v) => Ok(Next::Done(v)),
                        None => receive_on(c, line, finish),
                    }
                }
                None => receive_on(c, line, finish),
            }
        }),
    })
}

fn try_receive(c: &mut Call) -> Res<Value> {
    let line = line(c)?;
    let found = look(c, &line, as_value)?;
    Ok(c.tuple(found.into_iter().collect()))
}
