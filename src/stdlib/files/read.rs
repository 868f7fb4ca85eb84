//! Reading: from what was loaded at opening, or from standard input.

use super::{Io, this};
use crate::object::iter::Iter;
use crate::object::{Name, TypeId, Value};
use crate::stdlib::os_error;
use crate::vm::{Call, Res};
use crate::world::file::SeekFrom;
use crate::world::host;

/// Makes the file ready to be read: not closed, readable, its text checked and translated.
fn ready(c: &mut Call) -> Res<()> {
    enum State {
        Ready,
        Closed,
        WriteOnly,
        NotUtf8(Vec<u8>),
    }
    let state = this(c, |f| {
        let (is_text, translate) = (f.text, f.translate);
        match &mut f.io {
            Io::Stdin => State::Ready,
            Io::Closed => State::Closed,
            Io::Read { data, raw, update, .. } if *raw && is_text => {
                if std::str::from_utf8(data).is_err() {
                    return State::NotUtf8(data.clone());
                }
                *raw = false;
                // Places of a file that is written, too, are those of its bytes.
                if translate && update.is_none() && data.contains(&b'\r') {
                    *data = translate_ends(data);
                }
                State::Ready
            }
            Io::Read { .. } => State::Ready,
            Io::Stdout | Io::Stderr | Io::Write(_) => State::WriteOnly,
        }
    })?;
    match state {
        State::Ready => Ok(()),
        State::Closed => Err(c.value_error("I/O operation on closed file.")),
        State::WriteOnly => Err(super::unsupported(c, "not readable")),
        State::NotUtf8(data) => {
            // `bytes.decode` knows the words.
            let bytes = c.bytes(data);
            c.call_method(&bytes, Name::of("decode"), &[])?;
            Ok(())
        }
    }
}

/// `\r\n` and `\r` become `\n`.
fn translate_ends(data: &[u8]) -> Vec<u8> {
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

/// How much a read takes.
#[derive(Clone, Copy)]
enum Piece {
    All,
    /// Characters of text, else bytes.
    Some(usize),
    /// To the line's end, or the number.
    Line(usize),
}

/// The number of bytes of `data` that `piece` takes.
fn extent(data: &[u8], piece: Piece, is_text: bool) -> usize {
    let chars = |n: usize, data: &[u8]| match is_text {
        // A character begins at each byte that is no continuation byte.
        true => data.iter().enumerate().filter(|(_, b)| **b & 0xc0 != 0x80).nth(n).map_or(data.len(), |(i, _)| i),
        false => n.min(data.len()),
    };
    match piece {
        Piece::All => data.len(),
        Piece::Some(n) => chars(n, data),
        Piece::Line(n) => {
            let line = data.iter().position(|b| *b == b'\n').map_or(data.len(), |i| i + 1);
            if n == usize::MAX { line } else { chars(n, &data[..line]) }
        }
    }
}

/// Takes a piece off the file: text or bytes, empty at its end.
fn take(c: &mut Call, piece: Piece) -> Res<Value> {
    ready(c)?;
    let (is_text, stdin) = this(c, |f| (f.text, matches!(f.io, Io::Stdin)))?;
    let data = if stdin {
        let read = match piece {
            Piece::Line(_) => c.held.outside(|| host::read_stdin_line().map(String::into_bytes)),
            Piece::All | Piece::Some(_) => c.held.outside(host::read_stdin),
        };
        read.map_err(|e| os_error::raise(c, &e, None))?
    } else {
        this(c, |f| match &mut f.io {
            Io::Read { data, at, .. } => {
                let rest = &data[(*at).min(data.len())..];
                let n = extent(rest, piece, is_text);
                let out = rest[..n].to_vec();
                *at += n;
                out
            }
            _ => vec![],
        })?
    };
    match is_text {
        true => match String::from_utf8(data) {
            Ok(s) => Ok(c.string(s)),
            Err(e) => Err(c.value_error(e.to_string())),
        },
        false => Ok(c.bytes(data)),
    }
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
    take(c, piece)
}

pub(super) fn readline(c: &mut Call) -> Res<Value> {
    let piece = Piece::Line(size(c)?.unwrap_or(usize::MAX));
    take(c, piece)
}

pub(super) fn readlines(c: &mut Call) -> Res<Value> {
    let mut lines = vec![];
    loop {
        let line = take(c, Piece::Line(usize::MAX))?;
        if c.length(&line)? == 0 {
            return Ok(c.list(lines));
        }
        lines.push(line);
    }
}

pub(super) fn iter(c: &mut Call) -> Res<Value> {
    let file = c.arg(0);
    let is_text = this(c, |f| f.text)?;
    let func = c.get_attr(&file, Name::of("readline"))?;
    let sentinel = if is_text { c.str("") } else { c.bytes(vec![]) };
    Ok(c.iterator(Iter::Calls { func, sentinel }))
}

pub(super) fn next(c: &mut Call) -> Res<Value> {
    let line = take(c, Piece::Line(usize::MAX))?;
    if c.length(&line)? == 0 {
        return Err(c.raise_with(TypeId::StopIteration, vec![]));
    }
    Ok(line)
}

/// Goes to a place of a file that is written only; `None`: it is another.
fn seek_writer(c: &mut Call, to: SeekFrom) -> Res<Option<u64>> {
    let went = this(c, |f| match &f.io {
        Io::Write(w) => Some(w.seek(to)),
        _ => None,
    })?;
    match went {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(e)) => Err(os_error::raise(c, &e, None)),
    }
}

