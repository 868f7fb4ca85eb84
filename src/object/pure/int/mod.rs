//! Integers without bound: 64 bits inline, num-bigint beyond.
//!
//! I1. `IntVal` is `Small` whenever the value fits an `i64` (P2 of the folder), so equality of representations is equality
//!     of values.
//! I2. The short way (both small, no overflow) never allocates.
//! I3. No result may exceed `BITS_MAX`; `pow` and `<<` refuse before they compute.
//!
//! Division follows Python: the quotient is rounded down, the remainder has the divisor's sign.
//! Not here: hashes (`hash.rs`), format specs (`format/`), `round` of floats (`float/`).

use super::{PureError, Result};
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::borrow::Cow;
use std::cmp::Ordering;

mod real;
mod text;

#[cfg(test)]
mod tests;

pub(super) use real::assemble;
pub use real::{cmp_float, from_float, to_float, true_div};
pub use text::{MAX_STR_DIGITS, from_bytes, from_digits, parse, to_bytes, to_decimal, to_radix};
pub(super) use text::{fold_digits, without_underscores};

/// Half a gigabyte: CPython runs out of memory somewhere above, Kit says so before.
const BITS_MAX: u64 = 1 << 32;

/// An integer of an object, by reference.
#[derive(Clone, Copy, Debug)]
pub enum IntRef<'a> {
    Small(i64),
    Big(&'a BigInt),
}

/// An integer on its way into an object (I1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntVal {
    Small(i64),
    Big(BigInt),
}

/// What `**` gives: an int, or a float when the exponent is negative.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    Int(IntVal),
    Float(f64),
}

impl From<BigInt> for IntVal {
    fn from(big: BigInt) -> Self {
        match big.to_i64() {
            Some(small) => IntVal::Small(small),
            None => IntVal::Big(big),
        }
    }
}

impl From<i64> for IntVal {
    fn from(small: i64) -> Self {
        IntVal::Small(small)
    }
}

impl IntVal {
    pub fn borrow(&self) -> IntRef<'_> {
        match self {
            IntVal::Small(small) => IntRef::Small(*small),
            IntVal::Big(big) => IntRef::Big(big),
        }
    }
}

impl<'a> IntRef<'a> {
    pub fn to_val(self) -> IntVal {
        match self {
            IntRef::Small(small) => IntVal::Small(small),
            IntRef::Big(big) => IntVal::from(big.clone()),
        }
    }

    pub fn widen(self) -> Cow<'a, BigInt> {
        match self {
            IntRef::Small(small) => Cow::Owned(BigInt::from(small)),
            IntRef::Big(big) => Cow::Borrowed(big),
        }
    }

    pub fn is_zero(self) -> bool {
        match self {
            IntRef::Small(small) => small == 0,
            IntRef::Big(big) => big.is_zero(),
        }
    }

    pub fn is_negative(self) -> bool {
        match self {
            IntRef::Small(small) => small < 0,
            IntRef::Big(big) => big.is_negative(),
        }
    }

    pub fn to_i64(self) -> Option<i64> {
        match self {
            IntRef::Small(small) => Some(small),
            IntRef::Big(big) => big.to_i64(),
        }
    }

    /// As an index or a count; what does not fit is pinned to the nearer end, as slices do.
    pub fn clamp_i64(self) -> i64 {
        match self.to_i64() {
            Some(small) => small,
            None if self.is_negative() => i64::MIN,
            None => i64::MAX,
        }
    }
}

fn wide(a: IntRef, b: IntRef, op: impl FnOnce(&BigInt, &BigInt) -> BigInt) -> IntVal {
    IntVal::from(op(&a.widen(), &b.widen()))
}

macro_rules! checked {
    ($($(#[$doc:meta])* $name:ident = $small:ident, $op:tt;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(a: IntRef, b: IntRef) -> IntVal {
            if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
                && let Some(small) = x.$small(y)
            {
                return IntVal::Small(small);
            }
            wide(a, b, |x, y| x $op y)
        }
    )*};
}

checked! {
    add = checked_add, +;
    sub = checked_sub, -;
    mul = checked_mul, *;
}

