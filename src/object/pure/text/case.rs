//! Changing case, and `translate`.

use crate::object::pure::unicode::is_title;
use crate::object::pure::unicode_case::{push_fold, push_title};

/// Whether the character has case: upper, lower or title.
pub(super) fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || is_title(c)
}

pub fn upper(text: &str) -> String {
    text.to_uppercase()
}

/// A capital sigma at the end of a word becomes the final small one.
pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

pub fn casefold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_fold(&mut out, c));
    out
}

/// Walks the text with each character's lower case as it is in its place: the final sigma hangs on its neighbours.
fn with_lower(text: &str, mut take: impl FnMut(&mut String, char, &str)) -> String {
    let lowered = text.to_lowercase();
    let mut rest = lowered.as_str();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let width = match c {
            // Both small sigmas are equally long in UTF-8.
            'Σ' => 'σ'.len_utf8(),
            _ => c.to_lowercase().map(char::len_utf8).sum(),
        };
        let (low, after) = rest.split_at(width);
        take(&mut out, c, low);
        rest = after;
    }
    out
}

/// The first character in title case, the rest in lower case.
pub fn capitalize(text: &str) -> String {
    let mut first = true;
    with_lower(text, |out, c, low| {
        if std::mem::take(&mut first) {
            push_title(out, c);
        } else {
            out.push_str(low);
        }
    })
}

/// Each run of letters with case begins in title case.
pub fn title(text: &str) -> String {
    let mut in_word = false;
    with_lower(text, |out, c, low| {
        if in_word {
            out.push_str(low);
        } else {
            push_title(out, c);
        }
        in_word = is_cased(c);
    })
}

pub fn swapcase(text: &str) -> String {
    with_lower(text, |out, c, low| {
        if c.is_uppercase() {
            out.push_str(low);
        } else if c.is_lowercase() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    })
}

/// What a translation table says of a character.
pub enum Mapped {
    /// The table has no entry.
    Same,
    /// The entry is None.
    Drop,
    Char(char),
    Text(String),
}

/// `text.translate(table)`, the table being asked once for each character; it may fail.
pub fn translate<E>(text: &str, mut map: impl FnMut(char) -> Result<Mapped, E>) -> Result<String, E> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match map(c)? {
            Mapped::Same => out.push(c),
            Mapped::Drop => {}
            Mapped::Char(new) => out.push(new),
            Mapped::Text(new) => out.push_str(&new),
        }
    }
    Ok(out)
}
