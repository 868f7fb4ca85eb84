//! The network and the pipes of a simulation: plain data that all its processes see. Only one thread of the
//! whole run is awake at a time, so the mutexes are never contended.
//!
//! What is sent arrives `latency` later (one way); connecting takes there and back. Whatever changes an
//! end is answered with the keys to wake and the moments at which to wake them (`Wakes`).

use super::net::Address;
use super::{Nanos, WaitKey};
use parking_lot::Mutex;
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

/// Bytes under way or unread in a pipe or a stream before its writer waits.
pub const PIPE_ROOM: usize = 64 << 10;
pub const STREAM_ROOM: usize = 256 << 10;

/// The first port that is given to who does not ask for one.
const FIRST_PORT: u16 = 49152;

/// Who is to be woken, and when.
pub type Wakes = Vec<(WaitKey, Nanos)>;

/// What an address means: port (of datagrams?) or path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Name {
    Port(bool, u16),
    Path(bool, Vec<u8>),
}

/// What arrived, and who sent it.
type Datagram = (Vec<u8>, Option<Address>);

impl Name {
    fn of(at: &Address, datagram: bool) -> Name {
        match at {
            Address::Inet(a) => Name::Port(datagram, a.port()),
            Address::Unix(path) => Name::Path(datagram, path.clone()),
        }
    }
}

/// The names of one simulation, and its HTTP servers, which have no sockets.
#[derive(Default)]
pub struct Net(Mutex<Names>, super::http::sim::Net);

#[derive(Default)]
struct Names {
    bound: BTreeMap<Name, Weak<End>>,
    ports: u16,
    latency: Nanos,
}

/// A socket, or an end of a pipe.
pub struct End {
    pub key: WaitKey,
    pub datagram: bool,
    /// The address family; 0: a pipe.
    pub family: i64,
    room: usize,
    inner: Mutex<Inner>,
}

struct Packet {
    at: Nanos,
    bytes: Vec<u8>,
    from: Option<Address>,
}

#[derive(Default)]
struct Inner {
    watchers: Vec<WaitKey>,
    inbox: VecDeque<Packet>,
    unread: usize,
    /// When the end of what the peer sends arrives.
    fin: Option<Nanos>,
    /// When a reset arrives.
    reset: Option<Nanos>,
    /// The peer is gone and this end has been told so by an answer.
    broken: bool,
    link: Link,
    deaf: bool,
    mute: bool,
    local: Option<Address>,
    remote: Option<Address>,
    delay: Nanos,
    options: BTreeMap<(i64, i64), i64>,
}

#[derive(Default)]
enum Link {
    #[default]
    None,
    /// The answer is out; `None`: nobody listens there.
    Calling(Nanos, Option<Arc<End>>),
    Linked(Arc<End>),
    Listening(VecDeque<(Nanos, Arc<End>)>),
    Closed,
}

/// What an attempt found.
pub enum Found<T> {
    Got(T),
    /// Nothing yet; if a moment is known, then not before it.
    Later(Option<Nanos>),
    Failed(Errno),
}

impl End {
    pub fn new(key: WaitKey, family: i64, datagram: bool) -> Arc<End> {
        End::with_room(key, family, datagram, STREAM_ROOM)
    }

    fn with_room(key: WaitKey, family: i64, datagram: bool, room: usize) -> Arc<End> {
        Arc::new(End { key, datagram, family, room, inner: Mutex::default() })
    }

    fn link(a: &Arc<End>, b: &Arc<End>, delay: Nanos) {
        for (one, other) in [(a, b), (b, a)] {
            let mut inner = one.inner.lock();
            inner.link = Link::Linked(other.clone());
            inner.delay = delay;
        }
    }

    pub fn pair(keys: [WaitKey; 2], family: i64, datagram: bool) -> [Arc<End>; 2] {
        let ends = keys.map(|key| End::new(key, family, datagram));
        End::link(&ends[0], &ends[1], 0);
        ends
    }

    /// Reading and writing end of a pipe through which bytes take `delay`.
    pub fn pipe(keys: [WaitKey; 2], delay: Nanos, room: usize) -> [Arc<End>; 2] {
        let ends = keys.map(|key| End::with_room(key, 0, false, room));
        End::link(&ends[0], &ends[1], delay);
        ends[0].inner.lock().mute = true;
        ends[1].inner.lock().deaf = true;
        ends
    }

