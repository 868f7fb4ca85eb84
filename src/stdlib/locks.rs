//! Lock, RLock and Event: what all waiting between threads is made of.
//!
//! Each look at the state is one opening of the object; who finds nothing to take returns a wait, and
//! looks again after it (L2). A release changes the state first and wakes afterwards, so a wait that is
//! just being registered sees the change through `still`. A woken thread that comes too late waits again
//! until the same deadline: a late-comer may overtake it, as in CPython.

use super::seconds;
use crate::gil::Held;
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Next, Res, Thread};
use crate::world::{Nanos, Tid, WaitKey, WaitOn};
use std::any::Any;
use std::sync::Arc;

natives! { pub LOCK, method "lock";
    /// Takes the lock; waits while another has it, at most `timeout` seconds (-1: for ever), not at all
    /// if `blocking` is false. Returns whether it was taken. ValueError for a timeout without blocking.
    waits acquire("blocking=True, timeout=-1") = acquire;
    /// Gives the lock up; any thread may. RuntimeError if nobody has it.
    holds release("") = release;
    /// Whether somebody has the lock.
    holds locked("") = locked;
    /// Takes the lock: the beginning of `with lock:`.
    waits __enter__("") = enter;
    /// Gives the lock up: the end of `with lock:`.
    holds __exit__("*exc_info") = exit;
}

natives! { pub RLOCK, method "RLock";
    /// Takes the lock; a thread that has it already takes it once more at once. Waits while another has
    /// it, at most `timeout` seconds (-1: for ever), not at all if `blocking` is false. Returns whether
    /// it was taken.
    waits acquire("blocking=True, timeout=-1") = r_acquire;
    /// Gives the lock up once. RuntimeError if this thread does not have it.
    holds release("") = r_release;
    /// Takes the lock: the beginning of `with lock:`.
    waits __enter__("") = r_enter;
    /// Gives the lock up once: the end of `with lock:`.
    holds __exit__("*exc_info") = r_exit;
    /// Whether this thread has the lock.
    holds _is_owned("") = r_is_owned;
    /// Gives the lock up entirely and returns how often it was taken, for `_acquire_restore`.
    holds _release_save("") = r_release_save;
    /// Waits for the lock and takes it `count` times.
    waits _acquire_restore("count, /") = r_acquire_restore;
}

natives! { pub EVENT, method "Event";
    /// Whether the event is set.
    holds is_set("") = is_set;
    /// Sets the event; all who wait for it go on.
    holds set("") = set;
    /// Unsets the event; who waits from now on waits for the next `set`.
    holds clear("") = clear;
    /// Waits until the event is set, at most `timeout` seconds. Returns whether it is.
    waits wait("timeout=None") = wait;
}

natives! { pub NEW, "new";
    /// A lock that a thread may take several times; the lock is free when it has been released as often.
    holds RLock("") = new_rlock;
    /// A flag that threads can wait for; not set at first.
    holds Event("") = new_event;
}

struct Lock {
    key: WaitKey,
    owner: Option<Tid>,
    name: Arc<str>,
}

struct RLock {
    key: WaitKey,
    owner: Option<Tid>,
    count: u64,
    name: Arc<str>,
}

/// What an event stands for in reports.
#[derive(Clone, Copy)]
pub enum Purpose {
    Event,
    Condition,
    Semaphore,
    Barrier,
    Queue,
    Future,
}

struct Event {
    key: WaitKey,
    set: bool,
    purpose: Purpose,
}

fn object(th: &Thread, t: TypeId, state: impl Any + Send) -> Value {
    let state = Opaque {
        state: Box::new(state),
        attrs: Attrs::default(),
    };
    Ref::new(&th.held, t.shape(), state).into()
}

/// How a report calls a lock made here.
fn name_here(th: &Thread) -> Arc<str> {
    format!("made at line {}", th.place().line).into()
}

pub fn new_lock(c: &mut Call) -> Res<Value> {
    let (key, name) = (c.held.new_key(), name_here(c));
    Ok(object(
        c,
        TypeId::Lock,
        Lock {
            key,
            owner: None,
            name,
        },
    ))
}

fn new_rlock(c: &mut Call) -> Res<Value> {
    let (key, name) = (c.held.new_key(), name_here(c));
    Ok(object(
        c,
        TypeId::RLock,
        RLock {
            key,
            owner: None,
            count: 0,
            name,
        },
    ))
}

fn new_event(c: &mut Call) -> Res<Value> {
    Ok(make_event(c, Purpose::Event))
}

pub fn make_event(c: &mut Call, purpose: Purpose) -> Value {
    let key = c.held.new_key();
    object(
        c,
        TypeId::Event,
        Event {
            key,
            set: false,
            purpose,
        },
    )
}

