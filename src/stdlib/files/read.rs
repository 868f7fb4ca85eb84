//! Reading.

use super::file::{CHUNK, File, Io, Newline};
use super::{closed_error, this, unsupported, wait_for};
use crate::object::iter::Iter;
use crate::object::types::ByteArray;
use crate::object::{Name, TypeId, Value};
use crate::stdlib::{os_error, types};
use crate::vm::{Call, Res};
use crate::world::work::READABLE;
use crate::world::{WaitKind, handle, host};

/// The most that a read of everything asks for at once.
const MOST_AT_ONCE: usize = 1 << 20;

/// How much a read takes.
#[derive(Clone, Copy)]
enum Piece {
    All,
    /// Characters of text, else bytes.
    Some(usize),
    /// What one read below gives, at most so much.
    Once(usize),
    /// To the line's end, or the number.
    Line(usize),
}

/// Makes sure that the file can be read, and that what was written to it went out before.
fn ready(c: &mut Call, what: &str) -> Res<()> {
    let (closed, readable, text, pending) = this(c, |f| {
        let pending = f.opened().and_then(|o| o.out.as_ref()).is_some_and(|o| o.pending() > 0);
        (matches!(f.io, Io::Closed), f.readable, f.text.is_some(), pending)
    })?;
    if closed && (readable || text) {
        return Err(closed_error(c, text, what));
    }
    if !readable {
        return Err(unsupported(c, if text { "not readable" } else { "read" }));
    }
    if pending { super::write::drain(c) } else { Ok(()) }
}

/// Reads on below; nothing at the end of the file. `n`: at most so much.
fn fetch(c: &mut Call, n: usize) -> Res<Vec<u8>> {
    loop {
        let Some((fd, regular)) = this(c, |f| f.opened().map(|o| (o.file.fd.clone(), o.regular)))? else {
            return Ok(Vec::new());
        };
        // A simulation's files are in memory; whether the host's are must not be seen.
        if regular && !c.held.simulated() {
            if let Some(bytes) = handle::read_now(&fd, n) {
                return Ok(bytes);
            }
            // Brought into memory without the lock; the read itself does not wait then, and two threads
            // that read one file get its parts in order.
            let ahead = fd.clone();
            c.held.outside_for(WaitKind::File, move || handle::fetch(&ahead, n));
        } else if !regular {
            wait_for(c, &fd, READABLE)?;
        }
        match handle::read(&fd, n) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            other => return other.map_err(|e| os_error::raise(c, &e, None)),
        }
    }
}

/// Reads on; false at the end of the file.
fn fill(c: &mut Call, n: usize) -> Res<bool> {
    let bytes = fetch(c, n)?;
    let over = bytes.is_empty();
    feed(c, bytes, over)?;
    Ok(!over)
}

/// Adds what was read; what is no text is an error.
fn feed(c: &mut Call, bytes: Vec<u8>, over: bool) -> Res<()> {
    match this(c, |f| f.feed(bytes, over))? {
        Ok(()) => Ok(()),
        Err((bytes, e)) => {
            let object = c.bytes(bytes);
            Err(types::codec_error(c, object, e))
        }
    }
}

/// Reads all there is; text is checked when it is complete.
fn fill_all(c: &mut Call) -> Res<()> {
    let (mut all, mut n) = (Vec::new(), CHUNK);
    loop {
        let more = fetch(c, n)?;
        if more.is_empty() {
            return feed(c, all, true);
        }
        all.extend(more);
        n = (2 * n).min(MOST_AT_ONCE);
    }
}

/// The length of the line at the beginning of `b`; `None`: more is needed to say.
fn line_end(b: &[u8], newline: Option<Newline>, over: bool) -> Option<usize> {
    let lf = |b: &[u8]| b.iter().position(|x| *x == b'\n').map(|i| i + 1);
    match newline {
        None | Some(Newline::Lf) => lf(b),
        Some(Newline::Cr) => b.iter().position(|x| *x == b'\r').map(|i| i + 1),
        Some(Newline::CrLf) => b.windows(2).position(|w| w == b"\r\n").map(|i| i + 2),
        Some(Newline::Translate | Newline::Any) => {
            let at = b.iter().position(|x| matches!(x, b'\n' | b'\r'))?;
            match (b[at], b.get(at + 1)) {
                (b'\n', _) => Some(at + 1),
                (_, Some(b'\n')) => Some(at + 2),
                (_, Some(_)) => Some(at + 1),
                (_, None) => over.then_some(at + 1),
            }
        }
    }
}