    /// An end whose other side gives everything back, `delay` later.
    pub fn echo(key: WaitKey, delay: Nanos) -> Arc<End> {
        let end = End::with_room(key, super::net::AF_UNIX, false, usize::MAX);
        {
            let mut inner = end.inner.lock();
            inner.link = Link::Linked(end.clone());
            inner.delay = delay;
        }
        end
    }

    pub fn local(&self) -> Option<Address> {
        self.inner.lock().local.clone()
    }

    pub fn remote(&self) -> Option<Address> {
        let inner = self.inner.lock();
        if matches!(inner.link, Link::Linked(_)) || self.datagram { inner.remote.clone() } else { None }
    }

    pub fn linked(&self) -> bool {
        matches!(self.inner.lock().link, Link::Linked(_))
    }

    pub fn option(&self, level: i64, number: i64) -> i64 {
        self.inner.lock().options.get(&(level, number)).copied().unwrap_or(0)
    }

    pub fn set_option(&self, level: i64, number: i64, value: i64) {
        self.inner.lock().options.insert((level, number), value);
    }

    pub fn watch(&self, key: WaitKey, on: bool) {
        let row = &mut self.inner.lock().watchers;
        match row.iter().position(|k| *k == key) {
            Some(at) if !on => drop(row.remove(at)),
            None if on => row.push(key),
            _ => {}
        }
    }

    fn keys(&self, at: Nanos) -> Wakes {
        let inner = self.inner.lock();
        std::iter::once(self.key).chain(inner.watchers.iter().copied()).map(|key| (key, at)).collect()
    }

    fn peer(&self) -> Option<Arc<End>> {
        match &self.inner.lock().link {
            Link::Linked(peer) => Some(peer.clone()),
            _ => None,
        }
    }

