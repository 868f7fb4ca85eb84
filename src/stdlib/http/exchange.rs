//! Requests: starting one, waiting for it, reading it.

use super::{object, state};
use crate::object::{TypeId, Value};
use crate::stdlib::{os_error, seconds};
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Next, Res};
use crate::world::http::client::Pool;
use crate::world::http::exchange::{Amount, Bell, Due};
use crate::world::http::tls::Trust;
use crate::world::http::{Exchange, Failure, Limits, Request};
use crate::world::{Clock, Nanos, WaitKey, WaitOn};
use std::sync::{Arc, Mutex, PoisonError};

/// An exchange with the key that its end wakes.
#[derive(Clone)]
struct Asked(Arc<Owned>);

/// Gives the exchange up when nobody has it any more (N3).
struct Owned {
    exchange: Arc<Exchange>,
    key: WaitKey,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.exchange.cancel();
    }
}

/// Tokens of exchanges that have ended.
#[derive(Clone)]
struct Completions(Arc<Done>);

struct Done {
    tokens: Mutex<Vec<i64>>,
    key: WaitKey,
}

impl Done {
    fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }
    fn is_empty(&self) -> bool {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

#[derive(Clone)]
struct Kept(Arc<Pool>);

pub fn pool(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let trust = match &v {
        Value::None => Trust::Roots,
        v => match c.bytes_like(v) {
            Some(pem) => Trust::Pem(pem),
            None => Trust::Anybody,
        },
    };
    Ok(object(c, Kept(Pool::new(trust))))
}

fn pool_of(c: &mut Call) -> Res<Arc<Pool>> {
    Ok(state::<Kept>(c, 0, "a pool")?.0)
}

pub fn close(c: &mut Call) -> Res<Value> {
    pool_of(c)?.close();
    Ok(Value::None)
}

pub fn made(c: &mut Call) -> Res<Value> {
    let pool = pool_of(c)?;
    Ok(Value::Int(pool.made.load(std::sync::atomic::Ordering::Relaxed) as i64))
}

fn string(c: &mut Call, i: usize, what: &str) -> Res<String> {
    let v = c.arg(i);
    Ok(c.expect_str(&v, what)?.to_string())
}

fn length(c: &mut Call, i: usize) -> Res<Option<Nanos>> {
    match c.some(i) {
        Some(v) => Ok(Some(u64::try_from(seconds::nanos(c, &v)?).unwrap_or(0))),
        None => Ok(None),
    }
}

fn amount(c: &mut Call, i: usize) -> Res<Amount> {
    let v = c.arg(i);
    Ok(match c.index(&v)? {
        0 => Amount::Head,
        n => usize::try_from(n).map_or(Amount::Whole, Amount::Bytes),
    })
}

fn headers(c: &mut Call, i: usize) -> Res<Vec<(String, String)>> {
    let list = c.arg(i);
    let mut all = vec![];
    for pair in c.collect(&list)? {
        match tuple_items(&pair) {
            Some([name, value]) => match (text(name), text(value)) {
                (Some(name), Some(value)) => all.push((name.to_string(), value.to_string())),
                _ => return Err(c.type_error("a header's name and value must be str")),
            },
            _ => return Err(c.type_error("headers must be pairs")),
        }
    }
    Ok(all)
}

fn request(c: &mut Call) -> Res<Request> {
    let secure = c.arg(1);
    let secure = c.truth(&secure)?;
    let (host, method, target) = (string(c, 2, "the host")?, string(c, 4, "the method")?, string(c, 5, "the path")?);
    let port = c.arg(3);
    let Ok(port) = u16::try_from(c.index(&port)?) else {
        return Err(c.raise(TypeId::OverflowError, "port must be 0-65535."));
    };
    let headers = headers(c, 6)?;
    let body = c.arg(7);
    let body = match c.bytes_like(&body) {
        Some(bytes) => bytes,
        None if body.is_none() => vec![],
        None => {
            let got = c.type_name(&body);
            return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
        }
    };
    Ok(Request { secure, host, port, method, target, headers, body })
}

pub fn start(c: &mut Call) -> Res<Value> {
    let pool = pool_of(c)?;
    let request = request(c)?;
    let limits = Limits { connect: length(c, 8)?, read: length(c, 9)?, total: length(c, 10)? };
    let amount = amount(c, 11)?;
    let key = c.held.new_key();
    let exchange = if c.held.simulated() {
        let now = c.held.now(Clock::Monotonic);
        let net = c.interp.pipes.with(&c.held, |p| p.net.clone());
        Exchange::simulated(net.servers(), &request, limits, amount, now)
    } else {
        let bell = bell(c, key)?;
        let started = c.held.holding(|| Exchange::start(&pool, request, limits, amount, bell));
        match started {
            Ok(exchange) => exchange,
            Err(e) => return Err(os_error::raise(c, &e, None)),
        }
    };
    Ok(object(c, Asked(Arc::new(Owned { exchange, key }))))
}

/// What the I/O thread does when an operation has ended: wakes the one who waits, or tells the completions,
/// whose reader is woken by the first of many only.
fn bell(c: &mut Call, key: WaitKey) -> Res<Bell> {
    let waker = c.held.waker();
    if c.some(12).is_none() {
        return Ok(Box::new(move || waker.wake(key)));
    }
    let Completions(done) = state(c, 12, "an object of _http.completions")?;
    let token = c.arg(13);
    let token = c.index(&token)?;
    Ok(Box::new(move || {
        let mut tokens = done.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.push(token);
        let first = tokens.len() == 1;
        drop(tokens);
        if first {
            waker.wake(done.key);
        }
    }))
}

fn this(c: &mut Call) -> Res<Arc<Owned>> {
    Ok(state::<Asked>(c, 0, "an exchange")?.0)
}

pub fn wait(c: &mut Call) -> Res<Next> {
    let this = this(c)?;
    Ok(go_on(c, this))
}

fn go_on(c: &mut Call, this: Arc<Owned>) -> Next {
    let until = match this.exchange.due() {
        Due::Now => return Next::Done(Value::None),
        Due::At(at) if at <= c.held.now(Clock::Monotonic) => return Next::Done(Value::None),
        Due::At(at) => Some(at),
        Due::Later => None,
    };
    let seen = this.clone();
    Next::Wait {
        on: WaitOn::Response { key: this.key },
        until,
        still: Box::new(move |_| seen.exchange.due() != Due::Now),
        then: Box::new(move |c, wake| match c.after_wake(wake) {
            Ok(_) => Ok(go_on(c, this)),
            Err(raised) => {
                this.exchange.cancel();
                Err(raised)
            }
        }),
    }
}

pub fn due(c: &mut Call) -> Res<Value> {
    let this = this(c)?;
    if !c.held.simulated() {
        return Ok(Value::FALSE);
    }
    Ok(match this.exchange.due() {
        Due::Now => Value::float(c.held.now(Clock::Monotonic) as f64 / 1e9),
        Due::At(at) => Value::float(at as f64 / 1e9),
        Due::Later => Value::None,
    })
}

/// A failure as the library reads it.
fn failed(c: &mut Call, failure: &Failure) -> Value {
    let (word, text) = (c.str(failure.kind.word()), c.str(&failure.text));
    let missing = failure.missing.map_or(Value::None, |n| Value::Int(n as i64));
    c.tuple(vec![Value::None, word, Value::Int(failure.errno.into()), text, Value::Int(failure.got as i64), missing])
}

pub fn head(c: &mut Call) -> Res<Value> {
    let this = this(c)?;
    let head = match this.exchange.head() {
        Ok(head) => head,
        Err(failure) => return Ok(failed(c, &failure)),
    };
    let mut pairs = Vec::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        let pair = vec![c.str(name), c.str(value)];
        pairs.push(c.tuple(pair));
    }
    let (reason, headers) = (c.str(&head.reason), c.list(pairs));
    let length = head.length.map_or(Value::None, |n| Value::Int(n as i64));
    let row = vec![Value::Int(head.status.into()), reason, Value::Int(head.version.into()), headers, length];
    Ok(c.tuple(row))
}

