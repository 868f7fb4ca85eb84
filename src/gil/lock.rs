//! The lock of the real world: a word, a mutex over {policy, wait table}, messages to threads.
//!
//! Who may do what to which word, and with which ordering:
//!
//! | step | operation | ordering |
//! |---|---|---|
//! | take, fast | swap 0 for me | Acquire |
//! | give, fast | swap me for 0 | Release; fails if SLOW stands, then slow |
//! | enter slow | mutex; set SLOW; `adopt` the owner seen | Acquire: carries a fast giver's writes |
//! | leave slow | store(owner, SLOW unless quiet), under the mutex | Release; no fast swap succeeds meanwhile |
//! | message | set a flag of the target under the mutex, unpark after unlocking | Release, read with Acquire |
//! | try, woken | RACE is set after the word's store, so a word with an owner means: taken since | Acquire, by RACE |
//! | ask the holder | set DROP in its breaker, under the mutex | Relaxed |
//! | count safe points | set COUNT in the holder's breaker, under the mutex | Relaxed |
//! | any slow release | clear DROP and COUNT in one's own breaker | Relaxed |
//! | `last`, `points` | plain load and store by whoever holds the lock | Relaxed: the lock orders them |

use super::clock::Timer;
use super::driver::{self, RecordOf};
use super::policy::{Ask, Handoff, Lapse, LockPolicy, To, Why};
use super::roster::Roster;
use super::stats::{Bucket, Cause, LockStats, bump};
use crate::trace::Event;
use crate::world::deadlock::Deadlock;
use crate::world::random::Random;
use crate::world::sync::{Monitor, Parker, Sync, Word};
use crate::world::wait_table::WaitTable;
use crate::world::{Nanos, Tid, out, thread};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Messages in a thread's `flags`. The lock is yours.
pub const GRANTED: u32 = 1;
/// You were picked: the lock may be free, try.
pub const RACE: u32 = 2;
/// The thread that was to have the lock before you has had it.
pub const FREED: u32 = 4;
/// Your wait is over, and how.
pub const NOTIFIED: u32 = 8;
pub const INTERRUPTED: u32 = 16;
pub const DEADLOCKED: u32 = 32;
pub const EXITING: u32 = 64;
pub const ENDED: u32 = NOTIFIED | INTERRUPTED | DEADLOCKED | EXITING;

/// Bit 0 of the word: ask the mutex. The rest is the owner's number plus one, or 0.
const SLOW: u32 = 1;

fn word_of(owner: Option<Tid>) -> u32 {
    owner.map_or(0, |t| (t.0 + 1) << 1)
}

fn points_of(policy: &dyn LockPolicy) -> u32 {
    u32::try_from(policy.points()).unwrap_or(u32::MAX)
}

fn owner_of(word: u32) -> Option<Tid> {
    (word >> 1).checked_sub(1).map(Tid)
}

/// The lock word, and what its holder writes, on a cache line of their own.
#[repr(align(64))]
struct Line<W> {
    word: W,
    /// Who took the lock last.
    last: W,
    /// Safe points left of the slice, where the policy counts them.
    points: W,
}

pub struct Lock<S: Sync> {
    pub sync: S,
    line: Line<S::Word>,
    pub state: S::Monitor<State<S>>,
    pub eager: bool,
    /// The policy's.
    barges: bool,
}

/// Everything under the mutex.
pub struct State<S: Sync> {
    pub policy: Box<dyn LockPolicy>,
    pub waits: WaitTable,
    pub roster: Roster<S>,
    /// The main thread has ended: nobody gets the lock any more.
    pub finished: bool,
    pub deadlock: Option<Box<Deadlock>>,
    pub warned: bool,
    pub tally: LockStats,
    random: Random,
    pub timer: Timer,
    contended_since: Option<Nanos>,
}

/// The mutex is locked, SLOW stands, the policy knows who has the lock.
pub struct Slow<'a, S: Sync> {
    lock: &'a Lock<S>,
    pub state: <S::Monitor<State<S>> as Monitor<State<S>>>::Guard<'a>,
    pub now: Nanos,
    /// Threads to unpark once the mutex is free: nearly always one, so a thread that has just woken up
    /// need not allocate (its first page would cost more than the hand-over).
    post: Option<Arc<RecordOf<S>>>,
    more: Vec<Arc<RecordOf<S>>>,
    /// Who is to try for the free lock: told once the word shows that it is free.
    race: Option<Arc<RecordOf<S>>>,
    /// What to say on standard error once the mutex is free.
    pub warning: Option<Deadlock>,
}

