//! `collections.deque`: what operators and builtins do with one. Its methods are in `stdlib/types/deque.rs`.
//!
//! Each change is made in one opening, so with the lock off no item is lost; where a script compares, the
//! deque is closed meanwhile and its version tells whether it has changed.

use super::compare::{CmpOp, plain};
use super::scripted;
use crate::object::deque::Deque;
use crate::object::pure::slice;
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::{Res, Thread};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// What CPython says when a comparison has changed the deque that is looked through.
pub const MUTATED: &str = "deque mutated during iteration";
const RANGE: &str = "deque index out of range";

impl Thread {
    pub fn new_deque(&mut self, items: VecDeque<Value>, max: Option<usize>) -> Value {
        Ref::new(&self.held, TypeId::Deque.shape(), Deque { items, max, ..Deque::default() }).into()
    }

    pub fn deque_items(&self, r: &Ref) -> Vec<Value> {
        r.with::<Deque, _>(&self.held, |d| d.items.iter().cloned().collect())
    }

    fn deque_position(&mut self, key: &Value) -> Res<i64> {
        match self.try_index(key)? {
            Some(i) => match i.borrow().to_i64() {
                Some(i) => Ok(i),
                None => Err(self.does_not_fit(key, TypeId::IndexError)),
            },
            None => {
                let got = self.type_name(key);
                Err(self.type_error(format!("sequence index must be integer, not '{got}'")))
            }
        }
    }

    /// `deque[key]`.
    pub(super) fn deque_get(&mut self, r: &Ref, key: &Value) -> Res<Value> {
        let i = self.deque_position(key)?;
        let found =
            r.with::<Deque, _>(&self.held, |d| slice::index(d.items.len(), i).and_then(|at| d.items.get(at).cloned()));
        found.ok_or_else(|| self.index_error(RANGE))
    }

    /// `deque[key] = v`.
    pub(super) fn deque_set(&mut self, r: &Ref, key: &Value, v: Value) -> Res<()> {
        let i = self.deque_position(key)?;
        let old = r.with::<Deque, _>(&self.held, |d| {
            let at = slice::index(d.items.len(), i)?;
            Some(std::mem::replace(&mut d.items[at], v))
        });
        old.map(drop).ok_or_else(|| self.index_error(RANGE))
    }

    /// `del deque[key]`.
    pub(super) fn deque_delete(&mut self, r: &Ref, key: &Value) -> Res<()> {
        let i = self.deque_position(key)?;
        let old = r.with::<Deque, _>(&self.held, |d| {
            let at = slice::index(d.items.len(), i)?;
            d.version += 1;
            d.items.remove(at)
        });
        old.map(drop).ok_or_else(|| self.index_error(RANGE))
    }

    /// The first position from `start` below `stop` of an equal item; `f` is called with the deque still open
    /// when no script code compared. `Err(None)`: a comparison has changed the deque.
    pub fn deque_find(
        &mut self,
        r: &Ref,
        item: &Value,
        start: usize,
        stop: usize,
        mut f: impl FnMut(&mut Deque, usize),
    ) -> Res<Result<Option<usize>, ()>> {
        let mut at = start;
        let mut begun = None;
        loop {
            let next = r.with::<Deque, _>(&self.held, |d| {
                if *begun.get_or_insert(d.version) != d.version {
                    return Err(());
                }
                let end = d.items.len().min(stop);
                while at < end {
                    let v = &d.items[at];
                    let same = if v.same(item) { Some(true) } else { plain(CmpOp::Eq, v, item) };
                    match same {
                        Some(true) => {
                            f(d, at);
                            return Ok(Some(None));
                        }
                        Some(false) => at += 1,
                        None => return Ok(Some(Some(v.clone()))),
                    }
                }
                Ok(None)
            });
            match next {
                Err(()) => return Ok(Err(())),
                Ok(None) => return Ok(Ok(None)),
                Ok(Some(None)) => return Ok(Ok(Some(at))),
                Ok(Some(Some(v))) => {
                    let same = self.equal(&v, item)?;
                    let unchanged = r.with::<Deque, _>(&self.held, |d| begun == Some(d.version));
                    match (unchanged, same) {
                        (false, _) => return Ok(Err(())),
                        (true, true) => return Ok(Ok(Some(at))),
                        (true, false) => at += 1,
                    }
                }
            }
        }
    }

    /// `item in deque`.
    pub(super) fn deque_contains(&mut self, r: &Ref, item: &Value) -> Res<bool> {
        match self.deque_find(r, item, 0, usize::MAX, |_, _| ())? {
            Ok(found) => Ok(found.is_some()),
            Err(()) => Err(self.runtime_error(MUTATED)),
        }
    }

