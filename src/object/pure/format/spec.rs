//! The format-spec mini-language, and its application to str, int and float.

use super::digits::{self, Form, Style};
use super::{LENGTH_MAX, leading_number};
use crate::object::pure::int::{self, IntRef};
use crate::object::pure::{PureError, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Center,
    /// Between sign and digits.
    AfterSign,
}

/// A spec taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub fill: char,
    pub align: Align,
    /// `+`, `-` or a space.
    pub sign: Option<char>,
    pub no_negative_zero: bool,
    pub alternate: bool,
    pub width: Option<usize>,
    /// `,` or `_`.
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    /// The presentation type, or the default given to `parse`.
    pub kind: Option<char>,
}

fn align_of(c: char) -> Option<Align> {
    Some(match c {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Center,
        '=' => Align::AfterSign,
        _ => return None,
    })
}

/// A character as CPython shows it in these messages.
fn shown(c: char) -> String {
    if ('!'..='\x7f').contains(&c) { c.to_string() } else { format!("\\x{:x}", c as u32) }
}

fn take(rest: &mut &str, wanted: char) -> bool {
    match rest.strip_prefix(wanted) {
        Some(tail) => {
            *rest = tail;
            true
        }
        None => false,
    }
}

fn number(rest: &mut &str) -> Result<Option<usize>> {
    let (value, tail) =
        leading_number(rest).map_err(|()| PureError::value("Too many decimal digits in format string"))?;
    *rest = tail;
    Ok(value)
}

impl Spec {
    /// `type_name` is the value's class, for messages.
    pub fn parse(text: &str, default_kind: Option<char>, default_align: Align, type_name: &str) -> Result<Spec> {
        let mut spec = Spec {
            fill: ' ',
            align: default_align,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: None,
            grouping: None,
            precision: None,
            kind: default_kind,
        };
        let mut rest = text;
        let mut ahead = rest.chars();
        let (first, second) = (ahead.next(), ahead.next());
        let mut fill_given = false;
        let mut align_given = false;
        if let (Some(fill), Some(align)) = (first, second.and_then(align_of)) {
            (spec.fill, spec.align) = (fill, align);
            (fill_given, align_given) = (true, true);
            rest = &rest[fill.len_utf8() + 1..];
        } else if let Some(align) = first.and_then(align_of) {
            spec.align = align;
            align_given = true;
            rest = &rest[1..];
        }
        if let Some(sign @ ('+' | '-' | ' ')) = rest.chars().next() {
            spec.sign = Some(sign);
            rest = &rest[1..];
        }
        spec.no_negative_zero = take(&mut rest, 'z');
        spec.alternate = take(&mut rest, '#');
        if !fill_given && take(&mut rest, '0') {
            spec.fill = '0';
            if !align_given && default_align == Align::Right {
                spec.align = Align::AfterSign;
            }
        }
        spec.width = number(&mut rest)?;
        spec.parse_tail(rest, text, type_name)
    }

    /// Grouping, precision and type: `rest` of the whole `text`.
    fn parse_tail(mut self, mut rest: &str, text: &str, type_name: &str) -> Result<Spec> {
        let both = || PureError::value("Cannot specify both ',' and '_'.");
        if take(&mut rest, ',') {
            self.grouping = Some(',');
        }
        if take(&mut rest, '_') {
            if self.grouping.is_some() {
                return Err(both());
            }
            self.grouping = Some('_');
        }
        if rest.starts_with(',') && self.grouping == Some('_') {
            return Err(both());
        }
        if take(&mut rest, '.') {
            self.precision = number(&mut rest)?;
            if self.precision.is_none() {
                return Err(PureError::value("Format specifier missing precision"));
            }
        }
        let mut tail = rest.chars();
        if let Some(kind) = tail.next() {
            self.kind = Some(kind);
        }
        if tail.next().is_some() {
            return Err(PureError::value(format!(
                "Invalid format specifier '{text}' for object of type '{type_name}'"
            )));
        }
        if let Some(separator) = self.grouping {
            let allowed = match self.kind {
                None | Some('d' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F') => true,
                Some('b' | 'o' | 'x' | 'X') => separator == '_',
                _ => false,
            };
            if !allowed {
                let kind = shown(self.kind.unwrap_or('d'));
                return Err(PureError::value(format!("Cannot specify '{separator}' with '{kind}'.")));
            }
        }
        Ok(self)
    }

    /// How many columns the result has at least, refused when it cannot be built.
    fn columns(&self) -> Result<usize> {
        match self.width {
            Some(width) if width > LENGTH_MAX => Err(PureError::memory()),
            width => crate::object::pure::room(width.unwrap_or(0)).map(|()| width.unwrap_or(0)),
        }
    }
}

fn unknown_code(kind: char, type_name: &str) -> PureError {
    PureError::value(format!("Unknown format code '{}' for object of type '{type_name}'", shown(kind)))
}

/// A number before it is padded.
struct Row<'a> {
    negative: bool,
    prefix: &'a str,
    digits: &'a str,
    /// Point, fraction, exponent, percent sign; or a word such as `inf`.
    rest: &'a str,
}