    pub fn listen(&self) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        match inner.link {
            _ if self.datagram => return Err(Errno::OPNOTSUPP),
            Link::Listening(_) => {}
            Link::None => inner.link = Link::Listening(VecDeque::new()),
            _ => return Err(Errno::INVAL),
        }
        Ok(())
    }

    pub fn accept(&self, now: Nanos) -> Found<(Arc<End>, Option<Address>)> {
        let mut inner = self.inner.lock();
        let Link::Listening(queue) = &mut inner.link else { return Found::Failed(Errno::INVAL) };
        match queue.front() {
            None => Found::Later(None),
            Some((at, _)) if *at > now => Found::Later(Some(*at)),
            Some(_) => match queue.pop_front() {
                Some((_, end)) => {
                    let from = end.remote();
                    Found::Got((end, from))
                }
                None => Found::Later(None),
            },
        }
    }

    /// What became of calling.
    pub fn connected(self: &Arc<End>, now: Nanos) -> Found<()> {
        let mut inner = self.inner.lock();
        match &inner.link {
            Link::Linked(_) => Found::Got(()),
            Link::Calling(at, _) if *at > now => Found::Later(Some(*at)),
            Link::Calling(_, Some(peer)) => {
                let peer = peer.clone();
                inner.link = Link::Linked(peer);
                Found::Got(())
            }
            Link::Calling(_, None) => {
                inner.link = Link::None;
                Found::Failed(Errno::CONNREFUSED)
            }
            _ => Found::Failed(Errno::NOTCONN),
        }
    }

    pub fn calling(&self) -> bool {
        matches!(self.inner.lock().link, Link::Calling(..))
    }

    /// Sends what there is room for.
    pub fn send(&self, now: Nanos, bytes: &[u8]) -> (Found<usize>, Wakes) {
        let (delay, mute, broken, reset, local) = {
            let inner = self.inner.lock();
            let reset = inner.reset.is_some_and(|at| at <= now);
            (inner.delay, inner.mute, inner.broken, reset, inner.local.clone())
        };
        let fail = |errno| (Found::Failed(errno), Vec::new());
        if mute {
            return fail(if self.family == 0 { Errno::BADF } else { Errno::PIPE });
        }
        if broken || reset {
            return fail(Errno::PIPE);
        }
        let Some(peer) = self.peer() else {
            return fail(match self.family {
                _ if self.datagram => Errno::DESTADDRREQ,
                super::net::AF_UNIX => Errno::NOTCONN,
                _ => Errno::PIPE,
            });
        };
        let at = now + delay;
        let mut there = peer.inner.lock();
        if matches!(there.link, Link::Closed) {
            drop(there);
            // Over a network the sender learns of it by the answer to what it has sent.
            let tcp = self.family > 1 && !self.datagram;
            self.inner.lock().broken = true;
            return if tcp { (Found::Got(bytes.len()), Vec::new()) } else { fail(Errno::PIPE) };
        }
        if there.deaf {
            return if self.family > 1 { (Found::Got(bytes.len()), Vec::new()) } else { fail(Errno::PIPE) };
        }
        let room = peer.room.saturating_sub(there.unread);
        if room == 0 || (self.datagram && room < bytes.len()) {
            return (Found::Later(None), Vec::new());
        }
        let n = bytes.len().min(room);
        there.unread += n;
        there.inbox.push_back(Packet { at, bytes: bytes[..n].to_vec(), from: local });
        drop(there);
        (Found::Got(n), peer.keys(at))
    }

    /// Puts a datagram into the inbox; what does not fit is lost, as datagrams are.
    fn deliver(&self, at: Nanos, bytes: &[u8], from: Option<Address>) -> Wakes {
        let mut inner = self.inner.lock();
        if inner.unread + bytes.len() > self.room {
            return Vec::new();
        }
        inner.unread += bytes.len();
        inner.inbox.push_back(Packet { at, bytes: bytes.to_vec(), from });
        drop(inner);
        self.keys(at)
    }

    /// At most `n` bytes and where they are from; none at the end.
    pub fn receive(&self, now: Nanos, n: usize, peek: bool) -> (Found<Datagram>, Wakes) {
        let mut inner = self.inner.lock();
        if inner.deaf {
            let found = if self.family == 0 { Found::Failed(Errno::BADF) } else { Found::Got((Vec::new(), None)) };
            return (found, Vec::new());
        }
        if inner.reset.is_some_and(|at| at <= now) {
            inner.reset = None;
            inner.broken = true;
            inner.inbox.clear();
            inner.fin = Some(now);
            return (Found::Failed(Errno::CONNRESET), Vec::new());
        }
        match inner.inbox.front_mut() {
            Some(p) if p.at > now => return (Found::Later(Some(p.at)), Vec::new()),
            Some(p) => {
                let from = p.from.clone();
                let taken = p.bytes[..n.min(p.bytes.len())].to_vec();
                if peek {
                    return (Found::Got((taken, from)), Vec::new());
                }
                // The rest of a datagram is lost; that of a stream comes next.
                let gone = if self.datagram { p.bytes.len() } else { taken.len() };
                p.bytes.drain(..gone);
                let over = p.bytes.is_empty();
                if over {
                    inner.inbox.pop_front();
                }
                inner.unread -= gone;
                drop(inner);
                let wakes = self.peer().map_or(Vec::new(), |p| p.keys(now));
                return (Found::Got((taken, from)), wakes);
            }
            None => {}
        }
        let found = match (inner.fin.or(inner.reset), &inner.link) {
            (Some(at), _) if at <= now => Found::Got((Vec::new(), None)),
            (Some(at), _) => Found::Later(Some(at)),
            (None, Link::Linked(_)) => Found::Later(None),
            (None, _) if self.datagram => Found::Later(None),
            (None, Link::Calling(at, _)) => Found::Later(Some(*at)),
            _ => Found::Failed(Errno::NOTCONN),
        };
        (found, Vec::new())
    }

    /// 0: no more receiving, 1: no more sending, 2: neither.
    pub fn shutdown(&self, now: Nanos, how: i64) -> Result<Wakes, Errno> {
        let Some(peer) = self.peer() else { return Err(Errno::NOTCONN) };
        let mut wakes = self.keys(now);
        let mut inner = self.inner.lock();
        inner.deaf |= how != 1;
        let ends = how != 0 && !inner.mute;
        inner.mute |= how != 0;
        let at = now + inner.delay;
        drop(inner);
        if ends {
            peer.inner.lock().fin = Some(at);
            wakes.extend(peer.keys(at));
        }
        Ok(wakes)
    }

    pub fn close(&self, now: Nanos) -> Wakes {
        let mut inner = self.inner.lock();
        let (link, delay) = (std::mem::replace(&mut inner.link, Link::Closed), inner.delay);
        let unread = !inner.inbox.is_empty() && self.family > 1;
        let abrupt = inner.options.get(&(1, 13)) == Some(&0);
        inner.inbox.clear();
        drop(inner);
        let at = now + delay;
        match link {
            Link::Linked(peer) if std::ptr::eq(&*peer, self) => Vec::new(),
            Link::Linked(peer) => {
                let mut there = peer.inner.lock();
                // Who closes with data unread, or does not linger, resets the connection.
                if (unread || abrupt) && !self.datagram {
                    there.reset = Some(at);
                } else if !self.datagram || self.family == 1 {
                    there.fin.get_or_insert(at);
                }
                drop(there);
                peer.keys(at)
            }
            Link::Listening(queue) => {
                let mut wakes = Vec::new();
                for (_, end) in queue {
                    let caller = end.peer();
                    end.inner.lock().link = Link::Closed;
                    if let Some(caller) = caller {
                        caller.inner.lock().reset = Some(at);
                        wakes.extend(caller.keys(at));
                    }
                }
                wakes
            }
            _ => Vec::new(),
        }
    }

    /// Readable, writable, over; and the next moment at which more may be true.
    pub fn readiness(&self, now: Nanos) -> ([bool; 3], Option<Nanos>) {
        let inner = self.inner.lock();
        let moments = [inner.inbox.front().map(|p| p.at), inner.fin, inner.reset];
        let mut due: Vec<Nanos> = moments.into_iter().flatten().collect();
        let (mut out, mut over) = (false, false);
        match &inner.link {
            Link::Listening(queue) => due.extend(queue.front().map(|(at, _)| *at)),
            Link::Calling(at, peer) => {
                // The answer is there when the socket can be written to; a refusal ends it.
                (out, over) = (*at <= now, *at <= now && peer.is_none());
                let next = due.iter().copied().chain([*at]).filter(|t| *t > now).min();
                return ([over, out, over], next);
            }
            Link::Linked(peer) if std::ptr::eq(&**peer, self) => out = true,
            Link::Linked(peer) => {
                let there = peer.inner.lock();
                let gone = matches!(there.link, Link::Closed) || there.deaf;
                out = !inner.mute && (gone || peer.room > there.unread);
                over = gone && inner.fin.is_none_or(|at| at <= now);
            }
            Link::None => out = self.datagram,
            Link::Closed => over = true,
        }
        let readable = inner.deaf && self.family != 0 || due.iter().any(|at| *at <= now);
        let next = due.into_iter().filter(|at| *at > now).min();
        ([readable, out, over], next)
    }
}

