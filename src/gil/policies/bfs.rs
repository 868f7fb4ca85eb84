//! `bfs`: the lock as a small scheduler: the earliest virtual deadline is next.
//!
//! Each thread has a slice and a deadline. A used-up slice is filled again, with a new, later deadline: the
//! moment plus `OFFSET` slices. A thread that waits for something else keeps what it had, so when it comes
//! back its deadline is early and it asks a computing holder at once; a holder with an earlier deadline
//! than all waiters keeps the lock until its slice is used up.
//!
//! Source: Nir Aides' patch for CPython (bpo-7946, 2010), after Kolivas' BFS. Unlike `priority` nobody
//! starves: a thread that blocks often pays from its slice and falls behind when it is used up.

use crate::gil::policy::{Ask, Handoff, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead a new deadline lies, in slices.
const OFFSET: Nanos = 2;

#[derive(Clone, Copy)]
struct Share {
    left: Nanos,
    deadline: Nanos,
}

pub struct Bfs {
    slice: Nanos,
    holder: Option<Tid>,
    /// Since when the holder's time counts against its slice.
    since: Nanos,
    shares: BTreeMap<Tid, Share>,
    /// Waiters by deadline, then by order of arrival.
    line: BTreeSet<(Nanos, u64, Tid)>,
    arrivals: u64,
    requested: bool,
}

impl Bfs {
    pub fn new(slice: Nanos) -> Bfs {
        Bfs {
            slice,
            holder: None,
            since: 0,
            shares: BTreeMap::new(),
            line: BTreeSet::new(),
            arrivals: 0,
            requested: false,
        }
    }

    fn fresh(&self, now: Nanos) -> Share {
        Share { left: self.slice, deadline: now + OFFSET * self.slice }
    }

    fn share(&mut self, t: Tid, now: Nanos) -> Share {
        let fresh = self.fresh(now);
        *self.shares.entry(t).or_insert(fresh)
    }

    /// Books what `t` has used since it got the lock.
    fn pay(&mut self, t: Tid, now: Nanos) {
        let used = now.saturating_sub(self.since);
        let share = self.share(t, self.since);
        let left = share.left.saturating_sub(used);
        let new = if left == 0 { self.fresh(now) } else { Share { left, ..share } };
        self.shares.insert(t, new);
    }
}

impl LockPolicy for Bfs {
    fn request(&mut self, t: Tid, now: Nanos) -> Ask {
        debug_assert!(self.holder != Some(t), "P1");
        let share = self.share(t, now);
        if self.holder.is_none() {
            self.holder = Some(t);
            self.since = now;
            return Ask::Granted { frees: None };
        }
        if let Some(holder) = self.holder {
            // A holder that came by the fast path has its share from here on.
            self.share(holder, self.since);
        }
        self.arrivals += 1;
        self.line.insert((share.deadline, self.arrivals, t));
        Ask::Wait
    }

    fn due(&self) -> Option<Nanos> {
        let (deadline, ..) = self.line.first().filter(|_| !self.requested)?;
        let share = self.shares.get(&self.holder?)?;
        Some(if *deadline < share.deadline { self.since } else { self.since + share.left })
    }

    fn requested(&mut self) {
        self.requested = true;
    }

    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        self.requested && !self.line.is_empty()
    }

    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff {
        debug_assert!(self.holder == Some(t), "only the holder releases");
        self.pay(t, now);
        if why == Why::Exit {
            self.shares.remove(&t);
        }
        self.requested = false;
        self.holder = self.line.pop_first().map(|(_, _, head)| head);
        let to = match self.holder {
            None => To::Nobody,
            Some(head) => {
                self.since = now;
                To::Thread(head)
            }
        };
        Handoff { to, stay: false }
    }

    fn adopt(&mut self, holder: Option<Tid>, now: Nanos) {
        if self.holder != holder {
            self.holder = holder;
            self.since = now;
        }
    }

    fn forget(&mut self, t: Tid) {
        self.line.retain(|(_, _, u)| *u != t);
        self.shares.remove(&t);
        self.requested &= !self.line.is_empty();
    }

    fn holder(&self) -> Option<Tid> {
        self.holder
    }

    fn waiters(&self) -> usize {
        self.line.len()
    }

    fn waiter(&self, i: usize) -> Tid {
        self.line.iter().nth(i).expect("that many wait").2
    }

    fn eager(&self) -> bool {
        true
    }

    fn set_slice(&mut self, interval: Nanos) {
        self.slice = interval;
        for share in self.shares.values_mut() {
            share.left = share.left.min(interval);
        }
    }
}
