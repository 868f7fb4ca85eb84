//! Methods of bytes and bytearray: those that both have.
//!
//! Results are of the object's own type. Searching and splitting: bytes_more.rs.

use super::{bounds, count};
use crate::natives;
use crate::object::pure::bytes as pure;
use crate::object::{Kind, Value};
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Res};

macro_rules! tables {
    ($($table:ident $type:literal)*) => {$(
        natives! { pub $table, method $type;
            /// ASCII letters in upper case.
            holds upper("") = upper;
            /// ASCII letters in lower case.
            holds lower("") = lower;
            /// The first byte in upper case, the others in lower case.
            holds capitalize("") = capitalize;
            /// Each word capitalized.
            holds title("") = title;
            /// Upper case for lower case and the other way round.
            holds swapcase("") = swapcase;
            /// Are all bytes ASCII letters, and is there one?
            holds isalpha("") = isalpha;
            /// Are all bytes ASCII letters or digits, and is there one?
            holds isalnum("") = isalnum;
            /// Are all bytes below 128?
            holds isascii("") = isascii;
            /// Are all bytes digits, and is there one?
            holds isdigit("") = isdigit;
            /// Are all letters lower case, and is there one?
            holds islower("") = islower;
            /// Are all letters upper case, and is there one?
            holds isupper("") = isupper;
            /// Are the words capitalized, and is there one?
            holds istitle("") = istitle;
            /// Are all bytes white space, and is there one?
            holds isspace("") = isspace;
            /// In the middle of `width` columns.
            holds center("width, fillchar=b' ', /") = center;
            /// At the left of `width` columns.
            holds ljust("width, fillchar=b' ', /") = ljust;
            /// At the right of `width` columns.
            holds rjust("width, fillchar=b' ', /") = rjust;
            /// Led by zeros to `width` columns, after the sign.
            holds zfill("width, /") = zfill;
            /// Tabs as blanks.
            holds expandtabs("tabsize=8") = expandtabs;
            /// Without white space, or without these bytes, at both ends.
            holds strip("bytes=None, /") = strip;
            /// The same at the beginning.
            holds lstrip("bytes=None, /") = lstrip;
            /// The same at the end.
            holds rstrip("bytes=None, /") = rstrip;
            /// Without this beginning, if it has it.
            holds removeprefix("prefix, /") = removeprefix;
            /// Without this end, if it has it.
            holds removesuffix("suffix, /") = removesuffix;
            /// Does it begin with `prefix`, or one of a tuple of them?
            holds startswith("prefix, start=None, end=None, /") = startswith;
            /// Does it end with `suffix`, or one of a tuple of them?
            holds endswith("suffix, start=None, end=None, /") = endswith;
            /// As hexadecimal text, with a separator after each `bytes_per_sep` bytes.
            holds hex("sep='', bytes_per_sep=1") = hex;
            /// The bytes that hexadecimal text says.
            holds fromhex("cls, string, /") = fromhex;
            /// As text in an encoding.
            holds decode("encoding='utf-8', errors='strict'") = decode;
        }
    )*};
}
tables! {
    BYTES "bytes"
    BYTEARRAY "bytearray"
}

/// The bytes of the object.
pub(super) fn own(c: &Call) -> Vec<u8> {
    c.bytes_like(&c.arg(0)).unwrap_or_default()
}

/// A result of the object's own type.
pub(super) fn give(c: &mut Call, b: Vec<u8>) -> Value {
    match c.arg(0) {
        Value::Obj(r) if r.kind() == Kind::ByteArray => c.bytearray(b),
        _ => c.bytes(b),
    }
}

macro_rules! maps {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let out = $pure(&own(c));
            Ok(give(c, out))
        }
    )*};
}
maps! {
    upper = pure::upper;
    lower = pure::lower;
    capitalize = pure::capitalize;
    title = pure::title;
    swapcase = pure::swapcase;
}

macro_rules! asks {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            Ok(Value::bool($pure(&own(c))))
        }
    )*};
}
asks! {
    isalpha = pure::is_alpha;
    isalnum = pure::is_alnum;
    isascii = pure::is_ascii;
    isdigit = pure::is_digit;
    islower = pure::is_lower;
    isupper = pure::is_upper;
    istitle = pure::is_title;
    isspace = pure::is_space;
}

fn fill(c: &mut Call) -> Res<u8> {
    match c.opt(2) {
        None => Ok(b' '),
        Some(v) => match c.bytes_like(&v).as_deref() {
            Some([one]) => Ok(*one),
            _ => {
                let (name, got) = (c.row.name, c.type_name(&v));
                Err(c.type_error(format!("{name}() argument 2 must be a byte string of length 1, not {got}")))
            }
        },
    }
}