/// The bytes that `n` characters (or bytes) take; `None`: there are not so many yet.
fn extent(b: &[u8], n: usize, newline: Option<Newline>, over: bool) -> Option<usize> {
    let Some(newline) = newline else { return (b.len() >= n).then_some(n) };
    let (mut left, mut i) = (n, 0);
    while left > 0 {
        let first = *b.get(i)?;
        i += match first {
            b'\r' if newline == Newline::Translate => match b.get(i + 1) {
                Some(b'\n') => 2,
                None if !over => return None,
                _ => 1,
            },
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        left -= 1;
    }
    (i <= b.len()).then_some(i)
}

/// How many bytes of the read-ahead `piece` takes; `None`: more is needed.
fn enough(f: &File, piece: Piece, over: bool) -> Option<usize> {
    let b = match &f.text {
        Some(t) => &f.ahead[f.at.min(t.valid)..t.valid.min(f.ahead.len())],
        None => f.rest(),
    };
    let newline = f.text.as_ref().map(|t| t.newline);
    let most = |n| extent(b, n, newline, over);
    match piece {
        Piece::All => None,
        Piece::Some(n) => most(n),
        Piece::Once(n) => (!b.is_empty()).then(|| most(n).unwrap_or(b.len())),
        Piece::Line(n) => match (line_end(b, newline, over), n) {
            (Some(line), usize::MAX) => Some(line),
            (Some(line), n) => Some(extent(&b[..line], n, newline, true).unwrap_or(line)),
            (None, usize::MAX) => None,
            (None, n) => most(n),
        },
    }
}

/// Takes a piece off the file: text or bytes, empty at its end.
fn take(c: &mut Call, piece: Piece, what: &str) -> Res<Value> {
    ready(c, what)?;
    if this(c, |f| matches!(f.io, Io::Stdin))? {
        return from_stdin(c, piece);
    }
    let (unbuffered, whole) = this(c, |f| (f.raw, f.text.as_ref().is_some_and(|t| t.whole())))?;
    let mut over = false;
    let n = loop {
        if let Some(n) = this(c, |f| enough(f, piece, over))? {
            break n;
        }
        if over {
            break this(c, |f| f.rest().len())?;
        }
        let more = match piece {
            Piece::All => {
                fill_all(c)?;
                false
            }
            _ if whole => {
                fill_all(c)?;
                false
            }
            // What was asked for in large pieces is read in large pieces.
            Piece::Some(n) if unbuffered => {
                fill(c, n)?;
                false
            }
            Piece::Some(n) if n > CHUNK => {
                let have = this(c, |f| f.rest().len())?;
                fill(c, (n - have.min(n)).max(CHUNK))?
            }
            Piece::Once(n) => {
                fill(c, n.clamp(1, CHUNK))?;
                false
            }
            _ => fill(c, CHUNK)?,
        };
        over = !more;
    };
    let (data, newline) = this(c, |f| {
        let data = f.rest()[..n].to_vec();
        f.at += n;
        (data, f.text.as_ref().map(|t| t.newline))
    })?;
    let Some(newline) = newline else { return Ok(c.bytes(data)) };
    let data = if newline == Newline::Translate && data.contains(&b'\r') { translated(&data) } else { data };
    match String::from_utf8(data) {
        Ok(s) => Ok(c.string(s)),
        Err(e) => Err(c.value_error(e.to_string())),
    }
}

fn from_stdin(c: &mut Call, piece: Piece) -> Res<Value> {
    let read = match piece {
        Piece::Line(_) => c.held.outside(|| host::read_stdin_line().map(String::into_bytes)),
        Piece::All => c.held.outside(host::read_stdin),
        Piece::Some(n) | Piece::Once(n) => c.held.outside(move || host::read_stdin_some(n)),
    };
    let data = read.map_err(|e| os_error::raise(c, &e, None))?;
    if this(c, |f| f.text.is_none())? {
        return Ok(c.bytes(data));
    }
    match String::from_utf8(data) {
        Ok(s) => Ok(c.string(s)),
        Err(e) => Err(c.value_error(e.to_string())),
    }
}

/// `\r\n` and `\r` become `\n`.
fn translated(data: &[u8]) -> Vec<u8> {
    let mut new = Vec::with_capacity(data.len());
    let mut it = data.iter().copied().peekable();
    while let Some(b) = it.next() {
        if b == b'\r' {
            it.next_if_eq(&b'\n');
            new.push(b'\n');
        } else {
            new.push(b);
        }
    }
    new
}

/// The optional size argument; negative or None is "all".
fn size(c: &mut Call) -> Res<Option<usize>> {
    match c.some(1) {
        None => Ok(None),
        Some(v) => Ok(usize::try_from(c.index(&v)?).ok()),
    }
}

pub(super) fn read(c: &mut Call) -> Res<Value> {
    let piece = size(c)?.map_or(Piece::All, Piece::Some);
    take(c, piece, "read of closed file")
}

pub(super) fn read1(c: &mut Call) -> Res<Value> {
    let piece = Piece::Once(size(c)?.unwrap_or(CHUNK));
    take(c, piece, "read of closed file")
}

pub(super) fn peek(c: &mut Call) -> Res<Value> {
    let got = take(c, Piece::Once(CHUNK), "peek of closed file")?;
    let n = c.bytes_like(&got).map_or(0, |b| b.len());
    this(c, |f| f.at -= n)?;
    Ok(got)
}

pub(super) fn readinto(c: &mut Call) -> Res<Value> {
    let into = c.arg(1);
    let room = match into.as_ref().filter(|r| r.is::<ByteArray>()) {
        Some(r) => r.with::<ByteArray, _>(&c.held, |b| b.0.len()),
        None => {
            let got = c.type_name(&into);
            let text = format!("readinto() argument must be read-write bytes-like object, not {got}");
            return Err(c.type_error(text));
        }
    };
    let got = take(c, Piece::Some(room), "read of closed file")?;
    // None: nothing is there yet and it does not wait.
    let Some(bytes) = c.bytes_like(&got) else { return Ok(got) };
    if let Some(r) = into.as_ref() {
        r.with::<ByteArray, _>(&c.held, |b| {
            let n = bytes.len().min(b.0.len());
            b.0[..n].copy_from_slice(&bytes[..n]);
        });
    }
    Ok(Value::Int(bytes.len() as i64))
}

pub(super) fn readline(c: &mut Call) -> Res<Value> {
    let piece = Piece::Line(size(c)?.unwrap_or(usize::MAX));
    take(c, piece, "readline of closed file")
}

pub(super) fn readlines(c: &mut Call) -> Res<Value> {
    let hint = size(c)?.filter(|n| *n > 0);
    let (mut lines, mut taken) = (vec![], 0);
    loop {
        let line = take(c, Piece::Line(usize::MAX), "readline of closed file")?;
        let n = c.length(&line)?;
        if n == 0 {
            return Ok(c.list(lines));
        }
        lines.push(line);
        taken += n;
        if hint.is_some_and(|hint| taken >= hint) {
            return Ok(c.list(lines));
        }
    }
}

pub(super) fn iter(c: &mut Call) -> Res<Value> {
    let file = c.arg(0);
    let (is_text, closed) = this(c, |f| (f.text.is_some(), matches!(f.io, Io::Closed)))?;
    if closed {
        return Err(closed_error(c, is_text, "I/O operation on closed file."));
    }
    let func = c.get_attr(&file, Name::of("readline"))?;
    let sentinel = if is_text { c.str("") } else { c.bytes(vec![]) };
    Ok(c.iterator(Iter::Calls { func, sentinel }))
}

pub(super) fn next(c: &mut Call) -> Res<Value> {
    let line = take(c, Piece::Line(usize::MAX), "readline of closed file")?;
    if c.length(&line)? == 0 {
        return Err(c.raise_with(TypeId::StopIteration, vec![]));
    }
    Ok(line)
}
