//! The event loop of the simulated world, and what happens on behalf of threads without the baton.
//!
//! Events are ordered by (time, class, tie, sequence). Classes at one instant: effects (requests, wakes),
//! timers, threads that run: success beats a time-out of the same instant, and a thread that goes on at t
//! has seen everything that happens at t. Without a seed ties are broken by order of creation, latencies
//! are 0 and a race wakes the oldest waiter; a seed draws these three and nothing else.
//!
//! Threads of several processes may all run from the same instant on. One that has the baton keeps it
//! until it waits or its time is later than theirs: what they do at that instant is not in its past.

use super::driver::{self, Record};
use super::policy::{Ask, Lapse, To, Why};
use super::processes::Process;
use super::roster::Roster;
use super::stats::{Bucket, bump};
use crate::trace;
use crate::world::deadlock::Deadlock;
use crate::world::random::Streams;
use crate::world::sync::Std;
use crate::world::wait_table::WaitTable;
use crate::world::{Nanos, ProcessId, Stream, Tid, WaitKey};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The longest time a drawn wake-up takes, about what was measured on a quiet machine.
const LATENCY_NS_MAX: Nanos = 100_000;

/// What taking the lock back at once costs a thread that has just let go of it.
const RETAKE_NS: Nanos = 300;

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
    /// The one timer of a process's lock.
    Lapse(ProcessId, u64),
    /// What was under way is there: ends the waits for it.
    Arrival(WaitKey),
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Notified,
    TimedOut,
    Deadlocked,
    Interrupted,
    Exiting,
}

/// The class of events that let a thread run, the last one of an instant.
const RUN: u8 = 2;

struct Slot {
    process: ProcessId,
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
    /// By `ProcessId`, those that have ended too.
    pub processes: Vec<Process>,
    pub waits: WaitTable,
    pub roster: Roster<Std>,
    pub streams: Streams,
    pub warning: Option<Deadlock>,
    pub warned: bool,
    /// Pending events of that kind: they may end a wait that no thread can.
    pub arrivals: usize,
    seed: Option<u64>,
    slots: Vec<Slot>,
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    now: Nanos,
}

impl State {
    pub fn new(seed: Option<u64>) -> State {
        State {
            processes: Vec::new(),
            waits: WaitTable::default(),
            roster: Roster::default(),
            // Scripts draw also without a seed, and the same numbers each time.
            streams: Streams::new(seed.unwrap_or(0)),
            warning: None,
            warned: false,
            arrivals: 0,
            seed,
            slots: Vec::new(),
            heap: BinaryHeap::new(),
            sequence: 0,
            now: 0,
        }
    }

    pub fn enroll(&mut self, process: ProcessId, name: &str, daemon: bool, at: Nanos) -> Arc<Record> {
        self.slots.push(Slot {
            process,
            local: at,
            cpu: 0,
            wait: 0,
            waiting: false,
            stay: false,
            wants: false,
            outcome: None,
        });
        self.roster.add(process, name, daemon, at)
    }

    pub fn process_of(&self, t: Tid) -> ProcessId {
        self.slots[t.0 as usize].process
    }

    /// The process of a thread, ended or not.
    pub fn process(&self, t: Tid) -> &Process {
        &self.processes[self.process_of(t).index()]
    }

    pub fn process_mut(&mut self, t: Tid) -> &mut Process {
        let id = self.process_of(t);
        &mut self.processes[id.index()]
    }

    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    fn slot(&mut self, t: Tid) -> &mut Slot {
        &mut self.slots[t.0 as usize]
    }

    pub fn local(&self, t: Tid) -> Nanos {
        self.slots[t.0 as usize].local
    }

    /// CPU time of a thread.
    pub fn cpu(&self, t: Tid) -> Nanos {
        self.slots[t.0 as usize].cpu
    }

