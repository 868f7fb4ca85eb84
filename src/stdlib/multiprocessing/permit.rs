//! Permits: what locks, semaphores, events and conditions between processes are made of.

use super::handle::{self, Resource, Tokens, ok, tokens};
use super::sim;
use crate::natives;
use crate::object::Value;
use crate::stdlib::seconds;
use crate::vm::{Call, Next, Res};
use crate::world::shared::{Permits, Taking};
use crate::world::work::Labour;
use crate::world::{Nanos, WaitOn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};

natives! { pub PERMIT, "_multiprocessing";
    /// A number of permits that processes share.
    holds permits("count, /") = permits;
    /// Takes a permit; waits for one at most `timeout` seconds (None: for ever), not at all if `block` is
    /// false. Returns whether it was taken.
    waits take("handle, block=True, timeout=None, /") = take;
    /// Gives a permit.
    holds give("handle, /") = give;
    /// How many permits there are.
    holds count("handle, /") = count;
    /// Whether there is a permit.
    holds any("handle, /") = any;
}

fn permits(c: &mut Call) -> Res<Value> {
    let n = c.arg(0);
    let n = c.index(&n)?;
    let Ok(n) = u32::try_from(n) else { return Err(c.value_error("semaphore initial value must be >= 0")) };
    let made = if c.held.simulated() {
        Tokens::Sim(Arc::new(sim::Tokens::new(&mut c.held, n.into())))
    } else {
        let made = Permits::new(n);
        Tokens::Real(ok(c, made)?)
    };
    Ok(handle::object(c, Resource::Permits(made)))
}

fn take(c: &mut Call) -> Res<Next> {
    let tokens = tokens(c)?;
    let block = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => true,
    };
    if taken(c, &tokens)? {
        return Ok(Next::Done(Value::TRUE));
    }
    if !block {
        return Ok(Next::Done(Value::FALSE));
    }
    let until = c.some(2);
    let until = seconds::optional_deadline(c, until)?;
    if until.is_some_and(|at| at <= seconds::deadline(c, 0)) {
        return Ok(Next::Done(Value::FALSE));
    }
    Ok(wait(c, tokens, until))
}

fn taken(c: &mut Call, t: &Tokens) -> Res<bool> {
    match t {
        Tokens::Real(p) => {
            let r = p.take();
            ok(c, r)
        }
        Tokens::Sim(t) => Ok(t.take()),
    }
}

fn wait(c: &mut Call, tokens: Tokens, until: Option<Nanos>) -> Next {
    let (key, work) = match &tokens {
        Tokens::Real(p) => {
            (c.held.new_key(), Some(Arc::new(Taking { permits: p.clone(), taken: AtomicBool::new(false) })))
        }
        Tokens::Sim(t) => (t.key, None),
    };
    Next::Wait {
        on: WaitOn::Permit { key, work: work.clone().map(|w| Labour(w)) },
        until,
        still: Box::new(|_| true),
        then: Box::new(move |c, wake| {
            let got = work.is_some_and(|w| w.taken.load(Acquire));
            let woken = match c.after_wake(wake) {
                Ok(woken) => woken,
                // Ctrl-C: what was taken is given back, nobody knows of it.
                Err(e) => {
                    if got && let Tokens::Real(p) = &tokens {
                        let back = p.give();
                        ok(c, back)?;
                    }
                    return Err(e);
                }
            };
            if got || taken(c, &tokens)? {
                return Ok(Next::Done(Value::TRUE));
            }
            Ok(if woken { wait(c, tokens, until) } else { Next::Done(Value::FALSE) })
        }),
    }
}

fn give(c: &mut Call) -> Res<Value> {
    match tokens(c)? {
        Tokens::Real(p) => {
            let r = p.give();
            ok(c, r)?;
        }
        Tokens::Sim(t) => {
            t.give();
            c.held.wake(t.key, 1);
        }
    }
    Ok(Value::None)
}

fn count(c: &mut Call) -> Res<Value> {
    let n = match tokens(c)? {
        Tokens::Real(p) => {
            let n = p.count();
            ok(c, n)?
        }
        Tokens::Sim(t) => t.count(),
    };
    Ok(Value::Int(n as i64))
}

fn any(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(match tokens(c)? {
        Tokens::Real(p) => {
            let any = p.any();
            ok(c, any)?
        }
        Tokens::Sim(t) => t.count() > 0,
    }))
}
