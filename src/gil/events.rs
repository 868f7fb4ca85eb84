//! The event loop of the simulated world, and what happens on behalf of threads without the baton.
//!
//! Events are ordered by (time, class, tie, sequence). Classes at one instant: effects (hand-overs,
//! wakes), timers, the running thread itself: success beats a time-out of the same instant, and a thread
//! that goes on at t has seen everything that happens at t. Without a seed ties are broken by order of
//! creation, latencies are 0 and a race wakes the oldest waiter; a seed draws these three and nothing else.

use super::driver::{self, Record};
use super::policy::{Ask, Lapse, LockPolicy, To, Why};
use super::roster::Roster;
use super::stats::{Bucket, LockStats, bump};
use crate::world::deadlock::Deadlock;
use crate::world::random::Streams;
use crate::world::sync::Std;
use crate::world::wait_table::WaitTable;
use crate::world::{Nanos, Stream, Tid, WaitKey};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The longest time a drawn wake-up takes, about what was measured on a quiet machine.
const LATENCY_NS_MAX: Nanos = 100_000;

/// Something that happens at a moment of virtual time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    /// The thread was given the lock: the baton is its.
    Resume(Tid),
    /// The thread, which has had the lock all along, has let events pass it and goes on.
    GoOn(Tid),
    /// The thread asks for the lock: it has started, woken up or finished native work.
    Request(Tid),
    /// The thread that a race picked has come to its feet.
    Race(Tid),
    /// The deadline of a thread's wait; the number tells an old wait from the present one.
    Timeout(Tid, u64),
    /// The lock's one timer.
    Lapse(u64),
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Notified,
    TimedOut,
    Deadlocked,
    Exiting,
}

#[derive(Default)]
struct Slot {
    local: Nanos,
    cpu: Nanos,
    /// Counts the thread's waits.
    wait: u64,
    /// In the policy's queue.
    waiting: bool,
    /// Held back by a forced switch.
    stay: bool,
    /// Wants the lock as soon as it is not held back any more.
    wants: bool,
    outcome: Option<Ended>,
}

/// An event in the heap: time, class, tie, sequence.
type Entry = (Nanos, u8, u64, u64, Event);

pub struct State {
    pub policy: Box<dyn LockPolicy>,
    pub waits: WaitTable,
    pub roster: Roster<Std>,
    pub streams: Streams,
    pub tally: LockStats,
    pub deadlock: Option<Box<Deadlock>>,
    pub warning: Option<Deadlock>,
    warned: bool,
    seed: Option<u64>,
    slots: Vec<Slot>,
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    now: Nanos,
    /// The pending `Lapse`: its moment and its number.
    lapse: Option<(Nanos, u64)>,
    last_owner: Option<Tid>,
    contended_since: Option<Nanos>,
}

impl State {
    pub fn new(policy: Box<dyn LockPolicy>, seed: Option<u64>) -> State {
        State {
            policy,
            waits: WaitTable::default(),
            roster: Roster::default(),
            // Scripts draw also without a seed, and the same numbers each time.
            streams: Streams::new(seed.unwrap_or(0)),
            tally: LockStats::default(),
            deadlock: None,
            warning: None,
            warned: false,
            seed,
            slots: Vec::new(),
            heap: BinaryHeap::new(),
            sequence: 0,
            now: 0,
            lapse: None,
            last_owner: Some(Tid::MAIN),
            contended_since: None,
        }
    }

    pub fn enroll(&mut self, name: &str, daemon: bool, at: Nanos) -> Arc<Record> {
        self.slots.push(Slot { local: at, ..Slot::default() });
        self.roster.add(name, daemon, at)
    }

    fn slot(&mut self, t: Tid) -> &mut Slot {
        &mut self.slots[t.0 as usize]
    }

    pub fn local(&self, t: Tid) -> Nanos {
        self.slots[t.0 as usize].local
    }

    /// CPU time of one thread or of all.
    pub fn cpu(&self, t: Option<Tid>) -> Nanos {
        t.map_or_else(|| self.slots.iter().map(|s| s.cpu).sum(), |t| self.slots[t.0 as usize].cpu)
    }

    pub fn advance(&mut self, t: Tid, length: Nanos, cpu: bool) {
        let slot = self.slot(t);
        slot.local = slot.local.saturating_add(length);
        slot.cpu += if cpu { length } else { 0 };
    }

    pub fn record(&self, t: Tid) -> Arc<Record> {
        self.roster.get(t).expect("a thread with events is alive").clone()
    }

    /// How long a thread needs to come to its feet.
    pub fn latency(&mut self) -> Nanos {
        if self.seed.is_none() { 0 } else { self.streams.stream(Stream::Latency).below(LATENCY_NS_MAX) }
    }

