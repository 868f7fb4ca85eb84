//! Methods of str: searching, splitting, joining, replacing, formatting, encoding.

use super::str::{give, own, want};
use super::{bounds, count, strings};
use crate::natives;
use crate::object::pure::bytes::Encoding;
use crate::object::pure::text::{self as pure, Mapped};
use crate::object::pure::{PureError, bytes};
use crate::object::{TypeId, Value};
use crate::vm::make::{int_of, text, tuple_items};
use crate::vm::{Call, Raised, Res, Thread};

natives! { pub STR, method "str";
    /// The lowest position of `sub` within `[start:end]`, or -1.
    holds find("sub, start=None, end=None, /") = find;
    /// The highest position of `sub`, or -1.
    holds rfind("sub, start=None, end=None, /") = rfind;
    /// As find(); ValueError when it is not found.
    holds index("sub, start=None, end=None, /") = index;
    /// As rfind(); ValueError when it is not found.
    holds rindex("sub, start=None, end=None, /") = rindex;
    /// How often `sub` occurs, without overlaps.
    holds count("sub, start=None, end=None, /") = count_;
    /// Does it begin with `prefix`, or one of a tuple of them?
    holds startswith("prefix, start=None, end=None, /") = startswith;
    /// Does it end with `suffix`, or one of a tuple of them?
    holds endswith("suffix, start=None, end=None, /") = endswith;
    /// With `new` for each `old`, at most `count` times.
    holds replace("old, new, count=-1, /") = replace;
    /// The pieces between separators (or white space), from the left, at most `maxsplit` cuts.
    holds split("sep=None, maxsplit=-1") = split;
    /// The same from the right.
    holds rsplit("sep=None, maxsplit=-1") = rsplit;
    /// The lines, with their ends if `keepends`.
    holds splitlines("keepends=False") = splitlines;
    /// What is before the first separator, the separator, what is after it.
    holds partition("sep, /") = partition;
    /// The same for the last separator.
    holds rpartition("sep, /") = rpartition;
    /// The strings of an iterable, with this between them.
    holds join("iterable, /") = join;
    /// With `{}` fields filled from the arguments.
    holds format("*args, **kwargs") = format;
    /// With `{name}` fields filled from a mapping.
    holds format_map("mapping, /") = format_map;
    /// As bytes in an encoding.
    holds encode("encoding='utf-8', errors='strict'") = encode;
    /// Each character as the table has it under its code point.
    holds translate("table, /") = translate;
    /// A table for translate().
    holds maketrans("cls, x, y=None, z=None, /") = maketrans;
}

macro_rules! searches {
    ($($name:ident: $out:ident = $make:expr;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let (start, end) = bounds(c, 2)?;
            let part = want_part(c)?;
            let v = c.arg(0);
            let $out = pure::$name(text(&v).unwrap_or_default(), &part, start, end);
            $make(c, $out)
        }
    )*};
}
searches! {
    find: at = |_: &mut Call, at: Option<usize>| Ok(Value::Int(at.map_or(-1, |i| i as i64)));
    rfind: at = |_: &mut Call, at: Option<usize>| Ok(Value::Int(at.map_or(-1, |i| i as i64)));
    index: at = |c: &mut Call, at| c.pure(at).map(|i| Value::Int(i as i64));
    rindex: at = |c: &mut Call, at| c.pure(at).map(|i| Value::Int(i as i64));
}

fn want_part(c: &mut Call) -> Res<String> {
    let v = c.arg(1);
    match text(&v) {
        Some(t) => Ok(t.to_string()),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("must be str, not {got}")))
        }
    }
}

fn count_(c: &mut Call) -> Res<Value> {
    let (start, end) = bounds(c, 2)?;
    let part = want_part(c)?;
    let v = c.arg(0);
    Ok(Value::Int(pure::count(text(&v).unwrap_or_default(), &part, start, end) as i64))
}

fn affix(c: &mut Call, name: &str, test: fn(&str, &str, i64, i64) -> bool) -> Res<Value> {
    let (v, affix) = (c.arg(0), c.arg(1));
    let (start, end) = bounds(c, 2)?;
    let whole = text(&v).unwrap_or_default();
    if let Some(t) = text(&affix) {
        return Ok(Value::bool(test(whole, t, start, end)));
    }
    let Some(all) = tuple_items(&affix) else {
        let got = c.type_name(&affix);
        let message = format!("{name} first arg must be str or a tuple of str, not {got}");
        return Err(c.type_error(message));
    };
    for one in all {
        match text(one) {
            Some(t) if test(whole, t, start, end) => return Ok(Value::TRUE),
            Some(_) => {}
            None => {
                let got = c.type_name(one);
                return Err(c.type_error(format!("tuple for {name} must only contain str, not {got}")));
            }
        }
    }
    Ok(Value::FALSE)
}

