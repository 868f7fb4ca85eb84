//! Methods of int and float.

use super::flag;
use crate::natives;
use crate::object::pure::{float, int};
use crate::object::{TypeId, Value};
use crate::vm::make::{float_of, int_of, text};
use crate::vm::{Call, Res};

natives! { pub INT, method "int";
    /// How many bits the magnitude needs.
    holds bit_length("") = bit_length;
    /// How many ones are in the bits of the magnitude.
    holds bit_count("") = bit_count;
    /// The int itself.
    holds conjugate("") = itself;
    /// The pair `(self, 1)`.
    holds as_integer_ratio("") = int_ratio;
    /// As `length` bytes. OverflowError if it does not fit.
    holds to_bytes("length=1, byteorder='big', *, signed=False") = to_bytes;
    /// The int that bytes say.
    holds from_bytes("cls, bytes, byteorder='big', *, signed=False") = from_bytes;
    /// Rounded to a power of ten, halves to even.
    holds __round__("ndigits=None, /") = int_round;
    /// The int itself.
    holds __trunc__("") = itself;
    /// The int itself.
    holds __floor__("") = itself;
    /// The int itself.
    holds __ceil__("") = itself;
}

natives! { pub FLOAT, method "float";
    /// Is it a whole number?
    holds is_integer("") = is_integer;
    /// The pair of ints whose quotient it is exactly.
    holds as_integer_ratio("") = float_ratio;
    /// As hexadecimal text, exactly.
    holds hex("") = hex;
    /// The float that hexadecimal text says.
    holds fromhex("cls, string, /") = fromhex;
    /// The float itself.
    holds conjugate("") = itself;
    /// Rounded, halves to even; to an int without `ndigits`.
    holds __round__("ndigits=None, /") = float_round;
    /// The int towards zero.
    holds __trunc__("") = trunc;
    /// The greatest int that is not greater.
    holds __floor__("") = floor;
    /// The least int that is not less.
    holds __ceil__("") = ceil;
}

natives! { pub INT_GETTERS, method "int";
    /// The int itself.
    holds real("") = itself;
    /// 0: an int has no imaginary part.
    holds imag("") = zero;
    /// The int itself.
    holds numerator("") = itself;
    /// 1.
    holds denominator("") = one;
}
natives! { pub FLOAT_GETTERS, method "float";
    /// The float itself.
    holds real("") = itself;
    /// 0.0: a float has no imaginary part.
    holds imag("") = zero_float;
}

fn zero(_: &mut Call) -> Res<Value> {
    Ok(Value::Int(0))
}
fn one(_: &mut Call) -> Res<Value> {
    Ok(Value::Int(1))
}
fn zero_float(_: &mut Call) -> Res<Value> {
    Ok(Value::float(0.0))
}

/// The object; True is 1.
fn itself(c: &mut Call) -> Res<Value> {
    Ok(match c.arg(0) {
        Value::Bool(b) => Value::Int(b as i64),
        Value::Obj(r) if TypeId::of_shape(r.shape()).is_none() => c.underived(&r),
        v => v,
    })
}

fn bit_length(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(int_of(&c.arg(0)).map_or(0, int::bit_length) as i64))
}
fn bit_count(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(int_of(&c.arg(0)).map_or(0, int::bit_count) as i64))
}

fn int_ratio(c: &mut Call) -> Res<Value> {
    let pair = vec![itself(c)?, Value::Int(1)];
    Ok(c.tuple(pair))
}

/// Is the byte order of argument `i` little?
fn little(c: &mut Call, i: usize) -> Res<bool> {
    let Some(v) = c.opt(i) else { return Ok(false) };
    match text(&v) {
        Some("little") => Ok(true),
        Some("big") => Ok(false),
        Some(_) => Err(c.value_error("byteorder must be either 'little' or 'big'")),
        None => {
            let (row, got) = (c.row.name, c.type_name(&v));
            Err(c.type_error(format!("{row}() argument 'byteorder' must be str, not {got}")))
        }
    }
}

fn to_bytes(c: &mut Call) -> Res<Value> {
    let length = super::count(c, 1, 1)?;
    let (little, signed) = (little(c, 2)?, flag(c, 3, false)?);
    let v = c.arg(0);
    let Some(i) = int_of(&v) else { return Ok(v) };
    let b = int::to_bytes(i, length, little, signed);
    let b = c.pure(b)?;
    Ok(c.bytes(b))
}

/// A class method: argument 0 is the class.
fn from_bytes(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let (little, signed) = (little(c, 2)?, flag(c, 3, false)?);
    let b = match c.bytes_like(&v) {
        Some(b) => b,
        None if text(&v).is_some() || !c.iterable(&v) => {
            let got = c.type_name(&v);
            return Err(c.type_error(format!("cannot convert '{got}' object to bytes")));
        }
        None => c.bytes_of_items(&v, "bytes")?,
    };
    let i = int::from_bytes(&b, little, signed);
    let v = c.int(i);
    let class = c.arg(0);
    match class.as_ref() {
        Some(r) if c.type_id(r).is_none() => c.call(&class, &[v]),
        _ => Ok(v),
    }
}

fn int_round(c: &mut Call) -> Res<Value> {
    let Some(digits) = c.some(1) else {
        return itself(c);
    };
    let digits = c.index_int(&digits)?.borrow().clamp_i64();
    let v = c.arg(0);
    if digits >= 0 {
        return itself(c);
    }
    let Some(i) = int_of(&v) else { return Ok(v) };
    let out = int::round(i, digits);
    Ok(c.int(out))
}

fn own(c: &Call) -> f64 {
    float_of(&c.arg(0)).unwrap_or(0.0)
}

fn is_integer(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(float::is_integer(own(c))))
}

fn float_ratio(c: &mut Call) -> Res<Value> {
    let ratio = float::as_integer_ratio(own(c));
    let (a, b) = c.pure(ratio)?;
    let pair = vec![c.int(a), c.int(b)];
    Ok(c.tuple(pair))
}

fn hex(c: &mut Call) -> Res<Value> {
    let t = float::to_hex(own(c));
    Ok(c.string(t))
}

/// A class method: argument 0 is the class.
fn fromhex(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let Some(t) = text(&v) else {
        return Err(c.raise(TypeId::TypeError, "bad argument type for built-in operation"));
    };
    let x = float::from_hex(t);
    Ok(Value::float(c.pure(x)?))
}

fn float_round(c: &mut Call) -> Res<Value> {
    let x = own(c);
    match c.some(1) {
        None => {
            let i = float::round(x);
            let i = c.pure(i)?;
            Ok(c.int(i))
        }
        Some(v) => {
            let digits = c.index_int(&v)?.borrow().clamp_i64();
            let x = float::round_digits(x, digits);
            Ok(Value::float(c.pure(x)?))
        }
    }
}

fn whole(c: &mut Call, x: f64) -> Res<Value> {
    let i = int::from_float(x);
    let i = c.pure(i)?;
    Ok(c.int(i))
}

fn trunc(c: &mut Call) -> Res<Value> {
    whole(c, own(c).trunc())
}
fn floor(c: &mut Call) -> Res<Value> {
    whole(c, own(c).floor())
}
fn ceil(c: &mut Call) -> Res<Value> {
    whole(c, own(c).ceil())
}
