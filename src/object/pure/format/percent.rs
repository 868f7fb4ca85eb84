//! The core of `format % arguments`: directives taken apart, and applied to values already unpacked.
//!
//! The caller walks the `Parts`, fetches an argument per directive (and per `*`) and says what is missing or left over with
//! the texts below. The order of errors is CPython's: argument first, then the directive's letter, then the value.

use super::digits::{self, Form, Style};
use super::{LENGTH_MAX, leading_number};
use crate::object::pure::int::{self, IntRef};
use crate::object::pure::{PureError, Result};

pub const NOT_ENOUGH: &str = "not enough arguments for format string";
pub const NOT_ALL: &str = "not all arguments converted during string formatting";
pub const WANTS_MAPPING: &str = "format requires a mapping";
pub const STAR_WANTS_INT: &str = "* wants int";
pub const WANTS_CHAR: &str = "%c requires int or char";

pub enum Part<'a> {
    Literal(&'a str),
    Directive(Directive<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Absent,
    Given(usize),
    /// `*`: the next argument, to be told by `width_is` or `precision_is`.
    Star,
}

/// What a directive is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Str,
    Repr,
    Ascii,
    /// `d i u`: a float is cut to an int.
    Int,
    /// `x X o`: ints only.
    Index,
    Float,
    Char,
}

#[derive(Clone, Copy, Debug)]
pub struct Directive<'a> {
    pub key: Option<&'a str>,
    pub width: Count,
    pub precision: Count,
    pub kind: char,
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    /// Where `kind` stands in the format, for the message.
    at: usize,
}

/// The parts of a format, one after another, ending with the first error.
pub struct Parts<'a> {
    whole: &'a str,
    rest: &'a str,
}

pub fn parts(format: &str) -> Parts<'_> {
    Parts { whole: format, rest: format }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some(after) = self.rest.strip_prefix('%') {
            if let Some(rest) = after.strip_prefix('%') {
                self.rest = rest;
                return Some(Ok(Part::Literal("%")));
            }
            self.rest = after;
            return Some(self.directive().map(Part::Directive));
        }
        let end = self.rest.find('%').unwrap_or(self.rest.len());
        let (literal, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Ok(Part::Literal(literal)))
    }
}

impl<'a> Parts<'a> {
    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest.starts_with(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    fn directive(&mut self) -> Result<Directive<'a>> {
        let key = if self.eat('(') { Some(self.key()?) } else { None };
        let mut directive = Directive {
            key,
            width: Count::Absent,
            precision: Count::Absent,
            kind: '\0',
            left: false,
            plus: false,
            blank: false,
            alternate: false,
            zero: false,
            at: 0,
        };
        loop {
            match self.rest.as_bytes().first() {
                Some(b'-') => directive.left = true,
                Some(b'+') => directive.plus = true,
                Some(b' ') => directive.blank = true,
                Some(b'#') => directive.alternate = true,
                Some(b'0') => directive.zero = true,
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        directive.width = self.count("width too big")?;
        if self.eat('.') {
            directive.precision = match self.count("precision too big")? {
                Count::Absent => Count::Given(0),
                Count::Given(count) if count > i32::MAX as usize => {
                    return Err(PureError::value("precision too big"));
                }
                count => count,
            };
        }
        // One C length letter is allowed and means nothing.
        if self.rest.starts_with(['h', 'l', 'L']) {
            self.rest = &self.rest[1..];
        }
        let Some(kind) = self.rest.chars().next() else {
            return Err(PureError::value("incomplete format"));
        };
        directive.kind = kind;
        directive.at = self.whole[..self.whole.len() - self.rest.len()].chars().count();
        self.rest = &self.rest[kind.len_utf8()..];
        Ok(directive)
    }

    /// Up to the parenthesis that closes the one already taken.
    fn key(&mut self) -> Result<&'a str> {
        let mut depth = 1;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let key = &self.rest[..at];
                self.rest = &self.rest[at + 1..];
                return Ok(key);
            }
        }
        Err(PureError::value("incomplete format key"))
    }

    fn count(&mut self, too_big: &'static str) -> Result<Count> {
        if self.eat('*') {
            return Ok(Count::Star);
        }
        if !self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(Count::Absent);
        }
        let (count, rest) = leading_number(self.rest).map_err(|()| PureError::value(too_big))?;
        self.rest = rest;
        Ok(count.map_or(Count::Absent, Count::Given))
    }
}

/// The argument has the wrong type for its directive.
pub fn wrong_type(kind: char, type_name: &str) -> PureError {
    PureError::type_(match kind {
        'd' | 'i' | 'u' => format!("%{kind} format: a real number is required, not {type_name}"),
        'x' | 'X' | 'o' => format!("%{kind} format: an integer is required, not {type_name}"),
        'c' => WANTS_CHAR.to_owned(),
        _ => format!("must be real number, not {type_name}"),
    })
}

