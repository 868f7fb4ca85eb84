//! Functions over iterables.

use crate::natives;
use crate::object::function::{Await, Generator};
use crate::object::iter::Iter;
use crate::object::{Name, TypeId, Value};
use crate::vm::generator::Step;
use crate::vm::make::text;
use crate::vm::ops::arith::BinOp;
use crate::vm::ops::compare::CmpOp;
use crate::vm::{Call, Res};

natives! { pub ITERATION, "builtins";
    /// How many items a container has.
    quick len("obj, /") = len;
    /// An iterator over `iterable`; with `sentinel`, one that calls until the result equals it.
    holds iter("iterable, sentinel=None, /") = iter;
    /// The next item of an iterator; at its end `default`, or StopIteration without one.
    holds next("iterator, default=None, /") = next;
    /// The asynchronous iterator of `iterable`.
    holds aiter("iterable, /") = aiter;
    /// An awaitable for the next item of an asynchronous iterator; at its end `default`, or
    /// StopAsyncIteration without one.
    holds anext("iterator, default=None, /") = anext;
    /// A new list of the items in rising order; equal ones keep their order. `key` is a function of one
    /// item whose results are compared instead.
    holds sorted("iterable, /, *, key=None, reverse=False") = sorted;
    /// The sum of the items and `start`.
    holds sum("iterable, /, start=0") = sum;
    /// The least item, or of several arguments; `default` if there is none.
    holds min("*args, key=None, default=None") = min;
    /// The greatest item, or of several arguments; `default` if there is none.
    holds max("*args, key=None, default=None") = max;
    /// Whether any item is true.
    holds any("iterable, /") = any;
    /// Whether all items are true.
    holds all("iterable, /") = all;
}

fn len(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::Int(c.length(&v)? as i64))
}

fn iter(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    match c.opt(1) {
        None => c.iter(&v),
        Some(sentinel) => {
            if !super::attributes::is_callable(c, &v) {
                return Err(c.type_error("iter(v, w): v must be callable"));
            }
            Ok(c.iterator(Iter::Calls { func: v, sentinel }))
        }
    }
}

fn aiter(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    c.aiter(&v)
}

fn anext(c: &mut Call) -> Res<Value> {
    let it = c.arg(0);
    let Some(next) = c.anext(&it)? else {
        let got = c.type_name(&it);
        return Err(c.type_error(format!("'{got}' object is not an async iterator")));
    };
    match c.opt(1) {
        None => Ok(next),
        Some(default) => Ok(c.awaiter(Await::Default, next, default)),
    }
}

fn next(c: &mut Call) -> Res<Value> {
    let it = c.arg(0);
    if !c.is_iterator(&it) {
        let got = c.type_name(&it);
        return Err(c.type_error(format!("'{got}' object is not an iterator")));
    }
    // A generator's result goes into the StopIteration.
    let step = match &it {
        Value::Obj(g) if g.is::<Generator>() => c.send(g, Value::None)?,
        _ => match c.next(&it)? {
            Some(v) => Step::Yielded(v),
            None => Step::Returned(Value::None),
        },
    };
    match (step, c.opt(1)) {
        (Step::Yielded(v), _) => Ok(v),
        (Step::Returned(_), Some(default)) => Ok(default),
        (Step::Returned(Value::None), None) => Err(c.raise_with(TypeId::StopIteration, vec![])),
        (Step::Returned(v), None) => Err(c.raise_with(TypeId::StopIteration, vec![v])),
    }
}

fn sorted(c: &mut Call) -> Res<Value> {
    let items = c.arg(0);
    let items = c.collect(&items)?;
    let list = c.list(items);
    let sort = c.get_attr(&list, Name::of("sort"))?;
    let mut kw = vec![];
    if let Some(key) = c.opt(1) {
        kw.push((Name::of("key"), key));
    }
    if let Some(reverse) = c.opt(2) {
        kw.push((Name::of("reverse"), reverse));
    }
    c.call_kw(&sort, &[], &kw)?;
    Ok(list)
}

fn sum(c: &mut Call) -> Res<Value> {
    let mut total = c.opt(1).unwrap_or(Value::Int(0));
    let refused = match total.as_ref() {
        Some(_) if text(&total).is_some() => Some("strings [use ''.join(seq) instead]"),
        Some(r) if r.is::<crate::object::types::Bytes>() => Some("bytes [use b''.join(seq) instead]"),
        Some(r) if r.is::<crate::object::types::ByteArray>() => Some("bytearray [use b''.join(seq) instead]"),
        _ => None,
    };
    if let Some(what) = refused {
        return Err(c.type_error(format!("sum() can't sum {what}")));
    }
    let items = c.arg(0);
    let it = c.iter(&items)?;
    while let Some(v) = c.next(&it)? {
        total = match (&total, &v) {
            (Value::Int(a), Value::Int(b)) if a.checked_add(*b).is_some() => Value::Int(a + b),
            (Value::Float(a), Value::Float(b)) => Value::float(a.get() + b.get()),
            _ => c.binary(BinOp::Add, &total, &v)?,
        };
    }
    Ok(total)
}

fn min(c: &mut Call) -> Res<Value> {
    extreme(c, CmpOp::Lt)
}
fn max(c: &mut Call) -> Res<Value> {
    extreme(c, CmpOp::Gt)
}

/// The first item that is less (or greater) than all others.
fn extreme(c: &mut Call, op: CmpOp) -> Res<Value> {
    let name = c.row.name;
    let (key, default) = (c.some(0), c.opt(1));
    let args = c.rest();
    let it = match &args[..] {
        [] => return Err(c.type_error(format!("{name} expected at least 1 argument, got 0"))),
        [one] => c.iter(one)?,
        _ if default.is_some() => {
            let text = format!("Cannot specify a default for {name}() with multiple positional arguments");
            return Err(c.type_error(text));
        }
        _ => {
            let list = c.list(args);
            c.iter(&list)?
        }
    };
    let mut best: Option<(Value, Value)> = None;
    while let Some(v) = c.next(&it)? {
        let k = match &key {
            Some(f) => c.call(f, std::slice::from_ref(&v))?,
            None => v.clone(),
        };
        let better = match &best {
            None => true,
            Some((_, b)) => {
                let r = c.compare(op, &k, b)?;
                c.truth(&r)?
            }
        };
        if better {
            best = Some((v, k));
        }
    }
    match best.map(|(v, _)| v).or(default) {
        Some(v) => Ok(v),
        None => Err(c.value_error(format!("{name}() arg is an empty sequence"))),
    }
}

fn any(c: &mut Call) -> Res<Value> {
    find(c, true)
}
fn all(c: &mut Call) -> Res<Value> {
    Ok(match find(c, false)? {
        Value::Bool(b) => Value::Bool(1 - b),
        v => v,
    })
}

/// Whether an item's truth is `wanted`.
fn find(c: &mut Call, wanted: bool) -> Res<Value> {
    let items = c.arg(0);
    let it = c.iter(&items)?;
    while let Some(v) = c.next(&it)? {
        if c.truth(&v)? == wanted {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}
