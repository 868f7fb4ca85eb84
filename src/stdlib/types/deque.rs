//! Methods of `collections.deque`.

use super::{count, positions, ssize};
use crate::natives;
use crate::object::deque::Deque;
use crate::object::pure::slice;
use crate::object::{Ref, TypeId, Value};
use crate::vm::ops::deque::MUTATED;
use crate::vm::{Call, Res};
use std::collections::VecDeque;

natives! { pub DEQUE, method "deque";
    /// Adds an item at the right end.
    holds append("object, /") = append;
    /// Adds an item at the left end.
    holds appendleft("object, /") = appendleft;
    /// Takes the item at the right end out and gives it. IndexError if there is none.
    holds pop("") = pop;
    /// Takes the item at the left end out and gives it. IndexError if there is none.
    holds popleft("") = popleft;
    /// Adds the items of an iterable at the right end.
    holds extend("iterable, /") = extend;
    /// Adds the items of an iterable at the left end, one by one: they stand the other way round.
    holds extendleft("iterable, /") = extendleft;
    /// Puts an item before position `index`. IndexError if the deque has its greatest length.
    holds insert("index, object, /") = insert;
    /// Takes the first item equal to `value` out. ValueError if there is none.
    holds remove("value, /") = remove;
    /// Takes all items out.
    holds clear("") = clear;
    /// The first position of an item equal to `value` within `[start:stop]`. ValueError if there is none.
    holds index("value, start=0, stop=9223372036854775807, /") = index;
    /// How many items are equal to `value`.
    holds count("value, /") = count_;
    /// Moves `n` items from the right end to the left one; from left to right if `n` is negative.
    holds rotate("n=1, /") = rotate;
    /// Turns the deque round.
    holds reverse("") = reverse;
    /// A new deque of the same items and greatest length.
    holds copy("") = copy;
    /// The same.
    holds __copy__("") = copy;
    /// How it is made anew: class, arguments, attributes, items.
    holds __reduce__("") = reduce;
    /// Fills the deque anew.
    holds __init__("iterable=(), maxlen=None") = init;
}

natives! { pub DEQUE_GETTERS, method "deque";
    /// The greatest length, or None.
    holds maxlen("") = maxlen;
}

natives! { pub NEW, "new";
    /// A row of items with two ends; with `maxlen`, one item more pushes out one at the other end.
    holds deque("iterable=(), maxlen=None") = new_deque;
}

fn own(c: &Call) -> Ref {
    let Value::Obj(r) = c.arg(0) else { unreachable!("a method's own object") };
    r
}

/// Opens the deque; what `f` gives dies or goes on with it closed.
fn this<R>(c: &Call, f: impl FnOnce(&mut Deque) -> R) -> R {
    own(c).with::<Deque, _>(&c.held, f)
}

fn new_deque(c: &mut Call) -> Res<Value> {
    let v = c.new_deque(VecDeque::new(), None);
    let Value::Obj(r) = &v else { return Ok(v) };
    fill(c, r)?;
    Ok(v)
}

fn init(c: &mut Call) -> Res<Value> {
    let r = own(c);
    fill(c, &r)?;
    Ok(Value::None)
}

/// Arguments 1 and 2: items and greatest length.
fn fill(c: &mut Call, r: &Ref) -> Res<()> {
    let max = match c.some(2) {
        None => None,
        Some(v) => {
            if crate::vm::make::int_of(&v).is_none() {
                return Err(c.type_error("an integer is required"));
            }
            let max = ssize(c, &v)?;
            let Ok(max) = usize::try_from(max) else { return Err(c.value_error("maxlen must be non-negative")) };
            Some(max)
        }
    };
    let old = r.with::<Deque, _>(&c.held, |d| {
        d.max = max;
        d.version += 1;
        std::mem::take(&mut d.items)
    });
    drop(old);
    match c.opt(1) {
        Some(v) => c.deque_extend(r, &v, false),
        None => Ok(()),
    }
}

fn append(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    drop(this(c, |d| d.push(v)));
    Ok(Value::None)
}

fn appendleft(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    drop(this(c, |d| d.push_left(v)));
    Ok(Value::None)
}

fn pop(c: &mut Call) -> Res<Value> {
    let found = this(c, |d| {
        d.version += 1;
        d.items.pop_back()
    });
    found.ok_or_else(|| c.index_error("pop from an empty deque"))
}

fn popleft(c: &mut Call) -> Res<Value> {
    let found = this(c, Deque::pop_left);
    found.ok_or_else(|| c.index_error("pop from an empty deque"))
}

