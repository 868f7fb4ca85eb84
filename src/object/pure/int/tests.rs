//! Expectations recorded from CPython 3.11.

use super::*;

fn int(text: &str) -> IntVal {
    parse(text, 10, 0).unwrap()
}

fn show(value: IntVal) -> String {
    to_decimal(value.borrow(), 0).unwrap()
}

fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn results_are_normalised() {
    let max = int("9223372036854775807");
    let one = IntVal::Small(1);
    let beyond = add(max.borrow(), one.borrow());
    assert!(matches!(beyond, IntVal::Big(_)));
    assert_eq!(sub(beyond.borrow(), one.borrow()), max);
    assert_eq!(neg(beyond.borrow()), IntVal::Small(i64::MIN));
    assert_eq!(show(neg(IntRef::Small(i64::MIN))), "9223372036854775808");
    assert_eq!(show(floor_div(IntRef::Small(i64::MIN), IntRef::Small(-1)).unwrap()), "9223372036854775808");
}

#[test]
fn division_rounds_down() {
    let big = "100000000000000000000";
    for (a, b, quotient, rest) in [
        ("7", "2", "3", "1"),
        ("-7", "2", "-4", "1"),
        ("7", "-2", "-4", "-1"),
        ("-7", "-2", "3", "-1"),
        (big, "-7", "-14285714285714285715", "-5"),
        ("-3", big, "-1", "99999999999999999997"),
        ("-9223372036854775808", "-1", "9223372036854775808", "0"),
    ] {
        let (a, b) = (int(a), int(b));
        let (q, r) = div_mod(a.borrow(), b.borrow()).unwrap();
        assert_eq!((show(q.clone()).as_str(), show(r.clone()).as_str()), (quotient, rest));
        assert_eq!(floor_div(a.borrow(), b.borrow()).unwrap(), q);
        assert_eq!(modulo(a.borrow(), b.borrow()).unwrap(), r);
    }
}

#[test]
fn true_division_rounds_once() {
    for (a, b, bits) in [
        ("1", "3", 0x3fd5555555555555),
        ("0", "-3", 0x8000000000000000),
        ("9007199254740993", "1", 0x4340000000000000),
        ("9007199254740995", "-1", 0xc340000000000002),
        ("36893488147419103233", "2", 0x43f0000000000000),
    ] {
        let (a, b) = (int(a), int(b));
        assert_eq!(true_div(a.borrow(), b.borrow()).unwrap().to_bits(), bits);
    }
    let tiny = shl(IntRef::Small(1), IntRef::Small(1075)).unwrap();
    assert_eq!(true_div(IntRef::Small(3), tiny.borrow()).unwrap().to_bits(), 2);
    assert_eq!(true_div(IntRef::Small(1), tiny.borrow()).unwrap().to_bits(), 0);
    assert_eq!(
        said(true_div(tiny.borrow(), IntRef::Small(3))),
        "OverflowError: integer division result too large for a float"
    );
}

#[test]
fn errors_are_cpythons() {
    let zero = IntRef::Small(0);
    let one = IntRef::Small(1);
    let huge = natural_pow(IntRef::Small(10), IntRef::Small(400)).unwrap();
    assert_eq!(said(floor_div(one, zero)), "ZeroDivisionError: integer division or modulo by zero");
    assert_eq!(said(modulo(one, zero)), "ZeroDivisionError: integer modulo by zero");
    assert_eq!(said(true_div(one, zero)), "ZeroDivisionError: division by zero");
    assert_eq!(said(pow(zero, IntRef::Small(-1))), "ZeroDivisionError: 0.0 cannot be raised to a negative power");
    assert_eq!(said(pow_mod(one, one, zero)), "ValueError: pow() 3rd argument cannot be 0");
    assert_eq!(
        said(pow_mod(IntRef::Small(2), IntRef::Small(-1), IntRef::Small(4))),
        "ValueError: base is not invertible for the given modulus"
    );
    assert_eq!(said(shl(one, IntRef::Small(-1))), "ValueError: negative shift count");
    assert_eq!(said(shl(one, huge.borrow())), "OverflowError: too many digits in integer");
    assert_eq!(said(pow(huge.borrow(), huge.borrow())), "MemoryError: ");
    assert_eq!(said(to_float(huge.borrow())), "OverflowError: int too large to convert to float");
    assert_eq!(said(from_float(f64::NAN)), "ValueError: cannot convert float NaN to integer");
    assert_eq!(said(from_float(f64::INFINITY)), "OverflowError: cannot convert float infinity to integer");
    assert_eq!(said(to_bytes(IntRef::Small(300), 1, false, false)), "OverflowError: int too big to convert");
}

