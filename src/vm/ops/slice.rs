//! Slices of the builtin sequences: taking, assigning, deleting.
//!
//! The bounds are asked with everything closed; what they mean in a list is found in the opening that uses it.

use crate::object::pure::slice::{self, Indices};
use crate::object::pure::{PureError, text};
use crate::object::types::*;
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::{Res, Thread};

/// Start, stop, step of a slice whose `__index__` methods have been asked.
type Bounds = (Option<i64>, Option<i64>, Option<i64>);

impl Thread {
    /// Asks the bounds of a slice; lengths are looked at afterwards, as a script's `__index__` may change them.
    fn slice_bounds(&mut self, s: &Slice) -> Res<Bounds> {
        let mut bound = |v: &Value| match v {
            Value::None => Ok(None),
            Value::Int(i) => Ok(Some(*i)),
            v => self.clamped(v).map(Some),
        };
        let step = bound(&s.step)?;
        let (start, stop) = (bound(&s.start)?, bound(&s.stop)?);
        Ok((start, stop, step))
    }

    /// The positions that a slice means in a sequence of `len` items.
    pub fn slice_indices(&mut self, s: &Slice, len: usize) -> Res<Indices> {
        let (start, stop, step) = self.slice_bounds(s)?;
        let i = slice::indices(len, start, stop, step);
        self.pure(i)
    }

    /// The positions in an object whose length is read after the bounds are asked.
    fn slice_of(&mut self, s: &Slice, r: &Ref) -> Res<Indices> {
        let (start, stop, step) = self.slice_bounds(s)?;
        let len = self.base_length(r).unwrap_or(0);
        let i = slice::indices(len, start, stop, step);
        self.pure(i)
    }

    /// `sequence[slice]`; `None`: the object has no slices.
    pub(super) fn get_slice(&mut self, r: &Ref, s: &Slice) -> Res<Option<Value>> {
        let i = match r.kind() {
            Kind::List | Kind::ByteArray => return self.get_open_slice(r, s).map(Some),
            Kind::Tuple | Kind::Str | Kind::Bytes | Kind::Range => self.slice_of(s, r)?,
            _ => return Ok(None),
        };
        Ok(Some(match r.kind() {
            Kind::Tuple => {
                let t = r.frozen::<Tuple>();
                if i.step == 1 && i.len == t.0.len() && (r.shape() as usize) < TypeId::COUNT {
                    return Ok(Some(r.clone().into()));
                }
                let items = pick(&t.0, i);
                self.tuple(items)
            }
            Kind::Str => {
                let t = r.frozen::<Str>();
                if i.step == 1 && i.len == t.chars && (r.shape() as usize) < TypeId::COUNT {
                    return Ok(Some(r.clone().into()));
                }
                let part = text::slice(&t.text, t.chars, i);
                self.string(part)
            }
            Kind::Bytes => {
                let b = pick(&r.frozen::<Bytes>().0, i);
                self.bytes(b)
            }
            _ => {
                let x = *r.frozen::<Range>();
                match slice::range_slice(x.start, x.step, i) {
                    Some((start, stop, step)) => self.range(start, stop, step),
                    None => self.range_slice(r, s)?,
                }
            }
        }))
    }

    fn get_open_slice(&mut self, r: &Ref, s: &Slice) -> Res<Value> {
        let bounds = self.slice_bounds(s)?;
        if r.is::<ByteArray>() {
            let b = r.with::<ByteArray, _>(&self.held, |b| Ok(pick(&b.0, at(b.0.len(), bounds)?)));
            let b = self.pure(b)?;
            return Ok(self.bytearray(b));
        }
        let items = r.with::<List, _>(&self.held, |l| Ok(pick(&l.items, at(l.items.len(), bounds)?)));
        let items = self.pure(items)?;
        Ok(self.list(items))
    }

    /// `range(start, stop, step)`; `step` is not zero.
    pub fn range(&mut self, start: i64, stop: i64, step: i64) -> Value {
        let Ok(len) = i64::try_from(slice::range_len(start, stop, step)) else {
            return self.range_of(start.into(), stop.into(), step.into());
        };
        Ref::new(&self.held, TypeId::Range.shape(), Range { start, stop, step, len }).into()
    }

