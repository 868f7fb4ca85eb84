//! Files that are written piece by piece. What is buffered goes out when the file is closed, when the
//! buffer is full, and at the end of the process also for files that nobody closed.

use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
pub use std::io::SeekFrom;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Weak};

const BUFFER_BYTES: usize = 8 << 10;

/// How a file is opened for writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Emptied, made if missing (`w`).
    Truncate,
    /// Added to, made if missing (`a`).
    Append,
    /// Made; an error if it exists (`x`).
    New,
}

struct Buffered {
    file: File,
    buffer: Vec<u8>,
}

impl Buffered {
    fn drain(&mut self) -> io::Result<()> {
        let result = self.file.write_all(&self.buffer);
        self.buffer.clear();
        result
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        // Nobody is left to hear of an error: `close` has told it before.
        let _ = self.drain();
    }
}

/// A file open for writing; closed when dropped.
pub struct Writer(Arc<Mutex<Buffered>>);

/// The files that are open, for the end of the process.
static OPEN: Mutex<Vec<Weak<Mutex<Buffered>>>> = Mutex::new(Vec::new());

impl Writer {
    pub fn open(path: &Path, mode: Mode) -> io::Result<Writer> {
        Writer::of(Writer::options(mode).open(path)?)
    }

    /// Opens a file to be read and written (`+`; no mode: it must be there), and gives what is in it.
    pub fn update(path: &Path, mode: Option<Mode>) -> io::Result<(Writer, Vec<u8>)> {
        let mut options = match mode {
            Some(mode) => Writer::options(mode),
            None => OpenOptions::new(),
        };
        if mode.is_none() {
            options.write(true);
        }
        let mut file = options.read(true).open(path)?;
        let mut data = Vec::new();
        file.read_to_end(&mut data)?;
        Ok((Writer::of(file)?, data))
    }

    fn options(mode: Mode) -> OpenOptions {
        let mut options = OpenOptions::new();
        match mode {
            Mode::Truncate => options.write(true).create(true).truncate(true),
            Mode::Append => options.append(true).create(true),
            Mode::New => options.write(true).create_new(true),
        };
        options
    }

    fn of(mut file: File) -> io::Result<Writer> {
        // Where what is added begins; a pipe or a terminal has no places.
        let _ = file.seek(SeekFrom::End(0));
        let file = Arc::new(Mutex::new(Buffered { file, buffer: Vec::new() }));
        let mut open = OPEN.lock();
        open.retain(|f| f.strong_count() > 0);
        open.push(Arc::downgrade(&file));
        Ok(Writer(file))
    }

    /// Writes at a place, past the buffer.
    pub fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().file.write_all_at(bytes, at)
    }

    /// Sends out what is buffered and goes to a place; says which.
    pub fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let mut file = self.0.lock();
        file.drain()?;
        file.file.seek(to)
    }

    /// Cuts the file off, or fills it up with zeros.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        let mut file = self.0.lock();
        file.drain()?;
        file.file.set_len(len)
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock();
        file.buffer.extend_from_slice(bytes);
        if file.buffer.len() >= BUFFER_BYTES { file.drain() } else { Ok(()) }
    }

    pub fn flush(&self) -> io::Result<()> {
        self.0.lock().drain()
    }
}

/// Sends out what any open file still buffers.
pub(super) fn flush_all() {
    for file in OPEN.lock().drain(..) {
        if let Some(file) = file.upgrade()
            && let Some(mut file) = file.try_lock()
        {
            let _ = file.drain();
        }
    }
}