fn startswith(c: &mut Call) -> Res<Value> {
    affix(c, "startswith", pure::startswith)
}
fn endswith(c: &mut Call) -> Res<Value> {
    affix(c, "endswith", pure::endswith)
}

fn replace(c: &mut Call) -> Res<Value> {
    let old = want(c, 1, "replace() argument 1")?;
    let new = want(c, 2, "replace() argument 2")?;
    let n = count(c, 3, -1)?;
    let v = c.arg(0);
    let whole = text(&v).unwrap_or_default();
    if !old.is_empty() && !whole.contains(&old) {
        return Ok(v);
    }
    let out = pure::replace(whole, &old, &new, n);
    let out = c.pure(out)?;
    Ok(c.string(out))
}

/// The separator of split() and rsplit().
fn separator(c: &mut Call) -> Res<Option<String>> {
    match c.some(1) {
        None => Ok(None),
        Some(v) => match text(&v) {
            Some(t) => Ok(Some(t.to_string())),
            None => {
                let got = c.type_name(&v);
                Err(c.type_error(format!("must be str or None, not {got}")))
            }
        },
    }
}

fn split(c: &mut Call) -> Res<Value> {
    let (n, sep) = (count(c, 2, -1)?, separator(c)?);
    let v = c.arg(0);
    let pieces = pure::split(text(&v).unwrap_or_default(), sep.as_deref(), n);
    let pieces = c.pure(pieces)?;
    Ok(strings(c, pieces))
}

fn rsplit(c: &mut Call) -> Res<Value> {
    let (n, sep) = (count(c, 2, -1)?, separator(c)?);
    let v = c.arg(0);
    let pieces = pure::rsplit(text(&v).unwrap_or_default(), sep.as_deref(), n);
    let pieces = c.pure(pieces)?;
    Ok(strings(c, pieces))
}

fn splitlines(c: &mut Call) -> Res<Value> {
    let keep = super::c_int(c, 1, 0)? != 0;
    let v = c.arg(0);
    let lines = pure::splitlines(text(&v).unwrap_or_default(), keep);
    Ok(strings(c, lines))
}

fn parts(c: &mut Call, last: bool) -> Res<Value> {
    let sep = want_part(c)?;
    let whole = own(c, 0);
    let found = if last { pure::rpartition(&whole, &sep) } else { pure::partition(&whole, &sep) };
    let (a, b, z) = c.pure(found)?;
    let three = vec![c.str(a), c.str(b), c.str(z)];
    Ok(c.tuple(three))
}

fn partition(c: &mut Call) -> Res<Value> {
    parts(c, false)
}
fn rpartition(c: &mut Call) -> Res<Value> {
    parts(c, true)
}

fn join(c: &mut Call) -> Res<Value> {
    let (sep, items) = (c.arg(0), c.arg(1));
    let items = match c.collect(&items) {
        Ok(items) => items,
        Err(e) => {
            if c.raised_is(TypeId::TypeError) && !c.iterable(&items) {
                drop(c.take_raised());
                return Err(c.type_error("can only join an iterable"));
            }
            return Err(e);
        }
    };
    if let [one] = &items[..]
        && c.builtin_type(one) == Some(TypeId::Str)
    {
        return Ok(one.clone());
    }
    let mut pieces = Vec::with_capacity(items.len());
    for (i, v) in items.iter().enumerate() {
        match text(v) {
            Some(t) => pieces.push(t),
            None => {
                let got = c.type_name(v);
                return Err(c.type_error(format!("sequence item {i}: expected str instance, {got} found")));
            }
        }
    }
    let out = pure::join(text(&sep).unwrap_or_default(), &pieces);
    let out = c.pure(out)?;
    Ok(c.string(out))
}

fn format(c: &mut Call) -> Res<Value> {
    let (t, args, kwargs) = (own(c, 0), c.rest(), c.kwargs());
    let out = c.str_format(&t, &args, &kwargs)?;
    Ok(c.string(out))
}

fn format_map(c: &mut Call) -> Res<Value> {
    let (t, mapping) = (own(c, 0), c.arg(1));
    let out = c.str_format_map(&t, &mapping)?;
    Ok(c.string(out))
}

/// Encoding and error handler, arguments 1 and 2 of encode() and decode().
pub(super) fn codec(c: &mut Call) -> Res<(Encoding, String)> {
    let name = match c.opt(1) {
        None => "utf-8".into(),
        Some(_) => want(c, 1, &format!("{}() argument 'encoding'", c.row.name))?,
    };
    let errors = match c.opt(2) {
        None => "strict".into(),
        Some(_) => want(c, 2, &format!("{}() argument 'errors'", c.row.name))?,
    };
    let encoding = Encoding::named(&name);
    Ok((c.pure(encoding)?, errors))
}

