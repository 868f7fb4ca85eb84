//! The functions of `math` on floats, with CPython's rules for what has no answer: NaN from what is not NaN is
//! a domain error, infinity from what is finite a range error or, at a pole, a domain error.

use super::{PureError, Result};

pub fn domain() -> PureError {
    PureError::value("math domain error")
}
pub fn range() -> PureError {
    PureError::overflow("math range error")
}

fn checked(x: f64, r: f64, can_overflow: bool) -> Result<f64> {
    if r.is_nan() && !x.is_nan() {
        return Err(domain());
    }
    if r.is_infinite() && x.is_finite() {
        return Err(if can_overflow { range() } else { domain() });
    }
    Ok(r)
}

/// A function of one float.
pub type One = fn(f64) -> Result<f64>;
/// A function of two floats.
pub type Two = fn(f64, f64) -> Result<f64>;

macro_rules! one {
    ($($name:ident = $f:expr, $overflow:literal;)*) => {
        $(pub fn $name(x: f64) -> Result<f64> {
            let f: fn(f64) -> f64 = $f;
            checked(x, f(x), $overflow)
        })*
        /// All of them but the logarithms, by name.
        const PLAIN: &[(&str, One)] = &[$((stringify!($name), $name)),*];
    };
}
one! {
    sqrt = f64::sqrt, false;
    cbrt = f64::cbrt, false;
    exp = f64::exp, true;
    exp2 = f64::exp2, true;
    expm1 = f64::exp_m1, true;
    log1p = f64::ln_1p, false;
    sin = f64::sin, false;
    cos = f64::cos, false;
    tan = f64::tan, false;
    asin = f64::asin, false;
    acos = f64::acos, false;
    atan = f64::atan, false;
    sinh = f64::sinh, true;
    cosh = f64::cosh, true;
    tanh = f64::tanh, false;
    asinh = arsinh, false;
    acosh = arcosh, false;
    atanh = f64::atanh, false;
    fabs = f64::abs, false;
}

/// Beyond this a square would lose what is added to it, or overflow.
const SQUARE_IS_ALL: f64 = 268_435_456.0;

/// As in C's libraries: the form that keeps its digits is chosen by size.
fn arsinh(x: f64) -> f64 {
    let a = x.abs();
    if !x.is_finite() || a < 1.0 / SQUARE_IS_ALL {
        return x;
    }
    let r = if a > SQUARE_IS_ALL {
        a.ln() + std::f64::consts::LN_2
    } else if a > 2.0 {
        (2.0 * a + 1.0 / ((a * a + 1.0).sqrt() + a)).ln()
    } else {
        (a + a * a / (1.0 + (1.0 + a * a).sqrt())).ln_1p()
    };
    r.copysign(x)
}

fn arcosh(x: f64) -> f64 {
    if x > SQUARE_IS_ALL {
        x.ln() + std::f64::consts::LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

/// No size is too large for these two: what is beyond a float is infinite.
pub fn degrees(x: f64) -> Result<f64> {
    Ok(x * (180.0 / std::f64::consts::PI))
}
pub fn radians(x: f64) -> Result<f64> {
    Ok(x * (std::f64::consts::PI / 180.0))
}

fn positive(x: f64, f: fn(f64) -> f64) -> Result<f64> {
    if x > 0.0 || x.is_nan() { Ok(f(x)) } else { Err(domain()) }
}
pub fn log(x: f64) -> Result<f64> {
    positive(x, f64::ln)
}
pub fn log2(x: f64) -> Result<f64> {
    positive(x, f64::log2)
}
pub fn log10(x: f64) -> Result<f64> {
    positive(x, f64::log10)
}
/// The quotient of two logarithms.
pub fn log_base(x: f64, base: f64) -> Result<f64> {
    let (x, base) = (log(x)?, log(base)?);
    if base == 0.0 { Err(PureError::zero("float division by zero")) } else { Ok(x / base) }
}

pub fn pow(x: f64, y: f64) -> Result<f64> {
    let r = x.powf(y);
    if x.is_finite() && y.is_finite() {
        if r.is_nan() || (r.is_infinite() && x == 0.0) {
            return Err(domain());
        }
        if r.is_infinite() {
            return Err(range());
        }
    }
    Ok(r)
}
pub fn fmod(x: f64, y: f64) -> Result<f64> {
    let r = x % y;
    if r.is_nan() && !x.is_nan() && !y.is_nan() { Err(domain()) } else { Ok(r) }
}
pub fn atan2(y: f64, x: f64) -> Result<f64> {
    Ok(y.atan2(x))
}
pub fn copysign(x: f64, y: f64) -> Result<f64> {
    Ok(x.copysign(y))
}
fn hypot(x: f64, y: f64) -> Result<f64> {
    Ok(x.hypot(y))
}

/// The function of one float of this name, and the name.
pub fn one_of(name: &str) -> Option<(&'static str, One)> {
    const LOGS: &[(&str, One)] =
        &[("log", log), ("log2", log2), ("log10", log10), ("degrees", degrees), ("radians", radians)];
    PLAIN.iter().chain(LOGS).find(|(n, _)| *n == name).copied()
}

/// The function of two floats of this name, and the name.
pub fn two_of(name: &str) -> Option<(&'static str, Two)> {
    const ALL: &[(&str, Two)] =
        &[("pow", pow), ("fmod", fmod), ("atan2", atan2), ("copysign", copysign), ("hypot", hypot), ("log", log_base)];
    ALL.iter().find(|(n, _)| *n == name).copied()
}

/// The number of this name.
pub fn constant(name: &str) -> Option<f64> {
    Some(match name {
        "pi" => std::f64::consts::PI,
        "e" => std::f64::consts::E,
        "tau" => std::f64::consts::TAU,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => return None,
    })
}