macro_rules! bitwise {
    ($($name:ident $op:tt;)*) => {$(
        /// On two's complement with endless sign bits.
        pub fn $name(a: IntRef, b: IntRef) -> IntVal {
            match (a, b) {
                (IntRef::Small(x), IntRef::Small(y)) => IntVal::Small(x $op y),
                _ => wide(a, b, |x, y| x $op y),
            }
        }
    )*};
}

bitwise! { and &; or |; xor ^; }

/// Rounds down. `None` when it overflows; `y` is not zero.
fn small_floor_div(x: i64, y: i64) -> Option<i64> {
    let quotient = x.checked_div(y)?;
    Some(if x % y != 0 && (x < 0) != (y < 0) { quotient - 1 } else { quotient })
}

fn small_mod(x: i64, y: i64) -> i64 {
    let rest = x.wrapping_rem(y);
    if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }
}

pub fn floor_div(a: IntRef, b: IntRef) -> Result<IntVal> {
    if b.is_zero() {
        return Err(PureError::zero("integer division or modulo by zero"));
    }
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some(quotient) = small_floor_div(x, y)
    {
        return Ok(IntVal::Small(quotient));
    }
    Ok(wide(a, b, |x, y| x.div_floor(y)))
}

/// `%`: the result has the sign of `b`.
pub fn modulo(a: IntRef, b: IntRef) -> Result<IntVal> {
    if b.is_zero() {
        return Err(PureError::zero("integer modulo by zero"));
    }
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b) {
        return Ok(IntVal::Small(small_mod(x, y)));
    }
    Ok(wide(a, b, |x, y| x.mod_floor(y)))
}

pub fn div_mod(a: IntRef, b: IntRef) -> Result<(IntVal, IntVal)> {
    if b.is_zero() {
        return Err(PureError::zero("integer division or modulo by zero"));
    }
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some(quotient) = small_floor_div(x, y)
    {
        return Ok((IntVal::Small(quotient), IntVal::Small(small_mod(x, y))));
    }
    let (quotient, rest) = a.widen().div_mod_floor(&b.widen());
    Ok((quotient.into(), rest.into()))
}

/// `a ** b`.
pub fn pow(a: IntRef, b: IntRef) -> Result<Number> {
    if b.is_negative() {
        return Ok(Number::Float(super::float::pow(to_float(a)?, to_float(b)?)?));
    }
    Ok(Number::Int(natural_pow(a, b)?))
}

fn natural_pow(a: IntRef, b: IntRef) -> Result<IntVal> {
    match (a, b) {
        (_, IntRef::Small(0)) | (IntRef::Small(1), _) => return Ok(IntVal::Small(1)),
        (IntRef::Small(0), _) => return Ok(IntVal::Small(0)),
        (IntRef::Small(-1), _) => {
            return Ok(IntVal::Small(if is_odd(b) { -1 } else { 1 }));
        }
        _ => {}
    }
    let exponent = b.to_i64().and_then(|e| u32::try_from(e).ok()).ok_or_else(PureError::memory)?;
    if let IntRef::Small(x) = a
        && let Some(small) = x.checked_pow(exponent)
    {
        return Ok(IntVal::Small(small));
    }
    if (bit_length(a) - 1).saturating_mul(u64::from(exponent)) > BITS_MAX {
        return Err(PureError::memory());
    }
    Ok(a.widen().pow(exponent).into())
}

fn is_odd(a: IntRef) -> bool {
    match a {
        IntRef::Small(x) => x & 1 == 1,
        IntRef::Big(x) => x.is_odd(),
    }
}

/// `pow(a, b, m)`: the result has the sign of `m`; a negative exponent asks for the inverse.
pub fn pow_mod(a: IntRef, b: IntRef, m: IntRef) -> Result<IntVal> {
    if m.is_zero() {
        return Err(PureError::value("pow() 3rd argument cannot be 0"));
    }
    let modulus = m.widen();
    let size = modulus.abs();
    if size.is_one() {
        return Ok(IntVal::Small(0));
    }
    let mut base = a.widen().mod_floor(&size);
    let mut exponent = b.widen();
    if exponent.is_negative() {
        base = base.modinv(&size).ok_or_else(|| PureError::value("base is not invertible for the given modulus"))?;
        exponent = Cow::Owned(-exponent.into_owned());
    }
    let power = base.modpow(&exponent, &size);
    Ok(power.mod_floor(&modulus).into())
}

