//! `SimpleQueue`: an unbounded queue between threads, as in CPython's `_queue`.
//!
//! A put changes the queue first and wakes one waiter afterwards (as `locks.rs`); who wakes and finds the
//! item gone waits again until the same deadline.

use super::{get_in, seconds};
use crate::natives;
use crate::object::queue::SimpleQueue;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Next, Res};
use crate::world::{Nanos, WaitKey, WaitOn};
use std::collections::VecDeque;

natives! { pub SIMPLE_QUEUE, method "SimpleQueue";
    /// Adds an item; never waits: `block` and `timeout` are there because `Queue.put` has them.
    holds put("item, block=True, timeout=None") = put;
    /// The same.
    holds put_nowait("item") = put;
    /// Takes the oldest item. Waits for one, at most `timeout` seconds, not at all if `block` is false;
    /// raises Empty when there is none.
    waits get("block=True, timeout=None") = get;
    /// `get(False)`.
    waits get_nowait("") = get_nowait;
    /// Whether it has no item.
    holds empty("") = empty;
    /// How many items it has.
    holds qsize("") = qsize;
}

natives! { pub NEW_QUEUE, "new";
    /// An unbounded queue between threads.
    holds SimpleQueue("") = new_queue;
}

fn new_queue(c: &mut Call) -> Res<Value> {
    let WaitKey::Object(key) = c.held.new_key() else { unreachable!("a new key is an object's") };
    let queue = SimpleQueue { key, items: VecDeque::new(), waiting: 0 };
    Ok(Ref::new(&c.held, TypeId::SimpleQueue.shape(), queue).into())
}

/// Opens argument 0, which a method of the type has checked.
fn this<R>(c: &Call, f: impl FnOnce(&mut SimpleQueue) -> R) -> R {
    let Value::Obj(r) = c.arg(0) else { unreachable!("a method's own object") };
    r.with::<SimpleQueue, _>(&c.held, f)
}

fn put(c: &mut Call) -> Res<Value> {
    let item = c.arg(1);
    let awaited = this(c, |q| {
        q.items.push_back(item);
        (q.waiting > 0).then_some(WaitKey::Object(q.key))
    });
    if let Some(key) = awaited {
        c.held.wake(key, 1);
    }
    Ok(Value::None)
}

/// Takes an item, or counts the thread among those who wait for one.
fn take(q: &mut SimpleQueue, may_wait: bool) -> Result<Value, WaitOn> {
    match q.items.pop_front() {
        Some(item) => Ok(item),
        None => {
            q.waiting += u32::from(may_wait);
            Err(WaitOn::Queue { key: WaitKey::Object(q.key) })
        }
    }
}

fn get(c: &mut Call) -> Res<Next> {
    let block = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => true,
    };
    let mut until = None;
    if block && let Some(timeout) = c.some(2) {
        let ns = seconds::nanos(c, &timeout)?;
        let Ok(ns) = u64::try_from(ns) else {
            return Err(c.value_error("'timeout' must be a non-negative number"));
        };
        until = Some(seconds::deadline(c, ns));
    }
    match this(c, |q| take(q, block)) {
        Ok(item) => Ok(Next::Done(item)),
        Err(_) if !block => Err(nothing(c)),
        Err(on) => Ok(wait(c.arg(0), on, until)),
    }
}

fn get_nowait(c: &mut Call) -> Res<Next> {
    match this(c, |q| take(q, false)) {
        Ok(item) => Ok(Next::Done(item)),
        Err(_) => Err(nothing(c)),
    }
}

fn wait(queue: Value, on: WaitOn, until: Option<Nanos>) -> Next {
    let seen = queue.clone();
    let open = |v: &Value| v.as_ref().cloned().expect("a queue is an object");
    Next::Wait {
        on,
        until,
        still: Box::new(move |held| open(&seen).with::<SimpleQueue, _>(held, |q| q.items.is_empty())),
        then: Box::new(move |c, wake| {
            let woken = c.after_wake(wake);
            let looked = open(&queue).with::<SimpleQueue, _>(&c.held, |q| {
                q.waiting -= 1;
                woken.map(|woken| take(q, woken))
            });
            match looked? {
                Ok(item) => Ok(Next::Done(item)),
                Err(on) if until.is_none_or(|until| seconds::deadline(c, 0) < until) => Ok(wait(queue, on, until)),
                Err(_) => Err(nothing(c)),
            }
        }),
    }
}

/// The exception `queue.Empty`.
fn nothing(c: &mut Call) -> crate::vm::Raised {
    match get_in(c, "queue", "Empty") {
        Some(class) => match c.call(&class, &[]) {
            Ok(e) => c.raise_value(e),
            Err(raised) => raised,
        },
        None => c.runtime_error("the module queue is not imported"),
    }
}

fn empty(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(this(c, |q| q.items.is_empty())))
}

fn qsize(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(this(c, |q| q.items.len()) as i64))
}
