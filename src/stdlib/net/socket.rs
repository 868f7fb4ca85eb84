//! Sockets.

use super::address::{self, is_here};
use super::{Patience, Sock, Tried, errno, go, net, not_simulated, now, number, patience, sock, tried, wake};
use crate::natives;
use crate::object::{Ref, TypeId, Value};
use crate::stdlib::multiprocessing::handle;
use crate::stdlib::{os_error, set_in};
use crate::vm::{Call, Next, Raised, Res, Thread};
use crate::world::net::{self as system, AF_INET, AF_INET6, AF_UNIX, Address, SOCK_DGRAM, SOCK_STREAM};
use crate::world::simnet::{End, Found, Wakes};
use crate::world::work::{Descriptor, READABLE, WRITABLE, ready};
use crate::world::{WaitKind, fd};
use rustix::event::PollFlags;
use rustix::io::Errno;
use std::io;
use std::sync::Arc;

natives! { pub SOCKET, "_socket";
    /// A new socket; its number.
    holds socket("family, type, proto, /") = socket;
    /// Two sockets that are connected to each other.
    holds socketpair("family, type, proto, /") = socketpair;
    /// What is there to read from a pipe, at most `n` bytes; BlockingIOError if nothing is.
    waits read_now("fd, n, /") = read_now;
    /// Writes to a pipe what there is room for; BlockingIOError if there is none.
    waits write_now("fd, data, /") = write_now;
    /// A number for a handle of a child process's stream, to be used like a socket's.
    holds adopt("handle, /") = adopt;
    /// Gives a socket an address.
    holds bind("fd, family, address, /") = bind;
    /// Lets others connect.
    holds listen("fd, backlog, /") = listen;
    /// The number of a socket for the next connection, and where it comes from. Waits for one.
    waits accept("fd, timeout, /") = accept;
    /// Connects to an address; waits for the answer.
    waits connect("fd, family, address, timeout, /") = connect;
    /// At most `n` bytes, b'' when the other side has ended; waits for the first.
    waits recv("fd, n, flags, timeout, /") = recv;
    /// The same, and where they come from.
    waits recvfrom("fd, n, flags, timeout, /") = recvfrom;
    /// Sends bytes, as many as there is room for; waits for some room. Returns how many.
    waits send("fd, data, flags, timeout, /") = send;
    /// Sends all bytes; waits for room.
    waits sendall("fd, data, flags, timeout, /") = sendall;
    /// Sends a datagram.
    waits sendto("fd, data, flags, family, address, timeout, /") = sendto;
    /// No more receiving (0), sending (1), or neither (2).
    holds shutdown("fd, how, /") = shutdown;
    /// Closes a socket.
    holds close("fd, /") = close;
    /// Its own address.
    holds getsockname("fd, /") = getsockname;
    /// The address of the other side.
    holds getpeername("fd, /") = getpeername;
    /// An option's value as a number; None if Kit does not know the option.
    holds getsockopt("fd, level, number, /") = getsockopt;
    /// Sets an option; None if Kit does not know it.
    holds setsockopt("fd, level, number, value, /") = setsockopt;
    /// The one-way latency of a simulated network in seconds, after setting it if a value is given; None in
    /// the real world.
    holds latency("seconds=None, /") = latency;
}

/// The names of the options.
pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    for (name, level, number) in system::OPTIONS {
        let pair = th.tuple(vec![Value::Int(*level), Value::Int(*number)]);
        set_in(th, module, name, pair);
    }
    Ok(())
}

fn enter(th: &mut Thread, end: Arc<End>) -> Value {
    Value::Int(th.interp.pipes.with(&th.held, |p| p.enter(end)))
}

/// Of a simulation: refuses what its sockets cannot be.
fn kinds(c: &mut Call, from: usize) -> Res<(i64, bool)> {
    let (family, kind) = (number(c, from)?, number(c, from + 1)? & 0xf);
    if !matches!(family, AF_UNIX | AF_INET | AF_INET6) || !matches!(kind, SOCK_STREAM | SOCK_DGRAM) {
        let what = format!("a simulation has no sockets of family {family} and type {kind}");
        return Err(not_simulated(c, &what));
    }
    Ok((family, kind == SOCK_DGRAM))
}

