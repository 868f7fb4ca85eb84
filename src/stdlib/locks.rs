//! Lock, RLock and Event: what all waiting between threads is made of.
//!
//! Each look at the state is one opening of the object; who finds nothing to take returns a wait, and
//! looks again after it (L2). A release changes the state first and wakes afterwards, so a wait that is
//! just being registered sees the change through `still`. A woken thread that comes too late waits again
//! until the same deadline: a late-comer may overtake it, as in CPython.

use super::seconds;
use crate::gil::Held;
use crate::natives;
use crate::object::lock::{Given, Lock};
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Next, Res, Thread};
use crate::world::{Nanos, Tid, WaitKey, WaitOn};
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
    holds __exit__("exc_type=None, exc=None, traceback=None, /") = exit;
    /// Taken or not, and the address.
    holds __repr__("") = repr;
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
    holds __exit__("exc_type=None, exc=None, traceback=None, /") = r_exit;
    /// Whether this thread has the lock.
    holds _is_owned("") = r_is_owned;
    /// Gives the lock up entirely and returns how often it was taken, for `_acquire_restore`.
    holds _release_save("") = r_release_save;
    /// Waits for the lock and takes it `count` times.
    waits _acquire_restore("count, /") = r_acquire_restore;
    /// Taken or not, by whom and how often, and the address.
    holds __repr__("") = r_repr;
}

natives! { pub EVENT, method "Event";
    /// Whether the event is set.
    holds is_set("") = is_set;
    /// The same.
    holds isSet("") = is_set;
    /// Set or not, and the address.
    holds __repr__("") = event_repr;
    /// Sets the event; all who wait for it go on.
    holds set("") = set;
    /// Unsets the event; who waits from now on waits for the next `set`.
    holds clear("") = clear;
    /// Waits until the event is set, at most `timeout` seconds. Returns whether it is.
    waits wait("timeout=None") = wait;
}

natives! { pub NEW, "new";
    /// A lock that a thread may take several times; the lock is free when it has been released as often.
    holds RLock("*args") = new_rlock;
    /// A flag that threads can wait for; not set at first.
    holds Event("") = new_event;
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
    Loop,
}

struct Event {
    key: WaitKey,
    set: bool,
    purpose: Purpose,
}

/// How a report calls a lock made here: by the variable it is assigned to, else by its line.
fn name_here(th: &Thread) -> Arc<str> {
    match th.assigned_here() {
        Some(variable) => variable.into(),
        None => format!("made at line {}", th.place().line).into(),
    }
}

fn make(c: &mut Call, t: TypeId) -> Res<Value> {
    let WaitKey::Object(key) = c.held.new_key() else { unreachable!("a new key is an object's") };
    let lock = Lock::new(key, t == TypeId::RLock, name_here(c));
    Ok(Ref::new(&c.held, t.shape(), lock).into())
}

pub fn new_lock(c: &mut Call) -> Res<Value> {
    make(c, TypeId::Lock)
}

fn new_rlock(c: &mut Call) -> Res<Value> {
    make(c, TypeId::RLock)
}

fn new_event(c: &mut Call) -> Res<Value> {
    Ok(make_event(c, Purpose::Event))
}

pub fn make_event(c: &mut Call, purpose: Purpose) -> Value {
    let key = c.held.new_key();
    let state = Box::new(Event { key, set: false, purpose });
    Ref::new(&c.held, TypeId::Event.shape(), Opaque { state, attrs: Attrs::default() }).into()
}

/// The key of an event, and whether it is set; `None` for anything else.
pub fn event_key(held: &Held, v: &Value) -> Option<(WaitKey, bool)> {
    open::<Event, _>(held, v, |e| (e.key, e.set))
}

/// Opens the state of a native object.
fn open<T: 'static, R>(held: &Held, v: &Value, f: impl FnOnce(&mut T) -> R) -> Option<R> {
    v.as_ref()?.try_with::<Opaque, _>(held, |o| o.state.downcast_mut::<T>().map(f))?
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
        return Ok(if blocking { Patience::ForEver } else { Patience::None });
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

/// Opens argument 0, which is a lock of this sort.
fn this_lock<R>(c: &mut Call, sort: TypeId, f: impl FnOnce(&mut Lock, &Held) -> R) -> Res<R> {
    let v = c.arg(0);
    let r = v.as_ref().filter(|r| r.shape() == sort.shape());
    match r.map(|r| r.with::<Lock, _>(&c.held, |l| f(l, &c.held))) {
        Some(r) => Ok(r),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a {} is needed, not '{got}'", sort.name())))
        }
    }
}

/// Opens a lock that has been seen to be one.
fn lock<R>(held: &Held, v: &Value, f: impl FnOnce(&mut Lock) -> R) -> R {
    v.as_ref().expect("a lock is an object").with::<Lock, _>(held, f)
}

fn wait_on(l: &Lock) -> WaitOn {
    let (key, owner, name) = (WaitKey::Object(l.key), l.owner().map(Tid), l.name.clone());
    if l.reentrant { WaitOn::RLock { key, owner, name } } else { WaitOn::Lock { key, owner, name } }
}

