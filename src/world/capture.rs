//! A child process watched to its end: what it prints and answers is collected, it has a time limit, and
//! Ctrl-C ends it.

use super::child::{Child, Exit, OnExit, Reader};
use super::clock;
use super::{Clock, Nanos};
use crossbeam::channel::{Receiver, Sender, never, unbounded};
use std::io::{self, Read};
use std::sync::Mutex;
use std::time::Duration;

/// What is kept of each stream; the rest is counted and dropped.
const STREAM_BYTES_MAX: usize = 4 << 20;
/// How long streams may stay open after the child has ended: somebody else has inherited them.
const AFTERWARDS_NS: Nanos = 1_000_000_000;

/// Says that the whole thing should stop: Ctrl-C. Clones ask the same question.
#[derive(Clone)]
pub struct Stop(Receiver<()>);

impl Stop {
    /// Set by the first Ctrl-C of this process; the second ends it.
    pub fn on_interrupt() -> io::Result<Stop> {
        let (set, stop) = unbounded::<()>();
        let set = Mutex::new(Some(set));
        super::signal::on_interrupt(Box::new(move || {
            // Nothing is ever sent: a channel that nobody can send to any more is the message.
            if let Ok(mut set) = set.lock() {
                drop(set.take());
            }
        }))?;
        Ok(Stop(stop))
    }

    /// Never set.
    pub fn never() -> Stop {
        Stop(never())
    }

    pub fn asked(&self) -> bool {
        matches!(self.0.try_recv(), Err(crossbeam::channel::TryRecvError::Disconnected))
    }

    /// Waits; true if stopped meanwhile.
    pub fn pause(&self, length: Nanos) -> bool {
        let waited = self.0.recv_timeout(Duration::from_nanos(length));
        matches!(waited, Err(crossbeam::channel::RecvTimeoutError::Disconnected))
    }
}

/// Why the watching ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The child ended by itself.
    Ended,
    /// Its time was over, so it was killed.
    TimedOut,
    /// `Stop` was set, so it was killed.
    Stopped,
}

/// A child that has ended.
#[derive(Debug)]
pub struct Finished {
    pub end: End,
    pub exit: Exit,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// What came over the channel.
    pub frames: Vec<Vec<u8>>,
}

enum Event {
    Exit(Exit),
    Out(Vec<u8>),
    Err(Vec<u8>),
    Frame(Vec<u8>),
    /// One of the three sources is at its end.
    Closed,
}

/// Starts a child by `start` and watches it to its end, at most `limit` long.
pub fn watch(start: impl FnOnce(OnExit) -> io::Result<Child>, limit: Nanos, stop: &Stop) -> io::Result<Finished> {
    let (send, events) = unbounded();
    let exit = send.clone();
    let mut child = start(Box::new(move |how| drop(exit.send(Event::Exit(how)))))?;
    let mut open = 0;
    for (reader, make) in [(child.stdout.take(), Event::Out as fn(Vec<u8>) -> Event), (child.stderr.take(), Event::Err)]
    {
        if let Some(reader) = reader {
            open += 1;
            let send = send.clone();
            super::thread::start("reader", 128 << 10, Box::new(move || pour(reader, &send, make)))?;
        }
    }
    if let Some(channel) = child.channel.take() {
        open += 1;
        let body = move || {
            // A frame that is none ends the answers like the end of the channel: the result is missing.
            while let Ok(Some(frame)) = channel.receive() {
                if send.send(Event::Frame(frame)).is_err() {
                    break;
                }
            }
            drop(send.send(Event::Closed));
        };
        super::thread::start("answers", 128 << 10, Box::new(body))?;
    }
    follow(&child, &events, open, limit, stop)
}

fn pour(mut reader: Reader, send: &Sender<Event>, make: fn(Vec<u8>) -> Event) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(n) if n > 0 => drop(send.send(make(buffer[..n].to_vec()))),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return drop(send.send(Event::Closed)),
        }
    }
}

fn follow(child: &Child, events: &Receiver<Event>, mut open: u32, limit: Nanos, stop: &Stop) -> io::Result<Finished> {
    let now = || clock::read(Clock::Monotonic);
    let mut until = now().saturating_add(limit);
    let mut exit = None;
    let mut done = Finished { end: End::Ended, exit: Exit(0), stdout: vec![], stderr: vec![], frames: vec![] };
    let idle = never();
    let mut stopped = &stop.0;
    while open > 0 || exit.is_none() {
        let left = Duration::from_nanos(until.saturating_sub(now()));
        let end = crossbeam::select! {
            recv(events) -> event => {
                match event {
                    Ok(Event::Exit(how)) => {
                        exit = Some(how);
                        until = now() + AFTERWARDS_NS;
                    }
                    Ok(Event::Out(bytes)) => keep(&mut done.stdout, &bytes),
                    Ok(Event::Err(bytes)) => keep(&mut done.stderr, &bytes),
                    Ok(Event::Frame(frame)) => done.frames.push(frame),
                    Ok(Event::Closed) | Err(_) => open = open.saturating_sub(1),
                }
                continue;
            },
            recv(stopped) -> _ => End::Stopped,
            default(left) => End::TimedOut,
        };
        if exit.is_some() {
            break;
        }
        stopped = &idle;
        if done.end == End::Ended {
            done.end = end;
        }
        child.handle().kill()?;
        until = now() + AFTERWARDS_NS;
    }
    done.exit = exit.unwrap_or(Exit(0));
    Ok(done)
}

fn keep(all: &mut Vec<u8>, more: &[u8]) {
    let room = STREAM_BYTES_MAX.saturating_sub(all.len());
    all.extend_from_slice(&more[..more.len().min(room)]);
    if room > 0 && more.len() > room {
        all.extend_from_slice(b"\n(more output was dropped)\n");
    }
}
