//! Integers from and to text and bytes.

use super::{IntRef, IntVal, from_sign};
use crate::object::pure::{PureError, Result, text, unicode};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive;

/// CPython's default for `sys.set_int_max_str_digits`; 0 means no limit.
pub const MAX_STR_DIGITS: usize = 4300;

/// `int(text, base)`, base 0 or 2 to 36; at most `max_digits` digits where the base is not a power of two.
pub fn parse(source: &str, base: i64, max_digits: usize) -> Result<IntVal> {
    if base != 0 && !(2..=36).contains(&base) {
        return Err(PureError::value("int() base must be >= 2 and <= 36, or 0"));
    }
    if base == 10
        && let Some(small) = short(source.as_bytes())
    {
        return Ok(IntVal::Small(small));
    }
    let invalid =
        || PureError::value(format!("invalid literal for int() with base {base}: {}", cut(text::repr(source))));
    let plain = fold_digits(source);
    let trimmed = plain.trim_matches(unicode::is_space);
    let (negative, unsigned) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (base, digits) = prefix(unsigned, base as u32).ok_or_else(invalid)?;
    let digits = without_underscores(digits).ok_or_else(invalid)?;
    if digits.is_empty() || !digits.iter().all(|d| char::from(*d).is_digit(base)) {
        return Err(invalid());
    }
    if max_digits != 0 && !base.is_power_of_two() && digits.len() > max_digits {
        return Err(PureError::value(format!(
            "Exceeds the limit ({max_digits} digits) for integer string conversion: value has {} digits; \
             use sys.set_int_max_str_digits() to increase the limit",
            digits.len()
        )));
    }
    from_digits(&digits, base)
        .map(|magnitude| if negative { super::neg(magnitude.borrow()) } else { magnitude })
        .ok_or_else(invalid)
}

/// CPython shows no more of a text that is no int.
fn cut(mut shown: String) -> String {
    if let Some((at, _)) = shown.char_indices().nth(200) {
        shown.truncate(at);
    }
    shown
}

/// A plain decimal that fits: the common case.
fn short(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if digits.len() < bytes.len() { -value } else { value })
}

/// The magnitude of ASCII digits without sign, prefix or underscore, as the lexer has them. `None` when one is no digit.
pub fn from_digits(digits: &[u8], base: u32) -> Option<IntVal> {
    BigUint::parse_bytes(digits, base).map(|magnitude| from_sign(false, magnitude))
}

/// Digits of any script become ASCII, as CPython does before it reads a number.
pub(in crate::object::pure) fn fold_digits(source: &str) -> std::borrow::Cow<'_, str> {
    if source.is_ascii() {
        return source.into();
    }
    source
        .chars()
        .map(|c| unicode::decimal(c).and_then(|d| char::from_digit(d, 10)).unwrap_or(c))
        .collect::<String>()
        .into()
}

/// Takes `0x`, `0o`, `0b` off where the base allows it, and settles base 0.
fn prefix(digits: &str, base: u32) -> Option<(u32, &[u8])> {
    let bytes = digits.as_bytes();
    let named = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    if named != 0 && (base == named || base == 0) {
        // One underscore may stand between prefix and digits.
        let rest = &bytes[2..];
        return Some((named, rest.strip_prefix(b"_").unwrap_or(rest)));
    }
    if base != 0 {
        return Some((base, bytes));
    }
    // Base 0 reads as the language does: no leading zeros except in zero itself.
    let zeros_only = bytes.iter().all(|b| matches!(b, b'0' | b'_'));
    (!bytes.starts_with(b"0") || zeros_only).then_some((10, bytes))
}

/// `None` when an underscore is not between two digits.
pub(in crate::object::pure) fn without_underscores(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.first() == Some(&b'_') || bytes.last() == Some(&b'_') || bytes.windows(2).any(|w| w == b"__") {
        return None;
    }
    Some(bytes.iter().copied().filter(|b| *b != b'_').collect())
}

/// `str(a)`, refused beyond `max_digits` (0: no limit).
pub fn to_decimal(a: IntRef, max_digits: usize) -> Result<String> {
    let big = match a {
        IntRef::Small(x) => return Ok(x.to_string()),
        IntRef::Big(x) => x,
    };
    let refused = || {
        PureError::value(format!(
            "Exceeds the limit ({max_digits} digits) for integer string conversion; \
             use sys.set_int_max_str_digits() to increase the limit"
        ))
    };
    // Refuse what is surely too long before the work: a digit holds less than 3.33 bits.
    if max_digits != 0 && big.bits() / 10 * 3 > max_digits as u64 {
        return Err(refused());
    }
    let digits = big.to_string();
    let sign = usize::from(big.sign() == Sign::Minus);
    if max_digits != 0 && digits.len() - sign > max_digits {
        return Err(refused());
    }
    Ok(digits)
}

/// Digits in base 2, 8 or 16 behind the sign and, on request, the prefix: `-0xff`.
pub fn to_radix(a: IntRef, base: u32, with_prefix: bool) -> String {
    let prefix = match (with_prefix, base) {
        (true, 2) => "0b",
        (true, 8) => "0o",
        (true, 16) => "0x",
        _ => "",
    };
    let sign = if a.is_negative() { "-" } else { "" };
    match a {
        IntRef::Small(x) => {
            let x = x.unsigned_abs();
            match base {
                2 => format!("{sign}{prefix}{x:b}"),
                8 => format!("{sign}{prefix}{x:o}"),
                16 => format!("{sign}{prefix}{x:x}"),
                _ => format!("{sign}{prefix}{}", BigUint::from(x).to_str_radix(base)),
            }
        }
        IntRef::Big(x) => format!("{sign}{prefix}{}", x.magnitude().to_str_radix(base)),
    }
}

/// `int.to_bytes`.
pub fn to_bytes(a: IntRef, length: i64, little: bool, signed: bool) -> Result<Vec<u8>> {
    let Ok(length) = usize::try_from(length) else {
        return Err(PureError::value("length argument must be non-negative"));
    };
    if a.is_negative() && !signed {
        return Err(PureError::overflow("can't convert negative int to unsigned"));
    }
    let too_big = || PureError::overflow("int too big to convert");
    let value = a.widen();
    let mut bytes = if a.is_zero() {
        Vec::new()
    } else if signed {
        value.to_signed_bytes_le()
    } else {
        value.magnitude().to_bytes_le()
    };
    if bytes.len() > length {
        return Err(too_big());
    }
    bytes.resize(length, if a.is_negative() { 0xff } else { 0 });
    if !little {
        bytes.reverse();
    }
    Ok(bytes)
}

/// `int.from_bytes`.
pub fn from_bytes(bytes: &[u8], little: bool, signed: bool) -> IntVal {
    let value = match (little, signed) {
        (true, true) => BigInt::from_signed_bytes_le(bytes),
        (false, true) => BigInt::from_signed_bytes_be(bytes),
        (true, false) => BigInt::from_bytes_le(Sign::Plus, bytes),
        (false, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
    };
    match value.to_i64() {
        Some(small) => IntVal::Small(small),
        None => IntVal::Big(value),
    }
}
