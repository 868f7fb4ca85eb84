//! `print`, `input`, and texts of values.

use crate::natives;
use crate::object::pure::int::IntVal;
use crate::object::{Name, TypeId, Value};
use crate::stdlib::{files, get_in, os_error};
use crate::vm::make::text;
use crate::vm::{Call, Res, Thread};
use crate::world::{host, out};

natives! { pub PRINT, "builtins";
    /// Writes the values, separated by `sep` (a space) and followed by `end` (a line end), to `file`
    /// (standard output) as one piece. With `flush=True` it goes out at once.
    holds print("*args, sep=None, end=None, file=None, flush=False") = print;
    /// Writes `prompt`, then reads a line of standard input and returns it without its line end; gives up
    /// the interpreter lock meanwhile. EOFError at the end of the input.
    computes input("prompt=None, /") = input;
}

natives! { pub TEXT, "builtins";
    /// The text that shows a value as a program would write it.
    holds repr("obj, /") = repr;
    /// As `repr`, with everything but ASCII escaped.
    holds ascii("obj, /") = ascii;
    /// The value as text in the format `spec`, as in an f-string after the colon.
    holds format("value, spec='', /") = format;
    /// The character of a code point. ValueError outside 0 to 0x10ffff.
    holds chr("i, /") = chr;
    /// The code point of a character. TypeError unless it is one character.
    holds ord("c, /") = ord;
}

/// A text option that may be None.
fn option(c: &mut Call, i: usize, name: &str, default: &str) -> Res<String> {
    match c.some(i) {
        None => Ok(default.into()),
        Some(v) => match text(&v) {
            Some(t) => Ok(t.into()),
            None => {
                let got = c.type_name(&v);
                Err(c.type_error(format!("{name} must be None or a string, not {got}")))
            }
        },
    }
}

/// `sys.stdout` if a script has imported `sys`; else the stream itself.
fn stdout(th: &Thread) -> Option<Value> {
    get_in(th, "sys", "stdout")
}

fn print(c: &mut Call) -> Res<Value> {
    let sep = option(c, 0, "sep", " ")?;
    let end = option(c, 1, "end", "\n")?;
    let file = c.some(2).or_else(|| stdout(c));
    if matches!(file, Some(Value::None)) {
        return Ok(Value::None);
    }
    let flush = match c.opt(3) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    let mut pieces = vec![];
    for (i, v) in c.rest().iter().enumerate() {
        if i > 0 {
            pieces.push(sep.clone());
        }
        let piece = c.str_text(v)?;
        pieces.push(piece);
    }
    pieces.push(end);
    write(c, file.as_ref(), pieces)?;
    if flush {
        self::flush(c, file.as_ref())?;
    }
    Ok(Value::None)
}

/// One write to our own files; to a file that a script defines, piece by piece as CPython does.
fn write(th: &mut Thread, file: Option<&Value>, pieces: Vec<String>) -> Res<()> {
    let Some(file) = file else {
        return out::write(pieces.concat().as_bytes()).map_err(|e| os_error::raise(th, &e, None));
    };
    if let Some(done) = files::write_text(th, file, &pieces.concat()) {
        return done;
    }
    for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
        let piece = th.string(piece);
        th.call_method(file, Name::of("write"), &[piece])?;
    }
    Ok(())
}

fn flush(th: &mut Thread, file: Option<&Value>) -> Res<()> {
    let Some(file) = file else {
        return out::flush().map_err(|e| os_error::raise(th, &e, None));
    };
    if let Some(done) = files::flush_file(th, file) {
        return done;
    }
    th.call_method(file, Name::of("flush"), &[])?;
    Ok(())
}

fn input(c: &mut Call) -> Res<Value> {
    let prompt = match c.some(0) {
        Some(v) => c.str_text(&v)?,
        None => String::new(),
    };
    let stdout = stdout(c);
    write(c, stdout.as_ref(), vec![prompt])?;
    flush(c, stdout.as_ref())?;
    let line = c.held.outside(host::read_stdin_line);
    match line {
        Err(e) => Err(os_error::raise(c, &e, None)),
        Ok(line) if line.is_empty() => Err(c.raise(TypeId::EOFError, "EOF when reading a line")),
        Ok(line) => {
            let line = line.strip_suffix('\n').unwrap_or(&line).to_string();
            Ok(c.string(line))
        }
    }
}

fn repr(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let s = c.repr(&v)?;
    Ok(c.string(s))
}

fn ascii(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let s = c.ascii(&v)?;
    Ok(c.string(s))
}

fn format(c: &mut Call) -> Res<Value> {
    let spec = match c.opt(1) {
        None => String::new(),
        Some(v) => c.expect_str(&v, "format() argument 2")?.to_string(),
    };
    let v = c.arg(0);
    let s = c.format(&v, &spec)?;
    Ok(c.string(s))
}

fn chr(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let i = match c.index_int(&v)? {
        IntVal::Small(i) if i32::try_from(i).is_ok() => i,
        _ => return Err(c.raise(TypeId::OverflowError, "Python int too large to convert to C int")),
    };
    match u32::try_from(i).ok().filter(|i| *i <= 0x10ffff) {
        None => Err(c.value_error("chr() arg not in range(0x110000)")),
        Some(i) => match char::from_u32(i) {
            Some(ch) => Ok(c.string(ch.into())),
            None => Err(c.value_error(format!("Kit's strings hold no surrogates: chr({i:#x})"))),
        },
    }
}

fn ord(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    if let Some(t) = text(&v) {
        let mut chars = t.chars();
        if let (Some(ch), None) = (chars.next(), chars.next()) {
            return Ok(Value::Int(ch as i64));
        }
        let n = t.chars().count();
        return Err(c.type_error(format!("ord() expected a character, but string of length {n} found")));
    }
    if let Some(b) = v.as_ref().and_then(|r| r.get::<crate::object::types::Bytes>()) {
        if let [b] = *b.0 {
            return Ok(Value::Int(b.into()));
        }
        let n = b.0.len();
        return Err(c.type_error(format!("ord() expected a character, but string of length {n} found")));
    }
    let got = c.type_name(&v);
    Err(c.type_error(format!("ord() expected string of length 1, but {got} found")))
}
