//! Files and the three standard streams.
//!
//! An open file is a descriptor with what was read ahead and what is to be written (`file.rs`). Text is
//! decoded as it is asked for: the read-ahead of UTF-8 and ASCII files holds the file's own bytes, checked,
//! so that `tell` is exact; that of the others holds text made of them.
//!
//! F1: what may wait does so with the interpreter lock given up: opening, a read of what is not in memory
//! yet, every write below, all of pipes, terminals and devices. A read of what is in memory keeps the lock.
//! F2: the parts of a file are read and written in the order in which threads asked, whoever is quicker
//! outside the lock: reads happen under it after a fetch without it, writes take turns (`world/file.rs`).
//! F3: bytes that a write leaves behind stay in the buffer: `flush` may be tried again, `close` gives up.
//! F4: the main thread looks for Ctrl-C every 100 ms while it waits.
//!
//! Source of the behaviour and the words: CPython's Lib/_pyio.py and Modules/_io. Not here: layers over files
//! that scripts define (`kit/_iolayers.kit`), files by number (`stdlib/descriptors.rs`), names (`stdlib/os.rs`),
//! where files are in a simulation (`world/overlay`).

pub mod disk;
mod file;
mod open;
mod read;
mod write;

use self::file::{File, Io, Number};
use self::read::{iter, next, peek, read, read1, readinto, readline, readlines};
use self::write::{close, detach, flush, is_seekable, seek, tell, truncate, write, writelines};
pub use self::write::{flush_file, write_text};
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, NativeRow, Raised, Res, Thread};
use crate::world::work::{Descriptor, ready};
use crate::world::{Nanos, WaitKind, out};
use rustix::event::PollFlags;

/// How long the main thread waits before it looks for Ctrl-C.
const PATIENCE: Nanos = 100_000_000;

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
            computes write("text, /") = write;
            /// Writes each item.
            computes writelines("lines, /") = writelines;
            /// Sends out what is buffered.
            computes flush("") = flush;
            /// Closes the file; closing twice is no error.
            computes close("") = close;
            /// Goes to a position: from the start (0), from here (1), from the end (2).
            computes seek("offset, whence=0, /") = seek;
            /// The position in bytes.
            computes tell("") = tell;
            /// Cuts the file off, here or at `size`, or makes it longer.
            computes truncate("size=None, /") = truncate;
            /// Not supported.
            holds detach("") = detach;
            /// Whether the file can be read.
            holds readable("") = readable;
            /// Whether the file can be written.
            holds writable("") = writable;
            /// Whether `seek` works.
            holds seekable("") = is_seekable;
            /// Whether it is a terminal.
            holds isatty("") = isatty;
            /// The system's number of the file.
            holds fileno("") = fileno;
            /// The file itself: the beginning of `with open(...) as f:`.
            holds __enter__("") = enter;
            /// Closes the file.
            computes __exit__("exc_type=None, exc=None, traceback=None, /") = exit;
            /// Name, mode, encoding.
            holds __repr__("") = repr;
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
            /// How what is no text is treated.
            holds errors("") = errors;
            /// The same stream for bytes.
            holds buffer("") = buffer;
            /// Whether each line goes out at once.
            holds line_buffering("") = line_buffering;
        }
    };
}
file_rows!(TEXT TEXT_GETTERS "TextIOWrapper");
file_rows!(READER READER_GETTERS "BufferedReader");
file_rows!(WRITER WRITER_GETTERS "BufferedWriter");
file_rows!(RANDOM RANDOM_GETTERS "BufferedRandom");
file_rows!(RAW RAW_GETTERS "FileIO");
/// Rows of binary files only.
macro_rules! binary_rows {
    ($table:ident $type:literal) => {
        natives! { pub $table, method $type;
            /// What there is already, or one read's worth.
            computes read1("size=-1, /") = read1;
            /// What is read ahead, without taking it.
            computes peek("size=0, /") = peek;
            /// Reads into a bytearray; returns how many bytes.
            computes readinto("buffer, /") = readinto;
        }
    };
}
binary_rows!(READER_MORE "BufferedReader");
binary_rows!(RANDOM_MORE "BufferedRandom");
binary_rows!(RAW_MORE "FileIO");

natives! { pub OPEN, "builtins";
    /// Opens a file: mode "r" reads, "w" writes anew, "a" adds, "x" makes, "+" both reads and writes; with
    /// "b" bytes, else text. FileNotFoundError and other OSErrors.
    computes open("file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None") = open::open;
}

/// All tables of methods; rows of one type follow each other.
pub fn tables() -> [&'static [NativeRow]; 9] {
    [TEXT, READER, READER_MORE, WRITER, RANDOM, RANDOM_MORE, RAW, RAW_MORE, OPEN]
}

pub fn getters() -> [&'static [NativeRow]; 5] {
    [TEXT_GETTERS, READER_GETTERS, WRITER_GETTERS, RANDOM_GETTERS, RAW_GETTERS]
}

/// An object of the class that fits.
fn object(th: &Thread, file: File) -> Value {
    let t = match (&file.text, file.raw, file.readable, file.writable) {
        (Some(_), ..) => TypeId::TextFile,
        (_, true, ..) => TypeId::RawFile,
        (_, _, true, true) => TypeId::RandomFile,
        (_, _, _, true) => TypeId::WriterFile,
        _ => TypeId::BinaryFile,
    };
    let state = Opaque { state: Box::new(file), attrs: Attrs::default() };
    Ref::new(&th.held, t.shape(), state).into()
}

