//! What several processes share: a row of bytes, and permits. Both are files of the system, so that they
//! are handed over as descriptors and end with their last holder.

#![allow(unsafe_code)]

use super::work::{Descriptor, Step, WRITABLE, Work, ready};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, Mode, SealFlags, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::shm;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

/// A number of permits.
#[derive(Clone, Debug)]
pub struct Permits(pub Descriptor);

impl Permits {
    pub fn new(value: u32) -> io::Result<Permits> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE;
        Ok(Permits(Arc::new(eventfd(value, flags)?)))
    }
    /// Takes one if there is one; says whether.
    pub fn take(&self) -> io::Result<bool> {
        loop {
            match rustix::io::read(&*self.0, &mut [0; 8]) {
                Ok(_) => return Ok(true),
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
    pub fn give(&self) -> io::Result<()> {
        rustix::io::write(&*self.0, &1u64.to_ne_bytes())?;
        Ok(())
    }
    /// Whether there is one.
    pub fn any(&self) -> io::Result<bool> {
        Ok(ready(&[(self.0.clone(), super::work::READABLE)], Some(0))? == [true])
    }
    /// How many there are: the system says it in a file about the descriptor only.
    pub fn count(&self) -> io::Result<u64> {
        let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", self.0.as_raw_fd()))?;
        let count = facts.lines().find_map(|l| l.strip_prefix("eventfd-count:"));
        let count = count.and_then(|c| u64::from_str_radix(c.trim(), 16).ok());
        count.ok_or_else(|| io::Error::other("the system does not say how many permits there are"))
    }
}

/// Takes a permit as soon as there is one.
pub struct Taking {
    pub permits: Permits,
    pub taken: std::sync::atomic::AtomicBool,
}

impl Work for Taking {
    fn step(&self) -> Step {
        match self.permits.take() {
            Ok(false) => Step::Wants(vec![(self.permits.0.clone(), super::work::READABLE)]),
            Ok(true) => {
                self.taken.store(true, std::sync::atomic::Ordering::Release);
                Step::Done
            }
            // The next attempt, with the lock, says what is wrong.
            Err(_) => Step::Done,
        }
    }
}

/// Bytes in memory.
#[derive(Clone, Debug)]
pub struct Memory(pub Descriptor);

impl Memory {
    pub fn new(size: usize) -> io::Result<Memory> {
        let file = memfd_create("kit-shared", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size as u64)?;
        Ok(Memory(Arc::new(file)))
    }
    /// Under a name that other processes can open; `create`: it must not be there.
    pub fn named(name: &str, create: Option<usize>) -> io::Result<Memory> {
        let flags = match create {
            Some(_) => shm::OFlags::RDWR | shm::OFlags::CREATE | shm::OFlags::EXCL,
            None => shm::OFlags::RDWR,
        };
        let file = shm::open(name, flags, Mode::RUSR | Mode::WUSR)?;
        if let Some(size) = create
            && let Err(e) = ftruncate(&file, size as u64)
        {
            shm::unlink(name)?;
            return Err(e.into());
        }
        Ok(Memory(Arc::new(file)))
    }
    pub fn unlink(name: &str) -> io::Result<()> {
        Ok(shm::unlink(name)?)
    }
    pub fn size(&self) -> io::Result<usize> {
        Ok(fstat(&*self.0)?.st_size as usize)
    }
    /// `n` bytes from `at`, fewer at the end.
    pub fn read(&self, at: usize, n: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; n];
        let mut have = 0;
        while have < n {
            match rustix::io::pread(&*self.0, &mut bytes[have..], (at + have) as u64) {
                Ok(0) => break,
                Ok(more) => have += more,
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        bytes.truncate(have);
        Ok(bytes)
    }
    pub fn write(&self, at: usize, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            done += rustix::io::pwrite(&*self.0, &bytes[done..], (at + done) as u64)?;
        }
        Ok(())
    }
}

/// A message as it arrived.
#[derive(Debug)]
pub enum Bytes {
    Owned(Vec<u8>),
    Frozen(Frozen),
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            // SAFETY: `at` is a mapping of `len` bytes that can be read, lives as long as `self` and, as all
            // seals that `Frozen::open` asked for say, neither changes nor gets shorter.
            Bytes::Frozen(f) => unsafe { std::slice::from_raw_parts(f.at.as_ptr(), f.len) },
        }
    }
}

/// The content of a file in memory that nobody can change any more, where it is.
#[derive(Debug)]
pub struct Frozen {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are only read, and belong to no thread.
unsafe impl Send for Frozen {}
// SAFETY: as above.
unsafe impl Sync for Frozen {}

/// What makes the content of a file the same for ever.
pub(super) const FROZEN: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE);

impl Frozen {
    /// A whole file of a length that somebody else has said. `InvalidData` if it has another, or may change.
    pub(super) fn open(file: &OwnedFd, length: usize) -> io::Result<Frozen> {
        let invalid = |text| io::Error::new(io::ErrorKind::InvalidData, text);
        if fstat(file)?.st_size as usize != length || length == 0 {
            return Err(invalid("a message of another length than it says"));
        }
        if !fcntl_get_seals(file)?.contains(FROZEN) {
            return Err(invalid("a message that its sender may still change"));
        }
        let flags = MapFlags::PRIVATE | MapFlags::POPULATE;
        // SAFETY: a new mapping at a place of the system's choice aliases nothing.
        let at = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, flags, file, 0) }?;
        let at = NonNull::new(at.cast()).ok_or_else(|| invalid("no place for a message"))?;
        Ok(Frozen { at, len: length })
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of this length, and nothing borrows from it any more. The system
        // refuses only what is no mapping.
        let unmapped = unsafe { munmap(self.at.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Sends a message as soon as there is room.
pub struct Sending {
    pub socket: super::packet::Socket,
    pub message: std::sync::Mutex<Outgoing>,
}

/// A message on its way out.
pub struct Outgoing {
    pub packet: super::packet::Packet,
    pub result: Option<io::Result<()>>,
}

impl Work for Sending {
    fn step(&self) -> Step {
        let mut m = self.message.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if m.result.is_none() {
            match self.socket.send(&m.packet) {
                Ok(false) => return Step::Wants(vec![(self.socket.0.clone(), WRITABLE)]),
                Ok(true) => m.result = Some(Ok(())),
                Err(e) => m.result = Some(Err(e)),
            }
        }
        Step::Done
    }
}

/// Receives a message as soon as there is one.
pub struct Receiving {
    pub socket: super::packet::Socket,
    pub result: std::sync::Mutex<Option<io::Result<super::packet::Received>>>,
}

impl Work for Receiving {
    fn step(&self) -> Step {
        let mut result = self.result.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if result.is_none() {
            match self.socket.receive() {
                Ok(super::packet::Received::Nothing) => {
                    return Step::Wants(vec![(self.socket.0.clone(), super::work::READABLE)]);
                }
                other => *result = Some(other),
            }
        }
        Step::Done
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Permits};

    #[test]
    fn permits_are_taken_and_given() {
        let p = Permits::new(2).unwrap();
        assert_eq!(p.count().unwrap(), 2);
        assert!(p.take().unwrap() && p.take().unwrap() && !p.take().unwrap());
        assert!(!p.any().unwrap());
        p.give().unwrap();
        assert!(p.any().unwrap() && p.take().unwrap());
    }

    #[test]
    fn memory_is_what_was_written() {
        let m = Memory::new(10).unwrap();
        m.write(4, b"abc").unwrap();
        assert_eq!(m.read(3, 100).unwrap(), b"\0abc\0\0\0");
        assert_eq!(m.size().unwrap(), 10);
    }
}
