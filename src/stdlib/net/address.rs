//! Addresses as scripts have them: `(host, port)`, `(host, port, flowinfo, scope_id)`, a path.

use crate::object::{TypeId, Value};
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Res, Thread};
use crate::world::net::{AF_INET, AF_INET6, AF_UNIX, Address, IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Reads an address whose host is numeric; `what` is the operation for messages.
pub fn read(c: &mut Call, family: i64, v: &Value, what: &str) -> Res<Address> {
    match family {
        AF_UNIX => unix(c, v),
        AF_INET | AF_INET6 => inet(c, family, v, what),
        _ => Err(c.raise(TypeId::OSError, format!("{what}(): bad family"))),
    }
}

fn unix(c: &mut Call, v: &Value) -> Res<Address> {
    let path = match (text(v), c.bytes_like(v)) {
        (Some(t), _) => t.as_bytes().to_vec(),
        (None, Some(b)) => b,
        _ => {
            let got = c.type_name(v);
            return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
        }
    };
    if path.len() > 107 {
        return Err(c.raise(TypeId::OSError, "AF_UNIX path too long"));
    }
    Ok(Address::Unix(path))
}

fn inet(c: &mut Call, family: i64, v: &Value, what: &str) -> Res<Address> {
    let name = if family == AF_INET { "AF_INET" } else { "AF_INET6" };
    let Some(parts) = tuple_items(v).map(<[Value]>::to_vec) else {
        let got = c.type_name(v);
        return Err(c.type_error(format!("{what}(): {name} address must be tuple, not {got}")));
    };
    let fits = if family == AF_INET { parts.len() == 2 } else { (2..=4).contains(&parts.len()) };
    if !fits {
        return Err(c.type_error(match family {
            AF_INET => "AF_INET address must be a pair (host, port)",
            _ => "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])",
        }));
    }
    let Some(host) = text(&parts[0]).map(str::to_string) else {
        let got = c.type_name(&parts[0]);
        return Err(c.type_error(format!("str, bytes or bytearray expected, not {got}")));
    };
    let port = c.index(&parts[1])?;
    let Ok(port) = u16::try_from(port) else {
        return Err(c.raise(TypeId::OverflowError, format!("{what}(): port must be 0-65535.")));
    };
    let ip = host.split('%').next().unwrap_or_default().parse::<IpAddr>();
    let ip = match ip {
        Ok(ip) => ip,
        Err(_) => return Err(c.value_error(format!("'{host}' is no numeric address"))),
    };
    let mut rest = [0u32; 2];
    for (i, part) in parts.iter().skip(2).enumerate() {
        rest[i] = u32::try_from(c.index(part)?).unwrap_or(0);
    }
    Ok(Address::Inet(match (family, ip) {
        (AF_INET6, IpAddr::V6(ip)) => SocketAddrV6::new(ip, port, rest[0], rest[1]).into(),
        (AF_INET6, IpAddr::V4(ip)) => SocketAddrV6::new(ip.to_ipv6_mapped(), port, 0, 0).into(),
        (_, ip) => SocketAddr::new(ip, port),
    }))
}

/// An address as a value; one that is not known is None.
pub fn value(th: &mut Thread, at: Option<Address>) -> Value {
    match at {
        None => Value::None,
        Some(Address::Inet(SocketAddr::V4(a))) => {
            let host = th.string(a.ip().to_string());
            th.tuple(vec![host, Value::Int(a.port().into())])
        }
        Some(Address::Inet(SocketAddr::V6(a))) => {
            let host = th.string(a.ip().to_string());
            let numbers = [i64::from(a.port()), a.flowinfo().into(), a.scope_id().into()];
            let mut all = vec![host];
            all.extend(numbers.map(Value::Int));
            th.tuple(all)
        }
        Some(Address::Unix(path)) if path.first() == Some(&0) => th.bytes(path),
        Some(Address::Unix(path)) => th.string(String::from_utf8_lossy(&path).into_owned()),
    }
}

/// Whether a simulation has this address: the machine itself.
pub fn is_here(at: &Address) -> bool {
    match at {
        Address::Unix(_) => true,
        Address::Inet(a) => match a.ip() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_broadcast(),
            IpAddr::V6(ip) => {
                let four = ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback());
                ip.is_loopback() || ip == Ipv6Addr::UNSPECIFIED || four
            }
        },
    }
}
