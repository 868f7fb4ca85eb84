//! Methods of the builtin types, by name.
//!
//! Each file has the tables of one type or of a few that are alike. Argument 0 is the object; a row's
//! signature begins after it (L1 of the folder above). What a method computes is in `object/pure`, what
//! it means for objects in `vm/ops`; here is only the way between.
//!
//! T1: dunder methods (dunder.rs) do what the builtin type itself does (`base_…` of `vm/ops`): they are what
//! `super().__setitem__(k, v)` reaches, so they never ask a script class for its own method again.
//! T2: `start` and `stop` of searches are clamped as slices are.
//!
//! Not here: constructors (`builtins/new*.rs`), methods of files and locks.

mod bytes;
mod bytes_more;
mod coroutine;
pub(super) mod deque;
mod dict;
mod dunder;
mod exception;
mod function;
mod list;
mod number;
mod object;
mod sequence;
mod set;
mod sort;
mod str;
mod str_more;
pub(super) use self::str_more::codec_error;

use crate::object::pure::int::IntVal;
use crate::object::{TypeId, Value};
use crate::vm::{Call, NativeRow, Res};

/// All tables of this folder.
pub fn tables() -> Vec<&'static [NativeRow]> {
    let mut all = vec![
        bytes::BYTES,
        bytes::BYTEARRAY,
        bytes_more::BYTES,
        bytes_more::BYTEARRAY,
        bytes_more::CHANGES,
        deque::DEQUE,
        deque::NEW,
        dict::DICT,
        dict::KEYS,
        dict::ITEMS,
        exception::EXCEPTION,
        exception::GROUP,
        coroutine::COROUTINE,
        coroutine::ASYNC_GENERATOR,
        coroutine::WRAPPER,
        coroutine::SEND,
        coroutine::THROW,
        coroutine::NEXT,
        coroutine::SLEEP,
        function::GENERATOR,
        function::FUNCTION,
        list::LIST,
        number::INT,
        number::FLOAT,
        object::OBJECT,
        object::TYPE,
        sequence::TUPLE,
        sequence::RANGE,
        sequence::SLICE,
        set::SET,
        set::FROZENSET,
        set::CHANGES,
        str::STR,
        str_more::STR,
    ];
    all.extend(dunder::tables());
    all
}

/// Rows that are read as attributes, not called.
pub fn getters() -> [&'static [NativeRow]; 4] {
    [number::INT_GETTERS, number::FLOAT_GETTERS, object::TYPE_GETTERS, deque::DEQUE_GETTERS]
}

/// The answer of a binary method that does not know the other operand.
fn not_implemented(c: &Call) -> Value {
    c.interp.fixed(&c.held).not_implemented.clone()
}

/// Positions `i` and `i + 1` as the bounds of a search: absent and None are the ends.
fn bounds(c: &mut Call, i: usize) -> Res<(i64, i64)> {
    let start = match c.some(i) {
        None => 0,
        Some(v) => c.clamped(&v)?,
    };
    let stop = match c.some(i + 1) {
        None => i64::MAX,
        Some(v) => c.clamped(&v)?,
    };
    Ok((start, stop))
}

/// The same of list.index() and tuple.index(), which take no None.
fn positions(c: &mut Call, i: usize) -> Res<(i64, i64)> {
    for at in [i, i + 1] {
        if let Some(v) = c.opt(at)
            && c.try_index(&v)?.is_none()
        {
            return Err(c.type_error("slice indices must be integers or have an __index__ method"));
        }
    }
    bounds(c, i)
}

/// A value's type as messages on arguments name it: None is `None`.
fn shown_type(c: &Call, v: &Value) -> &'static str {
    if v.is_none() { "None" } else { c.type_name(v) }
}

/// An int argument with a default.
pub(super) fn count(c: &mut Call, i: usize, absent: i64) -> Res<i64> {
    match c.opt(i) {
        None => Ok(absent),
        Some(v) => ssize(c, &v),
    }
}

/// An int that CPython passes on as a C `ssize_t`.
pub(super) fn ssize(c: &mut Call, v: &Value) -> Res<i64> {
    match c.index_int(v)? {
        IntVal::Small(i) => Ok(i),
        IntVal::Big(_) => Err(c.raise(TypeId::OverflowError, "Python int too large to convert to C ssize_t")),
    }
}

/// An argument with a default that CPython passes on as a C `int`: also flags of old.
fn c_int(c: &mut Call, i: usize, absent: i64) -> Res<i64> {
    let Some(v) = c.opt(i) else { return Ok(absent) };
    match c.index_int(&v)? {
        IntVal::Small(i) if i32::try_from(i).is_ok() => Ok(i),
        _ => Err(c.raise(TypeId::OverflowError, "Python int too large to convert to C int")),
    }
}

/// A truth argument with a default.
fn flag(c: &mut Call, i: usize, absent: bool) -> Res<bool> {
    match c.opt(i) {
        None => Ok(absent),
        Some(v) => c.truth(&v),
    }
}

/// A list of new strings.
fn strings<S: AsRef<str>>(c: &mut Call, items: impl IntoIterator<Item = S>) -> Value {
    let items = items.into_iter().map(|t| c.str(t.as_ref())).collect();
    c.list(items)
}
