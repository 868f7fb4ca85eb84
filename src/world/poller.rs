//! Many descriptors watched at once: the kernel remembers them, so that a wait costs no more for ten
//! thousand of them than for one.

use super::work::{Descriptor, READABLE, Step, Work};
use rustix::event::{Timespec, epoll};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// What a descriptor is watched for, and what it is ready for: `EPOLLIN`, `EPOLLOUT`, `EPOLLERR`, `EPOLLHUP`.
pub const IN: u32 = 1;
pub const PRI: u32 = 2;
pub const OUT: u32 = 4;
pub const ERR: u32 = 8;
pub const HUP: u32 = 16;

/// Ready descriptors that one look takes; those beyond are found by the next.
const AT_ONCE: usize = 1024;

/// A set of watched descriptors.
#[derive(Clone)]
pub struct Poller(Descriptor);

impl Poller {
    pub fn new() -> io::Result<Poller> {
        let fd: OwnedFd = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Poller(Arc::new(fd)))
    }

    fn flags(mask: u32) -> epoll::EventFlags {
        epoll::EventFlags::from_bits_retain(mask)
    }

    pub fn add(&self, fd: &Descriptor, number: i32, mask: u32) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number as u64);
        Ok(epoll::add(&self.0, fd, data, Poller::flags(mask))?)
    }

    pub fn modify(&self, fd: &Descriptor, number: i32, mask: u32) -> io::Result<()> {
        let data = epoll::EventData::new_u64(number as u64);
        Ok(epoll::modify(&self.0, fd, data, Poller::flags(mask))?)
    }

    pub fn remove(&self, fd: &Descriptor) -> io::Result<()> {
        Ok(epoll::delete(&self.0, fd)?)
    }

    /// Those that are ready now, by number, and what for.
    pub fn ready(&self) -> io::Result<Vec<(i32, u32)>> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(AT_ONCE);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(&self.0, rustix::buffer::spare_capacity(&mut events), Some(&at_once)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(events
            .iter()
            .map(|e| {
                // Copies: the kernel's record has no room for alignment.
                let (data, flags) = (e.data, e.flags);
                (data.u64() as i32, flags.bits())
            })
            .collect())
    }
}

/// Waiting for a set: what is found stays here.
pub struct Watch {
    poller: Poller,
    pub found: Mutex<io::Result<Vec<(i32, u32)>>>,
}

impl Watch {
    pub fn new(poller: Poller) -> Watch {
        Watch { poller, found: Mutex::new(Ok(Vec::new())) }
    }

    /// What the last look found.
    pub fn take(&self) -> io::Result<Vec<(i32, u32)>> {
        std::mem::replace(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner), Ok(Vec::new()))
    }
}

impl Work for Watch {
    fn step(&self) -> Step {
        let found = self.poller.ready();
        if matches!(&found, Ok(rows) if rows.is_empty()) {
            return Step::Wants(vec![(self.poller.0.clone(), READABLE)]);
        }
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Step::Done
    }
}
