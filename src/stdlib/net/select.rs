//! Waiting for several descriptors: `_select`.

use super::{Patience, Sock, by_number, now, number, patience, wait_on};
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::stdlib::{locks, os_error, set_in};
use crate::vm::{Call, Next, Res, Thread};
use crate::world::poller::{ERR, HUP, IN, OUT, PRI, Poller, Watch};
use crate::world::simnet::End;
use crate::world::work::Labour;
use crate::world::{Nanos, WaitKey, WaitKind, WaitOn};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::sync::Arc;

natives! { pub SELECT, "_select";
    /// A set of watched descriptors.
    holds poller("") = poller;
    /// Watches a descriptor (its number) for EPOLLIN, EPOLLOUT.
    holds add("poller, fd, mask, /") = add;
    /// Watches it for something else.
    holds modify("poller, fd, mask, /") = modify;
    /// Watches it no more.
    holds remove("poller, fd, /") = remove;
    /// The ready ones as (number, mask); waits for the first, at most `timeout` seconds (0: not at all), or
    /// until the Event `event` is set. The interpreter lock is given up only for waiting.
    waits wait("poller, timeout=None, event=None, /") = wait;
}

pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    for (name, flag) in [("EPOLLIN", IN), ("EPOLLPRI", PRI), ("EPOLLOUT", OUT), ("EPOLLERR", ERR), ("EPOLLHUP", HUP)] {
        set_in(th, module, name, Value::Int(flag.into()));
    }
    Ok(())
}

enum Set {
    Real(Poller),
    Sim { key: WaitKey, watched: BTreeMap<i64, (Arc<End>, u32)> },
}

impl Drop for Set {
    fn drop(&mut self) {
        if let Set::Sim { key, watched } = self {
            watched.values().for_each(|(end, _)| end.watch(*key, false));
        }
    }
}

fn poller(c: &mut Call) -> Res<Value> {
    let set = if c.held.simulated() {
        Set::Sim { key: c.held.new_key(), watched: BTreeMap::new() }
    } else {
        Set::Real(Poller::new().map_err(|e| os_error::raise(c, &e, None))?)
    };
    let state = Opaque { state: Box::new(set), attrs: Attrs::default() };
    Ok(Ref::new(&c.held, TypeId::Handle.shape(), state).into())
}

fn this<R>(c: &mut Call, f: impl FnOnce(&mut Set) -> R) -> Res<R> {
    let v = c.arg(0);
    let open = |o: &mut Opaque| o.state.downcast_mut::<Set>().map(f);
    match v.as_ref().and_then(|r| r.try_with::<Opaque, _>(&c.held, open)).flatten() {
        Some(r) => Ok(r),
        None => Err(c.type_error("a poller is needed")),
    }
}

/// The set's poller, if it is the system's.
fn real(c: &mut Call) -> Res<Option<Poller>> {
    this(c, |set| match set {
        Set::Real(p) => Some(p.clone()),
        Set::Sim { .. } => None,
    })
}

fn change(c: &mut Call, new: bool) -> Res<Value> {
    let (n, mask) = (number(c, 1)?, number(c, 2)? as u32);
    let done = match by_number(c, n)? {
        Sock::Real(d) => {
            let Some(poller) = real(c)? else { return Ok(Value::None) };
            let n = n as i32;
            if new { poller.add(&d, n, mask) } else { poller.modify(&d, n, mask) }
        }
        Sock::Sim(end) => this(c, |set| {
            let Set::Sim { key, watched } = set else { return Ok(()) };
            match (watched.get(&n), new) {
                (Some(_), true) => return Err(Errno::EXIST.into()),
                (None, false) => return Err(Errno::NOENT.into()),
                _ => {}
            }
            end.watch(*key, true);
            watched.insert(n, (end, mask));
            Ok(())
        })?,
    };
    done.map_err(|e| os_error::raise(c, &e, None))?;
    Ok(Value::None)
}

fn add(c: &mut Call) -> Res<Value> {
    change(c, true)
}

fn modify(c: &mut Call) -> Res<Value> {
    change(c, false)
}