fn fill(out: &mut String, c: char, count: usize) {
    out.extend(std::iter::repeat_n(c, count));
}

impl Row<'_> {
    fn lay_out(&self, spec: &Spec, group: usize) -> Result<String> {
        let width = spec.columns()?;
        let sign = match spec.sign {
            _ if self.negative => "-",
            Some('+') => "+",
            Some(' ') => " ",
            _ => "",
        };
        let fixed = sign.len() + self.prefix.chars().count() + self.rest.chars().count();
        // Zero fill belongs to the digits, and is grouped with them.
        let zero_filled = spec.fill == '0' && spec.align == Align::AfterSign;
        let least = if zero_filled { width.saturating_sub(fixed) } else { 0 };
        let digits = if self.digits.is_empty() {
            String::new()
        } else {
            grouped(self.digits, spec.grouping.map(|separator| (separator, group)), least)
        };
        let padding = width.saturating_sub(fixed + digits.len());
        let (before, inside, after) = match spec.align {
            Align::Left => (0, 0, padding),
            Align::Center => (padding / 2, 0, padding - padding / 2),
            Align::AfterSign => (0, padding, 0),
            Align::Right => (padding, 0, 0),
        };
        let mut out = String::with_capacity(width.max(fixed + digits.len()));
        fill(&mut out, spec.fill, before);
        out.push_str(sign);
        out.push_str(self.prefix);
        fill(&mut out, spec.fill, inside);
        out.push_str(&digits);
        out.push_str(self.rest);
        fill(&mut out, spec.fill, after);
        Ok(out)
    }
}

/// Digits with separators, led by zeros until at least `least` columns; a group is never started by a separator, so the
/// result may be one column longer.
fn grouped(digits: &str, grouping: Option<(char, usize)>, least: usize) -> String {
    let Some((separator, size)) = grouping else {
        let zeros = least.saturating_sub(digits.len());
        return format!("{}{digits}", "0".repeat(zeros));
    };
    let mut reversed = Vec::with_capacity(digits.len() * 4 / 3 + 1);
    let mut source = digits.bytes().rev();
    let mut left = digits.len();
    for column in 0.. {
        if left == 0 && reversed.len() >= least {
            break;
        }
        if column > 0 && column % size == 0 {
            reversed.push(separator as u8);
        }
        reversed.push(source.next().unwrap_or(b'0'));
        left = left.saturating_sub(1);
    }
    reversed.iter().rev().map(|b| char::from(*b)).collect()
}

/// `format(text, spec)`.
pub fn format_str(text: &str, spec_text: &str, type_name: &str) -> Result<String> {
    if spec_text.is_empty() {
        return Ok(text.to_owned());
    }
    let spec = Spec::parse(spec_text, Some('s'), Align::Left, type_name)?;
    if let Some(kind) = spec.kind
        && kind != 's'
    {
        return Err(unknown_code(kind, type_name));
    }
    let refused = |what: &str| Err(PureError::value(format!("{what} not allowed in string format specifier")));
    match spec.sign {
        Some(' ') => return refused("Space"),
        Some(_) => return refused("Sign"),
        None => {}
    }
    if spec.no_negative_zero {
        return refused("Negative zero coercion (z)");
    }
    if spec.alternate {
        return refused("Alternate form (#)");
    }
    if spec.align == Align::AfterSign {
        return Err(PureError::value("'=' alignment not allowed in string format specifier"));
    }
    let shown = match spec.precision {
        Some(count) => text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end]),
        None => text,
    };
    Row { negative: false, prefix: "", digits: "", rest: shown }.lay_out(&spec, 1)
}

