//! The descriptors that scripts know by number: pipes, sockets, files.
//!
//! The numbers are those of the system, but only what was entered here can be used, and the three standard
//! streams: a script cannot touch the process's own. Nothing here knows a lock: callers give theirs up
//! before they wait.

use super::work::Descriptor;
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

/// Kept alive by whoever is reading, so closing one does not give its number away under a reader.
static OPEN: Mutex<BTreeMap<i32, Descriptor>> = Mutex::new(BTreeMap::new());

/// The number of a descriptor that scripts may use from now on.
pub fn enter(fd: OwnedFd) -> i32 {
    adopt(Arc::new(fd))
}

/// The same for one that is known elsewhere, too.
pub fn adopt(fd: Descriptor) -> i32 {
    let number = fd.as_raw_fd();
    OPEN.lock().insert(number, fd);
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

pub fn find(number: i32) -> io::Result<Descriptor> {
    if let Some(fd) = OPEN.lock().get(&number) {
        return Ok(fd.clone());
    }
    let copy = |fd| rustix::io::fcntl_dupfd_cloexec(fd, 3).map(Arc::new).map_err(io::Error::from);
    match number {
        0 => copy(rustix::stdio::stdin()),
        1 => copy(rustix::stdio::stdout()),
        2 => copy(rustix::stdio::stderr()),
        _ => Err(bad_descriptor()),
    }
}

pub fn close(number: i32) -> io::Result<()> {
    OPEN.lock().remove(&number).map(drop).ok_or_else(bad_descriptor)
}

/// A second number for the same thing.
pub fn duplicate(number: i32) -> io::Result<i32> {
    Ok(enter(rustix::io::fcntl_dupfd_cloexec(&*find(number)?, 3)?))
}

/// Waits until there is something to read or the other end is closed; false when `length` has passed.
pub fn await_data(number: i32, length: super::Nanos) -> io::Result<bool> {
    let fd = find(number)?;
    let length = Timespec { tv_sec: (length / 1_000_000_000) as i64, tv_nsec: (length % 1_000_000_000) as i64 };
    match poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)], Some(&length)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// At most `n` bytes; waits for the first. None: the other end is closed, the file is over.
pub fn read(number: i32, n: usize) -> io::Result<Vec<u8>> {
    let fd = find(number)?;
    let mut bytes = vec![0; n];
    loop {
        match rustix::io::read(&*fd, &mut bytes) {
            Ok(got) => {
                bytes.truncate(got);
                return Ok(bytes);
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// How many bytes were written; waits while there is no room.
pub fn write(number: i32, bytes: &[u8]) -> io::Result<usize> {
    let fd = find(number)?;
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(&*fd, bytes))?)
}

/// The soft and the hard limit of a resource of this process, by the system's number; None: no limit.
pub fn limit(resource: u32) -> Option<[Option<u64>; 2]> {
    let limit = rustix::process::getrlimit(named_limit(resource)?);
    Some([limit.current, limit.maximum])
}

/// Sets both.
pub fn set_limit(resource: u32, [current, maximum]: [Option<u64>; 2]) -> io::Result<()> {
    let which = named_limit(resource).ok_or_else(invalid)?;
    rustix::process::setrlimit(which, rustix::process::Rlimit { current, maximum })?;
    super::child::forget_template();
    Ok(())
}

fn named_limit(resource: u32) -> Option<rustix::process::Resource> {
    use rustix::process::Resource as R;
    const ALL: [R; 10] = [R::Cpu, R::Fsize, R::Data, R::Stack, R::Core, R::Rss, R::Nproc, R::Nofile, R::Memlock, R::As];
    ALL.get(usize::try_from(resource).ok()?).copied()
}
