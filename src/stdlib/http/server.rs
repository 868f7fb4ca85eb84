//! Servers: a plan out of tuples that `kit.server` has checked.

use super::{object, state};
use crate::object::Value;
use crate::stdlib::{os_error, seconds};
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Res};
use crate::world::Nanos;
use crate::world::http::plan::{Answer, Content, Fault, Plan, Route};
use crate::world::http::server::Server;
use crate::world::http::sim::Net;
use crate::world::{Stream, WaitKind};
use std::sync::Arc;

/// A server of either world.
#[derive(Clone)]
enum Running {
    Real(Arc<Server>),
    Simulated(Arc<Simulated>),
}

struct Simulated {
    port: u16,
    plan: Arc<Plan>,
    net: Net,
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.net.close(&self.plan, self.port);
    }
}

fn length(c: &mut Call, v: &Value) -> Res<Nanos> {
    Ok(u64::try_from(seconds::nanos(c, v)?).unwrap_or(0))
}

fn optional_length(c: &mut Call, v: &Value) -> Res<Option<Nanos>> {
    if v.is_none() { Ok(None) } else { length(c, v).map(Some) }
}

fn rate(c: &mut Call, v: &Value) -> Res<f64> {
    match c.try_float(v)? {
        Some(rate) => Ok(rate),
        None => Err(c.type_error("fail_rate must be a number")),
    }
}

fn bytes(c: &mut Call, v: &Value) -> Res<Vec<u8>> {
    match c.bytes_like(v) {
        Some(bytes) => Ok(bytes),
        None => Err(c.type_error("a body must be bytes here")),
    }
}

fn content(c: &mut Call, kind: &str, data: &Value) -> Res<Content> {
    Ok(match kind {
        "echo" => Content::Echo,
        "template" => Content::Template(c.str_text(data)?),
        "chunks" => {
            let all = c.collect(data)?;
            Content::Chunks(all.iter().map(|v| bytes(c, v).map(Into::into)).collect::<Res<_>>()?)
        }
        _ => Content::Fixed(bytes(c, data)?.into()),
    })
}

/// An answer out of (status, reason, headers, kind, data, latency, jitter, fail_rate, fault, amount, pause,
/// drip, gzip).
fn answer(c: &mut Call, v: &Value) -> Res<Answer> {
    let items = tuple_items(v).map(<[Value]>::to_vec).unwrap_or_default();
    let Ok([status, reason, headers, kind, data, latency, jitter, fails, fault, amount, pause, drip, gzip]) =
        <[Value; 13]>::try_from(items)
    else {
        return Err(c.type_error("an answer has thirteen parts"));
    };
    let mut pairs = vec![];
    for pair in c.collect(&headers)? {
        if let Some([name, value]) = tuple_items(&pair) {
            let (name, value) = (name.clone(), value.clone());
            pairs.push((c.str_text(&name)?, c.str_text(&value)?));
        }
    }
    let amount = usize::try_from(c.index(&amount)?).unwrap_or(0);
    let fault = match text(&fault) {
        Some("truncate") => Fault::Truncate(amount),
        Some("reset") => Fault::Reset,
        Some("close") => Fault::Close,
        Some("hang") => Fault::Hang,
        _ => Fault::None,
    };
    let kind = c.str_text(&kind)?;
    Ok(Answer {
        status: u16::try_from(c.index(&status)?).unwrap_or(500),
        reason: text(&reason).map(str::to_string),
        headers: pairs,
        content: content(c, &kind, &data)?,
        latency: optional_length(c, &latency)?,
        jitter: optional_length(c, &jitter)?,
        fail_rate: if fails.is_none() { None } else { Some(rate(c, &fails)?) },
        fault,
        pause: length(c, &pause)?,
        drip: c.truth(&drip)?,
        gzip: c.truth(&gzip)?,
    })
}

fn routes(c: &mut Call) -> Res<Vec<Route>> {
    let list = c.arg(0);
    let mut all = vec![];
    for row in c.collect(&list)? {
        let items = tuple_items(&row).map(<[Value]>::to_vec).unwrap_or_default();
        let Ok([method, path, answers]) = <[Value; 3]>::try_from(items) else {
            return Err(c.type_error("a route has three parts"));
        };
        let method = text(&method).map(str::to_string);
        let path = c.str_text(&path)?;
        let answers = c.collect(&answers)?.iter().map(|v| answer(c, v)).collect::<Res<Vec<_>>>()?;
        all.push(Route::new(method, path, answers));
    }
    Ok(all)
}

pub fn serve(c: &mut Call) -> Res<Value> {
    let routes = routes(c)?;
    let (latency, jitter, fails) = (c.arg(1), c.arg(2), c.arg(3));
    let (latency, jitter, fails) = (length(c, &latency)?, length(c, &jitter)?, rate(c, &fails)?);
    let seed = match c.some(4) {
        Some(v) => c.index(&v)? as u64,
        None => c.held.draw(Stream::Script),
    };
    let port = c.arg(5);
    let Ok(port) = u16::try_from(c.index(&port)?) else {
        return Err(c.raise(crate::object::TypeId::OverflowError, "port must be 0-65535."));
    };
    let plan = Plan::new(routes, latency, jitter, fails, seed);
    if c.held.simulated() {
        let (plan, net) = (Arc::new(plan), c.interp.pipes.with(&c.held, |p| p.net.servers().clone()));
        return match net.open(plan.clone(), port) {
            Ok(port) => Ok(object(c, Running::Simulated(Arc::new(Simulated { port, plan, net })))),
            Err(e) => Err(os_error::raise(c, &e, None)),
        };
    }
    let secret = match (c.some(6), c.some(7)) {
        (Some(certificate), Some(key)) => Some((bytes(c, &certificate)?, bytes(c, &key)?)),
        _ => None,
    };
    match c.held.holding(|| Server::start(plan, port, secret)) {
        Ok(server) => Ok(object(c, Running::Real(Arc::new(server)))),
        Err(e) => Err(os_error::raise(c, &e, None)),
    }
}

fn this(c: &mut Call) -> Res<Running> {
    state(c, 0, "a server")
}

pub fn port(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(match this(c)? {
        Running::Real(s) => s.port.into(),
        Running::Simulated(s) => s.port.into(),
    }))
}

pub fn count(c: &mut Call) -> Res<Value> {
    let count = match this(c)? {
        Running::Real(s) => s.plan.count(),
        Running::Simulated(s) => s.plan.count(),
    };
    Ok(Value::Int(count as i64))
}

pub fn stop(c: &mut Call) -> Res<Value> {
    match this(c)? {
        Running::Real(s) => c.held.outside_for(WaitKind::Response, || s.stop()),
        Running::Simulated(s) => s.net.close(&s.plan, s.port),
    }
    Ok(Value::None)
}
