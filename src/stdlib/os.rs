//! `_os`: files and folders by name, the process; `os` and `os.path` are in `kit/`.

use super::files::disk::{disk, fault};
use super::files::path;
use super::os_error;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::{Call, Res, Thread};
use crate::world::disk::{Disk, Got};
use crate::world::{ProcessId, Stream, host};
use std::path::Path;

natives! { pub OS, "_os";
    /// The number of this process.
    holds getpid("") = getpid;
    /// The number of the process that started this one.
    holds getppid("") = getppid;
    /// How many cores the process may use.
    holds cpu_count("") = cpu_count;
    /// The folder that relative paths start from.
    holds getcwd("") = getcwd;
    /// The variables of the environment, as a dict that is a copy.
    holds environ("") = environ;
    /// Sets a variable of the environment, for this process and those it starts; None takes it out.
    holds putenv("key, value, /") = putenv;
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
    /// Whether it is a symbolic link.
    holds islink("path") = islink;
    /// Renames a file or folder; what stands at the new name is replaced.
    holds rename("src, dst") = rename;
    /// The absolute path without links.
    holds realpath("path") = realpath;
    /// Makes a folder the one that relative paths start from.
    holds chdir("path") = chdir;
    /// Mode, inode, links, owner, group, size, and three times in nanoseconds.
    holds stat("path, follow_symlinks=True") = stat;
    /// Makes a symbolic link at `dst` that leads to `src`.
    holds symlink("src, dst") = symlink;
    /// Where a symbolic link leads.
    holds readlink("path") = readlink;
    /// Makes a second name of a file.
    holds link("src, dst") = link;
    /// Sets the bits of who may read, write and run a file.
    holds chmod("path, mode") = chmod;
    /// Sends a signal to a process, by their numbers.
    holds kill("pid, signal, /") = kill;
    /// Ends the process at once: nothing is flushed, nobody is waited for.
    holds _exit("status") = exit_now;
    /// The numbers of user and group: real, effective.
    holds ids("") = ids;
    /// The width and height of the terminal in characters; None without one.
    holds terminal_size("") = terminal_size;
    /// Random bytes; in simulation the seed's.
    holds urandom("size, /") = urandom;
}

fn getpid(c: &mut Call) -> Res<Value> {
    let id = if c.held.simulated() { c.held.process().0 } else { host::process_id() };
    Ok(Value::Int(id.into()))
}

fn getppid(c: &mut Call) -> Res<Value> {
    // A simulation's first process has no parent that it could know: 0, as Linux says in such a case.
    let id = if c.held.simulated() { c.held.parent_process().map_or(0, |p| p.0) } else { host::parent_id() };
    Ok(Value::Int(id.into()))
}

fn cpu_count(_: &mut Call) -> Res<Value> {
    Ok(Value::Int(host::cores() as i64))
}

fn getcwd(c: &mut Call) -> Res<Value> {
    match disk(c).current_dir() {
        Ok(p) => Ok(c.string(p.to_string_lossy().into_owned())),
        Err(e) => Err(fault(c, e, None, None)),
    }
}

impl Thread {
    /// A variable of the environment as the script has left it.
    pub fn env_var(&self, name: &str) -> Option<String> {
        match self.interp.environ.with(&self.held, |e| e.get(name).cloned()) {
            Some(changed) => changed,
            None => host::env_var(name),
        }
    }
}

fn putenv(c: &mut Call) -> Res<Value> {
    let (key, value) = (c.arg(0), c.arg(1));
    let key = c.expect_str(&key, "key")?.to_string();
    let value = if value.is_none() { None } else { Some(c.expect_str(&value, "value")?.to_string()) };
    if key.is_empty() || key.contains(['=', '\0']) || value.as_ref().is_some_and(|v| v.contains('\0')) {
        let text = if key.contains('=') { "illegal environment variable name" } else { "embedded null byte" };
        return Err(c.value_error(text));
    }
    c.interp.environ.with(&c.held, |e| e.insert(key, value));
    Ok(Value::None)
}

fn environ(c: &mut Call) -> Res<Value> {
    let d = c.dict();
    let changed = c.interp.environ.with(&c.held, |e| e.clone());
    let mut all: Vec<(String, String)> =
        host::env_vars().into_iter().filter(|(k, _)| !changed.contains_key(k)).collect();
    all.extend(changed.into_iter().filter_map(|(k, v)| Some((k, v?))));
    for (k, v) in all {
        let (k, v) = (c.string(k), c.string(v));
        c.dict_set(&d, k, v)?;
    }
    Ok(d.into())
}

/// Runs `f` on the path that argument 0 names.
fn at<R>(c: &mut Call, f: impl FnOnce(&Disk, &Path) -> Got<R>) -> Res<R> {
    let name = match c.opt(0) {
        Some(v) => path(c, &v)?,
        None => ".".into(),
    };
    f(&disk(c), Path::new(&name)).map_err(|e| fault(c, e, Some(&name), None))
}

