//! `math`: functions on floats; those on whole numbers are in `whole`.

mod special;
mod whole;

pub use self::special::SPECIAL;
pub use self::whole::WHOLE;

use super::set_in;
use crate::natives;
use crate::object::pure;
use crate::object::pure::int::{self, IntRef};
use crate::object::{Ref, TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res, Thread};

pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    for name in ["pi", "e", "tau", "inf", "nan"] {
        set_in(th, module, name, pure::math::constant(name).expect("a constant of math"));
    }
    Ok(())
}

natives! { pub MATH, "math";
    /// The square root. ValueError if negative.
    holds sqrt("x, /") = sqrt;
    /// The cube root.
    holds cbrt("x, /") = cbrt;
    /// `e ** x`. OverflowError if too large.
    holds exp("x, /") = exp;
    /// `2 ** x`.
    holds exp2("x, /") = exp2;
    /// `e ** x - 1`, exact for small x.
    holds expm1("x, /") = expm1;
    /// The logarithm to `base`, natural without one. ValueError unless positive.
    holds log("x, base=None, /") = log;
    /// The logarithm to base 2.
    holds log2("x, /") = log2;
    /// The logarithm to base 10.
    holds log10("x, /") = log10;
    /// The natural logarithm of `1 + x`.
    holds log1p("x, /") = log1p;
    /// `x ** y` as floats.
    holds pow("x, y, /") = pow;
    /// The sine of x radians.
    holds sin("x, /") = sin;
    /// The cosine of x radians.
    holds cos("x, /") = cos;
    /// The tangent of x radians.
    holds tan("x, /") = tan;
    /// The angle in radians whose sine is x.
    holds asin("x, /") = asin;
    /// The angle in radians whose cosine is x.
    holds acos("x, /") = acos;
    /// The angle in radians whose tangent is x.
    holds atan("x, /") = atan;
    /// The angle of the point (x, y) in radians.
    holds atan2("y, x, /") = atan2;
    /// The hyperbolic sine.
    holds sinh("x, /") = sinh;
    /// The hyperbolic cosine.
    holds cosh("x, /") = cosh;
    /// The hyperbolic tangent.
    holds tanh("x, /") = tanh;
    /// The inverse of sinh.
    holds asinh("x, /") = asinh;
    /// The inverse of cosh.
    holds acosh("x, /") = acosh;
    /// The inverse of tanh.
    holds atanh("x, /") = atanh;
    /// Radians as degrees.
    holds degrees("x, /") = degrees;
    /// Degrees as radians.
    holds radians("x, /") = radians;
    /// The absolute value as a float.
    holds fabs("x, /") = fabs;
    /// The remainder with the sign of x, as C's fmod.
    holds fmod("x, y, /") = fmod;
    /// `x` with the sign of `y`.
    holds copysign("x, y, /") = copysign;
    /// The length of the vector of the arguments.
    holds hypot("*coordinates") = hypot;
    /// The distance of two points, given as sequences.
    holds dist("p, q, /") = dist;
    /// The pair (fraction, whole part), as floats.
    holds modf("x, /") = modf;
    /// The pair (m, e) with `x == m * 2**e` and m from 0.5 to below 1.
    holds frexp("x, /") = frexp;
    /// `x * 2**i`.
    holds ldexp("x, i, /") = ldexp;
    /// Whether x is neither infinite nor NaN.
    holds isfinite("x, /") = isfinite;
    /// Whether x is infinite.
    holds isinf("x, /") = isinf;
    /// Whether x is NaN.
    holds isnan("x, /") = isnan;
    /// Whether a and b are equal up to a relative or an absolute tolerance.
    holds isclose("a, b, *, rel_tol=1e-09, abs_tol=0.0") = isclose;
    /// The sum of floats without rounding on the way.
    holds fsum("seq, /") = fsum;
}

