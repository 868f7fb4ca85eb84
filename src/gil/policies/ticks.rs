//! `ticks`: the lock of CPython before 3.2. No clock and no request: the holder counts its safe points and
//! after so many of them releases the lock and tries to take it again, at once and unfairly.
//!
//! The release wakes one waiter, but a waiter needs longer to come to its feet than the releaser to take
//! the lock back: on more than one core it nearly always comes in vain. The count goes on only while
//! somebody waits, since nobody else could tell the difference; what is left of it stays for the next.
//!
//! Measured, Debian's 2.7.18 and Kit in the same minutes on two cores: echoes of 0.2 ms beside a computing thread 3,950 and
//! 3,700 a second. Longer slices fall off a cliff: 2.7 makes 35 a second at a check interval of 1,000, since a slice
//! must be over before the waiter that came in vain is asleep again.
//!
//! Source: CPython 2.7's `ceval.c` (`_Py_Ticker`) and `thread_pthread.h`; Beazley's talks of 2009 and 2010
//! on what it does to several cores. A script's own `kit.switch()` is kinder than that lock could be: it
//! waits until another thread has had its turn.

use super::line::{Line, looks_at_line};
use crate::gil::policy::{Ask, Handoff, Lapse, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};

pub struct Ticks {
    /// Safe points between two releases.
    points: u64,
    line: Line,
    /// The holder counts its safe points.
    watched: bool,
    /// The holder gives way of its own will.
    requested: bool,
    /// The thread that a forced switch keeps from going on.
    held_back: Option<Tid>,
}

impl Ticks {
    pub fn new(points: u64) -> Ticks {
        Ticks { points, line: Line::default(), watched: false, requested: false, held_back: None }
    }
}

impl LockPolicy for Ticks {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        if self.line.holder.is_some() {
            // Who was woken in vain keeps its place.
            return if self.line.contains(t) { Ask::Wait } else { self.line.request(t, now) };
        }
        self.line.take(t, now);
        Ask::Granted { frees: self.held_back.take() }
    }

    fn due(&self) -> Option<Nanos> {
        (self.line.holder.is_some() && !self.watched && !self.line.is_empty()).then_some(0)
    }

    fn lapse(&mut self, _: Nanos) -> Lapse {
        match self.line.holder {
            Some(holder) if self.due().is_some() => {
                self.watched = true;
                Lapse::Watch { holder }
            }
            _ => Lapse::Nothing,
        }
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.watched = !self.line.is_empty();
        self.watched
    }

    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff {
        self.line.free(t, now);
        self.watched = false;
        let stay = std::mem::take(&mut self.requested) && why == Why::Requested && !self.line.is_empty();
        if stay {
            self.held_back = Some(t);
        }
        Handoff { to: if self.line.is_empty() { To::Nobody } else { To::Race }, stay }
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        self.watched &= !self.line.adopt(holder, now);
    }

    fn forget(&mut self, t: Tid) {
        self.line.leave(t);
    }

    fn quiet(&self) -> bool {
        self.line.is_empty() && self.held_back.is_none()
    }

    looks_at_line!();

    fn eager(&self) -> bool {
        false
    }

    fn barges(&self) -> bool {
        true
    }

    fn points(&self) -> u64 {
        self.points
    }

    fn set_slice(&mut self, points: u64) {
        self.points = points;
    }
}
