//! Functions on numbers, and hashing and identity.

use crate::natives;
use crate::object::pure::{float, int};
use crate::object::{Name, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res};

natives! { pub NUMBERS, "builtins";
    /// The absolute value.
    holds abs("x, /") = abs;
    /// Rounded to `ndigits` decimal places, halves to even; to an int without `ndigits`.
    holds round("number, ndigits=None") = round;
    /// The pair `(a // b, a % b)`. ZeroDivisionError if `b` is 0.
    holds divmod("a, b, /") = divmod;
    /// `base ** exp`, modulo `mod` if it is given.
    holds pow("base, exp, mod=None") = pow;
    /// The int as binary text, `0b101`.
    holds bin("number, /") = bin;
    /// The int as octal text, `0o17`.
    holds oct("number, /") = oct;
    /// The int as hexadecimal text, `0xff`.
    holds hex("number, /") = hex;
    /// The hash of a value. TypeError for what cannot be a key.
    holds hash("obj, /") = hash;
    /// A number that no other living object has.
    holds id("obj, /") = id;
}

fn abs(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    c.absolute(&v)
}

fn round(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let digits = c.some(1);
    if let Some(i) = int_of(&v) {
        let digits = match digits {
            Some(d) => c.index_int(&d)?.borrow().clamp_i64(),
            None => 0,
        };
        let i = if digits < 0 { int::round(i, digits) } else { i.to_val() };
        return Ok(c.int(i));
    }
    if let Some(x) = float_of(&v) {
        return match digits {
            Some(d) => {
                let d = c.index_int(&d)?.borrow().clamp_i64();
                Ok(Value::float(c.pure(float::round_digits(x, d))?))
            }
            None => {
                let i = c.pure(float::round(x))?;
                Ok(c.int(i))
            }
        };
    }
    if let Some(r) = c.special(&v, Name::of("__round__"), digits.as_slice())? {
        return Ok(r);
    }
    let got = c.type_name(&v);
    Err(c.type_error(format!("type {got} doesn't define __round__ method")))
}

fn divmod(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    c.divmod(&a, &b)
}

fn pow(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    let modulus = c.some(2).unwrap_or(Value::None);
    c.power(&a, &b, &modulus)
}

fn radix(c: &mut Call, base: u32) -> Res<Value> {
    let v = c.arg(0);
    let i = c.index_int(&v)?;
    Ok(c.string(int::to_radix(i.borrow(), base, true)))
}
fn bin(c: &mut Call) -> Res<Value> {
    radix(c, 2)
}
fn oct(c: &mut Call) -> Res<Value> {
    radix(c, 8)
}
fn hex(c: &mut Call) -> Res<Value> {
    radix(c, 16)
}

fn hash(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::Int(c.hash(&v)?))
}

fn id(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::Int(identity(&v)))
}

/// Objects by address (a multiple of 16); values without an object by their bits, never such a multiple.
fn identity(v: &Value) -> i64 {
    let spread = |tag: i64, bits: u64| (((bits << 4) & (i64::MAX as u64)) as i64) | tag;
    match v {
        Value::Obj(r) => r.address() as i64,
        Value::Unbound | Value::None => 1,
        Value::Bool(b) => 3 + 2 * *b as i64,
        Value::Int(i) => spread(7, *i as u64),
        Value::Float(b) => spread(9, b.0 ^ (b.0 >> 60)),
    }
}
