//! Files and the three standard streams.
//!
//! A file to read is read whole when it is opened; a file to write is buffered by the world. So a file
//! object never holds the interpreter lock during a slow read of a part. Text is UTF-8; line ends are
//! translated as CPython's default does. Reading standard input gives up the interpreter lock.

mod read;

use self::read::{iter, next, read, readline, readlines, seek, tell, truncate};
use super::os_error;
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::{Attrs, ByteArray, Bytes};
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Raised, Res, Thread};
use crate::world::file::{Mode, Writer};
use crate::world::{host, out};
use std::io;
use std::path::Path;

/// Rows that text and binary files share.
macro_rules! file_rows {
    ($table:ident $getters:ident $type:literal) => {
        natives! { pub $table, method $type;
            /// The rest of the file, or at most `size` characters (bytes of a binary file) of it.
            computes read("size=-1, /") = read;
            /// The next line with its line end, empty at the end of the file; at most `size` of it.
            computes readline("size=-1, /") = readline;
            /// All lines from here on, as a list.
            computes readlines("hint=-1, /") = readlines;
            /// Writes a str (bytes to a binary file); returns its length.
            holds write("text, /") = write;
            /// Writes each item.
            holds writelines("lines, /") = writelines;
            /// Sends out what is buffered.
            holds flush("") = flush;
            /// Closes the file; closing twice is no error.
            holds close("") = close;
            /// Goes to a position: 0 is the start.
            holds seek("offset, whence=0, /") = seek;
            /// The position in bytes.
            holds tell("") = tell;
            /// Whether the file can be read.
            holds readable("") = readable;
            /// Whether the file can be written.
            holds writable("") = writable;
            /// Whether `seek` works.
            holds seekable("") = seekable;
            /// Cuts the file off at `size`, or here; gives the new size.
            holds truncate("size=None, /") = truncate;
            /// Whether it is a terminal.
            holds isatty("") = isatty;
            /// The number of a standard stream; OSError for other files.
            holds fileno("") = fileno;
            /// The file itself: the beginning of `with open(...) as f:`.
            holds __enter__("") = enter;
            /// Closes the file.
            holds __exit__("exc_type=None, exc=None, traceback=None, /") = exit;
            /// Iterates over the lines.
            holds __iter__("") = iter;
            /// The next line.
            computes __next__("") = next;
        }
        natives! { pub $getters, method $type;
            /// The name it was opened by.
            holds name("") = name;
            /// The mode it was opened in.
            holds mode("") = mode;
            /// Whether it has been closed.
            holds closed("") = closed;
            /// The encoding of a text file.
            holds encoding("") = encoding;
            /// The same stream for bytes.
            holds buffer("") = buffer;
        }
    };
}
file_rows!(TEXT TEXT_GETTERS "TextIOWrapper");
file_rows!(BINARY BINARY_GETTERS "BufferedReader");

natives! { pub OPEN, "builtins";
    /// Opens a file: mode "r" reads, "w" writes anew, "a" adds, "x" makes; with "b" bytes, else UTF-8
    /// text; with "+" reads and writes. FileNotFoundError and other OSErrors.
    holds open("file, mode='r', buffering=-1, encoding=None, errors=None, newline=None") = open;
}

enum Io {
    Closed,
    Stdin,
    Stdout,
    Stderr,
    /// `raw` until the bytes have been checked and line ends translated.
    Read {
        data: Vec<u8>,
        at: usize,
        raw: bool,
        /// Where writes go to, too, if the file was opened with "+".
        update: Option<Update>,
    },
    Write(Writer),
}

/// A file that is read and written.
struct Update {
    writer: Writer,
    /// Writes are added at the end wherever the place is.
    append: bool,
}

struct File {
    name: String,
    mode: String,
    text: bool,
    translate: bool,
    io: Io,
}

fn object(th: &Thread, file: File) -> Value {
    let t = if file.text { TypeId::TextFile } else { TypeId::BinaryFile };
    let state = Opaque { state: Box::new(file), attrs: Attrs::default() };
    Ref::new(&th.held, t.shape(), state).into()
}

/// A standard stream, by its number.
fn stream(number: u8, text: bool) -> File {
    let (name, mode, io) = match number {
        0 => ("<stdin>", "r", Io::Stdin),
        1 => ("<stdout>", "w", Io::Stdout),
        _ => ("<stderr>", "w", Io::Stderr),
    };
    File { name: name.into(), mode: mode.into(), text, translate: false, io }
}

/// `sys.stdin`, `sys.stdout`, `sys.stderr`.
pub fn standard(th: &mut Thread, number: u8) -> Value {
    object(th, stream(number, true))
}

/// Opens a file value; `None` when it is not one of ours.
fn look<R>(th: &Thread, v: &Value, f: impl FnOnce(&mut File) -> R) -> Option<R> {
    v.as_ref()?.try_with::<Opaque, _>(&th.held, |o| o.state.downcast_mut::<File>().map(f))?
}

fn this<R>(c: &mut Call, f: impl FnOnce(&mut File) -> R) -> Res<R> {
    let v = c.arg(0);
    match look(c, &v, f) {
        Some(r) => Ok(r),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a file is needed, not '{got}'")))
        }
    }
}

