//! Finding, counting and replacing.

use super::{between, len};
use crate::object::pure::slice::bounds;
use crate::object::pure::{PureError, Result};

/// The window `text[start:end]` and where it begins; `None` when `start` is beyond `end`, where even "" is not found.
fn window(text: &str, start: i64, end: i64) -> Option<(&str, usize)> {
    if start == 0 && end == i64::MAX {
        return Some((text, 0));
    }
    let chars = len(text);
    let (start, end) = bounds(chars, start, end);
    (start <= end).then(|| (between(text, chars, start, end), start))
}

fn position(window: &str, start: usize, offset: usize) -> usize {
    start + len(&window[..offset])
}

/// The first place of `part` in `text[start:end]`.
pub fn find(text: &str, part: &str, start: i64, end: i64) -> Option<usize> {
    let (window, start) = window(text, start, end)?;
    Some(position(window, start, window.find(part)?))
}

/// The last place of `part` in `text[start:end]`.
pub fn rfind(text: &str, part: &str, start: i64, end: i64) -> Option<usize> {
    let (window, start) = window(text, start, end)?;
    Some(position(window, start, window.rfind(part)?))
}

fn not_found() -> PureError {
    PureError::value("substring not found")
}

pub fn index(text: &str, part: &str, start: i64, end: i64) -> Result<usize> {
    find(text, part, start, end).ok_or_else(not_found)
}

pub fn rindex(text: &str, part: &str, start: i64, end: i64) -> Result<usize> {
    rfind(text, part, start, end).ok_or_else(not_found)
}

pub fn contains(text: &str, part: &str) -> bool {
    text.contains(part)
}

/// Places that do not overlap; "" is found before each code point and at the end.
pub fn count(text: &str, part: &str, start: i64, end: i64) -> usize {
    match window(text, start, end) {
        None => 0,
        Some((window, _)) if part.is_empty() => len(window) + 1,
        Some((window, _)) => window.matches(part).count(),
    }
}

pub fn startswith(text: &str, prefix: &str, start: i64, end: i64) -> bool {
    window(text, start, end).is_some_and(|(window, _)| window.starts_with(prefix))
}

pub fn endswith(text: &str, suffix: &str, start: i64, end: i64) -> bool {
    window(text, start, end).is_some_and(|(window, _)| window.ends_with(suffix))
}

pub fn removeprefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or(text)
}

pub fn removesuffix<'a>(text: &'a str, suffix: &str) -> &'a str {
    text.strip_suffix(suffix).unwrap_or(text)
}

/// The first `count` places of `old`, or all when `count` is negative.
pub fn replace(text: &str, old: &str, new: &str, count: i64) -> Result<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    // Growth is known before it is paid for.
    if new.len() > old.len() {
        let places = if old.is_empty() { len(text) + 1 } else { text.matches(old).count() }.min(most);
        let grown = (new.len() - old.len()).checked_mul(places).and_then(|more| more.checked_add(text.len()));
        if grown.is_none_or(|grown| grown > super::LENGTH_MAX) {
            return Err(PureError::memory());
        }
        crate::object::pure::room(grown.unwrap_or(0))?;
    }
    Ok(text.replacen(old, new, most))
}
