//! Who has the lock and who waits for it, in order of arrival: what the policies with one queue share.

use crate::gil::policy::{Ask, Handoff, To};
use crate::world::{Nanos, Tid};
use std::collections::VecDeque;

#[derive(Default)]
pub struct Line {
    pub holder: Option<Tid>,
    /// Waiters and since when, longest first.
    queue: VecDeque<(Tid, Nanos)>,
    /// When the lock last changed hands, or became free.
    pub switched: Nanos,
}

impl Line {
    /// `t` gets a free lock, else the last place.
    pub fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        if self.holder.is_some() {
            self.queue.push_back((t, now));
            return Ask::Wait;
        }
        self.take(t, now);
        Ask::Granted { frees: None }
    }

    /// The free lock is `t`'s, from whatever place.
    pub fn take(&mut self, t: Tid, now: Nanos) {
        self.leave(t);
        self.holder = Some(t);
        self.switched = now;
    }

    /// The holder lets go and nobody has the lock.
    pub fn free(&mut self, t: Tid, now: Nanos) {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.holder = None;
        self.switched = now;
    }

    /// The holder lets go and whoever has waited longest has the lock.
    pub fn hand_over(&mut self, t: Tid, now: Nanos) -> Handoff {
        self.free(t, now);
        self.holder = self.queue.pop_front().map(|(head, _)| head);
        Handoff { to: self.holder.map_or(To::Nobody, To::Thread), stay: false }
    }

    /// Says whether the lock has moved.
    pub fn adopt(&mut self, holder: Option<Tid>, now: Nanos) -> bool {
        let moved = self.holder != holder;
        if moved {
            self.holder = holder;
            self.switched = now;
        }
        moved
    }

    pub fn leave(&mut self, t: Tid) {
        self.queue.retain(|(u, _)| *u != t);
    }

    pub fn contains(&self, t: Tid) -> bool {
        self.queue.iter().any(|(u, _)| *u == t)
    }

    /// Who has waited longest, and since when.
    pub fn head(&self) -> Option<(Tid, Nanos)> {
        self.queue.front().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn at(&self, i: usize) -> Tid {
        self.queue[i].0
    }
}

/// The methods of `LockPolicy` that only look at the field `line`.
macro_rules! looks_at_line {
    () => {
        fn holder(&self) -> Option<Tid> {
            self.line.holder
        }
        fn waiters(&self) -> usize {
            self.line.len()
        }
        fn waiter(&self, i: usize) -> Tid {
            self.line.at(i)
        }
    };
}

pub(super) use looks_at_line;