    /// CPU time of all threads that a process has had.
    pub fn cpu_of(&self, process: ProcessId) -> Nanos {
        self.slots.iter().filter(|s| s.process == process).map(|s| s.cpu).sum()
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
            Event::Request(_) | Event::Race(_) | Event::Arrival(_) => 0,
            Event::Timeout(..) | Event::Lapse(..) => 1,
            Event::Resume(_) | Event::GoOn(_) => RUN,
        };
        self.sequence += 1;
        let tie = if self.seed.is_some() { self.streams.stream(Stream::Ties).draw() } else { 0 };
        self.heap.push(Reverse((at, class, tie, self.sequence, event)));
    }

    fn stale(&self, event: Event) -> bool {
        match event {
            // Threads of a process that has ended have events left.
            Event::Resume(t) | Event::GoOn(t) | Event::Request(t) => self.roster.get(t).is_none(),
            Event::Race(t) => !self.slots[t.0 as usize].waiting || self.roster.get(t).is_none(),
            Event::Timeout(t, wait) => self.slots[t.0 as usize].wait != wait || self.waits.get(t).is_none(),
            Event::Arrival(_) => false,
            Event::Lapse(id, number) => self.processes[id.index()].lapse.is_none_or(|(_, present)| present != number),
        }
    }

    /// Whether anything happens up to and at `by`; threads of other processes that run from `by` on do not count.
    pub fn event_due(&mut self, by: Nanos) -> bool {
        while let Some(Reverse((at, class, .., event))) = self.heap.peek() {
            if !self.stale(*event) {
                return *at < by || (*at == by && *class < RUN);
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
                self.nothing_left(self.now);
                continue;
            };
            if self.stale(event) {
                continue;
            }
            debug_assert!(at >= self.now, "time does not go back");
            self.now = at;
            let of = match event {
                Event::Resume(t) | Event::GoOn(t) => {
                    let slot = self.slot(t);
                    slot.local = slot.local.max(at);
                    self.set_horizon(t);
                    return t;
                }
                Event::Request(t) => {
                    self.want(t, at);
                    self.process_of(t)
                }
                Event::Race(t) => {
                    self.race(t, at);
                    self.process_of(t)
                }
                Event::Timeout(t, _) => {
                    self.waits.remove(t);
                    self.end_wait(t, Ended::TimedOut, at);
                    self.process_of(t)
                }
                Event::Lapse(id, _) => {
                    self.lapse(id, at);
                    id
                }
                Event::Arrival(key) => {
                    self.arrivals -= 1;
                    self.wake(key, usize::MAX, at);
                    continue;
                }
            };
            self.settle_process(of, at);
        }
    }

    fn race(&mut self, t: Tid, at: Nanos) {
        let process = self.process_mut(t);
        let ask = process.policy.woken(t, at);
        if ask == Ask::Wait {
            let record = self.record(t);
            bump(&record.account.failed, 1);
            record.account.trace(at, |_| trace::Event::Failed {});
        }
        self.answer(t, ask, at);
    }

    fn lapse(&mut self, id: ProcessId, at: Nanos) {
        let process = &mut self.processes[id.index()];
        process.lapse = None;
        match process.policy.lapse(at) {
            Lapse::Nothing => {}
            Lapse::Drop { holder } => {
                process.tally.requests_set += 1;
                let by = (process.policy.waiters() > 0).then(|| process.policy.waiter(0));
                self.roster.ask(holder, by, at);
            }
            Lapse::Watch { holder } => {
                self.record(holder).breaker.fetch_or(driver::COUNT, Relaxed);
            }
            Lapse::Race { waiter } => {
                let at = at + self.latency();
                self.push(at, Event::Race(waiter));
            }
        }
    }

    /// `t` has let go because it had to and wants the lock back: as one step with the release, unless the
    /// policy barges.
    pub fn want_back(&mut self, t: Tid, at: Nanos) {
        if self.process(t).policy.barges() && !self.slot(t).stay {
            let at = at + if self.seed.is_some() { RETAKE_NS } else { 0 };
            self.push(at, Event::Request(t));
        } else {
            self.want(t, at);
        }
    }

    /// Asks for the lock on behalf of `t`, or as soon as `t` is not held back any more.
    pub fn want(&mut self, t: Tid, at: Nanos) {
        if self.slot(t).stay {
            self.slot(t).wants = true;
            return;
        }
        self.record(t).account.book(Bucket::Waiting, at);
        let ask = self.process_mut(t).policy.request(t, at);
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
        let switched = self.process_mut(t).last_owner.replace(t) != Some(t);
        self.record(t).account.got(at, waited, switched);
        self.push(at, Event::Resume(t));
    }

    /// Takes the lock from `me` and passes it on.
    pub fn release(&mut self, me: &Record, why: Why, at: Nanos) {
        me.breaker.fetch_and(!(driver::DROP | driver::COUNT), Relaxed);
        let process = self.process_mut(me.tid);
        let handoff = process.policy.release(me.tid, why, at);
        if handoff.stay {
            self.slot(me.tid).stay = true;
            bump(&me.account.forced_waits, 1);
            me.account.trace(at, |_| trace::Event::HeldBack {});
        }
        match handoff.to {
            To::Nobody => {}
            To::Thread(t) => self.grant(t, at),
            To::Race => {
                let n = self.process(me.tid).policy.waiters() as u64;
                let choice = self.streams.stream(Stream::Choice);
                let i = if self.seed.is_some() { choice.below(n) } else { 0 };
                let t = self.process(me.tid).policy.waiter(i as usize);
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
    pub fn end_wait(&mut self, t: Tid, how: Ended, at: Nanos) {
        self.slot(t).outcome = Some(how);
        self.record(t).account.book(Bucket::Waiting, at);
        if self.process(t).policy.eager() || how == Ended::TimedOut {
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
            self.settle(t, at);
            woken += 1;
        }
        woken
    }

    /// `KeyboardInterrupt` for the main thread of a process: ends its wait, or shows at its next safe point.
    pub fn interrupt(&mut self, main: Tid, at: Nanos) {
        if self.waits.remove(main).is_some() {
            self.end_wait(main, Ended::Interrupted, at);
            self.settle(main, at);
        } else if let Some(main) = self.roster.get(main) {
            main.breaker.fetch_or(driver::SIGNAL, Relaxed);
        }
    }

    pub fn end_daemons(&mut self, me: &Record, at: Nanos) {
        let others = self.roster.iter().filter(|r| r.process == me.process && r.tid != me.tid);
        let others: Vec<Arc<Record>> = others.cloned().collect();
        for record in others {
            record.breaker.fetch_or(driver::EXIT, Relaxed);
            if self.waits.remove(record.tid).is_some() {
                self.end_wait(record.tid, Ended::Exiting, at);
            }
        }
    }

    /// Closes an operation of `t` at `at`: keeps timer and counters of its process up to date.
    pub fn settle(&mut self, t: Tid, at: Nanos) {
        let id = self.process_of(t);
        self.settle_process(id, at);
    }

    fn settle_process(&mut self, id: ProcessId, at: Nanos) {
        let number = self.sequence + 1;
        let process = &mut self.processes[id.index()];
        process.note_contention(at);
        // A later moment does not move the pending event: it finds nothing to do and is set again.
        if let Some(due) = process.policy.due()
            && process.exit_code().is_none()
            && process.lapse.is_none_or(|(pending, _)| due < pending)
        {
            let due = due.max(self.now);
            process.lapse = Some((due, number));
            self.push(due, Event::Lapse(id, number));
        }
    }
}
