//! Methods of set and frozenset.

use crate::natives;
use crate::object::types::Set;
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::ops::scripted;
use crate::vm::{Call, Res, Thread};

macro_rules! tables {
    ($($table:ident $type:literal)*) => {$(
        natives! { pub $table, method $type;
            /// What is in it or in any of the others.
            holds union("*others") = union;
            /// What is in it and in all of the others.
            holds intersection("*others") = intersection;
            /// What is in it and in none of the others.
            holds difference("*others") = difference;
            /// What is in exactly one of the two.
            holds symmetric_difference("other, /") = symmetric_difference;
            /// Is everything in it also in `other`?
            holds issubset("other, /") = issubset;
            /// Is everything in `other` also in it?
            holds issuperset("other, /") = issuperset;
            /// Is nothing in it in `other`?
            holds isdisjoint("other, /") = isdisjoint;
            /// A new one with the same keys.
            holds copy("") = copy;
        }
    )*};
}
tables! {
    SET "set"
    FROZENSET "frozenset"
}

natives! { pub CHANGES, method "set";
    /// Adds a key.
    holds add("element, /") = add;
    /// Takes a key out. KeyError if it is not there.
    holds remove("element, /") = remove;
    /// Takes a key out, if it is there.
    holds discard("element, /") = discard;
    /// Takes some key out and gives it. KeyError if there is none.
    holds pop("") = pop;
    /// Takes all out.
    holds clear("") = clear;
    /// Adds what is in the others.
    holds update("*others") = update;
    /// Keeps what is in all of the others.
    holds intersection_update("*others") = intersection_update;
    /// Takes out what is in any of the others.
    holds difference_update("*others") = difference_update;
    /// Takes out what is in both, adds what is in `other` only.
    holds symmetric_difference_update("other, /") = symmetric_difference_update;
    /// Fills the set anew.
    holds __init__("iterable=(), /") = init;
}

fn own(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if matches!(r.kind(), Kind::Set | Kind::FrozenSet) => Ok(r),
        other => {
            let (row, of, got) = (c.row.name, c.row.module, c.type_name(&other));
            Err(c.type_error(format!("descriptor '{row}' for '{of}' objects doesn't apply to a '{got}' object")))
        }
    }
}

/// A fresh set as the kind that the object is.
fn give(c: &mut Call, s: Ref) -> Res<Value> {
    let kind = own(c)?.kind();
    Ok(c.as_kind_of(s, kind))
}

/// The argument as a set, when it is one whose iteration no script decides.
fn plain_set(v: &Value) -> Option<Ref> {
    if scripted(v) {
        return None;
    }
    v.as_ref().filter(|r| matches!(r.kind(), Kind::Set | Kind::FrozenSet)).cloned()
}

fn union(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    let out = c.set_copy(&s);
    for other in c.rest() {
        c.set_update(&out, &other)?;
    }
    give(c, out)
}

/// The keys of `s` that are in `other`, in the order in which CPython meets them.
fn meet(c: &mut Call, s: &Ref, other: &Value) -> Res<Ref> {
    if let Some(o) = plain_set(other) {
        return c.set_intersection(s, &o);
    }
    let out = c.set();
    let it = c.iter(other)?;
    while let Some(v) = c.next(&it)? {
        let hash = c.hash(&v)?;
        if c.set_has_hashed(s, hash, &v)? {
            c.set_add_hashed(&out, hash, v)?;
        }
    }
    Ok(out)
}

fn intersect_all(c: &mut Call, s: &Ref) -> Res<Ref> {
    let others = c.rest();
    let Some((first, rest)) = others.split_first() else {
        return Ok(c.set_copy(s));
    };
    let mut out = meet(c, s, first)?;
    for other in rest {
        out = meet(c, &out, other)?;
    }
    Ok(out)
}

fn intersection(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    let out = intersect_all(c, &s)?;
    give(c, out)
}

