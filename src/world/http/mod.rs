//! HTTP: requests to servers, and a server that answers by a plan.
//!
//! One thread (`runtime.rs`, started at the first request) does all that waits for the network, by tokio and
//! hyper; a server has a thread of its own (`server.rs`). Above this folder nobody sees a type of theirs: a request goes in
//! as plain data (`Request`), what becomes of it is read from an `Exchange` once its bell has rung. The
//! one who asks waits for a key of its own, or is told with many others at once.
//!
//! What a server answers is decided by a `Plan`, which is pure data with a seed: method, path, how many
//! requests came before. The real server carries a `Reply` out over a socket; a simulation (`sim.rs`) lays
//! the same reply out in virtual time, so that a script sees the same in both worlds.
//!
//! H1 An exchange has at most one operation under way (the answer's head, or more of its body). While it is,
//!    only the I/O thread touches what it brings; the bell rings after the result has been stored.
//! H2 Beyond what comes along with the head (64 KiB), nothing is read from a connection that nobody has
//!    asked for: a slow reader slows the server down.
//! H3 A connection goes back to its pool only after a body's last byte; whoever drops an exchange before
//!    that closes the connection.
//! H4 A request is sent a second time only if a kept connection was closed before any byte of an answer.
//! H5 Every failure has a row in `failure.rs`; none is told by its text alone.
//! H6 A plan draws from its own seed only, once per request and purpose, so that replies repeat.
//!
//! Not here: redirects, cookies, the words of exceptions (`stdlib/kit/requests.kit`, `aiohttp.kit`,
//! `urllib_request.kit`), HTTP/2, proxies.

pub mod address;
pub mod body;
pub mod client;
pub mod connect;
pub mod decode;
pub mod exchange;
pub mod failure;
pub mod plan;
pub mod runtime;
pub mod server;
pub mod sim;
pub mod tls;

pub use exchange::Exchange;
pub use failure::{Failure, FailureKind};

use super::Nanos;

/// A request, complete.
#[derive(Clone, Debug)]
pub struct Request {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    pub method: String,
    /// Path and query, as they go over the wire.
    pub target: String,
    /// In the order given.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Default, Debug)]
pub struct Limits {
    /// For a connection.
    pub connect: Option<Nanos>,
    /// From one piece of the answer to the next.
    pub read: Option<Nanos>,
    /// For everything, from the start on.
    pub total: Option<Nanos>,
}

/// What an answer begins with.
#[derive(Clone, PartialEq, Debug)]
pub struct Head {
    pub status: u16,
    pub reason: String,
    /// 10 or 11.
    pub version: u8,
    /// In the server's order; names as they are usually written, because the wire's spelling is not kept.
    pub headers: Vec<(String, String)>,
    /// Content-Length.
    pub length: Option<u64>,
}

impl Head {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}
