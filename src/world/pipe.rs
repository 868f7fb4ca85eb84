//! Pipes of the system by number, as `os.pipe` gives them to scripts, and echoes.

use super::fd::enter;
use super::{Nanos, thread};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;

/// Stack of an echo's thread, which calls nothing deep.
const ECHO_STACK_BYTES: usize = 128 << 10;
/// The most that an echo takes at once.
const ECHO_BYTES: usize = 64 << 10;

/// The numbers of a new pipe's ends: reading, writing.
pub fn open() -> io::Result<(i32, i32)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((enter(reader), enter(writer)))
}

/// An echo: what is written to the second descriptor can be read from the first, `delay` later. The
/// system's thread that does this is no script thread, and ends when the writing end is closed.
pub fn echo(delay: Nanos) -> io::Result<(i32, i32)> {
    let (there, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    let (reader, back) = pipe_with(PipeFlags::CLOEXEC)?;
    start(delay, move |bytes| rustix::io::read(&there, bytes), move |bytes| rustix::io::write(&back, bytes))?;
    Ok((enter(reader), enter(writer)))
}

/// The same over a socket: its other end is the echo.
pub fn echo_socket(delay: Nanos) -> io::Result<i32> {
    let (ours, theirs) = super::net::pair(super::net::AF_UNIX, super::net::SOCK_STREAM, 0)?;
    rustix::io::ioctl_fionbio(&theirs, false)?;
    let there = theirs.try_clone()?;
    start(delay, move |bytes| rustix::io::read(&there, bytes), move |bytes| rustix::io::write(&theirs, bytes))?;
    Ok(enter(ours))
}

type Done = rustix::io::Result<usize>;

fn start(
    delay: Nanos,
    read: impl Fn(&mut [u8]) -> Done + Send + 'static,
    write: impl Fn(&[u8]) -> Done + Send + 'static,
) -> io::Result<()> {
    let body = move || {
        thread::exact_timers();
        let mut bytes = vec![0; ECHO_BYTES];
        while let Ok(n @ 1..) = rustix::io::retry_on_intr(|| read(&mut bytes)) {
            thread::sleep(delay);
            let mut left = &bytes[..n];
            while !left.is_empty() {
                match rustix::io::retry_on_intr(|| write(left)) {
                    Ok(n) => left = &left[n..],
                    Err(_) => return,
                }
            }
        }
    };
    thread::start("echo", ECHO_STACK_BYTES, Box::new(body))
}
