//! Finding, counting and replacing.

use crate::object::pure::slice::bounds;
use crate::object::pure::text::LENGTH_MAX;
use crate::object::pure::{PureError, Result};

/// The window `data[start:end]` and where it begins; `None` when `start` is beyond `end`.
fn window(data: &[u8], start: i64, end: i64) -> Option<(&[u8], usize)> {
    let (start, end) = bounds(data.len(), start, end);
    Some((data.get(start..end)?, start))
}

/// The first place of `part`: looks for its first byte, then compares.
pub(super) fn first(data: &[u8], part: &[u8]) -> Option<usize> {
    let Some((lead, rest)) = part.split_first() else {
        return Some(0);
    };
    let mut from = 0;
    while let Some(ahead) = data[from..].iter().position(|byte| byte == lead) {
        let at = from + ahead;
        if data[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The last place of `part`.
pub(super) fn last(data: &[u8], part: &[u8]) -> Option<usize> {
    (0..=data.len().checked_sub(part.len())?).rev().find(|at| data[*at..].starts_with(part))
}

pub fn find(data: &[u8], part: &[u8], start: i64, end: i64) -> Option<usize> {
    let (window, start) = window(data, start, end)?;
    Some(start + first(window, part)?)
}

pub fn rfind(data: &[u8], part: &[u8], start: i64, end: i64) -> Option<usize> {
    let (window, start) = window(data, start, end)?;
    Some(start + last(window, part)?)
}

fn not_found() -> PureError {
    PureError::value("subsection not found")
}

pub fn index(data: &[u8], part: &[u8], start: i64, end: i64) -> Result<usize> {
    find(data, part, start, end).ok_or_else(not_found)
}

pub fn rindex(data: &[u8], part: &[u8], start: i64, end: i64) -> Result<usize> {
    rfind(data, part, start, end).ok_or_else(not_found)
}

pub fn contains(data: &[u8], part: &[u8]) -> bool {
    first(data, part).is_some()
}

/// Places of a `part` that is not empty, one behind the other.
fn places<'a>(data: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + first(&data[from..], part)?;
        from = at + part.len();
        Some(at)
    })
}

pub fn count(data: &[u8], part: &[u8], start: i64, end: i64) -> usize {
    match window(data, start, end) {
        None => 0,
        Some((window, _)) if part.is_empty() => window.len() + 1,
        Some((window, _)) => places(window, part).count(),
    }
}

pub fn startswith(data: &[u8], prefix: &[u8], start: i64, end: i64) -> bool {
    window(data, start, end).is_some_and(|(window, _)| window.starts_with(prefix))
}

pub fn endswith(data: &[u8], suffix: &[u8], start: i64, end: i64) -> bool {
    window(data, start, end).is_some_and(|(window, _)| window.ends_with(suffix))
}

pub fn removeprefix<'a>(data: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    data.strip_prefix(prefix).unwrap_or(data)
}

pub fn removesuffix<'a>(data: &'a [u8], suffix: &[u8]) -> &'a [u8] {
    data.strip_suffix(suffix).unwrap_or(data)
}

/// The first `count` places of `old`, or all when `count` is negative; an empty `old` is before each byte and at the end.
pub fn replace(data: &[u8], old: &[u8], new: &[u8], count: i64) -> Result<Vec<u8>> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let at: Vec<usize> =
        if old.is_empty() { (0..=data.len()).take(most).collect() } else { places(data, old).take(most).collect() };
    let grown = at.len().saturating_mul(new.len()).saturating_add(data.len());
    if grown > LENGTH_MAX {
        return Err(PureError::memory());
    }
    crate::object::pure::room(grown)?;
    let mut out = Vec::with_capacity(grown - at.len() * old.len());
    let mut done = 0;
    for at in at {
        out.extend_from_slice(&data[done..at]);
        out.extend_from_slice(new);
        done = at + old.len();
    }
    out.extend_from_slice(&data[done..]);
    Ok(out)
}
