//! Encodings: UTF-8 (also with signature), ASCII, Latin-1, UTF-16 and UTF-32 (`wide`); and what happens at what they cannot hold.

use super::wide::{self, Order};
use crate::object::pure::text::push_escape;
use crate::object::pure::{ErrKind, PureError};
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf8Sig,
    Ascii,
    Latin1,
    Utf16(Order),
    Utf32(Order),
}

const SIGNATURE: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    /// By any of the names CPython gives it.
    pub fn named(name: &str) -> Result<Encoding, PureError> {
        let plain = name.to_ascii_lowercase().replace(['-', ' '], "_");
        Ok(match plain.as_str() {
            "utf_8" | "utf8" | "u8" | "utf" | "cp65001" => Encoding::Utf8,
            "utf_8_sig" => Encoding::Utf8Sig,
            "ascii" | "us_ascii" | "646" => Encoding::Ascii,
            "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "iso8859" | "8859" | "cp819" => {
                Encoding::Latin1
            }
            other => match wide::named(other) {
                Some(encoding) => encoding,
                None => return Err(PureError::new(ErrKind::LookupError, format!("unknown encoding: {name}"))),
            },
        })
    }

    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 | Encoding::Utf8Sig => "utf-8",
            Encoding::Ascii => "ascii",
            Encoding::Latin1 => "latin-1",
            Encoding::Utf16(Order::Big) => "utf-16-be",
            Encoding::Utf16(_) => "utf-16-le",
            Encoding::Utf32(Order::Big) => "utf-32-be",
            Encoding::Utf32(_) => "utf-32-le",
        }
    }
}

/// The parts of a `UnicodeDecodeError` or `UnicodeEncodeError`; `object` is what the caller gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnicodeError {
    pub kind: ErrKind,
    pub encoding: &'static str,
    pub start: usize,
    pub end: usize,
    pub reason: &'static str,
    /// The byte or character at `start`, as the message shows it.
    shown: String,
}

impl UnicodeError {
    /// `str()` of the exception.
    pub fn message(&self) -> String {
        let UnicodeError { encoding, start, end, reason, shown, .. } = self;
        let (verb, one, many) = match self.kind {
            ErrKind::UnicodeDecodeError => ("decode", "byte", "bytes"),
            _ => ("encode", "character", "characters"),
        };
        if end - start == 1 {
            format!("'{encoding}' codec can't {verb} {one} {shown} in position {start}: {reason}")
        } else {
            format!("'{encoding}' codec can't {verb} {many} in position {start}-{}: {reason}", end - 1)
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    Unicode(UnicodeError),
    /// An encoding or error handler that is not known.
    Other(PureError),
}

impl From<PureError> for CodecError {
    fn from(error: PureError) -> Self {
        CodecError::Other(error)
    }
}

impl From<CodecError> for PureError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Unicode(error) => PureError::new(error.kind, error.message()),
            CodecError::Other(error) => error,
        }
    }
}

enum Handler {
    Ignore,
    Replace,
    Backslash,
    /// `&#233;`, when encoding.
    XmlCharRef,
}

/// The handler of that name; `strict` is the error itself. Like CPython, a name is looked at only when it is needed.
fn handler(name: &str, error: UnicodeError) -> Result<Handler, CodecError> {
    let encoding = error.kind == ErrKind::UnicodeEncodeError;
    Ok(match name {
        "strict" => return Err(CodecError::Unicode(error)),
        "ignore" => Handler::Ignore,
        "replace" => Handler::Replace,
        "backslashreplace" => Handler::Backslash,
        "xmlcharrefreplace" if encoding => Handler::XmlCharRef,
        "surrogateescape" | "surrogatepass" if encoding => return Err(CodecError::Unicode(error)),
        "surrogateescape" | "surrogatepass" => {
            return Err(PureError::value(format!(
                "error handler '{name}' makes surrogates, which Kit's str cannot hold"
            ))
            .into());
        }
        _ => {
            return Err(PureError::new(ErrKind::LookupError, format!("unknown error handler name '{name}'")).into());
        }
    })
}

