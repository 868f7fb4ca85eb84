//! `_array`: the items of an `array.array`, which functions without the lock may work on (`nogil::cells`).
//!
//! While such a function works on a row it is shared, and as with CPython's exported buffers its length cannot
//! change.

use crate::natives;
use crate::nogil::cells::Cells;
use crate::nogil::num::Num;
use crate::object::opaque::Opaque;
use crate::object::pure::int::IntRef;
use crate::object::pure::slice;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res, Thread};
use std::sync::Arc;

natives! { pub ARRAY, "_array";
    /// A row of items of a type code: the machine's bytes of items.
    holds cells("code, data, /") = new_cells;
    /// The item at `i`.
    holds get("cells, i, /") = get;
    /// Sets the item at `i`.
    holds set("cells, i, v, /") = set;
    /// How many items there are.
    quick size("cells, /") = size;
    /// Bytes of an item.
    holds width("cells, /") = width;
    /// Appends an item.
    holds append("cells, v, /") = append;
    /// Appends items that lie in bytes as the machine stores them.
    holds extend("cells, data, /") = extend;
    /// The items as the machine stores them.
    holds data("cells, /") = data;
    /// The items from `start` to `stop` by `step` as a list.
    holds items("cells, start, stop, step, /") = items;
    /// Puts these bytes of items in the place of all.
    holds replace("cells, data, /") = replace;
}

/// The row of a value of type `Cells`.
pub(super) fn cells_of(th: &Thread, v: &Value) -> Option<Arc<Cells>> {
    let r = v.as_ref().filter(|r| r.shape() == TypeId::Cells.shape())?;
    r.with::<Opaque, _>(&th.held, |o| o.state.downcast_ref::<Arc<Cells>>().cloned())
}

fn this(c: &mut Call) -> Res<Arc<Cells>> {
    let v = c.arg(0);
    cells_of(c, &v).ok_or_else(|| c.type_error("an array without its items"))
}

/// Changes the length, unless a function without the lock works on the row.
fn grow(c: &mut Call, f: impl FnOnce(&mut Cells)) -> Res<Value> {
    let v = c.arg(0);
    let Value::Obj(r) = &v else { return Err(c.type_error("an array without its items")) };
    let done = r.try_with::<Opaque, _>(&c.held, |o| {
        let cells = o.state.downcast_mut::<Arc<Cells>>().and_then(Arc::get_mut)?;
        f(cells);
        Some(())
    });
    match done.flatten() {
        Some(()) => Ok(Value::None),
        None => Err(c.raise(TypeId::BufferError, "cannot resize an array that is exporting buffers")),
    }
}

fn object(th: &Thread, cells: Cells) -> Value {
    let state = Opaque { state: Box::new(Arc::new(cells)), attrs: Attrs::default() };
    Ref::new(&th.held, TypeId::Cells.shape(), state).into()
}

/// The bytes of argument `i`, whole items of a row.
fn bytes(c: &mut Call, i: usize, width: usize) -> Res<Vec<u8>> {
    let v = c.arg(i);
    let Some(data) = c.bytes_like(&v) else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    if data.len() % width != 0 {
        return Err(c.value_error("bytes length not a multiple of item size"));
    }
    Ok(data)
}

fn new_cells(c: &mut Call) -> Res<Value> {
    let code = c.arg(0);
    let code = c.expect_str(&code, "array() argument 1")?;
    let mut cells = match code.chars().next().filter(|_| code.len() == 1).and_then(Cells::new) {
        Some(cells) => cells,
        None => {
            return Err(c.value_error("bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)"));
        }
    };
    let data = bytes(c, 1, cells.width())?;
    cells.extend_bytes(&data);
    Ok(object(c, cells))
}

/// A value as an item: what it is not is an error of CPython's words.
fn number(c: &mut Call, cells: &Cells, i: usize) -> Res<Num> {
    let v = c.arg(i);
    if let (Some(x), 'f' | 'd') = (float_of(&v), cells.code()) {
        return Ok(Num::Float(x));
    }
    if matches!(cells.code(), 'f' | 'd') {
        return c.to_float(&v).map(Num::Float);
    }
    match int_of(&v) {
        Some(IntRef::Small(i)) => Ok(Num::Int(i)),
        Some(IntRef::Big(_)) => Err(too_large(c, cells.code(), &v)),
        None => {
            let i = c.index(&v)?;
            Ok(Num::Int(i))
        }
    }
}

