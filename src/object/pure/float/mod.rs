//! Floats as Python computes and writes them.
//!
//! F1. Every conversion between decimal and binary rounds once, ties to even: `repr` gives the shortest digits that read
//!     back (zmij), fixed digits come from the exact expansion (`core::fmt`).
//! F2. Division rounds the quotient down; the remainder has the divisor's sign, also when it is zero.
//! F3. There are no complex numbers: a negative base under a fractional exponent is refused.
//!
//! Not here: conversion from int and comparison with it (`int/real.rs`), hashes (`hash.rs`), format specs (`format/`).

use super::int::{self, IntVal};
use super::{PureError, Result};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::One;
use std::cmp::Ordering;

mod text;

#[cfg(test)]
mod tests;

pub(super) use text::{Digits, shortest};
pub use text::{from_hex, parse, repr, to_hex};

pub fn true_div(x: f64, y: f64) -> Result<f64> {
    if y == 0.0 {
        return Err(PureError::zero("float division by zero"));
    }
    Ok(x / y)
}

pub fn floor_div(x: f64, y: f64) -> Result<f64> {
    if y == 0.0 {
        return Err(PureError::zero("float floor division by zero"));
    }
    Ok(quotient_and_rest(x, y).0)
}

pub fn modulo(x: f64, y: f64) -> Result<f64> {
    if y == 0.0 {
        return Err(PureError::zero("float modulo"));
    }
    Ok(rest(x, y))
}

pub fn div_mod(x: f64, y: f64) -> Result<(f64, f64)> {
    if y == 0.0 {
        return Err(PureError::zero("float divmod()"));
    }
    Ok(quotient_and_rest(x, y))
}

fn rest(x: f64, y: f64) -> f64 {
    let rest = x % y;
    if rest == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (rest < 0.0) {
        rest + y
    } else {
        rest
    }
}

/// The quotient from the remainder, so that `q * y + r` is `x` again as nearly as can be.
fn quotient_and_rest(x: f64, y: f64) -> (f64, f64) {
    let mut rest = x % y;
    let mut quotient = (x - rest) / y;
    if rest == 0.0 {
        rest = 0f64.copysign(y);
    } else if (y < 0.0) != (rest < 0.0) {
        rest += y;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(x / y), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// `x ** y`, with the special values decided before the C library is asked, as CPython does.
pub fn pow(x: f64, y: f64) -> Result<f64> {
    if y == 0.0 || x == 1.0 {
        return Ok(1.0);
    }
    if x.is_nan() || y.is_nan() {
        return Ok(f64::NAN);
    }
    let odd = y % 2.0 != 0.0 && y.floor() == y;
    if y.is_infinite() {
        let size = x.abs();
        return Ok(match size == 1.0 {
            true => 1.0,
            false if (y > 0.0) == (size > 1.0) => f64::INFINITY,
            false => 0.0,
        });
    }
    if x.is_infinite() {
        let size = if y > 0.0 { f64::INFINITY } else { 0.0 };
        return Ok(if odd { size.copysign(x) } else { size });
    }
    if x == 0.0 {
        if y < 0.0 {
            return Err(PureError::zero("0.0 cannot be raised to a negative power"));
        }
        return Ok(if odd { x } else { 0.0 });
    }
    if x < 0.0 && y.floor() != y {
        return Err(PureError::value(
            "negative number cannot be raised to a fractional power: Kit has no complex numbers",
        ));
    }
    let size = x.abs().powf(y);
    if size.is_infinite() {
        return Err(PureError::overflow("(34, 'Numerical result out of range')"));
    }
    Ok(if x < 0.0 && odd { -size } else { size })
}

/// `round(x)`: ties to even.
pub fn round(x: f64) -> Result<IntVal> {
    int::from_float(x.round_ties_even())
}

/// `round(x, digits)`: the exact decimal value is rounded, ties to even, and read back.
pub fn round_digits(x: f64, digits: i64) -> Result<f64> {
    // Beyond these CPython does not look: nothing to round, and everything.
    if !x.is_finite() || digits > 323 {
        return Ok(x);
    }
    if digits < -308 {
        return Ok(0.0 * x);
    }
    if digits >= 0 {
        let text = format!("{:.*}", digits as usize, x);
        return text.parse().map_err(|_| PureError::value(text));
    }
    let step = BigInt::from(10).pow(digits.unsigned_abs() as u32);
    let whole = int::from_float(x.abs())?;
    let (quotient, rest) = whole.borrow().widen().div_rem(&step);
    let up = match (&rest + &rest).cmp(&step) {
        Ordering::Less => false,
        Ordering::Equal => x.fract() != 0.0 || quotient.is_odd(),
        Ordering::Greater => true,
    };
    let rounded = IntVal::from((if up { quotient + 1 } else { quotient }) * step);
    let size =
        int::to_float(rounded.borrow()).map_err(|_| PureError::overflow("rounded value too large to represent"))?;
    Ok(size.copysign(x))
}

pub fn is_integer(x: f64) -> bool {
    x.is_finite() && x.floor() == x
}

/// Numerator and denominator of the exact value, in lowest terms.
pub fn as_integer_ratio(x: f64) -> Result<(IntVal, IntVal)> {
    if x.is_nan() {
        return Err(PureError::value("cannot convert NaN to integer ratio"));
    }
    if x.is_infinite() {
        return Err(PureError::overflow("cannot convert Infinity to integer ratio"));
    }
    if x.floor() == x {
        return Ok((int::from_float(x)?, IntVal::Small(1)));
    }
    let (mantissa, exponent) = decode(x);
    let zeros = i64::from(mantissa.trailing_zeros());
    let size = BigInt::from(mantissa >> zeros);
    let numerator = if x < 0.0 { -size } else { size };
    Ok((numerator.into(), (BigInt::one() << -(exponent + zeros)).into()))
}

/// Finite `|x|` as `mantissa * 2 ** exponent`.
pub(super) fn decode(x: f64) -> (u64, i64) {
    let bits = x.abs().to_bits();
    match bits >> 52 {
        0 => (bits, -1074),
        field => ((bits & ((1 << 52) - 1)) | (1 << 52), field as i64 - 1075),
    }
}
