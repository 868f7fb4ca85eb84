//! `index` and `count` of tuple and range; `slice.indices`.

use crate::natives;
use crate::object::Value;
use crate::object::pure::slice;
use crate::object::types::{LongRange, Range, Slice};
use crate::vm::make::{int_of, tuple_items};
use crate::vm::ops::{range, scripted};
use crate::vm::{Call, Res};

natives! { pub TUPLE, method "tuple";
    /// The first position of an item equal to `value` within `[start:stop]`. ValueError if there is none.
    holds index("value, start=0, stop=9223372036854775807, /") = tuple_index;
    /// How many items are equal to `value`.
    holds count("value, /") = tuple_count;
}

natives! { pub RANGE, method "range";
    /// The position of a number. ValueError if it is not in the range.
    holds index("value, /") = range_index;
    /// 1 if the number is in the range, else 0.
    holds count("value, /") = range_count;
}

natives! { pub SLICE, method "slice";
    /// The bounds `(start, stop, step)` that the slice means in a sequence of `len` items.
    holds indices("len, /") = slice_indices;
}

fn slice_indices(c: &mut Call) -> Res<Value> {
    let (s, len) = (c.arg(0), c.arg(1));
    let len = c.index(&len)?;
    let Ok(len) = usize::try_from(len) else {
        return Err(c.value_error("length should not be negative"));
    };
    let Some(s) = s.as_ref().and_then(|r| r.get::<Slice>()) else {
        return Ok(s);
    };
    let i = c.slice_indices(s, len)?;
    Ok(c.tuple(vec![Value::Int(i.start), Value::Int(i.stop), Value::Int(i.step)]))
}

fn tuple_index(c: &mut Call) -> Res<Value> {
    let (t, v) = (c.arg(0), c.arg(1));
    let (start, stop) = super::positions(c, 2)?;
    let items = tuple_items(&t).unwrap_or_default();
    let (start, stop) = slice::bounds(items.len(), start, stop);
    for (at, item) in items.iter().enumerate().take(stop).skip(start) {
        if c.same_or_equal(item, &v)? {
            return Ok(Value::Int(at as i64));
        }
    }
    Err(c.value_error("tuple.index(x): x not in tuple"))
}

fn tuple_count(c: &mut Call) -> Res<Value> {
    let (t, v) = (c.arg(0), c.arg(1));
    let mut n = 0;
    for item in tuple_items(&t).unwrap_or_default() {
        n += c.same_or_equal(item, &v)? as i64;
    }
    Ok(Value::Int(n))
}

/// Where a number stands in the range that is argument 0.
fn position(c: &mut Call) -> Res<Option<i64>> {
    let (r, v) = (c.arg(0), c.arg(1));
    let Some(x) = r.as_ref().and_then(|r| r.get::<Range>()).copied() else {
        return Ok(None);
    };
    if let Some(i) = int_of(&v) {
        let found = i.to_i64().and_then(|i| slice::range_index(x.start, x.stop, x.step, i));
        return Ok(found.map(|at| at as i64));
    }
    if !c.base_contains(&r, &v)? {
        return Ok(None);
    }
    if !scripted(&v) {
        let whole = c.to_int(&v)?;
        let i = c.index(&whole)?;
        return Ok(slice::range_index(x.start, x.stop, x.step, i).map(|at| at as i64));
    }
    for nth in 0..x.len {
        let item = Value::Int(slice::range_item(x.start, x.step, nth as u64));
        if c.equal(&item, &v)? {
            return Ok(Some(nth));
        }
    }
    Ok(None)
}

/// The position in a long range: of an int at once, of all else by looking through, as CPython does.
fn long_position(c: &mut Call) -> Res<Option<Value>> {
    let (r, v) = (c.arg(0), c.arg(1));
    let Some(r) = r.as_ref().filter(|r| r.is::<LongRange>()) else { return Ok(None) };
    if int_of(&v).is_some() {
        return Ok(range::index_of(r, &v).map(|at| c.int(at.into())));
    }
    let it = c.iter(&r.clone().into())?;
    let mut nth = 0;
    while let Some(item) = c.next(&it)? {
        if c.equal(&item, &v)? {
            return Ok(Some(Value::Int(nth)));
        }
        nth += 1;
    }
    Ok(None)
}

fn range_index(c: &mut Call) -> Res<Value> {
    if let Some(at) = long_position(c)? {
        return Ok(at);
    }
    match position(c)? {
        Some(at) => Ok(Value::Int(at)),
        None => {
            let v = c.arg(1);
            if int_of(&v).is_none() {
                return Err(c.value_error("sequence.index(x): x not in sequence"));
            }
            let shown = c.repr(&v)?;
            Err(c.value_error(format!("{shown} is not in range")))
        }
    }
}

fn range_count(c: &mut Call) -> Res<Value> {
    Ok(Value::Int((long_position(c)?.is_some() || position(c)?.is_some()) as i64))
}