pub fn shl(a: IntRef, b: IntRef) -> Result<IntVal> {
    if b.is_negative() {
        return Err(PureError::value("negative shift count"));
    }
    if a.is_zero() {
        return Ok(IntVal::Small(0));
    }
    let Some(count) = b.to_i64() else {
        return Err(PureError::overflow("too many digits in integer"));
    };
    if let IntRef::Small(x) = a
        && count < 63
    {
        let shifted = x << count;
        if shifted >> count == x {
            return Ok(IntVal::Small(shifted));
        }
    }
    if bit_length(a).saturating_add(count as u64) > BITS_MAX {
        return Err(PureError::memory());
    }
    Ok((a.widen().into_owned() << count as u64).into())
}

pub fn shr(a: IntRef, b: IntRef) -> Result<IntVal> {
    if b.is_negative() {
        return Err(PureError::value("negative shift count"));
    }
    let count = b.clamp_i64();
    Ok(match a {
        IntRef::Small(x) => IntVal::Small(x >> count.min(63)),
        IntRef::Big(x) if count as u64 > x.bits() => IntVal::Small(if x.is_negative() { -1 } else { 0 }),
        IntRef::Big(x) => (x >> count as u64).into(),
    })
}

pub fn invert(a: IntRef) -> IntVal {
    match a {
        IntRef::Small(x) => IntVal::Small(!x),
        IntRef::Big(x) => (!x).into(),
    }
}

pub fn neg(a: IntRef) -> IntVal {
    match a {
        IntRef::Small(x) => match x.checked_neg() {
            Some(small) => IntVal::Small(small),
            None => IntVal::Big(-BigInt::from(x)),
        },
        IntRef::Big(x) => (-x).into(),
    }
}

pub fn abs(a: IntRef) -> IntVal {
    if a.is_negative() { neg(a) } else { a.to_val() }
}

pub fn cmp(a: IntRef, b: IntRef) -> Ordering {
    match (a, b) {
        (IntRef::Small(x), IntRef::Small(y)) => x.cmp(&y),
        _ => a.widen().cmp(&b.widen()),
    }
}

pub fn eq(a: IntRef, b: IntRef) -> bool {
    match (a, b) {
        (IntRef::Small(x), IntRef::Small(y)) => x == y,
        (IntRef::Big(x), IntRef::Big(y)) => x == y,
        _ => false,
    }
}

pub fn bit_length(a: IntRef) -> u64 {
    match a {
        IntRef::Small(x) => u64::from(64 - x.unsigned_abs().leading_zeros()),
        IntRef::Big(x) => x.bits(),
    }
}

/// Ones in the absolute value.
pub fn bit_count(a: IntRef) -> u64 {
    match a {
        IntRef::Small(x) => u64::from(x.unsigned_abs().count_ones()),
        IntRef::Big(x) => x.iter_u64_digits().map(|word| u64::from(word.count_ones())).sum(),
    }
}

pub fn gcd(a: IntRef, b: IntRef) -> IntVal {
    a.widen().gcd(&b.widen()).into()
}

/// `math.isqrt`: the root rounded down.
pub fn isqrt(a: IntRef) -> Result<IntVal> {
    if a.is_negative() {
        return Err(PureError::value("isqrt() argument must be nonnegative"));
    }
    Ok(a.widen().sqrt().into())
}

/// `round(a, digits)`: only a negative count of digits changes anything; ties go to the even neighbour.
pub fn round(a: IntRef, digits: i64) -> IntVal {
    if digits >= 0 {
        return a.to_val();
    }
    let places = digits.unsigned_abs();
    // Ten to a power above the number's length rounds to zero without being computed.
    if places > bit_length(a) {
        return IntVal::Small(0);
    }
    let step = BigInt::from(10).pow(places as u32);
    let value = a.widen();
    let (quotient, rest) = value.div_mod_floor(&step);
    let up = match (&rest + &rest).cmp(&step) {
        Ordering::Less => false,
        Ordering::Equal => quotient.is_odd(),
        Ordering::Greater => true,
    };
    ((if up { quotient + 1 } else { quotient }) * step).into()
}

/// The absolute value of a sign and words, for `from_bytes` and its like.
fn from_sign(negative: bool, magnitude: num_bigint::BigUint) -> IntVal {
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude).into()
}
