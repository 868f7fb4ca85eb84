//! `ruby`: direct hand-over in order of arrival, a time slice counted in ticks.
//!
//! While anybody waits, a timer ticks ten times per slice and adds a tenth of the slice to the running
//! time of whoever holds the lock at that moment; at a full slice the holder lets go at its next safe
//! point. So a slice that began between two ticks is up to a tenth shorter. Who comes back from waiting
//! for something else joins the tail, so beside one computing thread each such call costs up to a slice.
//!
//! Source: Ruby 3.3's `thread_pthread.c` (10 ms ticks, 100 ms slice). Not here: thread priorities, which
//! shift the slice, and M:N threads.

use super::line::{Line, looks_at_line};
use crate::gil::policy::{Ask, Handoff, LockPolicy, Why};
use crate::world::{Nanos, Tid};

/// Ticks per slice.
const TICKS: Nanos = 10;

pub struct Ruby {
    slice: Nanos,
    line: Line,
    /// The moment from which the timer ticks: when the queue last became non-empty.
    ticking_since: Nanos,
    requested: bool,
}

impl Ruby {
    pub fn new(slice: Nanos) -> Ruby {
        Ruby { slice, line: Line::default(), ticking_since: 0, requested: false }
    }
}

impl LockPolicy for Ruby {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        if self.line.is_empty() {
            self.ticking_since = now;
        }
        self.line.request(t, now)
    }

    fn due(&self) -> Option<Nanos> {
        if self.requested || self.line.is_empty() {
            return None;
        }
        let tick = (self.slice / TICKS).max(1);
        let ran_before = self.line.switched.saturating_sub(self.ticking_since);
        // The first tick after the switch counts in full, and so does each that follows.
        let first = self.ticking_since + (ran_before / tick + 1) * tick;
        Some(first + tick * (TICKS - 1))
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
        self.slice = interval;
    }
}