pub fn more(c: &mut Call) -> Res<Value> {
    let this = this(c)?;
    let amount = amount(c, 1)?;
    let now = c.held.now(Clock::Monotonic);
    let under_way = this.exchange.clone().more(amount, now);
    Ok(Value::bool(under_way))
}

pub fn take(c: &mut Call) -> Res<Value> {
    let this = this(c)?;
    let n = c.arg(1);
    let n = usize::try_from(c.index(&n)?).unwrap_or(usize::MAX);
    match this.exchange.take(n) {
        Ok(bytes) => Ok(c.bytes(bytes)),
        Err(failure) => Ok(failed(c, &failure)),
    }
}

pub fn over(c: &mut Call) -> Res<Value> {
    let this = this(c)?;
    Ok(Value::bool(this.exchange.over().is_some()))
}

pub fn cancel(c: &mut Call) -> Res<Value> {
    this(c)?.exchange.cancel();
    Ok(Value::None)
}

pub fn completions(c: &mut Call) -> Res<Value> {
    let key = c.held.new_key();
    Ok(object(c, Completions(Arc::new(Done { tokens: Mutex::default(), key }))))
}

pub fn completed(c: &mut Call) -> Res<Next> {
    let Completions(done) = state(c, 0, "an object of _http.completions")?;
    let until = c.some(1);
    let until = seconds::optional_deadline(c, until)?;
    Ok(completed_by(c, done, until))
}

fn completed_by(c: &mut Call, done: Arc<Done>, until: Option<Nanos>) -> Next {
    let tokens = done.take();
    if !tokens.is_empty() || until.is_some_and(|at| at <= c.held.now(Clock::Monotonic)) {
        return Next::Done(c.list(tokens.into_iter().map(Value::Int).collect()));
    }
    let seen = done.clone();
    Next::Wait {
        on: WaitOn::Response { key: done.key },
        until,
        still: Box::new(move |_| seen.is_empty()),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            Ok(completed_by(c, done, until))
        }),
    }
}
