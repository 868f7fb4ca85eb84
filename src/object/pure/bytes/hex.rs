//! Bytes as hexadecimal digits and as `repr` shows them.

use crate::object::pure::{PureError, Result};
use std::fmt::Write;

/// `data.hex(separator, group)`: groups are counted from the right, or from the left when `group` is negative.
pub fn to_hex(data: &[u8], separator: Option<char>, group: i64) -> String {
    let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    let mut out = String::with_capacity(data.len() * 2);
    for (at, byte) in data.iter().enumerate() {
        let from_edge = if group < 0 { at } else { data.len() - at };
        if let Some(separator) = separator
            && at > 0
            && size > 0
            && from_edge.is_multiple_of(size)
        {
            out.push(separator);
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// `bytes.fromhex`: pairs of digits, white space between pairs.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars().enumerate();
    let wrong = |at: usize| PureError::value(format!("non-hexadecimal number found in fromhex() arg at position {at}"));
    // CPython looks for characters beyond ASCII before anything else.
    if let Some(at) = text.chars().position(|c| !c.is_ascii()) {
        return Err(wrong(at));
    }
    while let Some((at, high)) = chars.next() {
        if matches!(high, ' ' | '\t'..='\r') {
            continue;
        }
        let high = high.to_digit(16).ok_or_else(|| wrong(at))?;
        let (at, low) = chars.next().ok_or_else(|| wrong(text.len()))?;
        let low = low.to_digit(16).ok_or_else(|| wrong(at))?;
        out.push((high * 16 + low) as u8);
    }
    Ok(out)
}

/// `repr(data)`.
pub fn repr(data: &[u8]) -> String {
    let quote = if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for byte in data {
        match *byte {
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            byte if char::from(byte) == quote => out.extend(['\\', quote]),
            byte @ b' '..=b'~' => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}