/// Opens the state of a native object.
fn open<T: 'static, R>(held: &Held, v: &Value, f: impl FnOnce(&mut T) -> R) -> Option<R> {
    v.as_ref()?
        .try_with::<Opaque, _>(held, |o| o.state.downcast_mut::<T>().map(f))?
}

/// Opens argument 0, which is a `what`.
fn this<T: 'static, R>(c: &mut Call, what: &str, f: impl FnOnce(&mut T) -> R) -> Res<R> {
    let v = c.arg(0);
    match open(&c.held, &v, f) {
        Some(r) => Ok(r),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a {what} is needed, not '{got}'")))
        }
    }
}

/// For how long `acquire` may wait.
enum Patience {
    None,
    Until(Nanos),
    ForEver,
}

/// Reads `acquire(blocking=True, timeout=-1)`.
fn patience(c: &mut Call) -> Res<Patience> {
    let blocking = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => true,
    };
    let Some(timeout) = c.opt(2) else {
        return Ok(if blocking {
            Patience::ForEver
        } else {
            Patience::None
        });
    };
    let ns = seconds::nanos(c, &timeout)?;
    match ns {
        -1_000_000_000 if blocking => Ok(Patience::ForEver),
        -1_000_000_000 => Ok(Patience::None),
        _ if !blocking => Err(c.value_error("can't specify a timeout for a non-blocking call")),
        ..0 => Err(c.value_error("timeout value must be positive")),
        0 => Ok(Patience::None),
        _ => Ok(Patience::Until(seconds::deadline(c, ns as u64))),
    }
}

/// Takes the lock if it is free; else says what to wait for.
fn take(held: &Held, v: &Value) -> Result<WaitKey, WaitOn> {
    let me = held.tid();
    open::<Lock, _>(held, v, |l| match l.owner {
        None => {
            l.owner = Some(me);
            Ok(l.key)
        }
        Some(_) => Err(WaitOn::Lock {
            key: l.key,
            owner: l.owner,
            name: l.name.clone(),
        }),
    })
    .expect("the argument is a lock")
}

fn acquire_within(c: &mut Call, patience: Patience) -> Res<Next> {
    this::<Lock, _>(c, "lock", |_| ())?;
    let v = c.arg(0);
    match (take(&c.held, &v), patience) {
        (Ok(_), _) => Ok(Next::Done(Value::TRUE)),
        (Err(_), Patience::None) => Ok(Next::Done(Value::FALSE)),
        (Err(on), Patience::ForEver) => Ok(wait_for_lock(v, on, None)),
        (Err(on), Patience::Until(at)) => Ok(wait_for_lock(v, on, Some(at))),
    }
}

fn wait_for_lock(v: Value, on: WaitOn, until: Option<Nanos>) -> Next {
    let seen = v.clone();
    Next::Wait {
        on,
        until,
        still: Box::new(move |held| {
            open::<Lock, _>(held, &seen, |l| l.owner.is_some()) == Some(true)
        }),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake)?;
            match take(&c.held, &v) {
                Ok(key) => {
                    c.held.took(key);
                    Ok(Next::Done(Value::TRUE))
                }
                Err(on) if woken => Ok(wait_for_lock(v, on, until)),
                Err(_) => Ok(Next::Done(Value::FALSE)),
            }
        }),
    }
}

fn acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    acquire_within(c, patience)
}

fn enter(c: &mut Call) -> Res<Next> {
    acquire_within(c, Patience::ForEver)
}

fn release(c: &mut Call) -> Res<Value> {
    let key = this::<Lock, _>(c, "lock", |l| l.owner.take().map(|_| l.key))?;
    match key {
        Some(key) => {
            c.held.wake(key, 1);
            Ok(Value::None)
        }
        None => Err(c.runtime_error("release unlocked lock")),
    }
}

fn exit(c: &mut Call) -> Res<Value> {
    release(c)
}

fn locked(c: &mut Call) -> Res<Value> {
    this::<Lock, _>(c, "lock", |l| Value::bool(l.owner.is_some()))
}

/// Takes the lock `times` more if it is free or this thread's; else says what to wait for.
fn r_take(held: &Held, v: &Value, times: u64) -> Result<WaitKey, WaitOn> {
    let me = held.tid();
    open::<RLock, _>(held, v, |l| match l.owner {
        Some(owner) if owner != me => Err(WaitOn::RLock {
            key: l.key,
            owner: l.owner,
            name: l.name.clone(),
        }),
        _ => {
            l.owner = Some(me);
            l.count += times;
            Ok(l.key)
        }
    })
    .expect("the argument is an RLock")
}

