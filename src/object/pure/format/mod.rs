//! Text from values under a format: `format()` and f-strings, `str.format`, and the `%` operator.
//!
//! R1. One row of digits per number: sign, prefix, digits, rest. Grouping and zero fill touch the digits only, so `inf`,
//!     which has none, is filled but never grouped.
//! R2. Fixed digits come from the exact binary value; nothing is rounded twice.
//! R3. Nothing longer than `LENGTH_MAX` is built: MemoryError before the allocation.
//! R4. The locale is C: the type `n` groups nothing.
//!
//! `spec.rs` reads and applies `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`; `digits.rs` writes a float
//! in a given form; `percent.rs` is the core of `%`; `markup.rs` takes a `str.format` string apart.
//! Sources: CPython 3.11 `Python/formatter_unicode.c`, `Python/pystrtod.c`, `Objects/stringlib/unicode_format.h`.
//! Not here: which arguments a field or directive takes, conversions by `__str__` and `__repr__`, nested `__format__`.

mod digits;
pub mod markup;
pub mod percent;
mod spec;

#[cfg(test)]
mod tests;

pub use spec::{Align, Spec, format_float, format_int, format_str};

/// A gigabyte: CPython would run out of memory near here, Kit says so before.
const LENGTH_MAX: usize = 1 << 30;

/// Leading decimal digits of `text` as a number: `None` when there are none, `Err` when they do not fit.
fn leading_number(text: &str) -> Result<(Option<usize>, &str), ()> {
    let mut value: Option<i64> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next()
        && let Some(digit) = crate::object::pure::unicode::decimal(c)
    {
        let so_far = value.unwrap_or(0);
        value = Some(so_far.checked_mul(10).and_then(|v| v.checked_add(i64::from(digit))).ok_or(())?);
        rest = &rest[c.len_utf8()..];
    }
    Ok((value.map(|v| v as usize), rest))
}