fn extend(c: &mut Call) -> Res<Value> {
    let (r, v) = (own(c), c.arg(1));
    c.deque_extend(&r, &v, false)?;
    Ok(Value::None)
}

fn extendleft(c: &mut Call) -> Res<Value> {
    let (r, v) = (own(c), c.arg(1));
    c.deque_extend(&r, &v, true)?;
    Ok(Value::None)
}

fn insert(c: &mut Call) -> Res<Value> {
    let (at, v) = (c.arg(1), c.arg(2));
    let at = ssize(c, &at)?;
    let full = this(c, |d| {
        let n = d.items.len();
        if d.max.is_some_and(|max| n >= max) {
            return true;
        }
        d.version += 1;
        d.items.insert(slice::bounds(n, at, i64::MAX).0.min(n), v);
        false
    });
    if full { Err(c.index_error("deque already at its maximum size")) } else { Ok(Value::None) }
}

fn remove(c: &mut Call) -> Res<Value> {
    let (r, v) = (own(c), c.arg(1));
    let mut dead = Value::Unbound;
    let take = |d: &mut Deque, at: usize| {
        d.version += 1;
        d.items.remove(at).unwrap_or_default()
    };
    let found = c.deque_find(&r, &v, 0, usize::MAX, |d, at| dead = take(d, at))?;
    match found {
        Err(()) => Err(c.index_error(MUTATED)),
        Ok(None) => not_in(c, &v),
        Ok(Some(at)) => {
            if dead.is_unbound() {
                dead = r.with::<Deque, _>(&c.held, |d| take(d, at));
            }
            drop(dead);
            Ok(Value::None)
        }
    }
}

fn not_in(c: &mut Call, v: &Value) -> Res<Value> {
    let shown = c.repr(v)?;
    Err(c.value_error(format!("{shown} is not in deque")))
}

fn clear(c: &mut Call) -> Res<Value> {
    let old = this(c, |d| {
        d.version += 1;
        std::mem::take(&mut d.items)
    });
    drop(old);
    Ok(Value::None)
}

fn index(c: &mut Call) -> Res<Value> {
    let (r, v) = (own(c), c.arg(1));
    let (start, stop) = positions(c, 2)?;
    let n = this(c, |d| d.items.len());
    let (start, stop) = slice::bounds(n, start, stop);
    match c.deque_find(&r, &v, start, stop, |_, _| ())? {
        Ok(Some(at)) => Ok(Value::Int(at as i64)),
        Ok(None) => not_in(c, &v),
        Err(()) => Err(c.runtime_error(MUTATED)),
    }
}

fn count_(c: &mut Call) -> Res<Value> {
    let (r, v) = (own(c), c.arg(1));
    let (mut n, mut at) = (0, 0);
    loop {
        match c.deque_find(&r, &v, at, usize::MAX, |_, _| ())? {
            Ok(Some(found)) => {
                n += 1;
                at = found + 1;
            }
            Ok(None) => return Ok(Value::Int(n)),
            Err(()) => return Err(c.runtime_error(MUTATED)),
        }
    }
}

fn rotate(c: &mut Call) -> Res<Value> {
    let n = count(c, 1, 1)?;
    this(c, |d| {
        let len = d.items.len();
        if len > 1 {
            d.version += 1;
            d.items.rotate_right(n.rem_euclid(len as i64) as usize);
        }
    });
    Ok(Value::None)
}

fn reverse(c: &mut Call) -> Res<Value> {
    this(c, |d| d.items.make_contiguous().reverse());
    Ok(Value::None)
}

fn copy(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    c.deque_copy(&v)
}

fn maxlen(c: &mut Call) -> Res<Value> {
    Ok(this(c, |d| d.max).map_or(Value::None, |max| Value::Int(max as i64)))
}

fn reduce(c: &mut Call) -> Res<Value> {
    let (v, r) = (c.arg(0), own(c));
    let class = c.class_of(&r).into();
    let mut args = vec![c.tuple(Vec::new())];
    args.extend(this(c, |d| d.max).map(|max| Value::Int(max as i64)));
    let args = c.tuple(args);
    let own = c.instance_items(&r);
    let state = if own.is_empty() { Value::None } else { c.names_dict(own) };
    let items = c.base_iter(&v)?;
    Ok(c.tuple(vec![class, args, state, items]))
}

/// Enters the class in the module `_collections`.
pub(in crate::stdlib) fn class(th: &crate::vm::Thread) -> Ref {
    th.interp.class(&th.held, TypeId::Deque).clone()
}