/// `sys.stdin`, `sys.stdout`, `sys.stderr`.
pub fn standard(th: &mut Thread, number: u8) -> Value {
    object(th, open::stream(number, true))
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

/// Waits until a descriptor is ready, with the lock given up (F1, F4).
fn wait_for(th: &mut Thread, fd: &Descriptor, flag: PollFlags) -> Res<()> {
    let is = |length| ready(&[(fd.clone(), flag)], length).map_or(true, |r| r.contains(&true));
    if is(Some(0)) {
        return Ok(());
    }
    let main = th.held.is_main();
    loop {
        let (fd, length) = (fd.clone(), main.then_some(PATIENCE));
        let look = move || ready(&[(fd, flag)], length).map_or(true, |r| r.contains(&true));
        if th.held.outside_for(WaitKind::File, look) {
            return Ok(());
        }
        th.safe_point()?;
    }
}

/// What an operation on a closed file says: text files all the same, binary ones what it was.
fn closed_error(th: &mut Thread, is_text: bool, what: &str) -> Raised {
    th.value_error(if is_text { "I/O operation on closed file." } else { what })
}

fn enter(c: &mut Call) -> Res<Value> {
    if this(c, |f| matches!(f.io, Io::Closed))? {
        let is_text = this(c, |f| f.text.is_some())?;
        return Err(closed_error(c, is_text, "I/O operation on closed file."));
    }
    Ok(c.arg(0))
}

fn exit(c: &mut Call) -> Res<Value> {
    close(c)
}

/// What the layer below a text file says, too: without a full stop.
const CLOSED: &str = "I/O operation on closed file";

/// The file's answer, unless it is closed.
fn answer(c: &mut Call, f: impl FnOnce(&mut File) -> bool) -> Res<Value> {
    let (closed, is) = this(c, |file| (matches!(file.io, Io::Closed), f(file)))?;
    if closed {
        return Err(c.value_error(CLOSED));
    }
    Ok(Value::bool(is))
}

fn readable(c: &mut Call) -> Res<Value> {
    // A layer that only writes knows this without looking.
    if this(c, |f| f.text.is_some() && !f.readable)? {
        return Ok(Value::FALSE);
    }
    answer(c, |f| f.readable)
}

fn writable(c: &mut Call) -> Res<Value> {
    answer(c, |f| f.writable)
}

fn isatty(c: &mut Call) -> Res<Value> {
    answer(c, |f| match f.io {
        Io::Stdout => out::is_terminal(),
        Io::Stderr => out::error_is_terminal(),
        Io::Stdin => crate::world::host::input_is_terminal(),
        _ => f.is_terminal(),
    })
}

fn fileno(c: &mut Call) -> Res<Value> {
    // Decided before the file is looked at: the table is another guarded thing.
    let wants = this(c, |f| f.opened().filter(|o| o.number.is_none()).map(|o| o.file.clone()))?;
    let given = wants.map(|file| number_of(c, file));
    match this(c, |f| f.number(given))? {
        Some(n) => Ok(Value::Int(n)),
        None => Err(c.value_error(CLOSED)),
    }
}

/// A number for an open file, by which this process knows it from now on.
fn number_of(th: &Thread, file: crate::world::disk::File) -> Number {
    if !th.held.simulated() {
        return Number::Host(crate::world::fd::adopt(file.fd));
    }
    th.interp.pipes.with(&th.held, |p| Number::Simulated(p.enter_file(file), p.files.clone()))
}

fn name(c: &mut Call) -> Res<Value> {
    match this(c, |f| f.name.clone())? {
        Ok(name) => Ok(c.string(name)),
        Err(number) => Ok(Value::Int(number)),
    }
}

fn mode(c: &mut Call) -> Res<Value> {
    let mode = this(c, |f| f.mode.clone())?;
    Ok(c.string(mode))
}

fn closed(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(matches!(f.io, Io::Closed)))
}

fn line_buffering(c: &mut Call) -> Res<Value> {
    this(c, |f| Value::bool(f.line_buffered))
}

fn text_only(c: &mut Call, f: impl FnOnce(&file::Text) -> String) -> Res<Value> {
    match this(c, |file| file.text.as_ref().map(f))? {
        Some(t) => Ok(c.string(t)),
        None => {
            let (v, name) = (c.arg(0), c.row.name);
            let got = c.type_name(&v);
            Err(c.raise(TypeId::AttributeError, format!("'_io.{got}' object has no attribute '{name}'")))
        }
    }
}

fn encoding(c: &mut Call) -> Res<Value> {
    text_only(c, |t| t.shown.clone())
}

fn errors(c: &mut Call) -> Res<Value> {
    text_only(c, |t| t.errors.clone())
}

fn repr(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let (t, name, mode, encoding) = {
        let t = c.type_name(&v);
        let (name, mode) = this(c, |f| (f.name.clone(), f.mode.clone()))?;
        (t, name, mode, this(c, |f| f.text.as_ref().map(|t| t.shown.clone()))?)
    };
    let name = match name {
        Ok(name) => {
            let v = c.string(name);
            c.repr(&v)?
        }
        Err(number) => number.to_string(),
    };
    Ok(match encoding {
        Some(encoding) => c.string(format!("<{t} name={name} mode='{mode}' encoding='{encoding}'>")),
        None if t == "_io.FileIO" => c.string(format!("<_io.FileIO name={name} mode='{mode}' closefd=True>")),
        None => c.string(format!("<{t} name={name}>")),
    })
}

fn buffer(c: &mut Call) -> Res<Value> {
    let number = this(c, |f| match f.io {
        Io::Stdin => Some(0),
        Io::Stdout => Some(1),
        Io::Stderr => Some(2),
        _ => None,
    })?;
    match number {
        Some(n) => Ok(object(c, open::stream(n, false))),
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