#[test]
fn powers_and_shifts() {
    assert_eq!(show(natural_pow(IntRef::Small(-3), IntRef::Small(41)).unwrap()), "-36472996377170786403");
    assert_eq!(pow(IntRef::Small(2), IntRef::Small(-2)), Ok(Number::Float(0.25)));
    assert_eq!(pow_mod(IntRef::Small(3), IntRef::Small(4), IntRef::Small(-7)).unwrap(), IntVal::Small(-3));
    assert_eq!(pow_mod(IntRef::Small(3), IntRef::Small(-1), IntRef::Small(7)).unwrap(), IntVal::Small(5));
    assert_eq!(shr(IntRef::Small(-5), IntRef::Small(200)).unwrap(), IntVal::Small(-1));
    let wide = shl(IntRef::Small(-5), IntRef::Small(70)).unwrap();
    assert_eq!(show(wide.clone()), "-5902958103587056517120");
    assert_eq!(shr(wide.borrow(), IntRef::Small(72)).unwrap(), IntVal::Small(-2));
    assert_eq!(shr(wide.borrow(), IntRef::Small(1000)).unwrap(), IntVal::Small(-1));
}

#[test]
fn comparison_with_floats_is_exact() {
    use Ordering::*;
    assert_eq!(cmp_float(int("9007199254740993").borrow(), 9007199254740992.0), Some(Greater));
    assert_eq!(cmp_float(IntRef::Small(i64::MAX), 9223372036854775808.0), Some(Less));
    assert_eq!(cmp_float(IntRef::Small(1), 1.5), Some(Less));
    assert_eq!(cmp_float(IntRef::Small(-1), -1.5), Some(Greater));
    assert_eq!(cmp_float(IntRef::Small(1), f64::NAN), None);
    assert_eq!(cmp_float(int("99999999999999999999999").borrow(), f64::INFINITY), Some(Less));
}

#[test]
fn reading() {
    for (text, base, value) in [
        (" 1_000\n", 10, "1000"),
        ("0x_1F", 16, "31"),
        ("0x1f", 0, "31"),
        ("-0b101", 0, "-5"),
        ("00", 0, "0"),
        ("z", 36, "35"),
        ("\u{661}\u{662}", 10, "12"),
        ("+123456789012345678901", 10, "123456789012345678901"),
    ] {
        assert_eq!(show(parse(text, base, MAX_STR_DIGITS).unwrap()), value);
    }
    for (text, base) in [("", 10), ("1__0", 10), ("_1", 10), ("012", 0), ("- 1", 10), ("0x", 16), ("2", 2), ("1\0", 10)]
    {
        let expected = format!(
            "ValueError: invalid literal for int() with base {base}: {}",
            crate::object::pure::text::repr(text)
        );
        assert_eq!(said(parse(text, base, MAX_STR_DIGITS)), expected);
    }
    assert_eq!(said(parse("1", 37, 0)), "ValueError: int() base must be >= 2 and <= 36, or 0");
    assert_eq!(
        said(parse(&"1".repeat(5000), 10, MAX_STR_DIGITS)),
        "ValueError: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; \
         use sys.set_int_max_str_digits() to increase the limit"
    );
}

#[test]
fn writing() {
    let big = int("-1000000000000000000000");
    assert_eq!(to_radix(big.borrow(), 16, true), "-0x3635c9adc5dea00000");
    assert_eq!(to_radix(IntRef::Small(-5), 2, true), "-0b101");
    assert_eq!(to_radix(IntRef::Small(8), 8, false), "10");
    let long = natural_pow(IntRef::Small(10), IntRef::Small(4300)).unwrap();
    assert_eq!(
        said(to_decimal(long.borrow(), MAX_STR_DIGITS)),
        "ValueError: Exceeds the limit (4300 digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit"
    );
    assert_eq!(to_decimal(long.borrow(), 0).unwrap().len(), 4301);
    assert_eq!(to_bytes(IntRef::Small(-2), 3, true, true).unwrap(), [0xfe, 0xff, 0xff]);
    assert_eq!(from_bytes(&[0xff, 1], true, true), IntVal::Small(511));
}

#[test]
fn rounding_to_tens() {
    for (value, digits, rounded) in
        [(15, -1, 20), (25, -1, 20), (-15, -1, -20), (12345, -2, 12300), (51, -2, 100), (7, -5, 0), (7, 3, 7)]
    {
        assert_eq!(round(IntRef::Small(value), digits), IntVal::Small(rounded));
    }
}
