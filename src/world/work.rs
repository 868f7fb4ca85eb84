//! Waiting for descriptors: a thread that waits does the reading and writing itself, without the lock and
//! without a thread in between, and can still be woken.

use super::Nanos;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// A descriptor that lives as long as somebody needs it.
pub type Descriptor = Arc<OwnedFd>;

/// What a descriptor is waited for.
pub const READABLE: PollFlags = PollFlags::IN;
pub const WRITABLE: PollFlags = PollFlags::OUT;

/// How far work has come.
pub enum Step {
    Done,
    /// Nothing to do before one of these is ready.
    Wants(Vec<(Descriptor, PollFlags)>),
}

/// Something to do with descriptors. A step never waits; its result stays in the work.
pub trait Work: Send + Sync {
    fn step(&self) -> Step;
}

/// Work as a wait carries it. Two are equal when they are the same.
#[derive(Clone)]
pub struct Labour(pub Arc<dyn Work>);

impl PartialEq for Labour {
    fn eq(&self, other: &Labour) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Labour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Labour")
    }
}

/// Waits for descriptors, at most `length`; says which are ready (an end or an error is ready, too).
pub fn ready(watched: &[(Descriptor, PollFlags)], length: Option<Nanos>) -> std::io::Result<Vec<bool>> {
    ready_or_bell(watched, None, length)
}

/// The same, and ends when `bell` can be read.
pub(super) fn ready_or_bell(
    watched: &[(Descriptor, PollFlags)],
    bell: Option<&OwnedFd>,
    length: Option<Nanos>,
) -> std::io::Result<Vec<bool>> {
    let mut fds: Vec<PollFd> = watched.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(fd.as_fd(), *flags)).collect();
    fds.extend(bell.map(|b| PollFd::new(b, READABLE)));
    let length = length.map(|ns| Timespec {
        tv_sec: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: (ns % 1_000_000_000) as _,
    });
    match poll(&mut fds, length.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    Ok(fds.iter().take(watched.len()).map(|fd| !fd.revents().is_empty()).collect())
}

/// Waits until one of several descriptors is ready, or, with a deadline in the wait, until then.
pub struct AnyReady(pub Vec<(Descriptor, PollFlags)>);

impl Work for AnyReady {
    fn step(&self) -> Step {
        match ready(&self.0, Some(0)) {
            Ok(is) if !is.contains(&true) => Step::Wants(self.0.clone()),
            // What the OS refuses to watch is for the caller to find out by using it.
            _ => Step::Done,
        }
    }
}
