//! The simulated world's driver: the operations of a thread, in virtual time.
//!
//! Script threads are OS threads that pass a baton: exactly one runs at a time. Each thread has a local
//! time; an operation that others could see first lets all events happen that are due by then (`sync`).
//! `events.rs` has the event loop and what happens on behalf of threads that do not have the baton,
//! `processes.rs` what belongs to one process. Threads of different processes run in the same virtual
//! time: cores are not modelled, as if there were one for each. So do all threads of a run without the lock
//! (`policies::Off` grants every request): who has the baton hands it on when it waits, or has come later
//! than another thread's time. So threads interleave where they wait or let time pass, and nowhere else.
//!
//! Instructions cost nothing without a cost profile, so time advances by sleeping, `c_sleep`, `spin` and
//! `charge` only: a loop that waits for a clock without calling any of these never ends. A guard against
//! that counts instructions and is the VM's to build.

use super::GilConfig;
use super::driver::{self, Driver, Record, Wait};
use super::events::{Ended, Event, State};
use super::held::SpawnError;
use super::policy::{self, LockPolicy, Row, Unit, Why};
use super::stats::{Bucket, Cause, LockStats, Stats, bump};
use crate::trace::Recording;
use crate::world::deadlock::Deadlock;
use crate::world::sync::Parker;
use crate::world::{Clock, Nanos, ProcessId, Stream, Tid, WaitKey, WaitOn, Wake, out, signal};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// Wall time at which every simulation begins: 2025-01-01 00:00:00 UTC.
const EPOCH_NS: Nanos = 1_735_689_600_000_000_000;

/// The flag that carries the baton.
pub const BATON: u32 = 1;

pub struct Sim {
    state: Mutex<State>,
    policy: &'static str,
    eager: bool,
    unit_cost: Nanos,
    /// Makes the lock of a new process.
    make: fn(u64) -> Box<dyn LockPolicy>,
    unit: Unit,
    keys: AtomicU64,
}

/// A driver and the record of its main thread.
pub fn start(config: &GilConfig, row: &Row, seed: Option<u64>) -> std::io::Result<(Arc<dyn Driver>, Arc<Record>)> {
    let interval = config.interval_us.unwrap_or(row.slice);
    let policy = (row.make)(policy::inner_slice(row.unit, interval));
    let eager = policy.eager();
    let mut state = State::new(seed);
    state.roster.record(config.trace.as_ref());
    let main = state.new_process("MainProcess", None, (policy, interval, row.name), 0);
    if config.signals {
        signal::interrupt_ends_process()?;
    }
    let sim = Sim {
        state: Mutex::new(state),
        policy: row.name,
        eager,
        unit_cost: config.unit_cost,
        make: row.make,
        unit: row.unit,
        keys: AtomicU64::new(0),
    };
    Ok((Arc::new(sim), main))
}

type Guard<'a> = MutexGuard<'a, State>;

impl Sim {
    /// Lets everything happen that is due by `me`'s local time. `me` keeps the lock meanwhile, so no
    /// other script thread runs and what `me` has looked at stays as it is.
    fn synced(&self, me: &Record) -> Guard<'_> {
        let mut state = self.state.lock();
        let at = state.local(me.tid);
        if state.event_due(at) {
            state.push(at, Event::GoOn(me.tid));
            state = self.run(state, Some(me));
        }
        state
    }

    /// Runs events until one of them gives the baton to somebody. Returns when `me` has it.
    fn run<'a>(&'a self, mut state: Guard<'a>, me: Option<&Record>) -> Guard<'a> {
        if let Some(warning) = state.warning.take() {
            out::error(format!("warning: {warning}").as_bytes());
        }
        let next = state.next_to_run();
        if me.is_some_and(|me| me.tid == next) {
            return state;
        }
        let record = state.record(next);
        record.flags.fetch_or(BATON, Release);
        drop(state);
        record.parker.unpark();
        if let Some(me) = me {
            self.await_baton(me);
        }
        self.state.lock()
    }

    fn await_baton(&self, me: &Record) {
        while me.flags.load(Acquire) & BATON == 0 {
            Parker::park(&me.parker, None, 0);
        }
        me.flags.fetch_and(!BATON, Relaxed);
    }

    /// Ends an operation of `me`, which goes on running.
    fn settle(mut state: Guard<'_>, me: &Record) {
        let at = state.local(me.tid);
        state.settle(me.tid, at);
        state.set_horizon(me.tid);
    }

    /// Release and new request as one step.
    fn switch(&self, mut state: Guard<'_>, me: &Record, cause: Cause) {
        let at = state.local(me.tid);
        me.account.lost(cause, at);
        me.account.book(Bucket::Waiting, at);
        state.release(me, Why::Requested, at);
        state.want_back(me.tid, at);
        state.settle(me.tid, at);
        Sim::settle(self.run(state, Some(me)), me);
    }

    /// Lets `length` pass for `me` with the lock in its hands, and all that others do meanwhile happen.
    fn advance(&self, me: &Record, length: Nanos, cpu: bool) {
        self.state.lock().advance(me.tid, length, cpu);
        Sim::settle(self.synced(me), me);
    }
}

