//! `_socket` and `_select`: sockets, names, and waiting for several descriptors. `socket`, `select` and
//! `selectors` are in `kit/`.
//!
//! A descriptor is a number: the system's in the real world (`world/fd.rs`), the process's own in a
//! simulation (`vm/pipes.rs`), where sockets are rows of packets with the moments at which they arrive
//! (`world/simnet.rs`). The natives do not tell the difference; what a simulation does not have, outside
//! hosts above all, is refused by name.
//!
//! N1: an attempt is made first, with the lock held; only what would wait gives the lock up (`go`). All
//! sockets of the system are non-blocking underneath, whatever their timeout.
//! N2: `timeout` is None (for ever), 0 (do not wait: BlockingIOError) or seconds for the whole operation.
//! N3: in a simulation whatever changes an end wakes its key and its watchers, when it arrives there.
//!
//! Not here: reading and writing by `os.read` and `os.write` (`stdlib/pipes.rs`), files.

mod address;
mod names;
mod select;
mod socket;

use super::os_error;
use crate::object::{TypeId, Value};
use crate::vm::{Call, NativeRow, Next, Raised, Res, Thread};
use crate::world::simnet::{End, Net, Wakes};
use crate::world::work::{AnyReady, Descriptor, Labour, READABLE, WRITABLE};
use crate::world::{Clock, Nanos, WaitKey, WaitKind, WaitOn, fd};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;

pub use self::select::init as init_select;
pub use self::socket::{close, init as init_socket};

pub fn tables() -> [&'static [NativeRow]; 3] {
    [socket::SOCKET, names::NAMES, select::SELECT]
}

/// What a number stands for.
#[derive(Clone)]
pub enum Sock {
    Real(Descriptor),
    Sim(Arc<End>),
}

/// What an attempt came to.
pub enum Tried {
    Done(Value),
    /// It would wait; a simulation may know for how long at least.
    Later(Option<Nanos>),
}

/// An attempt, made again after each wait.
pub type Try = Box<dyn FnMut(&mut Call) -> Res<Tried>>;

/// How long an operation may take.
#[derive(Clone, Copy)]
pub enum Patience {
    None,
    Until(Option<Nanos>),
}

pub fn errno(th: &mut Thread, e: Errno) -> Raised {
    os_error::raise(th, &e.into(), None)
}

pub fn number(c: &mut Call, i: usize) -> Res<i64> {
    let v = c.arg(i);
    c.index(&v)
}

/// The socket that argument 0 is the number of.
pub fn sock(c: &mut Call) -> Res<Sock> {
    let n = number(c, 0)?;
    by_number(c, n)
}

pub fn by_number(c: &mut Call, n: i64) -> Res<Sock> {
    let found = if c.held.simulated() {
        c.interp.pipes.with(&c.held, |p| p.get(n)).map(Sock::Sim).ok_or_else(fd::bad_descriptor)
    } else {
        i32::try_from(n).map_err(|_| fd::bad_descriptor()).and_then(fd::find).map(Sock::Real)
    };
    found.map_err(|e| os_error::raise(c, &e, None))
}

pub fn patience(c: &mut Call, i: usize) -> Res<Patience> {
    let v = c.some(i);
    if matches!(v, Some(Value::Int(0))) {
        return Ok(Patience::None);
    }
    let until = super::seconds::optional_deadline(c, v)?;
    Ok(match until {
        Some(at) if at <= c.held.now(Clock::Monotonic) => Patience::None,
        until => Patience::Until(until),
    })
}

/// Wakes who waits for something that has changed in the simulated network.
pub fn wake(th: &mut Thread, wakes: Wakes) {
    let now = th.held.now(Clock::Monotonic);
    for (key, at) in wakes {
        if at > now {
            th.held.wake_at(key, at);
        } else {
            th.held.wake(key, usize::MAX);
        }
    }
}

pub fn now(th: &Thread) -> Nanos {
    th.held.now(Clock::Monotonic)
}

/// The network of this simulation.
pub fn net(th: &Thread) -> Arc<Net> {
    th.interp.pipes.with(&th.held, |p| p.net.clone())
}

fn wait_on(kind: WaitKind, key: WaitKey, work: Option<Labour>) -> WaitOn {
    match kind {
        WaitKind::Accept => WaitOn::Accept { key, work },
        WaitKind::Connect => WaitOn::Connect { key, work },
        WaitKind::Receive => WaitOn::Receive { key, work },
        WaitKind::Send => WaitOn::Send { key, work },
        WaitKind::File => WaitOn::File { key, work },
        WaitKind::Io => WaitOn::Io { key },
        _ => WaitOn::Ready { key, work },
    }
}

/// Makes the attempt, and makes it again when the socket is ready, until the patience is over (N1).
pub fn go(c: &mut Call, sock: Sock, kind: WaitKind, patience: Patience, mut attempt: Try) -> Res<Next> {
    let at = match attempt(c)? {
        Tried::Done(v) => return Ok(Next::Done(v)),
        Tried::Later(at) => at,
    };
    let until = match patience {
        Patience::None if matches!(kind, WaitKind::Connect) => return Err(errno(c, Errno::INPROGRESS)),
        Patience::None => return Err(errno(c, Errno::AGAIN)),
        Patience::Until(until) => until,
    };
    if until.is_some_and(|until| until <= now(c)) {
        return Err(c.raise(TypeId::TimeoutError, "timed out"));
    }
    let (key, work) = match &sock {
        Sock::Sim(end) => (end.key, None),
        Sock::Real(d) => {
            let flag = if matches!(kind, WaitKind::Send | WaitKind::Connect) { WRITABLE } else { READABLE };
            let work: Arc<AnyReady> = Arc::new(AnyReady(vec![(d.clone(), flag)]));
            (c.held.new_key(), Some(Labour(work)))
        }
    };
    let next = [until, at].into_iter().flatten().min();
    Ok(Next::Wait {
        on: wait_on(kind, key, work),
        until: next,
        // The system remembers what arrives meanwhile; in a simulation nobody else runs before the wait begins.
        still: Box::new(|_| true),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            go(c, sock, kind, patience, attempt)
        }),
    })
}

/// An attempt with the system: what would wait is no error.
pub fn tried<T>(c: &mut Call, r: io::Result<T>, done: impl FnOnce(&mut Call, T) -> Res<Value>) -> Res<Tried> {
    match r {
        Ok(v) => Ok(Tried::Done(done(c, v)?)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Tried::Later(None)),
        Err(e) => Err(os_error::raise(c, &e, None)),
    }
}

/// Refuses what a simulation does not have.
pub fn not_simulated(th: &mut Thread, what: &str) -> Raised {
    let text = format!("{what}; run the script without --sim");
    th.raise(TypeId::NotImplementedError, text)
}

/// At the end of a simulated process its ends are closed, as the system does it.
pub fn close_all(th: &mut Thread) {
    if th.held.simulated() {
        let ends = th.interp.pipes.with(&th.held, |p| p.all());
        for end in ends {
            let wakes = end.close(now(th));
            wake(th, wakes);
        }
    }
}
