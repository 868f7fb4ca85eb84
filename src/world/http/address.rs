//! Which hosts are this machine, and what addresses a name has.

use super::failure::{Failure, FailureKind};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The resolver's texts and numbers, as its header has them; the system's library gives only the text.
const RESOLVER: &[(&str, i32)] = &[
    ("Name or service not known", -2),
    ("Temporary failure in name resolution", -3),
    ("Non-recoverable failure in name resolution", -4),
    ("No address associated with hostname", -5),
    ("Servname not supported for ai_socktype", -8),
];

/// The address that a host's text is, with or without the brackets of a URL.
pub fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Does the host mean this machine? `localhost` does, and every name below it.
pub fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || literal(&host).is_some_and(|ip| ip.is_loopback())
}

/// Does the host have no address by definition? Names that end in `.invalid` are not asked for (RFC 6761).
pub fn is_invalid(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "invalid" || host.ends_with(".invalid")
}

/// The addresses that need no resolver.
pub fn known(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    if let Some(ip) = literal(host) {
        return Some(vec![SocketAddr::new(ip, port)]);
    }
    let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    is_loopback(host).then(|| both.map(|ip| SocketAddr::new(ip, port)).to_vec())
}

/// What the resolver's error means.
pub fn failure(error: &io::Error) -> Failure {
    let text = error.to_string();
    let text = text.rsplit(": ").next().unwrap_or(&text);
    let number = RESOLVER.iter().find(|(words, _)| *words == text).map_or(-2, |(_, n)| *n);
    Failure { errno: number, ..Failure::new(FailureKind::Name, text) }
}

#[cfg(test)]
mod tests {
    use super::{is_invalid, is_loopback, known};

    #[test]
    fn hosts() {
        for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.1.2.3", "a.localhost"] {
            assert!(is_loopback(host), "{host}");
            assert!(known(host, 1).is_some_and(|all| !all.is_empty()), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "localhost.example.com", ""] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(known("example.com", 1).is_none());
        assert!(is_invalid("x.invalid") && is_invalid("x.INVALID.") && !is_invalid("invalid.org"));
    }
}
