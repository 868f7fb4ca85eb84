//! Hand scanners for what a regular expression words badly: the ends of numbers and strings, and
//! what is wrong with them.

use crate::source::{ErrorKind, Span};

use super::token::Tok;

/// What is wrong, before it is tied to a file.
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: ErrorKind,
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn syntax(span: Span, message: impl Into<String>) -> Box<Problem> {
        Box::new(Problem { kind: ErrorKind::SyntaxError, span, message: message.into(), help: None })
    }

    pub fn with_help(mut self: Box<Problem>, help: impl Into<String>) -> Box<Problem> {
        self.help = Some(help.into());
        self
    }
}

pub type Checked<T> = Result<T, Box<Problem>>;

/// A character that no token begins with.
pub fn bad_character(text: &str, at: u32) -> Box<Problem> {
    let c = text[at as usize..].chars().next().unwrap_or(' ');
    let span = Span::new(at, at + c.len_utf8() as u32);
    let code = c as u32;
    if c == '!' {
        Problem::syntax(span, "invalid syntax").with_help("write 'not' for '!'")
    } else if c.is_ascii() && !c.is_ascii_control() {
        Problem::syntax(span, "invalid syntax")
    } else if c.is_control() || c.is_whitespace() || matches!(code, 0x200b..=0x200f | 0x2060..=0x206f | 0xfeff) {
        Problem::syntax(span, format!("invalid non-printable character U+{code:04X}"))
    } else {
        Problem::syntax(span, format!("invalid character '{c}' (U+{code:04X})"))
    }
}

/// The number that begins at `at`, and its end.
pub fn number(text: &str, at: u32) -> Checked<(Tok<'_>, u32)> {
    let mut scan = Scan { bytes: text.as_bytes(), at: at as usize };
    let mut float = false;
    let first = scan.peek();
    let radix = if first == b'0' { scan.bytes.get(scan.at + 1).copied().unwrap_or(0) | 0x20 } else { 0 };
    let kind = match radix {
        b'x' => "hexadecimal",
        b'o' => "octal",
        b'b' => "binary",
        _ => "decimal",
    };
    if kind != "decimal" {
        scan.at += 2;
        scan.radix_digits(kind)?;
    } else {
        if first != b'.' {
            scan.decimal_digits()?;
        }
        let integer_end = scan.at;
        if scan.peek() == b'.' {
            float = true;
            scan.at += 1;
            if scan.peek().is_ascii_digit() {
                scan.decimal_digits()?;
            }
        }
        if scan.peek() | 0x20 == b'e' {
            let sign = matches!(scan.bytes.get(scan.at + 1), Some(b'+' | b'-')) as usize;
            if scan.bytes.get(scan.at + 1 + sign).is_some_and(u8::is_ascii_digit) {
                float = true;
                scan.at += 1 + sign;
                scan.decimal_digits()?;
            } else if sign == 1 {
                return Err(scan.invalid(kind));
            }
        }
        if scan.peek() | 0x20 == b'j' {
            let span = Span::new(at, scan.at as u32 + 1);
            return Err(Problem::syntax(span, "Kit has no complex numbers"));
        }
        let digits = &text[at as usize..integer_end];
        if !float && digits.len() > 1 && first == b'0' && digits.bytes().any(|b| matches!(b, b'1'..=b'9')) {
            let zeros = digits.bytes().take_while(|b| matches!(b, b'0' | b'_')).count() as u32;
            let message = "leading zeros in decimal integer literals are not permitted; \
                           use an 0o prefix for octal integers";
            return Err(Problem::syntax(Span::new(at, at + zeros), message));
        }
    }
    scan.check_end(text, kind)?;
    let literal = &text[at as usize..scan.at];
    let tok = if float { Tok::Float(literal) } else { Tok::Int(literal) };
    Ok((tok, scan.at as u32))
}

