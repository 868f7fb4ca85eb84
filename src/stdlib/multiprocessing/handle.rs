//! Handles: what processes share, as objects; how they go from one process to another (M1).

use super::sim;
use crate::gil::Held;
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::process;
use crate::stdlib::os_error;
use crate::vm::children::{ChildProcess, Passed};
use crate::vm::make::text;
use crate::vm::{Call, Res, Thread};
use crate::world::packet::Socket;
use crate::world::shared::{Memory, Permits};
use crate::world::work::Descriptor;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

natives! { pub HANDLE, "_multiprocessing";
    /// Closes a handle; closing twice is no error.
    holds close("handle, /") = close;
    /// The system's number of a handle.
    holds fileno("handle, /") = fileno;
    /// Whether a child is being started here, to which locks and queues may go along.
    holds spawning("") = spawning;
    /// Puts a handle into the frame that is being made; returns its number there, None if there is none.
    holds hand_over("handle, /") = hand_over;
    /// The handle of this number in the frame that is being read; kind "line", "permits" or "memory".
    holds arrived("number, kind, /") = arrived;
}

/// An end of a pipe.
#[derive(Clone)]
pub enum Line {
    Real(Socket),
    Sim(Arc<sim::End>),
}

/// A semaphore.
#[derive(Clone)]
pub enum Tokens {
    Real(Permits),
    Sim(Arc<sim::Tokens>),
}

/// Shared bytes.
#[derive(Clone)]
pub enum Bytes {
    Real(Memory),
    Sim(Arc<sim::Bytes>),
}

/// A child, for those who wait for its end.
#[derive(Clone)]
pub struct Sentinel(pub Arc<dyn ChildProcess>);

/// The globals of `__main__` that a child has.
#[derive(Clone)]
pub struct Known(pub Arc<process::Known>);

impl Known {
    pub fn new(names: process::Known) -> Known {
        Known(Arc::new(names))
    }
}

/// What a handle stands for.
#[derive(Clone)]
pub enum Resource {
    Line(Line),
    Permits(Tokens),
    Memory(Bytes),
    Sentinel(Sentinel),
    Known(Known),
    /// An end of a stream of a program.
    Stream(Descriptor),
    Closed,
}

/// An object around a resource.
pub fn object(th: &Thread, r: Resource) -> Value {
    let state = Opaque { state: Box::new(r), attrs: Attrs::default() };
    Ref::new(&th.held, TypeId::Handle.shape(), state).into()
}

/// What a value stands for.
pub fn resource(held: &Held, v: &Value) -> Option<Resource> {
    let open = |o: &mut Opaque| o.state.downcast_mut::<Resource>().map(|r| r.clone());
    v.as_ref()?.try_with::<Opaque, _>(held, open)?
}

/// Puts another resource into a handle; gives the one that was there.
pub fn replace(held: &Held, v: &Value, new: Resource) -> Option<Resource> {
    let put = |o: &mut Opaque| o.state.downcast_mut::<Resource>().map(|r| std::mem::replace(r, new));
    v.as_ref()?.try_with::<Opaque, _>(held, put)?
}

/// The resource of an argument.
pub fn of_value(c: &mut Call, v: &Value) -> Res<Resource> {
    match resource(&c.held, v) {
        Some(Resource::Closed) => Err(c.raise(TypeId::OSError, "handle is closed")),
        Some(r) => Ok(r),
        None => {
            let got = c.type_name(v);
            Err(c.type_error(format!("a handle is needed, not '{got}'")))
        }
    }
}

pub fn line(c: &mut Call) -> Res<Line> {
    let v = c.arg(0);
    match of_value(c, &v)? {
        Resource::Line(l) => Ok(l),
        _ => Err(c.type_error("an end of a pipe is needed")),
    }
}

pub fn tokens(c: &mut Call) -> Res<Tokens> {
    let v = c.arg(0);
    match of_value(c, &v)? {
        Resource::Permits(t) => Ok(t),
        _ => Err(c.type_error("a semaphore is needed")),
    }
}

pub fn memory(c: &mut Call) -> Res<Bytes> {
    let v = c.arg(0);
    match of_value(c, &v)? {
        Resource::Memory(m) => Ok(m),
        _ => Err(c.type_error("shared memory is needed")),
    }
}

/// The value, or the OS's error as an exception.
pub fn ok<T>(c: &mut Call, r: io::Result<T>) -> Res<T> {
    r.map_err(|e| os_error::raise(c, &e, None))
}

