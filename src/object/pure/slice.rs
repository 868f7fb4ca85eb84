//! Index arithmetic of slices and ranges.

use super::int::{self, IntRef, IntVal};
use super::{PureError, Result};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// A slice applied to a length: `len` items from `start` on, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indices {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    pub len: usize,
}

impl Indices {
    /// The positions, in slice order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        (0..self.len).map(move |nth| (self.start + nth as i64 * self.step) as usize)
    }

    /// The same positions from low to high, with a positive step.
    pub fn ascending(self) -> Indices {
        if self.step > 0 || self.len == 0 {
            return self;
        }
        let low = self.start + (self.len as i64 - 1) * self.step;
        Indices { start: low, stop: self.start + 1, step: -self.step, len: self.len }
    }
}

/// `slice(start, stop, step)` on `len` items; `None` is an absent bound. Bounds beyond 64 bits come clamped.
pub fn indices(len: usize, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Result<Indices> {
    // The most negative step cannot be negated; no length tells it from its neighbour.
    let step = step.unwrap_or(1).max(-i64::MAX);
    if step == 0 {
        return Err(PureError::value("slice step cannot be zero"));
    }
    let size = len as i64;
    let (low, high) = if step < 0 { (-1, size - 1) } else { (0, size) };
    let settle = |bound: Option<i64>, absent: i64| match bound {
        None => absent,
        Some(bound) if bound < 0 => bound.saturating_add(size).max(low),
        Some(bound) => bound.min(high),
    };
    let (first, last) = if step < 0 { (high, low) } else { (low, high) };
    let (start, stop) = (settle(start, first), settle(stop, last));
    Ok(Indices { start, stop, step, len: range_len(start, stop, step) as usize })
}

/// `items[index]`: the position, counted from the end when negative.
pub fn index(len: usize, index: i64) -> Option<usize> {
    let at = if index < 0 { index.checked_add(len as i64)? } else { index };
    usize::try_from(at).ok().filter(|at| *at < len)
}

/// Bounds of `find`, `index`, `startswith` and `insert`: pinned into the sequence, negative from the end; `start` may pass
/// `end`, and then nothing is found.
pub fn bounds(len: usize, start: i64, end: i64) -> (usize, usize) {
    let size = len as i64;
    let settle = |bound: i64| {
        if bound < 0 { bound.saturating_add(size).max(0) } else { bound }
    };
    (settle(start) as usize, settle(end).min(size) as usize)
}

/// How many items `range(start, stop, step)` has; `step` is not zero.
pub fn range_len(start: i64, stop: i64, step: i64) -> u64 {
    let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
    if low >= high {
        return 0;
    }
    (high.wrapping_sub(low) as u64 - 1) / step.unsigned_abs() + 1
}

/// Item `nth` of a range that has it. Items lie between the bounds, so the wrapping steps end where they should.
#[inline]
pub fn range_item(start: i64, step: i64, nth: u64) -> i64 {
    start.wrapping_add((nth as i64).wrapping_mul(step))
}

/// Where `value` stands in the range.
pub fn range_index(start: i64, stop: i64, step: i64, value: i64) -> Option<u64> {
    let inside = if step > 0 { (start..stop).contains(&value) } else { stop < value && value <= start };
    let away = if step > 0 { value.wrapping_sub(start) } else { start.wrapping_sub(value) } as u64;
    (inside && away.is_multiple_of(step.unsigned_abs())).then(|| away / step.unsigned_abs())
}

/// The range `range(start, stop, step)[slice]`. `None` when a bound leaves 64 bits.
pub fn range_slice(start: i64, step: i64, slice: Indices) -> Option<(i64, i64, i64)> {
    let item = |nth: i64| i64::try_from(i128::from(start) + i128::from(nth) * i128::from(step)).ok();
    Some((item(slice.start)?, item(slice.stop)?, step.checked_mul(slice.step)?))
}

/// `range_len` without bounds on the ints.
pub fn range_len_big(start: IntRef, stop: IntRef, step: IntRef) -> IntVal {
    if let (IntRef::Small(start), IntRef::Small(stop), IntRef::Small(step)) = (start, stop, step) {
        return BigInt::from(range_len(start, stop, step)).into();
    }
    let (start, stop, step) = (start.widen(), stop.widen(), step.widen());
    let span = if step.is_negative() { &*start - &*stop } else { &*stop - &*start };
    if !span.is_positive() {
        return IntVal::Small(0);
    }
    ((span - 1u8).div_floor(&step.abs()) + BigInt::one()).into()
}

/// `range_item` without bounds on the ints.
pub fn range_item_big(start: IntRef, step: IntRef, nth: IntRef) -> IntVal {
    int::add(start, int::mul(nth, step).borrow())
}

/// `range_index` without bounds on the ints.
pub fn range_index_big(start: IntRef, stop: IntRef, step: IntRef, value: IntRef) -> Option<IntVal> {
    let (first, last, step, value) = (start.widen(), stop.widen(), step.widen(), value.widen());
    let inside =
        if step.is_positive() { *first <= *value && *value < *last } else { *last < *value && *value <= *first };
    let (nth, rest) = (&*value - &*first).div_mod_floor(&step);
    (inside && rest.is_zero()).then(|| nth.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_as_cpython() {
        // (start, stop, step) on 5 items, and what slice.indices says.
        for (bounds, expected, len) in [
            ((None, None, None), (0, 5, 1), 5),
            ((None, None, Some(-1)), (4, -1, -1), 5),
            ((Some(-2), None, None), (3, 5, 1), 2),
            ((Some(10), Some(-10), Some(-2)), (4, -1, -2), 3),
            ((Some(i64::MIN), Some(i64::MAX), Some(i64::MAX)), (0, 5, i64::MAX), 1),
            ((Some(3), Some(1), None), (3, 1, 1), 0),
            ((Some(-9), Some(2), Some(-1)), (-1, 2, -1), 0),
            ((None, None, Some(i64::MIN)), (4, -1, -i64::MAX), 1),
        ] {
            let (start, stop, step) = bounds;
            let found = indices(5, start, stop, step).unwrap();
            assert_eq!(((found.start, found.stop, found.step), found.len), (expected, len));
        }
        assert_eq!(indices(5, None, None, Some(0)).unwrap_err().msg, "slice step cannot be zero");
        let back = indices(5, None, None, Some(-2)).unwrap();
        assert_eq!(back.iter().collect::<Vec<_>>(), [4, 2, 0]);
        assert_eq!(back.ascending().iter().collect::<Vec<_>>(), [0, 2, 4]);
    }

    #[test]
    fn positions() {
        assert_eq!(index(3, -1), Some(2));
        assert_eq!(index(3, 3), None);
        assert_eq!(index(3, i64::MIN), None);
        assert_eq!(bounds(3, -5, i64::MAX), (0, 3));
        assert_eq!(bounds(3, 9, -1), (9, 2));
    }

    #[test]
    fn ranges() {
        assert_eq!(range_len(0, 10, 3), 4);
        assert_eq!(range_len(10, 0, -3), 4);
        assert_eq!(range_len(i64::MIN, i64::MAX, 1), u64::MAX);
        assert_eq!(range_len(i64::MAX, i64::MIN, i64::MIN), 2);
        assert_eq!(range_item(i64::MIN, 1, u64::MAX - 1), i64::MAX - 1);
        assert_eq!(range_index(10, 0, -3, 4), Some(2));
        assert_eq!(range_index(0, 10, 3, 10), None);
        assert_eq!(range_index(0, 10, 3, 5), None);
        let slice = indices(4, None, None, Some(-1)).unwrap();
        assert_eq!(range_slice(0, 3, slice), Some((9, -3, -3)));
        let big = int::parse("100000000000000000000", 10, 0).unwrap();
        let (zero, step) = (IntRef::Small(0), IntRef::Small(3));
        assert_eq!(
            int::to_decimal(range_len_big(zero, big.borrow(), step).borrow(), 0).unwrap(),
            "33333333333333333334"
        );
        assert_eq!(range_index_big(zero, big.borrow(), step, IntRef::Small(9)), Some(IntVal::Small(3)));
        assert_eq!(range_index_big(big.borrow(), zero, IntRef::Small(-1), IntRef::Small(0)), None);
        assert_eq!(range_item_big(zero, step, IntRef::Small(7)), IntVal::Small(21));
    }
}