impl<S: Sync> Lock<S> {
    /// `clock_pause`: see `Timer`.
    pub fn new(sync: S, policy: Box<dyn LockPolicy>, clock_pause: Nanos, random: Random) -> Lock<S> {
        let (eager, barges) = (policy.eager(), policy.barges());
        let state = State {
            policy,
            waits: WaitTable::default(),
            roster: Roster::default(),
            finished: false,
            deadlock: None,
            warned: false,
            tally: LockStats::default(),
            random,
            timer: Timer::new(clock_pause),
            contended_since: None,
        };
        let points = S::Word::new(points_of(&*state.policy));
        let line = Line { word: S::Word::new(0), last: S::Word::new(Tid::MAIN.0), points };
        Lock { sync, line, state: Monitor::new(state), eager, barges }
    }

    pub fn slow(&self) -> Slow<'_, S> {
        let mut state = self.state.lock();
        if state.finished {
            // The caller is a thread that outlived the program; it may not even look at it any more.
            drop(state);
            thread::park_for_ever();
        }
        let now = self.sync.now();
        if self.line.word.load(Relaxed) & SLOW == 0 {
            let owner = owner_of(self.line.word.fetch_or(SLOW, Acquire));
            state.policy.adopt(owner, now);
        }
        Slow { lock: self, state, now, post: None, more: Vec::new(), race: None, warning: None }
    }

    /// Takes the lock.
    pub fn take(&self, me: &RecordOf<S>) {
        if self.line.word.swap_if(0, word_of(Some(me.tid)), Acquire) {
            return self.got(me, false);
        }
        let slow = self.slow();
        me.account.book(Bucket::Waiting, slow.now);
        self.ask(slow, me);
    }

    /// Asks the policy for the lock and comes back with it.
    pub fn ask(&self, mut slow: Slow<'_, S>, me: &RecordOf<S>) {
        if slow.request(me.tid) {
            slow.leave();
            return self.got(me, false);
        }
        let watch = slow.leave_to_wait(me.tid);
        self.await_grant(me, watch);
    }

    /// The lock is `me`'s from now on.
    pub fn got(&self, me: &RecordOf<S>, waited: bool) {
        let switched = self.line.last.load(Relaxed) != me.tid.0;
        if switched {
            self.line.last.store(me.tid.0, Relaxed);
        }
        me.account.got(self.sync.now(), waited, switched);
    }

    /// Gives the lock up in order to do `then`.
    pub fn give(&self, me: &RecordOf<S>, then: Bucket) {
        let fast = self.line.word.load(Relaxed) & SLOW == 0;
        if fast {
            let now = self.sync.now();
            me.account.lost(Cause::Block, now);
            me.account.book(then, now);
            if self.line.word.swap_if(word_of(Some(me.tid)), 0, Release) {
                return;
            }
        }
        let mut slow = self.slow();
        if !fast {
            me.account.lost(Cause::Block, slow.now);
            me.account.book(then, slow.now);
        }
        let stay = slow.release(me, Why::Block);
        slow.leave();
        if stay {
            self.await_freed(me);
        }
    }

    /// Waits until the lock is `me`'s; a request is with the policy already. `watch`: when `me` is to look at the
    /// lock's timer meanwhile.
    pub fn await_grant(&self, me: &RecordOf<S>, mut watch: Option<Nanos>) {
        loop {
            let flags = me.flags.load(Acquire);
            if flags & GRANTED != 0 {
                me.flags.fetch_and(!GRANTED, Relaxed);
                break;
            }
            if flags & RACE == 0 {
                match watch {
                    Some(at) => watch = self.watch(me, at),
                    None => me.parker.park(None, 0),
                }
                continue;
            }
            // Acquire: it may take back a later message than the one that was loaded.
            me.flags.fetch_and(!RACE, Acquire);
            if self.try_again(me, &mut watch) {
                break;
            }
            bump(&me.account.failed, 1);
            if me.account.log().is_some() {
                me.account.trace(self.sync.now(), |_| Event::Failed {});
            }
        }
        self.got(me, true);
    }

    /// A woken waiter tries to take the lock. `watch`: as in `await_grant`.
    fn try_again(&self, me: &RecordOf<S>, watch: &mut Option<Nanos>) -> bool {
        // RACE came after the lock was free, so an owner has taken it since, and tells a waiter when it lets go. To
        // ask under the mutex would only be in its way.
        if self.barges && owner_of(self.line.word.load(Relaxed)).is_some() {
            return false;
        }
        let mut slow = self.slow();
        let ask = slow.state.policy.woken(me.tid, slow.now);
        let won = slow.granted(ask);
        if won {
            slow.leave();
        } else {
            *watch = slow.leave_to_wait(me.tid).or(*watch);
        }
        won
    }

    /// A forced switch: waits until another thread has taken the lock.
    pub fn await_freed(&self, me: &RecordOf<S>) {
        bump(&me.account.forced_waits, 1);
        if me.account.log().is_some() {
            me.account.trace(self.sync.now(), |_| Event::HeldBack {});
        }
        while me.flags.load(Acquire) & FREED == 0 {
            me.parker.park(None, 0);
        }
        me.flags.fetch_and(!FREED, Relaxed);
    }

    /// At a safe point, when somebody asked for the lock or the holder counts. Says whether it let go.
    pub fn safe_point(&self, me: &RecordOf<S>) -> bool {
        bump(&me.account.stops, 1);
        let counts = me.breaker.load(Relaxed) & (driver::DROP | driver::COUNT) == driver::COUNT;
        if counts {
            let left = self.line.points.load(Relaxed);
            if left > 1 {
                self.line.points.store(left - 1, Relaxed);
                return false;
            }
        }
        let mut slow = self.slow();
        if counts {
            self.line.points.store(points_of(&*slow.state.policy), Relaxed);
        }
        let must = slow.state.policy.check(me.tid, slow.now);
        if must {
            if counts {
                // The holder's own count asked it.
                bump(&me.account.requests, 1);
                slow.state.tally.requests_set += 1;
            }
            slow.state.tally.requests_honoured += 1;
            self.switch(slow, me, Cause::Request);
        } else {
            me.breaker.fetch_and(!(driver::DROP | driver::COUNT), Relaxed);
            slow.leave();
        }
        must
    }

    /// The policy's slice changes, and how long the clock thread sleeps after it has acted.
    pub fn set_slice(&self, slice: u64, clock_pause: Nanos) {
        let mut slow = self.slow();
        slow.state.timer.pause = clock_pause;
        slow.state.policy.set_slice(slice);
        self.line.points.store(points_of(&*slow.state.policy), Relaxed);
        slow.leave();
    }

    /// Gives the lock away of the holder's own will, if anybody waits.
    pub fn yield_now(&self, me: &RecordOf<S>) {
        if self.line.word.load(Relaxed) & SLOW == 0 {
            return;
        }
        let mut slow = self.slow();
        if slow.state.policy.waiters() == 0 {
            return slow.leave();
        }
        // As if a waiter's patience had just run out: so the policy makes sure that another is next.
        slow.state.policy.requested();
        self.switch(slow, me, Cause::Yield);
    }

    /// Release and new request in one critical section, or a third thread could slip in between; a policy
    /// that barges wants just that.
    fn switch(&self, mut slow: Slow<'_, S>, me: &RecordOf<S>, cause: Cause) {
        me.account.lost(cause, slow.now);
        me.account.book(Bucket::Waiting, slow.now);
        let stay = slow.release(me, Why::Requested);
        if stay || slow.state.policy.barges() {
            slow.leave();
            if stay {
                self.await_freed(me);
            } else {
                self.sync.call_kernel();
            }
            return self.take(me);
        }
        self.ask(slow, me);
    }
}

