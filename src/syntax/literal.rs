//! The values of literals.

use std::borrow::Cow;

use num_bigint::BigInt;

use crate::source::Span;

use super::ast::IntLit;
use super::lexer::{Checked, Problem, Quote};

/// CPython's limit for ints written in decimal digits.
const MAX_DIGITS: usize = 4300;

pub fn int(literal: &str, lo: u32) -> Checked<IntLit> {
    let span = Span::new(lo, lo + literal.len() as u32);
    let (radix, digits) = match literal.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &literal[2..]),
        [b'0', b'o' | b'O', ..] => (8, &literal[2..]),
        [b'0', b'b' | b'B', ..] => (2, &literal[2..]),
        _ => (10, literal),
    };
    let digits = without_underscores(digits);
    if let Ok(small) = i64::from_str_radix(&digits, radix) {
        return Ok(IntLit::Small(small));
    }
    if radix == 10 && digits.len() > MAX_DIGITS {
        let count = digits.len();
        let message = format!(
            "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {count} digits; \
             use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer \
             literals to avoid decimal conversion limits."
        );
        return Err(Problem::syntax(span, message));
    }
    match BigInt::parse_bytes(digits.as_bytes(), radix) {
        Some(big) => Ok(IntLit::Big(Box::new(big))),
        None => Err(Problem::syntax(span, "invalid decimal literal")),
    }
}

pub fn float(literal: &str, lo: u32) -> Checked<f64> {
    let span = Span::new(lo, lo + literal.len() as u32);
    without_underscores(literal).parse().map_err(|_| Problem::syntax(span, "invalid decimal literal"))
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') { text.replace('_', "").into() } else { text.into() }
}

/// The text of a whole string literal, prefix and quotes included, that stands at `lo`.
pub fn string(literal: &str, lo: u32) -> Checked<Cow<'_, str>> {
    let quote = Quote::at(literal, 0);
    let body = &literal[quote.len as usize..literal.len() - quote.close_len() as usize];
    text(body, quote.raw, lo + quote.len)
}

/// Text that stands at `lo`, with its escapes resolved unless it is raw.
pub fn text(body: &str, raw: bool, lo: u32) -> Checked<Cow<'_, str>> {
    if raw || !body.contains('\\') {
        return Ok(body.into());
    }
    let mut out = String::with_capacity(body.len());
    let mut at = 0;
    while let Some(found) = body[at..].find('\\') {
        out.push_str(&body[at..at + found]);
        at += found;
        let escape = Escape { body: body.as_bytes(), at, lo };
        let next = body[at + 1..].chars().next();
        at += match next {
            Some('\n') => 2,
            Some('N') => escape.named(body, &mut out)?,
            Some('u') => escape.hex(4, 'u', &mut out)?,
            Some('U') => escape.hex(8, 'U', &mut out)?,
            Some('x') => escape.hex(2, 'x', &mut out)?,
            _ => match escape.simple() {
                Some((code, len)) => {
                    out.extend(char::from_u32(code));
                    len
                }
                // An escape that is none keeps its backslash, as in CPython.
                None => {
                    out.push('\\');
                    1
                }
            },
        };
    }
    out.push_str(&body[at..]);
    Ok(out.into())
}

/// The value of a whole bytes literal that stands at `lo`.
pub fn bytes(literal: &str, lo: u32) -> Checked<Vec<u8>> {
    let quote = Quote::at(literal, 0);
    let body = &literal[quote.len as usize..literal.len() - quote.close_len() as usize];
    if !body.is_ascii() {
        let span = Span::new(lo, lo + literal.len() as u32);
        return Err(Problem::syntax(span, "bytes can only contain ASCII literal characters"));
    }
    if quote.raw {
        return Ok(body.as_bytes().to_vec());
    }
    let body = body.as_bytes();
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let escape = Escape { body, at, lo: lo + quote.len };
        match body.get(at + 1) {
            Some(b'\n') => at += 2,
            Some(b'x') => {
                let digits = body.get(at + 2..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
                let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                    let message = format!("(value error) invalid \\x escape at position {at}");
                    return Err(Problem::syntax(escape.span(2), message));
                };
                out.push(value);
                at += 4;
            }
            _ => match escape.simple() {
                Some((code, len)) => {
                    out.push(code as u8);
                    at += len;
                }
                None => {
                    out.push(b'\\');
                    at += 1;
                }
            },
        }
    }
    Ok(out)
}

/// A backslash at `at` of a body that stands at `lo` of the file.
struct Escape<'b> {
    body: &'b [u8],
    at: usize,
    lo: u32,
}

