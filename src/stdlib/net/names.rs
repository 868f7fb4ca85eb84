//! Names: the resolver runs on a thread of its own, so that a caller can be interrupted while it waits.

use super::not_simulated;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::stdlib::os_error;
use crate::vm::{Call, Next, Res, Thread};
use crate::world::net::{self, IpAddr, Ipv4Addr, Ipv6Addr};
use crate::world::{WaitOn, thread};
use std::io;
use std::sync::{Arc, OnceLock};

natives! { pub NAMES, "_socket";
    /// The numeric addresses of a name, without asking anybody if it is one; waits for the resolver with
    /// the interpreter lock given up. What it says in vain is returned as text.
    waits resolve("name, /") = resolve;
    /// Whether a text is a numeric address: 4, 6 or None.
    holds numeric("text, /") = numeric;
    /// What this machine calls itself.
    holds gethostname("") = gethostname;
    /// The system's services as (name, port, protocol).
    holds services("") = services;
    /// The bytes of a numeric address; None if it is none.
    holds packed("text, /") = packed;
    /// The text of an address from its 4 or 16 bytes.
    holds unpacked("data, /") = unpacked;
}

const STACK_BYTES: usize = 256 << 10;

fn rows(th: &mut Thread, all: &[IpAddr]) -> Value {
    let mut seen: Vec<IpAddr> = Vec::new();
    for ip in all {
        if !seen.contains(ip) {
            seen.push(*ip);
        }
    }
    let texts = seen.iter().map(|ip| th.string(ip.to_string())).collect();
    th.list(texts)
}

fn resolve(c: &mut Call) -> Res<Next> {
    let v = c.arg(0);
    let name = c.expect_str(&v, "host")?.to_string();
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Next::Done(rows(c, &[ip])));
    }
    if c.held.simulated() {
        if name == "localhost" || name == SIMULATED {
            return Ok(Next::Done(rows(c, &[Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])));
        }
        return Err(not_simulated(c, &format!("a simulation has no outside hosts: '{name}'")));
    }
    let found: Arc<OnceLock<io::Result<Vec<IpAddr>>>> = Arc::default();
    let (key, waker, told) = (c.held.new_key(), c.held.waker(), found.clone());
    let look = move || {
        let _ = told.set(net::resolve(&name));
        waker.wake(key);
    };
    thread::start("resolver", STACK_BYTES, Box::new(look)).map_err(|e| os_error::raise(c, &e, None))?;
    let pending = found.clone();
    Ok(Next::Wait {
        on: WaitOn::Resolve { key },
        until: None,
        still: Box::new(move |_| pending.get().is_none()),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            Ok(Next::Done(match found.get() {
                Some(Ok(all)) => rows(c, all),
                Some(Err(e)) => {
                    let text = e.to_string();
                    let words = text.rsplit(": ").next().unwrap_or(&text).to_string();
                    c.string(words)
                }
                None => c.str("Temporary failure in name resolution"),
            }))
        }),
    })
}

/// What a simulated machine calls itself.
const SIMULATED: &str = "simulated";

fn numeric(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let host = c.expect_str(&v, "host")?;
    Ok(match host.split('%').next().unwrap_or_default().parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => Value::Int(4),
        Ok(IpAddr::V6(_)) => Value::Int(6),
        Err(_) => Value::None,
    })
}

fn gethostname(c: &mut Call) -> Res<Value> {
    if c.held.simulated() {
        return Ok(c.str(SIMULATED));
    }
    match net::host_name() {
        Ok(name) => Ok(c.string(name)),
        Err(e) => Err(os_error::raise(c, &e, None)),
    }
}

fn services(c: &mut Call) -> Res<Value> {
    let all = net::services();
    let rows = all.into_iter().map(|(name, port, protocol)| {
        let parts = vec![c.string(name), Value::Int(port.into()), c.string(protocol)];
        c.tuple(parts)
    });
    let rows = rows.collect();
    Ok(c.list(rows))
}

fn packed(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let text = c.expect_str(&v, "address")?;
    Ok(match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => c.bytes(ip.octets().to_vec()),
        Ok(IpAddr::V6(ip)) => c.bytes(ip.octets().to_vec()),
        Err(_) => Value::None,
    })
}

fn unpacked(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let bytes = c.bytes_like(&v).unwrap_or_default();
    let text = match (<[u8; 4]>::try_from(&bytes[..]), <[u8; 16]>::try_from(&bytes[..])) {
        (Ok(four), _) => Ipv4Addr::from(four).to_string(),
        (_, Ok(six)) => Ipv6Addr::from(six).to_string(),
        _ => return Err(c.raise(TypeId::ValueError, "invalid length of packed IP address string")),
    };
    Ok(c.string(text))
}