    pub fn push(&mut self, at: Nanos, event: Event) {
        let class = match event {
            Event::Resume(_) | Event::Request(_) | Event::Race(_) => 0,
            Event::Timeout(..) | Event::Lapse(_) => 1,
            Event::GoOn(_) => 2,
        };
        self.sequence += 1;
        let tie = if self.seed.is_some() { self.streams.stream(Stream::Ties).draw() } else { 0 };
        self.heap.push(Reverse((at, class, tie, self.sequence, event)));
    }

    fn stale(&self, event: Event) -> bool {
        match event {
            Event::Resume(_) | Event::GoOn(_) | Event::Request(_) => false,
            Event::Race(t) => !self.slots[t.0 as usize].waiting,
            Event::Timeout(t, wait) => self.slots[t.0 as usize].wait != wait || self.waits.get(t).is_none(),
            Event::Lapse(number) => self.lapse.is_none_or(|(_, present)| present != number),
        }
    }

    /// Whether anything happens up to and at `by`.
    pub fn event_due(&mut self, by: Nanos) -> bool {
        while let Some(Reverse((at, .., event))) = self.heap.peek() {
            if !self.stale(*event) {
                return *at <= by;
            }
            self.heap.pop();
        }
        false
    }

    /// Makes the thread come by at its next safe point if an event is due by its local time.
    pub fn set_horizon(&mut self, t: Tid) {
        let due = self.event_due(self.local(t));
        if let Some(record) = self.roster.get(t) {
            if due {
                record.breaker.fetch_or(driver::SYNC, Relaxed);
            } else {
                record.breaker.fetch_and(!driver::SYNC, Relaxed);
            }
        }
    }

    /// Lets events happen until one of them lets a thread run.
    pub fn next_to_run(&mut self) -> Tid {
        loop {
            let Some(Reverse((at, .., event))) = self.heap.pop() else {
                self.nothing_left();
                continue;
            };
            if self.stale(event) {
                continue;
            }
            debug_assert!(at >= self.now, "time does not go back");
            self.now = at;
            match event {
                Event::Resume(t) | Event::GoOn(t) => {
                    let slot = self.slot(t);
                    slot.local = slot.local.max(at);
                    self.set_horizon(t);
                    return t;
                }
                Event::Request(t) => self.want(t, at),
                Event::Race(t) => {
                    let ask = self.policy.woken(t, at);
                    if ask == Ask::Wait {
                        self.tally.failed += 1;
                        bump(&self.record(t).account.failed, 1);
                    }
                    self.answer(t, ask, at);
                }
                Event::Timeout(t, _) => {
                    self.waits.remove(t);
                    self.end_wait(t, Ended::TimedOut, at);
                }
                Event::Lapse(_) => self.lapse(at),
            }
            self.settle(at);
        }
    }

    /// The heap is empty and threads are alive. The stuck count finds every deadlock earlier, when the
    /// last wait begins; this is the same statement from the other side.
    fn nothing_left(&mut self) {
        assert!(self.waits.remove(Tid::MAIN).is_some(), "no event left, but the main thread could run");
        let names = |t| self.roster.name(t);
        let report = Deadlock::read(&self.waits, &names, self.now, &[], true, true);
        self.deadlock = Some(Box::new(Deadlock { simulated: Some((self.now, self.seed)), ..report }));
        self.end_wait(Tid::MAIN, Ended::Deadlocked, self.now);
    }

    fn lapse(&mut self, at: Nanos) {
        self.lapse = None;
        if let Lapse::Drop { holder } = self.policy.lapse(at) {
            let record = self.record(holder);
            record.breaker.fetch_or(driver::DROP, Relaxed);
            bump(&record.account.requests, 1);
            self.tally.requests_set += 1;
        }
    }

    /// Asks for the lock on behalf of `t`, or as soon as `t` is not held back any more.
    pub fn want(&mut self, t: Tid, at: Nanos) {
        if self.slot(t).stay {
            self.slot(t).wants = true;
            return;
        }
        self.record(t).account.book(Bucket::Waiting, at);
        let ask = self.policy.request(t, at);
        self.answer(t, ask, at);
    }

    fn answer(&mut self, t: Tid, ask: Ask, at: Nanos) {
        match ask {
            Ask::Wait => self.slot(t).waiting = true,
            Ask::Granted { frees } => {
                self.grant(t, at);
                let Some(freed) = frees else { return };
                self.slot(freed).stay = false;
                if std::mem::take(&mut self.slot(freed).wants) {
                    self.want(freed, at);
                }
            }
        }
    }