impl Escape<'_> {
    fn span(&self, len: usize) -> Span {
        let lo = self.lo + self.at as u32;
        Span::new(lo, lo + len as u32)
    }

    /// Escapes of one letter, and octal ones: the code and the length.
    fn simple(&self) -> Option<(u32, usize)> {
        let code = match *self.body.get(self.at + 1)? {
            byte @ (b'\\' | b'\'' | b'"') => byte,
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                let digits = self.body[self.at + 1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
                let (value, len) =
                    digits.fold((0, 0), |(value, len), digit| (value * 8 + (digit - b'0') as u32, len + 1));
                return Some((value, len + 1));
            }
            _ => return None,
        };
        Some((code as u32, 2))
    }

    /// `\x`, `\u`, `\U` with exactly so many digits.
    fn hex(&self, digits: usize, letter: char, out: &mut String) -> Checked<usize> {
        let tail = &self.body[self.at + 2..];
        let found = tail.iter().take(digits).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let start = self.at;
        let codec = "(unicode error) 'unicodeescape' codec can't decode bytes in position";
        if found < digits {
            let (end, form) = (start + 1 + found, format!("\\{letter}{}", letter_form(digits)));
            let message = format!("{codec} {start}-{end}: truncated {form} escape");
            return Err(Problem::syntax(self.span(found + 2), message));
        }
        let value = tail[..digits]
            .iter()
            .fold(0u32, |value, &digit| value.wrapping_mul(16) + (digit as char).to_digit(16).unwrap_or(0));
        let end = start + 1 + digits;
        match char::from_u32(value) {
            Some(c) => {
                out.push(c);
                Ok(digits + 2)
            }
            None if (0xd800..0xe000).contains(&value) => {
                let message = format!("Kit has no lone surrogates: '\\u{value:04x}'");
                Err(Problem::syntax(self.span(digits + 2), message)
                    .with_help("a str is Unicode text; for arbitrary bytes use bytes"))
            }
            None => {
                let message = format!("{codec} {start}-{end}: illegal Unicode character");
                Err(Problem::syntax(self.span(digits + 2), message))
            }
        }
    }

    /// `\N{name}`.
    fn named(&self, body: &str, out: &mut String) -> Checked<usize> {
        let rest = &body[self.at + 2..];
        let start = self.at;
        let codec = "(unicode error) 'unicodeescape' codec can't decode bytes in position";
        let end = rest.find('}').filter(|&end| rest.starts_with('{') && end > 1);
        let Some(end) = end else {
            let last = start + 1 + rest.find('}').unwrap_or(if rest.starts_with('{') { rest.len() } else { 0 });
            let message = format!("{codec} {start}-{last}: malformed \\N character escape");
            return Err(Problem::syntax(self.span(2), message));
        };
        match character_named(&rest[1..end]) {
            Some(c) => {
                out.push(c);
                Ok(end + 3)
            }
            None => {
                let last = start + end + 2;
                let message = format!("{codec} {start}-{last}: unknown Unicode character name");
                Err(Problem::syntax(self.span(end + 3), message))
            }
        }
    }
}

/// The character of this name or alias, in any case. The table also takes names with other spaces and
/// underscores; CPython does not.
pub fn character_named(name: &str) -> Option<char> {
    // The crate looks at the byte before a hyphen. No name begins with one.
    if name.starts_with('-') {
        return None;
    }
    let c = unicode_names2::character(name)?;
    let Some(own) = unicode_names2::name(c) else { return Some(c) };
    let own = own.to_string();
    let letters = |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    (own.eq_ignore_ascii_case(name) || letters(&own) != letters(name)).then_some(c)
}

fn letter_form(digits: usize) -> &'static str {
    match digits {
        2 => "XX",
        4 => "XXXX",
        _ => "XXXXXXXX",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_as_in_python() {
        let of = |literal: &str| string(literal, 0).map(Cow::into_owned).map_err(|problem| problem.message);
        assert_eq!(of(r"'a\n\t\\\'\x41\u00e4\U0001F600\101\0'").unwrap(), "a\n\t\\'A\u{e4}\u{1F600}A\0");
        assert_eq!(of(r"r'\n'").unwrap(), "\\n");
        assert_eq!(of("'a\\\nb'").unwrap(), "ab");
        assert_eq!(of(r"'\q\ä'").unwrap(), "\\q\\ä");
        assert_eq!(of(r"'\777'").unwrap(), "\u{1ff}");
        assert!(of(r"'\x4'").unwrap_err().ends_with("position 0-2: truncated \\xXX escape"));
        assert!(of(r"'\u12'").unwrap_err().ends_with("position 0-3: truncated \\uXXXX escape"));
        assert_eq!(of(r"'\N{greek small letter alpha}\N{LINE FEED}'").unwrap(), "\u{3b1}\n");
        assert!(of(r"'\N{GREEKSMALLLETTERALPHA}'").unwrap_err().ends_with("unknown Unicode character name"));
        assert!(of(r"'\ud800'").unwrap_err().starts_with("Kit has no lone surrogates"));
        assert!(of(r"'\U00110000'").unwrap_err().ends_with("illegal Unicode character"));
        assert_eq!(bytes(r"b'a\xff\n\q\1'", 0).unwrap(), b"a\xff\n\\q\x01");
        assert_eq!(bytes(r"rb'\x'", 0).unwrap(), b"\\x");
        assert!(bytes(r"b'\x1'", 0).is_err() && bytes("b'ä'", 0).is_err());
    }

    #[test]
    fn numbers_have_their_values() {
        assert_eq!(int("1_000", 0).unwrap(), IntLit::Small(1000));
        assert_eq!(int("0xFF", 0).unwrap(), IntLit::Small(255));
        assert_eq!(int("9223372036854775807", 0).unwrap(), IntLit::Small(i64::MAX));
        let big = BigInt::from(i64::MAX) + 1;
        assert_eq!(int("9223372036854775808", 0).unwrap(), IntLit::Big(Box::new(big)));
        assert_eq!(float("1_0.5e-1", 0).unwrap(), 1.05);
        assert!(int(&"9".repeat(5000), 0).is_err());
    }
}
