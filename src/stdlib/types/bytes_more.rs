//! Methods of bytes and bytearray that search, split and join; and those that change a bytearray.

use super::bytes::{give, keepends, own};
use super::{bounds, count};
use crate::natives;
use crate::object::pure::bytes as pure;
use crate::object::pure::slice;
use crate::object::types::ByteArray;
use crate::object::{Ref, Value};
use crate::vm::make::int_of;
use crate::vm::{Call, Res};

macro_rules! tables {
    ($($table:ident $type:literal)*) => {$(
        natives! { pub $table, method $type;
            /// The lowest position of `sub` (bytes, or an int for one byte), or -1.
            holds find("sub, start=None, end=None, /") = find;
            /// The highest position of `sub`, or -1.
            holds rfind("sub, start=None, end=None, /") = rfind;
            /// As find(); ValueError when it is not found.
            holds index("sub, start=None, end=None, /") = index;
            /// As rfind(); ValueError when it is not found.
            holds rindex("sub, start=None, end=None, /") = rindex;
            /// How often `sub` occurs, without overlaps.
            holds count("sub, start=None, end=None, /") = count_;
            /// With `new` for each `old`, at most `count` times.
            holds replace("old, new, count=-1, /") = replace;
            /// The pieces between separators (or white space), from the left, at most `maxsplit` cuts.
            holds split("sep=None, maxsplit=-1") = split;
            /// The same from the right.
            holds rsplit("sep=None, maxsplit=-1") = rsplit;
            /// The lines, with their ends if `keepends`.
            holds splitlines("keepends=False") = splitlines;
            /// What is before the first separator, the separator, what is after it.
            holds partition("sep, /") = partition;
            /// The same for the last separator.
            holds rpartition("sep, /") = rpartition;
            /// The bytes of an iterable, with this between them.
            holds join("iterable_of_bytes, /") = join;
            /// Each byte as a table of 256 has it, those of `delete` left out.
            holds translate("table, /, delete=b''") = translate;
            /// A table for translate().
            holds maketrans("cls, frm, to, /") = maketrans;
        }
    )*};
}
tables! {
    BYTES "bytes"
    BYTEARRAY "bytearray"
}

natives! { pub CHANGES, method "bytearray";
    /// Adds a byte at the end.
    quick append("item, /") = append;
    /// Adds the bytes of an iterable at the end.
    holds extend("iterable_of_ints, /") = extend;
    /// Puts a byte before position `index`.
    holds insert("index, item, /") = insert;
    /// Takes the byte at a position out and gives it.
    holds pop("index=-1, /") = pop;
    /// Takes the first such byte out; ValueError if there is none.
    holds remove("value, /") = remove;
    /// Takes all bytes out.
    holds clear("") = clear;
    /// Turns it round.
    holds reverse("") = reverse;
    /// A copy.
    holds copy("") = copy;
}

/// What is searched for: bytes, or one byte as an int.
fn part(c: &mut Call) -> Res<Vec<u8>> {
    let v = c.arg(1);
    if int_of(&v).is_some() {
        return Ok(vec![c.byte(&v, "byte must be in range(0, 256)")?]);
    }
    match c.bytes_like(&v) {
        Some(b) => Ok(b),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("argument should be integer or bytes-like object, not '{got}'")))
        }
    }
}

macro_rules! searches {
    ($($name:ident: $out:ident = $make:expr;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let (start, end) = bounds(c, 2)?;
            let part = part(c)?;
            let $out = pure::$name(&own(c), &part, start, end);
            $make(c, $out)
        }
    )*};
}
searches! {
    find: at = |_: &mut Call, at: Option<usize>| Ok(Value::Int(at.map_or(-1, |i| i as i64)));
    rfind: at = |_: &mut Call, at: Option<usize>| Ok(Value::Int(at.map_or(-1, |i| i as i64)));
    index: at = |c: &mut Call, at| c.pure(at).map(|i| Value::Int(i as i64));
    rindex: at = |c: &mut Call, at| c.pure(at).map(|i| Value::Int(i as i64));
}

fn count_(c: &mut Call) -> Res<Value> {
    let (start, end) = bounds(c, 2)?;
    let part = part(c)?;
    Ok(Value::Int(pure::count(&own(c), &part, start, end) as i64))
}

fn replace(c: &mut Call) -> Res<Value> {
    let (old, new) = (c.arg(1), c.arg(2));
    let (old, new) = (c.to_bytes(&old)?, c.to_bytes(&new)?);
    let n = count(c, 3, -1)?;
    let out = pure::replace(&own(c), &old, &new, n);
    let out = c.pure(out)?;
    Ok(give(c, out))
}

/// A list of pieces of the object's own type.
fn pieces(c: &mut Call, all: Vec<Vec<u8>>) -> Value {
    let items = all.into_iter().map(|b| give(c, b)).collect();
    c.list(items)
}

fn owned(all: Vec<&[u8]>) -> Vec<Vec<u8>> {
    all.into_iter().map(<[u8]>::to_vec).collect()
}

fn split(c: &mut Call) -> Res<Value> {
    let n = count(c, 2, -1)?;
    let sep = match c.some(1) {
        None => None,
        Some(v) => Some(c.to_bytes(&v)?),
    };
    let out = pure::split(&own(c), sep.as_deref(), n).map(owned);
    let out = c.pure(out)?;
    Ok(pieces(c, out))
}

