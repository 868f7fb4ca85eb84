//! `_os`: files by number, and limits of the process.

use super::files::disk::{disk, fault};
use super::files::path;
use super::net::{self, not_simulated};
use super::os_error;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::make::tuple_items;
use crate::vm::{Call, Res};
use crate::world::disk::{Fault, File};
use crate::world::{WaitKind, fd, handle};
use std::io;

natives! { pub DESCRIPTORS, "_os";
    /// Opens a file by flags; its number. The interpreter lock is given up meanwhile.
    computes open("path, flags, mode=0o777, /") = open;
    /// A second number for what a number stands for.
    holds dup("fd, /") = dup;
    /// Goes to a place: from the start, from here, from the end.
    holds lseek("fd, offset, whence, /") = lseek;
    /// As `stat`, of an open file.
    holds fstat("fd, /") = fstat;
    /// Cuts a file off, or makes it longer.
    computes ftruncate("fd, length, /") = ftruncate;
    /// Waits until what was written is on the disk.
    computes fsync("fd, /") = fsync;
    /// Whether it is a terminal.
    holds isatty("fd, /") = isatty;
    /// The system's words for an error's number.
    holds strerror("code, /") = strerror;
    /// Whether this process may read (4), write (2), run (1) a file, or it is there (0).
    holds access("path, mode, /") = access;
    /// Sets when a file was read and changed, in nanoseconds; None: now.
    holds utime("path, times, follow_symlinks, /") = utime;
    /// Size of a block; blocks in all, free, free for all; files, free ones.
    holds statvfs("path, /") = statvfs;
    /// The classes of the files that `open` makes.
    holds file_types("") = file_types;
    /// The soft and hard limit of a resource (-1: none), after setting them if a pair is given; None for
    /// what is no resource.
    holds rlimit("resource, limits, /") = rlimit;
}

fn number(c: &mut Call) -> Res<i32> {
    let n = net::number(c, 0)?;
    Ok(i32::try_from(n).unwrap_or(-1))
}

/// What it comes to, or the OS's error.
fn told<T>(c: &mut Call, r: io::Result<T>) -> Res<T> {
    r.map_err(|e| os_error::raise(c, &e, None))
}

/// The file that argument 0 is the number of.
fn file(c: &mut Call, what: &str) -> Res<File> {
    if !c.held.simulated() {
        let fd = fd::find(number(c)?);
        return Ok(File { fd: told(c, fd)?, here: None });
    }
    let n = net::number(c, 0)?;
    let (file, other) = c.interp.pipes.with(&c.held, |p| (p.files.get(n), p.get(n).is_some()));
    if other || (0..=2).contains(&n) {
        let text = format!("os.{what}: a simulation has that for files only, not for pipes, sockets, standard streams");
        return Err(not_simulated(c, &text));
    }
    file.ok_or_else(|| os_error::raise(c, &fd::bad_descriptor(), None))
}

fn open(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = path(c, &name)?;
    let (flags, mode) = (net::number(c, 1)?, if c.count() > 2 { net::number(c, 2)? } else { 0o777 });
    let (at, disk) = (name.clone(), disk(c));
    match c.held.outside_for(WaitKind::File, move || disk.open(&at, flags as u32, mode as u32)) {
        Ok(file) if c.held.simulated() => Ok(Value::Int(c.interp.pipes.with(&c.held, |p| p.enter_file(file)))),
        Ok(file) => Ok(Value::Int(fd::adopt(file.fd).into())),
        Err(Fault::Folder) => Err(fault(c, Fault::Refused(format!("'{name}', a folder by number,")), None, None)),
        Err(e) => Err(fault(c, e, Some(&name), None)),
    }
}

fn dup(c: &mut Call) -> Res<Value> {
    if c.held.simulated() {
        let file = file(c, "dup")?;
        return Ok(Value::Int(c.interp.pipes.with(&c.held, |p| p.enter_file(file))));
    }
    let made = fd::duplicate(number(c)?);
    Ok(Value::Int(told(c, made)?.into()))
}

