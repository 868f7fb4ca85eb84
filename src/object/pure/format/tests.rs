//! Expectations recorded from CPython 3.11; a leading `!` marks an error.

use super::percent::{Count, Directive, Part, Wants, parts};
use super::*;
use crate::object::pure::int::{self, IntRef};
use crate::object::pure::{PureError, Result};

const INTS: &[(&str, &str, &str)] = &[
    ("65", "5c", "    A"),
    ("255", "#010x", "0x000000ff"),
    ("255", "#_b", "0b1111_1111"),
    ("12345", "08,", "0,012,345"),
    ("-12345", "010,", "-0,012,345"),
    ("12345", "*=+10,", "+***12,345"),
    ("1000000000000000000000000000000", ",", "1,000,000,000,000,000,000,000,000,000,000"),
    ("3", "%", "300.000000%"),
    ("3", "e", "3.000000e+00"),
    ("-7", "^5", " -7  "),
    ("7", "é>4d", "ééé7"),
    ("255", "X", "FF"),
    ("8", "#o", "0o10"),
    ("5", " n", " 5"),
    ("65", "+c", "!ValueError: Sign not allowed with integer format specifier 'c'"),
    ("65", "#c", "!ValueError: Alternate form (#) not allowed with integer format specifier 'c'"),
    ("1114112", "c", "!OverflowError: %c arg not in range(0x110000)"),
    ("1000000000000000000000000000000", "c", "!OverflowError: Python int too large to convert to C long"),
    ("1", "z", "!ValueError: Negative zero coercion (z) not allowed in integer format specifier"),
    ("1", ".3", "!ValueError: Precision not allowed in integer format specifier"),
    ("1", "s", "!ValueError: Unknown format code 's' for object of type 'int'"),
    ("1", "xx", "!ValueError: Invalid format specifier 'xx' for object of type 'int'"),
    ("1", ",x", "!ValueError: Cannot specify ',' with 'x'."),
    ("1", ",_", "!ValueError: Cannot specify both ',' and '_'."),
    ("1", "_,", "!ValueError: Cannot specify both ',' and '_'."),
    ("1", ",n", "!ValueError: Cannot specify ',' with 'n'."),
    ("1", ",\u{1}", "!ValueError: Cannot specify ',' with '\\x1'."),
    ("1", "99999999999999999999", "!ValueError: Too many decimal digits in format string"),
    ("1", "99999999999", "!MemoryError: "),
    (
        "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "f",
        "!OverflowError: int too large to convert to float",
    ),
];
const FLOATS: &[(f64, &str, &str)] = &[
    (12345.678, "012,.1f", "00,012,345.7"),
    (f64::INFINITY, "010,", "0000000inf"),
    (-0.001, "z.1f", "0.0"),
    (-0.001, ".1f", "-0.0"),
    (1e+16, ".3", "1e+16"),
    (123456.0, ".6", "1.23456e+05"),
    (12345.0, ".6", "12345.0"),
    (1.5, "#.0", "2.e+00"),
    (10000000000.0, "#.0e", "1.e+10"),
    (10000000000.0, "#.0f", "10000000000."),
    (1.0, "#g", "1.00000"),
    (0.5, "%", "50.000000%"),
    (2.5, ".0f", "2"),
    (0.125, ".2f", "0.12"),
    (0.1, ".20f", "0.10000000000000000555"),
    (1e-05, "g", "1e-05"),
    (1234567.891, "n", "1.23457e+06"),
    (1e+300, ".3G", "1E+300"),
    (7.0, "5", "  7.0"),
    (5e-324, ".3e", "4.941e-324"),
    (3.0, "+", "+3.0"),
    (1e+22, ",", "1e+22"),
    (1.5, "d", "!ValueError: Unknown format code 'd' for object of type 'float'"),
    (1.5, ".", "!ValueError: Format specifier missing precision"),
    (1.5, "\u{1}", "!ValueError: Unknown format code '\\x1' for object of type 'float'"),
    (1.0, ".99999999999", "!ValueError: precision too big"),
];
const STRS: &[(&str, &str, &str)] = &[
    ("abc", "5", "abc  "),
    ("abc", ">5", "  abc"),
    ("abc", "^6", " abc  "),
    ("abc", "05", "abc00"),
    ("été", ".2", "ét"),
    ("é", "*^4s", "*é**"),
    ("a", "+", "!ValueError: Sign not allowed in string format specifier"),
    ("a", " ", "!ValueError: Space not allowed in string format specifier"),
    ("a", "#", "!ValueError: Alternate form (#) not allowed in string format specifier"),
    ("a", "z", "!ValueError: Negative zero coercion (z) not allowed in string format specifier"),
    ("a", "=5", "!ValueError: '=' alignment not allowed in string format specifier"),
    ("a", ",", "!ValueError: Cannot specify ',' with 's'."),
    ("a", ".1x", "!ValueError: Unknown format code 'x' for object of type 'str'"),
    ("a", "xx", "!ValueError: Invalid format specifier 'xx' for object of type 'str'"),
];
const PERCENT_INTS: &[(&str, i64, &str)] = &[
    ("%08.3d", 5, "00000005"),
    ("%#08x|", -1, "-0x00001|"),
    ("%-#8x|", 1, "0x1     |"),
    ("%#X", 255, "0XFF"),
    ("%+05d", 3, "+0003"),
    ("%-05d|", 3, "3    |"),
    ("%.5d", -3, "-00003"),
    ("%ld", 3, "3"),
    ("% x", 5, " 5"),
    ("%#o", 0, "0o0"),
    ("%5u", 12, "   12"),
];
const PERCENT_FLOATS: &[(&str, f64, &str)] = &[
    ("%05.1f", -2.25, "-02.2"),
    ("% 08.2f|", 2.5, " 0002.50|"),
    ("%05f", f64::INFINITY, "00inf"),
    ("%+f", f64::NAN, "+nan"),
    ("%.0e", 1.5, "2e+00"),
    ("%#.3g", 1.0, "1.00"),
    ("%G", 1e-10, "1E-10"),
    ("%f", 1.5, "1.500000"),
];

