//! Methods of list.

use super::{count, sort};
use crate::natives;
use crate::object::pure::slice;
use crate::object::types::{Attrs, List};
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Res};

natives! { pub LIST, method "list";
    /// Adds an item at the end.
    quick append("object, /") = append;
    /// Adds the items of an iterable at the end.
    holds extend("iterable, /") = extend;
    /// Puts an item before position `index`.
    holds insert("index, object, /") = insert;
    /// Takes the item at a position (the last one) out and gives it. IndexError if there is none.
    holds pop("index=-1, /") = pop;
    /// Takes the first item equal to `value` out. ValueError if there is none.
    holds remove("value, /") = remove;
    /// Takes all items out.
    holds clear("") = clear;
    /// The first position of an item equal to `value` within `[start:stop]`. ValueError if there is none.
    holds index("value, start=0, stop=9223372036854775807, /") = index;
    /// How many items are equal to `value`.
    holds count("value, /") = count_;
    /// Sorts in place; equal items keep their order. `key(item)` is what is compared.
    holds sort("*, key=None, reverse=False") = sort::sort;
    /// Turns the list round.
    holds reverse("") = reverse;
    /// A new list of the same items.
    holds copy("") = copy;
    /// Fills the list anew.
    holds __init__("iterable=(), /") = init;
}

/// The list that the method belongs to.
fn own(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<List>() => Ok(r),
        other => {
            let (row, got) = (c.row.name, c.type_name(&other));
            Err(c.type_error(format!("descriptor '{row}' for 'list' objects doesn't apply to a '{got}' object")))
        }
    }
}

fn append(c: &mut Call) -> Res<Value> {
    let (list, v) = (own(c)?, c.arg(1));
    list.with::<List, _>(&c.held, |l| l.items.push(v));
    Ok(Value::None)
}

fn extend(c: &mut Call) -> Res<Value> {
    let (list, v) = (own(c)?, c.arg(1));
    c.list_extend(&list, &v)?;
    Ok(Value::None)
}

fn insert(c: &mut Call) -> Res<Value> {
    let (list, at, v) = (own(c)?, c.arg(1), c.arg(2));
    let at = super::ssize(c, &at)?;
    list.with::<List, _>(&c.held, |l| {
        let n = l.items.len();
        l.items.insert(slice::bounds(n, at, i64::MAX).0.min(n), v)
    });
    Ok(Value::None)
}

fn pop(c: &mut Call) -> Res<Value> {
    let list = own(c)?;
    let at = count(c, 1, -1)?;
    let (n, found) = list.with::<List, _>(&c.held, |l| {
        let n = l.items.len();
        (n, slice::index(n, at).map(|at| l.items.remove(at)))
    });
    match found {
        Some(v) => Ok(v),
        None if n == 0 => Err(c.index_error("pop from empty list")),
        None => Err(c.index_error("pop index out of range")),
    }
}

fn remove(c: &mut Call) -> Res<Value> {
    let (list, v) = (own(c)?, c.arg(1));
    if c.list_remove(&list, &v)? {
        return Ok(Value::None);
    }
    Err(c.value_error("list.remove(x): x not in list"))
}

fn clear(c: &mut Call) -> Res<Value> {
    let list = own(c)?;
    let old = list.with::<List, _>(&c.held, |l| std::mem::take(&mut l.items));
    drop(old);
    Ok(Value::None)
}

fn index(c: &mut Call) -> Res<Value> {
    let (list, v) = (own(c)?, c.arg(1));
    let (start, stop) = super::positions(c, 2)?;
    let n = c.base_length(&list).unwrap_or(0);
    let (start, _) = slice::bounds(n, start, stop);
    let stop = if stop < 0 { stop.saturating_add(n as i64) } else { stop };
    match c.list_position(&list, &v, start, stop)? {
        Some(at) => Ok(Value::Int(at as i64)),
        None => {
            let shown = c.repr(&v)?;
            Err(c.value_error(format!("{shown} is not in list")))
        }
    }
}

fn count_(c: &mut Call) -> Res<Value> {
    let (list, v) = (own(c)?, c.arg(1));
    let (mut n, mut at) = (0, 0);
    while let Some(found) = c.list_position(&list, &v, at, i64::MAX)? {
        n += 1;
        at = found + 1;
    }
    Ok(Value::Int(n))
}

fn reverse(c: &mut Call) -> Res<Value> {
    let list = own(c)?;
    list.with::<List, _>(&c.held, |l| l.items.reverse());
    Ok(Value::None)
}

fn copy(c: &mut Call) -> Res<Value> {
    let list = own(c)?;
    let items = list.with::<List, _>(&c.held, |l| l.items.clone());
    Ok(Ref::new(&c.held, TypeId::List.shape(), List { items, attrs: Attrs::default() }).into())
}

fn init(c: &mut Call) -> Res<Value> {
    let list = own(c)?;
    let items = match c.opt(1) {
        None => Vec::new(),
        Some(v) => c.collect(&v)?,
    };
    let old = list.with::<List, _>(&c.held, |l| std::mem::replace(&mut l.items, items));
    drop(old);
    Ok(Value::None)
}
