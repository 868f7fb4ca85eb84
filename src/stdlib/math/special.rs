//! Functions of `math` that the C library or CPython itself has: the error functions, gamma, steps of floats.
//!
//! Source of gamma and lgamma: CPython 3.11's `mathmodule.c` (Lanczos' approximation, in the same order of
//! operations, so the bits are the same). The error functions are musl's.

#![allow(clippy::excessive_precision)] // the digits as the source has them

use super::{domain, number, range};
use crate::natives;
use crate::object::Value;
use crate::vm::{Call, Res};

natives! { pub SPECIAL, "math";
    /// The error function.
    holds erf("x, /") = erf;
    /// `1 - erf(x)`, exact where that is small.
    holds erfc("x, /") = erfc;
    /// The gamma function: `(x - 1)!` for whole numbers.
    holds gamma("x, /") = gamma;
    /// The natural logarithm of the absolute value of gamma.
    holds lgamma("x, /") = lgamma;
    /// The difference of x and the nearest multiple of y.
    holds remainder("x, y, /") = remainder;
    /// The float after x in the direction of y.
    holds nextafter("x, y, /") = nextafter;
    /// The value of the last bit of x.
    holds ulp("x, /") = ulp;
}

fn erf(c: &mut Call) -> Res<Value> {
    Ok(Value::float(libm::erf(number(c, 0)?)))
}
fn erfc(c: &mut Call) -> Res<Value> {
    Ok(Value::float(libm::erfc(number(c, 0)?)))
}

const G: f64 = 6.024_680_040_776_73;
const G_MINUS_HALF: f64 = 5.524_680_040_776_73;
const NUMERATOR: [f64; 13] = [
    23531376880.410759688572007674451636754734846804940,
    42919803642.649098768957899047001988850926355848959,
    35711959237.355668049440185451547166705960488635843,
    17921034426.037209699919755754458931112671403265390,
    6039542586.3520280050642916443072979210699388420708,
    1439720407.3117216736632230727949123939715485786372,
    248874557.86205415651146038641322942321632125127801,
    31426415.585400194380614231628318205362874684987640,
    2876370.6289353724412254090516208496135991145378768,
    186056.26539522349504029498971604569928220784236328,
    8071.6720023658162106380029022722506138218516325024,
    210.82427775157934587250973392071336271166969580291,
    2.5066282746310002701649081771338373386264310793408,
];
const DENOMINATOR: [f64; 13] = [
    0.0,
    39916800.0,
    120543840.0,
    150917976.0,
    105258076.0,
    45995730.0,
    13339535.0,
    2637558.0,
    357423.0,
    32670.0,
    1925.0,
    66.0,
    1.0,
];
/// Whole numbers up to this one have a gamma that a float holds exactly.
const EXACT_MAX: f64 = 23.0;
const LN_PI: f64 = 1.144729885849400174143427351353058711647;

/// The sine of pi times x, exact at whole and half numbers.
fn sin_pi(x: f64) -> f64 {
    use std::f64::consts::PI;
    let y = x.abs() % 2.0;
    let r = match (2.0 * y).round() as i64 {
        0 => (PI * y).sin(),
        1 => (PI * (y - 0.5)).cos(),
        2 => (PI * (1.0 - y)).sin(),
        3 => -(PI * (y - 1.5)).cos(),
        _ => (PI * (y - 2.0)).sin(),
    };
    1f64.copysign(x) * r
}

fn lanczos_sum(x: f64) -> f64 {
    let (mut num, mut den) = (0.0, 0.0);
    if x < 5.0 {
        for i in (0..NUMERATOR.len()).rev() {
            num = num * x + NUMERATOR[i];
            den = den * x + DENOMINATOR[i];
        }
    } else {
        for i in 0..NUMERATOR.len() {
            num = num / x + NUMERATOR[i];
            den = den / x + DENOMINATOR[i];
        }
    }
    num / den
}

