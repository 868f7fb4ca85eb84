//! Slices of the builtin sequences: taking, assigning, deleting.

use crate::object::pure::slice::{self, Indices};
use crate::object::pure::text;
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
            Kind::List | Kind::Tuple | Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::Range => {
                self.slice_of(s, r)?
            }
            _ => return Ok(None),
        };
        Ok(Some(match r.kind() {
            Kind::List => {
                let items = r.with::<List, _>(&self.held, |l| pick(&l.items, i));
                self.list(items)
            }
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
            Kind::ByteArray => {
                let b = r.with::<ByteArray, _>(&self.held, |b| pick(&b.0, i));
                self.bytearray(b)
            }
            _ => {
                let x = *r.frozen::<Range>();
                let Some((start, stop, step)) = slice::range_slice(x.start, x.step, i) else {
                    return Err(self.raise(TypeId::OverflowError, "Kit's range has bounds of at most 64 bits"));
                };
                self.range(start, stop, step)
            }
        }))
    }

    /// `range(start, stop, step)`; `step` is not zero.
    pub fn range(&mut self, start: i64, stop: i64, step: i64) -> Value {
        let len = slice::range_len(start, stop, step).min(i64::MAX as u64) as i64;
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
        let i = self.slice_of(s, r)?;
        if i.step == 1 {
            let (start, stop) = (i.start as usize, i.stop.max(i.start) as usize);
            let old: Vec<Value> = r.with::<List, _>(&self.held, |l| l.items.splice(start..stop, new).collect());
            drop(old);
            return Ok(());
        }
        if new.len() != i.len {
            return Err(self.uneven(new.len(), i.len));
        }
        let old: Vec<Value> = r.with::<List, _>(&self.held, |l| {
            i.iter().zip(new).map(|(at, v)| std::mem::replace(&mut l.items[at], v)).collect()
        });
        drop(old);
        Ok(())
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
        let i = self.slice_of(s, r)?;
        if i.step == 1 {
            let (start, stop) = (i.start as usize, i.stop.max(i.start) as usize);
            r.with::<ByteArray, _>(&self.held, |b| drop(b.0.splice(start..stop, new)));
            return Ok(());
        }
        if new.len() != i.len {
            let text = format!("attempt to assign bytes of size {} to extended slice of size {}", new.len(), i.len);
            return Err(self.value_error(text));
        }
        r.with::<ByteArray, _>(&self.held, |b| i.iter().zip(new).for_each(|(at, v)| b.0[at] = v));
        Ok(())
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
        let i = self.slice_of(s, r)?;
        if r.is::<ByteArray>() {
            r.with::<ByteArray, _>(&self.held, |b| drop(remove(&mut b.0, i)));
            return Ok(());
        }
        let old = r.with::<List, _>(&self.held, |l| remove(&mut l.items, i));
        drop(old);
        Ok(())
    }
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
