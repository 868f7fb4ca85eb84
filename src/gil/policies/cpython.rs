//! `cpython`: the lock of CPython 3.2 and later, with everything that it leaves to chance.
//!
//! In CPython each waiter waits for one interval at a time and, if it timed out while nobody switched,
//! asks. The same moments come out of one timer: the oldest waiter's own time-out if its wait is not
//! older than the last switch, else the first moment at or after `last_switch + interval` at which some
//! waiter's chain of waits ends (its `since` plus a multiple of the interval). No time-out that does
//! nothing ever happens.

use crate::gil::policy::{Ask, Handoff, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};
use std::collections::{BTreeMap, BTreeSet};

pub struct Cpython {
    interval: Nanos,
    holder: Option<Tid>,
    /// The last thread that took the lock: taking one's own lock again is not a switch.
    last_holder: Option<Tid>,
    last_switch: Nanos,
    /// Waiters: the start of their present wait, and their index in `line`.
    since: BTreeMap<Tid, (Nanos, usize)>,
    /// The waiters in no order, for picking one by number.
    line: Vec<Tid>,
    /// The same, oldest first.
    by_age: BTreeSet<(Nanos, Tid)>,
    /// How many waiters time out at each phase of the interval.
    phases: BTreeMap<Nanos, usize>,
    requested: bool,
    /// The thread that a forced switch keeps from going on.
    held_back: Option<Tid>,
}

impl Cpython {
    pub fn new(interval: Nanos) -> Cpython {
        Cpython {
            interval: interval.max(1),
            holder: None,
            last_holder: None,
            last_switch: 0,
            since: BTreeMap::new(),
            line: Vec::new(),
            by_age: BTreeSet::new(),
            phases: BTreeMap::new(),
            requested: false,
            held_back: None,
        }
    }

    fn taking(&mut self, t: Tid, now: Nanos) -> Ask {
        self.leave(t);
        self.holder = Some(t);
        if self.last_holder != Some(t) {
            self.last_holder = Some(t);
            self.last_switch = now;
        }
        self.requested = false;
        Ask::Granted { frees: self.held_back.take() }
    }

    fn begin_wait(&mut self, t: Tid, now: Nanos) -> Ask {
        self.leave(t);
        self.since.insert(t, (now, self.line.len()));
        self.line.push(t);
        self.by_age.insert((now, t));
        *self.phases.entry(now % self.interval).or_default() += 1;
        Ask::Wait
    }

    fn leave(&mut self, t: Tid) {
        let Some((since, index)) = self.since.remove(&t) else {
            return;
        };
        self.line.swap_remove(index);
        if let Some(moved) = self.line.get(index)
            && let Some(entry) = self.since.get_mut(moved)
        {
            entry.1 = index;
        }
        self.by_age.remove(&(since, t));
        if let Some(count) = self.phases.get_mut(&(since % self.interval)) {
            *count -= 1;
            if *count == 0 {
                self.phases.remove(&(since % self.interval));
            }
        }
    }

    /// The first moment at or after `from` that has the phase of some waiter.
    fn next_phase(&self, from: Nanos) -> Option<Nanos> {
        let phase = from % self.interval;
        let later = self.phases.range(phase..).next();
        let later = later.map(|(p, _)| from - phase + p);
        later.or_else(|| self.phases.keys().next().map(|p| from - phase + self.interval + p))
    }
}

impl LockPolicy for Cpython {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        match self.holder {
            None => self.taking(t, now),
            Some(_) => self.begin_wait(t, now),
        }
    }

    fn due(&self) -> Option<Nanos> {
        if self.requested || self.holder.is_none() {
            return None;
        }
        let (oldest, _) = self.by_age.first()?;
        if *oldest >= self.last_switch {
            return Some(oldest + self.interval);
        }
        self.next_phase(self.last_switch + self.interval)
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.requested
    }

    fn release(&mut self, t: Tid, why: Why, _: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.last_holder = Some(t);
        self.holder = None;
        let stay = self.requested && why != Why::Exit;
        self.requested = false;
        if stay {
            debug_assert!(self.held_back.is_none(), "one thread at most is held back");
            self.held_back = Some(t);
        }
        Handoff { to: if self.since.is_empty() { To::Nobody } else { To::Race }, stay }
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        self.holder = holder;
        if let Some(t) = holder
            && self.last_holder != Some(t)
        {
            self.last_holder = Some(t);
            self.last_switch = now;
        }
    }

    fn forget(&mut self, t: Tid) {
        self.leave(t);
        self.requested &= !self.since.is_empty();
    }

    fn quiet(&self) -> bool {
        self.since.is_empty() && self.held_back.is_none()
    }

    fn holder(&self) -> Option<Tid> {
        self.holder
    }

    fn waiters(&self) -> usize {
        self.since.len()
    }

    fn waiter(&self, i: usize) -> Tid {
        // The oldest is number 0, and takes its own number in exchange.
        let oldest = self.by_age.first().map(|(_, t)| *t);
        if i == 0 {
            return oldest.expect("somebody waits");
        }
        if Some(self.line[i]) == oldest { self.line[0] } else { self.line[i] }
    }

    fn eager(&self) -> bool {
        false
    }

    fn set_slice(&mut self, interval: Nanos) {
        self.interval = interval.max(1);
        self.phases.clear();
        for (since, _) in self.since.values() {
            *self.phases.entry(since % self.interval).or_default() += 1;
        }
    }
}
