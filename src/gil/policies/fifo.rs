//! `fifo`: a drop request after one interval, direct hand-over to whoever has waited longest.
//!
//! Only the age of the queue's head counts: it has waited longest, so no other can be due earlier.
//! `last_switch` is the moment of the hand-over, so the new holder's wake-up comes out of its slice.

use crate::gil::policy::{Ask, Handoff, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};
use std::collections::VecDeque;

pub struct Fifo {
    interval: Nanos,
    holder: Option<Tid>,
    /// Waiters and since when, longest first.
    queue: VecDeque<(Tid, Nanos)>,
    last_switch: Nanos,
    requested: bool,
}

impl Fifo {
    pub fn new(interval: Nanos) -> Fifo {
        Fifo { interval, holder: None, queue: VecDeque::new(), last_switch: 0, requested: false }
    }
}

impl LockPolicy for Fifo {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        if self.holder.is_none() {
            debug_assert!(self.queue.is_empty(), "a free lock has no queue");
            self.holder = Some(t);
            self.last_switch = now;
            return Ask::Granted { frees: None };
        }
        self.queue.push_back((t, now));
        Ask::Wait
    }

    fn due(&self) -> Option<Nanos> {
        let (_, since) = self.queue.front()?;
        (!self.requested).then(|| self.last_switch.max(*since) + self.interval)
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.requested && !self.queue.is_empty()
    }

    fn release(&mut self, t: Tid, _: Why, now: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.requested = false;
        self.holder = self.queue.pop_front().map(|(head, _)| head);
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
        self.queue.retain(|(u, _)| *u != t);
        self.requested &= !self.queue.is_empty();
    }

    fn holder(&self) -> Option<Tid> {
        self.holder
    }

    fn waiters(&self) -> usize {
        self.queue.len()
    }

    fn waiter(&self, i: usize) -> Tid {
        self.queue[i].0
    }

    fn eager(&self) -> bool {
        true
    }

    fn set_slice(&mut self, interval: Nanos) {
        self.interval = interval;
    }
}
