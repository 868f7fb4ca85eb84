//! Open files of the system: opening, reading, writing, places. Nothing here buffers; what may wait is
//! called without the interpreter lock.

use parking_lot::{Condvar, Mutex};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub fn open_by_flags(path: &str, flags: u32, mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::from_bits_retain(flags) | OFlags::CLOEXEC;
    loop {
        match rustix::fs::open(path, flags, Mode::from_bits_retain(mode)) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Where it is now.
pub fn seek(fd: &impl AsFd, offset: i64, whence: i64) -> io::Result<u64> {
    let to = match whence {
        0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| io::Error::from(Errno::INVAL))?),
        1 => SeekFrom::Current(offset),
        2 => SeekFrom::End(offset),
        _ => return Err(Errno::INVAL.into()),
    };
    Ok(rustix::fs::seek(fd, to)?)
}

pub fn status(fd: &impl AsFd) -> io::Result<super::host::Status> {
    let s = rustix::fs::fstat(fd)?;
    let ns = |s: i64, ns: u64| s.saturating_mul(1_000_000_000).saturating_add(ns as i64);
    Ok(super::host::Status {
        mode: s.st_mode,
        inode: s.st_ino,
        size: s.st_size as u64,
        times_ns: [
            ns(s.st_atime, s.st_atime_nsec as u64),
            ns(s.st_mtime, s.st_mtime_nsec as u64),
            ns(s.st_ctime, s.st_ctime_nsec as u64),
        ],
        owner: (s.st_uid, s.st_gid),
        links: s.st_nlink as u64,
        device: s.st_dev as u64,
    })
}

pub fn truncate(fd: &impl AsFd, length: u64) -> io::Result<()> {
    Ok(rustix::fs::ftruncate(fd, length)?)
}

pub fn sync(fd: &impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fsync(fd)?)
}

pub fn is_terminal(fd: &impl AsFd) -> bool {
    rustix::termios::isatty(fd)
}

/// A regular file never makes a reader wait for somebody else.
pub fn is_regular(fd: &impl AsFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile)
}

pub fn is_folder(fd: &impl AsFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Directory)
}

/// Stack of a thread that opens, which calls nothing deep.
const STACK_BYTES: usize = 128 << 10;

/// Opening what may wait for ever, on a thread of its own.
#[derive(Clone)]
pub struct Opening(Arc<(Mutex<Option<io::Result<OwnedFd>>>, Condvar)>);

impl Opening {
    pub fn begin(path: String, flags: u32) -> io::Result<Opening> {
        let opening = Opening(Arc::default());
        let told = opening.clone();
        let body = move || {
            let opened = open_by_flags(&path, flags, 0o666);
            *told.0.0.lock() = Some(opened);
            told.0.1.notify_all();
        };
        super::thread::start("opener", STACK_BYTES, Box::new(body))?;
        Ok(opening)
    }

    /// What came of it; `None`: nothing yet, `length` has passed.
    pub fn wait(&self, length: super::Nanos) -> Option<io::Result<OwnedFd>> {
        let mut done = self.0.0.lock();
        if done.is_none() {
            self.0.1.wait_for(&mut done, Duration::from_nanos(length));
        }
        done.take()
    }
}

/// A named pipe stands there.
pub fn is_pipe(path: &str) -> bool {
    rustix::fs::stat(path).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Fifo)
}

/// What opening a folder says.
pub fn folder() -> io::Error {
    Errno::ISDIR.into()
}

pub fn read(fd: &impl AsFd, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; n];
    let got = rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut bytes))?;
    bytes.truncate(got);
    Ok(bytes)
}

/// What is in memory already, up to `n` bytes: never waits for the disk. `None`: not to be had that way.
pub fn read_now(fd: &impl AsFd, n: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; n];
    let room = &mut [io::IoSliceMut::new(&mut bytes)];
    let got = rustix::io::preadv2(fd, room, u64::MAX, rustix::io::ReadWriteFlags::NOWAIT).ok()?;
    bytes.truncate(got);
    Some(bytes)
}

/// Brings what a read at this place would give into memory.
pub fn fetch(fd: &impl AsFd, n: usize) {
    let mut bytes = vec![0; n];
    if let Ok(at) = rustix::fs::seek(fd, SeekFrom::Current(0)) {
        // The read that follows meets the same error.
        let _ = rustix::io::pread(fd, &mut bytes, at);
    }
}

pub fn write(fd: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))?)
}

/// Fails when this process may not read (4), write (2) or run (1) it.
pub fn access(path: &Path, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::from_bits_retain(mode))?)
}

/// Read and changed, in nanoseconds since 1970; `None`: now.
pub fn set_times(path: &Path, times: Option<[i64; 2]>, follow: bool) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
    let moment = |ns: Option<i64>| match ns {
        Some(ns) => Timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) as _ },
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW as _ },
    };
    let times = Timestamps { last_access: moment(times.map(|t| t[0])), last_modification: moment(times.map(|t| t[1])) };
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    Ok(rustix::fs::utimensat(CWD, path, &times, flags)?)
}

/// Size of a block; blocks in all, free, free for everybody; files, free ones.
pub fn disk(path: &Path) -> io::Result<[u64; 6]> {
    let s = rustix::fs::statvfs(path)?;
    Ok([s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree])
}