fn remove(c: &mut Call) -> Res<Value> {
    let n = number(c, 1)?;
    let done = match real(c)? {
        Some(poller) => match by_number(c, n)? {
            Sock::Real(d) => poller.remove(&d),
            Sock::Sim(_) => Ok(()),
        },
        None => this(c, |set| {
            let Set::Sim { key, watched } = set else { return Ok(()) };
            let Some((end, _)) = watched.remove(&n) else { return Err(Errno::NOENT.into()) };
            end.watch(*key, false);
            Ok(())
        })?,
    };
    done.map_err(|e| os_error::raise(c, &e, None))?;
    Ok(Value::None)
}

fn rows(c: &mut Call, found: Vec<(i32, u32)>) -> Value {
    let pairs = found.into_iter().map(|(n, mask)| c.tuple(vec![Value::Int(n.into()), Value::Int(mask.into())]));
    let pairs = pairs.collect();
    c.list(pairs)
}

/// What a look at a set found: who is ready; else what a wait for it is made of.
enum Looked {
    Ready(Vec<(i32, u32)>),
    Wait(WaitKey, Option<Arc<Watch>>, Option<Nanos>),
}

fn look(c: &mut Call) -> Res<Looked> {
    if let Some(poller) = real(c)? {
        let found = poller.ready().map_err(|e| os_error::raise(c, &e, None))?;
        if !found.is_empty() {
            return Ok(Looked::Ready(found));
        }
        let key = c.held.new_key();
        return Ok(Looked::Wait(key, Some(Arc::new(Watch::new(poller))), None));
    }
    let at = now(c);
    this(c, |set| {
        let Set::Sim { key, watched } = set else { return Looked::Ready(Vec::new()) };
        let (mut found, mut next) = (Vec::new(), None::<Nanos>);
        for (n, (end, mask)) in watched.iter() {
            let ([readable, writable, over], later) = end.readiness(at);
            let mut is = 0;
            for (yes, bit) in [(readable, IN), (writable, OUT)] {
                is |= if yes { mask & bit } else { 0 };
            }
            is |= if over { HUP } else { 0 };
            if is != 0 {
                found.push((*n as i32, is));
            }
            next = [next, later].into_iter().flatten().min();
        }
        if found.is_empty() { Looked::Wait(*key, None, next) } else { Looked::Ready(found) }
    })
}

fn wait(c: &mut Call) -> Res<Next> {
    let patience = patience(c, 1)?;
    look_and_wait(c, patience)
}

fn look_and_wait(c: &mut Call, patience: Patience) -> Res<Next> {
    let (key, watch, next) = match look(c)? {
        Looked::Ready(found) => return Ok(Next::Done(rows(c, found))),
        Looked::Wait(key, watch, next) => (key, watch, next),
    };
    let event = c.some(2).and_then(|v| Some((locks::event_key(&c.held, &v)?, v)));
    let set = matches!(event, Some(((_, true), _)));
    let until = match patience {
        Patience::Until(until) if !set => until,
        _ => return Ok(Next::Done(rows(c, Vec::new()))),
    };
    if until.is_some_and(|at| at <= now(c)) {
        return Ok(Next::Done(rows(c, Vec::new())));
    }
    // Whoever sets the event wakes its key; what changes an end wakes the set's, so they must be one.
    let event = event.map(|((event, _), v)| (event, v));
    let key = match &event {
        Some((event, _)) => listen(c, key, *event)?,
        None => key,
    };
    let (found, seen) = (watch.clone(), event.map(|(_, v)| v));
    let work = watch.map(|w| Labour(w));
    let on: WaitOn = wait_on(WaitKind::Ready, key, work);
    Ok(Next::Wait {
        on,
        until: [until, next].into_iter().flatten().min(),
        still: Box::new(move |held| {
            let set = seen.as_ref().and_then(|v| locks::event_key(held, v)).is_some_and(|(_, set)| set);
            !set
        }),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            if let Some(watch) = &found {
                let got = watch.take().map_err(|e| os_error::raise(c, &e, None))?;
                if !got.is_empty() {
                    return Ok(Next::Done(rows(c, got)));
                }
            }
            look_and_wait(c, patience)
        }),
    })
}

/// Makes `event` the key that the ends of a simulated set wake; in the real world it just is the wait's.
fn listen(c: &mut Call, old: WaitKey, event: WaitKey) -> Res<WaitKey> {
    this(c, |set| {
        if let Set::Sim { key, watched } = set
            && old != event
        {
            for (end, _) in watched.values() {
                end.watch(*key, false);
                end.watch(event, true);
            }
            *key = event;
        }
        event
    })
}
