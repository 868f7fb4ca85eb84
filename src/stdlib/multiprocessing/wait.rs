//! Waiting for the first of several: messages, ends of processes, an event of this process.

use super::handle::{self, Line, Resource, Tokens};
use crate::natives;
use crate::object::Value;
use crate::stdlib::{locks, seconds};
use crate::vm::{Call, Next, Res};
use crate::world::work::{AnyReady, Descriptor, Labour, READABLE, ready};
use crate::world::{Nanos, WaitKey, WaitOn};
use std::sync::Arc;

natives! { pub WAIT, "_multiprocessing";
    /// Waits until one of `handles` is ready, at most `timeout` seconds; returns the places of those that
    /// are, none if the time is over or `event` is set.
    waits wait_ready("handles, timeout=None, event=None, /") = wait_ready;
}

fn wait_ready(c: &mut Call) -> Res<Next> {
    let list = c.arg(0);
    let list = c.collect(&list)?;
    let all = list.iter().map(|v| handle::of_value(c, v)).collect::<Res<Vec<_>>>()?;
    let until = c.some(1);
    let until = seconds::optional_deadline(c, until)?;
    let event = c.some(2);
    look(c, Arc::new(all), until, event)
}

/// The places of those that are ready now.
fn are_ready(c: &mut Call, all: &[Resource]) -> Res<Vec<usize>> {
    let mut places = Vec::new();
    let mut watched: Vec<(Descriptor, _)> = Vec::new();
    let mut at = Vec::new();
    for (i, r) in all.iter().enumerate() {
        match r {
            Resource::Line(Line::Sim(end)) if end.ready(&c.held) => places.push(i),
            Resource::Permits(Tokens::Sim(t)) if t.count() > 0 => places.push(i),
            Resource::Sentinel(s) if s.0.exit(&c.held).is_some() => places.push(i),
            _ => {
                if let Some(d) = r.descriptor() {
                    watched.push((d, READABLE));
                    at.push(i);
                }
            }
        }
    }
    if !watched.is_empty() {
        let are = ready(&watched, Some(0));
        let are = handle::ok(c, are)?;
        places.extend(at.into_iter().zip(are).filter(|(_, is)| *is).map(|(i, _)| i));
        places.sort_unstable();
    }
    Ok(places)
}

fn look(c: &mut Call, all: Arc<Vec<Resource>>, until: Option<Nanos>, event: Option<Value>) -> Res<Next> {
    let places = are_ready(c, &all)?;
    if !places.is_empty() {
        return settle(c, &all, places);
    }
    let event = event.map(|v| (locks::event_key(&c.held, &v), v));
    let set = matches!(event, Some((Some((_, true)), _)));
    if set || until.is_some_and(|at| at <= seconds::deadline(c, 0)) {
        return Ok(Next::Done(c.list(Vec::new())));
    }
    let key = match &event {
        Some((Some((key, _)), _)) => *key,
        _ => c.held.new_key(),
    };
    let event = event.map(|(_, v)| v);
    watch(&all, key, true);
    let (seen, fds) = (event.clone(), all.iter().filter_map(Resource::descriptor));
    let fds: Vec<_> = fds.map(|d| (d, READABLE)).collect();
    let work = (!fds.is_empty()).then(|| Labour(Arc::new(AnyReady(fds))));
    Ok(Next::Wait {
        on: WaitOn::Message { key, work },
        until,
        still: Box::new(move |held| {
            let set = seen.as_ref().and_then(|v| locks::event_key(held, v)).is_some_and(|(_, set)| set);
            !set
        }),
        then: Box::new(move |c, wake| {
            watch(&all, key, false);
            if c.after_wake(wake)? {
                return look(c, all, until, event);
            }
            let places = are_ready(c, &all)?;
            settle(c, &all, places)
        }),
    })
}

/// In a simulation a change of any of them wakes the key.
fn watch(all: &[Resource], key: WaitKey, on: bool) {
    for r in all {
        if let Resource::Line(Line::Sim(end)) = r {
            end.watch(key, on);
        }
    }
}

/// The places as a list, as soon as the exit codes of ended children are known: a process is over a moment
/// before its parent has heard how.
fn settle(c: &mut Call, all: &Arc<Vec<Resource>>, places: Vec<usize>) -> Res<Next> {
    let unheard = places.iter().find_map(|i| match &all[*i] {
        Resource::Sentinel(s) if s.0.exit(&c.held).is_none() => Some(s.0.clone()),
        _ => None,
    });
    let Some(child) = unheard else {
        let places = places.into_iter().map(|i| Value::Int(i as i64)).collect();
        return Ok(Next::Done(c.list(places)));
    };
    let all = all.clone();
    Ok(Next::Wait {
        on: WaitOn::Child { key: child.key() },
        until: None,
        still: Box::new(move |_| child.pending()),
        then: Box::new(move |c, wake| {
            c.after_wake(wake)?;
            settle(c, &all, places)
        }),
    })
}