#[cold]
fn too_large(c: &mut Call, code: char, v: &Value) -> crate::vm::Raised {
    let negative = int_of(v).is_some_and(IntRef::is_negative);
    let text = match code {
        'q' => "int too big to convert",
        'Q' if negative => "can't convert negative int to unsigned",
        'Q' => "int too big to convert",
        'I' | 'L' if negative => "can't convert negative value to unsigned int",
        'I' | 'L' => "Python int too large to convert to C unsigned long",
        _ => "Python int too large to convert to C long",
    };
    c.raise(TypeId::OverflowError, text)
}

/// An item that no int of 64 bits holds, as bytes: `L` and `Q` only.
fn wide(c: &mut Call, cells: &Cells, i: usize) -> Option<u64> {
    let v = c.arg(i);
    match int_of(&v)? {
        IntRef::Big(b) if matches!(cells.code(), 'L' | 'Q') => u64::try_from(b).ok(),
        _ => None,
    }
}

fn place(c: &mut Call, cells: &Cells, text: &str) -> Res<usize> {
    let i = c.arg(1);
    let i = match int_of(&i) {
        Some(IntRef::Small(i)) => i,
        Some(IntRef::Big(_)) => return Err(c.raise(TypeId::IndexError, "cannot fit 'int' into an index-sized integer")),
        None => match c.try_index(&i)? {
            Some(i) => i.borrow().clamp_i64(),
            None => return Err(c.type_error("array indices must be integers")),
        },
    };
    slice::index(cells.len(), i).ok_or_else(|| c.raise(TypeId::IndexError, text))
}

fn value(c: &mut Call, cells: &Cells, at: usize) -> Value {
    match cells.get(at) {
        Ok(Num::Int(i)) => Value::Int(i),
        Ok(Num::Float(x)) => Value::float(x),
        // Only items of `L` and `Q` do not fit.
        _ => {
            let w = cells.width();
            let b = &cells.bytes()[at * w..(at + 1) * w];
            let i = crate::object::pure::int::from_bytes(b, cfg!(target_endian = "little"), false);
            c.int(i)
        }
    }
}

fn get(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    let at = place(c, &cells, "array index out of range")?;
    Ok(value(c, &cells, at))
}

fn set(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    let at = place(c, &cells, "array assignment index out of range")?;
    if let Some(x) = wide(c, &cells, 2) {
        cells.store_bits(at, x);
        return Ok(Value::None);
    }
    let n = number(c, &cells, 2)?;
    let done = cells.store(at, n);
    c.pure(done)?;
    Ok(Value::None)
}

fn size(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    Ok(Value::Int(cells.len() as i64))
}

fn width(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    Ok(Value::Int(cells.width() as i64))
}

fn append(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    let bits = wide(c, &cells, 1);
    let n = if bits.is_some() { Num::Int(0) } else { number(c, &cells, 1)? };
    // What does not fit must not leave an item behind.
    let one = Cells::new(cells.code()).map(|mut one| {
        one.resize(1);
        one.store(0, n).map(|()| one)
    });
    let one = one.expect("a code that a row has");
    let one = c.pure(one)?;
    if let Some(x) = bits {
        one.store_bits(0, x);
    }
    drop(cells);
    grow(c, |cells| cells.extend_bytes(&one.bytes()))
}

fn extend(c: &mut Call) -> Res<Value> {
    let width = this(c)?.width();
    let data = bytes(c, 1, width)?;
    grow(c, |cells| cells.extend_bytes(&data))
}

fn replace(c: &mut Call) -> Res<Value> {
    let width = this(c)?.width();
    let data = bytes(c, 1, width)?;
    grow(c, |cells| {
        cells.resize(0);
        cells.extend_bytes(&data);
    })
}

fn data(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    Ok(c.bytes(cells.bytes()))
}

fn items(c: &mut Call) -> Res<Value> {
    let cells = this(c)?;
    let mut bounds = [0; 3];
    for (i, b) in bounds.iter_mut().enumerate() {
        let v = c.arg(i + 1);
        *b = c.index(&v)?;
    }
    let [mut at, stop, step] = bounds;
    let mut out = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if let Some(i) = usize::try_from(at).ok().filter(|i| *i < cells.len()) {
            out.push(value(c, &cells, i));
        }
        at += step;
    }
    Ok(c.list(out))
}
