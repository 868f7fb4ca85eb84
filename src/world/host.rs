//! Files, standard input, arguments, environment, the end of the process.

#![allow(unsafe_code)]

use std::io::{self, Read};
use std::path::Path;

pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Writes a whole file; `append` adds to its end.
pub fn write_file(path: &Path, bytes: &[u8], append: bool) -> io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true);
    let mut file = if append { options.append(true) } else { options.write(true).truncate(true) }.open(path)?;
    file.write_all(bytes)
}

/// Whether a file (not a folder) stands at `path`: what `import` asks.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}

pub fn remove_file(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Makes a folder; its parent must exist.
pub fn make_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// The same; `mode` says who may do what there, as far as the process allows.
pub fn make_dir_with(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(mode).create(path)
}

pub fn remove_dir(path: &Path) -> io::Result<()> {
    std::fs::remove_dir(path)
}

/// Names in a folder, sorted: the order that the OS gives is no order.
pub fn list_dir(path: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(path)?;
    let mut names =
        entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

pub fn file_size(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// The whole of standard input.
pub fn read_stdin() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// At most `n` bytes of standard input; waits until there are so many, or its end.
pub fn read_stdin_some(n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a person types at standard input.
pub fn input_is_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stdin())
}

/// One line of standard input with its line end; empty at the end of the input.
pub fn read_stdin_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// The command line, the program's name first. What is not Unicode is replaced, never refused.
pub fn args() -> Vec<String> {
    std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect()
}

pub fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All variables of the environment; what is not Unicode is replaced.
pub fn env_vars() -> Vec<(String, String)> {
    let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
    std::env::vars_os().map(|(k, v)| (text(k), text(v))).collect()
}

pub fn current_dir() -> io::Result<std::path::PathBuf> {
    std::env::current_dir()
}

/// Where short-lived files may lie.
pub fn temp_dir() -> std::path::PathBuf {
    std::env::temp_dir()
}

pub fn process_id() -> u32 {
    std::process::id()
}

/// The process that started this one, or that took its place; 0 if it is none of ours to see.
pub fn parent_id() -> u32 {
    rustix::process::getppid().map_or(0, |p| p.as_raw_nonzero().get().cast_unsigned())
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Flushes standard output and ends the process, whatever other threads are doing.
pub fn exit(code: i32) -> ! {
    super::file::flush_all();
    super::out::flush_quietly();
    exit_at_once(code)
}

/// Renames a file or folder; what stands at the new name is replaced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// The absolute path without links; what is missing at its end stays as it is.
pub fn real_path(path: &Path) -> io::Result<std::path::PathBuf> {
    std::fs::canonicalize(path)
}

pub fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

/// Makes `path` the folder that relative paths start from.
pub fn set_current_dir(path: &Path) -> io::Result<()> {
    std::env::set_current_dir(path)
}

/// What the system knows of a file.
#[derive(Clone, Debug)]
pub struct Status {
    pub mode: u32,
    pub inode: u64,
    pub size: u64,
    /// Nanoseconds since 1970: read, changed, its entry changed.
    pub times_ns: [i64; 3],
    pub owner: (u32, u32),
    pub links: u64,
    pub device: u64,
}

pub fn status(path: &Path, follow: bool) -> io::Result<Status> {
    use std::os::unix::fs::MetadataExt;
    let m = if follow { std::fs::metadata(path)? } else { std::fs::symlink_metadata(path)? };
    let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    Ok(Status {
        mode: m.mode(),
        inode: m.ino(),
        size: m.len(),
        times_ns: [ns(m.atime(), m.atime_nsec()), ns(m.mtime(), m.mtime_nsec()), ns(m.ctime(), m.ctime_nsec())],
        owner: (m.uid(), m.gid()),
        links: m.nlink(),
        device: m.dev(),
    })
}

/// Makes a symbolic link at `at` that leads to `to`.
pub fn make_link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

/// Makes a second name of a file.
pub fn make_name(of: &Path, at: &Path) -> io::Result<()> {
    std::fs::hard_link(of, at)
}

pub fn read_link(path: &Path) -> io::Result<std::path::PathBuf> {
    std::fs::read_link(path)
}

pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Sends a signal to a process; signal 0 only asks whether it is there.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};
    let wrong = || io::Error::from_raw_os_error(22);
    let pid = Pid::from_raw(pid).filter(|_| pid > 0).ok_or_else(wrong)?;
    if signal == 0 {
        return Ok(test_kill_process(pid)?);
    }
    Ok(kill_process(pid, Signal::from_named_raw(signal).ok_or_else(wrong)?)?)
}

/// Ends the process without flushing.
pub fn exit_at_once(code: i32) -> ! {
    // Not by `exit`, which would give back memory that goes with the process anyway.
    // SAFETY: ends the process; nothing of ours is registered to run at its end.
    unsafe { libc::_exit(code) }
}

/// User, effective user, group, effective group.
pub fn ids() -> [u32; 4] {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    [getuid().as_raw(), geteuid().as_raw(), getgid().as_raw(), getegid().as_raw()]
}