fn socket(c: &mut Call) -> Res<Value> {
    if c.held.simulated() {
        let (family, datagram) = kinds(c, 0)?;
        let key = c.held.new_key();
        return Ok(enter(c, End::new(key, family, datagram)));
    }
    let (family, kind, proto) = (number(c, 0)?, number(c, 1)?, number(c, 2)?);
    let made = system::socket(family, kind, proto);
    made.map(|s| Value::Int(fd::enter(s).into())).map_err(|e| os_error::raise(c, &e, None))
}

fn socketpair(c: &mut Call) -> Res<Value> {
    let ends = if c.held.simulated() {
        let (family, datagram) = kinds(c, 0)?;
        let keys = [c.held.new_key(), c.held.new_key()];
        End::pair(keys, family, datagram).map(|end| enter(c, end)).to_vec()
    } else {
        let (family, kind, proto) = (number(c, 0)?, number(c, 1)?, number(c, 2)?);
        let (a, b) = system::pair(family, kind, proto).map_err(|e| os_error::raise(c, &e, None))?;
        [a, b].map(|s| Value::Int(fd::enter(s).into())).to_vec()
    };
    Ok(c.tuple(ends))
}

fn adopt(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    match handle::of_value(c, &v)?.descriptor() {
        Some(d) => Ok(Value::Int(fd::adopt(d).into())),
        None => Err(not_simulated(c, "this handle has no descriptor")),
    }
}

/// The address that argument `i` is, for a socket of the family before it.
fn address(c: &mut Call, i: usize, what: &str) -> Res<Address> {
    let (family, v) = (number(c, i - 1)?, c.arg(i));
    let at = address::read(c, family, &v, what)?;
    if c.held.simulated() && !is_here(&at) {
        let shown = c.repr(&v)?;
        return Err(not_simulated(c, &format!("a simulation has no outside hosts: {shown}")));
    }
    Ok(at)
}

fn told<T>(c: &mut Call, r: io::Result<T>) -> Res<T> {
    r.map_err(|e| os_error::raise(c, &e, None))
}

fn simulated<T>(c: &mut Call, r: Result<T, Errno>) -> Res<T> {
    r.map_err(|e| errno(c, e))
}

fn bind(c: &mut Call) -> Res<Value> {
    let (sock, at) = (sock(c)?, address(c, 2, "bind")?);
    match sock {
        Sock::Real(d) => told(c, system::bind(&d, &at))?,
        Sock::Sim(end) => {
            let bound = net(c).bind(&end, &at);
            simulated(c, bound)?;
        }
    }
    Ok(Value::None)
}

fn listen(c: &mut Call) -> Res<Value> {
    let backlog = i32::try_from(number(c, 1)?).unwrap_or(i32::MAX);
    match sock(c)? {
        Sock::Real(d) => told(c, system::listen(&d, backlog))?,
        Sock::Sim(end) => simulated(c, end.listen())?,
    }
    Ok(Value::None)
}

/// What an attempt with a simulated end found, as an attempt.
fn found<T>(c: &mut Call, f: Found<T>, done: impl FnOnce(&mut Call, T) -> Value) -> Res<Tried> {
    match f {
        Found::Got(v) => Ok(Tried::Done(done(c, v))),
        Found::Later(at) => Ok(Tried::Later(at)),
        Found::Failed(e) => Err(errno(c, e)),
    }
}

fn accepted(c: &mut Call, number: Value, from: Option<Address>) -> Value {
    let from = match from {
        None | Some(Address::Unix(_)) => c.str(""),
        from => address::value(c, from),
    };
    c.tuple(vec![number, from])
}

fn accept(c: &mut Call) -> Res<Next> {
    let (sock, patience) = (sock(c)?, patience(c, 1)?);
    let of = sock.clone();
    let attempt = move |c: &mut Call| match &of {
        Sock::Real(d) => tried(c, system::accept(d), |c, (new, from)| {
            let number = Value::Int(fd::enter(new).into());
            Ok(accepted(c, number, from))
        }),
        Sock::Sim(end) => {
            let f = end.accept(now(c));
            found(c, f, |c, (new, from)| {
                let number = enter(c, new);
                accepted(c, number, from)
            })
        }
    };
    go(c, sock, WaitKind::Accept, patience, Box::new(attempt))
}