impl<S: Sync> State<S> {
    /// Lets the policy's timer act. Somebody waits then, so SLOW stands. Returns whom to unpark.
    #[must_use]
    pub fn lapse(&mut self, now: Nanos) -> Option<Arc<RecordOf<S>>> {
        match self.policy.lapse(now) {
            Lapse::Nothing => {}
            Lapse::Drop { holder } => {
                self.roster.get(holder)?;
                let by = (self.policy.waiters() > 0).then(|| self.policy.waiter(0));
                self.roster.ask(holder, by, now);
                self.tally.requests_set += 1;
            }
            Lapse::Watch { holder } => {
                self.roster.get(holder)?.breaker.fetch_or(driver::COUNT, Relaxed);
            }
            Lapse::Race { waiter } => {
                let record = self.roster.get(waiter)?;
                record.flags.fetch_or(RACE, Release);
                return Some(record.clone());
            }
        }
        None
    }

    /// Time during which the lock was held while somebody waited for it.
    pub fn contended(&self, now: Nanos) -> Nanos {
        self.tally.contended_ns + self.contended_since.map_or(0, |since| now.saturating_sub(since))
    }
}

impl<S: Sync> Slow<'_, S> {
    /// Sends a message; the thread is unparked after the mutex is free.
    pub fn tell(&mut self, t: Tid, message: u32) {
        if let Some(record) = self.state.roster.get(t) {
            record.flags.fetch_or(message, Release);
            let before = self.post.replace(record.clone());
            self.more.extend(before);
        }
    }

    /// Leaves a message for a thread that is to go on sleeping until it has the lock.
    pub fn note(&mut self, t: Tid, message: u32) {
        if let Some(record) = self.state.roster.get(t) {
            record.flags.fetch_or(message, Release);
        }
    }

    /// Asks for the lock on behalf of `t`.
    pub fn request(&mut self, t: Tid) -> bool {
        let ask = self.state.policy.request(t, self.now);
        self.granted(ask)
    }

    /// Notes what an `Ask` brought; frees whom it frees.
    pub fn granted(&mut self, ask: Ask) -> bool {
        match ask {
            Ask::Wait => false,
            Ask::Granted { frees } => {
                if let Some(freed) = frees {
                    self.tell(freed, FREED);
                }
                true
            }
        }
    }

    /// Takes the lock from `me` and passes it on. `true`: `me` must wait for FREED before it goes on.
    pub fn release(&mut self, me: &RecordOf<S>, why: Why) -> bool {
        me.breaker.fetch_and(!(driver::DROP | driver::COUNT), Relaxed);
        let Handoff { to, stay } = self.state.policy.release(me.tid, why, self.now);
        match to {
            To::Nobody => {}
            To::Thread(t) => {
                self.tell(t, GRANTED);
            }
            To::Race => {
                let n = self.state.policy.waiters();
                let i = self.state.random.below(n as u64) as usize;
                let t = self.state.policy.waiter(i);
                self.race = self.state.roster.get(t).cloned();
            }
        }
        stay
    }

    /// Lets the timer act if it is due, makes the new state of things known and frees the mutex. `sleeper`: see
    /// `leave_to_wait`.
    pub fn close(mut self, sleeper: Option<Tid>) -> Option<Nanos> {
        let state = &mut *self.state;
        // A policy that wants the holder to let go at once does not wait for the clock thread.
        let mut due = state.policy.due();
        if due.is_some_and(|due| due <= self.now) {
            let picked = state.lapse(self.now);
            self.more.extend(picked);
            due = state.policy.due();
        }
        let owner = state.policy.holder();
        let contended = owner.is_some() && state.policy.waiters() > 0;
        match (contended, state.contended_since) {
            (true, None) => state.contended_since = Some(self.now),
            (false, Some(since)) => {
                state.tally.contended_ns += self.now.saturating_sub(since);
                state.contended_since = None;
            }
            _ => {}
        }
        // Nobody gets past the mutex any more once the run is over.
        let slow = if state.finished || !state.policy.quiet() { SLOW } else { 0 };
        self.lock.line.word.store(word_of(owner) | slow, Release);
        if let Some(record) = &self.race {
            record.flags.fetch_or(RACE, Release);
        }
        if let Some(owner) = owner {
            state.timer.relieve(owner);
        }
        let watch = sleeper.and_then(|t| state.timer.appoint(t, due));
        let call = state.timer.calls(due, state.finished);
        drop(self.state);
        if call {
            self.lock.state.notify();
        }
        for record in self.more.into_iter().chain(self.post).chain(self.race) {
            record.parker.unpark();
        }
        if let Some(warning) = self.warning {
            out::error(format!("warning: {warning}").as_bytes());
        }
        watch
    }
}