impl Net {
    /// The servers of `kit.server`.
    pub fn servers(&self) -> &super::http::sim::Net {
        &self.1
    }

    pub fn latency(&self) -> Nanos {
        self.0.lock().latency
    }

    pub fn set_latency(&self, latency: Nanos) {
        self.0.lock().latency = latency;
    }

    fn find(&self, name: &Name) -> Option<Arc<End>> {
        let found = self.0.lock().bound.get(name).and_then(Weak::upgrade);
        found.filter(|e| !matches!(e.inner.lock().link, Link::Closed))
    }

    fn any_port(&self, at: &Address, datagram: bool) -> Address {
        match at {
            Address::Inet(a) if a.port() == 0 => loop {
                let port = {
                    let mut names = self.0.lock();
                    names.ports = (names.ports + 1) % (u16::MAX - FIRST_PORT);
                    FIRST_PORT + names.ports - 1
                };
                if self.find(&Name::Port(datagram, port)).is_none() {
                    let mut a = *a;
                    a.set_port(port);
                    return Address::Inet(a);
                }
            },
            other => other.clone(),
        }
    }

    pub fn bind(&self, end: &Arc<End>, at: &Address) -> Result<(), Errno> {
        if end.inner.lock().local.is_some() {
            return Err(Errno::INVAL);
        }
        let at = self.any_port(at, end.datagram);
        let name = Name::of(&at, end.datagram);
        if self.find(&name).is_some() {
            return Err(Errno::ADDRINUSE);
        }
        self.0.lock().bound.insert(name, Arc::downgrade(end));
        end.inner.lock().local = Some(at);
        Ok(())
    }