fn connect(c: &mut Call) -> Res<Next> {
    let (sock, at, patience) = (sock(c)?, address(c, 2, "connect")?, patience(c, 3)?);
    match sock {
        Sock::Real(d) => connect_real(c, d, &at, patience),
        Sock::Sim(end) => {
            let key = c.held.new_key();
            let begun = net(c).connect(&end, &at, now(c), key);
            let wakes = simulated(c, begun)?;
            wake(c, wakes);
            if end.datagram {
                return Ok(Next::Done(Value::None));
            }
            // As over a network: even a quick answer is one that is to be waited for.
            if matches!(patience, Patience::None) && end.family != AF_UNIX {
                return Err(errno(c, Errno::INPROGRESS));
            }
            let of = end.clone();
            let attempt = move |c: &mut Call| {
                let f = of.connected(now(c));
                found(c, f, |_, ()| Value::None)
            };
            go(c, Sock::Sim(end), WaitKind::Connect, patience, Box::new(attempt))
        }
    }
}

fn connect_real(c: &mut Call, d: Descriptor, at: &Address, patience: Patience) -> Res<Next> {
    match system::connect(&d, at) {
        Ok(()) => return Ok(Next::Done(Value::None)),
        Err(e) if e.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
        Err(e) => return Err(os_error::raise(c, &e, None)),
    }
    // The answer is there as soon as the socket can be written to.
    let (of, mut first) = (d.clone(), true);
    let attempt = move |c: &mut Call| {
        if std::mem::take(&mut first) {
            return Ok(Tried::Later(None));
        }
        if !is_ready(&of, WRITABLE) {
            return Ok(Tried::Later(None));
        }
        match system::error(&of) {
            Ok(None) => Ok(Tried::Done(Value::None)),
            Ok(Some(e)) | Err(e) => Err(os_error::raise(c, &e, None)),
        }
    };
    go(c, Sock::Real(d), WaitKind::Connect, patience, Box::new(attempt))
}

fn receive(c: &mut Call, with_address: bool) -> Res<Next> {
    let (sock, n, flags, patience) = (sock(c)?, number(c, 1)?, number(c, 2)?, patience(c, 3)?);
    let Ok(n) = usize::try_from(n) else {
        return Err(c.value_error("negative buffersize in recv"));
    };
    let done = move |c: &mut Call, (bytes, from): (Vec<u8>, Option<Address>)| {
        let bytes = c.bytes(bytes);
        if !with_address {
            return bytes;
        }
        let from = address::value(c, from);
        c.tuple(vec![bytes, from])
    };
    let of = sock.clone();
    let attempt = move |c: &mut Call| match &of {
        Sock::Real(d) => tried(c, system::receive(d, n, flags), |c, got| Ok(done(c, got))),
        Sock::Sim(end) => {
            let (f, wakes) = end.receive(now(c), n, flags & 2 != 0);
            let f = found(c, f, done);
            wake(c, wakes);
            f
        }
    };
    go(c, sock, WaitKind::Receive, patience, Box::new(attempt))
}

fn recv(c: &mut Call) -> Res<Next> {
    receive(c, false)
}

fn recvfrom(c: &mut Call) -> Res<Next> {
    receive(c, true)
}

fn read_now(c: &mut Call) -> Res<Next> {
    let (sock, n) = (sock(c)?, number(c, 1)?);
    let n = usize::try_from(n).unwrap_or(0);
    let of = sock.clone();
    let attempt = move |c: &mut Call| match &of {
        Sock::Real(d) if is_ready(d, READABLE) => {
            tried(c, crate::world::handle::read(d, n), |c, bytes| Ok(c.bytes(bytes)))
        }
        Sock::Real(_) => Ok(Tried::Later(None)),
        Sock::Sim(end) => {
            let (f, wakes) = end.receive(now(c), n, false);
            let f = found(c, f, |c, (bytes, _)| c.bytes(bytes));
            wake(c, wakes);
            f
        }
    };
    go(c, sock, WaitKind::Io, Patience::None, Box::new(attempt))
}

/// A pipe that is ready takes this much without waiting, whoever else writes (POSIX's PIPE_BUF on Linux).
const WHOLE_BYTES: usize = 4096;

