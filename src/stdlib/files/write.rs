//! Writing, places, the end.

use super::disk::{disk, moment};
use super::file::Io;
use super::{closed_error, look, this, unsupported, wait_for};
use crate::object::pure::bytes as codec;
use crate::object::types::{ByteArray, Bytes};
use crate::object::{Name, TypeId, Value};
use crate::stdlib::{os_error, types};
use crate::vm::make::text;
use crate::vm::{Call, Res, Thread};
use crate::world::disk::File;
use crate::world::file::Out;
use crate::world::work::WRITABLE;
use crate::world::{WaitKind, handle, out};
use std::sync::Arc;

/// Where bytes for a file go.
enum Sink {
    Closed,
    ReadOnly,
    Stdout,
    Stderr,
    Out(Arc<Out>, bool),
}

fn sink(f: &mut super::file::File) -> Sink {
    match &f.io {
        Io::Closed => Sink::Closed,
        Io::Stdout => Sink::Stdout,
        Io::Stderr => Sink::Stderr,
        Io::Open(o) => match &o.out {
            Some(out) if f.writable => Sink::Out(out.clone(), o.regular),
            _ => Sink::ReadOnly,
        },
        Io::Stdin => Sink::ReadOnly,
    }
}

/// Sends out what is buffered; the interpreter lock is given up meanwhile.
fn send_out(th: &mut Thread, out: &Arc<Out>, regular: bool) -> Res<()> {
    if !regular && out.pending() > 0 {
        wait_for(th, &out.fd, WRITABLE)?;
    }
    out.at(|| moment(th));
    let Some(piece) = out.take() else { return Ok(()) };
    let to = out.clone();
    th.held.outside_for(WaitKind::File, move || to.write(piece)).map_err(|e| os_error::raise(th, &e, None))
}

/// Sends out what this file buffers.
pub(super) fn drain(c: &mut Call) -> Res<()> {
    match this(c, sink)? {
        Sink::Out(out, regular) => send_out(c, &out, regular),
        _ => Ok(()),
    }
}

/// Writes bytes to a file; `flushes`: they end a line, or must go out for another reason.
fn put(th: &mut Thread, file: &Value, bytes: &[u8], flushes: bool) -> Option<Res<()>> {
    let (to, is_text, most, unread, never) = look(th, file, |f| {
        let unread = if f.writable && f.readable { f.unread() } else { 0 };
        (sink(f), f.text.is_some(), f.buffering, unread, !f.writable && f.text.is_none())
    })?;
    Some(match to {
        Sink::Closed if never => Err(unsupported(th, "write")),
        Sink::Closed => Err(closed_error(th, is_text, "write to closed file")),
        Sink::ReadOnly => Err(unsupported(th, if is_text { "not writable" } else { "write" })),
        Sink::Stdout => out::write(bytes).map_err(|e| os_error::raise(th, &e, None)),
        Sink::Stderr => {
            out::error(bytes);
            Ok(())
        }
        Sink::Out(out, regular) => {
            if unread > 0 {
                // What was read ahead is not where the script stands; text is written behind it, as CPython does.
                if !is_text && let Err(e) = handle::seek(&*out.fd, -(unread as i64), 1) {
                    return Some(Err(os_error::raise(th, &e, None)));
                }
                look(th, file, |f| f.forget());
            }
            out.at(|| moment(th));
            let n = out.push(bytes);
            if n > most || flushes { send_out(th, &out, regular) } else { Ok(()) }
        }
    })
}

/// Text as the file's bytes, and whether it must go out at once.
fn encoded(th: &mut Thread, file: &Value, text: &str) -> Option<Res<(Vec<u8>, bool)>> {
    let (made, at_once) = look(th, file, |f| {
        let t = f.text.as_ref()?;
        let at_once = f.line_buffered && text.contains(['\n', '\r']);
        let text = t.newline.written(text);
        Some((codec::encode(&text, t.encoding, &t.errors), at_once))
    })??;
    Some(match made {
        Ok(bytes) => Ok((bytes, at_once)),
        Err(e) => {
            let object = th.str(text);
            Err(types::codec_error(th, object, e))
        }
    })
}

/// Writes text as one piece to a file of ours; `None` when it is another object.
pub fn write_text(th: &mut Thread, file: &Value, text: &str) -> Option<Res<()>> {
    match encoded(th, file, text)? {
        Ok((bytes, at_once)) => put(th, file, &bytes, at_once),
        Err(e) => Some(Err(e)),
    }
}

pub(super) fn write(c: &mut Call) -> Res<Value> {
    let (file, v) = (c.arg(0), c.arg(1));
    let is_text = this(c, |f| f.text.is_some())?;
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
            let n = t.chars().count();
            // The file is looked at before the text.
            if this(c, |f| !f.writable || matches!(f.io, Io::Closed))? {
                (Vec::new(), n)
            } else {
                match write_text(c, &file, t) {
                    Some(done) => done?,
                    None => return Err(c.type_error("a file is needed")),
                }
                return Ok(Value::Int(n as i64));
            }
        }
        (_, is_text) => {
            let got = c.type_name(&v);
            return Err(c.type_error(match is_text {
                true => format!("write() argument must be str, not {got}"),
                false => format!("a bytes-like object is required, not '{got}'"),
            }));
        }
    };
    match put(c, &file, &bytes, false) {
        Some(done) => done?,
        None => return Err(c.type_error("a file is needed")),
    }
    Ok(Value::Int(length as i64))
}

