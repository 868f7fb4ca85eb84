//! `_struct`: numbers as packed bytes. Classes and iteration: `kit/struct.kit`.
//!
//! A format is read anew at each call; it is short. Native order (`@`) aligns as C on x86-64 and ARM64.

use crate::natives;
use crate::object::Value;
use crate::object::pure::int::{self, IntVal};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res, Thread};

natives! { pub STRUCT, "_struct";
    /// The size in bytes of what a format says. `error` is the class that is raised.
    holds calcsize("error, format, /") = calcsize;
    /// The values as packed bytes.
    holds pack("error, format, values, /") = pack;
    /// The values of packed bytes from `offset` on, as a tuple; the bytes must fit exactly unless `more`.
    holds unpack("error, format, data, offset, more, /") = unpack;
}

/// One kind of field, as often as it says.
struct Field {
    code: u8,
    size: usize,
    count: usize,
    /// Bytes of padding before it.
    pad: usize,
}

struct Format {
    little: bool,
    fields: Vec<Field>,
    size: usize,
}

fn error<T>(th: &mut Thread, class: &Value, message: &str) -> Res<T> {
    let message = th.str(message);
    let e = th.call(class, &[message])?;
    Err(th.raise_value(e))
}

fn parse(th: &mut Thread, class: &Value, v: &Value) -> Res<Format> {
    let source = match crate::vm::make::text(v) {
        Some(t) => t.as_bytes().to_vec(),
        None => match th.bytes_like(v) {
            Some(b) => b,
            None => {
                let got = th.type_name(v);
                return Err(th.type_error(format!("Struct() argument 1 must be a str or bytes object, not {got}")));
            }
        },
    };
    let (order, rest) = match source.first() {
        Some(o @ (b'@' | b'=' | b'<' | b'>' | b'!')) => (*o, &source[1..]),
        _ => (b'@', &source[..]),
    };
    let native = order == b'@';
    let mut format = Format { little: !matches!(order, b'>' | b'!'), fields: vec![], size: 0 };
    let mut rest = rest.iter().copied().peekable();
    while let Some(mut b) = rest.next() {
        if b.is_ascii_whitespace() {
            continue;
        }
        let mut count = 1usize;
        if b.is_ascii_digit() {
            count = (b - b'0').into();
            loop {
                match rest.next() {
                    Some(d) if d.is_ascii_digit() => {
                        count = match count.checked_mul(10).and_then(|n| n.checked_add((d - b'0').into())) {
                            Some(n) if n < 1 << 40 => n,
                            _ => return error(th, class, "total struct size too long"),
                        };
                    }
                    Some(code) => {
                        b = code;
                        break;
                    }
                    None => return error(th, class, "repeat count given without format specifier"),
                }
            }
        }
        let size = match b {
            b'x' | b'c' | b'b' | b'B' | b'?' | b's' | b'p' => 1,
            b'h' | b'H' | b'e' => 2,
            b'i' | b'I' | b'f' => 4,
            b'l' | b'L' => {
                if native {
                    8
                } else {
                    4
                }
            }
            b'q' | b'Q' | b'd' => 8,
            b'n' | b'N' | b'P' if native => 8,
            _ => return error(th, class, "bad char in struct format"),
        };
        let pad = if native { (size - format.size % size) % size } else { 0 };
        let Some(size_now) = size.checked_mul(count).and_then(|n| n.checked_add(format.size + pad)) else {
            return error(th, class, "total struct size too long");
        };
        format.size = size_now;
        format.fields.push(Field { code: b, size, count, pad });
    }
    Ok(format)
}

impl Format {
    fn values(&self) -> usize {
        let of = |f: &Field| match f.code {
            b'x' => 0,
            b's' | b'p' => 1,
            _ => f.count,
        };
        self.fields.iter().map(of).sum()
    }
}

fn calcsize(c: &mut Call) -> Res<Value> {
    let (class, v) = (c.arg(0), c.arg(1));
    Ok(Value::Int(parse(c, &class, &v)?.size as i64))
}

