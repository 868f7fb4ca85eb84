//! `str.format` strings taken apart: literals and replacement fields, and a field's name into its steps.
//!
//! A field's spec may hold fields of its own; the caller formats it by the same walk, one level deep (`NESTING`), sharing
//! the `AutoNumber`.

use super::leading_number;
use crate::object::pure::{PureError, Result};

/// A format string may nest once; deeper is "Max string recursion exceeded".
pub const NESTING: usize = 2;

pub fn too_deep() -> PureError {
    PureError::value("Max string recursion exceeded")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Literal(&'a str),
    Field(Field<'a>),
}

/// `{name!conversion:spec}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a str,
    pub conversion: Option<char>,
    pub spec: &'a str,
    /// The spec holds fields itself.
    pub nested: bool,
}

/// The pieces of a format string, ending with the first error.
pub struct Pieces<'a> {
    rest: &'a str,
    /// A field that was read together with the literal before it.
    field: Option<Field<'a>>,
}

pub fn pieces(format: &str) -> Pieces<'_> {
    Pieces { rest: format, field: None }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(field) = self.field.take() {
            return Some(Ok(Piece::Field(field)));
        }
        if self.rest.is_empty() {
            return None;
        }
        Some(self.piece())
    }
}

impl<'a> Pieces<'a> {
    /// A literal with its doubled brace reduced, or a field; a literal right before a field leaves the field behind.
    fn piece(&mut self) -> Result<Piece<'a>> {
        let whole = self.rest;
        let Some(at) = whole.find(['{', '}']) else {
            self.rest = "";
            return Ok(Piece::Literal(whole));
        };
        let brace = whole.as_bytes()[at];
        let after = &whole[at + 1..];
        let doubled = after.as_bytes().first() == Some(&brace);
        if brace == b'}' && !doubled {
            return Err(PureError::value("Single '}' encountered in format string"));
        }
        if after.is_empty() {
            return Err(PureError::value("Single '{' encountered in format string"));
        }
        if doubled {
            self.rest = &after[1..];
            return Ok(Piece::Literal(&whole[..=at]));
        }
        self.rest = after;
        let field = self.take_field()?;
        if at == 0 {
            return Ok(Piece::Field(field));
        }
        self.field = Some(field);
        Ok(Piece::Literal(&whole[..at]))
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take_field(&mut self) -> Result<Field<'a>> {
        let start = self.rest;
        let (name, end) = loop {
            let at = start.len() - self.rest.len();
            match self.next_char() {
                None => return Err(PureError::value("expected '}' before end of string")),
                Some('{') => return Err(PureError::value("unexpected '{' in field name")),
                Some('[') => self.rest = self.rest.find(']').map_or("", |close| &self.rest[close..]),
                Some(end @ ('}' | ':' | '!')) => break (&start[..at], end),
                Some(_) => {}
            }
        };
        let mut field = Field { name, conversion: None, spec: "", nested: false };
        if end == '}' {
            return Ok(field);
        }
        if end == '!' {
            let Some(conversion) = self.next_char() else {
                return Err(PureError::value("end of string while looking for conversion specifier"));
            };
            field.conversion = Some(conversion);
            match self.next_char() {
                Some('}') => return Ok(field),
                Some(':') | None => {}
                Some(_) => return Err(PureError::value("expected ':' after conversion specifier")),
            }
        }
        let spec = self.rest;
        let mut depth = 1;
        for (at, byte) in spec.bytes().enumerate() {
            match byte {
                b'{' => {
                    field.nested = true;
                    depth += 1;
                }
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                field.spec = &spec[..at];
                self.rest = &spec[at + 1..];
                return Ok(field);
            }
        }
        Err(PureError::value("unmatched '{' in format spec"))
    }
}

/// `!r`, `!s`, `!a` are known; everything else has this answer.
pub fn unknown_conversion(conversion: char) -> PureError {
    let shown = if ('!'..'\x7f').contains(&conversion) {
        conversion.to_string()
    } else {
        format!("\\x{:x}", conversion as u32)
    };
    PureError::value(format!("Unknown conversion specifier {shown}"))
}

/// Whether fields have been numbered by hand or by themselves so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoNumber {
    manual: Option<bool>,
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First<'a> {
    /// A positional argument.
    Index(usize),
    /// A keyword argument.
    Name(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    Attr(&'a str),
    Index(usize),
    Key(&'a str),
}

/// Where a field's value begins: its name up to the first `.` or `[`, and the steps from there, to be read lazily.
pub fn field_name<'a>(name: &'a str, auto: &mut AutoNumber) -> Result<(First<'a>, Steps<'a>)> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, rest) = name.split_at(end);
    let index = whole_number(first)?;
    if index.is_some() || first.is_empty() {
        let manual = !first.is_empty();
        match (*auto.manual.get_or_insert(manual), manual) {
            (true, false) => {
                return Err(PureError::value(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            }
            (false, true) => {
                return Err(PureError::value(
                    "cannot switch from automatic field numbering to manual field specification",
                ));
            }
            _ => {}
        }
    }
    let first = match index {
        Some(index) => First::Index(index),
        None if first.is_empty() => {
            auto.next += 1;
            First::Index(auto.next - 1)
        }
        None => First::Name(first),
    };
    Ok((first, Steps { rest }))
}

/// No positional argument has this index.
pub fn index_out_of_range(index: usize) -> PureError {
    PureError::new(
        crate::object::pure::ErrKind::IndexError,
        format!("Replacement index {index} out of range for positional args tuple"),
    )
}

fn whole_number(text: &str) -> Result<Option<usize>> {
    match leading_number(text) {
        Err(()) => Err(PureError::value("Too many decimal digits in format string")),
        Ok((index, "")) => Ok(index),
        Ok(_) => Ok(None),
    }
}

/// The attribute and item steps of a field name.
pub struct Steps<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Steps<'a> {
    type Item = Result<Step<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.rest.chars().next()?;
        Some(self.step(kind))
    }
}

impl<'a> Steps<'a> {
    fn step(&mut self, kind: char) -> Result<Step<'a>> {
        let after = &self.rest[kind.len_utf8()..];
        let (name, rest) = match kind {
            '.' => after.split_at(after.find(['.', '[']).unwrap_or(after.len())),
            '[' => match after.find(']') {
                Some(close) => (&after[..close], &after[close + 1..]),
                None => return Err(PureError::value("Missing ']' in format string")),
            },
            _ => {
                return Err(PureError::value("Only '.' or '[' may follow ']' in format field specifier"));
            }
        };
        if name.is_empty() {
            return Err(PureError::value("Empty attribute in format string"));
        }
        self.rest = rest;
        if kind == '.' {
            return Ok(Step::Attr(name));
        }
        Ok(match whole_number(name)? {
            Some(index) => Step::Index(index),
            None => Step::Key(name),
        })
    }
}