/// `data.decode(encoding, errors)`.
pub fn decode(data: &[u8], encoding: Encoding, errors: &str) -> Result<String, CodecError> {
    match encoding {
        Encoding::Latin1 => Ok(data.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Utf8 => decode_by(data, encoding, errors, utf8_run),
        Encoding::Utf8Sig => decode_by(data.strip_prefix(SIGNATURE).unwrap_or(data), encoding, errors, utf8_run),
        Encoding::Ascii => decode_by(data, encoding, errors, ascii_run),
        Encoding::Utf16(order) => decode_wide(data, encoding, errors, 2, order),
        Encoding::Utf32(order) => decode_wide(data, encoding, errors, 4, order),
    }
}

/// The longest good start, and behind it how many bytes are wrong and why.
type Run<'a> = (&'a str, Option<(usize, &'static str)>);

fn utf8_run(data: &[u8]) -> Run<'_> {
    let error = match std::str::from_utf8(data) {
        Ok(text) => return (text, None),
        Err(error) => error,
    };
    let (good, bad) = data.split_at(error.valid_up_to());
    let wrong = match error.error_len() {
        None => (bad.len(), "unexpected end of data"),
        Some(len) if matches!(bad[0], 0xc2..=0xf4) => (len, "invalid continuation byte"),
        Some(len) => (len, "invalid start byte"),
    };
    (std::str::from_utf8(good).unwrap_or_default(), Some(wrong))
}

fn ascii_run(data: &[u8]) -> Run<'_> {
    let good = data.iter().position(|byte| !byte.is_ascii());
    let text = std::str::from_utf8(&data[..good.unwrap_or(data.len())]).unwrap_or_default();
    (text, good.map(|_| (1, "ordinal not in range(128)")))
}

fn decode_by(data: &[u8], encoding: Encoding, errors: &str, run: fn(&[u8]) -> Run<'_>) -> Result<String, CodecError> {
    let mut out = String::new();
    let mut done = 0;
    loop {
        let (text, wrong) = run(&data[done..]);
        out.push_str(text);
        done += text.len();
        let Some((len, reason)) = wrong else {
            return Ok(out);
        };
        let bad = &data[done..done + len];
        let error = UnicodeError {
            kind: ErrKind::UnicodeDecodeError,
            encoding: encoding.name(),
            start: done,
            end: done + len,
            reason,
            shown: format!("0x{:02x}", bad[0]),
        };
        match handler(errors, error)? {
            Handler::Ignore => {}
            Handler::Backslash => bad.iter().for_each(|byte| push_escape(&mut out, char::from(*byte))),
            Handler::Replace | Handler::XmlCharRef => out.push('\u{fffd}'),
        }
        done += len;
    }
}

fn decode_wide(
    data: &[u8],
    encoding: Encoding,
    errors: &str,
    width: usize,
    order: Order,
) -> Result<String, CodecError> {
    let (mut done, order) = wide::marked(data, width, order);
    let mut out = String::new();
    while done < data.len() {
        let (len, reason) = match wide::step(&data[done..], width, order) {
            Ok((c, len)) => {
                out.push(c);
                done += len;
                continue;
            }
            Err(wrong) => wrong,
        };
        let bad = &data[done..done + len];
        let error = UnicodeError {
            kind: ErrKind::UnicodeDecodeError,
            encoding: encoding.name(),
            start: done,
            end: done + len,
            reason,
            shown: format!("0x{:02x}", bad[0]),
        };
        match handler(errors, error)? {
            Handler::Ignore => {}
            Handler::Backslash => bad.iter().for_each(|byte| push_escape(&mut out, char::from(*byte))),
            Handler::Replace | Handler::XmlCharRef => out.push('\u{fffd}'),
        }
        done += len;
    }
    Ok(out)
}

/// `text.encode(encoding, errors)`.
pub fn encode(text: &str, encoding: Encoding, errors: &str) -> Result<Vec<u8>, CodecError> {
    let (limit, reason) = match encoding {
        Encoding::Utf8 => return Ok(text.as_bytes().to_vec()),
        Encoding::Utf8Sig => return Ok([SIGNATURE, text.as_bytes()].concat()),
        Encoding::Utf16(order) => return Ok(wide::encode(text, 2, order)),
        Encoding::Utf32(order) => return Ok(wide::encode(text, 4, order)),
        Encoding::Ascii => ('\x7f', "ordinal not in range(128)"),
        Encoding::Latin1 => ('\u{ff}', "ordinal not in range(256)"),
    };
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        if c <= limit {
            out.push(c as u8);
            continue;
        }
        // All that cannot be encoded in a row is one error.
        let mut bad = String::from(c);
        while let Some((_, next)) = chars.next_if(|(_, next)| *next > limit) {
            bad.push(next);
        }
        let mut shown = String::new();
        push_escape(&mut shown, c);
        let error = UnicodeError {
            kind: ErrKind::UnicodeEncodeError,
            encoding: encoding.name(),
            start: at,
            end: at + bad.chars().count(),
            reason,
            shown: format!("'{shown}'"),
        };
        let mut instead = String::new();
        match handler(errors, error)? {
            Handler::Ignore => {}
            Handler::Replace => bad.chars().for_each(|_| instead.push('?')),
            Handler::Backslash => bad.chars().for_each(|c| push_escape(&mut instead, c)),
            // Writing to a String cannot fail.
            Handler::XmlCharRef => bad.chars().for_each(|c| {
                let _ = write!(instead, "&#{};", c as u32);
            }),
        }
        out.extend_from_slice(instead.as_bytes());
    }
    Ok(out)
}
