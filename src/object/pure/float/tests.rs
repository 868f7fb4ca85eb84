//! Expectations recorded from CPython 3.11.

use super::*;

fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn written_as_python_writes() {
    for (x, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e15, "1000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (1e16, "1e+16"),
        (1.5e-5, "1.5e-05"),
        (0.0001, "0.0001"),
        (1e22, "1e+22"),
        (123456.789e3, "123456789.0"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (-f64::INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(repr(x), text);
    }
}

#[test]
fn reading() {
    for (text, x) in
        [(" 1_0.5e1_0 ", 10.5e10), ("-.5", -0.5), ("1.", 1.0), ("1e400", f64::INFINITY), ("-Infinity", -f64::INFINITY)]
    {
        assert_eq!(parse(text), Ok(x));
    }
    assert!(parse("-nan").unwrap().is_nan());
    for text in ["", ".", "1e", "1__0", "_1", "1_e5", "infinit", "0x10", "1.5j", "e5", "1 2"] {
        assert_eq!(said(parse(text)), format!("ValueError: could not convert string to float: '{text}'"));
    }
}

#[test]
fn division() {
    assert_eq!(div_mod(-7.0, 2.0), Ok((-4.0, 1.0)));
    assert_eq!(div_mod(7.5, -2.0), Ok((-4.0, -0.5)));
    assert_eq!(modulo(-0.0, 3.0).unwrap().to_bits(), 0f64.to_bits());
    assert_eq!(modulo(3.0, f64::NEG_INFINITY), Ok(f64::NEG_INFINITY));
    assert_eq!(floor_div(0.3, 0.1), Ok(2.0));
    assert_eq!(said(floor_div(1.0, 0.0)), "ZeroDivisionError: float floor division by zero");
    assert_eq!(said(modulo(1.0, 0.0)), "ZeroDivisionError: float modulo");
    assert_eq!(said(div_mod(1.0, 0.0)), "ZeroDivisionError: float divmod()");
    assert_eq!(said(true_div(1.0, 0.0)), "ZeroDivisionError: float division by zero");
}

#[test]
fn powers() {
    assert_eq!(pow(-2.0, 3.0), Ok(-8.0));
    assert_eq!(pow(-1.0, f64::INFINITY), Ok(1.0));
    assert_eq!(pow(0.0, f64::NEG_INFINITY), Ok(f64::INFINITY));
    assert_eq!(pow(f64::NAN, 0.0), Ok(1.0));
    assert_eq!(said(pow(0.0, -1.0)), "ZeroDivisionError: 0.0 cannot be raised to a negative power");
    assert_eq!(said(pow(10.0, 400.0)), "OverflowError: (34, 'Numerical result out of range')");
    assert!(said(pow(-8.0, 0.5)).contains("Kit has no complex numbers"));
}

#[test]
fn rounding() {
    for (x, digits, rounded) in [
        (2.675, 2, 2.67),
        (0.125, 2, 0.12),
        (0.375, 2, 0.38),
        (25.0, -1, 20.0),
        (25.5, -1, 30.0),
        (35.0, -1, 40.0),
        (1e22, 5, 1e22),
        (1234.5, -400, 0.0),
        (-0.4, 0, -0.0),
    ] {
        assert_eq!(round_digits(x, digits).map(f64::to_bits), Ok(f64::to_bits(rounded)));
    }
    assert_eq!(said(round_digits(f64::MAX, -308)), "OverflowError: rounded value too large to represent");
    assert_eq!([round(0.5), round(1.5), round(-2.5)], [0, 2, -2].map(|x| Ok(IntVal::Small(x))));
    assert_eq!(said(round(f64::NAN)), "ValueError: cannot convert float NaN to integer");
}

#[test]
fn ratios_and_hex() {
    assert_eq!(as_integer_ratio(-0.75), Ok((IntVal::Small(-3), IntVal::Small(4))));
    assert_eq!(as_integer_ratio(0.1), Ok((IntVal::Small(3602879701896397), IntVal::Small(36028797018963968))));
    for (x, text) in [
        (1.5, "0x1.8000000000000p+0"),
        (-0.0, "-0x0.0p+0"),
        (5e-324, "0x0.0000000000001p-1022"),
        (0.1, "0x1.999999999999ap-4"),
    ] {
        assert_eq!(to_hex(x), text);
        assert_eq!(from_hex(text).map(f64::to_bits), Ok(x.to_bits()));
    }
    assert_eq!(from_hex(" 1.8P1\n"), Ok(3.0));
    assert_eq!(from_hex("0x1p-1075"), Ok(0.0));
    assert_eq!(from_hex("0x1.00000000000001p-1075"), Ok(5e-324));
    assert_eq!(said(from_hex("0x1p1024")), "OverflowError: hexadecimal value too large to represent as a float");
    assert_eq!(said(from_hex("zz")), "ValueError: invalid hexadecimal floating-point string");
}
