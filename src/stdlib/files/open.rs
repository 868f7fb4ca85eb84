//! Opening.

use super::disk::{disk, fault};
use super::file::{CHUNK, File, Io, Newline, Number, Opened, Text};
use super::{PATIENCE, object, path};
use crate::object::Value;
use crate::object::pure::bytes::Encoding;
use crate::stdlib::{net, os_error};
use crate::vm::{Call, Res};
use crate::world::disk::{self, Disk, Fault};
use crate::world::file::Out;
use crate::world::{WaitKind, fd, handle};
use std::io;
use std::sync::Arc;

const WRITES: u32 = 0o1;
const BOTH: u32 = 0o2;
const CREATES: u32 = 0o100;
const NEW: u32 = 0o200;
const EMPTIES: u32 = 0o1000;
const APPENDS: u32 = 0o2000;

/// A standard stream, by its number.
pub fn stream(number: u8, text: bool) -> File {
    let (name, mode, io) = match number {
        0 => ("<stdin>", "r", Io::Stdin),
        1 => ("<stdout>", "w", Io::Stdout),
        _ => ("<stderr>", "w", Io::Stderr),
    };
    let text = text.then(|| Text {
        encoding: Encoding::Utf8,
        shown: "utf-8".into(),
        errors: if number == 2 { "backslashreplace" } else { "strict" }.into(),
        newline: Newline::Lf,
        tail: Vec::new(),
        valid: 0,
    });
    File {
        name: Ok(name.into()),
        mode: mode.into(),
        io,
        readable: number == 0,
        writable: number > 0,
        buffering: CHUNK,
        line_buffered: number == 2,
        ahead: Vec::new(),
        at: 0,
        text,
        raw: false,
    }
}

/// A mode as `open` understands it.
#[derive(Clone, Copy)]
struct Mode {
    binary: bool,
    readable: bool,
    writable: bool,
    flags: u32,
}

fn parse_mode(c: &mut Call, mode: &str) -> Res<Mode> {
    let has = |ch: char| mode.contains(ch);
    let unknown = mode.chars().any(|ch| !"rwaxbt+".contains(ch));
    if unknown || mode.chars().any(|ch| mode.matches(ch).count() > 1) {
        return Err(c.value_error(format!("invalid mode: '{mode}'")));
    }
    if has('t') && has('b') {
        return Err(c.value_error("can't have text and binary mode at once"));
    }
    if mode.chars().filter(|ch| "rwax".contains(*ch)).count() != 1 {
        let text = if has('r') || has('w') || has('a') || has('x') {
            "must have exactly one of create/read/write/append mode"
        } else {
            "Must have exactly one of create/read/write/append mode and at most one plus"
        };
        return Err(c.value_error(text));
    }
    let (reads, plus) = (has('r'), has('+'));
    let access = if plus {
        BOTH
    } else if reads {
        0
    } else {
        WRITES
    };
    let making = match () {
        () if has('w') => CREATES | EMPTIES,
        () if has('a') => CREATES | APPENDS,
        () if has('x') => CREATES | NEW,
        () => 0,
    };
    Ok(Mode { binary: has('b'), readable: reads || plus, writable: !reads || plus, flags: access | making })
}

/// A text argument that may be None.
fn optional(c: &mut Call, i: usize, what: &str) -> Res<Option<String>> {
    match c.some(i) {
        None => Ok(None),
        Some(v) => {
            let got = c.type_name(&v);
            match crate::vm::make::text(&v) {
                Some(t) => Ok(Some(t.to_string())),
                None => Err(c.type_error(format!("open() argument '{what}' must be str or None, not {got}"))),
            }
        }
    }
}

/// How the bytes are text; `None` for a binary file.
fn as_text(c: &mut Call, mode: Mode) -> Res<Option<Text>> {
    let encoding = optional(c, 3, "encoding")?;
    let errors = optional(c, 4, "errors")?;
    let newline = optional(c, 5, "newline")?;
    if mode.binary {
        let given = [("encoding", encoding.is_some()), ("errors", errors.is_some()), ("newline", newline.is_some())];
        if let Some((name, _)) = given.into_iter().find(|(_, is)| *is) {
            let article = if name == "newline" { "a" } else { "an" };
            return Err(c.value_error(format!("binary mode doesn't take {article} {name} argument")));
        }
        return Ok(None);
    }
    let Some(newline) = Newline::named(newline.as_deref()) else {
        let shown = newline.unwrap_or_default();
        return Err(c.value_error(format!("illegal newline value: {shown}")));
    };
    let shown = encoding.filter(|e| e != "locale").unwrap_or_else(|| "UTF-8".into());
    let encoding = Encoding::named(&shown);
    let encoding = c.pure(encoding)?;
    let errors = errors.unwrap_or_else(|| "strict".into());
    Ok(Some(Text { encoding, shown, errors, newline, tail: Vec::new(), valid: 0 }))
}

/// Opens a path. What stands there may be a pipe that waits for its other end, so the lock is given up; the
/// main thread looks for Ctrl-C meanwhile.
fn open_path(c: &mut Call, name: &str, flags: u32) -> Res<disk::File> {
    let (at, disk) = (name.to_string(), disk(c));
    let opened = if matches!(disk, Disk::Host) && handle::is_pipe(name) {
        let opened = open_pipe(c, at, flags)?;
        opened.map(|fd| disk::File { fd: Arc::new(fd), here: None }).map_err(Fault::Os)
    } else {
        c.held.outside_for(WaitKind::File, move || disk.open(&at, flags, 0o666))
    };
    let file = opened.and_then(|f| if handle::is_folder(&f.fd) { Err(Fault::Folder) } else { Ok(f) });
    file.map_err(|e| fault(c, e, Some(name), None))
}

