//! Whole numbers: rounding to them, divisors, counting arrangements.

use super::number;
use crate::natives;
use crate::object::pure::int::{self, IntRef, IntVal};
use crate::object::{Name, TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::ops::arith::BinOp;
use crate::vm::{Call, Res};

natives! { pub WHOLE, "math";
    /// The greatest int that is not above x.
    holds floor("x, /") = floor;
    /// The least int that is not below x.
    holds ceil("x, /") = ceil;
    /// x without its fraction.
    holds trunc("x, /") = trunc;
    /// The greatest common divisor.
    holds gcd("*integers") = gcd;
    /// The least common multiple.
    holds lcm("*integers") = lcm;
    /// The integer square root. ValueError if negative.
    holds isqrt("n, /") = isqrt;
    /// The product 1 · 2 · … · n. ValueError if negative.
    holds factorial("n, /") = factorial;
    /// In how many ways k of n things can be chosen.
    holds comb("n, k, /") = comb;
    /// In how many ways k of n things can be put in a row; all of them without k.
    holds perm("n, k=None, /") = perm;
    /// The product of the items and `start`.
    holds prod("iterable, /, *, start=1") = prod;
}

/// `floor`, `ceil`, `trunc`: ints are themselves, floats by `f`, others by their method.
fn whole(c: &mut Call, method: &str, f: fn(f64) -> f64) -> Res<Value> {
    let v = c.arg(0);
    if let Some(i) = int_of(&v) {
        let i = i.to_val();
        return Ok(c.int(i));
    }
    if float_of(&v).is_none() {
        if let Some(r) = c.special(&v, Name::of(method), &[])? {
            return Ok(r);
        }
        if method == "__trunc__" {
            let got = c.type_name(&v);
            return Err(c.type_error(format!("type {got} doesn't define __trunc__ method")));
        }
    }
    let x = number(c, 0)?;
    let i = c.pure(int::from_float(f(x)))?;
    Ok(c.int(i))
}
fn floor(c: &mut Call) -> Res<Value> {
    whole(c, "__floor__", f64::floor)
}
fn ceil(c: &mut Call) -> Res<Value> {
    whole(c, "__ceil__", f64::ceil)
}
fn trunc(c: &mut Call) -> Res<Value> {
    whole(c, "__trunc__", f64::trunc)
}

fn ints(c: &mut Call) -> Res<Vec<IntVal>> {
    let args = c.rest();
    args.iter().map(|v| c.index_int(v)).collect()
}

fn gcd(c: &mut Call) -> Res<Value> {
    let all = ints(c)?;
    let g = all.iter().fold(IntVal::Small(0), |g, i| int::gcd(g.borrow(), i.borrow()));
    Ok(c.int(g))
}

fn lcm(c: &mut Call) -> Res<Value> {
    let mut l = IntVal::Small(1);
    for i in ints(c)? {
        if i.borrow().is_zero() {
            return Ok(Value::Int(0));
        }
        let g = int::gcd(l.borrow(), i.borrow());
        let part = c.pure(int::floor_div(i.borrow(), g.borrow()))?;
        let product = int::mul(l.borrow(), part.borrow());
        l = int::abs(product.borrow());
    }
    Ok(c.int(l))
}

fn isqrt(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let i = c.index_int(&v)?;
    let r = c.pure(int::isqrt(i.borrow()))?;
    Ok(c.int(r))
}

/// The product of the ints from `from` to `to`, halves first so that factors stay of like size.
fn product(from: i64, to: i64) -> IntVal {
    if from > to {
        return IntVal::Small(1);
    }
    if to - from < 8 {
        return (from..=to).fold(IntVal::Small(1), |p, i| int::mul(p.borrow(), IntRef::Small(i)));
    }
    let middle = from + (to - from) / 2;
    int::mul(product(from, middle).borrow(), product(middle + 1, to).borrow())
}

fn factorial(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let n = match int_of(&v) {
        Some(n) => n.clamp_i64(),
        None => c.index(&v)?,
    };
    if n == i64::MAX {
        return Err(c.raise(TypeId::OverflowError, format!("factorial() argument should not exceed {n}")));
    }
    if n < 0 {
        return Err(c.value_error("factorial() not defined for negative values"));
    }
    let r = product(2, n);
    Ok(c.int(r))
}

/// An argument that must not be negative.
fn natural(c: &mut Call, i: usize, name: &str) -> Res<i64> {
    let v = c.arg(i);
    let n = c.index(&v)?;
    if n < 0 {
        return Err(c.value_error(format!("{name} must be a non-negative integer")));
    }
    Ok(n)
}

fn comb(c: &mut Call) -> Res<Value> {
    let (n, k) = (natural(c, 0, "n")?, natural(c, 1, "k")?);
    if k > n {
        return Ok(Value::Int(0));
    }
    let k = k.min(n - k);
    let r = c.pure(int::floor_div(product(n - k + 1, n).borrow(), product(2, k).borrow()))?;
    Ok(c.int(r))
}

fn perm(c: &mut Call) -> Res<Value> {
    let n = natural(c, 0, "n")?;
    let k = if c.some(1).is_some() { natural(c, 1, "k")? } else { n };
    if k > n {
        return Ok(Value::Int(0));
    }
    let r = product(n - k + 1, n);
    Ok(c.int(r))
}

fn prod(c: &mut Call) -> Res<Value> {
    let items = c.arg(0);
    let mut total = c.opt(1).unwrap_or(Value::Int(1));
    let it = c.iter(&items)?;
    while let Some(v) = c.next(&it)? {
        total = c.binary(BinOp::Mul, &total, &v)?;
    }
    Ok(total)
}