    /// The first items that differ, or else how the lengths compare.
    pub(super) fn differing_items(&mut self, op: CmpOp, x: &Ref, y: &Ref) -> Res<Result<(Value, Value), bool>> {
        let facts = |th: &Thread, r: &Ref| r.with::<Deque, _>(&th.held, |d| (d.items.len(), d.version));
        let (begun_x, begun_y) = (facts(self, x), facts(self, y));
        if op.is_equality() && begun_x.0 != begun_y.0 {
            return Ok(Err(op == CmpOp::Ne));
        }
        if x.same(y) {
            return Ok(Err(op.holds(Ordering::Equal)));
        }
        let mut at = 0;
        loop {
            let item = |th: &Thread, r: &Ref| r.with::<Deque, _>(&th.held, |d| d.items.get(at).cloned());
            let (Some(p), Some(q)) = (item(self, x), item(self, y)) else {
                return Ok(Err(op.holds(begun_x.0.cmp(&begun_y.0))));
            };
            let same = self.same_or_equal(&p, &q)?;
            if facts(self, x) != begun_x || facts(self, y) != begun_y {
                return Err(self.runtime_error(MUTATED));
            }
            if !same {
                return Ok(Ok((p, q)));
            }
            at += 1;
        }
    }

    /// A new deque of the same class and greatest length.
    pub fn deque_copy(&mut self, this: &Value) -> Res<Value> {
        let Value::Obj(r) = this else { return Ok(Value::None) };
        let (items, max) = r.with::<Deque, _>(&self.held, |d| (d.items.clone(), d.max));
        if !scripted(this) {
            return Ok(self.new_deque(items, max));
        }
        let class = self.class_of(r).into();
        match max {
            None => self.call(&class, std::slice::from_ref(this)),
            Some(max) => self.call(&class, &[this.clone(), Value::Int(max as i64)]),
        }
    }

    /// `deque.extend(v)` and `deque += v`, or `extendleft`.
    pub fn deque_extend(&mut self, r: &Ref, v: &Value, left: bool) -> Res<()> {
        let push = |d: &mut Deque, v: Value| if left { d.push_left(v) } else { d.push(v) };
        if let Value::Obj(o) = v
            && !scripted(v)
            && matches!(o.kind(), Kind::List | Kind::Tuple | Kind::Range | Kind::Dict | Kind::Set | Kind::Deque)
        {
            let items = self.collect(v)?;
            self.room_for(items.len())?;
            let out: Vec<Value> =
                r.with::<Deque, _>(&self.held, |d| items.into_iter().filter_map(|v| push(d, v)).collect());
            drop(out);
            return Ok(());
        }
        let it = if v.as_ref().is_some_and(|o| o.same(r)) {
            let items = self.deque_items(r);
            let all = self.list(items);
            self.iter(&all)?
        } else {
            self.iter(v)?
        };
        while let Some(v) = self.next(&it)? {
            let out = r.with::<Deque, _>(&self.held, |d| push(d, v));
            drop(out);
        }
        Ok(())
    }

    /// `deque + other`.
    pub(super) fn deque_concat(&mut self, a: &Value, b: &Value) -> Res<Value> {
        if !b.as_ref().is_some_and(|r| r.is::<Deque>()) {
            let got = self.type_name(b);
            return Err(self.type_error(format!("can only concatenate deque (not \"{got}\") to deque")));
        }
        let new = self.deque_copy(a)?;
        if let Value::Obj(r) = &new
            && r.is::<Deque>()
        {
            self.deque_extend(r, b, false)?;
        }
        Ok(new)
    }

    /// `deque *= times`.
    pub(super) fn deque_repeat(&mut self, r: &Ref, times: usize) -> Res<()> {
        let (len, max) = r.with::<Deque, _>(&self.held, |d| (d.items.len(), d.max));
        // What would be pushed out at once is not made.
        let times = match max {
            Some(max) if len > 0 => times.min(max.div_ceil(len)),
            _ => times,
        };
        if len.saturating_mul(times) > 1 << 31 {
            return Err(self.raise_with(TypeId::MemoryError, Vec::new()));
        }
        self.room_for(len * times)?;
        let old = r.with::<Deque, _>(&self.held, |d| {
            d.version += 1;
            let one: Vec<Value> = d.items.iter().cloned().collect();
            let many = one.len() * times;
            let skip = d.max.map_or(0, |max| many.saturating_sub(max));
            let new = one.iter().cycle().take(many).skip(skip).cloned().collect();
            (std::mem::replace(&mut d.items, new), one)
        });
        drop(old);
        Ok(())
    }
}
