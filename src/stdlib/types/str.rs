//! Methods of str: case, classes, layout, stripping. Searching, splitting, formatting: str_more.rs.

use crate::natives;
use crate::object::pure::text as pure;
use crate::object::types::Str;
use crate::object::{TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Res};

natives! { pub STR, method "str";
    /// In upper case.
    holds upper("") = upper;
    /// In lower case.
    holds lower("") = lower;
    /// In lower case as comparisons without case need it.
    holds casefold("") = casefold;
    /// The first character in title case, the others in lower case.
    holds capitalize("") = capitalize;
    /// Each word capitalized.
    holds title("") = title;
    /// Upper case for lower case and the other way round.
    holds swapcase("") = swapcase;
    /// Are all characters letters, and is there one?
    holds isalpha("") = isalpha;
    /// Are all characters letters or numbers, and is there one?
    holds isalnum("") = isalnum;
    /// Are all characters ASCII? True of the empty text.
    holds isascii("") = isascii;
    /// Are all characters decimal digits, and is there one?
    holds isdecimal("") = isdecimal;
    /// Are all characters digits, and is there one?
    holds isdigit("") = isdigit;
    /// Are all characters numeric, and is there one?
    holds isnumeric("") = isnumeric;
    /// Is it a name as the language has them?
    holds isidentifier("") = isidentifier;
    /// Are all cased characters lower case, and is there one?
    holds islower("") = islower;
    /// Are all cased characters upper case, and is there one?
    holds isupper("") = isupper;
    /// Are the words capitalized, and is there one?
    holds istitle("") = istitle;
    /// Are all characters white space, and is there one?
    holds isspace("") = isspace;
    /// Would repr() show all characters as they are?
    holds isprintable("") = isprintable;
    /// In the middle of `width` columns.
    holds center("width, fillchar=' ', /") = center;
    /// At the left of `width` columns.
    holds ljust("width, fillchar=' ', /") = ljust;
    /// At the right of `width` columns.
    holds rjust("width, fillchar=' ', /") = rjust;
    /// Led by zeros to `width` columns, after the sign.
    holds zfill("width, /") = zfill;
    /// Tabs as blanks.
    holds expandtabs("tabsize=8") = expandtabs;
    /// Without white space, or without the characters of `chars`, at both ends.
    holds strip("chars=None, /") = strip;
    /// The same at the beginning.
    holds lstrip("chars=None, /") = lstrip;
    /// The same at the end.
    holds rstrip("chars=None, /") = rstrip;
    /// Without this beginning, if it has it.
    holds removeprefix("prefix, /") = removeprefix;
    /// Without this end, if it has it.
    holds removesuffix("suffix, /") = removesuffix;
}

/// The text of argument `i`, copied out. Argument 0 of a method of str is one.
pub(super) fn own(c: &Call, i: usize) -> String {
    text(&c.arg(i)).unwrap_or_default().to_string()
}

/// The text of argument `i`, which must be a str; `what` begins the message.
pub(super) fn want(c: &mut Call, i: usize, what: &str) -> Res<String> {
    let v = c.arg(i);
    match text(&v) {
        Some(t) => Ok(t.to_string()),
        None => {
            let got = super::shown_type(c, &v);
            Err(c.type_error(format!("{what} must be str, not {got}")))
        }
    }
}

/// A result that is often the object itself: then no copy is made.
pub(super) fn give(c: &mut Call, part: Option<String>) -> Res<Value> {
    Ok(match part {
        // Of a derived class too the answer is a plain str.
        None => match c.arg(0) {
            Value::Obj(r) if TypeId::of_shape(r.shape()).is_none() => c.underived(&r),
            v => v,
        },
        Some(t) => c.string(t),
    })
}

macro_rules! maps {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let v = c.arg(0);
            // No letter becomes more than three.
            c.room(text(&v).map_or(0, str::len).saturating_mul(3))?;
            let out = $pure(text(&v).unwrap_or_default());
            Ok(c.string(out))
        }
    )*};
}
maps! {
    upper = pure::upper;
    lower = pure::lower;
    casefold = pure::casefold;
    capitalize = pure::capitalize;
    title = pure::title;
    swapcase = pure::swapcase;
}

macro_rules! asks {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            Ok(Value::bool($pure(text(&c.arg(0)).unwrap_or_default())))
        }
    )*};
}
asks! {
    isalpha = pure::is_alpha;
    isalnum = pure::is_alnum;
    isascii = pure::is_ascii;
    isdecimal = pure::is_decimal;
    isdigit = pure::is_digit;
    isnumeric = pure::is_numeric;
    isidentifier = pure::is_identifier;
    islower = pure::is_lower;
    isupper = pure::is_upper;
    istitle = pure::is_title;
    isspace = pure::is_space;
    isprintable = pure::is_printable;
}

fn fill(c: &mut Call) -> Res<char> {
    match c.opt(2) {
        None => Ok(' '),
        Some(v) => match text(&v) {
            Some(t) => {
                let found = pure::fill_char(t);
                c.pure(found)
            }
            None => {
                let got = c.type_name(&v);
                Err(c.type_error(format!("The fill character must be a unicode character, not {got}")))
            }
        },
    }
}

macro_rules! layouts {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let width = super::count(c, 1, 0)?;
            let fill = fill(c)?;
            let v = c.arg(0);
            let out = $pure(text(&v).unwrap_or_default(), width, fill);
            let out = c.pure(out)?;
            Ok(c.string(out))
        }
    )*};
}
layouts! {
    center = pure::center;
    ljust = pure::ljust;
    rjust = pure::rjust;
}

fn zfill(c: &mut Call) -> Res<Value> {
    let width = super::count(c, 1, 0)?;
    let v = c.arg(0);
    let out = pure::zfill(text(&v).unwrap_or_default(), width);
    let out = c.pure(out)?;
    Ok(c.string(out))
}

fn expandtabs(c: &mut Call) -> Res<Value> {
    let size = super::c_int(c, 1, 8)?;
    let v = c.arg(0);
    let out = pure::expandtabs(text(&v).unwrap_or_default(), size);
    let out = c.pure(out)?;
    Ok(c.string(out))
}

macro_rules! strips {
    ($($name:ident = $pure:path;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let (v, chars) = (c.arg(0), c.some(1));
            if let Some(chars) = &chars
                && text(chars).is_none()
            {
                return Err(c.type_error(concat!(stringify!($name), " arg must be None or str")));
            }
            let whole = text(&v).unwrap_or_default();
            let part = $pure(whole, chars.as_ref().and_then(text));
            let part = (part.len() != whole.len()).then(|| part.to_string());
            give(c, part)
        }
    )*};
}
strips! {
    strip = pure::strip;
    lstrip = pure::lstrip;
    rstrip = pure::rstrip;
}

fn removeprefix(c: &mut Call) -> Res<Value> {
    let prefix = want(c, 1, "removeprefix() argument")?;
    let v = c.arg(0);
    let out = pure::removeprefix(text(&v).unwrap_or_default(), &prefix).to_string();
    Ok(c.string(out))
}

fn removesuffix(c: &mut Call) -> Res<Value> {
    let suffix = want(c, 1, "removesuffix() argument")?;
    let v = c.arg(0);
    let out = pure::removesuffix(text(&v).unwrap_or_default(), &suffix).to_string();
    Ok(c.string(out))
}

/// Number of code points of a str value.
pub(super) fn chars(v: &Value) -> usize {
    crate::vm::make::str_of(v).map_or(0, |s: &Str| s.chars)
}