impl Directive<'_> {
    /// The value of a `*` width; a negative one aligns left.
    pub fn width_is(&mut self, width: IntRef) -> Result<()> {
        let width =
            width.to_i64().ok_or_else(|| PureError::overflow("Python int too large to convert to C ssize_t"))?;
        self.left |= width < 0;
        self.width = Count::Given(width.unsigned_abs() as usize);
        Ok(())
    }

    /// The value of a `*` precision; a negative one counts as zero.
    pub fn precision_is(&mut self, precision: IntRef) -> Result<()> {
        let precision = precision
            .to_i64()
            .and_then(|precision| i32::try_from(precision).ok())
            .ok_or_else(|| PureError::overflow("Python int too large to convert to C int"))?;
        self.precision = Count::Given(precision.max(0) as usize);
        Ok(())
    }

    /// What to fetch. An unknown letter is an error, found only after the argument is.
    pub fn wants(&self) -> Result<Wants> {
        Ok(match self.kind {
            's' => Wants::Str,
            'r' => Wants::Repr,
            'a' => Wants::Ascii,
            'd' | 'i' | 'u' => Wants::Int,
            'x' | 'X' | 'o' => Wants::Index,
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => Wants::Float,
            'c' => Wants::Char,
            kind => {
                let shown = if (' '..='~').contains(&kind) { kind } else { '?' };
                return Err(PureError::value(format!(
                    "unsupported format character '{shown}' ({:#x}) at index {}",
                    kind as u32, self.at
                )));
            }
        })
    }

    fn precision(&self) -> Option<usize> {
        match self.precision {
            Count::Given(count) => Some(count),
            _ => None,
        }
    }

    /// Text already converted by `str`, `repr` or `ascii`.
    pub fn apply_str(&self, text: &str) -> Result<String> {
        let shown = match self.precision() {
            Some(count) => text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end]),
            None => text,
        };
        self.pad("", "", shown, false)
    }

    pub fn apply_char(&self, c: char) -> Result<String> {
        self.pad("", "", c.encode_utf8(&mut [0; 4]), false)
    }

    /// `%c` of an int.
    pub fn apply_code(&self, code: IntRef) -> Result<String> {
        let code = code.to_i64().and_then(|code| u32::try_from(code).ok()).filter(|code| *code < 0x110000);
        let code = code.ok_or_else(|| PureError::overflow("%c arg not in range(0x110000)"))?;
        self.apply_char(char::from_u32(code).ok_or_else(crate::object::pure::text::surrogate_refused)?)
    }

    pub fn apply_int(&self, a: IntRef, max_digits: usize) -> Result<String> {
        let (base, prefix) = match self.kind {
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            'o' => (8, "0o"),
            _ => (10, ""),
        };
        let text = if base == 10 { int::to_decimal(a, max_digits)? } else { int::to_radix(a, base, false) };
        let text = if self.kind == 'X' { text.to_uppercase() } else { text };
        let digits = text.trim_start_matches('-');
        let least = self.precision().unwrap_or(0);
        if least > LENGTH_MAX {
            return Err(PureError::memory());
        }
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        self.pad(self.sign(a.is_negative()), if self.alternate { prefix } else { "" }, &digits, self.zero)
    }

    pub fn apply_float(&self, x: f64) -> Result<String> {
        let form = match self.kind {
            'e' | 'E' => Form::Exponent,
            'f' | 'F' => Form::Fixed,
            _ => Form::General,
        };
        let style = Style {
            form,
            precision: self.precision().unwrap_or(6),
            alternate: self.alternate,
            dot_zero: false,
            no_negative_zero: false,
            upper: self.kind.is_ascii_uppercase(),
        };
        let (negative, text) = digits::write(x, style)?;
        self.pad(self.sign(negative), "", &text, self.zero)
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.blank) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn pad(&self, sign: &str, prefix: &str, body: &str, zero: bool) -> Result<String> {
        let width = match self.width {
            Count::Given(width) if width > LENGTH_MAX => return Err(PureError::memory()),
            Count::Given(width) => width,
            _ => 0,
        };
        let missing = width.saturating_sub(sign.len() + prefix.len() + body.chars().count());
        let blanks = |on: bool| {
            if on { " ".repeat(missing) } else { String::new() }
        };
        let zeros = if zero && !self.left { "0".repeat(missing) } else { String::new() };
        let before = blanks(!self.left && !zero);
        Ok(format!("{before}{sign}{prefix}{zeros}{body}{}", blanks(self.left)))
    }
}