fn write_now(c: &mut Call) -> Res<Next> {
    let (sock, bytes) = (sock(c)?, data(c)?);
    let of = sock.clone();
    let attempt = move |c: &mut Call| match &of {
        Sock::Real(d) if is_ready(d, WRITABLE) => {
            let some = &bytes[..bytes.len().min(WHOLE_BYTES)];
            tried(c, crate::world::handle::write(d, some), |_, n| Ok(Value::Int(n as i64)))
        }
        Sock::Real(_) => Ok(Tried::Later(None)),
        Sock::Sim(end) => {
            let (f, wakes) = end.send(now(c), &bytes);
            let f = found(c, f, |_, n| Value::Int(n as i64));
            wake(c, wakes);
            f
        }
    };
    go(c, sock, WaitKind::Io, Patience::None, Box::new(attempt))
}

fn is_ready(d: &Descriptor, flag: PollFlags) -> bool {
    ready(&[(d.clone(), flag)], Some(0)).is_ok_and(|is| is.contains(&true))
}

fn data(c: &mut Call) -> Res<Vec<u8>> {
    let v = c.arg(1);
    match c.bytes_like(&v) {
        Some(bytes) => Ok(bytes),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a bytes-like object is required, not '{got}'")))
        }
    }
}

/// One attempt to send.
fn send_some(c: &mut Call, sock: &Sock, bytes: &[u8], flags: i64, to: Option<&Address>) -> Res<Found<usize>> {
    match sock {
        Sock::Real(d) => match system::send(d, bytes, flags, to) {
            Ok(n) => Ok(Found::Got(n)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Found::Later(None)),
            Err(e) => Err(os_error::raise(c, &e, None)),
        },
        Sock::Sim(end) => {
            let (f, wakes): (Found<usize>, Wakes) = if end.datagram && !end.linked() {
                let sent = net(c).send_to(end, to, bytes, now(c));
                (Found::Got(bytes.len()), simulated(c, sent)?)
            } else {
                end.send(now(c), bytes)
            };
            wake(c, wakes);
            match f {
                Found::Failed(e) => Err(errno(c, e)),
                f => Ok(f),
            }
        }
    }
}

fn send_out(c: &mut Call, all: bool, to: Option<Address>, patience: Patience) -> Res<Next> {
    let (sock, bytes, flags) = (sock(c)?, data(c)?, number(c, 2)?);
    let (of, mut at) = (sock.clone(), 0);
    let attempt = move |c: &mut Call| loop {
        if all && at == bytes.len() {
            return Ok(Tried::Done(Value::None));
        }
        match send_some(c, &of, &bytes[at..], flags, to.as_ref())? {
            Found::Got(n) if all => at += n,
            Found::Got(n) => return Ok(Tried::Done(Value::Int(n as i64))),
            Found::Later(when) => return Ok(Tried::Later(when)),
            Found::Failed(e) => return Err(errno(c, e)),
        }
    };
    go(c, sock, WaitKind::Send, patience, Box::new(attempt))
}

fn send(c: &mut Call) -> Res<Next> {
    let patience = patience(c, 3)?;
    send_out(c, false, None, patience)
}

fn sendall(c: &mut Call) -> Res<Next> {
    let patience = patience(c, 3)?;
    send_out(c, true, None, patience)
}

fn sendto(c: &mut Call) -> Res<Next> {
    let (at, patience) = (address(c, 4, "sendto")?, patience(c, 5)?);
    send_out(c, false, Some(at), patience)
}

fn shutdown(c: &mut Call) -> Res<Value> {
    let how = number(c, 1)?;
    match sock(c)? {
        Sock::Real(d) => told(c, system::shutdown(&d, how))?,
        Sock::Sim(end) => {
            let done = end.shutdown(now(c), how);
            let wakes = simulated(c, done)?;
            wake(c, wakes);
        }
    }
    Ok(Value::None)
}

pub fn close(c: &mut Call) -> Res<Value> {
    let n = number(c, 0)?;
    if !c.held.simulated() {
        let closed = i32::try_from(n).map_err(|_| fd::bad_descriptor()).and_then(fd::close);
        told(c, closed)?;
        return Ok(Value::None);
    }
    let Some(end) = c.interp.pipes.with(&c.held, |p| p.take(n)) else {
        if c.interp.pipes.with(&c.held, |p| p.files.close(n)).is_ok() {
            return Ok(Value::None);
        }
        return Err(errno(c, Errno::BADF));
    };
    let wakes = end.close(now(c));
    wake(c, wakes);
    Ok(Value::None)
}