fn told(result: Result<String>) -> String {
    result.unwrap_or_else(|error| format!("!{error}"))
}

#[test]
fn specs() {
    for (a, spec, expected) in INTS {
        let a = int::parse(a, 10, 0).unwrap();
        assert_eq!(told(format_int(a.borrow(), spec, "int", 4300)), *expected, "{spec}");
    }
    for (x, spec, expected) in FLOATS {
        assert_eq!(told(format_float(*x, spec, "float")), *expected, "{spec}");
    }
    for (text, spec, expected) in STRS {
        assert_eq!(told(format_str(text, spec, "str")), *expected, "{spec}");
    }
}

/// A format with one directive and literals around it.
fn percent(format: &str, apply: impl Fn(Directive) -> Result<String>) -> Result<String> {
    let mut out = String::new();
    for part in parts(format) {
        match part? {
            Part::Literal(text) => out.push_str(text),
            Part::Directive(directive) => {
                directive.wants()?;
                out.push_str(&apply(directive)?);
            }
        }
    }
    Ok(out)
}

#[test]
fn percent_directives() {
    for (format, a, expected) in PERCENT_INTS {
        assert_eq!(told(percent(format, |d| d.apply_int(IntRef::Small(*a), 4300))), *expected, "{format}");
    }
    for (format, x, expected) in PERCENT_FLOATS {
        assert_eq!(told(percent(format, |d| d.apply_float(*x))), *expected, "{format}");
    }
    assert_eq!(told(percent("100%% %5.1s|", |d| d.apply_str("éa"))), "100%     é|");
    assert_eq!(told(percent("%c", |d| d.apply_code(IntRef::Small(233)))), "é");
}

