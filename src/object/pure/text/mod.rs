//! Strings by code points, over UTF-8.
//!
//! T1. A position is a number of code points (P4 of the folder). A text is ASCII exactly when its code points are as many as
//!     its bytes; then positions are byte offsets and nothing is counted. Functions that need the length take it, since
//!     the object keeps it.
//! T2. `start` and `end` of searches are as scripts give them: negative from the end, beyond the end pinned; absent is 0 and
//!     `i64::MAX`.
//! T3. No lone surrogates: what would make one is refused by name.
//! T4. Classes of characters, title case and folding are CPython 3.11's tables (`unicode.rs`, `unicode_case.rs`); upper and
//!     lower case are the standard library's, whose Unicode is newer: letters assigned since differ.
//!
//! Not here: `format` and `%` (`format/`), encoding (`bytes/`), hashing (`hash.rs`).

use super::slice::{self, Indices};
use super::{PureError, Result, room};

mod case;
mod class;
mod layout;
mod repr;
mod search;
mod split;

#[cfg(test)]
mod tests;

pub use case::{Mapped, capitalize, casefold, lower, swapcase, title, translate, upper};
pub use class::{
    is_alnum, is_alpha, is_ascii, is_decimal, is_digit, is_identifier, is_lower, is_numeric, is_printable, is_space,
    is_title, is_upper,
};
pub use layout::{center, expandtabs, fill_char, ljust, rjust, zfill};
pub(in crate::object::pure) use repr::push_escape;
pub use repr::{ascii, repr};
pub use search::{
    contains, count, endswith, find, index, removeprefix, removesuffix, replace, rfind, rindex, startswith,
};
pub use split::{join, lstrip, partition, rpartition, rsplit, rstrip, split, splitlines, strip};

/// Longer texts are refused before the allocation.
pub(super) const LENGTH_MAX: usize = 1 << 32;

/// A str holds Unicode scalar values only; CPython's also holds lone surrogates.
pub fn surrogate_refused() -> PureError {
    PureError::value("Kit's str cannot hold a surrogate (U+D800 to U+DFFF)")
}

/// The length in code points.
#[inline]
pub fn len(text: &str) -> usize {
    if text.len() < 16 {
        return text.bytes().filter(|b| (*b as i8) >= -0x40).count();
    }
    text.chars().count()
}

/// The byte offset of position `at`, which is at most `chars`, the length.
#[inline]
pub fn offset(text: &str, chars: usize, at: usize) -> usize {
    if chars == text.len() || at == 0 {
        return at;
    }
    if at >= chars {
        return text.len();
    }
    text.char_indices().nth(at).map_or(text.len(), |(offset, _)| offset)
}

/// `text[index]` as a piece of it; `None` when out of range.
#[inline]
pub fn char_at(text: &str, chars: usize, index: i64) -> Option<&str> {
    let at = offset(text, chars, slice::index(chars, index)?);
    let width = text[at..].chars().next()?.len_utf8();
    Some(&text[at..at + width])
}

/// `text[start:stop]` with step 1, of settled positions.
pub fn between(text: &str, chars: usize, start: usize, stop: usize) -> &str {
    if start >= stop {
        return "";
    }
    let from = offset(text, chars, start);
    if chars == text.len() {
        return &text[from..stop];
    }
    let rest = &text[from..];
    &rest[..offset(rest, chars - start, stop - start)]
}

/// `text[slice]`.
pub fn slice(text: &str, chars: usize, slice: Indices) -> String {
    if slice.len == 0 {
        return String::new();
    }
    if slice.step == 1 {
        return between(text, chars, slice.start as usize, slice.start as usize + slice.len).to_owned();
    }
    if chars == text.len() {
        let bytes = text.as_bytes();
        return slice.iter().map(|at| char::from(bytes[at])).collect();
    }
    let low = slice.ascending();
    let picked = text.chars().skip(low.start as usize).step_by(low.step as usize).take(low.len);
    if slice.step > 0 {
        return picked.collect();
    }
    let picked: Vec<char> = picked.collect();
    picked.into_iter().rev().collect()
}

/// `text * times`.
pub fn repeat(text: &str, times: i64) -> Result<String> {
    let times = usize::try_from(times).unwrap_or(0);
    match text.len().checked_mul(times) {
        Some(len) if len <= LENGTH_MAX => room(len).map(|()| text.repeat(times)),
        _ => Err(PureError::memory()),
    }
}

/// `ord(text)`.
pub fn ord(text: &str) -> Result<u32> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c as u32),
        _ => Err(PureError::type_(format!("ord() expected a character, but string of length {} found", len(text)))),
    }
}

/// `chr(code)`; a code that does not fit 64 bits comes clamped.
pub fn chr(code: i64) -> Result<char> {
    if i32::try_from(code).is_err() {
        return Err(PureError::overflow("Python int too large to convert to C int"));
    }
    if !(0..0x110000).contains(&code) {
        return Err(PureError::value("chr() arg not in range(0x110000)"));
    }
    char::from_u32(code as u32).ok_or_else(surrogate_refused)
}
