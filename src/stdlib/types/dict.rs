//! Methods of dict and of its views.

use crate::natives;
use crate::object::dict::Dict;
use crate::object::types::Part;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Res};

natives! { pub DICT, method "dict";
    /// The keys; the view shows later changes.
    holds keys("") = keys;
    /// The values.
    holds values("") = values;
    /// The pairs of key and value.
    holds items("") = items;
    /// The value of a key, or `default`.
    holds get("key, default=None, /") = get;
    /// The value of a key; if there is none, `default`, which is entered.
    holds setdefault("key, default=None, /") = setdefault;
    /// Takes a key out and gives its value; without such a key `default`, or KeyError.
    holds pop("key, default=None, /") = pop;
    /// Takes the newest pair out and gives it. KeyError if there is none.
    holds popitem("") = popitem;
    /// Enters the pairs of a dict or iterable, and the keyword arguments.
    holds update("other=(), /, **kwargs") = update;
    /// Takes all out.
    holds clear("") = clear;
    /// A new dict with the same pairs.
    holds copy("") = copy;
    /// A new dict with the keys of an iterable, all with the same value.
    holds fromkeys("cls, iterable, value=None, /") = fromkeys;
    /// Enters the pairs of a dict or iterable, and the keyword arguments.
    holds __init__("other=(), /, **kwargs") = update;
}

natives! { pub KEYS, method "dict_keys";
    /// Has it no key that `other` has?
    holds isdisjoint("other, /") = isdisjoint;
}
natives! { pub ITEMS, method "dict_items";
    /// Has it no pair that `other` has?
    holds isdisjoint("other, /") = isdisjoint;
}

fn own(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<Dict>() => Ok(r),
        other => {
            let (row, got) = (c.row.name, c.type_name(&other));
            Err(c.type_error(format!("descriptor '{row}' for 'dict' objects doesn't apply to a '{got}' object")))
        }
    }
}

fn keys(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    Ok(c.view(&d, Part::Keys))
}
fn values(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    Ok(c.view(&d, Part::Values))
}
fn items(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    Ok(c.view(&d, Part::Items))
}

fn get(c: &mut Call) -> Res<Value> {
    let (d, key) = (own(c)?, c.arg(1));
    let found = c.dict_get(&d, &key)?;
    Ok(found.or_else(|| c.opt(2)).unwrap_or(Value::None))
}

fn setdefault(c: &mut Call) -> Res<Value> {
    let (d, key) = (own(c)?, c.arg(1));
    let v = c.opt(2).unwrap_or(Value::None);
    c.dict_setdefault(&d, key, v)
}

fn pop(c: &mut Call) -> Res<Value> {
    let (d, key) = (own(c)?, c.arg(1));
    // An empty dict does not ask for the key's hash.
    let found = match c.dict_len(&d) {
        0 => None,
        _ => c.dict_remove(&d, &key)?,
    };
    match (found, c.opt(2)) {
        (Some(v), _) | (None, Some(v)) => Ok(v),
        (None, None) => Err(c.key_error(key)),
    }
}

fn popitem(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    // As it is now, if it belongs to an object.
    c.dict_len(&d);
    match d.with::<Dict, _>(&c.held, |d| d.table.pop_last()) {
        Some((k, v)) => {
            c.name_changed(&d, &k, None)?;
            Ok(c.tuple(vec![k, v]))
        }
        None => Err(c.raise(TypeId::KeyError, "popitem(): dictionary is empty")),
    }
}

fn update(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    if let Some(other) = c.opt(1) {
        c.dict_update(&d, &other)?;
    }
    for (n, v) in c.kwargs() {
        let key = c.str(n.text());
        c.dict_set(&d, key, v)?;
    }
    Ok(Value::None)
}

fn clear(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    c.dict_clear(&d)?;
    Ok(Value::None)
}

fn copy(c: &mut Call) -> Res<Value> {
    let d = own(c)?;
    let out = c.dict();
    c.dict_update(&out, &d.into())?;
    Ok(out.into())
}

/// A class method: argument 0 is the class; one derived from dict makes its own objects.
fn fromkeys(c: &mut Call) -> Res<Value> {
    let (class, keys) = (c.arg(0), c.arg(1));
    let v = c.opt(2).unwrap_or(Value::None);
    let out = c.call(&class, &[])?;
    let it = c.iter(&keys)?;
    while let Some(k) = c.next(&it)? {
        c.set_item(&out, &k, v.clone())?;
    }
    Ok(out)
}

fn isdisjoint(c: &mut Call) -> Res<Value> {
    let (view, other) = (c.arg(0), c.arg(1));
    let it = c.iter(&other)?;
    while let Some(v) = c.next(&it)? {
        if c.base_contains(&view, &v)? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}