    /// Has an address, like who sends without asking for one.
    fn named(&self, end: &Arc<End>, to: &Address) -> Result<(), Errno> {
        if end.inner.lock().local.is_some() {
            return Ok(());
        }
        match to {
            Address::Inet(to) => {
                let any: std::net::IpAddr = match to.ip() {
                    _ if !end.datagram => to.ip(),
                    std::net::IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
                    std::net::IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
                };
                self.bind(end, &Address::Inet(SocketAddr::new(any, 0)))
            }
            Address::Unix(_) => Ok(()),
        }
    }

    /// Calls who listens at `to`; `key` is for the socket that accepting will give.
    pub fn connect(&self, end: &Arc<End>, to: &Address, now: Nanos, key: WaitKey) -> Result<Wakes, Errno> {
        if end.datagram {
            self.named(end, to)?;
            let peer = self.find(&Name::of(to, true)).ok_or(Errno::CONNREFUSED)?;
            let mut inner = end.inner.lock();
            (inner.remote, inner.delay) = (Some(to.clone()), self.latency());
            drop(inner);
            drop(peer);
            return Ok(Vec::new());
        }
        match end.inner.lock().link {
            Link::None => {}
            Link::Calling(..) => return Err(Errno::ALREADY),
            Link::Linked(_) => return Err(Errno::ISCONN),
            _ => return Err(Errno::INVAL),
        }
        let delay = if end.family == 1 { 0 } else { self.latency() };
        let listener = self.find(&Name::of(to, false));
        let there = listener.filter(|l| matches!(l.inner.lock().link, Link::Listening(_)));
        if there.is_none() && end.family == 1 {
            let known =
                matches!(to, Address::Unix(path) if self.0.lock().bound.contains_key(&Name::Path(false, path.clone())));
            return Err(if known { Errno::CONNREFUSED } else { Errno::NOENT });
        }
        self.named(end, to)?;
        let answer = now + 2 * delay;
        let Some(listener) = there else {
            end.inner.lock().link = Link::Calling(answer, None);
            return Ok(end.keys(answer));
        };
        let other = End::new(key, end.family, false);
        End::link(end, &other, delay);
        {
            let mut mine = end.inner.lock();
            mine.link = Link::Calling(answer, Some(other.clone()));
            mine.remote = Some(to.clone());
            let mut theirs = other.inner.lock();
            theirs.local = Some(to.clone());
            theirs.remote.clone_from(&mine.local);
        }
        let arrives = now + 3 * delay;
        if let Link::Listening(queue) = &mut listener.inner.lock().link {
            queue.push_back((arrives, other));
        }
        let mut wakes = listener.keys(arrives);
        wakes.extend(end.keys(answer));
        Ok(wakes)
    }

    /// Sends a datagram to `to`, or to whom the socket is connected.
    pub fn send_to(&self, end: &Arc<End>, to: Option<&Address>, bytes: &[u8], now: Nanos) -> Result<Wakes, Errno> {
        let to = to.cloned().or_else(|| end.inner.lock().remote.clone()).ok_or(Errno::DESTADDRREQ)?;
        if bytes.len() > 65507 {
            return Err(Errno::MSGSIZE);
        }
        self.named(end, &to)?;
        match self.find(&Name::of(&to, true)) {
            Some(there) => {
                // Who is bound to no address of its own sends from the one it is reached by.
                let from = match (end.inner.lock().local.clone(), &to) {
                    (Some(Address::Inet(own)), Address::Inet(to)) if own.ip().is_unspecified() => {
                        Some(Address::Inet(SocketAddr::new(to.ip(), own.port())))
                    }
                    (own, _) => own,
                };
                Ok(there.deliver(now + self.latency(), bytes, from))
            }
            None if end.family == 1 => Err(Errno::NOENT),
            // Nobody hears it: lost.
            None => Ok(Vec::new()),
        }
    }
}