struct Scan<'i> {
    bytes: &'i [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn invalid(&self, kind: &str) -> Box<Problem> {
        Problem::syntax(Span::new(self.at as u32 - 1, self.at as u32), format!("invalid {kind} literal"))
    }

    /// Digits with single underscores between them; the first byte is a digit.
    fn decimal_digits(&mut self) -> Checked<()> {
        loop {
            while self.peek().is_ascii_digit() {
                self.at += 1;
            }
            if self.peek() != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !self.peek().is_ascii_digit() {
                return Err(self.invalid("decimal"));
            }
        }
    }

    /// Digits after `0x`, `0o` or `0b`.
    fn radix_digits(&mut self, kind: &str) -> Checked<()> {
        let is_digit = |byte: u8| match kind {
            "hexadecimal" => byte.is_ascii_hexdigit(),
            "octal" => matches!(byte, b'0'..=b'7'),
            _ => matches!(byte, b'0' | b'1'),
        };
        loop {
            self.at += (self.peek() == b'_') as usize;
            let next = self.peek();
            if !is_digit(next) {
                return Err(if next.is_ascii_digit() { self.bad_digit(kind) } else { self.invalid(kind) });
            }
            while is_digit(self.peek()) {
                self.at += 1;
            }
            if self.peek().is_ascii_digit() {
                return Err(self.bad_digit(kind));
            }
            if self.peek() != b'_' {
                return Ok(());
            }
        }
    }

    fn bad_digit(&self, kind: &str) -> Box<Problem> {
        let span = Span::new(self.at as u32, self.at as u32 + 1);
        Problem::syntax(span, format!("invalid digit '{}' in {kind} literal", self.peek() as char))
    }

    /// A number may touch a keyword that can follow it (`1if x else 2`), and no other word.
    fn check_end(&self, text: &str, kind: &str) -> Checked<()> {
        let rest = &text[self.at..];
        // CPython takes any character beyond ASCII for part of a word here.
        let follows = ["and", "else", "for", "if", "in", "is", "not", "or"];
        match rest.chars().next() {
            Some(c)
                if (c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii())
                    && !follows.iter().any(|word| rest.starts_with(word)) =>
            {
                Err(self.invalid(kind))
            }
            _ => Ok(()),
        }
    }
}

/// How a string literal begins.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    pub byte: u8,
    pub triple: bool,
    pub raw: bool,
    pub bytes: bool,
    pub fstring: bool,
    /// Prefix and opening quotes.
    pub len: u32,
}

impl Quote {
    /// Reads prefix and quotes at `at`, where the lexer has seen them.
    pub fn at(text: &str, at: u32) -> Quote {
        let bytes = &text.as_bytes()[at as usize..];
        let prefix = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let has = |letter: u8| bytes[..prefix].iter().any(|byte| byte | 0x20 == letter);
        let byte = bytes[prefix];
        let triple = bytes[prefix..].starts_with(&[byte; 3]);
        let len = (prefix + if triple { 3 } else { 1 }) as u32;
        Quote { byte, triple, raw: has(b'r'), bytes: has(b'b'), fstring: has(b'f'), len }
    }

    /// The length of the closing quotes.
    pub fn close_len(self) -> u32 {
        if self.triple { 3 } else { 1 }
    }

    /// Whether the closing quotes stand here.
    pub fn closes(self, rest: &[u8]) -> bool {
        rest.first() == Some(&self.byte) && (!self.triple || rest.starts_with(&[self.byte; 3]))
    }

    /// The end of the literal that begins at `at`, behind its closing quotes.
    pub fn end(self, text: &str, at: u32) -> Checked<u32> {
        let bytes = text.as_bytes();
        let mut i = (at + self.len) as usize;
        while let Some(&byte) = bytes.get(i) {
            if byte == b'\\' {
                i += 2;
            } else if byte == self.byte && self.closes(&bytes[i..]) {
                return Ok(i as u32 + self.close_len());
            } else if byte == b'\n' && !self.triple {
                break;
            } else {
                i += 1;
            }
        }
        Err(self.unterminated(text, at, i.min(text.len()) as u32))
    }

    /// The error for a literal that begins at `at` and has no end; it was noticed at `seen`.
    pub fn unterminated(self, text: &str, at: u32, seen: u32) -> Box<Problem> {
        // The line of the last byte: a line break belongs to the line it ends.
        let last = (seen as usize + 1).min(text.len());
        let head = text.as_bytes()[..last].strip_suffix(b"\n").unwrap_or(&text.as_bytes()[..last]);
        let line = head.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let kind = if self.triple { "triple-quoted string" } else { "string" };
        let message = format!("unterminated {kind} literal (detected at line {line})");
        Problem::syntax(Span::new(at, at + self.len), message)
    }
}
