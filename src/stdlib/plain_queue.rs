//! The short ways of `queue.Queue` and `LifoQueue`: put and get at once, where nothing is to be waited for and nobody
//! to be woken.
//!
//! A native that holds does not let go of the interpreter lock, so that nobody can look in between: if the queue's
//! mutex is free there is no need to take it. With the lock off that would not do, and neither does it if a class or a
//! script has put something of its own in a queue's place: then these decline, and the methods in `kit/queue.kit` do
//! what CPython's do.

use crate::gil::off;
use crate::object::deque::Deque;
use crate::object::lock::Lock;
use crate::object::types::List;
use crate::object::{Name, Ref, Value, name};
use crate::vm::{Call, Interp, Res};
use std::cell::Cell;

/// What a put or get needs of a queue, the last is the row of those who wait for what it brings.
const PUT: [Name; 6] = [name::PLAIN, name::MUTEX, name::QUEUE, name::MAXSIZE, name::UNFINISHED_TASKS, name::GETTERS];
const GET: [Name; 4] = [name::PLAIN, name::MUTEX, name::QUEUE, name::PUTTERS];

/// Where objects of one shape, in one interpreter, have those.
struct Known<const N: usize> {
    of: Cell<*const Interp>,
    at: Cell<(u32, [u32; N])>,
}

impl<const N: usize> Known<N> {
    const fn new() -> Known<N> {
        Known { of: Cell::new(std::ptr::null()), at: Cell::new((u32::MAX, [0; N])) }
    }

    /// Their values, if the queue has all of them.
    fn values(&self, c: &Call, queue: &Ref, names: [Name; N]) -> Option<[Value; N]> {
        let interp: *const Interp = c.interp;
        let mut at = if self.of.get() == interp { self.at.get() } else { (u32::MAX, [0; N]) };
        let values = c.slot_values(queue, names, &mut at);
        self.of.set(interp);
        self.at.set(at);
        values
    }
}

thread_local! {
    static PUT_AT: Known<6> = const { Known::new() };
    static GET_AT: Known<4> = const { Known::new() };
}

/// Whether the queue gives back the newest item first (`_plain` is 2) or the oldest (1); none where it has ways of its
/// own.
fn newest_first(plain: &Value) -> Option<bool> {
    match plain {
        Value::Int(1) => Some(false),
        Value::Int(2) => Some(true),
        _ => None,
    }
}

fn free(c: &Call, mutex: &Value) -> Option<()> {
    mutex.as_ref()?.try_with::<Lock, _>(&c.held, |l| l.owner().is_none())?.then_some(())
}

fn nobody(c: &Call, row: &Value) -> Option<()> {
    row.as_ref()?.try_with::<List, _>(&c.held, |l| l.items.is_empty())?.then_some(())
}

/// Puts the item; false if that takes more.
pub fn put(c: &mut Call) -> Res<Value> {
    let (queue, item) = (c.arg(0), c.arg(1));
    Ok(Value::bool(put_now(c, &queue, item).is_some()))
}

fn put_now(c: &mut Call, queue: &Value, item: Value) -> Option<()> {
    let queue = queue.as_ref().filter(|_| !off())?;
    let [plain, mutex, items, most, unfinished, getters] = PUT_AT.with(|known| known.values(c, queue, PUT))?;
    let (Value::Int(most), Value::Int(unfinished)) = (most, unfinished) else { return None };
    let newest = newest_first(&plain)?;
    free(c, &mutex)?;
    nobody(c, &getters)?;
    let more = Value::Int(unfinished.checked_add(1)?);
    let items = items.as_ref()?;
    let length = if newest {
        items.try_with::<List, _>(&c.held, |l| l.items.len())?
    } else {
        items.try_with::<Deque, _>(&c.held, |d| d.max.is_none().then_some(d.items.len()))??
    };
    if most > 0 && length as i64 >= most {
        return None;
    }
    let (shape, at) = PUT_AT.with(|known| known.at.get());
    c.put_slot(queue, shape, at[4], more)?;
    if newest {
        items.with::<List, _>(&c.held, |l| l.items.push(item));
    } else {
        items.with::<Deque, _>(&c.held, |d| d.push(item));
    }
    Some(())
}

/// Gets an item; `nothing` if that takes more.
pub fn get(c: &mut Call) -> Res<Value> {
    let (queue, nothing) = (c.arg(0), c.arg(1));
    Ok(get_now(c, &queue).unwrap_or(nothing))
}

fn get_now(c: &mut Call, queue: &Value) -> Option<Value> {
    let queue = queue.as_ref().filter(|_| !off())?;
    let [plain, mutex, items, putters] = GET_AT.with(|known| known.values(c, queue, GET))?;
    let newest = newest_first(&plain)?;
    free(c, &mutex)?;
    nobody(c, &putters)?;
    let items = items.as_ref()?;
    if newest {
        items.try_with::<List, _>(&c.held, |l| l.items.pop())?
    } else {
        items.try_with::<Deque, _>(&c.held, Deque::pop_left)?
    }
}