/// A codec's error as an exception; the fields of a UnicodeError are attributes.
pub(in crate::stdlib) fn codec_error(c: &mut Thread, object: Value, e: bytes::CodecError) -> Raised {
    let e = match e {
        bytes::CodecError::Unicode(e) => e,
        other => return c.raise_pure(PureError::from(other)),
    };
    let t = match e.kind {
        crate::object::pure::ErrKind::UnicodeDecodeError => TypeId::UnicodeDecodeError,
        _ => TypeId::UnicodeEncodeError,
    };
    // What was read stays as it was read.
    let object = match c.bytes_like(&object) {
        Some(b) => c.bytes(b),
        None => object,
    };
    let (encoding, reason) = (c.str(e.encoding), c.str(e.reason));
    c.raise_with(t, vec![encoding, object, Value::Int(e.start as i64), Value::Int(e.end as i64), reason])
}

fn encode(c: &mut Call) -> Res<Value> {
    let (encoding, errors) = codec(c)?;
    let v = c.arg(0);
    match bytes::encode(text(&v).unwrap_or_default(), encoding, &errors) {
        Ok(b) => Ok(c.bytes(b)),
        Err(e) => Err(codec_error(c, v, e)),
    }
}

fn translate(c: &mut Call) -> Res<Value> {
    let (v, table) = (c.arg(0), c.arg(1));
    let whole = own(c, 0);
    let (mut grown, mut asked) = (0usize, whole.len());
    let out = pure::translate(&whole, |ch| -> Res<Mapped> {
        let found = c.get_item(&table, &Value::Int(ch as i64));
        let to = match c.catch(found, TypeId::LookupError)? {
            None => return Ok(Mapped::Same),
            Some(to) => to,
        };
        if to.is_none() {
            return Ok(Mapped::Drop);
        }
        if let Some(t) = text(&to) {
            grown += t.len();
            if grown > asked {
                asked = grown * 4;
                c.room(asked)?;
            }
            return Ok(Mapped::Text(t.to_string()));
        }
        let Some(i) = int_of(&to) else {
            return Err(c.type_error("character mapping must return integer, None or str"));
        };
        match i.to_i64().and_then(|i| u32::try_from(i).ok()).and_then(char::from_u32) {
            Some(ch) => Ok(Mapped::Char(ch)),
            None => Err(c.value_error("character mapping must be in range(0x110000)")),
        }
    })?;
    drop(v);
    give(c, Some(out))
}

/// A class method: argument 0 is the class.
fn maketrans(c: &mut Call) -> Res<Value> {
    let args: Vec<Value> = (1..c.count()).map_while(|i| c.opt(i)).collect();
    let out = c.dict();
    match &args[..] {
        [one] => {
            let Some(d) = one.as_ref().filter(|d| d.is::<crate::object::dict::Dict>()).cloned() else {
                return Err(c.type_error("if you give only one argument to maketrans it must be a dict"));
            };
            for (k, v) in c.dict_items(&d) {
                let key = match text(&k) {
                    None => k,
                    Some(t) => {
                        let mut chars = t.chars();
                        let (Some(ch), None) = (chars.next(), chars.next()) else {
                            return Err(c.value_error("string keys in translate table must be of length 1"));
                        };
                        Value::Int(ch as i64)
                    }
                };
                c.dict_set(&out, key, v)?;
            }
        }
        [x, y, rest @ ..] => {
            for (number, v) in [(2, Some(y)), (3, rest.first())] {
                if let Some(v) = v
                    && text(v).is_none()
                {
                    let got = super::shown_type(c, v);
                    return Err(c.type_error(format!("maketrans() argument {number} must be str, not {got}")));
                }
            }
            let (Some(p), Some(q)) = (text(x), text(y)) else {
                let message = "first maketrans argument must be a string if there is a second argument";
                return Err(c.type_error(message));
            };
            if super::str::chars(x) != super::str::chars(y) {
                return Err(c.value_error("the first two maketrans arguments must have equal length"));
            }
            for (a, b) in p.chars().zip(q.chars()) {
                c.dict_set(&out, Value::Int(a as i64), Value::Int(b as i64))?;
            }
            for z in rest {
                for ch in text(z).unwrap_or_default().chars() {
                    c.dict_set(&out, Value::Int(ch as i64), Value::None)?;
                }
            }
        }
        [] => {}
    }
    Ok(out.into())
}
