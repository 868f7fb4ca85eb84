//! `repr` and `ascii` of a str.

use crate::object::pure::unicode;
use std::fmt::Write;

/// In single quotes unless only those occur inside; what cannot be shown is escaped.
pub fn repr(text: &str) -> String {
    quoted(text, unicode::is_printable)
}

/// As `repr`, with everything beyond ASCII escaped.
pub fn ascii(text: &str) -> String {
    quoted(text, |c| matches!(c, ' '..='~'))
}

fn quoted(text: &str, shown: fn(char) -> bool) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ if shown(c) => out.push(c),
            _ => push_escape(&mut out, c),
        }
    }
    out.push(quote);
    out
}

/// `\x07`, `\u200b` or `\U000e0001`. Writing to a String cannot fail.
pub(in crate::object::pure) fn push_escape(out: &mut String, c: char) {
    let code = c as u32;
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
