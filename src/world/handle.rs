//! Open files of the system: opening, reading, writing, places. Nothing here buffers; what may wait is
//! called without the interpreter lock.

use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

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

pub fn write(fd: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))?)
}
