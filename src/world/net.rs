//! Sockets and names. All sockets are made non-blocking: an attempt never waits, waiting is `work.rs`'s.

use super::work::Descriptor;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType,
    sockopt,
};
use std::io;
use std::net::ToSocketAddrs;
pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::Duration;

pub const AF_UNIX: i64 = 1;
pub const AF_INET: i64 = 2;
pub const AF_INET6: i64 = 10;
pub const SOCK_STREAM: i64 = 1;
pub const SOCK_DGRAM: i64 = 2;

/// Where a socket is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Address {
    Inet(SocketAddr),
    /// A path; empty: it has none; with a zero byte in front: a name outside the file system.
    Unix(Vec<u8>),
}

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

fn family(n: i64) -> AddressFamily {
    AddressFamily::from_raw(u16::try_from(n).unwrap_or(u16::MAX))
}

fn kind(n: i64) -> SocketType {
    SocketType::from_raw(u32::try_from(n & 0xf).unwrap_or(u32::MAX))
}

fn protocol(n: i64) -> Option<Protocol> {
    std::num::NonZeroU32::new(u32::try_from(n).unwrap_or(u32::MAX)).map(Protocol::from_raw)
}

pub fn socket(domain: i64, type_: i64, proto: i64) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(family(domain), kind(type_), FLAGS, protocol(proto))?)
}

pub fn pair(domain: i64, type_: i64, proto: i64) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(family(domain), kind(type_), FLAGS, protocol(proto))?)
}

fn unix(path: &[u8]) -> io::Result<SocketAddrUnix> {
    Ok(match path {
        [] => SocketAddrUnix::new_unnamed(),
        [0, name @ ..] => SocketAddrUnix::new_abstract_name(name)?,
        path => SocketAddrUnix::new(path)?,
    })
}

fn address(any: SocketAddrAny) -> Option<Address> {
    if let Ok(v4) = SocketAddrV4::try_from(any.clone()) {
        return Some(Address::Inet(v4.into()));
    }
    if let Ok(v6) = SocketAddrV6::try_from(any.clone()) {
        return Some(Address::Inet(v6.into()));
    }
    let unix = SocketAddrUnix::try_from(any).ok()?;
    Some(Address::Unix(match (unix.path_bytes(), unix.abstract_name()) {
        (Some(path), _) => path.to_vec(),
        (None, Some(name)) if !name.is_empty() => [b"\0", name].concat(),
        _ => Vec::new(),
    }))
}

pub fn bind(fd: &Descriptor, to: &Address) -> io::Result<()> {
    Ok(match to {
        Address::Inet(a) => rustix::net::bind(fd, a),
        Address::Unix(path) => rustix::net::bind(fd, &unix(path)?),
    }?)
}

pub fn listen(fd: &Descriptor, backlog: i32) -> io::Result<()> {
    Ok(rustix::net::listen(fd, backlog)?)
}

pub fn accept(fd: &Descriptor) -> io::Result<(OwnedFd, Option<Address>)> {
    let (new, from) = rustix::net::acceptfrom_with(fd, FLAGS)?;
    Ok((new, from.and_then(address)))
}

/// Begins to connect; `WouldBlock` or `InProgress`: the answer is still out.
pub fn connect(fd: &Descriptor, to: &Address) -> io::Result<()> {
    Ok(match to {
        Address::Inet(a) => rustix::net::connect(fd, a),
        Address::Unix(path) => rustix::net::connect(fd, &unix(path)?),
    }?)
}

/// What became of the last attempt to connect; asking forgets it.
pub fn error(fd: &Descriptor) -> io::Result<Option<io::Error>> {
    Ok(sockopt::socket_error(fd)?.err().map(io::Error::from))
}

