//! Pipes of the system by number, as `os.pipe` gives them to scripts.
//!
//! The numbers are those of the system, but only descriptors that were made here can be used: a script
//! cannot touch the process's own. Nothing here knows a lock: callers give theirs up before they block.

use super::{Nanos, thread};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

/// Kept alive by whoever is reading, so closing one does not give its number away under a reader.
static OPEN: Mutex<BTreeMap<i32, Arc<OwnedFd>>> = Mutex::new(BTreeMap::new());

/// Stack of an echo's thread, which calls nothing deep.
const ECHO_STACK_BYTES: usize = 128 << 10;
/// The most that an echo takes at once.
const ECHO_BYTES: usize = 64 << 10;

/// The numbers of a new pipe's ends: reading, writing.
pub fn open() -> io::Result<(i32, i32)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((enter(reader), enter(writer)))
}

fn enter(fd: OwnedFd) -> i32 {
    let number = fd.as_raw_fd();
    OPEN.lock().insert(number, Arc::new(fd));
    number
}

/// What an operation says on a descriptor that is not open.
pub fn bad_descriptor() -> io::Error {
    Errno::BADF.into()
}

/// What it says on a number that makes no sense.
pub fn invalid() -> io::Error {
    Errno::INVAL.into()
}

fn find(number: i32) -> io::Result<Arc<OwnedFd>> {
    OPEN.lock().get(&number).cloned().ok_or_else(bad_descriptor)
}

pub fn close(number: i32) -> io::Result<()> {
    OPEN.lock().remove(&number).map(drop).ok_or_else(bad_descriptor)
}

/// Waits until there is something to read or the other end is closed; false when `length` has passed.
pub fn await_data(number: i32, length: Nanos) -> io::Result<bool> {
    let fd = find(number)?;
    let length = Timespec { tv_sec: (length / 1_000_000_000) as i64, tv_nsec: (length % 1_000_000_000) as i64 };
    match poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)], Some(&length)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// At most `n` bytes; waits for the first. None: the other end is closed.
pub fn read(number: i32, n: usize) -> io::Result<Vec<u8>> {
    let fd = find(number)?;
    let mut bytes = vec![0; n];
    let got = rustix::io::retry_on_intr(|| rustix::io::read(&*fd, &mut bytes))?;
    bytes.truncate(got);
    Ok(bytes)
}

/// How many bytes were written; waits while the pipe is full.
pub fn write(number: i32, bytes: &[u8]) -> io::Result<usize> {
    let fd = find(number)?;
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(&*fd, bytes))?)
}

/// An echo: what is written to the second descriptor can be read from the first, `delay` later. The
/// system's thread that does this is no script thread, and ends when the writing end is closed.
pub fn echo(delay: Nanos) -> io::Result<(i32, i32)> {
    let (there, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    let (reader, back) = pipe_with(PipeFlags::CLOEXEC)?;
    let body = move || {
        thread::exact_timers();
        let mut bytes = vec![0; ECHO_BYTES];
        while let Ok(n @ 1..) = rustix::io::retry_on_intr(|| rustix::io::read(&there, &mut bytes)) {
            thread::sleep(delay);
            let mut left = &bytes[..n];
            while !left.is_empty() {
                match rustix::io::retry_on_intr(|| rustix::io::write(&back, left)) {
                    Ok(n) => left = &left[n..],
                    Err(_) => return,
                }
            }
        }
    };
    thread::start("echo", ECHO_STACK_BYTES, Box::new(body))?;
    Ok((enter(reader), enter(writer)))
}
