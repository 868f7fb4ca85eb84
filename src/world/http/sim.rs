//! Servers of a simulation: a request is a look at the plan of the port, and its answer a row of events in
//! virtual time. There are no sockets, and no host but this machine.

use super::address;
use super::client::usual;
use super::decode::Decoder;
use super::exchange::{Amount, Due, Progress};
use super::plan::{Asked, Fate, Plan, Reply};
use super::{Failure, FailureKind, Head, Limits, Request};
use crate::world::Nanos;
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The first port that is given out.
const FIRST_PORT: u16 = 8001;

/// The servers of all processes of one simulation, by port.
#[derive(Clone, Default)]
pub struct Net(Arc<Mutex<BTreeMap<u16, Arc<Plan>>>>);

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Net")
    }
}

impl Net {
    /// Puts a server up; port 0: the next one that is free.
    pub fn open(&self, plan: Arc<Plan>, port: u16) -> io::Result<u16> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let port = match port {
            0 => (FIRST_PORT..=u16::MAX).find(|p| !all.contains_key(p)).ok_or(Errno::ADDRNOTAVAIL)?,
            taken if all.contains_key(&taken) => return Err(Errno::ADDRINUSE.into()),
            port => port,
        };
        all.insert(port, plan);
        Ok(port)
    }

    /// Takes this server down; one that has its port by now stays.
    pub fn close(&self, plan: &Arc<Plan>, port: u16) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&port).is_some_and(|p| Arc::ptr_eq(p, plan)) {
            all.remove(&port);
        }
    }

    /// Lays out what becomes of a request.
    pub fn ask(&self, request: &Request, limits: &Limits, now: Nanos) -> Line {
        let mut line = Line {
            events: VecDeque::new(),
            at: now,
            deadline: limits.total.map(|t| now.saturating_add(t)),
            decoder: Decoder::Plain,
            announced: None,
            got: 0,
        };
        let fail = |failure| VecDeque::from([(now, Event::Fail(failure))]);
        if address::is_invalid(&request.host) {
            line.events = fail(Failure::unknown_name());
            return line;
        }
        if !address::is_loopback(&request.host) {
            line.events = fail(Failure::new(FailureKind::Outside, request.host.clone()));
            return line;
        }
        let plan = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&request.port).cloned();
        let Some(plan) = plan else {
            line.events = fail(Failure::refused());
            return line;
        };
        if request.secure {
            line.events = fail(Failure::new(FailureKind::Tls, "a simulated server has no TLS; use http"));
            return line;
        }
        let headers: Vec<_> = request.headers.iter().map(|(n, v)| (usual(n), v.clone())).collect();
        let asked = Asked { method: &request.method, target: &request.target, headers: &headers, body: &request.body };
        line.events = events(plan.reply(&asked), now);
        line
    }
}

/// Something that arrives.
enum Event {
    Head(Head),
    Data(Vec<u8>),
    End,
    Fail(Failure),
    /// The connection ends although more was announced.
    Cut,
}

fn events(reply: Reply, now: Nanos) -> VecDeque<(Nanos, Event)> {
    let mut at = now.saturating_add(reply.latency);
    let mut events = VecDeque::new();
    match reply.fate {
        Fate::Answer => {}
        Fate::Hang => return events,
        Fate::Close => {
            events.push_back((at, Event::Fail(Failure::new(FailureKind::Disconnected, ""))));
            return events;
        }
        Fate::Reset => {
            events.push_back((at, Event::Fail(Failure::errno(FailureKind::Broken, Errno::CONNRESET))));
            return events;
        }
    }
    let mut headers: Vec<_> = reply.headers.into_iter().map(|(n, v)| (usual(&n), v)).collect();
    match reply.length {
        Some(n) => headers.push(("Content-Length".into(), n.to_string())),
        None if !reply.parts.is_empty() => headers.push(("Transfer-Encoding".into(), "chunked".into())),
        None => {}
    }
    let reason = reply.reason.unwrap_or_else(|| {
        let known = hyper::StatusCode::from_u16(reply.status).ok();
        known.and_then(|s| s.canonical_reason()).unwrap_or_default().to_string()
    });
    let head = Head { status: reply.status, reason, version: 11, headers, length: reply.length };
    events.push_back((at, Event::Head(head)));
    for part in reply.parts {
        at = at.saturating_add(part.delay);
        events.push_back((at, Event::Data(part.bytes.to_vec())));
    }
    events.push_back((at, if reply.cut { Event::Cut } else { Event::End }));
    events
}

/// What is still to come of an answer.
pub struct Line {
    events: VecDeque<(Nanos, Event)>,
    /// When the last piece came.
    at: Nanos,
    deadline: Option<Nanos>,
    decoder: Decoder,
    announced: Option<u64>,
    got: u64,
}

impl Line {
    /// Takes in what arrives until there is enough; says when that is.
    pub fn advance(&mut self, progress: &mut Progress, amount: Amount, now: Nanos, limits: &Limits) -> Due {
        // Bytes that came while nobody read are there at once; a wait for more begins now.
        let mut at = now;
        while progress.over.is_none() && !(progress.head.is_some() && amount.reached(progress.body.len())) {
            let patience = limits.read.map(|r| self.at.max(now).saturating_add(r));
            let next = self.events.front().map(|(t, _)| *t);
            let (limit, kind) = match (patience, self.deadline) {
                (Some(own), Some(all)) if own <= all => (Some(own), FailureKind::ReadTimeout),
                (Some(own), None) => (Some(own), FailureKind::ReadTimeout),
                (_, all) => (all, FailureKind::TotalTimeout),
            };
            if let Some(limit) = limit.filter(|l| next.is_none_or(|t| t > *l)) {
                progress.over = Some(Err(Failure::new(kind, "timed out")));
                at = at.max(limit);
                break;
            }
            let Some((time, event)) = self.events.pop_front() else { return Due::Later };
            at = at.max(time);
            self.at = time;
            if let Err(failure) = self.take_in(event, progress) {
                progress.over = Some(Err(failure));
            }
        }
        if at <= now { Due::Now } else { Due::At(at) }
    }

    fn take_in(&mut self, event: Event, progress: &mut Progress) -> Result<(), Failure> {
        match event {
            Event::Head(head) => {
                self.decoder = Decoder::of(head.header("content-encoding"));
                self.announced = head.length;
                progress.head = Some(head);
                // A body without a byte is over with its head.
                if let [(_, Event::End)] = self.events.make_contiguous() {
                    progress.over = Some(Ok(()));
                }
            }
            Event::Data(bytes) => {
                self.got += bytes.len() as u64;
                self.decoder.feed(&bytes, &mut progress.body)?;
            }
            Event::End => {
                self.decoder.finish(&mut progress.body)?;
                progress.over = Some(Ok(()));
            }
            Event::Fail(failure) => progress.over = Some(Err(failure)),
            Event::Cut => {
                return Err(Failure::truncated(self.got, self.announced.map(|all| all.saturating_sub(self.got))));
            }
        }
        Ok(())
    }
}