/// At most `n` bytes, and from where; none at the end of a stream.
pub fn receive(fd: &Descriptor, n: usize, flags: i64) -> io::Result<(Vec<u8>, Option<Address>)> {
    let flags = RecvFlags::from_bits_retain(flags as u32);
    let mut bytes = vec![0; n];
    loop {
        match rustix::net::recvfrom(fd, &mut bytes[..], flags) {
            Ok((_, got, from)) => {
                bytes.truncate(got.min(n));
                return Ok((bytes, from.and_then(address)));
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Sends what there is room for; says how much.
pub fn send(fd: &Descriptor, bytes: &[u8], flags: i64, to: Option<&Address>) -> io::Result<usize> {
    let flags = SendFlags::from_bits_retain(flags as u32) | SendFlags::NOSIGNAL;
    let unix = match to {
        Some(Address::Unix(path)) => Some(unix(path)?),
        _ => None,
    };
    Ok(rustix::io::retry_on_intr(|| match (to, &unix) {
        (Some(Address::Inet(a)), _) => rustix::net::sendto(fd, bytes, flags, a),
        (_, Some(path)) => rustix::net::sendto(fd, bytes, flags, path),
        _ => rustix::net::send(fd, bytes, flags),
    })?)
}

/// 0: no more receiving, 1: no more sending, 2: neither.
pub fn shutdown(fd: &Descriptor, how: i64) -> io::Result<()> {
    let how = match how {
        0 => Shutdown::Read,
        1 => Shutdown::Write,
        2 => Shutdown::Both,
        _ => return Err(Errno::INVAL.into()),
    };
    Ok(rustix::net::shutdown(fd, how)?)
}

pub fn local(fd: &Descriptor) -> io::Result<Option<Address>> {
    Ok(address(rustix::net::getsockname(fd)?))
}

pub fn remote(fd: &Descriptor) -> io::Result<Option<Address>> {
    Ok(rustix::net::getpeername(fd)?.and_then(address))
}

/// Turns the table of options into `option`, `set_option` and their names.
macro_rules! options {
    ($($name:ident $level:literal $number:literal: $get:expr, $set:expr;)+) => {
        /// Name, level and number of the options that scripts can use.
        pub const OPTIONS: &[(&str, i64, i64)] = &[$((stringify!($name), $level, $number)),+];

        /// `None`: there is no such option in the table.
        pub fn option(fd: &Descriptor, level: i64, number: i64) -> Option<io::Result<i64>> {
            match (level, number) {
                $(($level, $number) => {
                    let get: fn(&Descriptor) -> rustix::io::Result<i64> = $get;
                    Some(get(fd).map_err(io::Error::from))
                })+
                _ => None,
            }
        }

        pub fn set_option(fd: &Descriptor, level: i64, number: i64, value: i64) -> Option<io::Result<()>> {
            match (level, number) {
                $(($level, $number) => {
                    let set: fn(&Descriptor, i64) -> rustix::io::Result<()> = $set;
                    Some(set(fd, value).map_err(io::Error::from))
                })+
                _ => None,
            }
        }
    };
}

fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn seconds(value: i64) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(0))
}

fn only_read(_: &Descriptor, _: i64) -> rustix::io::Result<()> {
    Err(Errno::NOPROTOOPT)
}

options! {
    SO_REUSEADDR 1 2: |f| sockopt::socket_reuseaddr(f).map(i64::from), |f, v| sockopt::set_socket_reuseaddr(f, v != 0);
    SO_TYPE 1 3: |f| sockopt::socket_type(f).map(|t| t.as_raw().into()), only_read;
    SO_ERROR 1 4: |f| sockopt::socket_error(f).map(|e| e.err().map_or(0, |e| e.raw_os_error().into())), only_read;
    SO_BROADCAST 1 6: |f| sockopt::socket_broadcast(f).map(i64::from), |f, v| sockopt::set_socket_broadcast(f, v != 0);
    SO_SNDBUF 1 7: |f| sockopt::socket_send_buffer_size(f).map(|n| n as i64),
        |f, v| sockopt::set_socket_send_buffer_size(f, size(v));
    SO_RCVBUF 1 8: |f| sockopt::socket_recv_buffer_size(f).map(|n| n as i64),
        |f, v| sockopt::set_socket_recv_buffer_size(f, size(v));
    SO_KEEPALIVE 1 9: |f| sockopt::socket_keepalive(f).map(i64::from), |f, v| sockopt::set_socket_keepalive(f, v != 0);
    SO_REUSEPORT 1 15: |f| sockopt::socket_reuseport(f).map(i64::from), |f, v| sockopt::set_socket_reuseport(f, v != 0);
    SO_ACCEPTCONN 1 30: |f| sockopt::socket_acceptconn(f).map(i64::from), only_read;
    SO_PROTOCOL 1 38: |f| sockopt::socket_protocol(f).map(|p| p.map_or(0, |p| p.as_raw().get().into())), only_read;
    SO_DOMAIN 1 39: |f| sockopt::socket_domain(f).map(|d| d.as_raw().into()), only_read;
    TCP_NODELAY 6 1: |f| sockopt::tcp_nodelay(f).map(i64::from), |f, v| sockopt::set_tcp_nodelay(f, v != 0);
    TCP_CORK 6 3: |f| sockopt::tcp_cork(f).map(i64::from), |f, v| sockopt::set_tcp_cork(f, v != 0);
    TCP_KEEPIDLE 6 4: |f| sockopt::tcp_keepidle(f).map(|d| d.as_secs() as i64),
        |f, v| sockopt::set_tcp_keepidle(f, seconds(v));
    TCP_KEEPINTVL 6 5: |f| sockopt::tcp_keepintvl(f).map(|d| d.as_secs() as i64),
        |f, v| sockopt::set_tcp_keepintvl(f, seconds(v));
    TCP_KEEPCNT 6 6: |f| sockopt::tcp_keepcnt(f).map(i64::from), |f, v| sockopt::set_tcp_keepcnt(f, size(v) as u32);
    TCP_QUICKACK 6 12: |f| sockopt::tcp_quickack(f).map(i64::from), |f, v| sockopt::set_tcp_quickack(f, v != 0);
    TCP_USER_TIMEOUT 6 18: |f| sockopt::tcp_user_timeout(f).map(i64::from),
        |f, v| sockopt::set_tcp_user_timeout(f, size(v) as u32);
    IP_TOS 0 1: |f| sockopt::ip_tos(f).map(i64::from), |f, v| sockopt::set_ip_tos(f, size(v) as u8);
    IP_TTL 0 2: |f| sockopt::ip_ttl(f).map(i64::from), |f, v| sockopt::set_ip_ttl(f, size(v) as u32);
    IPV6_V6ONLY 41 26: |f| sockopt::ipv6_v6only(f).map(i64::from), |f, v| sockopt::set_ipv6_v6only(f, v != 0);
}

/// How long `close` goes on sending; a socket that lingers not at all is reset.
pub fn set_linger(fd: &Descriptor, seconds: Option<u64>) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(fd, seconds.map(Duration::from_secs))?)
}

pub fn linger(fd: &Descriptor) -> io::Result<Option<u64>> {
    Ok(sockopt::socket_linger(fd)?.map(|d| d.as_secs()))
}

/// The addresses of a name, by the system's resolver: waits for it. The error carries the system's words.
pub fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0u16).to_socket_addrs()?.map(|a| a.ip()).collect())
}

/// What this machine calls itself.
pub fn host_name() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim_end().to_string())
}

/// The system's table of services: name, port, protocol.
pub fn services() -> Vec<(String, u16, String)> {
    let text = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let row = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (name, at) = (words.next()?, words.next()?);
        let (port, protocol) = at.split_once('/')?;
        Some((name.to_string(), port.parse().ok()?, protocol.to_string()))
    };
    text.lines().filter_map(row).collect()
}