fn listdir(c: &mut Call) -> Res<Value> {
    let names = at(c, Disk::list_dir)?;
    let names = names.into_iter().map(|n| c.string(n)).collect();
    Ok(c.list(names))
}
fn remove(c: &mut Call) -> Res<Value> {
    at(c, Disk::remove_file)?;
    Ok(Value::None)
}
fn mkdir(c: &mut Call) -> Res<Value> {
    let mode = match c.opt(1) {
        Some(v) => c.index(&v)? as u32,
        None => 0o777,
    };
    at(c, |d, p| d.make_dir(p, mode))?;
    Ok(Value::None)
}
fn rmdir(c: &mut Call) -> Res<Value> {
    at(c, Disk::remove_dir)?;
    Ok(Value::None)
}
fn exists(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |d, p| Ok(d.exists(p)))?))
}
fn isfile(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |d, p| Ok(d.is_file(p)))?))
}
fn isdir(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |d, p| Ok(d.is_dir(p)))?))
}
fn islink(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(at(c, |d, p| Ok(d.is_link(p)))?))
}
fn rename(c: &mut Call) -> Res<Value> {
    at_two(c, Disk::rename)
}
fn realpath(c: &mut Call) -> Res<Value> {
    let p = at(c, Disk::real_path)?;
    Ok(c.string(p.to_string_lossy().into_owned()))
}
fn chdir(c: &mut Call) -> Res<Value> {
    at(c, Disk::set_current_dir)?;
    Ok(Value::None)
}
fn stat(c: &mut Call) -> Res<Value> {
    let follow = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => true,
    };
    let s = at(c, |d, p| d.status(p, follow))?;
    Ok(status_row(c, &s))
}

/// A file's status as `os` takes it apart.
pub fn status_row(th: &mut Thread, s: &host::Status) -> Value {
    let [read, changed, entry] = s.times_ns;
    let numbers = [s.mode.into(), s.inode as i64, s.links as i64, s.owner.0.into(), s.owner.1.into(), s.size as i64];
    let all = numbers.into_iter().chain([read, changed, entry, s.device as i64]).map(Value::Int).collect();
    th.tuple(all)
}
fn urandom(c: &mut Call) -> Res<Value> {
    let n = c.arg(0);
    let n = c.index(&n)?;
    let Ok(n) = usize::try_from(n) else {
        return Err(c.value_error("negative argument not allowed"));
    };
    let mut bytes = Vec::with_capacity(n.min(1 << 20));
    while bytes.len() < n {
        bytes.extend(c.held.draw(Stream::Script).to_le_bytes());
    }
    bytes.truncate(n);
    Ok(c.bytes(bytes))
}
fn getsize(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(at(c, |d, p| Ok(d.status(p, true)?.size))? as i64))
}

/// Runs `f` on the paths that arguments 0 and 1 name.
fn at_two(c: &mut Call, f: impl FnOnce(&Disk, &Path, &Path) -> Got<()>) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    let (a, b) = (path(c, &a)?, path(c, &b)?);
    f(&disk(c), Path::new(&a), Path::new(&b)).map_err(|e| fault(c, e, Some(&a), Some(&b)))?;
    Ok(Value::None)
}
fn symlink(c: &mut Call) -> Res<Value> {
    at_two(c, Disk::make_link)
}
fn link(c: &mut Call) -> Res<Value> {
    at_two(c, Disk::make_name)
}
fn readlink(c: &mut Call) -> Res<Value> {
    let to = at(c, Disk::read_link)?;
    Ok(c.string(to.to_string_lossy().into_owned()))
}
fn chmod(c: &mut Call) -> Res<Value> {
    let mode = c.arg(1);
    let mode = c.index(&mode)? as u32;
    at(c, |d, p| d.set_mode(p, mode))?;
    Ok(Value::None)
}

fn kill(c: &mut Call) -> Res<Value> {
    let (pid, signal) = (c.arg(0), c.arg(1));
    let (pid, signal) = (c.index(&pid)?, c.index(&signal)?);
    if c.held.simulated() {
        return kill_simulated(c, pid, signal);
    }
    let (Ok(pid), Ok(signal)) = (i32::try_from(pid), i32::try_from(signal)) else {
        return Err(c.raise(TypeId::OverflowError, "Python int too large to convert to C int"));
    };
    host::kill(pid, signal).map_err(|e| os_error::raise(c, &e, None))?;
    Ok(Value::None)
}

/// A simulated process is ended, or asked for; it has no other use for signals.
fn kill_simulated(c: &mut Call, pid: i64, signal: i64) -> Res<Value> {
    let id = u32::try_from(pid).ok().filter(|n| *n > 1).map(ProcessId);
    let (Some(id), 9 | 15) = (id, signal) else {
        let text = "os.kill: a simulation knows SIGKILL and SIGTERM for child processes only";
        return Err(c.raise(TypeId::NotImplementedError, text));
    };
    c.held.end_process(id, -(signal as i32));
    Ok(Value::None)
}

fn exit_now(c: &mut Call) -> Res<Value> {
    let status = c.arg(0);
    let status = c.index(&status)? as i32;
    if c.held.simulated() {
        let me = c.held.process();
        if me == ProcessId::MAIN {
            let text = "os._exit: the first process of a simulation ends by sys.exit()";
            return Err(c.raise(TypeId::NotImplementedError, text));
        }
        c.held.end_process(me, status & 0xff);
    }
    host::exit_at_once(status)
}

fn ids(c: &mut Call) -> Res<Value> {
    let all = host::ids().into_iter().map(|n| Value::Int(n.into())).collect();
    Ok(c.tuple(all))
}

fn terminal_size(c: &mut Call) -> Res<Value> {
    match crate::world::terminal::size() {
        Some((width, height)) => Ok(c.tuple(vec![Value::Int(width.into()), Value::Int(height.into())])),
        None => Ok(Value::None),
    }
}
