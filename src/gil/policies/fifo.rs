//! `fifo`: a drop request after one interval, direct hand-over to whoever has waited longest.
//!
//! Only the age of the queue's head counts: it has waited longest, so no other can be due earlier.
//! The line's `switched` is the moment of the hand-over, so the new holder's wake-up comes out of its slice.

use super::line::{Line, looks_at_line};
use crate::gil::policy::{Ask, Handoff, LockPolicy, Why};
use crate::world::{Nanos, Tid};

pub struct Fifo {
    interval: Nanos,
    line: Line,
    requested: bool,
}

impl Fifo {
    pub fn new(interval: Nanos) -> Fifo {
        Fifo { interval, line: Line::default(), requested: false }
    }
}

impl LockPolicy for Fifo {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.line.holder.is_some() || self.line.is_empty(), "a free lock has no queue");
        self.line.request(t, now)
    }

    fn due(&self) -> Option<Nanos> {
        let (_, since) = self.line.head()?;
        (!self.requested).then(|| self.line.switched.max(since) + self.interval)
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.requested && !self.line.is_empty()
    }

    fn release(&mut self, t: Tid, _: Why, now: Nanos) -> Handoff {
        self.requested = false;
        self.line.hand_over(t, now)
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        self.line.adopt(holder, now);
    }

    fn forget(&mut self, t: Tid) {
        self.line.leave(t);
        self.requested &= !self.line.is_empty();
    }

    looks_at_line!();

    fn eager(&self) -> bool {
        true
    }

    fn set_slice(&mut self, interval: Nanos) {
        self.interval = interval;
    }
}
