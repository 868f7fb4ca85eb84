//! Constructors of numbers, texts and containers; argument 0 is the class (L1).

use crate::natives;
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::types::{AttrBody, Attrs, FrozenSet, List, Set};
use crate::object::{Kind, Name, Ref, TypeId, Value};
use crate::vm::make::{int_of, text, tuple_items};
use crate::vm::ops::scripted;
use crate::vm::{Call, Res};

natives! { pub NEW, "new";
    /// A number or text as an int; text in `base` 2 to 36, or 0 to read `0x`, `0o`, `0b`. ValueError for
    /// other text.
    holds int("x=0, /, base=10") = new_int;
    /// Whether a value is true.
    holds bool("x=False, /") = new_bool;
    /// A number or text as a float. ValueError for other text.
    holds float("x=0.0, /") = new_float;
    /// A value as text; with `encoding`, bytes decoded.
    holds str("object='', encoding='utf-8', errors='strict'") = new_str;
    /// Bytes: of text in an encoding, of ints below 256, or so many zeros.
    holds bytes("source=b'', encoding=None, errors=None") = new_bytes;
    /// Bytes that can be changed; made as `bytes` is.
    holds bytearray("source=b'', encoding=None, errors=None") = new_bytearray;
    /// A tuple of the items.
    holds tuple("iterable=(), /") = new_tuple;
    /// A new list of the items.
    holds list("iterable=(), /") = new_list;
    /// A new dict: of another, of pairs, and of keyword arguments.
    holds dict("iterable=(), /, **kwargs") = new_dict;
    /// A new set of the items.
    holds set("iterable=(), /") = new_set;
    /// A set of the items that never changes.
    holds frozenset("iterable=(), /") = new_frozenset;
}

fn new_int(c: &mut Call) -> Res<Value> {
    let Some(base) = c.opt(2) else {
        return match c.opt(1) {
            None => Ok(Value::Int(0)),
            Some(v) => c.to_int(&v),
        };
    };
    let Some(v) = c.opt(1) else {
        return Err(c.type_error("int() missing string argument"));
    };
    let base = c.index(&base)?;
    if text(&v).is_none() && c.bytes_like(&v).is_none() {
        return Err(c.type_error("int() can't convert non-string with explicit base"));
    }
    let i = c.parse_int(&v, base)?;
    Ok(c.int(i))
}

fn new_bool(c: &mut Call) -> Res<Value> {
    match c.opt(1) {
        None => Ok(Value::FALSE),
        Some(v) => Ok(Value::bool(c.truth(&v)?)),
    }
}

fn new_float(c: &mut Call) -> Res<Value> {
    let Some(v) = c.opt(1) else {
        return Ok(Value::float(0.0));
    };
    Ok(Value::float(c.parse_float(&v)?))
}

fn new_str(c: &mut Call) -> Res<Value> {
    let v = match c.opt(1) {
        None => return Ok(c.str("")),
        Some(v) => v,
    };
    if c.opt(2).is_none() && c.opt(3).is_none() {
        if text(&v).is_some() && !scripted(&v) {
            return Ok(v);
        }
        let s = c.str_text(&v)?;
        return Ok(c.string(s));
    }
    if text(&v).is_some() {
        return Err(c.type_error("decoding str is not supported"));
    }
    if c.bytes_like(&v).is_none() {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("decoding to str: need a bytes-like object, {got} found")));
    }
    let encoding = c.opt(2).unwrap_or_else(|| c.str("utf-8"));
    let errors = c.opt(3).unwrap_or_else(|| c.str("strict"));
    c.call_method(&v, Name::of("decode"), &[encoding, errors])
}

