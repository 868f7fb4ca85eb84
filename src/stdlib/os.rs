//! `_os`: files and folders by name, the process; `os` and `os.path` are in `kit/`.

use super::files::path;
use super::os_error;
use crate::natives;
use crate::object::Value;
use crate::vm::{Call, Res};
use crate::world::{Stream, host};
use std::io;
use std::path::Path;

natives! { pub OS, "_os";
    /// So many random bytes; in simulation the seed determines them.
    holds urandom("n, /") = urandom;
    /// The number of this process.
    holds getpid("") = getpid;
    /// How many cores the process may use.
    holds cpu_count("") = cpu_count;
    /// The folder that relative paths start from.
    holds getcwd("") = getcwd;
    /// The variables of the environment, as a dict that is a copy.
    holds environ("") = environ;
    /// The names in a folder, sorted.
    holds listdir("path='.'") = listdir;
    /// Removes a file.
    holds remove("path") = remove;
    /// Makes a folder.
    holds mkdir("path, mode=0o777") = mkdir;
    /// Removes an empty folder.
    holds rmdir("path") = rmdir;
    /// Whether there is a file or folder of this name.
    holds exists("path") = exists;
    /// Whether it is a file.
    holds isfile("path") = isfile;
    /// Whether it is a folder.
    holds isdir("path") = isdir;
    /// The length of a file in bytes.
    holds getsize("path") = getsize;
}

fn urandom(c: &mut Call) -> Res<Value> {
    let n = c.arg(0);
    let n = c.index(&n)?;
    let Ok(n) = usize::try_from(n) else { return Err(c.value_error("negative argument not allowed")) };
    let mut out = Vec::with_capacity(n.min(1 << 20));
    while out.len() < n {
        out.extend(c.held.draw(Stream::Script).to_le_bytes());
    }
    out.truncate(n);
    Ok(c.bytes(out))
}

fn getpid(_: &mut Call) -> Res<Value> {
    Ok(Value::Int(host::process_id().into()))
}

fn cpu_count(_: &mut Call) -> Res<Value> {
    Ok(Value::Int(host::cores() as i64))
}

fn getcwd(c: &mut Call) -> Res<Value> {
    match host::current_dir() {
        Ok(p) => Ok(c.string(p.to_string_lossy().into_owned())),
        Err(e) => Err(os_error::raise(c, &e, None)),
    }
}

fn environ(c: &mut Call) -> Res<Value> {
    let d = c.dict();
    for (k, v) in host::env_vars() {
        let (k, v) = (c.string(k), c.string(v));
        c.dict_set(&d, k, v)?;
    }
    Ok(d.into())
}

/// Runs `f` on the path that argument 0 names.
fn at<R>(c: &mut Call, f: impl FnOnce(&Path) -> io::Result<R>) -> Res<R> {
    let name = match c.opt(0) {
        Some(v) => path(c, &v)?,
        None => ".".into(),
    };
    f(Path::new(&name)).map_err(|e| os_error::raise(c, &e, Some(&name)))
}

fn listdir(c: &mut Call) -> Res<Value> {
    let names = at(c, host::list_dir)?;
    let names = names.into_iter().map(|n| c.string(n)).collect();
    Ok(c.list(names))
}
fn remove(c: &mut Call) -> Res<Value> {
    at(c, host::remove_file)?;
    Ok(Value::None)
}
fn mkdir(c: &mut Call) -> Res<Value> {
    at(c, host::make_dir)?;
    Ok(Value::None)
}
fn rmdir(c: &mut Call) -> Res<Value> {
    at(c, host::remove_dir)?;
    Ok(Value::None)
}
fn exists(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |p| Ok(host::exists(p)))?))
}
fn isfile(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |p| Ok(host::is_file(p)))?))
}
fn isdir(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |p| Ok(host::is_dir(p)))?))
}
fn getsize(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(at(c, host::file_size)? as i64))
}