/// Infinite where it is too large; NaN outside its domain.
fn gamma_of(x: f64) -> f64 {
    if x == x.floor() {
        if x < 0.0 {
            return f64::NAN;
        }
        if x <= EXACT_MAX {
            return (1..x as u64).map(|n| n as f64).product();
        }
    }
    let absx = x.abs();
    if absx < 1e-20 {
        return 1.0 / x;
    }
    if absx > 200.0 {
        return if x < 0.0 { 0.0 / sin_pi(x) } else { f64::INFINITY };
    }
    let y = absx + G_MINUS_HALF;
    let z = if absx > G_MINUS_HALF { (y - absx) - G_MINUS_HALF } else { (y - G_MINUS_HALF) - absx };
    let z = z * G / y;
    let mut r;
    if x < 0.0 {
        r = -std::f64::consts::PI / sin_pi(absx) / absx * y.exp() / lanczos_sum(absx);
        r -= z * r;
        if absx < 140.0 {
            r /= y.powf(absx - 0.5);
        } else {
            let root = y.powf(absx / 2.0 - 0.25);
            r /= root;
            r /= root;
        }
    } else {
        r = lanczos_sum(absx) / y.exp();
        r += z * r;
        if absx < 140.0 {
            r *= y.powf(absx - 0.5);
        } else {
            let root = y.powf(absx / 2.0 - 0.25);
            r *= root;
            r *= root;
        }
    }
    r
}

fn gamma(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?;
    if x.is_nan() || x == f64::INFINITY {
        return Ok(Value::float(x));
    }
    if x == 0.0 || x == f64::NEG_INFINITY {
        return domain(c);
    }
    match gamma_of(x) {
        r if r.is_nan() => domain(c),
        r if r.is_infinite() => range(c),
        r => Ok(Value::float(r)),
    }
}

fn lgamma(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?;
    if !x.is_finite() {
        return Ok(Value::float(if x.is_nan() { x } else { f64::INFINITY }));
    }
    if x == x.floor() && x <= 2.0 {
        return if x <= 0.0 { domain(c) } else { Ok(Value::float(0.0)) };
    }
    let absx = x.abs();
    if absx < 1e-20 {
        return Ok(Value::float(-absx.ln()));
    }
    let mut r = lanczos_sum(absx).ln() - G;
    r += (absx - 0.5) * ((absx + G - 0.5).ln() - 1.0);
    if x < 0.0 {
        r = LN_PI - sin_pi(absx).abs().ln() - absx.ln() - r;
    }
    if r.is_infinite() { range(c) } else { Ok(Value::float(r)) }
}

fn remainder(c: &mut Call) -> Res<Value> {
    let (x, y) = (number(c, 0)?, number(c, 1)?);
    if x.is_nan() || y.is_nan() {
        return Ok(Value::float(f64::NAN));
    }
    if x.is_infinite() || y == 0.0 {
        return domain(c);
    }
    if y.is_infinite() {
        return Ok(Value::float(x));
    }
    let (absx, absy) = (x.abs(), y.abs());
    let m = absx % absy;
    let other = absy - m;
    let r = if m < other {
        m
    } else if m > other {
        -other
    } else {
        m - 2.0 * ((0.5 * (absx - m)) % absy)
    };
    Ok(Value::float(1f64.copysign(x) * r))
}

fn nextafter(c: &mut Call) -> Res<Value> {
    let (x, y) = (number(c, 0)?, number(c, 1)?);
    Ok(Value::float(after(x, y)))
}

fn after(x: f64, y: f64) -> f64 {
    match x.partial_cmp(&y) {
        None => f64::NAN,
        Some(std::cmp::Ordering::Equal) => y,
        Some(std::cmp::Ordering::Less) => x.next_up(),
        Some(std::cmp::Ordering::Greater) => x.next_down(),
    }
}

fn ulp(c: &mut Call) -> Res<Value> {
    let x = number(c, 0)?.abs();
    if !x.is_finite() {
        return Ok(Value::float(x));
    }
    let up = x.next_up();
    Ok(Value::float(if up.is_infinite() { x - x.next_down() } else { up - x }))
}
