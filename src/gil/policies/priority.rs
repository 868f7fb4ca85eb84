//! `priority`: who waits for something else is served before who computes.
//!
//! A thread that was made to let go is *low* until it blocks of its own will. A high waiter asks a low
//! holder at once; between equals a waiter asks after one interval, as in `fifo`. A release serves the
//! oldest high waiter, then the oldest low one.
//!
//! Source: Beazley's proposal for CPython (bpo-7946, 2010). The danger named there is kept: threads that
//! block often can starve those that compute.

use crate::gil::policy::{Ask, Handoff, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};
use std::collections::{BTreeSet, VecDeque};

pub struct Priority {
    interval: Nanos,
    holder: Option<Tid>,
    /// Waiters and since when, oldest first.
    high: VecDeque<(Tid, Nanos)>,
    low: VecDeque<(Tid, Nanos)>,
    /// Those who were made to let go and have not blocked since.
    computing: BTreeSet<Tid>,
    last_switch: Nanos,
    requested: bool,
}

impl Priority {
    pub fn new(interval: Nanos) -> Priority {
        Priority {
            interval,
            holder: None,
            high: VecDeque::new(),
            low: VecDeque::new(),
            computing: BTreeSet::new(),
            last_switch: 0,
            requested: false,
        }
    }
}

impl LockPolicy for Priority {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        if self.holder.is_none() {
            self.holder = Some(t);
            self.last_switch = now;
            return Ask::Granted { frees: None };
        }
        let line = if self.computing.contains(&t) { &mut self.low } else { &mut self.high };
        line.push_back((t, now));
        Ask::Wait
    }

    fn due(&self) -> Option<Nanos> {
        let holder = self.holder.filter(|_| !self.requested)?;
        let patient = |(_, since): &(Tid, Nanos)| self.last_switch.max(*since) + self.interval;
        match self.high.front() {
            Some((_, since)) if self.computing.contains(&holder) => Some(*since),
            Some(head) => Some(self.low.front().map_or(patient(head), |l| patient(l).min(patient(head)))),
            None => self.low.front().map(patient),
        }
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.requested && self.waiters() > 0
    }

    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        match why {
            Why::Requested => self.computing.insert(t),
            Why::Block | Why::Exit => self.computing.remove(&t),
        };
        self.requested = false;
        self.holder = self.high.pop_front().or_else(|| self.low.pop_front()).map(|(head, _)| head);
        let to = match self.holder {
            None => To::Nobody,
            Some(head) => {
                self.last_switch = now;
                To::Thread(head)
            }
        };
        Handoff { to, stay: false }
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        if self.holder != holder {
            self.holder = holder;
            self.last_switch = now;
        }
    }

    fn forget(&mut self, t: Tid) {
        self.high.retain(|(u, _)| *u != t);
        self.low.retain(|(u, _)| *u != t);
        self.computing.remove(&t);
        self.requested &= self.waiters() > 0;
    }

    fn holder(&self) -> Option<Tid> {
        self.holder
    }

    fn waiters(&self) -> usize {
        self.high.len() + self.low.len()
    }

    fn waiter(&self, i: usize) -> Tid {
        self.high.iter().chain(&self.low).nth(i).expect("that many wait").0
    }

    fn eager(&self) -> bool {
        true
    }

    fn set_slice(&mut self, interval: Nanos) {
        self.interval = interval;
    }
}