/// Takes a lock; else, if the thread may wait, counts it in and says what for.
fn look(l: &mut Lock, held: &Held, times: u64, may_wait: bool) -> Result<WaitKey, Option<WaitOn>> {
    if l.take(held, times) {
        return Ok(WaitKey::Object(l.key));
    }
    if !may_wait {
        return Err(None);
    }
    l.waiting += 1;
    Err(Some(wait_on(l)))
}

fn acquire_within(c: &mut Call, sort: TypeId, patience: Patience, times: u64) -> Res<Next> {
    let until = match patience {
        Patience::Until(at) => Some(at),
        Patience::None | Patience::ForEver => None,
    };
    let may_wait = !matches!(patience, Patience::None);
    match this_lock(c, sort, |l, held| look(l, held, times, may_wait))? {
        Ok(_) => Ok(Next::Done(Value::TRUE)),
        Err(None) => Ok(Next::Done(Value::FALSE)),
        Err(Some(on)) => Ok(wait_for(c.arg(0), on, until, times)),
    }
}

fn wait_for(v: Value, on: WaitOn, until: Option<Nanos>, times: u64) -> Next {
    let seen = v.clone();
    Next::Wait {
        on,
        until,
        still: Box::new(move |held| lock(held, &seen, |l| l.owner().is_some())),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake);
            let looked = lock(&c.held, &v, |l| {
                l.waiting -= 1;
                woken.map(|woken| look(l, &c.held, times, woken))
            });
            match looked? {
                Ok(key) => {
                    c.held.took(key);
                    Ok(Next::Done(Value::TRUE))
                }
                Err(Some(on)) => Ok(wait_for(v, on, until, times)),
                Err(None) => Ok(Next::Done(Value::FALSE)),
            }
        }),
    }
}

fn acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    acquire_within(c, TypeId::Lock, patience, 1)
}

fn enter(c: &mut Call) -> Res<Next> {
    acquire_within(c, TypeId::Lock, Patience::ForEver, 1)
}

fn r_acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    acquire_within(c, TypeId::RLock, patience, 1)
}

fn r_enter(c: &mut Call) -> Res<Next> {
    acquire_within(c, TypeId::RLock, Patience::ForEver, 1)
}

/// Gives up `times` levels (all with `None`); returns how many there were. Wakes a waiter when it is free.
fn give(c: &mut Call, sort: TypeId, times: Option<u64>) -> Res<u64> {
    let (before, given) = this_lock(c, sort, |l, held| (l.count, l.give(held, times)))?;
    match given {
        Given::Refused if sort == TypeId::Lock => return Err(c.runtime_error("release unlocked lock")),
        Given::Refused => return Err(c.runtime_error("cannot release un-acquired lock")),
        Given::Free { awaited: Some(key) } => {
            c.held.wake(WaitKey::Object(key), 1);
        }
        Given::Kept | Given::Free { awaited: None } => {}
    }
    Ok(before)
}

fn release(c: &mut Call) -> Res<Value> {
    give(c, TypeId::Lock, Some(1))?;
    Ok(Value::None)
}

fn exit(c: &mut Call) -> Res<Value> {
    release(c)
}

fn r_release(c: &mut Call) -> Res<Value> {
    give(c, TypeId::RLock, Some(1))?;
    Ok(Value::None)
}

fn r_exit(c: &mut Call) -> Res<Value> {
    r_release(c)
}

fn locked(c: &mut Call) -> Res<Value> {
    this_lock(c, TypeId::Lock, |l, _| Value::bool(l.owner().is_some()))
}

fn r_is_owned(c: &mut Call) -> Res<Value> {
    this_lock(c, TypeId::RLock, |l, held| Value::bool(l.owner() == Some(held.tid().0)))
}

fn r_release_save(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(give(c, TypeId::RLock, None)? as i64))
}

fn r_acquire_restore(c: &mut Call) -> Res<Next> {
    let times = c.arg(1);
    let times = c.index(&times)?;
    acquire_within(c, TypeId::RLock, Patience::ForEver, u64::try_from(times).unwrap_or(1))
}

/// The address that a repr shows.
fn address(c: &Call) -> usize {
    c.arg(0).as_ref().map_or(0, Ref::address)
}

fn taken_word(taken: bool) -> &'static str {
    if taken { "locked" } else { "unlocked" }
}

fn repr(c: &mut Call) -> Res<Value> {
    let taken = this_lock(c, TypeId::Lock, |l, _| l.owner().is_some())?;
    let text = format!("<{} _thread.lock object at {:#x}>", taken_word(taken), address(c));
    Ok(c.string(text))
}

fn r_repr(c: &mut Call) -> Res<Value> {
    let (owner, count) = this_lock(c, TypeId::RLock, |l, _| (l.owner(), l.count))?;
    let (word, number) = (taken_word(owner.is_some()), owner.map_or(0, |t| u64::from(t) + 1));
    let at = address(c);
    Ok(c.string(format!("<{word} _thread.RLock object owner={number} count={count} at {at:#x}>")))
}

fn event_repr(c: &mut Call) -> Res<Value> {
    let set = this::<Event, _>(c, "Event", |e| e.set)?;
    let text = format!("<threading.Event at {:#x}: {}>", address(c), if set { "set" } else { "unset" });
    Ok(c.string(text))
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
            Purpose::Loop => WaitOn::Loop { key },
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