fn domain<T>(th: &mut Thread) -> Res<T> {
    Err(th.raise_pure(pure::math::domain()))
}
fn range<T>(th: &mut Thread) -> Res<T> {
    Err(th.raise_pure(pure::math::range()))
}

fn number(c: &mut Call, i: usize) -> Res<f64> {
    let v = c.arg(i);
    match float_of(&v) {
        Some(x) => Ok(x),
        None => c.to_float(&v),
    }
}

macro_rules! one_argument {
    ($($name:ident)*) => {
        $(fn $name(c: &mut Call) -> Res<Value> {
            let x = number(c, 0)?;
            c.pure(pure::math::$name(x)).map(Value::float)
        })*
    };
}
one_argument! {
    sqrt cbrt exp exp2 expm1 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh degrees radians fabs
}

macro_rules! two_arguments {
    ($($name:ident)*) => {
        $(fn $name(c: &mut Call) -> Res<Value> {
            let (x, y) = (number(c, 0)?, number(c, 1)?);
            c.pure(pure::math::$name(x, y)).map(Value::float)
        })*
    };
}
two_arguments! { pow fmod atan2 copysign }

/// The logarithm of a positive number, also of ints that no float can hold.
fn log_of(c: &mut Call, v: &Value, f: fn(f64) -> f64) -> Res<f64> {
    if let Some(IntRef::Big(b)) = int_of(v) {
        if b.sign() == num_bigint::Sign::Minus {
            return domain(c);
        }
        if let Ok(x) = int::to_float(IntRef::Big(b)) {
            return Ok(f(x));
        }
        // As CPython: m * 2**e with m below 1.
        let e = b.bits();
        let top = int::to_float(IntRef::Big(&(b >> (e - 1000))));
        let m = c.pure(top)? * 2f64.powi(-1000);
        return Ok(f(m) + f(2.0) * e as f64);
    }
    let x = c.to_float(v)?;
    if x > 0.0 || x.is_nan() { Ok(f(x)) } else { domain(c) }
}

fn log(c: &mut Call) -> Res<Value> {
    let x = c.arg(0);
    let x = log_of(c, &x, f64::ln)?;
    let Some(base) = c.opt(1) else {
        return Ok(Value::float(x));
    };
    let base = log_of(c, &base, f64::ln)?;
    if base == 0.0 {
        return Err(c.raise(TypeId::ZeroDivisionError, "float division by zero"));
    }
    Ok(Value::float(x / base))
}
fn log2(c: &mut Call) -> Res<Value> {
    let x = c.arg(0);
    Ok(Value::float(log_of(c, &x, f64::log2)?))
}
fn log10(c: &mut Call) -> Res<Value> {
    let x = c.arg(0);
    Ok(Value::float(log_of(c, &x, f64::log10)?))
}

/// The root of the sum of squares, scaled so that no square overflows.
fn norm(xs: &[f64]) -> f64 {
    if xs.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    if let [x, y] = xs {
        return x.hypot(*y);
    }
    let most = xs.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if most == 0.0 || xs.iter().any(|x| x.is_nan()) {
        return xs.iter().fold(0.0, |s, x| s + x.abs());
    }
    let sum: f64 = xs.iter().map(|x| (x / most) * (x / most)).sum();
    most * sum.sqrt()
}

fn hypot(c: &mut Call) -> Res<Value> {
    let xs = c.rest();
    let xs = xs.iter().map(|v| c.to_float(v)).collect::<Res<Vec<f64>>>()?;
    Ok(Value::float(norm(&xs)))
}

fn dist(c: &mut Call) -> Res<Value> {
    let (p, q) = (c.arg(0), c.arg(1));
    let (p, q) = (c.collect(&p)?, c.collect(&q)?);
    if p.len() != q.len() {
        return Err(c.value_error("both points must have the same number of dimensions"));
    }
    let mut xs = vec![];
    for (a, b) in p.iter().zip(&q) {
        xs.push(c.to_float(a)? - c.to_float(b)?);
    }
    Ok(Value::float(norm(&xs)))
}

