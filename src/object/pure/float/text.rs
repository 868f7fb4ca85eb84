//! Floats from and to text.

use super::decode;
use crate::object::pure::int::{assemble, fold_digits, without_underscores};
use crate::object::pure::{PureError, Result, text, unicode};

/// Decimal digits and where the point stands: the value is `0.DIGITS * 10 ** point`.
pub(in crate::object::pure) struct Digits {
    pub text: String,
    pub point: i32,
}

/// The shortest digits that read back as `|x|`, which is finite.
pub(in crate::object::pure) fn shortest(x: f64) -> Digits {
    if x == 0.0 {
        return Digits { text: "0".into(), point: 1 };
    }
    let mut buffer = zmij::Buffer::new();
    let written = buffer.format_finite(x.abs());
    let (mantissa, exponent) = match written.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (written, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let text = all.trim_matches('0');
    Digits { point: whole.len() as i32 - leading as i32 + exponent, text: text.to_owned() }
}

/// `repr(x)`: positional from 1e-4 to below 1e16, else with an exponent of at least two digits.
pub fn repr(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x.is_infinite() {
        return format!("{sign}inf");
    }
    // Whole numbers of a size that one sees need no search for digits.
    if x.floor() == x && x.abs() < 1e15 {
        return format!("{sign}{}.0", x.abs() as u64);
    }
    let Digits { text, point } = shortest(x);
    if (-3..=16).contains(&point) {
        let body = positional(&text, point);
        return if body.contains('.') { format!("{sign}{body}") } else { format!("{sign}{body}.0") };
    }
    let (first, rest) = text.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let exponent = point - 1;
    let mark = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{dot}{rest}e{mark}{:02}", exponent.abs())
}

/// Digits around their point, without a point where nothing follows it.
pub(in crate::object::pure) fn positional(digits: &str, point: i32) -> String {
    if point <= 0 {
        return format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    let point = point as usize;
    if digits.len() <= point {
        return format!("{digits}{}", "0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    format!("{whole}.{fraction}")
}

/// `float(text)`.
pub fn parse(source: &str) -> Result<f64> {
    read(source).ok_or_else(|| PureError::value(format!("could not convert string to float: {}", text::repr(source))))
}

fn read(source: &str) -> Option<f64> {
    let folded = fold_digits(source);
    let trimmed = folded.trim_matches(unicode::is_space);
    if !trimmed.contains('_') {
        return read_plain(trimmed);
    }
    // An underscore stands between two digits only.
    let bytes = trimmed.as_bytes();
    let between = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'_' || at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    });
    if !between {
        return None;
    }
    let plain = without_underscores(bytes)?;
    read_plain(std::str::from_utf8(&plain).ok()?)
}

fn read_plain(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // The standard library reads the same words, any case, and the same digits, with correct rounding; `e5`, `.` and the
    // empty text it refuses too. It is asked only for what starts as a number or one of the words.
    let first = unsigned.bytes().next()?;
    if first.is_ascii_digit() || first == b'.' {
        return text.parse().ok();
    }
    ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)).then(|| text.parse().ok())?
}

/// `float.hex`.
pub fn to_hex(x: f64) -> String {
    if !x.is_finite() {
        return repr(x);
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let (mantissa, exponent) = decode(x);
    let lead = mantissa >> 52;
    let fraction = mantissa & ((1 << 52) - 1);
    format!("{sign}0x{lead}.{fraction:013x}p{:+}", exponent + 52)
}

/// `float.fromhex`.
pub fn from_hex(source: &str) -> Result<f64> {
    let invalid = || PureError::value("invalid hexadecimal floating-point string");
    let trimmed =
        source.trim_matches(|c: char| c.is_ascii() && unicode::is_space(c) && !('\x1c'..='\x1f').contains(&c));
    let (negative, body) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let size = match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        body => {
            let size = read_hex(body.strip_prefix("0x").unwrap_or(body)).ok_or_else(invalid)?;
            if size.is_infinite() {
                return Err(PureError::overflow("hexadecimal value too large to represent as a float"));
            }
            size
        }
    };
    Ok(if negative { -size } else { size })
}

/// Lower-case `h.hhhp±d`; infinite when too large.
fn read_hex(body: &str) -> Option<f64> {
    let (digits, exponent) = match body.split_once('p') {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (body, None),
    };
    let mut binary_exponent = match exponent {
        None => 0,
        Some(text) => {
            let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
            if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // What does not fit is far beyond any float in either direction.
            let size = unsigned.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
            if text.starts_with('-') { -size } else { size }
        }
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut word = 0u64;
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let nibble = u64::from(digit.to_digit(16)?);
        let in_fraction = at >= whole.len();
        if word >> 60 == 0 {
            word = word << 4 | nibble;
            binary_exponent -= if in_fraction { 4 } else { 0 };
        } else {
            // No room: the digit only leaves a mark that something follows.
            word |= u64::from(nibble != 0);
            binary_exponent += if in_fraction { 0 } else { 4 };
        }
    }
    Some(assemble(word, binary_exponent))
}
