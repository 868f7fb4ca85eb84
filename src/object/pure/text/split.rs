//! Splitting, stripping, joining.

use crate::object::pure::unicode::is_space;
use crate::object::pure::{PureError, Result};

fn empty_separator() -> PureError {
    PureError::value("empty separator")
}

/// How many pieces a `maxsplit` allows; negative is no limit.
fn most_pieces(maxsplit: i64) -> usize {
    usize::try_from(maxsplit).map_or(usize::MAX, |splits| splits.saturating_add(1))
}

/// `text.split(separator, maxsplit)`; without separator at runs of white space.
pub fn split<'a>(text: &'a str, separator: Option<&str>, maxsplit: i64) -> Result<Vec<&'a str>> {
    match separator {
        Some("") => Err(empty_separator()),
        Some(separator) => Ok(text.splitn(most_pieces(maxsplit), separator).collect()),
        None => Ok(split_space(text, most_pieces(maxsplit))),
    }
}

fn split_space(text: &str, most: usize) -> Vec<&str> {
    if most == usize::MAX {
        return text.split(is_space).filter(|piece| !piece.is_empty()).collect();
    }
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        // The last piece keeps the white space at its end.
        if pieces.len() + 1 == most {
            pieces.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    pieces
}

/// `text.rsplit(separator, maxsplit)`: splits from the right.
pub fn rsplit<'a>(text: &'a str, separator: Option<&str>, maxsplit: i64) -> Result<Vec<&'a str>> {
    let mut pieces: Vec<&str> = match separator {
        Some("") => return Err(empty_separator()),
        Some(separator) => text.rsplitn(most_pieces(maxsplit), separator).collect(),
        None => rsplit_space(text, most_pieces(maxsplit)),
    };
    pieces.reverse();
    Ok(pieces)
}

/// Pieces from the last to the first.
fn rsplit_space(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if pieces.len() + 1 == most {
            pieces.push(rest);
            break;
        }
        let start = rest.char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        pieces.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    pieces
}

/// `text.splitlines(keepends)`.
pub fn splitlines(text: &str, keepends: bool) -> Vec<&str> {
    let ends_line = |c: char| matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(at) = rest.find(ends_line) else {
            lines.push(rest);
            break;
        };
        let width = match rest.as_bytes()[at..] {
            [b'\r', b'\n', ..] => 2,
            _ => rest[at..].chars().next().map_or(1, char::len_utf8),
        };
        lines.push(&rest[..if keepends { at + width } else { at }]);
        rest = &rest[at + width..];
    }
    lines
}

/// `text.strip(chars)`; without `chars` white space.
pub fn strip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    lstrip(rstrip(text, chars), chars)
}

pub fn lstrip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    match chars {
        None => text.trim_start_matches(is_space),
        Some(chars) => text.trim_start_matches(|c| chars.contains(c)),
    }
}

pub fn rstrip<'a>(text: &'a str, chars: Option<&str>) -> &'a str {
    match chars {
        None => text.trim_end_matches(is_space),
        Some(chars) => text.trim_end_matches(|c| chars.contains(c)),
    }
}

/// Before, separator, after; without the separator all is before.
pub fn partition<'a>(text: &'a str, separator: &'a str) -> Result<(&'a str, &'a str, &'a str)> {
    if separator.is_empty() {
        return Err(empty_separator());
    }
    Ok(match text.split_once(separator) {
        Some((before, after)) => (before, separator, after),
        None => (text, "", ""),
    })
}

/// As `partition`, at the last place; without the separator all is after.
pub fn rpartition<'a>(text: &'a str, separator: &'a str) -> Result<(&'a str, &'a str, &'a str)> {
    if separator.is_empty() {
        return Err(empty_separator());
    }
    Ok(match text.rsplit_once(separator) {
        Some((before, after)) => (before, separator, after),
        None => ("", "", text),
    })
}

/// `separator.join(pieces)`.
pub fn join<S: AsRef<str>>(separator: &str, pieces: &[S]) -> Result<String> {
    let total: usize = pieces.iter().map(|piece| piece.as_ref().len()).sum();
    let between = separator.len().saturating_mul(pieces.len().saturating_sub(1));
    if total.saturating_add(between) > super::LENGTH_MAX {
        return Err(PureError::memory());
    }
    crate::object::pure::room(total + between)?;
    let mut out = String::with_capacity(total + between);
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        out.push_str(piece.as_ref());
    }
    Ok(out)
}
