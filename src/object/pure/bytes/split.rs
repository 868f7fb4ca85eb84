//! Splitting, stripping, joining.

use super::is_white;
use super::search::{first, last};
use crate::object::pure::text::LENGTH_MAX;
use crate::object::pure::{PureError, Result};

fn empty_separator() -> PureError {
    PureError::value("empty separator")
}

fn most_splits(maxsplit: i64) -> usize {
    usize::try_from(maxsplit).unwrap_or(usize::MAX)
}

/// `data.split(separator, maxsplit)`; without separator at runs of white space.
pub fn split<'a>(data: &'a [u8], separator: Option<&[u8]>, maxsplit: i64) -> Result<Vec<&'a [u8]>> {
    let most = most_splits(maxsplit);
    let mut pieces = Vec::new();
    let mut rest = data;
    match separator {
        Some(b"") => return Err(empty_separator()),
        Some(separator) => {
            while pieces.len() < most
                && let Some(at) = first(rest, separator)
            {
                pieces.push(&rest[..at]);
                rest = &rest[at + separator.len()..];
            }
            pieces.push(rest);
        }
        None => {
            rest = lstrip(rest, None);
            while !rest.is_empty() {
                // The last piece keeps the white space at its end.
                if pieces.len() == most {
                    pieces.push(rest);
                    break;
                }
                let end = rest.iter().position(|byte| is_white(*byte)).unwrap_or(rest.len());
                pieces.push(&rest[..end]);
                rest = lstrip(&rest[end..], None);
            }
        }
    }
    Ok(pieces)
}

/// `data.rsplit(separator, maxsplit)`: splits from the right.
pub fn rsplit<'a>(data: &'a [u8], separator: Option<&[u8]>, maxsplit: i64) -> Result<Vec<&'a [u8]>> {
    let most = most_splits(maxsplit);
    let mut pieces = Vec::new();
    let mut rest = data;
    match separator {
        Some(b"") => return Err(empty_separator()),
        Some(separator) => {
            while pieces.len() < most
                && let Some(at) = last(rest, separator)
            {
                pieces.push(&rest[at + separator.len()..]);
                rest = &rest[..at];
            }
            pieces.push(rest);
        }
        None => {
            rest = rstrip(rest, None);
            while !rest.is_empty() {
                if pieces.len() == most {
                    pieces.push(rest);
                    break;
                }
                let start = rest.iter().rposition(|byte| is_white(*byte)).map_or(0, |at| at + 1);
                pieces.push(&rest[start..]);
                rest = rstrip(&rest[..start], None);
            }
        }
    }
    pieces.reverse();
    Ok(pieces)
}

/// `data.splitlines(keepends)`: at `\n`, `\r` and `\r\n`.
pub fn splitlines(data: &[u8], keepends: bool) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let at = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let width = match rest[at..] {
            [] => 0,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        lines.push(&rest[..if keepends { at + width } else { at }]);
        rest = &rest[at + width..];
    }
    lines
}

/// `data.strip(chars)`; without `chars` white space.
pub fn strip<'a>(data: &'a [u8], chars: Option<&[u8]>) -> &'a [u8] {
    lstrip(rstrip(data, chars), chars)
}

fn stripped(byte: u8, chars: Option<&[u8]>) -> bool {
    match chars {
        None => is_white(byte),
        Some(chars) => chars.contains(&byte),
    }
}

pub fn lstrip<'a>(data: &'a [u8], chars: Option<&[u8]>) -> &'a [u8] {
    let start = data.iter().position(|byte| !stripped(*byte, chars)).unwrap_or(data.len());
    &data[start..]
}

pub fn rstrip<'a>(data: &'a [u8], chars: Option<&[u8]>) -> &'a [u8] {
    let end = data.iter().rposition(|byte| !stripped(*byte, chars)).map_or(0, |at| at + 1);
    &data[..end]
}

type Parts<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Before, separator, after; without the separator all is before.
pub fn partition<'a>(data: &'a [u8], separator: &'a [u8]) -> Result<Parts<'a>> {
    if separator.is_empty() {
        return Err(empty_separator());
    }
    Ok(match first(data, separator) {
        Some(at) => (&data[..at], separator, &data[at + separator.len()..]),
        None => (data, b"", b""),
    })
}

/// As `partition`, at the last place; without the separator all is after.
pub fn rpartition<'a>(data: &'a [u8], separator: &'a [u8]) -> Result<Parts<'a>> {
    if separator.is_empty() {
        return Err(empty_separator());
    }
    Ok(match last(data, separator) {
        Some(at) => (&data[..at], separator, &data[at + separator.len()..]),
        None => (b"", b"", data),
    })
}

/// `separator.join(pieces)`.
pub fn join<S: AsRef<[u8]>>(separator: &[u8], pieces: &[S]) -> Result<Vec<u8>> {
    let total: usize = pieces.iter().map(|piece| piece.as_ref().len()).sum();
    let between = separator.len().saturating_mul(pieces.len().saturating_sub(1));
    if total.saturating_add(between) > LENGTH_MAX {
        return Err(PureError::memory());
    }
    crate::object::pure::room(total + between)?;
    let mut out = Vec::with_capacity(total + between);
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(piece.as_ref());
    }
    Ok(out)
}