/// What `bytes(...)` and `bytearray(...)` hold.
fn byte_source(c: &mut Call, name: &str) -> Res<Vec<u8>> {
    let (encoding, errors) = (c.some(2), c.some(3));
    let Some(v) = c.opt(1) else {
        return Ok(vec![]);
    };
    if text(&v).is_some() {
        let Some(encoding) = encoding else {
            return Err(c.type_error("string argument without an encoding"));
        };
        let errors = errors.unwrap_or_else(|| c.str("strict"));
        let encoded = c.call_method(&v, Name::of("encode"), &[encoding, errors])?;
        return Ok(c.bytes_like(&encoded).unwrap_or_default());
    }
    if encoding.is_some() || errors.is_some() {
        return Err(c.type_error("encoding without a string argument"));
    }
    if let Some(b) = c.bytes_like(&v) {
        return Ok(b);
    }
    if let Some(b) = c.special(&v, Name::of("__bytes__"), &[])? {
        let got = c.type_name(&b);
        return match c.bytes_like(&b) {
            Some(b) => Ok(b),
            None => Err(c.type_error(format!("__bytes__ returned non-bytes (type {got})"))),
        };
    }
    if int_of(&v).is_some() {
        let n = c.index(&v)?;
        return match usize::try_from(n) {
            Err(_) => Err(c.value_error("negative count")),
            Ok(n) if n > isize::MAX as usize / 2 => Err(c.raise_with(TypeId::MemoryError, vec![])),
            Ok(n) => c.room(n).map(|()| vec![0; n]),
        };
    }
    let items = c.collect(&v);
    let Some(items) = c.catch(items, TypeId::TypeError)? else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("cannot convert '{got}' object to {name}")));
    };
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let wrong = if name == "bytes" { "bytes" } else { "byte" };
        out.push(c.byte(&item, &format!("{wrong} must be in range(0, 256)"))?);
    }
    Ok(out)
}

fn new_bytes(c: &mut Call) -> Res<Value> {
    let b = byte_source(c, "bytes")?;
    Ok(c.bytes(b))
}

fn new_bytearray(c: &mut Call) -> Res<Value> {
    let b = byte_source(c, "bytearray")?;
    Ok(c.bytearray(b))
}

/// The items of argument 1; none when it is absent.
fn items(c: &mut Call) -> Res<Vec<Value>> {
    match c.opt(1) {
        None => Ok(vec![]),
        Some(v) => c.collect(&v),
    }
}

fn new_tuple(c: &mut Call) -> Res<Value> {
    match c.opt(1) {
        Some(v) if tuple_items(&v).is_some() && !scripted(&v) => Ok(v),
        _ => {
            let items = items(c)?;
            Ok(c.tuple(items))
        }
    }
}

/// Shape and attribute vector of a new object of argument 0, which is builtin type `t` or a script class
/// that derives from it.
fn header(c: &mut Call, t: TypeId) -> (u32, Attrs) {
    let Value::Obj(class) = c.arg(0) else {
        return (t.shape(), Attrs::default());
    };
    let root = class.try_with::<Class, _>(&c.held, |k| k.root).unwrap_or(t.shape());
    if root == t.shape() {
        return (root, Attrs::default());
    }
    (root, Attrs(Some(Box::new(AttrBody { class, slots: vec![] }))))
}

fn new_list(c: &mut Call) -> Res<Value> {
    let items = items(c)?;
    let (shape, attrs) = header(c, TypeId::List);
    Ok(Ref::new(&c.held, shape, List { items, attrs }).into())
}

fn new_dict(c: &mut Call) -> Res<Value> {
    let (shape, attrs) = header(c, TypeId::Dict);
    let d = Ref::new(&c.held, shape, Dict { attrs, ..Dict::default() });
    if let Some(v) = c.opt(1) {
        c.dict_update(&d, &v)?;
    }
    for (name, v) in c.kwargs() {
        let key = c.str(name.text());
        c.dict_set(&d, key, v)?;
    }
    Ok(d.into())
}

fn new_set(c: &mut Call) -> Res<Value> {
    let (shape, attrs) = header(c, TypeId::Set);
    let s = Ref::new(&c.held, shape, Set { attrs, ..Set::default() });
    if let Some(v) = c.opt(1) {
        c.set_update(&s, &v)?;
    }
    Ok(s.into())
}

fn new_frozenset(c: &mut Call) -> Res<Value> {
    match c.opt(1) {
        Some(v) if v.as_ref().is_some_and(|r| r.is::<FrozenSet>() && !scripted(&v)) => Ok(v),
        v => {
            let s = c.set();
            if let Some(v) = v {
                c.set_update(&s, &v)?;
            }
            Ok(c.as_kind_of(s, Kind::FrozenSet))
        }
    }
}