    /// `list[slice] = v`.
    pub(super) fn set_list_slice(&mut self, r: &Ref, s: &Slice, v: &Value) -> Res<()> {
        let plain = matches!(&s.step, Value::None | Value::Int(1));
        let wrong = if plain { "can only assign an iterable" } else { "must assign iterable to extended slice" };
        let new = match self.collect(v) {
            Ok(new) => new,
            Err(e) => {
                if self.raised_is(TypeId::TypeError) && !self.iterable(v) {
                    drop(self.take_raised());
                    return Err(self.type_error(wrong));
                }
                return Err(e);
            }
        };
        let bounds = self.slice_bounds(s)?;
        let got = new.len();
        let done = r.with::<List, _>(&self.held, |l| {
            let i = at(l.items.len(), bounds)?;
            Ok(put(&mut l.items, i, new))
        });
        match self.pure(done)? {
            Ok(_old) => Ok(()),
            Err(want) => Err(self.uneven(got, want)),
        }
    }

    #[cold]
    fn uneven(&mut self, got: usize, want: usize) -> crate::vm::Raised {
        self.value_error(format!("attempt to assign sequence of size {got} to extended slice of size {want}"))
    }

    /// `bytearray[slice] = v`.
    pub(super) fn set_bytes_slice(&mut self, r: &Ref, s: &Slice, v: &Value) -> Res<()> {
        let new = match self.bytes_like(v) {
            Some(b) => b,
            None if matches!(v, Value::Obj(_)) && crate::vm::make::text(v).is_none() => {
                self.bytes_of_items(v, "byte")?
            }
            None => {
                return Err(self.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
            }
        };
        let bounds = self.slice_bounds(s)?;
        let got = new.len();
        let done = r.with::<ByteArray, _>(&self.held, |b| {
            let i = at(b.0.len(), bounds)?;
            Ok(put(&mut b.0, i, new))
        });
        match self.pure(done)? {
            Ok(_) => Ok(()),
            Err(want) => {
                let text = format!("attempt to assign bytes of size {got} to extended slice of size {want}");
                Err(self.value_error(text))
            }
        }
    }

    /// The bytes that an iterable of ints from 0 to 255 gives; `what` an error calls them.
    pub fn bytes_of_items(&mut self, v: &Value, what: &str) -> Res<Vec<u8>> {
        let mut out = Vec::new();
        let it = self.iter(v)?;
        while let Some(item) = self.next(&it)? {
            out.push(self.byte(&item, &format!("{what} must be in range(0, 256)"))?);
        }
        Ok(out)
    }

    /// `del sequence[slice]` of a list or bytearray.
    pub(super) fn del_slice(&mut self, r: &Ref, s: &Slice) -> Res<()> {
        let bounds = self.slice_bounds(s)?;
        if r.is::<ByteArray>() {
            let old = r.with::<ByteArray, _>(&self.held, |b| {
                let i = at(b.0.len(), bounds)?;
                Ok(remove(&mut b.0, i))
            });
            return self.pure(old).map(drop);
        }
        let old = r.with::<List, _>(&self.held, |l| {
            let i = at(l.items.len(), bounds)?;
            Ok(remove(&mut l.items, i))
        });
        self.pure(old).map(drop)
    }
}

/// The positions that bounds mean in a row of `len` items.
fn at(len: usize, (start, stop, step): Bounds) -> Result<Indices, PureError> {
    slice::indices(len, start, stop, step)
}

/// Puts new items in the place of a slice; gives the old ones, or how many an extended slice needs.
fn put<T>(items: &mut Vec<T>, i: Indices, new: Vec<T>) -> Result<Vec<T>, usize> {
    if i.step == 1 {
        return Ok(items.splice(i.start as usize..i.stop.max(i.start) as usize, new).collect());
    }
    if new.len() != i.len {
        return Err(i.len);
    }
    Ok(i.iter().zip(new).map(|(at, v)| std::mem::replace(&mut items[at], v)).collect())
}

fn pick<T: Clone>(items: &[T], i: Indices) -> Vec<T> {
    if i.step == 1 {
        return items[i.start as usize..i.start as usize + i.len].to_vec();
    }
    i.iter().map(|at| items[at].clone()).collect()
}

/// Takes the items at these positions out.
fn remove<T>(items: &mut Vec<T>, i: Indices) -> Vec<T> {
    let i = i.ascending();
    if i.len == 0 {
        return Vec::new();
    }
    if i.step == 1 {
        return items.drain(i.start as usize..i.start as usize + i.len).collect();
    }
    let (mut gone, mut kept) = (Vec::with_capacity(i.len), Vec::with_capacity(items.len() - i.len));
    let mut dead = i.iter().peekable();
    for (at, v) in items.drain(..).enumerate() {
        if dead.peek() == Some(&at) {
            dead.next();
            gone.push(v);
        } else {
            kept.push(v);
        }
    }
    *items = kept;
    gone
}