fn r_acquire_within(c: &mut Call, patience: Patience, times: u64) -> Res<Next> {
    this::<RLock, _>(c, "RLock", |_| ())?;
    let v = c.arg(0);
    match (r_take(&c.held, &v, times), patience) {
        (Ok(_), _) => Ok(Next::Done(Value::TRUE)),
        (Err(_), Patience::None) => Ok(Next::Done(Value::FALSE)),
        (Err(on), Patience::ForEver) => Ok(wait_for_rlock(v, on, None, times)),
        (Err(on), Patience::Until(at)) => Ok(wait_for_rlock(v, on, Some(at), times)),
    }
}

fn wait_for_rlock(v: Value, on: WaitOn, until: Option<Nanos>, times: u64) -> Next {
    let seen = v.clone();
    Next::Wait {
        on,
        until,
        still: Box::new(move |held| {
            open::<RLock, _>(held, &seen, |l| l.owner.is_some()) == Some(true)
        }),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake)?;
            match r_take(&c.held, &v, times) {
                Ok(key) => {
                    c.held.took(key);
                    Ok(Next::Done(Value::TRUE))
                }
                Err(on) if woken => Ok(wait_for_rlock(v, on, until, times)),
                Err(_) => Ok(Next::Done(Value::FALSE)),
            }
        }),
    }
}

fn r_acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    r_acquire_within(c, patience, 1)
}

fn r_enter(c: &mut Call) -> Res<Next> {
    r_acquire_within(c, Patience::ForEver, 1)
}

/// Gives up `times` levels (all with `None`); returns how many there were. Wakes a waiter when free.
fn r_give(c: &mut Call, times: Option<u64>) -> Res<u64> {
    let me = c.held.tid();
    let given = this::<RLock, _>(c, "RLock", |l| {
        if l.owner != Some(me) {
            return None;
        }
        let before = l.count;
        l.count -= times.unwrap_or(before);
        if l.count == 0 {
            l.owner = None;
        }
        Some((before, (l.count == 0).then_some(l.key)))
    })?;
    match given {
        Some((before, freed)) => {
            if let Some(key) = freed {
                c.held.wake(key, 1);
            }
            Ok(before)
        }
        None => Err(c.runtime_error("cannot release un-acquired lock")),
    }
}

fn r_release(c: &mut Call) -> Res<Value> {
    r_give(c, Some(1))?;
    Ok(Value::None)
}

fn r_exit(c: &mut Call) -> Res<Value> {
    r_release(c)
}

fn r_is_owned(c: &mut Call) -> Res<Value> {
    let me = c.held.tid();
    this::<RLock, _>(c, "RLock", |l| Value::bool(l.owner == Some(me)))
}

fn r_release_save(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(r_give(c, None)? as i64))
}

fn r_acquire_restore(c: &mut Call) -> Res<Next> {
    let times = c.arg(1);
    let times = c.index(&times)?;
    r_acquire_within(c, Patience::ForEver, u64::try_from(times).unwrap_or(1))
}

impl Event {
    fn wait_on(&self) -> WaitOn {
        let key = self.key;
        match self.purpose {
            Purpose::Event => WaitOn::Event { key },
            Purpose::Condition => WaitOn::Condition { key },
            Purpose::Semaphore => WaitOn::Semaphore { key },
            Purpose::Barrier => WaitOn::Barrier { key },
            Purpose::Queue => WaitOn::Queue { key },
            Purpose::Future => WaitOn::Future { key },
        }
    }
}

fn is_set(c: &mut Call) -> Res<Value> {
    this::<Event, _>(c, "Event", |e| Value::bool(e.set))
}

fn set(c: &mut Call) -> Res<Value> {
    let key = this::<Event, _>(c, "Event", |e| {
        e.set = true;
        e.key
    })?;
    c.held.wake(key, usize::MAX);
    Ok(Value::None)
}

fn clear(c: &mut Call) -> Res<Value> {
    this::<Event, _>(c, "Event", |e| e.set = false)?;
    Ok(Value::None)
}

fn wait(c: &mut Call) -> Res<Next> {
    let (set, on) = this::<Event, _>(c, "Event", |e| (e.set, e.wait_on()))?;
    if set {
        return Ok(Next::Done(Value::TRUE));
    }
    let until = c.some(1);
    let until = seconds::optional_deadline(c, until)?;
    if until.is_some_and(|at| at <= seconds::deadline(c, 0)) {
        return Ok(Next::Done(Value::FALSE));
    }
    let v = c.arg(0);
    Ok(Next::Wait {
        on,
        until,
        still: Box::new(move |held| open::<Event, _>(held, &v, |e| e.set) == Some(false)),
        then: Box::new(|c, wake| Ok(Next::Done(Value::bool(c.after_wake(wake)?)))),
    })
}
