//! The template: a copy of this binary that has done what every child of this process would do first, and
//! then waits. A child is forked from it and goes on from there, so it neither loads the program nor does
//! that work again.
//!
//! The kernel makes the new process a child of the template's parent (`CLONE_PARENT`): parent number, wait,
//! death signal and signals of the terminal are as if the parent had started it itself.
//!
//! P1 The template has one thread, always: nothing that a fork copies is in the middle of something.
//! P2 A forked process has the streams and the working folder that its parent has at that moment, no
//!    descriptor of the template's, and the template's signal mask of before `serve`.
//! P3 What a template cannot do (it is gone, it does not answer, a stream is closed) its parent does by
//!    starting the binary; nobody sees a difference but in time.
//!
//! Not here: what is prepared (`engine/template.rs`), starting and reaping (`child.rs`).

#![allow(unsafe_code)]

use super::channel::Channel;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// How long the answer to a request may take before the template counts as lost: one that has ended says so at once,
/// one that waits for a core is no lost one.
const PATIENCE_S: i64 = 60;

/// The parent's side.
pub(super) struct Template {
    channel: Channel,
    pub(super) pid: u32,
}

impl Template {
    pub(super) fn new(channel: Channel, pid: u32) -> Template {
        Template { channel, pid }
    }

    /// A new child of this process with `theirs` as its standard input; its number. `TimedOut` if the
    /// template does not answer.
    pub(super) fn fork(&self, theirs: Channel) -> io::Result<u32> {
        let folder = rustix::fs::openat(CWD, ".", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let shared = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map(Arc::new);
        let (out, err) = (shared(rustix::stdio::stdout())?, shared(rustix::stdio::stderr())?);
        self.channel.send_descriptors(&[Arc::new(theirs.into_descriptor()), out, err, Arc::new(folder)])?;
        let patience = rustix::time::Timespec { tv_sec: PATIENCE_S, tv_nsec: 0 };
        let answered = poll(&mut [PollFd::new(&self.channel, PollFlags::IN)], Some(&patience))?;
        if answered == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let frame = self.channel.receive()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let answer = frame.try_into().map(i32::from_le_bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        u32::try_from(answer).map_err(|_| io::Error::from_raw_os_error(answer.wrapping_neg()))
    }
}

/// Which side of a fork returns from `serve`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// A new process, whose standard input is its channel.
    Forked,
    /// The template, at its end: the parent has closed the channel.
    Template,
}

/// The template's side: answers requests until there are no more. Returns in every process that it makes.
pub fn serve(channel: Channel) -> io::Result<Side> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("a template has one thread"));
    }
    let before = interrupts_wait()?;
    loop {
        let Ok(descriptors) = channel.receive_descriptors(4) else { return Ok(Side::Template) };
        let answer = match fork() {
            Ok(0) => {
                drop(channel);
                take_over(&descriptors)?;
                set_mask(&before)?;
                return Ok(Side::Forked);
            }
            Ok(pid) => pid,
            Err(e) => -e.raw_os_error().unwrap_or(libc::EIO),
        };
        drop(descriptors);
        if channel.send(&answer.to_le_bytes()).is_err() {
            return Ok(Side::Template);
        }
    }
}

/// In the new process: its own streams and folder.
fn take_over(descriptors: &[Arc<OwnedFd>]) -> io::Result<()> {
    let [channel, out, err, folder] = descriptors else { return Err(io::ErrorKind::InvalidData.into()) };
    rustix::stdio::dup2_stdin(channel.as_fd())?;
    rustix::stdio::dup2_stdout(out.as_fd())?;
    rustix::stdio::dup2_stderr(err.as_fd())?;
    Ok(rustix::process::fchdir(folder.as_fd())?)
}

/// Keeps Ctrl-C, which the terminal sends to all processes, waiting: a template is not there for the user.
/// What waits is not inherited by the processes it makes. Returns the mask of before.
fn interrupts_wait() -> io::Result<libc::sigset_t> {
    let (mut set, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are ours to write; `sigemptyset` writes all of the first, a successful call of
    // `pthread_sigmask` all of the second.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
        match libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            e => Err(io::Error::from_raw_os_error(e)),
        }
    }
}

fn set_mask(mask: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: a set that `pthread_sigmask` wrote.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) } {
        0 => Ok(()),
        e => Err(io::Error::from_raw_os_error(e)),
    }
}

/// A copy of this process as a child of its parent; 0 in the copy, there the number.
fn fork() -> io::Result<i32> {
    let flags = libc::CLONE_PARENT | libc::SIGCHLD;
    // SAFETY: without CLONE_VM the copy has memory of its own and goes on here as after `fork`. P1: no other
    // thread is in the middle of anything that the copy would find half done, a held mutex among it. The
    // C library's own fork would do no more for a process of one thread but note its new number, which it
    // uses for locks that know their owner by number: ours do not.
    match unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0, 0, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(i32::try_from(pid).unwrap_or(0)),
    }
}
