//! Files, standard input, arguments, environment, the end of the process.

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
    std::process::exit(code)
}