fn close(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let old = replace(&c.held, &v, Resource::Closed);
    if let Some(Resource::Line(Line::Sim(end))) = old {
        let keys = end.close(c.held.process());
        for key in keys {
            c.held.wake(key, usize::MAX);
        }
    }
    Ok(Value::None)
}

impl Resource {
    /// What the system knows it by.
    pub fn descriptor(&self) -> Option<Descriptor> {
        match self {
            Resource::Line(Line::Real(s)) => Some(s.0.clone()),
            Resource::Permits(Tokens::Real(p)) => Some(p.0.clone()),
            Resource::Memory(Bytes::Real(m)) => Some(m.0.clone()),
            Resource::Stream(d) => Some(d.clone()),
            Resource::Sentinel(s) => match s.0.sentinel() {
                Passed::Descriptor(d) => Some(d),
                Passed::Simulated(_) => None,
            },
            _ => None,
        }
    }

    fn passed(&self) -> Option<Passed> {
        match self {
            Resource::Line(Line::Sim(end)) => {
                end.take_off();
                Some(Passed::Simulated(end.clone()))
            }
            Resource::Permits(Tokens::Sim(t)) => Some(Passed::Simulated(t.clone())),
            Resource::Memory(Bytes::Sim(b)) => Some(Passed::Simulated(b.clone())),
            Resource::Sentinel(_) | Resource::Known(_) | Resource::Stream(_) | Resource::Closed => None,
            real => real.descriptor().map(Passed::Descriptor),
        }
    }
}

fn fileno(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    match of_value(c, &v)?.descriptor() {
        Some(d) => Ok(Value::Int(d.as_raw_fd().into())),
        None if c.held.simulated() => {
            Err(c.raise(TypeId::NotImplementedError, "fileno(): a simulated process has no descriptors"))
        }
        None => Err(c.raise(TypeId::OSError, "this handle has no descriptor")),
    }
}

fn spawning(c: &mut Call) -> Res<Value> {
    let (me, interp) = (c.held.tid(), c.interp);
    Ok(Value::bool(interp.children.with(&c.held, |all| all.at(me).is_some_and(|h| h.spawning))))
}

fn hand_over(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let (me, interp) = (c.held.tid(), c.interp);
    if interp.children.with(&c.held, |all| all.at(me).is_none()) {
        return Ok(Value::None);
    }
    let Some(passed) = of_value(c, &v)?.passed() else {
        return Err(c.type_error("this handle stays in its process"));
    };
    let number = interp.children.with(&c.held, |all| {
        all.at(me).map(|h| {
            h.things.push(passed);
            h.things.len() - 1
        })
    });
    Ok(number.map_or(Value::None, |n| Value::Int(n as i64)))
}

fn arrived(c: &mut Call) -> Res<Value> {
    let number = c.arg(0);
    let number = c.index(&number)?;
    let (me, interp) = (c.held.tid(), c.interp);
    let thing = usize::try_from(number)
        .ok()
        .and_then(|n| interp.children.with(&c.held, |all| all.at(me).and_then(|h| h.things.get(n).cloned())));
    let kind = c.arg(1);
    let made = match (thing, text(&kind)) {
        (Some(Passed::Descriptor(d)), Some("line")) => Some(Resource::Line(Line::Real(Socket(d)))),
        (Some(Passed::Descriptor(d)), Some("permits")) => Some(Resource::Permits(Tokens::Real(Permits(d)))),
        (Some(Passed::Descriptor(d)), Some("memory")) => Some(Resource::Memory(Bytes::Real(Memory(d)))),
        (Some(Passed::Simulated(any)), _) => simulated(c, any),
        _ => None,
    };
    match made {
        Some(r) => Ok(object(c, r)),
        None => Err(process::raise_pickle(c, "UnpicklingError", "a handle that did not come along")),
    }
}

fn simulated(c: &Call, any: Arc<dyn std::any::Any + Send + Sync>) -> Option<Resource> {
    let any = match any.downcast::<sim::End>() {
        Ok(end) => {
            end.land(c.held.process());
            return Some(Resource::Line(Line::Sim(end)));
        }
        Err(any) => any,
    };
    let any = match any.downcast::<sim::Tokens>() {
        Ok(t) => return Some(Resource::Permits(Tokens::Sim(t))),
        Err(any) => any,
    };
    any.downcast::<sim::Bytes>().ok().map(|b| Resource::Memory(Bytes::Sim(b)))
}
