//! Waiting and waking in the real world: the wait table and the lock policy change in one step.
//!
//! Under an eager policy the end of a wait is also a request for the lock, made by whoever ended it, and
//! the thread is unparked once, when it gets the lock. Otherwise it is unparked and asks for itself.
//! No policy so far is both eager and forces a switch (`stay`); one that did would have to keep the
//! request of a thread that is held back until it is freed.

use super::driver::{self, RecordOf, Wait};
use super::lock::{DEADLOCKED, ENDED, EXITING, GRANTED, INTERRUPTED, Lock, NOTIFIED, Slow};
use super::policy::Why;
use super::stats::{Bucket, Cause, bump};
use crate::world::sync::{Monitor, Parker, Sync, Word};
use crate::world::work::Labour;
use crate::world::{ProcessId, Tid, WaitKey, WaitOn, Wake};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

impl<S: Sync> Lock<S> {
    /// Gives up the lock, waits, takes it again.
    pub fn wait(&self, me: &RecordOf<S>, wait: Wait, still: &dyn Fn() -> bool) -> Wake {
        let (until, work) = (wait.until, wait.on.work().cloned());
        match self.begin_wait(me, wait, still) {
            Some(wake) => wake,
            None => self.sleep(me, until, work),
        }
    }

    /// Registers the wait and gives up the lock; or says why there is nothing to wait for. Apart, so that a thread that
    /// sleeps has little on its stack.
    #[inline(never)]
    fn begin_wait(&self, me: &RecordOf<S>, wait: Wait, still: &dyn Fn() -> bool) -> Option<Wake> {
        let mut slow = self.slow();
        let (kind, until) = (wait.on.kind(), wait.until);
        if let Some(wake) = slow.refuses(me, &wait) {
            slow.leave();
            return Some(wake);
        }
        let now = slow.now;
        slow.state.waits.register((me.process, me.tid), wait.on, now, until, wait.place);
        if !still() {
            slow.state.waits.remove(me.tid);
            slow.leave();
            return Some(Wake::Notified);
        }
        slow.look_for_deadlock(me.tid);
        // The search may have ended this very wait.
        if slow.state.waits.get(me.tid).is_none() {
            let wake = slow.outcome(me, me.flags.fetch_and(!ENDED, Acquire));
            slow.leave();
            return Some(wake);
        }
        me.account.lost(Cause::Block, slow.now);
        me.account.book(Bucket::Blocked(kind), slow.now);
        let stay = slow.release(me, Why::Block);
        slow.leave();
        if stay {
            self.await_freed(me);
        }
        None
    }

    /// Parks until the wait is over, then sees to it that the thread has the lock.
    fn sleep(&self, me: &RecordOf<S>, until: Option<u64>, work: Option<Labour>) -> Wake {
        loop {
            let flags = me.flags.load(Acquire);
            if flags & ENDED != 0 {
                if self.eager {
                    self.await_grant(me, None);
                } else {
                    self.take(me);
                }
                let flags = me.flags.fetch_and(!ENDED, Acquire);
                if flags & NOTIFIED != 0 {
                    return Wake::Notified;
                }
                let mut slow = self.slow();
                let wake = slow.outcome(me, flags);
                slow.leave();
                return wake;
            }
            let now = self.sync.now();
            if let Some(until) = until.filter(|until| now >= *until) {
                bump(&me.account.late_ns, now - until);
                if self.end_own(me) {
                    return Wake::TimedOut;
                }
                continue;
            }
            let Some(work) = &work else {
                me.parker.park(until, now);
                continue;
            };
            let over = || me.flags.load(Acquire) & ENDED != 0;
            if me.parker.attend(work, until, now, &over) && self.end_own(me) {
                return Wake::Notified;
            }
        }
    }

    /// Ends the caller's own wait and takes the lock; `false` if somebody else has ended the wait before.
    fn end_own(&self, me: &RecordOf<S>) -> bool {
        let mut slow = self.slow();
        if slow.state.waits.remove(me.tid).is_none() {
            slow.leave();
            return false;
        }
        me.account.book(Bucket::Waiting, slow.now);
        self.ask(slow, me);
        true
    }

    /// Ends up to `n` waits for `key`.
    pub fn wake(&self, key: WaitKey, n: usize) -> usize {
        let mut slow = self.slow();
        let woken = slow.wake(key, n);
        slow.leave();
        woken
    }

    /// A new thread, alive from now on.
    pub fn enroll(&self, name: &str, daemon: bool) -> Arc<RecordOf<S>> {
        let mut slow = self.slow();
        let now = slow.now;
        let record = slow.state.roster.add(ProcessId::MAIN, name, daemon, now);
        if self.eager {
            record.account.book(Bucket::Waiting, now);
            let granted = slow.request(record.tid);
            debug_assert!(!granted, "the starter has the lock");
        }
        slow.leave();
        record
    }

    /// The new thread's first steps.
    pub fn attach(&self, me: &RecordOf<S>) {
        // Under the mutex, so that whoever sends a message later finds the parker bound.
        let mut state = self.state.lock();
        me.parker.bind();
        if !self.eager || me.tid == Tid::MAIN {
            drop(state);
            return self.take(me);
        }
        let granted = me.flags.load(Relaxed) & GRANTED != 0;
        let due = state.policy.due().filter(|_| !granted);
        let watch = state.timer.appoint(me.tid, due);
        drop(state);
        self.await_grant(me, watch);
    }

