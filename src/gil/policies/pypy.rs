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

use super::line::{Line, looks_at_line};
use crate::gil::policy::{Ask, Handoff, Lapse, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};

/// How often the stealer looks.
const POLL: Nanos = 100_000;

pub struct Pypy {
    /// Safe points that a slice has.
    points: u64,
    /// The stealer is its head.
    line: Line,
    /// When the stealer began to look.
    polls_since: Nanos,
    /// The holder counts its safe points.
    watched: bool,
    /// The stealer has seen the lock free and is on its way.
    stealing: bool,
}

impl Pypy {
    pub fn new(points: u64) -> Pypy {
        Pypy { points, line: Line::default(), polls_since: 0, watched: false, stealing: false }
    }

    fn new_stealer(&mut self, now: Nanos) {
        self.polls_since = now;
        self.stealing = false;
    }
}

impl LockPolicy for Pypy {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        if self.line.holder.is_some() && self.line.is_empty() {
            self.new_stealer(now);
        }
        self.line.request(t, now)
    }

    fn woken(&mut self, t: Tid, now: Nanos) -> Ask {
        // A call that came too late, when the lock had been handed over already, changes nothing.
        if self.line.head().is_none_or(|(head, _)| head != t) || !self.stealing {
            return Ask::Wait;
        }
        self.new_stealer(now);
        if self.line.holder.is_some() {
            return Ask::Wait;
        }
        self.line.take(t, now);
        Ask::Granted { frees: None }
    }

    fn due(&self) -> Option<Nanos> {
        if self.line.is_empty() {
            return None;
        }
        if self.line.holder.is_some() {
            return (!self.watched).then_some(0);
        }
        let waited = self.line.switched.saturating_sub(self.polls_since);
        (!self.stealing).then(|| self.polls_since + (waited / POLL + 1) * POLL)
    }

    fn lapse(&mut self, now: Nanos) -> Lapse {
        match (self.due(), self.line.holder, self.line.head()) {
            (Some(_), Some(holder), _) => {
                self.watched = true;
                Lapse::Watch { holder }
            }
            (Some(due), None, Some((waiter, _))) if now >= due => {
                self.stealing = true;
                Lapse::Race { waiter }
            }
            _ => Lapse::Nothing,
        }
    }

    fn requested(&mut self) {}

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.watched = !self.line.is_empty();
        self.watched
    }

    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff {
        self.watched = false;
        if why != Why::Requested {
            self.line.free(t, now);
            return Handoff { to: To::Nobody, stay: false };
        }
        let next = self.line.hand_over(t, now);
        if next.to != To::Nobody {
            self.new_stealer(now);
        }
        next
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        if self.line.adopt(holder, now) {
            self.watched = false;
        }
    }

    fn forget(&mut self, t: Tid) {
        self.line.leave(t);
        self.stealing = false;
    }

    looks_at_line!();

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
