//! What was written to files and has not gone out. It goes out when the buffer is full, when the file is
//! closed, and at the end of the process also for files that nobody closed.

use super::disk::File;
use super::handle;
use super::overlay::Stamp;
use super::work::Descriptor;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

/// The writing side of an open file. Pieces go out in the order in which they were taken, also when the
/// threads that carry them run at once (`Piece`).
pub struct Out {
    pub fd: Descriptor,
    /// In an overlay: where to say that it was written to, and when it last was.
    stamp: Option<(Arc<Stamp>, AtomicI64)>,
    buffer: Mutex<Vec<u8>>,
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Default)]
struct Turns {
    given: u64,
    served: u64,
}

/// Bytes on their way out, and their place in the row.
pub struct Piece {
    bytes: Vec<u8>,
    turn: u64,
}

/// The files that are open, for the end of the process.
static OPEN: Mutex<Vec<Weak<Out>>> = Mutex::new(Vec::new());

impl Out {
    pub fn new(file: &File) -> Arc<Out> {
        let out = Arc::new(Out {
            fd: file.fd.clone(),
            stamp: file.here.as_ref().map(|(_, stamp)| (stamp.clone(), AtomicI64::new(0))),
            buffer: Mutex::default(),
            turns: Mutex::default(),
            changed: Condvar::new(),
        });
        let mut open = OPEN.lock();
        if open.len() == open.capacity() {
            open.retain(|f| f.strong_count() > 0);
        }
        open.push(Arc::downgrade(&out));
        out
    }

    /// Says at what moment the script is: what goes out bears it, also if nobody sends it out but the end of the
    /// file. Only an overlay wants to know.
    pub fn at(&self, now: impl FnOnce() -> i64) {
        if let Some((_, time)) = &self.stamp {
            time.store(now(), Relaxed);
        }
    }

    /// Adds to the buffer; says how much it holds.
    pub fn push(&self, bytes: &[u8]) -> usize {
        let mut buffer = self.buffer.lock();
        buffer.extend_from_slice(bytes);
        buffer.len()
    }

    pub fn pending(&self) -> usize {
        self.buffer.lock().len()
    }

    /// Takes what is to be written; `None`: nothing is.
    pub fn take(&self) -> Option<Piece> {
        let bytes = std::mem::take(&mut *self.buffer.lock());
        if bytes.is_empty() {
            return None;
        }
        let mut turns = self.turns.lock();
        turns.given += 1;
        Some(Piece { bytes, turn: turns.given })
    }

    /// Writes a piece when its turn has come; what could not be written goes back to the buffer.
    pub fn write(&self, piece: Piece) -> io::Result<()> {
        let mut turns = self.turns.lock();
        while turns.served + 1 != piece.turn {
            self.changed.wait(&mut turns);
        }
        drop(turns);
        let mut left = &piece.bytes[..];
        let mut done = Ok(());
        while !left.is_empty() && done.is_ok() {
            match handle::write(&self.fd, left) {
                Ok(n) => left = &left[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let _ = super::work::ready(&[(self.fd.clone(), super::work::WRITABLE)], None);
                }
                Err(e) => done = Err(e),
            }
        }
        if let Some((stamp, time)) = &self.stamp {
            stamp.touch(time.load(Relaxed));
        }
        if !left.is_empty() {
            let mut buffer = self.buffer.lock();
            let later = std::mem::replace(&mut *buffer, left.to_vec());
            buffer.extend(later);
        }
        self.turns.lock().served += 1;
        self.changed.notify_all();
        done
    }

    fn drain(&self) {
        if let Some(piece) = self.take() {
            // Nobody is left to hear of an error: `close` has told it before.
            let _ = self.write(piece);
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.drain();
    }
}

/// Sends out what any open file still buffers.
pub(super) fn flush_all() {
    for file in OPEN.lock().drain(..) {
        if let Some(file) = file.upgrade() {
            file.drain();
        }
    }
}

/// A new file for a report, written piece by piece.
pub fn create(path: &std::path::Path) -> io::Result<Box<dyn io::Write>> {
    Ok(Box::new(io::BufWriter::new(std::fs::File::create(path)?)))
}