    /// The last steps of a thread.
    pub fn exit(&self, me: &RecordOf<S>) {
        let mut slow = self.slow();
        slow.wake(WaitKey::Thread(me.tid), usize::MAX);
        me.account.lost(Cause::Exit, slow.now);
        if me.tid == Tid::MAIN {
            slow.state.finished = true;
            return slow.leave();
        }
        slow.release(me, Why::Exit);
        let now = slow.now;
        slow.state.roster.remove(me.tid, now);
        slow.look_for_deadlock(me.tid);
        slow.leave();
    }

    /// The OS thread could not be made.
    pub fn disown(&self, child: &RecordOf<S>) {
        let mut slow = self.slow();
        let now = slow.now;
        slow.state.policy.forget(child.tid);
        slow.state.roster.remove(child.tid, now);
        slow.leave();
    }

    /// Ctrl-C: ends the main thread's wait, or is seen at its next safe point.
    pub fn interrupt(&self) {
        let mut slow = self.slow();
        if slow.state.waits.remove(Tid::MAIN).is_some() {
            slow.end_wait(Tid::MAIN, INTERRUPTED);
        } else if let Some(main) = slow.state.roster.get(Tid::MAIN) {
            main.breaker.fetch_or(driver::SIGNAL, Relaxed);
        }
        slow.leave();
    }

    /// Tells all other threads that the program ends.
    pub fn end_daemons(&self, me: &RecordOf<S>) {
        let mut slow = self.slow();
        let others: Vec<Tid> = slow.state.roster.iter().map(|r| r.tid).filter(|t| *t != me.tid).collect();
        for t in others {
            if let Some(record) = slow.state.roster.get(t) {
                record.breaker.fetch_or(driver::EXIT, Relaxed);
            }
            if slow.state.waits.remove(t).is_some() {
                slow.end_wait(t, EXITING);
            }
        }
        slow.leave();
    }
}

impl<S: Sync> Slow<'_, S> {
    /// Reasons not to wait at all.
    fn refuses(&mut self, me: &RecordOf<S>, wait: &Wait) -> Option<Wake> {
        if let WaitOn::Join { tid } = wait.on
            && self.state.roster.get(tid).is_none()
        {
            return Some(Wake::Notified);
        }
        let bits = me.breaker.load(Relaxed);
        if bits & driver::SIGNAL != 0 {
            me.breaker.fetch_and(!driver::SIGNAL, Relaxed);
            return Some(Wake::Interrupted);
        }
        if bits & driver::EXIT != 0 {
            return Some(Wake::Exiting);
        }
        if bits & driver::DEADLOCK != 0 {
            me.breaker.fetch_and(!driver::DEADLOCK, Relaxed);
            return Some(self.outcome(me, DEADLOCKED));
        }
        None
    }

    /// What the bits of an ended wait mean.
    fn outcome(&mut self, _: &RecordOf<S>, flags: u32) -> Wake {
        if flags & EXITING != 0 {
            return Wake::Exiting;
        }
        if flags & DEADLOCKED != 0
            && let Some(report) = self.state.deadlock.take()
        {
            return Wake::Deadlock(report);
        }
        if flags & INTERRUPTED != 0 { Wake::Interrupted } else { Wake::Notified }
    }

    /// The entry of `t` is out of the table: makes `t` go for the lock.
    fn end_wait(&mut self, t: Tid, how: u32) {
        if let Some(record) = self.state.roster.get(t) {
            record.account.book(Bucket::Waiting, self.now);
        }
        if !self.state.policy.eager() {
            return self.tell(t, how);
        }
        self.note(t, how);
        if self.request(t) {
            self.tell(t, GRANTED);
        }
    }

    fn wake(&mut self, key: WaitKey, n: usize) -> usize {
        let mut woken = 0;
        while woken < n {
            let Some(t) = self.state.waits.wake_one(key) else {
                break;
            };
            self.end_wait(t, NOTIFIED);
            woken += 1;
        }
        woken
    }

    /// After `t` began to wait or ended: can everybody else still go on?
    fn look_for_deadlock(&mut self, t: Tid) {
        let state = &*self.state;
        let names = |u| state.roster.name(u);
        let who = (ProcessId::MAIN, t);
        let Some(report) = state.roster.deadlock(&state.waits, who, self.now, &names) else {
            return;
        };
        if !report.certain {
            if !std::mem::replace(&mut self.state.warned, true) {
                self.warning = Some(report);
            }
            return;
        }
        self.state.deadlock = Some(Box::new(report));
        if self.state.waits.remove(Tid::MAIN).is_some() {
            if t == Tid::MAIN {
                // It has not given the lock up yet; `wait` sees its entry gone.
                self.note(t, DEADLOCKED);
            } else {
                self.end_wait(Tid::MAIN, DEADLOCKED);
            }
        } else if let Some(main) = self.state.roster.get(Tid::MAIN) {
            main.breaker.fetch_or(driver::DEADLOCK, Relaxed);
        }
    }
}