pub(super) fn writelines(c: &mut Call) -> Res<Value> {
    let (file, lines) = (c.arg(0), c.arg(1));
    let it = c.iter(&lines)?;
    while let Some(line) = c.next(&it)? {
        c.call_method(&file, Name::of("write"), &[line])?;
    }
    Ok(Value::None)
}

/// Flushes a file of ours; `None` when it is another object.
pub fn flush_file(th: &mut Thread, file: &Value) -> Option<Res<()>> {
    let (to, is_text) = look(th, file, |f| (sink(f), f.text.is_some()))?;
    Some(match to {
        Sink::Stdout => out::flush().map_err(|e| os_error::raise(th, &e, None)),
        Sink::Out(out, regular) => send_out(th, &out, regular),
        Sink::Closed => {
            let writes = look(th, file, |f| f.writable).unwrap_or(false);
            Err(closed_error(
                th,
                is_text,
                if writes { "flush of closed file" } else { "I/O operation on closed file." },
            ))
        }
        Sink::ReadOnly | Sink::Stderr => Ok(()),
    })
}

pub(super) fn flush(c: &mut Call) -> Res<Value> {
    this(c, |_| ())?;
    let file = c.arg(0);
    flush_file(c, &file).unwrap_or(Ok(()))?;
    Ok(Value::None)
}

pub(super) fn close(c: &mut Call) -> Res<Value> {
    let to = this(c, sink)?;
    let done = match to {
        Sink::Out(out, regular) => send_out(c, &out, regular),
        Sink::Stdout => out::flush().map_err(|e| os_error::raise(c, &e, None)),
        _ => Ok(()),
    };
    // Closed also when its last bytes found no room.
    let was = this(c, |f| {
        f.forget();
        std::mem::replace(&mut f.io, Io::Closed)
    })?;
    if let (Io::Open(o), Err(_)) = (&was, &done)
        && let Some(out) = &o.out
    {
        // What found no room is not tried again.
        drop(out.take());
    }
    drop(was);
    done?;
    Ok(Value::None)
}

/// The descriptor of a file that has places, with all that was written sent out.
fn placed(c: &mut Call, what: &str) -> Res<File> {
    let (closed, is_text, file) =
        this(c, |f| (matches!(f.io, Io::Closed), f.text.is_some(), f.opened().map(|o| o.file.clone())))?;
    if closed {
        return Err(closed_error(c, is_text, what));
    }
    drain(c)?;
    match file {
        Some(file) if handle::seek(&*file.fd, 0, 1).is_ok() => Ok(file),
        _ if is_text => Err(unsupported(c, "underlying stream is not seekable")),
        _ => Err(unsupported(c, "File or stream is not seekable.")),
    }
}

pub(super) fn seek(c: &mut Call) -> Res<Value> {
    let file = placed(c, "seek of closed file")?;
    let offset = c.arg(1);
    let mut offset = c.index(&offset)?;
    let whence = match c.opt(2) {
        Some(v) => c.index(&v)?,
        None => 0,
    };
    if this(c, |f| f.text.is_some())? {
        match (whence, offset) {
            (0, n) if n < 0 => return Err(c.value_error(format!("negative seek position {n}"))),
            (1, 0) => return tell(c),
            (1, _) => return Err(unsupported(c, "can't do nonzero cur-relative seeks")),
            (0, _) | (2, 0) => {}
            (2, _) => return Err(unsupported(c, "can't do nonzero end-relative seeks")),
            (n, _) => return Err(c.value_error(format!("invalid whence ({n}, should be 0, 1 or 2)"))),
        }
    } else if !(0..=2).contains(&whence) {
        return Err(c.value_error(format!("whence value {whence} unsupported")));
    }
    if whence == 1 {
        offset -= this(c, |f| f.unread())? as i64;
    }
    let at = handle::seek(&*file.fd, offset, whence).map_err(|e| os_error::raise(c, &e, None))?;
    this(c, |f| f.forget())?;
    Ok(Value::Int(at as i64))
}

pub(super) fn tell(c: &mut Call) -> Res<Value> {
    let file = placed(c, super::CLOSED)?;
    let at = handle::seek(&*file.fd, 0, 1).map_err(|e| os_error::raise(c, &e, None))?;
    let unread = this(c, |f| f.unread())? as u64;
    Ok(Value::Int(at.saturating_sub(unread) as i64))
}

pub(super) fn truncate(c: &mut Call) -> Res<Value> {
    let file = placed(c, "truncate of closed file")?;
    if !this(c, |f| f.writable)? {
        return Err(unsupported(c, "truncate"));
    }
    let length = match c.some(1) {
        Some(v) => c.index(&v)?,
        None => {
            let at = tell(c)?;
            c.index(&at)?
        }
    };
    let Ok(new) = u64::try_from(length) else {
        return Err(os_error::raise(c, &crate::world::fd::invalid(), None));
    };
    let fd = file.fd.clone();
    let cut = c.held.outside_for(WaitKind::File, move || handle::truncate(&*fd, new));
    cut.map_err(|e| os_error::raise(c, &e, None))?;
    disk(c).wrote(&file);
    Ok(Value::Int(length))
}

pub(super) fn detach(c: &mut Call) -> Res<Value> {
    Err(c.raise(TypeId::NotImplementedError, "Kit does not detach the buffer of a file"))
}

pub(super) fn is_seekable(c: &mut Call) -> Res<Value> {
    if this(c, |f| matches!(f.io, Io::Closed))? {
        return Err(c.value_error(super::CLOSED));
    }
    let file = this(c, |f| f.opened().map(|o| o.file.clone()))?;
    Ok(Value::bool(file.is_some_and(|f| handle::seek(&*f.fd, 0, 1).is_ok())))
}
