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

struct Lock {
    key: WaitKey,
    owner: Option<Tid>,
    /// Threads between looking in vain and looking again: a release without any wakes nobody.
    waiting: u32,
    name: Arc<str>,
}

struct RLock {
    key: WaitKey,
    owner: Option<Tid>,
    count: u64,
    waiting: u32,
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
    Loop,
}

struct Event {
    key: WaitKey,
    set: bool,
    purpose: Purpose,
}

fn object(th: &Thread, t: TypeId, state: impl Any + Send) -> Value {
    let state = Opaque { state: Box::new(state), attrs: Attrs::default() };
    Ref::new(&th.held, t.shape(), state).into()
}

/// How a report calls a lock made here: by the variable it is assigned to, else by its line.
fn name_here(th: &Thread) -> Arc<str> {
    match th.assigned_here() {
        Some(variable) => variable.into(),
        None => format!("made at line {}", th.place().line).into(),
    }
}

pub fn new_lock(c: &mut Call) -> Res<Value> {
    let (key, name) = (c.held.new_key(), name_here(c));
    Ok(object(c, TypeId::Lock, Lock { key, owner: None, waiting: 0, name }))
}

fn new_rlock(c: &mut Call) -> Res<Value> {
    let (key, name) = (c.held.new_key(), name_here(c));
    Ok(object(c, TypeId::RLock, RLock { key, owner: None, count: 0, waiting: 0, name }))
}

fn new_event(c: &mut Call) -> Res<Value> {
    Ok(make_event(c, Purpose::Event))
}

pub fn make_event(c: &mut Call, purpose: Purpose) -> Value {
    let key = c.held.new_key();
    object(c, TypeId::Event, Event { key, set: false, purpose })
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

/// What Lock and RLock have in common.
trait Mutual: 'static {
    const NAME: &'static str;
    /// Takes it `times` times if `me` may.
    fn take(&mut self, me: Tid, times: u64) -> bool;
    fn taken(&self) -> bool;
    fn key(&self) -> WaitKey;
    fn waiting(&mut self) -> &mut u32;
    fn wait_on(&self) -> WaitOn;
}

impl Mutual for Lock {
    const NAME: &'static str = "lock";
    fn take(&mut self, me: Tid, _: u64) -> bool {
        let free = self.owner.is_none();
        if free {
            self.owner = Some(me);
        }
        free
    }
    fn taken(&self) -> bool {
        self.owner.is_some()
    }
    fn key(&self) -> WaitKey {
        self.key
    }
    fn waiting(&mut self) -> &mut u32 {
        &mut self.waiting
    }
    fn wait_on(&self) -> WaitOn {
        WaitOn::Lock { key: self.key, owner: self.owner, name: self.name.clone() }
    }
}

impl Mutual for RLock {
    const NAME: &'static str = "RLock";
    fn take(&mut self, me: Tid, times: u64) -> bool {
        let mine = self.owner.is_none_or(|owner| owner == me);
        if mine {
            self.owner = Some(me);
            self.count += times;
        }
        mine
    }
    fn taken(&self) -> bool {
        self.owner.is_some()
    }
    fn key(&self) -> WaitKey {
        self.key
    }
    fn waiting(&mut self) -> &mut u32 {
        &mut self.waiting
    }
    fn wait_on(&self) -> WaitOn {
        WaitOn::RLock { key: self.key, owner: self.owner, name: self.name.clone() }
    }
}

/// Takes a lock; else, if the thread may wait, counts it in and says what for.
fn look<T: Mutual>(l: &mut T, me: Tid, times: u64, may_wait: bool) -> Result<WaitKey, Option<WaitOn>> {
    if l.take(me, times) {
        return Ok(l.key());
    }
    if !may_wait {
        return Err(None);
    }
    *l.waiting() += 1;
    Err(Some(l.wait_on()))
}

fn acquire_within<T: Mutual>(c: &mut Call, patience: Patience, times: u64) -> Res<Next> {
    let me = c.held.tid();
    let until = match patience {
        Patience::Until(at) => Some(at),
        Patience::None | Patience::ForEver => None,
    };
    let may_wait = !matches!(patience, Patience::None);
    match this::<T, _>(c, T::NAME, |l| look(l, me, times, may_wait))? {
        Ok(_) => Ok(Next::Done(Value::TRUE)),
        Err(None) => Ok(Next::Done(Value::FALSE)),
        Err(Some(on)) => Ok(wait_for::<T>(c.arg(0), on, until, times)),
    }
}

fn wait_for<T: Mutual>(v: Value, on: WaitOn, until: Option<Nanos>, times: u64) -> Next {
    let seen = v.clone();
    Next::Wait {
        on,
        until,
        still: Box::new(move |held| open::<T, _>(held, &seen, |l| l.taken()) == Some(true)),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake);
            let me = c.held.tid();
            let looked = open::<T, _>(&c.held, &v, |l| {
                *l.waiting() -= 1;
                woken.map(|woken| look(l, me, times, woken))
            });
            match looked.transpose()? {
                Some(Ok(key)) => {
                    c.held.took(key);
                    Ok(Next::Done(Value::TRUE))
                }
                Some(Err(Some(on))) => Ok(wait_for::<T>(v, on, until, times)),
                Some(Err(None)) | None => Ok(Next::Done(Value::FALSE)),
            }
        }),
    }
}

fn acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    acquire_within::<Lock>(c, patience, 1)
}

fn enter(c: &mut Call) -> Res<Next> {
    acquire_within::<Lock>(c, Patience::ForEver, 1)
}

fn release(c: &mut Call) -> Res<Value> {
    let freed = this::<Lock, _>(c, "lock", |l| l.owner.take().map(|_| (l.waiting > 0).then_some(l.key)))?;
    match freed {
        None => Err(c.runtime_error("release unlocked lock")),
        Some(awaited) => {
            if let Some(key) = awaited {
                c.held.wake(key, 1);
            }
            Ok(Value::None)
        }
    }
}

fn exit(c: &mut Call) -> Res<Value> {
    release(c)
}

fn locked(c: &mut Call) -> Res<Value> {
    this::<Lock, _>(c, "lock", |l| Value::bool(l.taken()))
}

fn r_acquire(c: &mut Call) -> Res<Next> {
    let patience = patience(c)?;
    acquire_within::<RLock>(c, patience, 1)
}

fn r_enter(c: &mut Call) -> Res<Next> {
    acquire_within::<RLock>(c, Patience::ForEver, 1)
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
        let awaited = l.count == 0 && l.waiting > 0;
        Some((before, awaited.then_some(l.key)))
    })?;
    match given {
        Some((before, awaited)) => {
            if let Some(key) = awaited {
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
    acquire_within::<RLock>(c, Patience::ForEver, u64::try_from(times).unwrap_or(1))
}

/// The address that a repr shows.
fn address(c: &Call) -> usize {
    c.arg(0).as_ref().map_or(0, Ref::address)
}

fn taken_word(taken: bool) -> &'static str {
    if taken { "locked" } else { "unlocked" }
}

fn repr(c: &mut Call) -> Res<Value> {
    let taken = this::<Lock, _>(c, "lock", |l| l.taken())?;
    let text = format!("<{} _thread.lock object at {:#x}>", taken_word(taken), address(c));
    Ok(c.string(text))
}

fn r_repr(c: &mut Call) -> Res<Value> {
    let (owner, count) = this::<RLock, _>(c, "RLock", |l| (l.owner, l.count))?;
    let (word, number) = (taken_word(owner.is_some()), owner.map_or(0, |t| u64::from(t.0) + 1));
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