    fn grant(&mut self, t: Tid, at: Nanos) {
        let waited = std::mem::take(&mut self.slot(t).waiting);
        self.record(t).account.got(at, waited);
        if self.last_owner.replace(t) != Some(t) {
            self.tally.handovers += 1;
        }
        self.push(at, Event::Resume(t));
    }

    /// Takes the lock from `me` and passes it on.
    pub fn release(&mut self, me: &Record, why: Why, at: Nanos) {
        me.breaker.fetch_and(!driver::DROP, Relaxed);
        self.last_owner = Some(me.tid);
        let handoff = self.policy.release(me.tid, why, at);
        if handoff.stay {
            self.slot(me.tid).stay = true;
            self.tally.forced_waits += 1;
            bump(&me.account.forced_waits, 1);
        }
        match handoff.to {
            To::Nobody => {}
            To::Thread(t) => self.grant(t, at),
            To::Race => {
                let n = self.policy.waiters() as u64;
                let choice = self.streams.stream(Stream::Choice);
                let i = if self.seed.is_some() { choice.below(n) } else { 0 };
                let t = self.policy.waiter(i as usize);
                let at = at + self.latency();
                self.push(at, Event::Race(t));
            }
        }
    }

    /// `t` has registered and let go of the lock.
    pub fn begin_wait(&mut self, t: Tid, until: Option<Nanos>, at: Nanos) {
        let slot = self.slot(t);
        slot.wait += 1;
        slot.outcome = None;
        let wait = slot.wait;
        if let Some(until) = until {
            self.push(until.max(at), Event::Timeout(t, wait));
        }
    }

    /// The entry of `t` is out of the table: makes `t` go for the lock.
    fn end_wait(&mut self, t: Tid, how: Ended, at: Nanos) {
        self.slot(t).outcome = Some(how);
        self.record(t).account.book(Bucket::Waiting, at);
        if self.policy.eager() || how == Ended::TimedOut {
            self.want(t, at);
        } else {
            let at = at + self.latency();
            self.push(at, Event::Request(t));
        }
    }

    pub fn take_outcome(&mut self, t: Tid) -> Ended {
        self.slot(t).outcome.take().expect("a thread goes on after its wait has ended")
    }

    pub fn wake(&mut self, key: WaitKey, n: usize, at: Nanos) -> usize {
        let mut woken = 0;
        while woken < n {
            let Some(t) = self.waits.wake_one(key) else {
                break;
            };
            self.end_wait(t, Ended::Notified, at);
            woken += 1;
        }
        woken
    }

    pub fn end_daemons(&mut self, me: Tid, at: Nanos) {
        let others: Vec<Arc<Record>> = self.roster.iter().filter(|r| r.tid != me).cloned().collect();
        for record in others {
            record.breaker.fetch_or(driver::EXIT, Relaxed);
            if self.waits.remove(record.tid).is_some() {
                self.end_wait(record.tid, Ended::Exiting, at);
            }
        }
    }

    /// After `t` began to wait or ended: can everybody else still go on?
    pub fn look_for_deadlock(&mut self, t: Tid, at: Nanos) {
        let Some(report) = self.roster.deadlock(&self.waits, t, at) else {
            return;
        };
        let report = Deadlock { simulated: Some((at, self.seed)), ..report };
        if !report.certain {
            if !std::mem::replace(&mut self.warned, true) {
                self.warning = Some(report);
            }
            return;
        }
        self.deadlock = Some(Box::new(report));
        if self.waits.remove(Tid::MAIN).is_some() {
            self.end_wait(Tid::MAIN, Ended::Deadlocked, at);
        } else if let Some(main) = self.roster.get(Tid::MAIN) {
            main.breaker.fetch_or(driver::DEADLOCK, Relaxed);
        }
    }

    /// Closes an operation at `at`: keeps the timer and the contention counter up to date.
    pub fn settle(&mut self, at: Nanos) {
        let contended = self.policy.holder().is_some() && self.policy.waiters() > 0;
        match (contended, self.contended_since) {
            (true, None) => self.contended_since = Some(at),
            (false, Some(since)) => {
                self.tally.contended_ns += at.saturating_sub(since);
                self.contended_since = None;
            }
            _ => {}
        }
        // A later moment does not move the pending event: it finds nothing to do and is set again.
        if let Some(due) = self.policy.due()
            && self.lapse.is_none_or(|(pending, _)| due < pending)
        {
            let number = self.sequence + 1;
            let due = due.max(self.now);
            self.lapse = Some((due, number));
            self.push(due, Event::Lapse(number));
        }
    }

    /// Time during which the lock was held while somebody waited for it.
    pub fn contended(&self, at: Nanos) -> Nanos {
        self.tally.contended_ns + self.contended_since.map_or(0, |since| at.saturating_sub(since))
    }
}
