//! `ticks`: the lock of CPython before 3.2. No clock and no request: the holder counts its safe points and
//! after so many of them releases the lock and tries to take it again, at once and unfairly.
//!
//! The release wakes one waiter, but a waiter needs longer to come to its feet than the releaser to take
//! the lock back: on more than one core it nearly always comes in vain. The count goes on only while
//! somebody waits, since nobody else could tell the difference; what is left of it stays for the next.
//!
//! Source: CPython 2.7's `ceval.c` (`_Py_Ticker`) and `thread_pthread.h`; Beazley's talks of 2009 and 2010
//! on what it does to several cores. A script's own `kit.switch()` is kinder than that lock could be: it
//! waits until another thread has had its turn.

use crate::gil::policy::{Ask, Handoff, Lapse, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};

pub struct Ticks {
    /// Safe points between two releases.
    points: u64,
    holder: Option<Tid>,
    /// In order of arrival.
    queue: Vec<Tid>,
    /// The holder counts its safe points.
    watched: bool,
    /// The holder gives way of its own will.
    requested: bool,
    /// The thread that a forced switch keeps from going on.
    held_back: Option<Tid>,
}

impl Ticks {
    pub fn new(points: u64) -> Ticks {
        Ticks { points, holder: None, queue: Vec::new(), watched: false, requested: false, held_back: None }
    }
}

impl LockPolicy for Ticks {
    fn request(&mut self, t: Tid, _: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        if self.holder.is_some() {
            if !self.queue.contains(&t) {
                self.queue.push(t);
            }
            return Ask::Wait;
        }
        self.queue.retain(|u| *u != t);
        self.holder = Some(t);
        Ask::Granted { frees: self.held_back.take() }
    }

    fn due(&self) -> Option<Nanos> {
        (self.holder.is_some() && !self.watched && !self.queue.is_empty()).then_some(0)
    }

    fn lapse(&mut self, _: Nanos) -> Lapse {
        match self.holder {
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
        self.watched = !self.queue.is_empty();
        self.watched
    }

    fn release(&mut self, t: Tid, why: Why, _: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.holder = None;
        self.watched = false;
        let stay = std::mem::take(&mut self.requested) && why == Why::Requested && !self.queue.is_empty();
        if stay {
            self.held_back = Some(t);
        }
        Handoff { to: if self.queue.is_empty() { To::Nobody } else { To::Race }, stay }
    }

    fn adopt(&mut self, holder: Option<Tid>, _: Nanos) {
        self.watched &= self.holder == holder;
        self.holder = holder;
    }

    fn forget(&mut self, t: Tid) {
        self.queue.retain(|u| *u != t);
    }

    fn quiet(&self) -> bool {
        self.queue.is_empty() && self.held_back.is_none()
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