/// The address of a socket that has none yet.
fn unnamed(family: i64) -> Option<Address> {
    match family {
        AF_UNIX => Some(Address::Unix(Vec::new())),
        AF_INET => "0.0.0.0:0".parse().ok().map(Address::Inet),
        _ => "[::]:0".parse().ok().map(Address::Inet),
    }
}

fn getsockname(c: &mut Call) -> Res<Value> {
    let at = match sock(c)? {
        Sock::Real(d) => told(c, system::local(&d))?,
        Sock::Sim(end) => end.local().or_else(|| unnamed(end.family)),
    };
    Ok(address::value(c, at))
}

fn getpeername(c: &mut Call) -> Res<Value> {
    let at = match sock(c)? {
        Sock::Real(d) => told(c, system::remote(&d))?.or(Some(Address::Unix(Vec::new()))),
        Sock::Sim(end) => match end.remote() {
            None if end.linked() => Some(Address::Unix(Vec::new())),
            None => return Err(errno(c, Errno::NOTCONN)),
            at => at,
        },
    };
    Ok(address::value(c, at))
}

/// SOL_SOCKET and SO_LINGER, whose value is two numbers: -1 stands for "does not linger".
const LINGER: (i64, i64) = (1, 13);

fn known(level: i64, number: i64) -> bool {
    (level, number) == LINGER || system::OPTIONS.iter().any(|(_, l, n)| (*l, *n) == (level, number))
}

fn getsockopt(c: &mut Call) -> Res<Value> {
    let (level, number) = (self::number(c, 1)?, self::number(c, 2)?);
    let value = match sock(c)? {
        Sock::Real(d) if (level, number) == LINGER => {
            told(c, system::linger(&d))?.map_or(-1, |s| i64::try_from(s).unwrap_or(i64::MAX))
        }
        Sock::Real(d) => match system::option(&d, level, number) {
            Some(value) => told(c, value)?,
            None => return Ok(Value::None),
        },
        Sock::Sim(end) => match (level, number) {
            (1, 3) => {
                if end.datagram {
                    SOCK_DGRAM
                } else {
                    SOCK_STREAM
                }
            }
            (1, 4) => sim_error(c, &end),
            (1, 39) => end.family,
            _ if known(level, number) => end.option(level, number),
            _ => return Ok(Value::None),
        },
    };
    Ok(Value::Int(value))
}

/// What became of a call that nobody waited for.
fn sim_error(c: &Call, end: &Arc<End>) -> i64 {
    match end.calling().then(|| end.connected(now(c))) {
        Some(Found::Failed(e)) => e.raw_os_error().into(),
        _ => 0,
    }
}

fn setsockopt(c: &mut Call) -> Res<Value> {
    let (level, number, value) = (self::number(c, 1)?, self::number(c, 2)?, self::number(c, 3)?);
    let set = match sock(c)? {
        Sock::Real(d) if (level, number) == LINGER => system::set_linger(&d, u64::try_from(value).ok()),
        Sock::Real(d) => match system::set_option(&d, level, number, value) {
            Some(set) => set,
            None => return Ok(Value::None),
        },
        Sock::Sim(end) if known(level, number) => {
            end.set_option(level, number, value);
            Ok(())
        }
        Sock::Sim(_) => return Ok(Value::None),
    };
    told(c, set)?;
    Ok(Value::TRUE)
}

fn latency(c: &mut Call) -> Res<Value> {
    if !c.held.simulated() {
        return Ok(Value::None);
    }
    if let Some(v) = c.some(0) {
        let ns = crate::stdlib::seconds::nanos(c, &v)?;
        let Ok(ns) = u64::try_from(ns) else { return Err(negative(c)) };
        net(c).set_latency(ns);
    }
    let ns = net(c).latency();
    Ok(Value::float(ns as f64 / 1e9))
}

fn negative(c: &mut Call) -> Raised {
    c.raise(TypeId::ValueError, "latency must be non-negative")
}