/// `format(a, spec)`; the caller answers an empty spec by `str(a)`, which for a bool is a word.
pub fn format_int(a: IntRef, spec_text: &str, type_name: &str, max_digits: usize) -> Result<String> {
    let spec = Spec::parse(spec_text, Some('d'), Align::Right, type_name)?;
    let kind = spec.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        return apply_float(int::to_float(a)?, &spec, type_name);
    }
    let (base, group) = match kind {
        'd' | 'n' | 'c' => (10, 3),
        'b' => (2, 4),
        'o' => (8, 4),
        'x' | 'X' => (16, 4),
        _ => return Err(unknown_code(kind, type_name)),
    };
    if spec.precision.is_some() {
        return Err(PureError::value("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(PureError::value("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    if kind == 'c' {
        return format_char(a, &spec);
    }
    let text = if base == 10 { int::to_decimal(a, max_digits)? } else { int::to_radix(a, base, false) };
    let text = if kind == 'X' { text.to_uppercase() } else { text };
    let prefix = match kind {
        _ if !spec.alternate => "",
        'b' => "0b",
        'o' => "0o",
        'x' => "0x",
        'X' => "0X",
        _ => "",
    };
    let digits = text.trim_start_matches('-');
    Row { negative: a.is_negative(), prefix, digits, rest: "" }.lay_out(&spec, group)
}

fn format_char(a: IntRef, spec: &Spec) -> Result<String> {
    if spec.sign.is_some() {
        return Err(PureError::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(PureError::value("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let code = a.to_i64().ok_or_else(|| PureError::overflow("Python int too large to convert to C long"))?;
    let code = u32::try_from(code).ok().filter(|code| *code < 0x110000);
    let code = code.ok_or_else(|| PureError::overflow("%c arg not in range(0x110000)"))?;
    let c = char::from_u32(code).ok_or_else(crate::object::pure::text::surrogate_refused)?;
    Row { negative: false, prefix: "", digits: "", rest: c.encode_utf8(&mut [0; 4]) }.lay_out(spec, 1)
}

/// `format(x, spec)`; an empty spec is `str(x)`.
pub fn format_float(x: f64, spec_text: &str, type_name: &str) -> Result<String> {
    if spec_text.is_empty() {
        return Ok(crate::object::pure::float::repr(x));
    }
    let spec = Spec::parse(spec_text, None, Align::Right, type_name)?;
    apply_float(x, &spec, type_name)
}

fn apply_float(x: f64, spec: &Spec, type_name: &str) -> Result<String> {
    let form = match spec.kind {
        None if spec.precision.is_none() => Form::Repr,
        None | Some('g' | 'G' | 'n') => Form::General,
        Some('e' | 'E') => Form::Exponent,
        Some('f' | 'F' | '%') => Form::Fixed,
        Some(kind) => return Err(unknown_code(kind, type_name)),
    };
    if spec.precision.is_some_and(|precision| precision > i32::MAX as usize) {
        return Err(PureError::value("precision too big"));
    }
    let percent = spec.kind == Some('%');
    let style = Style {
        form,
        precision: spec.precision.unwrap_or(6),
        alternate: spec.alternate,
        dot_zero: spec.kind.is_none(),
        no_negative_zero: spec.no_negative_zero,
        upper: matches!(spec.kind, Some('E' | 'F' | 'G')),
    };
    let (negative, mut text) = digits::write(if percent { x * 100.0 } else { x }, style)?;
    if percent {
        text.push('%');
    }
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(whole);
    Row { negative, prefix: "", digits, rest }.lay_out(spec, 3)
}