/// What became of a write.
enum Wrote {
    Done(io::Result<()>),
    Closed { text: bool },
    ReadOnly,
}

fn write_bytes(f: &mut File, bytes: &[u8]) -> Wrote {
    if let Some(done) = update(f, bytes) {
        return Wrote::Done(done);
    }
    match &f.io {
        Io::Closed => Wrote::Closed { text: f.text },
        Io::Stdout => Wrote::Done(out::write(bytes)),
        Io::Stderr => {
            out::error(bytes);
            Wrote::Done(Ok(()))
        }
        Io::Write(w) => Wrote::Done(w.write(bytes)),
        Io::Read { update: None, .. } | Io::Stdin => Wrote::ReadOnly,
        Io::Read { .. } => Wrote::Done(Ok(())),
    }
}

/// Writes into a file opened with "+": what is read later is what was written.
fn update(f: &mut File, bytes: &[u8]) -> Option<io::Result<()>> {
    let Io::Read { data, at, update: Some(u), .. } = &mut f.io else { return None };
    if u.append {
        *at = data.len();
    }
    let (from, end) = (*at, *at + bytes.len());
    if data.len() < end {
        data.resize(end, 0);
    }
    data[from..end].copy_from_slice(bytes);
    *at = end;
    Some(u.writer.write_at(from as u64, bytes))
}

fn wrote(th: &mut Thread, w: Wrote) -> Res<()> {
    match w {
        Wrote::Done(Ok(())) => Ok(()),
        Wrote::Done(Err(e)) => Err(os_error::raise(th, &e, None)),
        Wrote::Closed { text: true } => Err(th.value_error("I/O operation on closed file.")),
        Wrote::Closed { text: false } => Err(th.value_error("write to closed file")),
        Wrote::ReadOnly => Err(unsupported(th, "not writable")),
    }
}

/// Writes text as one piece to a file of ours; `None` when it is another object.
pub fn write_text(th: &mut Thread, file: &Value, text: &str) -> Option<Res<()>> {
    let w = look(th, file, |f| f.text.then(|| write_bytes(f, text.as_bytes())))??;
    Some(wrote(th, w))
}

fn write(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let is_text = this(c, |f| f.text)?;
    let (bytes, length): (Vec<u8>, usize) = match (&v, is_text) {
        (Value::Obj(r), false) if r.is::<Bytes>() => {
            let b = r.frozen::<Bytes>().0.to_vec();
            let n = b.len();
            (b, n)
        }
        (Value::Obj(r), false) if r.is::<ByteArray>() => {
            let b = r.with::<ByteArray, _>(&c.held, |b| b.0.clone());
            let n = b.len();
            (b, n)
        }
        (_, true) if text(&v).is_some() => {
            let t = text(&v).unwrap_or_default();
            (t.as_bytes().to_vec(), t.chars().count())
        }
        (_, is_text) => {
            let got = c.type_name(&v);
            return Err(c.type_error(match is_text {
                true => format!("write() argument must be str, not {got}"),
                false => format!("a bytes-like object is required, not '{got}'"),
            }));
        }
    };
    let w = this(c, |f| write_bytes(f, &bytes))?;
    wrote(c, w)?;
    Ok(Value::Int(length as i64))
}

fn writelines(c: &mut Call) -> Res<Value> {
    let (file, lines) = (c.arg(0), c.arg(1));
    let it = c.iter(&lines)?;
    while let Some(line) = c.next(&it)? {
        c.call_method(&file, Name::of("write"), &[line])?;
    }
    Ok(Value::None)
}

/// Flushes a file of ours; `None` when it is another object.
pub fn flush_file(th: &mut Thread, file: &Value) -> Option<Res<()>> {
    let r = look(th, file, |f| match &f.io {
        Io::Stdout => Wrote::Done(out::flush()),
        Io::Write(w) => Wrote::Done(w.flush()),
        Io::Closed => Wrote::Closed { text: f.text },
        _ => Wrote::Done(Ok(())),
    })?;
    Some(wrote(th, r))
}

fn flush(c: &mut Call) -> Res<Value> {
    this(c, |_| ())?;
    let file = c.arg(0);
    flush_file(c, &file).unwrap_or(Ok(()))?;
    Ok(Value::None)
}

fn close(c: &mut Call) -> Res<Value> {
    let was = this(c, |f| std::mem::replace(&mut f.io, Io::Closed))?;
    let result = match &was {
        Io::Write(w) => w.flush(),
        Io::Stdout => out::flush(),
        _ => Ok(()),
    };
    wrote(c, Wrote::Done(result))?;
    Ok(Value::None)
}

fn enter(c: &mut Call) -> Res<Value> {
    if this(c, |f| matches!(f.io, Io::Closed))? {
        return Err(c.value_error("I/O operation on closed file."));
    }
    Ok(c.arg(0))
}

fn exit(c: &mut Call) -> Res<Value> {
    close(c)
}

fn readable(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(matches!(f.io, Io::Read { .. } | Io::Stdin)))
}