fn put(out: &mut Vec<u8>, little: bool, mut bytes: Vec<u8>) {
    if !little {
        bytes.reverse();
    }
    out.extend(bytes);
}

/// The range of an int field, as its error says it.
fn limits(code: u8, size: usize) -> (bool, String, String) {
    let signed = code.is_ascii_lowercase() && code != b'?';
    let bits = size as u32 * 8;
    let (low, high) = match signed {
        true => ((-(1i128 << (bits - 1))).to_string(), ((1i128 << (bits - 1)) - 1).to_string()),
        false => ("0".into(), ((1i128 << bits) - 1).to_string()),
    };
    (signed, low, high)
}

fn pack_int(th: &mut Thread, class: &Value, f: &Field, v: &Value) -> Res<Vec<u8>> {
    let i = match int_of(v) {
        Some(i) => i.to_val(),
        None => match th.try_index(v)? {
            Some(i) => i,
            None => return error(th, class, "required argument is not an integer"),
        },
    };
    let (signed, low, high) = limits(f.code, f.size);
    match int::to_bytes(i.borrow(), f.size as i64, true, signed) {
        Ok(b) => Ok(b),
        Err(_) => {
            let code = f.code as char;
            let text = match (f.code, f.size) {
                (b'b', _) => "byte format requires -128 <= number <= 127".to_string(),
                (b'B', _) => "ubyte format requires 0 <= number <= 255".into(),
                (b'h', _) => "short format requires -32768 <= number <= 32767".into(),
                (b'H', _) => "ushort format requires 0 <= number <= 65535".into(),
                (_, 8) => "argument out of range".into(),
                _ if matches!(i, IntVal::Big(_)) || (!signed && i.borrow().is_negative()) => {
                    "argument out of range".into()
                }
                _ => format!("'{code}' format requires {low} <= number <= {high}"),
            };
            error(th, class, &text)
        }
    }
}

fn pack_float(th: &mut Thread, class: &Value, f: &Field, v: &Value) -> Res<Vec<u8>> {
    let x = match float_of(v) {
        Some(x) => x,
        None => match th.try_float(v)? {
            Some(x) => x,
            None => return error(th, class, "required argument is not a float"),
        },
    };
    match f.code {
        b'd' => Ok(x.to_le_bytes().to_vec()),
        b'f' => {
            let y = x as f32;
            if y.is_infinite() && x.is_finite() {
                return Err(th.raise(crate::object::TypeId::OverflowError, "float too large to pack with f format"));
            }
            Ok(y.to_le_bytes().to_vec())
        }
        _ => match half(x) {
            Some(h) => Ok(h.to_le_bytes().to_vec()),
            None => Err(th.raise(crate::object::TypeId::OverflowError, "float too large to pack with e format")),
        },
    }
}