pub(super) fn seek(c: &mut Call) -> Res<Value> {
    let offset = c.arg(1);
    let offset = c.index(&offset)?;
    let whence = match c.opt(2) {
        Some(v) => c.index(&v)?,
        None => 0,
    };
    let (is_text, closed) = this(c, |f| (f.text, matches!(f.io, Io::Closed)))?;
    if closed {
        return Err(c.value_error("I/O operation on closed file."));
    }
    if is_text && offset != 0 && matches!(whence, 1 | 2) {
        let from = if whence == 1 { "cur" } else { "end" };
        return Err(super::unsupported(c, &format!("can't do nonzero {from}-relative seeks")));
    }
    if offset < 0 && whence == 0 {
        return Err(c.value_error(format!("negative seek position {offset}")));
    }
    let to = match whence {
        0 => SeekFrom::Start(offset as u64),
        1 => SeekFrom::Current(offset),
        2 => SeekFrom::End(offset),
        _ => return Err(c.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    if let Some(at) = seek_writer(c, to)? {
        return Ok(Value::Int(at as i64));
    }
    ready(c)?;
    let new = this(c, |f| match &mut f.io {
        Io::Read { data, at, .. } => {
            let base = match whence {
                0 => 0,
                1 => *at as i64,
                _ => data.len() as i64,
            };
            *at = usize::try_from(base.checked_add(offset)?).ok()?;
            Some(*at)
        }
        _ => None,
    })?;
    match new {
        Some(at) => Ok(Value::Int(at as i64)),
        None => Err(c.value_error(format!("invalid seek to {offset} from {whence}"))),
    }
}

pub(super) fn tell(c: &mut Call) -> Res<Value> {
    if let Some(at) = seek_writer(c, SeekFrom::Current(0))? {
        return Ok(Value::Int(at as i64));
    }
    ready(c)?;
    this(c, |f| match &f.io {
        Io::Read { at, .. } => Value::Int(*at as i64),
        _ => Value::Int(0),
    })
}

pub(super) fn truncate(c: &mut Call) -> Res<Value> {
    let here = tell(c)?;
    let size = c.some(1).unwrap_or(here);
    let size = c.index(&size)?;
    let Ok(size) = u64::try_from(size) else { return Err(c.value_error(format!("negative size value {size}"))) };
    let cut = this(c, |f| match &mut f.io {
        Io::Write(w) => Some(w.set_len(size)),
        Io::Read { data, update: Some(u), .. } => {
            data.resize(size as usize, 0);
            Some(u.writer.set_len(size))
        }
        _ => None,
    })?;
    match cut {
        Some(Ok(())) => Ok(Value::Int(size as i64)),
        Some(Err(e)) => Err(os_error::raise(c, &e, None)),
        None => Err(super::unsupported(c, "truncate")),
    }
}