#[test]
fn percent_errors_and_stars() {
    for (format, expected) in [
        ("%", "!ValueError: incomplete format"),
        ("%(a", "!ValueError: incomplete format key"),
        ("%(a)", "!ValueError: incomplete format"),
        ("é%z", "!ValueError: unsupported format character 'z' (0x7a) at index 2"),
        ("%é", "!ValueError: unsupported format character '?' (0xe9) at index 1"),
        ("%99999999999999999999d", "!ValueError: width too big"),
        ("%.2147483648f", "!ValueError: precision too big"),
        ("%99999999999d", "!MemoryError: "),
    ] {
        assert_eq!(told(percent(format, |d| d.apply_str("x"))), expected);
    }
    let starred = percent("%(key)*.*d|", |mut d| {
        assert_eq!((d.key, d.width, d.precision), (Some("key"), Count::Star, Count::Star));
        assert_eq!(d.wants(), Ok(Wants::Int));
        d.width_is(IntRef::Small(-6))?;
        d.precision_is(IntRef::Small(3))?;
        d.apply_int(IntRef::Small(5), 4300)
    });
    assert_eq!(told(starred), "005   |");
    assert_eq!(percent::wrong_type('d', "str").to_string(), "TypeError: %d format: a real number is required, not str");
}

fn all_pieces(format: &str) -> std::result::Result<Vec<markup::Piece<'_>>, String> {
    markup::pieces(format).collect::<Result<_>>().map_err(|error: PureError| error.msg.into_owned())
}

#[test]
fn markup_fields() {
    use markup::{Field, Piece};
    let field = |name, conversion, spec, nested| Piece::Field(Field { name, conversion, spec, nested });
    assert_eq!(
        all_pieces("a{{b{0!r:>{w}}}}c{x[}].y}"),
        Ok(vec![
            Piece::Literal("a{"),
            Piece::Literal("b"),
            field("0", Some('r'), ">{w}", true),
            Piece::Literal("}"),
            Piece::Literal("c"),
            field("x[}].y", None, "", false),
        ])
    );
    for (format, message) in [
        ("{", "Single '{' encountered in format string"),
        ("}", "Single '}' encountered in format string"),
        ("{0", "expected '}' before end of string"),
        ("{0{", "unexpected '{' in field name"),
        ("{!", "end of string while looking for conversion specifier"),
        ("{!r", "unmatched '{' in format spec"),
        ("{!rx}", "expected ':' after conversion specifier"),
        ("{:{", "unmatched '{' in format spec"),
    ] {
        assert_eq!(all_pieces(format), Err(message.to_owned()));
    }
}

#[test]
fn markup_names() {
    use markup::{AutoNumber, First, Step, field_name};
    let mut auto = AutoNumber::default();
    assert_eq!(field_name("", &mut auto).unwrap().0, First::Index(0));
    let (first, steps) = field_name(".a[0][k]", &mut auto).unwrap();
    assert_eq!(first, First::Index(1));
    assert_eq!(steps.collect::<Result<Vec<_>>>(), Ok(vec![Step::Attr("a"), Step::Index(0), Step::Key("k")]));
    assert_eq!(field_name("name", &mut auto).unwrap().0, First::Name("name"));
    let refused = |name: &str, auto: &mut AutoNumber| match field_name(name, auto) {
        Ok((_, steps)) => steps.collect::<Result<Vec<_>>>().unwrap_err().msg,
        Err(error) => error.msg,
    };
    assert_eq!(refused("0", &mut auto), "cannot switch from automatic field numbering to manual field specification");
    let mut manual = AutoNumber::default();
    assert_eq!(field_name("2", &mut manual).unwrap().0, First::Index(2));
    assert_eq!(refused("", &mut manual), "cannot switch from manual field specification to automatic field numbering");
    assert_eq!(refused("a.", &mut manual), "Empty attribute in format string");
    assert_eq!(refused("a[0]x", &mut manual), "Only '.' or '[' may follow ']' in format field specifier");
    assert_eq!(refused("a[0", &mut manual), "Missing ']' in format string");
    assert_eq!(refused("99999999999999999999", &mut manual), "Too many decimal digits in format string");
}