/// Opens a named pipe, which waits for its other end.
fn open_pipe(c: &mut Call, at: String, flags: u32) -> Res<io::Result<std::os::fd::OwnedFd>> {
    if c.held.simulated() {
        return Err(net::not_simulated(c, "a simulation has no named pipes"));
    }
    let opening = handle::Opening::begin(at, flags).map_err(|e| os_error::raise(c, &e, None))?;
    loop {
        let look = opening.clone();
        if let Some(opened) = c.held.outside_for(WaitKind::File, move || look.wait(PATIENCE)) {
            return Ok(opened);
        }
        c.safe_point()?;
    }
}

/// A path or a number, its descriptor, and the number under which scripts know it.
type Given = (Result<String, i64>, disk::File, Option<Number>);

/// The open file that a number stands for.
fn by_number(c: &mut Call, n: i64) -> Res<(disk::File, Number)> {
    if c.held.simulated() && n > 2 {
        let (file, all, end) = c.interp.pipes.with(&c.held, |p| (p.files.get(n), p.files.clone(), p.get(n)));
        if end.is_some() {
            return Err(net::not_simulated(c, "open: a simulation's pipes and sockets are read by os.read only"));
        }
        let file = file.ok_or_else(|| os_error::raise(c, &fd::bad_descriptor(), None))?;
        return Ok((file, Number::Simulated(n, all)));
    }
    let n = i32::try_from(n).map_err(|_| os_error::raise(c, &fd::bad_descriptor(), None))?;
    let fd = fd::find(n).map_err(|e| os_error::raise(c, &e, None))?;
    Ok((disk::File { fd, here: None }, Number::Host(n)))
}

fn given(c: &mut Call, file: &Value, flags: u32, closefd: bool) -> Res<Given> {
    let given = match file {
        Value::Int(n) => {
            let (file, number) = by_number(c, *n)?;
            (Err(*n), file, Some(number))
        }
        _ => {
            let name = path(c, file)?;
            if !closefd {
                return Err(c.value_error("Cannot use closefd=False with file name"));
            }
            if name.contains('\0') {
                return Err(c.value_error("embedded null byte"));
            }
            match c.some(7) {
                Some(opener) => {
                    let given = c.call(&opener, &[file.clone(), Value::Int((flags | 0o2000000).into())])?;
                    let n = c.index(&given)?;
                    let (file, number) = by_number(c, n)?;
                    (Ok(name), file, Some(number))
                }
                None => {
                    let file = open_path(c, &name, flags)?;
                    (Ok(name), file, None)
                }
            }
        }
    };
    Ok(given)
}

pub(super) fn open(c: &mut Call) -> Res<Value> {
    let file = c.arg(0);
    let shown = match c.opt(1) {
        None => "r".to_string(),
        Some(v) => c.expect_str(&v, "open() argument 'mode'")?.to_string(),
    };
    let mode = parse_mode(c, &shown)?;
    let buffering = match c.opt(2) {
        None => -1,
        Some(v) => c.index(&v)?,
    };
    let text = as_text(c, mode)?;
    if buffering == 0 && !mode.binary {
        return Err(c.value_error("can't have unbuffered text I/O"));
    }
    let closefd = match c.opt(6) {
        Some(v) => c.truth(&v)?,
        None => true,
    };
    let (name, file, number) = given(c, &file, mode.flags, closefd)?;
    let fd = file.fd.clone();
    let regular = handle::is_regular(&fd);
    if mode.flags & APPENDS != 0 {
        // Where writing goes on is where the file stands from the beginning.
        let _ = handle::seek(&*fd, 0, 2);
    }
    let line_buffered = text.is_some() && (buffering == 1 || buffering < 0 && !regular && handle::is_terminal(&fd));
    let size = usize::try_from(buffering).ok().filter(|n| *n != 1).unwrap_or(CHUNK);
    if text.is_some() && mode.readable && mode.writable && handle::seek(&*fd, 0, 1).is_err() {
        return Err(super::unsupported(c, "File or stream is not seekable."));
    }
    let out = mode.writable.then(|| Out::new(&file));
    let io = Io::Open(Opened { file, regular, owned: number.is_none() || closefd, number, out });
    let mode_shown = if mode.binary && buffering == 0 { raw_mode(&shown) } else { shown };
    let file = File {
        name,
        mode: mode_shown,
        io,
        readable: mode.readable,
        writable: mode.writable,
        buffering: size,
        line_buffered,
        ahead: Vec::new(),
        at: 0,
        text,
        raw: buffering == 0,
    };
    Ok(object(c, file))
}

/// As a file without a buffer shows its mode.
fn raw_mode(shown: &str) -> String {
    let plus = if shown.contains('+') { "+" } else { "" };
    let first = shown.chars().find(|ch| "rwax".contains(*ch)).unwrap_or('r');
    match first {
        'w' if plus == "+" => "rb+".into(),
        first => format!("{first}b{plus}"),
    }
}
