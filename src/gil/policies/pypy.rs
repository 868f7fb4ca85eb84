//! `pypy`: a release that costs nothing and calls nobody; one waiter looks every tenth of a millisecond.
//!
//! A thread that lets go in order to wait only marks the lock free, and if it is back soon it simply goes
//! on. The waiter at the head of the queue, the *stealer*, looks at moments `POLL` apart and takes a lock
//! that it finds free. The slice is work: a number of safe points, counted while somebody waits; at its
//! end the lock goes straight to the stealer, and the thread that had it queues at the tail.
//!
//! Source: PyPy's `thread_gil.c`. Different here: a look that would find the lock taken does not happen,
//! so a waiting thread costs nothing while the holder computes. Short waits never switch, and a thread that
//! makes many of them can keep the lock for long (PyPy's issue 2858).

use crate::gil::policy::{Ask, Handoff, Lapse, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};
use std::collections::VecDeque;

/// How often the stealer looks.
const POLL: Nanos = 100_000;

pub struct Pypy {
    /// Safe points that a slice has.
    points: u64,
    holder: Option<Tid>,
    /// The stealer is its head.
    queue: VecDeque<Tid>,
    /// When the stealer began to look.
    polls_since: Nanos,
    freed_at: Nanos,
    /// The holder counts its safe points.
    watched: bool,
    /// The stealer has seen the lock free and is on its way.
    stealing: bool,
}

impl Pypy {
    pub fn new(points: u64) -> Pypy {
        let queue = VecDeque::new();
        Pypy { points, holder: None, queue, polls_since: 0, freed_at: 0, watched: false, stealing: false }
    }

    fn new_stealer(&mut self, now: Nanos) {
        self.polls_since = now;
        self.stealing = false;
    }
}

impl LockPolicy for Pypy {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        if self.holder.is_some() {
            if self.queue.is_empty() {
                self.new_stealer(now);
            }
            self.queue.push_back(t);
            return Ask::Wait;
        }
        self.holder = Some(t);
        Ask::Granted { frees: None }
    }

    fn woken(&mut self, t: Tid, now: Nanos) -> Ask {
        // A call that came too late, when the lock had been handed over already, changes nothing.
        if self.queue.front() != Some(&t) || !self.stealing {
            return Ask::Wait;
        }
        self.new_stealer(now);
        if self.holder.is_some() {
            return Ask::Wait;
        }
        self.queue.pop_front();
        self.holder = Some(t);
        Ask::Granted { frees: None }
    }

    fn due(&self) -> Option<Nanos> {
        if self.queue.is_empty() {
            return None;
        }
        if self.holder.is_some() {
            return (!self.watched).then_some(0);
        }
        let waited = self.freed_at.saturating_sub(self.polls_since);
        (!self.stealing).then(|| self.polls_since + (waited / POLL + 1) * POLL)
    }

    fn lapse(&mut self, now: Nanos) -> Lapse {
        match (self.due(), self.holder, self.queue.front()) {
            (Some(_), Some(holder), _) => {
                self.watched = true;
                Lapse::Watch { holder }
            }
            (Some(due), None, Some(stealer)) if now >= due => {
                self.stealing = true;
                Lapse::Race { waiter: *stealer }
            }
            _ => Lapse::Nothing,
        }
    }

    fn requested(&mut self) {}

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.watched = !self.queue.is_empty();
        self.watched
    }

    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.watched = false;
        self.freed_at = now;
        self.holder = if why == Why::Requested { self.queue.pop_front() } else { None };
        let to = match self.holder {
            None => To::Nobody,
            Some(head) => {
                self.new_stealer(now);
                To::Thread(head)
            }
        };
        Handoff { to, stay: false }
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        if self.holder != holder {
            self.watched = false;
            self.freed_at = now;
            self.holder = holder;
        }
    }

    fn forget(&mut self, t: Tid) {
        self.queue.retain(|u| *u != t);
        self.stealing = false;
    }

    fn holder(&self) -> Option<Tid> {
        self.holder
    }

    fn waiters(&self) -> usize {
        self.queue.len()
    }

    fn waiter(&self, i: usize) -> Tid {
        self.queue[i]
    }

    fn eager(&self) -> bool {
        false
    }

    fn points(&self) -> u64 {
        self.points
    }

    fn set_slice(&mut self, points: u64) {
        self.points = points;
    }
}
