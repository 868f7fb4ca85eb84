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
