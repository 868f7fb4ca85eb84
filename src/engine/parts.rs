//! What the processes of a run leave for the first one: files in a folder that their configuration names.
//!
//! A part is whole or not there at all. Who is killed leaves none. The folder is made by the first process that
//! leaves something and goes with the last look.

use crate::world::host;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A folder for one run, which does not exist yet.
pub fn folder(what: &str) -> PathBuf {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    host::temp_dir().join(format!("kit-{what}-{}-{}", host::process_id(), RUNS.fetch_add(1, Relaxed)))
}

/// Leaves a part under a name of its own.
pub fn leave(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    match host::make_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // The reader looks at names that end in `.part` only.
    let (draft, part) = (folder.join(format!("{name}.draft")), folder.join(format!("{name}.part")));
    host::write_file(&draft, bytes, false)?;
    host::rename(&draft, &part)
}

/// Takes all parts out of the folder, and the folder away.
pub fn gather(folder: &Path, mut each: impl FnMut(&str, Vec<u8>)) -> io::Result<()> {
    if !host::is_dir(folder) {
        return Ok(());
    }
    for name in host::list_dir(folder)? {
        let path = folder.join(&name);
        if name.ends_with(".part") {
            each(&name, host::read_file(&path)?);
        }
        host::remove_file(&path)?;
    }
    host::remove_dir(folder)
}