fn subtract(c: &mut Call, s: &Ref, other: &Value) -> Res<()> {
    if let Some(o) = plain_set(other) {
        if o.same(s) {
            c.set_become_empty(s);
            return Ok(());
        }
        return c.set_subtract(s, &o);
    }
    let it = c.iter(other)?;
    while let Some(v) = c.next(&it)? {
        let hash = c.hash(&v)?;
        c.set_discard_hashed(s, hash, &v)?;
    }
    Ok(())
}

fn difference(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    let others = c.rest();
    let Some((first, rest)) = others.split_first() else {
        let out = c.set_copy(&s);
        return give(c, out);
    };
    let out = match plain_set(first) {
        Some(o) => c.set_difference(&s, &o)?,
        None => {
            let out = c.set_copy(&s);
            subtract(c, &out, first)?;
            out
        }
    };
    for other in rest {
        subtract(c, &out, other)?;
    }
    give(c, out)
}

fn symmetric_difference(c: &mut Call) -> Res<Value> {
    let (s, other) = (own(c)?, c.arg(1));
    let o = c.as_set(&other)?;
    // A set made for this call is itself what the result grows from.
    let out = if Thread::is_set(&other).is_some() {
        c.set_symmetric_difference(&s, &o)?
    } else {
        c.set_toggle(&o, &s)?;
        o
    };
    give(c, out)
}

fn issubset(c: &mut Call) -> Res<Value> {
    let (s, other) = (own(c)?, c.arg(1));
    let o = c.as_set(&other)?;
    Ok(Value::bool(c.is_subset(&s, &o)?))
}

fn issuperset(c: &mut Call) -> Res<Value> {
    let (s, other) = (own(c)?, c.arg(1));
    let o = c.as_set(&other)?;
    Ok(Value::bool(c.is_subset(&o, &s)?))
}

fn isdisjoint(c: &mut Call) -> Res<Value> {
    let (s, other) = (own(c)?, c.arg(1));
    let it = c.iter(&other)?;
    while let Some(v) = c.next(&it)? {
        if c.set_has(&s, &v)? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}

fn copy(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    if s.kind() == Kind::FrozenSet {
        return Ok(c.underived(&s));
    }
    Ok(c.set_copy(&s).into())
}

fn add(c: &mut Call) -> Res<Value> {
    let (s, v) = (own(c)?, c.arg(1));
    c.set_add(&s, v)?;
    Ok(Value::None)
}

fn remove(c: &mut Call) -> Res<Value> {
    let (s, v) = (own(c)?, c.arg(1));
    if c.set_discard(&s, &v)? {
        return Ok(Value::None);
    }
    Err(c.key_error(v))
}

fn discard(c: &mut Call) -> Res<Value> {
    let (s, v) = (own(c)?, c.arg(1));
    c.set_discard(&s, &v)?;
    Ok(Value::None)
}

fn pop(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    match s.with::<Set, _>(&c.held, |s| s.table.pop_first()) {
        Some(v) => Ok(v),
        None => Err(c.raise(TypeId::KeyError, "pop from an empty set")),
    }
}

fn clear(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    c.set_become_empty(&s);
    Ok(Value::None)
}

fn update(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    for other in c.rest() {
        c.set_update(&s, &other)?;
    }
    Ok(Value::None)
}

fn intersection_update(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    let out = intersect_all(c, &s)?;
    c.set_become(&s, out);
    Ok(Value::None)
}

fn difference_update(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    for other in c.rest() {
        subtract(c, &s, &other)?;
    }
    Ok(Value::None)
}

fn symmetric_difference_update(c: &mut Call) -> Res<Value> {
    let (s, other) = (own(c)?, c.arg(1));
    let o = c.as_set(&other)?;
    if o.same(&s) {
        c.set_become_empty(&s);
    } else {
        c.set_toggle(&s, &o)?;
    }
    Ok(Value::None)
}

fn init(c: &mut Call) -> Res<Value> {
    let s = own(c)?;
    c.set_become_empty(&s);
    if let Some(v) = c.opt(1) {
        c.set_update(&s, &v)?;
    }
    Ok(Value::None)
}
