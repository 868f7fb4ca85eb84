//! Ranges with a bound, a step or a length beyond 64 bits; all others are `Range` and never come here.

use crate::object::pure::hash as pure;
use crate::object::pure::int::IntVal;
use crate::object::types::*;
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::make::int_of;
use crate::vm::{Res, Thread};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// The facts of a range of either kind.
fn facts(r: &Ref) -> [BigInt; 4] {
    match r.kind() {
        Kind::Range => {
            let x = *r.frozen::<Range>();
            [x.start, x.stop, x.step, x.len].map(BigInt::from)
        }
        _ => {
            let x = r.frozen::<LongRange>();
            [&x.start, &x.stop, &x.step, &x.len].map(BigInt::clone)
        }
    }
}

/// Do two ranges have the same items?
pub(super) fn equal(x: &Ref, y: &Ref) -> bool {
    let ([a, _, p, m], [b, _, q, n]) = (facts(x), facts(y));
    m == n && (m.is_zero() || (a == b && (m.is_one() || p == q)))
}

/// The position of an int in a long range.
pub fn index_of(r: &Ref, item: &Value) -> Option<BigInt> {
    let [start, _, step, len] = facts(r);
    let (nth, rest) = (&*int_of(item)?.widen() - start).div_mod_floor(&step);
    (rest.is_zero() && !nth.is_negative() && nth < len).then_some(nth)
}

pub(super) fn long_range_repr(x: &LongRange) -> String {
    if x.step.is_one() {
        return format!("range({}, {})", x.start, x.stop);
    }
    format!("range({}, {}, {})", x.start, x.stop, x.step)
}

fn len_of(start: &BigInt, stop: &BigInt, step: &BigInt) -> BigInt {
    let span = if step.is_negative() { start - stop } else { stop - start };
    if !span.is_positive() {
        return BigInt::zero();
    }
    (span - 1u8).div_floor(&step.abs()) + 1u8
}

impl Thread {
    /// `range(start, stop, step)`; `step` is not zero.
    pub fn range_of(&mut self, start: IntVal, stop: IntVal, step: IntVal) -> Value {
        let (start, stop, step) = (start.borrow().widen(), stop.borrow().widen(), step.borrow().widen());
        let len = len_of(&start, &stop, &step);
        let small = |i: &BigInt| i64::try_from(i).ok();
        if let (Some(start), Some(stop), Some(step), Some(len)) =
            (small(&start), small(&stop), small(&step), small(&len))
        {
            return Ref::new(&self.held, TypeId::Range.shape(), Range { start, stop, step, len }).into();
        }
        let x = LongRange { start: start.into_owned(), stop: stop.into_owned(), step: step.into_owned(), len };
        Ref::new(&self.held, TypeId::Range.shape(), x).into()
    }

    pub(super) fn hash_long_range(&mut self, r: &Ref) -> Res<i64> {
        let x = r.frozen::<LongRange>();
        let of = |i: &BigInt| pure::int(IntVal::from(i.clone()).borrow());
        let none = self.hash(&Value::None)?;
        let (start, step) = match (x.len.is_zero(), x.len.is_one()) {
            (true, _) => (none, none),
            (_, true) => (of(&x.start), none),
            _ => (of(&x.start), of(&x.step)),
        };
        Ok(pure::tuple([of(&x.len), start, step]))
    }

    /// `range[key]` of a long range: an item or a slice.
    pub(super) fn long_range_item(&mut self, r: &Ref, key: &Value) -> Res<Value> {
        if let Some(s) = key.as_ref().and_then(|k| k.get::<Slice>()) {
            return self.range_slice(r, s);
        }
        let [start, _, step, len] = facts(r);
        let Some(i) = self.try_index(key)? else {
            let got = self.type_name(key);
            return Err(self.type_error(format!("range indices must be integers or slices, not {got}")));
        };
        let i = i.borrow().widen().into_owned();
        let at = if i.is_negative() { i + &len } else { i };
        if at.is_negative() || at >= len {
            return Err(self.index_error("range object index out of range"));
        }
        Ok(self.int((start + at * step).into()))
    }

    /// `range[slice]`, whatever the size of the numbers.
    pub(super) fn range_slice(&mut self, r: &Ref, s: &Slice) -> Res<Value> {
        let [first, _, stride, len] = facts(r);
        let [step, start, stop] = [&s.step, &s.start, &s.stop];
        let step = self.slice_part(step)?.unwrap_or_else(BigInt::one);
        if step.is_zero() {
            return Err(self.value_error("slice step cannot be zero"));
        }
        let (low, high) = if step.is_negative() { (-BigInt::one(), &len - 1) } else { (BigInt::zero(), len.clone()) };
        let settle = |bound: Option<BigInt>, absent: &BigInt| match bound {
            None => absent.clone(),
            Some(b) if b.is_negative() => (b + &len).max(low.clone()),
            Some(b) => b.min(high.clone()),
        };
        let (begin, end) = if step.is_negative() { (&high, &low) } else { (&low, &high) };
        let (start, stop) = (self.slice_part(start)?, self.slice_part(stop)?);
        let (start, stop) = (settle(start, begin), settle(stop, end));
        let item = |nth: &BigInt| IntVal::from(&first + nth * &stride);
        Ok(self.range_of(item(&start), item(&stop), (&step * &stride).into()))
    }

    fn slice_part(&mut self, v: &Value) -> Res<Option<BigInt>> {
        if v.is_none() {
            return Ok(None);
        }
        match self.try_index(v)? {
            Some(i) => Ok(Some(i.borrow().widen().into_owned())),
            None => Err(self.type_error("slice indices must be integers or None or have an __index__ method")),
        }
    }

    /// `start`, `stop` or `step` of a long range.
    pub(in crate::vm) fn long_range_attr(&mut self, r: &Ref, attr: &str) -> Option<Value> {
        let x = r.frozen::<LongRange>();
        let i = match attr {
            "start" => &x.start,
            "stop" => &x.stop,
            "step" => &x.step,
            _ => return None,
        };
        Some(self.int(i.clone().into()))
    }
}