impl Driver for Sim {
    fn policy(&self) -> &'static str {
        self.policy
    }

    fn simulated(&self) -> bool {
        true
    }

    fn eager(&self) -> bool {
        self.eager
    }

    fn now(&self, me: &Record, clock: Clock) -> Nanos {
        let state = self.state.lock();
        match clock {
            Clock::Wall => EPOCH_NS + state.local(me.tid),
            Clock::Monotonic | Clock::Perf => state.local(me.tid),
            Clock::Process => state.cpu_of(me.process),
            Clock::Thread => state.cpu(me.tid),
        }
    }

    fn attach(&self, me: &Record) {
        let mut state = self.state.lock();
        me.parker.bind();
        if me.tid == Tid::MAIN {
            // Time 0, nobody else there: the lock is free and the baton is here.
            state.want(me.tid, 0);
            let state = self.run(state, Some(me));
            return Sim::settle(state, me);
        }
        drop(state);
        self.await_baton(me);
    }

    fn exit(&self, me: &Record) {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        me.account.lost(Cause::Exit, at);
        state.wake(WaitKey::Thread(me.tid), usize::MAX, at);
        if me.tid == Tid::MAIN {
            // The baton ends here: whoever is left stays parked.
            return;
        }
        state.release(me, Why::Exit, at);
        state.roster.remove(me.tid, at);
        state.look_for_deadlock(me.tid, at);
        state.settle(me.tid, at);
        drop(self.run(state, None));
    }

    fn enroll(&self, me: &Record, name: &str, daemon: bool) -> Result<Arc<Record>, SpawnError> {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        let record = state.enroll(me.process, name, daemon, at);
        if self.eager {
            state.want(record.tid, at);
        } else {
            let at = at + state.latency();
            state.push(at, Event::Request(record.tid));
        }
        Sim::settle(state, me);
        Ok(record)
    }

    fn disown(&self, child: &Record) {
        let mut state = self.state.lock();
        let at = state.local(child.tid);
        if child.main {
            return state.end_process(child.process, -1, at);
        }
        state.process_mut(child.tid).policy.forget(child.tid);
        state.roster.remove(child.tid, at);
    }

    fn is_alive(&self, tid: Tid) -> bool {
        self.state.lock().roster.get(tid).is_some()
    }

    fn safe_point(&self, me: &Record) {
        bump(&me.account.stops, 1);
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        let bits = me.breaker.load(Relaxed);
        let counts = bits & (driver::DROP | driver::COUNT) == driver::COUNT;
        let process = state.process_mut(me.tid);
        if counts && process.points > 1 {
            process.points -= 1;
        } else if bits & (driver::DROP | driver::COUNT) != 0 {
            if counts {
                process.points = process.policy.points();
            }
            if process.policy.check(me.tid, at) {
                if counts {
                    // The holder's own count asked it.
                    bump(&me.account.requests, 1);
                    process.tally.requests_set += 1;
                }
                process.tally.requests_honoured += 1;
                return self.switch(state, me, Cause::Request);
            }
            me.breaker.fetch_and(!(driver::DROP | driver::COUNT), Relaxed);
        }
        Sim::settle(state, me);
    }

    fn yield_now(&self, me: &Record) {
        let mut state = self.synced(me);
        let policy = &mut state.process_mut(me.tid).policy;
        if policy.waiters() == 0 {
            return Sim::settle(state, me);
        }
        // As if a waiter's patience had just run out: so the policy makes sure that another is next.
        policy.requested();
        self.switch(state, me, Cause::Yield);
    }

    fn wait(&self, me: &Record, wait: Wait, still: &dyn Fn() -> bool) -> Wake {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        let child = match wait.on {
            WaitOn::Child { key: key @ WaitKey::Process(id) } => Some((key, id)),
            _ => None,
        };
        let gone = matches!(wait.on, WaitOn::Join { tid } if state.roster.get(tid).is_none())
            || child.is_some_and(|(_, id)| state.exit_code(id).is_some());
        let bits = me.breaker.load(Relaxed);
        if bits & driver::SIGNAL != 0 {
            me.breaker.fetch_and(!driver::SIGNAL, Relaxed);
            Sim::settle(state, me);
            return Wake::Interrupted;
        }
        if gone || bits & (driver::EXIT | driver::DEADLOCK) != 0 {
            let report = if bits & driver::DEADLOCK != 0 { state.process_mut(me.tid).deadlock.take() } else { None };
            me.breaker.fetch_and(!driver::DEADLOCK, Relaxed);
            Sim::settle(state, me);
            return match report {
                Some(report) => Wake::Deadlock(report),
                None if bits & driver::EXIT != 0 => Wake::Exiting,
                None => Wake::Notified,
            };
        }
        let (kind, until) = (wait.on.kind(), wait.until);
        state.waits.register((me.process, me.tid), wait.on, at, until, wait.place);
        if let Some((key, id)) = child
            && let Some(main) = state.main_of(id)
        {
            state.waits.took(key, main);
        }
        if !still() {
            state.waits.remove(me.tid);
            Sim::settle(state, me);
            return Wake::Notified;
        }
        me.account.lost(Cause::Block, at);
        me.account.book(Bucket::Blocked(kind), at);
        state.release(me, Why::Block, at);
        state.begin_wait(me.tid, until, at);
        // After the release: the search may end this very wait, which asks for the lock again.
        state.look_for_deadlock(me.tid, at);
        state.settle(me.tid, at);
        let mut state = self.run(state, Some(me));
        let ended = state.take_outcome(me.tid);
        let report = if ended == Ended::Deadlocked { state.process_mut(me.tid).deadlock.take() } else { None };
        Sim::settle(state, me);
        match (ended, report) {
            (Ended::TimedOut, _) => Wake::TimedOut,
            (Ended::Exiting, _) => Wake::Exiting,
            (Ended::Interrupted, _) => Wake::Interrupted,
            (_, Some(report)) => Wake::Deadlock(report),
            _ => Wake::Notified,
        }
    }

    fn wake(&self, me: &Record, key: WaitKey, n: usize) -> usize {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        let woken = state.wake(key, n, at);
        Sim::settle(state, me);
        woken
    }

    fn wake_at(&self, me: &Record, key: WaitKey, at: Nanos) {
        let mut state = self.synced(me);
        let now = state.local(me.tid);
        if at <= now {
            state.wake(key, usize::MAX, now);
        } else {
            state.arrivals += 1;
            state.push(at, Event::Arrival(key));
        }
        Sim::settle(state, me);
    }

    fn wake_from_outside(&self, key: WaitKey) {
        unreachable!("nothing outside a simulation wakes its threads ({key:?})");
    }

    fn took(&self, me: &Record, key: WaitKey) {
        self.state.lock().waits.took(key, me.tid);
    }

    fn new_key(&self) -> WaitKey {
        WaitKey::Object(self.keys.fetch_add(1, Relaxed))
    }

    fn leave(&self, me: &Record, then: Bucket) {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        me.account.lost(Cause::Block, at);
        me.account.book(then, at);
        state.release(me, Why::Block, at);
        state.settle(me.tid, at);
    }

    fn enter(&self, me: &Record) {
        let mut state = self.state.lock();
        let at = state.local(me.tid);
        state.push(at, Event::Request(me.tid));
        Sim::settle(self.run(state, Some(me)), me);
    }

    fn holding(&self, me: &Record, begins: bool) {
        let at = self.state.lock().local(me.tid);
        me.account.book(if begins { Bucket::Holding } else { Bucket::Running }, at);
    }

    fn sleep_holding(&self, me: &Record, length: Nanos) {
        self.holding(me, true);
        self.advance(me, length, false);
        self.holding(me, false);
    }

    fn spin(&self, me: &Record, length: Nanos, nogil: bool) {
        if !nogil {
            self.holding(me, true);
            self.advance(me, length, true);
            return self.holding(me, false);
        }
        self.leave(me, Bucket::Native);
        self.state.lock().advance(me.tid, length, true);
        self.enter(me);
    }

    fn charge(&self, me: &Record, units: u64) {
        if self.unit_cost > 0 {
            self.advance(me, units.saturating_mul(self.unit_cost), true);
        }
    }

    fn draw(&self, _: &Record, stream: Stream) -> Option<u64> {
        Some(self.state.lock().streams.stream(stream).draw())
    }

    fn set_interval(&self, me: &Record, interval: u64) {
        let mut state = self.synced(me);
        let process = state.process_mut(me.tid);
        process.interval = interval;
        process.policy.set_slice(policy::inner_slice(self.unit, interval));
        process.points = process.policy.points();
        Sim::settle(state, me);
    }

    fn interval(&self, me: &Record) -> u64 {
        self.state.lock().process(me.tid).interval
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn stats(&self, me: &Record) -> Stats {
        let state = self.synced(me);
        let at = state.local(me.tid);
        let process = state.process(me.tid);
        let mut stats = Stats {
            policy: self.policy,
            interval_us: process.interval,
            unit: self.unit,
            simulated: true,
            elapsed_ns: at.saturating_sub(process.born),
            threads: state.roster.stats(me.process, at),
            lock: LockStats { contended_ns: process.contended(at), ..process.tally.clone() },
        };
        stats.sum_up();
        stats
    }

    fn watch(&self) {}

    fn recording(&self, me: &Record) -> Option<Recording> {
        let state = self.state.lock();
        let recorder = state.roster.recorder()?;
        Some(recorder.read(state.local(me.tid)))
    }

    fn take_deadlock(&self, me: &Record) -> Option<Box<Deadlock>> {
        self.state.lock().process_mut(me.tid).deadlock.take()
    }

    fn poke(&self, me: &Record, tid: Option<Tid>, bits: u32) {
        let state = self.state.lock();
        let here = state.roster.iter().filter(|r| r.process == me.process);
        for record in here.filter(|r| tid.is_none_or(|t| t == r.tid)) {
            record.breaker.fetch_or(bits, Relaxed);
        }
    }

    fn interrupt_main(&self, me: &Record) {
        let mut state = self.synced(me);
        let (at, main) = (state.local(me.tid), state.main_of(me.process));
        state.interrupt(main.expect("a process has a main thread"), at);
        Sim::settle(state, me);
    }

    fn end_daemons(&self, me: &Record) {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        state.end_daemons(me, at);
        Sim::settle(state, me);
    }

    fn start_process(&self, me: &Record, name: &str) -> Result<Arc<Record>, SpawnError> {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        let interval = state.process(me.tid).interval;
        let policy = (self.make)(policy::inner_slice(self.unit, interval));
        let record = state.new_process(name, Some(me.process), (policy, interval, self.policy), at);
        // Its lock is free: what takes time, if anything, is coming to its feet.
        let at = if self.eager { at } else { at + state.latency() };
        state.push(at, Event::Request(record.tid));
        Sim::settle(state, me);
        Ok(record)
    }

    fn end_process(&self, me: &Record, id: ProcessId, code: i32) -> bool {
        let mut state = self.synced(me);
        let at = state.local(me.tid);
        if me.process == id {
            me.account.lost(Cause::Exit, at);
        }
        if id != ProcessId::MAIN {
            state.end_process(id, code, at);
        }
        if state.roster.get(me.tid).is_some() {
            Sim::settle(state, me);
            return false;
        }
        drop(self.run(state, None));
        true
    }

    fn parent(&self, id: ProcessId) -> Option<ProcessId> {
        self.state.lock().processes[id.index()].parent
    }

    fn exit_code(&self, id: ProcessId) -> Option<i32> {
        self.state.lock().exit_code(id)
    }
}
