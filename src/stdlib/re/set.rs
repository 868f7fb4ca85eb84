//! Character classes, and single escaped characters.

use super::translate::Wrong;
use std::fmt::Write;

type Res<T> = Result<T, Wrong>;

fn wrong<T>(message: impl Into<String>, at: usize) -> Res<T> {
    Err(Wrong { message: message.into(), at })
}

/// A character as the engine reads it literally, inside and outside of classes.
pub fn push_literal(out: &mut String, c: char) {
    if c.is_alphanumeric() || c == '_' {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", c as u32);
    }
}

/// The character that the escape at `at` (its backslash) stands for, and the place after it.
pub fn escaped(chars: &[char], at: usize, in_class: bool) -> Res<(char, usize)> {
    let Some(c) = chars.get(at + 1).copied() else {
        return wrong("bad escape (end of pattern)", at);
    };
    let plain = match c {
        'a' => '\x07',
        'b' if in_class => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        'x' => return hexadecimal(chars, at, 2),
        'u' => return hexadecimal(chars, at, 4),
        'U' => return hexadecimal(chars, at, 8),
        'N' => return wrong("Kit's patterns have no named characters \\N{...}", at),
        '0'..='7' if in_class || c == '0' => {
            let digits = chars[at + 1..].iter().take(3).take_while(|c| c.is_digit(8)).count();
            let code = chars[at + 1..at + 1 + digits].iter().fold(0, |n, c| n * 8 + c.to_digit(8).unwrap_or(0));
            if code > 0o377 {
                let shown: String = chars[at..at + 1 + digits].iter().collect();
                return wrong(format!("octal escape value {shown} outside of range 0-0o377"), at);
            }
            return Ok((char::from_u32(code).unwrap_or('\0'), at + 1 + digits));
        }
        c if c.is_ascii_alphanumeric() => return wrong(format!("bad escape \\{c}"), at),
        c => c,
    };
    Ok((plain, at + 2))
}

fn hexadecimal(chars: &[char], at: usize, digits: usize) -> Res<(char, usize)> {
    let found = chars[at + 2..].iter().take(digits).take_while(|c| c.is_ascii_hexdigit()).count();
    let text: String = chars[at + 2..at + 2 + found].iter().collect();
    if found < digits {
        let shown: String = chars[at..at + 2 + found].iter().collect();
        return wrong(format!("incomplete escape {shown}"), at);
    }
    match u32::from_str_radix(&text, 16).ok().and_then(char::from_u32) {
        Some(c) => Ok((c, at + 2 + digits)),
        None => wrong(format!("bad escape \\{}{text}", chars[at + 1]), at),
    }
}

/// A set of characters on its way into the engine's syntax.
pub struct Class {
    ascii: bool,
    /// Both cases are written out (ASCII only; else the engine folds).
    both_cases: bool,
    negated: bool,
    items: String,
}

impl Class {
    pub fn new(ascii: bool, ignore_case: bool) -> Class {
        Class { ascii, both_cases: ascii && ignore_case, negated: false, items: String::new() }
    }

    /// `\d`, `\W` and the like.
    pub fn category(&mut self, c: char) {
        // Python's words are letters, digits, other numerals and `_`, without combining marks; its blanks
        // are more than the engine's.
        let inside = match (c.to_ascii_lowercase(), self.ascii) {
            ('d', true) => "0-9",
            ('d', false) => "\\d",
            ('w', true) => "A-Za-z0-9_",
            ('w', false) => "\\p{L}\\p{N}_",
            (_, true) => "\\x20\\t-\\r",
            (_, false) => "\\s\\x1C-\\x1F",
        };
        if c.is_ascii_uppercase() {
            let _ = write!(self.items, "[^{inside}]");
        } else {
            self.items.push_str(inside);
        }
    }

    fn range(&mut self, a: char, b: char) {
        self.plain_range(a, b);
        if !self.both_cases {
            return;
        }
        for (from, to, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
            let (lo, hi) = (a.max(from), b.min(to));
            if lo <= hi {
                let shift = |c: char| (c as u8 - from as u8 + other as u8) as char;
                self.plain_range(shift(lo), shift(hi));
            }
        }
    }

    fn plain_range(&mut self, a: char, b: char) {
        push_literal(&mut self.items, a);
        if a != b {
            self.items.push('-');
            push_literal(&mut self.items, b);
        }
    }

    /// Reads the set whose `[` is at `open`; gives the place after its `]`.
    pub fn parse(&mut self, chars: &[char], mut at: usize, open: usize) -> Res<usize> {
        const OPEN: &str = "unterminated character set";
        if chars.get(at) == Some(&'^') {
            self.negated = true;
            at += 1;
        }
        let first = at;
        loop {
            let begin = at;
            let low = match chars.get(at) {
                None => return wrong(OPEN, open),
                Some(']') if at > first => return Ok(at + 1),
                Some(_) => self.item(chars, &mut at)?,
            };
            if chars.get(at) != Some(&'-') {
                self.single(low);
                continue;
            }
            match chars.get(at + 1) {
                None => return wrong(OPEN, open),
                Some(']') => {
                    self.single(low);
                    self.range('-', '-');
                    return Ok(at + 2);
                }
                Some(_) => {
                    at += 1;
                    let high = self.item(chars, &mut at)?;
                    match (low, high) {
                        (Item::One(a), Item::One(b)) if a <= b => self.range(a, b),
                        _ => {
                            let shown: String = chars[begin..at].iter().collect();
                            return wrong(format!("bad character range {shown}"), begin);
                        }
                    }
                }
            }
        }
    }

    fn single(&mut self, item: Item) {
        match item {
            Item::One(c) => self.range(c, c),
            Item::Category(c) => self.category(c),
        }
    }

    fn item(&mut self, chars: &[char], at: &mut usize) -> Res<Item> {
        match chars[*at] {
            '\\' => {
                if let Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) = chars.get(*at + 1) {
                    *at += 2;
                    return Ok(Item::Category(*c));
                }
                let (c, next) = escaped(chars, *at, true)?;
                *at = next;
                Ok(Item::One(c))
            }
            c => {
                *at += 1;
                Ok(Item::One(c))
            }
        }
    }

    pub fn write(&self, out: &mut String) {
        out.push_str(if self.negated { "[^" } else { "[" });
        out.push_str(&self.items);
        out.push(']');
    }
}

#[derive(Clone, Copy)]
enum Item {
    One(char),
    Category(char),
}