fn modf(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?;
    let fraction = if x.is_infinite() { 0.0_f64.copysign(x) } else { (x - x.trunc()).copysign(x) };
    Ok(c.tuple(vec![Value::float(fraction), Value::float(x.trunc())]))
}

fn frexp(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?;
    if x == 0.0 || !x.is_finite() {
        return Ok(c.tuple(vec![Value::float(x), Value::Int(0)]));
    }
    // Subnormal numbers are scaled up first.
    let (y, less) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(54), 54) } else { (x, 0) };
    let bits = y.to_bits();
    let e = ((bits >> 52) & 0x7ff) as i64 - 1022 - less;
    let m = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    Ok(c.tuple(vec![Value::float(m), Value::Int(e)]))
}

fn ldexp(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?;
    let i = match int_of(&c.arg(1)) {
        Some(n) => n.clamp_i64(),
        None => return Err(c.type_error("Expected an int as second argument to ldexp.")),
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(Value::float(x));
    }
    // In steps that are exact, so that a result below the normal range is rounded once.
    let (mut r, mut left) = (x, i.clamp(-2200, 2200));
    while left != 0 && r != 0.0 && r.is_finite() {
        let step = left.clamp(-1000, 1000);
        r *= 2f64.powi(step as i32);
        left -= step;
    }
    if r.is_infinite() { range(c) } else { Ok(Value::float(r)) }
}

fn isfinite(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(number(c, 0)?.is_finite()))
}
fn isinf(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(number(c, 0)?.is_infinite()))
}
fn isnan(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(number(c, 0)?.is_nan()))
}

fn isclose(c: &mut Call) -> Res<Value> {
    let (a, b) = (number(c, 0)?, number(c, 1)?);
    let rel = if c.opt(2).is_some() { number(c, 2)? } else { 1e-9 };
    let abs = if c.opt(3).is_some() { number(c, 3)? } else { 0.0 };
    if rel < 0.0 || abs < 0.0 {
        return Err(c.value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(Value::TRUE);
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(Value::FALSE);
    }
    let d = (a - b).abs();
    Ok(Value::bool(d <= (rel * b).abs() || d <= (rel * a).abs() || d <= abs))
}

/// Shewchuk's sum: partial sums that do not overlap, so nothing is lost before the end.
fn fsum(c: &mut Call) -> Res<Value> {
    let items = c.arg(0);
    let items = c.collect(&items)?;
    let (mut partials, mut special): (Vec<f64>, f64) = (vec![], 0.0);
    for v in &items {
        let mut x = c.to_float(v)?;
        if !x.is_finite() {
            if x.is_infinite() && special.is_infinite() && x != special {
                return Err(c.value_error("-inf + inf in fsum"));
            }
            special += x;
            continue;
        }
        let mut kept = 0;
        for i in 0..partials.len() {
            let mut y = partials[i];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        if x.is_infinite() {
            return Err(c.raise(TypeId::OverflowError, "intermediate overflow in fsum"));
        }
        partials.truncate(kept);
        partials.push(x);
    }
    if special != 0.0 {
        return Ok(Value::float(special));
    }
    Ok(Value::float(round_partials(&partials)))
}

/// The sum of partials that do not overlap, rounded once, halves to even.
fn round_partials(partials: &[f64]) -> f64 {
    let mut rest = partials.iter().rev().copied();
    let Some(mut high) = rest.next() else {
        return 0.0;
    };
    let mut low = 0.0;
    for y in rest.by_ref() {
        let x = high;
        high = x + y;
        low = y - (high - x);
        if low != 0.0 {
            break;
        }
    }
    if let Some(next) = rest.next()
        && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
    {
        let twice = low * 2.0;
        let x = high + twice;
        if twice == x - high {
            high = x;
        }
    }
    high
}
