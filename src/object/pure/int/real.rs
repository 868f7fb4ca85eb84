//! Where integers and floats meet: exact comparison, and conversion rounded once, to the even neighbour.

use super::{IntRef, IntVal};
use crate::object::pure::{PureError, Result};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Integers of at most this size convert to f64 without loss.
const EXACT: u64 = 1 << 53;

fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022.. => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::from_bits(1 << (exponent + 1074)),
    }
}

/// `word * 2 ** exponent`, rounded once to the even neighbour, also below the normal range; too large is infinite. Whoever
/// has more than 64 bits leaves the lost ones behind as a last bit that is set.
pub(in crate::object::pure) fn assemble(word: u64, exponent: i64) -> f64 {
    if word == 0 {
        return 0.0;
    }
    let last = (exponent + 64 - i64::from(word.leading_zeros()) - 53).max(-1074);
    let drop = last - exponent;
    if drop <= 0 {
        return word as f64 * power_of_two(exponent);
    }
    if drop > 64 {
        return 0.0;
    }
    let kept = word.checked_shr(drop as u32).unwrap_or(0);
    let half = 1u64 << (drop - 1);
    let lost = if drop == 64 { word } else { word & ((half << 1) - 1) };
    let up = lost > half || lost == half && kept & 1 == 1;
    (kept + u64::from(up)) as f64 * power_of_two(last)
}

/// The value rounded to the nearest float, ties to even; `None` when it is beyond the largest.
fn round_magnitude(big: &BigInt) -> Option<f64> {
    let bits = big.bits();
    if bits > 1024 {
        return None;
    }
    let drop = bits.saturating_sub(64);
    let magnitude = big.magnitude();
    let top = magnitude >> drop;
    let mut word = top.iter_u64_digits().next().unwrap_or(0);
    // A lost bit below stays visible as a last one, so that a tie is only seen where there is one.
    if drop > 0 && magnitude.trailing_zeros().unwrap_or(0) < drop {
        word |= 1;
    }
    let value = assemble(word, drop as i64);
    value.is_finite().then_some(value)
}

pub fn to_float(a: IntRef) -> Result<f64> {
    match a {
        IntRef::Small(x) => Ok(x as f64),
        IntRef::Big(x) => match round_magnitude(x) {
            Some(value) => Ok(if x.is_negative() { -value } else { value }),
            None => Err(PureError::overflow("int too large to convert to float")),
        },
    }
}

/// `int(x)`: toward zero.
pub fn from_float(x: f64) -> Result<IntVal> {
    if x.is_nan() {
        return Err(PureError::value("cannot convert float NaN to integer"));
    }
    if x.is_infinite() {
        return Err(PureError::overflow("cannot convert float infinity to integer"));
    }
    let x = x.trunc();
    if x >= -(2f64.powi(63)) && x < 2f64.powi(63) {
        return Ok(IntVal::Small(x as i64));
    }
    let bits = x.abs().to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let exponent = (bits >> 52) as i64 - 1075;
    let big = BigInt::from(mantissa) << exponent;
    Ok(IntVal::from(if x < 0.0 { -big } else { big }))
}

/// Exact, without rounding the integer; `None` against NaN.
pub fn cmp_float(a: IntRef, x: f64) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    if let IntRef::Small(small) = a
        && small.unsigned_abs() <= EXACT
    {
        return (small as f64).partial_cmp(&x);
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole = from_float(x).ok()?;
    let order = super::cmp(a, whole.borrow());
    let fraction = x - x.trunc();
    Some(order.then(if fraction > 0.0 {
        Ordering::Less
    } else if fraction < 0.0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    }))
}

/// `a / b`, rounded once.
pub fn true_div(a: IntRef, b: IntRef) -> Result<f64> {
    if b.is_zero() {
        return Err(PureError::zero("division by zero"));
    }
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && x.unsigned_abs() <= EXACT
        && y.unsigned_abs() <= EXACT
    {
        return Ok(x as f64 / y as f64);
    }
    let too_large = || PureError::overflow("integer division result too large for a float");
    let (x, y) = (a.widen(), b.widen());
    let (top, bottom) = (x.magnitude(), y.magnitude());
    let negative = a.is_negative() != b.is_negative();
    let spread = top.bits() as i64 - bottom.bits() as i64;
    if spread > 1024 {
        return Err(too_large());
    }
    if top.bits() == 0 || spread < -1076 {
        return Ok(if negative { -0.0 } else { 0.0 });
    }
    // The quotient gets 55 or 56 bits, fewer below the normal range; what the division lost stays as a last bit.
    let shift = (spread - 55).max(-1076);
    let (top, bottom) = if shift < 0 {
        (Cow::Owned(top << -shift), Cow::Borrowed(bottom))
    } else {
        (Cow::Borrowed(top), Cow::Owned(bottom << shift))
    };
    let (quotient, rest) = top.div_rem(&bottom);
    let word = quotient.iter_u64_digits().next().unwrap_or(0) | u64::from(!rest.is_zero());
    let value = assemble(word, shift);
    if value.is_infinite() {
        return Err(too_large());
    }
    Ok(if negative { -value } else { value })
}
