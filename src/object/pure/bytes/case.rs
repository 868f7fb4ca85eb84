//! Case, classes and padding, by ASCII.

use super::is_white;
use crate::object::pure::text::LENGTH_MAX;
use crate::object::pure::{PureError, Result};

pub fn upper(data: &[u8]) -> Vec<u8> {
    data.to_ascii_uppercase()
}

pub fn lower(data: &[u8]) -> Vec<u8> {
    data.to_ascii_lowercase()
}

pub fn capitalize(data: &[u8]) -> Vec<u8> {
    let mut out = lower(data);
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    out
}

pub fn swapcase(data: &[u8]) -> Vec<u8> {
    data.iter().map(|byte| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { *byte }).collect()
}

pub fn title(data: &[u8]) -> Vec<u8> {
    let mut in_word = false;
    let map = |byte: &u8| {
        let new = if in_word { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        in_word = byte.is_ascii_alphabetic();
        new
    };
    data.iter().map(map).collect()
}

macro_rules! all {
    ($($name:ident = $class:expr;)*) => {$(
        pub fn $name(data: &[u8]) -> bool {
            !data.is_empty() && data.iter().copied().all($class)
        }
    )*};
}

all! {
    is_alpha = |byte| byte.is_ascii_alphabetic();
    is_alnum = |byte| byte.is_ascii_alphanumeric();
    is_digit = |byte| byte.is_ascii_digit();
    is_space = is_white;
}

pub fn is_ascii(data: &[u8]) -> bool {
    data.is_ascii()
}

pub fn is_upper(data: &[u8]) -> bool {
    data.iter().any(u8::is_ascii_uppercase) && !data.iter().any(u8::is_ascii_lowercase)
}

pub fn is_lower(data: &[u8]) -> bool {
    data.iter().any(u8::is_ascii_lowercase) && !data.iter().any(u8::is_ascii_uppercase)
}

/// Each run of letters begins with a capital and has no other.
pub fn is_title(data: &[u8]) -> bool {
    data.iter().any(u8::is_ascii_alphabetic) && title(data) == data
}

/// `data.translate(table, delete)`: `table` has 256 bytes.
pub fn translate(data: &[u8], table: Option<&[u8]>, delete: &[u8]) -> Result<Vec<u8>> {
    if table.is_some_and(|table| table.len() != 256) {
        return Err(PureError::value("translation table must be 256 characters long"));
    }
    let kept = data.iter().filter(|byte| !delete.contains(byte));
    Ok(kept.map(|byte| table.map_or(*byte, |table| table[usize::from(*byte)])).collect())
}

fn missing(data: &[u8], width: i64) -> Result<(usize, usize)> {
    let width = usize::try_from(width).unwrap_or(0);
    if width > LENGTH_MAX {
        return Err(PureError::memory());
    }
    crate::object::pure::room(width)?;
    Ok((width.saturating_sub(data.len()), width))
}

fn padded(data: &[u8], before: usize, after: usize, fill: u8) -> Vec<u8> {
    let mut out = vec![fill; before];
    out.extend_from_slice(data);
    out.resize(out.len() + after, fill);
    out
}

/// An odd margin leaves its extra byte on the left when the width is odd.
pub fn center(data: &[u8], width: i64, fill: u8) -> Result<Vec<u8>> {
    let (margin, width) = missing(data, width)?;
    let before = margin / 2 + (margin & width & 1);
    Ok(padded(data, before, margin - before, fill))
}

pub fn ljust(data: &[u8], width: i64, fill: u8) -> Result<Vec<u8>> {
    Ok(padded(data, 0, missing(data, width)?.0, fill))
}

pub fn rjust(data: &[u8], width: i64, fill: u8) -> Result<Vec<u8>> {
    Ok(padded(data, missing(data, width)?.0, 0, fill))
}

/// Zeros between a sign and the rest.
pub fn zfill(data: &[u8], width: i64) -> Result<Vec<u8>> {
    let zeros = missing(data, width)?.0;
    let signs = usize::from(matches!(data.first(), Some(b'+' | b'-')));
    let (sign, rest) = data.split_at(signs);
    let mut out = sign.to_vec();
    out.resize(signs + zeros, b'0');
    out.extend_from_slice(rest);
    Ok(out)
}

/// Tabs become blanks up to the next multiple of `tabsize` columns.
pub fn expandtabs(data: &[u8], tabsize: i64) -> Result<Vec<u8>> {
    let tabsize = usize::try_from(tabsize).unwrap_or(0);
    let tabs = data.iter().filter(|b| **b == b'\t').count();
    crate::object::pure::room(tabs.saturating_mul(tabsize).saturating_add(data.len()))?;
    let mut out = Vec::with_capacity(data.len());
    let mut column = 0;
    for byte in data {
        match byte {
            b'\t' if tabsize > 0 => {
                let blanks = tabsize - column % tabsize;
                out.resize(out.len() + blanks, b' ');
                column += blanks;
            }
            b'\t' => {}
            b'\n' | b'\r' => {
                out.push(*byte);
                column = 0;
            }
            _ => {
                out.push(*byte);
                column += 1;
            }
        }
    }
    Ok(out)
}
