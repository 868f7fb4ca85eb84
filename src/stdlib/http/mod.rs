//! `_http`: requests under way, the pools of their connections, servers that answer by a plan. What scripts
//! import is in `kit/` (`requests`, `aiohttp`, `urllib.request`, `kit.server`).
//!
//! An exchange is started here and waited for here; the world does the rest (`world/http`). A failure does
//! not raise: it comes back as a tuple that begins with None and a word of the world's table, and the
//! library's module raises what its users expect.
//!
//! N1 A native that waits gives the lock up once, and gives the exchange up if the wait is interrupted.
//! N2 In a simulation the moment of an answer is known when the request is made: waiting for it is a wait
//!    until then, and an event loop asks for the moment (`due`) instead of being told (`completed`).
//! N3 An exchange, a pool and a server end with the object that stands for them.

mod exchange;
mod server;

use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, NativeRow, Res, Thread};
use std::any::Any;

natives! { pub HTTP, "_http";
    /// A pool of connections. `trust`: None for the roots that browsers trust, bytes of a PEM file, False
    /// for everybody.
    holds pool("trust, /") = exchange::pool;
    /// Closes the connections that a pool keeps.
    holds close("pool, /") = exchange::close;
    /// How many connections a pool has made.
    holds made("pool, /") = exchange::made;
    /// Starts a request over a pool: whether it is secure, host, port, method, path with query, headers as pairs,
    /// body, the seconds that connecting, each read and everything may take (or None), and how much of the body is wanted
    /// (-1: all, 0: the head, else so many bytes). With `completions` the end is told there by `token`.
    holds start("pool, secure, host, port, method, target, headers, body, connect, read, total, amount, completions=None, token=0, /") = exchange::start;
    /// Waits until what was asked for is there.
    waits wait("exchange, /") = exchange::wait;
    /// When it will be there, as `time.monotonic` has it: in a simulation only, None for never. False in the real world.
    holds due("exchange, /") = exchange::due;
    /// The answer's status, reason, version (10, 11), headers as pairs, length or None; or why there is none.
    holds head("exchange, /") = exchange::head;
    /// Begins to bring so many bytes of the body, -1 for all of it. Returns whether it has to be waited for.
    holds more("exchange, amount, /") = exchange::more;
    /// At most `n` bytes of what has come, -1 for all; b'' at the end of the body; or why it broke off.
    holds take("exchange, n, /") = exchange::take;
    /// Whether the body is over and all of it taken.
    holds over("exchange, /") = exchange::over;
    /// Gives the exchange up.
    holds cancel("exchange, /") = exchange::cancel;
    /// What the ends of many exchanges are told to.
    holds completions("") = exchange::completions;
    /// Waits for the ends of exchanges, at most `timeout` seconds; returns their tokens.
    waits completed("completions, timeout=None, /") = exchange::completed;
    /// Starts a server on the loopback address: routes as `kit.server` makes them, latency, jitter, fail_rate, seed or None,
    /// port, certificate and key as bytes or None.
    holds serve("routes, latency, jitter, fail_rate, seed, port, certificate, key, /") = server::serve;
    /// The port of a server.
    holds port("server, /") = server::port;
    /// How many requests a server has had.
    holds count("server, /") = server::count;
    /// Stops a server.
    holds stop("server, /") = server::stop;
}

/// All tables of `_http`.
pub fn tables() -> [&'static [NativeRow]; 1] {
    [HTTP]
}

/// An object around a state.
fn object(th: &Thread, state: impl Any + Send) -> Value {
    let state = Opaque { state: Box::new(state), attrs: Attrs::default() };
    Ref::new(&th.held, TypeId::Http.shape(), state).into()
}

/// What argument `i` stands for.
fn state<T: Clone + 'static>(c: &mut Call, i: usize, what: &str) -> Res<T> {
    let v = c.arg(i);
    let open = |o: &mut Opaque| o.state.downcast_ref::<T>().cloned();
    match v.as_ref().and_then(|r| r.try_with::<Opaque, _>(&c.held, open)).flatten() {
        Some(state) => Ok(state),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("{what} is needed, not '{got}'")))
        }
    }
}