fn rsplit(c: &mut Call) -> Res<Value> {
    let n = count(c, 2, -1)?;
    let sep = match c.some(1) {
        None => None,
        Some(v) => Some(c.to_bytes(&v)?),
    };
    let out = pure::rsplit(&own(c), sep.as_deref(), n).map(owned);
    let out = c.pure(out)?;
    Ok(pieces(c, out))
}

fn splitlines(c: &mut Call) -> Res<Value> {
    let keep = keepends(c)?;
    let out = owned(pure::splitlines(&own(c), keep));
    Ok(pieces(c, out))
}

fn cut(c: &mut Call, last: bool) -> Res<Value> {
    let v = c.arg(1);
    let (sep, whole) = (c.to_bytes(&v)?, own(c));
    let found = if last { pure::rpartition(&whole, &sep) } else { pure::partition(&whole, &sep) };
    let (a, b, z) = c.pure(found)?;
    let three = vec![give(c, a.to_vec()), give(c, b.to_vec()), give(c, z.to_vec())];
    Ok(c.tuple(three))
}

fn partition(c: &mut Call) -> Res<Value> {
    cut(c, false)
}
fn rpartition(c: &mut Call) -> Res<Value> {
    cut(c, true)
}

fn join(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let items = match c.collect(&v) {
        Ok(items) => items,
        Err(e) => {
            if c.raised_is(crate::object::TypeId::TypeError) && !c.iterable(&v) {
                drop(c.take_raised());
                return Err(c.type_error("can only join an iterable"));
            }
            return Err(e);
        }
    };
    let mut all = Vec::with_capacity(items.len());
    for (i, v) in items.iter().enumerate() {
        match c.bytes_like(v) {
            Some(b) => all.push(b),
            None => {
                let got = c.type_name(v);
                return Err(c.type_error(format!("sequence item {i}: expected a bytes-like object, {got} found")));
            }
        }
    }
    let out = pure::join(&own(c), &all);
    let out = c.pure(out)?;
    Ok(give(c, out))
}

fn translate(c: &mut Call) -> Res<Value> {
    let table = match c.some(1) {
        None => None,
        Some(v) => Some(c.to_bytes(&v)?),
    };
    let delete = match c.opt(2) {
        None => Vec::new(),
        Some(v) => c.to_bytes(&v)?,
    };
    let out = pure::translate(&own(c), table.as_deref(), &delete);
    let out = c.pure(out)?;
    Ok(give(c, out))
}

/// A class method: argument 0 is the class.
fn maketrans(c: &mut Call) -> Res<Value> {
    let (from, to) = (c.arg(1), c.arg(2));
    let (from, to) = (c.to_bytes(&from)?, c.to_bytes(&to)?);
    if from.len() != to.len() {
        return Err(c.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (a, b) in from.iter().zip(to) {
        table[*a as usize] = b;
    }
    Ok(c.bytes(table))
}

fn array(c: &Call) -> Option<Ref> {
    c.arg(0).as_ref().filter(|r| r.is::<ByteArray>()).cloned()
}

/// Opens the bytearray.
fn with<R: Default>(c: &Call, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    array(c).map(|r| r.with::<ByteArray, _>(&c.held, |b| f(&mut b.0))).unwrap_or_default()
}

fn append(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let b = c.byte(&v, "byte must be in range(0, 256)")?;
    with(c, |all| all.push(b));
    Ok(Value::None)
}

fn extend(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let more = match c.bytes_like(&v) {
        Some(b) => b,
        None if !c.iterable(&v) => {
            let got = c.type_name(&v);
            return Err(c.type_error(format!("can't extend bytearray with {got}")));
        }
        None => c.bytes_of_items(&v, "byte")?,
    };
    let grown = more.len().saturating_add(own(c).len());
    c.room(grown)?;
    with(c, |all| all.extend(more));
    Ok(Value::None)
}

fn insert(c: &mut Call) -> Res<Value> {
    let (at, v) = (c.arg(1), c.arg(2));
    let (at, b) = (super::ssize(c, &at)?, c.byte(&v, "byte must be in range(0, 256)")?);
    with(c, |all| {
        let at = slice::bounds(all.len(), at, i64::MAX).0.min(all.len());
        all.insert(at, b);
    });
    Ok(Value::None)
}

fn pop(c: &mut Call) -> Res<Value> {
    let at = count(c, 1, -1)?;
    let (empty, found) = with(c, |all| (all.is_empty(), slice::index(all.len(), at).map(|at| all.remove(at))));
    match found {
        Some(b) => Ok(Value::Int(b as i64)),
        None if empty => Err(c.index_error("pop from empty bytearray")),
        None => Err(c.index_error("pop index out of range")),
    }
}

fn remove(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let b = c.byte(&v, "byte must be in range(0, 256)")?;
    let found = with(c, |all| all.iter().position(|x| *x == b).map(|at| all.remove(at)));
    match found {
        Some(_) => Ok(Value::None),
        None => Err(c.value_error("value not found in bytearray")),
    }
}

fn clear(c: &mut Call) -> Res<Value> {
    with(c, Vec::clear);
    Ok(Value::None)
}

fn reverse(c: &mut Call) -> Res<Value> {
    with(c, |all| all.reverse());
    Ok(Value::None)
}

fn copy(c: &mut Call) -> Res<Value> {
    let b = own(c);
    Ok(c.bytearray(b))
}
