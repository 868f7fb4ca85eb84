//! The questions `str.is…`. Without a single character the answer is no, save for `isprintable` and `isascii`.

use crate::object::pure::unicode;

macro_rules! all {
    ($($name:ident = $class:expr;)*) => {$(
        pub fn $name(text: &str) -> bool {
            !text.is_empty() && text.chars().all($class)
        }
    )*};
}

all! {
    is_alpha = unicode::is_alpha;
    is_alnum = unicode::is_alnum;
    is_decimal = unicode::is_decimal;
    is_digit = unicode::is_digit;
    is_numeric = unicode::is_numeric;
    is_space = unicode::is_space;
}

pub fn is_printable(text: &str) -> bool {
    text.chars().all(unicode::is_printable)
}

pub fn is_ascii(text: &str) -> bool {
    text.is_ascii()
}

/// At least one upper-case letter, none lower or title.
pub fn is_upper(text: &str) -> bool {
    let mut found = false;
    for c in text.chars() {
        if c.is_lowercase() || unicode::is_title(c) {
            return false;
        }
        found |= c.is_uppercase();
    }
    found
}

/// At least one lower-case letter, none upper or title.
pub fn is_lower(text: &str) -> bool {
    let mut found = false;
    for c in text.chars() {
        if c.is_uppercase() || unicode::is_title(c) {
            return false;
        }
        found |= c.is_lowercase();
    }
    found
}

/// Each run of letters with case begins with a capital and has no other.
pub fn is_title(text: &str) -> bool {
    let mut found = false;
    let mut in_word = false;
    for c in text.chars() {
        let capital = c.is_uppercase() || unicode::is_title(c);
        if capital && in_word || c.is_lowercase() && !in_word {
            return false;
        }
        in_word = capital || c.is_lowercase();
        found |= in_word;
    }
    found
}

pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(unicode::is_id_start) && chars.all(unicode::is_id_continue)
}