fn lseek(c: &mut Call) -> Res<Value> {
    let file = file(c, "lseek")?;
    let (offset, whence) = (net::number(c, 1)?, net::number(c, 2)?);
    let at = handle::seek(&file.fd, offset, whence);
    Ok(Value::Int(told(c, at)? as i64))
}

fn fstat(c: &mut Call) -> Res<Value> {
    let file = file(c, "fstat")?;
    let status = disk(c).status_of(&file).map_err(|e| fault(c, e, None, None))?;
    Ok(super::os::status_row(c, &status))
}

fn ftruncate(c: &mut Call) -> Res<Value> {
    let file = file(c, "ftruncate")?;
    let length = net::number(c, 1)?;
    let (length, fd) = (u64::try_from(length).unwrap_or(u64::MAX), file.fd.clone());
    let done = c.held.outside_for(WaitKind::File, move || handle::truncate(&fd, length));
    told(c, done)?;
    disk(c).wrote(&file);
    Ok(Value::None)
}

fn fsync(c: &mut Call) -> Res<Value> {
    let file = file(c, "fsync")?;
    let done = c.held.outside_for(WaitKind::File, move || handle::sync(&file.fd));
    told(c, done)?;
    Ok(Value::None)
}

fn isatty(c: &mut Call) -> Res<Value> {
    let n = number(c)?;
    if c.held.simulated() && n > 2 {
        return Ok(Value::FALSE);
    }
    Ok(Value::bool(fd::find(n).is_ok_and(|d| handle::is_terminal(&d))))
}

fn rlimit(c: &mut Call) -> Res<Value> {
    let which = net::number(c, 0)?;
    let which = u32::try_from(which).unwrap_or(u32::MAX);
    if let Some(v) = c.some(1) {
        let both = tuple_items(&v).map(<[Value]>::to_vec).unwrap_or_default();
        let mut limits = [None; 2];
        for (to, v) in limits.iter_mut().zip(&both) {
            *to = u64::try_from(c.index(v)?).ok();
        }
        let set = fd::set_limit(which, limits);
        told(c, set)?;
    }
    Ok(match fd::limit(which) {
        None => Value::None,
        Some(both) => {
            let n = both.map(|n| Value::Int(n.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1)));
            c.tuple(n.to_vec())
        }
    })
}

fn strerror(c: &mut Call) -> Res<Value> {
    let n = net::number(c, 0)?;
    let e = io::Error::from_raw_os_error(i32::try_from(n).unwrap_or(i32::MAX));
    let text = os_error::text(&e);
    let words = text.split_once("] ").map_or(text.clone(), |(_, words)| words.to_string());
    Ok(c.string(words))
}

fn access(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let (name, mode) = (path(c, &name)?, net::number(c, 1)?);
    Ok(Value::bool(disk(c).access(name.as_ref(), mode as u32).is_ok()))
}

fn utime(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = path(c, &name)?;
    let times = match c.some(1) {
        None => None,
        Some(v) => {
            let all = c.collect(&v)?;
            let mut ns = [0; 2];
            for (to, v) in ns.iter_mut().zip(&all) {
                *to = c.index(v)?;
            }
            Some(ns)
        }
    };
    let follow = c.arg(2);
    let follow = c.truth(&follow)?;
    disk(c).set_times(name.as_ref(), times, follow).map_err(|e| fault(c, e, Some(&name), None))?;
    Ok(Value::None)
}

fn statvfs(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = path(c, &name)?;
    let all = disk(c).space(name.as_ref()).map_err(|e| fault(c, e, Some(&name), None))?;
    let all = all.map(|n| Value::Int(i64::try_from(n).unwrap_or(i64::MAX)));
    Ok(c.tuple(all.to_vec()))
}

fn file_types(c: &mut Call) -> Res<Value> {
    use TypeId::{BinaryFile, RandomFile, RawFile, TextFile, WriterFile};
    let all = [TextFile, BinaryFile, WriterFile, RandomFile, RawFile];
    let classes = all.map(|t| Value::from(c.interp.class(&c.held, t).clone()));
    Ok(c.tuple(classes.to_vec()))
}
