//! Who looks at the lock's one timer, and when: a waiter if there is one to ask, else the clock thread.
//!
//! A thread that goes to sleep for the lock watches the timer if nobody does, as CPython's waiters do: the core that
//! it leaves is idle, so it is there in time. The clock thread, woken on the core where the holder computes, would wait
//! for the system's next tick there (measured on two cores at an interval of 0.5 ms: 95 of 100 slices were over
//! after 0.56 ms with a watcher, 4.0 with the clock thread, 0.62 in CPython). It stands in where nobody goes to sleep:
//! the holder blocks while the other waiters sleep, or a place in the queue was taken on a waiter's behalf; and where
//! the timer is due earlier than the watcher was told (a shorter interval).
//!
//! There is one watcher at most (G4): it sleeps until `due`, lets the policy act, and sleeps on; once it has
//! the lock the next thread that goes to sleep follows. Not here: what `due` is (the policy), the simulated world's timer.

use super::driver::RecordOf;
use super::lock::{Lock, Slow};
use crate::world::sync::{Monitor, Parker, Sync};
use crate::world::{Nanos, Tid};

pub struct Timer {
    /// The clock thread runs.
    runs: bool,
    /// Until when it sleeps if nobody notifies it.
    clock_until: Nanos,
    /// How long it sleeps after it has acted, unless it is called.
    pub pause: Nanos,
    /// The waiter that looks, and when.
    watcher: Option<(Tid, Nanos)>,
}

impl Timer {
    /// `pause`: in nanoseconds.
    pub fn new(pause: Nanos) -> Timer {
        Timer { runs: false, clock_until: 0, pause, watcher: None }
    }

    /// `t`, which goes to sleep, watches if nobody else does. Says when it is to look.
    pub fn appoint(&mut self, t: Tid, due: Option<Nanos>) -> Option<Nanos> {
        if self.watcher.is_some() {
            return None;
        }
        self.watcher = due.map(|due| (t, due));
        due
    }

    /// `t` has the lock, or looks now: it does not watch any more. Says whether it did.
    pub fn relieve(&mut self, t: Tid) -> bool {
        let did = self.watcher.is_some_and(|(u, _)| u == t);
        if did {
            self.watcher = None;
        }
        did
    }

    /// Whether a waiter looks no later than `due`.
    fn watched(&self, due: Nanos) -> bool {
        self.watcher.is_some_and(|(_, at)| at <= due)
    }

    /// Whether the clock thread must be notified, since nobody looks as early as `due`; a later moment disturbs nobody.
    pub fn calls(&mut self, due: Option<Nanos>, finished: bool) -> bool {
        let missed = due.is_some_and(|due| due < self.clock_until && !self.watched(due));
        let calls = self.runs && (finished || missed);
        if calls {
            self.clock_until = 0;
        }
        calls
    }

    /// The clock thread goes to sleep.
    pub fn clock_sleeps(&mut self, now: Nanos, length: Option<Nanos>) {
        self.clock_until = length.map_or(Nanos::MAX, |length| now + length);
    }
}

impl<S: Sync> Lock<S> {
    /// The watcher sleeps until `at` or until there is a message for it. Says when it is to look again.
    pub fn watch(&self, me: &RecordOf<S>, at: Nanos) -> Option<Nanos> {
        let now = self.sync.now();
        if now < at {
            me.parker.park(Some(at), now);
            return Some(at);
        }
        let mut slow = self.slow();
        if slow.state.timer.relieve(me.tid) { slow.leave_to_wait(me.tid) } else { None }
    }

    /// The clock thread's body, until the run is over. After a lapse it sleeps for its pause without waiting to be
    /// called, which saves a wake-up per switch where it is the one that looks.
    pub fn keep_time(&self) {
        let mut state = self.state.lock();
        while !state.finished {
            let now = self.sync.now();
            let length = match state.policy.due() {
                Some(due) if due <= now => {
                    if let Some(record) = state.lapse(now) {
                        record.parker.unpark();
                    }
                    Some(state.timer.pause)
                }
                Some(due) if !state.timer.watched(due) => Some(due - now),
                _ => None,
            };
            state.timer.clock_sleeps(now, length);
            state = self.state.wait(state, length);
        }
    }

    /// Whether the caller is to start the clock thread.
    pub fn clock_wanted(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().timer.runs, true)
    }

    /// The clock thread could not be made: the next new thread tries again.
    pub fn clock_failed(&self) {
        self.state.lock().timer.runs = false;
    }
}

impl<S: Sync> Slow<'_, S> {
    /// Frees the mutex; `t`, which did not get the lock, goes to sleep. Says when it is to look at the timer, if it is
    /// to watch it.
    pub fn leave_to_wait(self, t: Tid) -> Option<Nanos> {
        self.close(Some(t))
    }

    /// Frees the mutex.
    pub fn leave(self) {
        self.close(None);
    }
}