/// The half-precision float nearest to `x`; `None`: too large.
fn half(x: f64) -> Option<u16> {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let a = x.abs();
    if x.is_nan() {
        return Some(sign | 0x7e00);
    }
    if a.is_infinite() {
        return Some(sign | 0x7c00);
    }
    if a >= 65520.0 {
        return None;
    }
    // Subnormal halves are multiples of 2**-24; normal ones have eleven digits.
    let exponent = if a == 0.0 { -14 } else { (((a.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-14) };
    let units = (a * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    let biased = (exponent + 14) as u32;
    Some(sign | (units + (biased << 10)) as u16)
}

fn from_half(h: u16) -> f64 {
    let sign = if h & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (e, m) = (i32::from((h >> 10) & 31), f64::from(h & 0x3ff));
    sign * match e {
        0 => m * 2f64.powi(-24),
        31 if m == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + m) * 2f64.powi(e - 25),
    }
}

fn pack(c: &mut Call) -> Res<Value> {
    let (class, v, values) = (c.arg(0), c.arg(1), c.arg(2));
    let format = parse(c, &class, &v)?;
    let values = c.collect(&values)?;
    let wanted = format.values();
    if values.len() != wanted {
        let text = format!("pack expected {wanted} items for packing (got {})", values.len());
        return error(c, &class, &text);
    }
    let mut values = values.into_iter();
    let mut out = Vec::with_capacity(format.size.min(1 << 20));
    for f in &format.fields {
        out.resize(out.len() + f.pad, 0);
        match f.code {
            b'x' => out.resize(out.len() + f.count, 0),
            b's' | b'p' => {
                let v = values.next().unwrap_or(Value::None);
                let Some(mut b) = c.bytes_like(&v) else {
                    return error(c, &class, &format!("argument for '{}' must be a bytes object", f.code as char));
                };
                if f.code == b'p' && f.count > 0 {
                    b.truncate(f.count - 1);
                    out.push(b.len().min(255) as u8);
                    b.resize(f.count - 1, 0);
                } else {
                    b.resize(f.count, 0);
                }
                out.extend(b);
            }
            _ => {
                for v in values.by_ref().take(f.count) {
                    let bytes = pack_one(c, &class, f, &v)?;
                    put(&mut out, format.little, bytes);
                }
            }
        }
    }
    Ok(c.bytes(out))
}

fn pack_one(th: &mut Thread, class: &Value, f: &Field, v: &Value) -> Res<Vec<u8>> {
    match f.code {
        b'c' => match th.bytes_like(v).filter(|b| b.len() == 1) {
            Some(b) => Ok(b),
            None => error(th, class, "char format requires a bytes object of length 1"),
        },
        b'?' => Ok(vec![u8::from(th.truth(v)?)]),
        b'e' | b'f' | b'd' => pack_float(th, class, f, v),
        _ => pack_int(th, class, f, v),
    }
}

fn unpack(c: &mut Call) -> Res<Value> {
    let (class, v) = (c.arg(0), c.arg(1));
    let format = parse(c, &class, &v)?;
    let data = super::bytes(c, 2)?;
    let (offset, more) = (c.arg(3), c.arg(4));
    let (offset, more) = (c.index(&offset)?, c.truth(&more)?);
    let size = format.size;
    let at = if offset < 0 { offset + data.len() as i64 } else { offset };
    let have = usize::try_from(at).ok().and_then(|at| data.get(at..));
    let data = match have {
        Some(d) if d.len() == size || (more && d.len() > size) => d,
        _ if more => {
            let (need, have) = (at.max(0) as usize + size, data.len());
            let text = format!(
                "unpack_from requires a buffer of at least {need} bytes for unpacking {size} bytes at offset {at} (actual buffer size is {have})"
            );
            return error(c, &class, &text);
        }
        _ => return error(c, &class, &format!("unpack requires a buffer of {size} bytes")),
    };
    let (mut at, mut out) = (0, Vec::new());
    for f in &format.fields {
        at += f.pad;
        if f.code == b's' || f.code == b'p' {
            let mut b = &data[at..at + f.count];
            if f.code == b'p' && !b.is_empty() {
                b = &b[1..1 + usize::from(b[0]).min(b.len() - 1)];
            }
            out.push(c.bytes(b));
            at += f.count;
            continue;
        }
        for _ in 0..f.count {
            let mut b = data[at..at + f.size].to_vec();
            at += f.size;
            if !format.little {
                b.reverse();
            }
            if f.code != b'x' {
                out.push(unpack_one(c, f.code, &b));
            }
        }
    }
    Ok(c.tuple(out))
}

/// A value from its bytes, least significant first.
fn unpack_one(th: &mut Thread, code: u8, b: &[u8]) -> Value {
    let word = |b: &[u8]| b.iter().rev().fold(0u64, |n, x| (n << 8) | u64::from(*x));
    match code {
        b'c' => th.bytes(b),
        b'?' => Value::bool(b[0] != 0),
        b'd' => Value::float(f64::from_bits(word(b))),
        b'f' => Value::float(f32::from_bits(word(b) as u32).into()),
        b'e' => Value::float(from_half(word(b) as u16)),
        _ => {
            let i = int::from_bytes(b, true, code.is_ascii_lowercase());
            th.int(i)
        }
    }
}