fn writable(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(matches!(f.io, Io::Write(_) | Io::Read { update: Some(_), .. } | Io::Stdout | Io::Stderr)))
}

fn seekable(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(matches!(f.io, Io::Read { .. } | Io::Write(_))))
}

fn isatty(c: &mut Call) -> Res<Value> {
    this(c, |f| {
        Value::bool(match f.io {
            Io::Stdout => out::is_terminal(),
            Io::Stderr => out::error_is_terminal(),
            _ => false,
        })
    })
}

fn fileno(c: &mut Call) -> Res<Value> {
    let n = this(c, |f| match f.io {
        Io::Stdin => Some(0),
        Io::Stdout => Some(1),
        Io::Stderr => Some(2),
        _ => None,
    })?;
    match n {
        Some(n) => Ok(Value::Int(n)),
        None => Err(c.raise(TypeId::OSError, "Kit files have no number")),
    }
}

fn name(c: &mut Call) -> Res<Value> {
    let name = this(c, |f| f.name.clone())?;
    Ok(c.string(name))
}

fn mode(c: &mut Call) -> Res<Value> {
    let mode = this(c, |f| f.mode.clone())?;
    Ok(c.string(mode))
}

fn closed(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(matches!(f.io, Io::Closed)))
}

fn encoding(c: &mut Call) -> Res<Value> {
    match this(c, |f| f.text)? {
        true => Ok(c.str("utf-8")),
        false => Ok(Value::None),
    }
}

fn buffer(c: &mut Call) -> Res<Value> {
    let number = this(c, |f| match f.io {
        Io::Stdin => Some(0),
        Io::Stdout => Some(1),
        Io::Stderr => Some(2),
        _ => None,
    })?;
    match number {
        Some(n) => Ok(object(c, stream(n, false))),
        None => Err(c.raise(TypeId::AttributeError, "only a standard stream has a buffer: open the file with 'b'")),
    }
}

/// `io.UnsupportedOperation`, which is made when somebody needs it.
fn unsupported(th: &mut Thread, text: &str) -> Raised {
    let made = th.import("io", true).and_then(|io| {
        let class = th.get_attr(&io, Name::of("UnsupportedOperation"))?;
        let text = th.str(text);
        th.call(&class, &[text])
    });
    match made {
        Ok(e) => th.raise_value(e),
        Err(raised) => raised,
    }
}

/// A mode as `open` understands it.
struct Parsed {
    binary: bool,
    write: Option<Mode>,
    update: bool,
}

fn parse_mode(c: &mut Call, mode: &str) -> Res<Parsed> {
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
    let write = match () {
        () if has('w') => Some(Mode::Truncate),
        () if has('a') => Some(Mode::Append),
        () if has('x') => Some(Mode::New),
        () => None,
    };
    Ok(Parsed { binary: has('b'), write, update: has('+') })
}

/// A path: str, or an object with `__fspath__`.
pub fn path(c: &mut Call, v: &Value) -> Res<String> {
    if let Some(t) = text(v) {
        return Ok(t.to_string());
    }
    if let Some(p) = c.special(v, Name::of("__fspath__"), &[])?
        && let Some(t) = text(&p)
    {
        return Ok(t.to_string());
    }
    let got = c.type_name(v);
    Err(c.type_error(format!("expected str, bytes or os.PathLike object, not {got}")))
}

fn open(c: &mut Call) -> Res<Value> {
    let file = c.arg(0);
    if matches!(file, Value::Int(_) | Value::Bool(_)) {
        return Err(c.type_error("Kit opens files by name, not by number"));
    }
    let name = path(c, &file)?;
    let mode = match c.opt(1) {
        None => "r".to_string(),
        Some(v) => c.expect_str(&v, "open() argument 'mode'")?.to_string(),
    };
    let parsed = parse_mode(c, &mode)?;
    if let Some(v) = c.some(3) {
        if parsed.binary {
            return Err(c.value_error("binary mode doesn't take an encoding argument"));
        }
        let encoding = c.expect_str(&v, "open() argument 'encoding'")?.to_lowercase().replace('_', "-");
        if !matches!(&*encoding, "utf-8" | "utf8" | "ascii" | "us-ascii") {
            return Err(c.raise(TypeId::LookupError, format!("Kit reads and writes UTF-8 text only, not {encoding}")));
        }
    }
    let translate = c.some(5).is_none();
    let at = Path::new(&name);
    let io = match parsed.write {
        mode if parsed.update => Writer::update(at, mode).map(|(writer, data)| {
            let append = mode == Some(Mode::Append);
            let at = if append { data.len() } else { 0 };
            Io::Read { data, at, raw: true, update: Some(Update { writer, append }) }
        }),
        None => host::read_file(at).map(|data| Io::Read { data, at: 0, raw: true, update: None }),
        Some(mode) => Writer::open(at, mode).map(Io::Write),
    };
    match io {
        Ok(io) => Ok(object(c, File { name, mode, text: !parsed.binary, translate, io })),
        Err(e) => Err(os_error::raise(c, &e, Some(&name))),
    }
}