macro_rules! layouts {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let width = count(c, 1, 0)?;
            let fill = fill(c)?;
            let out = $pure(&own(c), width, fill);
            let out = c.pure(out)?;
            Ok(give(c, out))
        }
    )*};
}
layouts! {
    center = pure::center;
    ljust = pure::ljust;
    rjust = pure::rjust;
}

fn zfill(c: &mut Call) -> Res<Value> {
    let width = count(c, 1, 0)?;
    let out = pure::zfill(&own(c), width);
    let out = c.pure(out)?;
    Ok(give(c, out))
}

fn expandtabs(c: &mut Call) -> Res<Value> {
    let size = super::c_int(c, 1, 8)?;
    let out = pure::expandtabs(&own(c), size);
    let out = c.pure(out)?;
    Ok(give(c, out))
}

macro_rules! strips {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let chars = match c.some(1) {
                None => None,
                Some(v) => Some(c.to_bytes(&v)?),
            };
            let whole = own(c);
            let part = $pure(&whole, chars.as_deref()).to_vec();
            Ok(give(c, part))
        }
    )*};
}
strips! {
    strip = pure::strip;
    lstrip = pure::lstrip;
    rstrip = pure::rstrip;
}

fn removeprefix(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let prefix = c.to_bytes(&v)?;
    let out = pure::removeprefix(&own(c), &prefix).to_vec();
    Ok(give(c, out))
}

fn removesuffix(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let suffix = c.to_bytes(&v)?;
    let out = pure::removesuffix(&own(c), &suffix).to_vec();
    Ok(give(c, out))
}

fn affix(c: &mut Call, name: &str, test: fn(&[u8], &[u8], i64, i64) -> bool) -> Res<Value> {
    let affix = c.arg(1);
    let (start, end) = bounds(c, 2)?;
    let whole = own(c);
    if let Some(b) = c.bytes_like(&affix) {
        return Ok(Value::bool(test(&whole, &b, start, end)));
    }
    let Some(all) = tuple_items(&affix) else {
        let got = c.type_name(&affix);
        let message = format!("{name} first arg must be bytes or a tuple of bytes, not {got}");
        return Err(c.type_error(message));
    };
    for one in all {
        let b = c.to_bytes(one)?;
        if test(&whole, &b, start, end) {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}

fn startswith(c: &mut Call) -> Res<Value> {
    affix(c, "startswith", pure::startswith)
}
fn endswith(c: &mut Call) -> Res<Value> {
    affix(c, "endswith", pure::endswith)
}

fn hex(c: &mut Call) -> Res<Value> {
    let group = count(c, 2, 1)?;
    let sep = match c.opt(1) {
        None => None,
        Some(v) => {
            let t = match (text(&v), c.bytes_like(&v)) {
                (Some(t), _) => t.to_string(),
                (None, Some(b)) => b.iter().map(|&b| b as char).collect(),
                (None, None) if c.length(&v)? != 1 => return Err(c.value_error("sep must be length 1.")),
                _ => return Err(c.type_error("sep must be str or bytes.")),
            };
            let mut chars = t.chars();
            match (chars.next(), chars.next()) {
                (Some(ch), None) if ch.is_ascii() => Some(ch),
                (Some(_), None) => return Err(c.value_error("sep must be ASCII.")),
                _ => return Err(c.value_error("sep must be length 1.")),
            }
        }
    };
    let out = pure::to_hex(&own(c), sep, group);
    Ok(c.string(out))
}

/// A class method: argument 0 is the class.
fn fromhex(c: &mut Call) -> Res<Value> {
    let (class, v) = (c.arg(0), c.arg(1));
    let Some(t) = text(&v) else {
        let got = super::shown_type(c, &v);
        return Err(c.type_error(format!("fromhex() argument must be str, not {got}")));
    };
    let b = pure::from_hex(t);
    let b = c.pure(b)?;
    let array = c.interp.class(&c.held, crate::object::TypeId::ByteArray).clone();
    Ok(if class.as_ref().is_some_and(|k| k.same(&array)) { c.bytearray(b) } else { c.bytes(b) })
}

fn decode(c: &mut Call) -> Res<Value> {
    let (encoding, errors) = super::str_more::codec(c)?;
    match pure::decode(&own(c), encoding, &errors) {
        Ok(t) => Ok(c.string(t)),
        Err(e) => {
            let object = c.arg(0);
            Err(super::str_more::codec_error(c, object, e))
        }
    }
}

/// `splitlines(keepends)` of both types.
pub(super) fn keepends(c: &mut Call) -> Res<bool> {
    Ok(super::c_int(c, 1, 0)? != 0)
}
