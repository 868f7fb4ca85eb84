//! The real world: OS threads, the wall clock, one clock thread per lock.

use super::GilConfig;
use super::driver::{self, Driver, Record, Wait};
use super::gate::Gate;
use super::held::SpawnError;
use super::lock::Lock;
use super::policy::{self, Row, Unit};
use super::stats::{Bucket, LockStats, Stats};
use crate::trace::{Recording, recording::Process};
use crate::world::deadlock::Deadlock;
use crate::world::random::Random;
use crate::world::sync::{Monitor, Std, Sync};
use crate::world::{Clock, Nanos, ProcessId, Stream, Tid, WaitKey, Wake, clock, host, sched, signal, thread};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Stack of the timer thread, which calls nothing deep.
const CLOCK_STACK_BYTES: usize = 128 << 10;

pub struct Real {
    lock: Arc<Lock<Std>>,
    policy: &'static str,
    /// `--gil off`.
    gate: Option<Gate>,
    born: Nanos,
    /// The policy's slice, in its unit.
    interval: AtomicU64,
    unit: Unit,
    keys: AtomicU64,
    /// Somebody measures how long threads wait for a core.
    watched: AtomicBool,
}

/// A driver and the record of its main thread.
pub fn start(config: &GilConfig, row: &Row) -> std::io::Result<(Arc<dyn Driver>, Arc<Record>)> {
    let interval = config.interval_us.unwrap_or(row.slice);
    let slice = policy::inner_slice(row.unit, interval);
    let off = row.name == "off";
    let lock = Arc::new(Lock::new(Std, (row.make)(slice), clock_sleeps(row.unit, slice), Random::from_os()));
    let born = Std.now();
    lock.state.lock().roster.record(config.trace.as_ref());
    if let Some(recorder) = &config.trace {
        recorder.process(Process {
            pid: host::process_id(),
            parent: host::parent_id(),
            name: String::new(),
            policy: row.name.to_string(),
            interval_us: interval,
            born,
        });
    }
    let main = lock.state.lock().roster.add(ProcessId::MAIN, "MainThread", false, born);
    if config.signals {
        let lock = lock.clone();
        signal::on_interrupt(Box::new(move || lock.interrupt()))?;
    }
    let real = Real {
        lock,
        policy: row.name,
        gate: off.then(Gate::default),
        born,
        interval: AtomicU64::new(interval),
        unit: row.unit,
        keys: AtomicU64::new(0),
        watched: AtomicBool::new(false),
    };
    Ok((Arc::new(real), main))
}

/// How long the clock thread sleeps after it has acted: an interval, or a moment where slices are not time.
fn clock_sleeps(unit: Unit, slice: u64) -> Nanos {
    if unit.counts() { 100_000 } else { slice }
}

impl Real {
    fn enter_gate(&self) {
        if let Some(gate) = &self.gate {
            gate.enter();
        }
    }

    fn leave_gate(&self) {
        if let Some(gate) = &self.gate {
            gate.leave();
        }
    }

    /// Asks all other threads to come to a safe point.
    fn ask_others(&self, me: &Record) {
        let state = self.lock.state.lock();
        for record in state.roster.iter().filter(|r| r.tid != me.tid) {
            record.breaker.fetch_or(driver::DROP, Relaxed);
        }
    }
}

impl Driver for Real {
    fn policy(&self) -> &'static str {
        self.policy
    }

    fn simulated(&self) -> bool {
        false
    }

    fn eager(&self) -> bool {
        self.lock.eager
    }

    fn now(&self, _: &Record, which: Clock) -> Nanos {
        clock::read(which)
    }

    fn attach(&self, me: &Record) {
        me.account.native_id.store(thread::native_id(), Relaxed);
        self.lock.attach(me);
        self.enter_gate();
    }

    fn exit(&self, me: &Record) {
        if self.watched.load(Relaxed)
            && let Some(ns) = sched::delay(me.account.native_id.load(Relaxed))
        {
            me.account.delay_ns.store(ns, Relaxed);
        }
        me.account.native_id.store(0, Relaxed);
        match &self.gate {
            // G6: whoever is left stays outside the gate for good.
            Some(gate) if me.main => gate.stop(|| self.ask_others(me)),
            _ => self.leave_gate(),
        }
        self.lock.exit(me);
    }

    fn enroll(&self, _: &Record, name: &str, daemon: bool) -> Result<Arc<Record>, SpawnError> {
        if self.gate.is_none() && self.lock.clock_wanted() {
            let lock = self.lock.clone();
            let body = move || {
                thread::exact_timers();
                lock.keep_time();
            };
            thread::start("gil-clock", CLOCK_STACK_BYTES, Box::new(body)).map_err(|error| {
                self.lock.clock_failed();
                SpawnError::Os(error)
            })?;
        }
        Ok(self.lock.enroll(name, daemon))
    }

    fn disown(&self, child: &Record) {
        self.lock.disown(child);
    }

    fn is_alive(&self, tid: Tid) -> bool {
        self.lock.state.lock().roster.get(tid).is_some()
    }

    fn safe_point(&self, me: &Record) {
        match &self.gate {
            None => {
                self.lock.safe_point(me);
            }
            Some(gate) => {
                me.breaker.fetch_and(!driver::DROP, Relaxed);
                gate.stand();
            }
        }
    }

    fn stop_others(&self, me: &Record) {
        if let Some(gate) = &self.gate {
            gate.stop(|| self.ask_others(me));
        }
    }

    fn resume(&self, _: &Record) {
        if let Some(gate) = &self.gate {
            gate.resume();
        }
    }

    fn yield_now(&self, me: &Record) {
        self.lock.yield_now(me);
    }

    fn wait(&self, me: &Record, wait: Wait, still: &dyn Fn() -> bool) -> Wake {
        let Some(gate) = &self.gate else {
            return self.lock.wait(me, wait, still);
        };
        // The question is asked inside the gate; with the answer yes the thread goes out, and its place in
        // the table keeps it until the wait is over.
        let out = Cell::new(false);
        let wake = self.lock.wait(me, wait, &|| {
            let waits = still();
            if waits {
                out.set(true);
                gate.leave();
            }
            waits
        });
        if out.get() {
            gate.enter();
        }
        wake
    }

    fn wake(&self, _: &Record, key: WaitKey, n: usize) -> usize {
        self.lock.wake(key, n)
    }

    fn wake_from_outside(&self, key: WaitKey) {
        self.lock.wake(key, usize::MAX);
    }

    fn took(&self, me: &Record, key: WaitKey) {
        self.lock.state.lock().waits.took(key, me.tid);
    }

    fn new_key(&self) -> WaitKey {
        WaitKey::Object(self.keys.fetch_add(1, Relaxed))
    }

    fn leave(&self, me: &Record, then: Bucket) {
        self.leave_gate();
        self.lock.give(me, then);
    }

    fn enter(&self, me: &Record) {
        self.lock.take(me);
        self.enter_gate();
    }

    fn holding(&self, me: &Record, begins: bool) {
        me.account.book(if begins { Bucket::Holding } else { Bucket::Running }, Std.now());
    }

    fn sleep_holding(&self, me: &Record, length: Nanos) {
        self.holding(me, true);
        thread::sleep(length);
        self.holding(me, false);
    }

    fn spin(&self, me: &Record, length: Nanos, nogil: bool) {
        if nogil {
            self.leave(me, Bucket::Native);
        } else {
            self.holding(me, true);
        }
        let end = Std.now().saturating_add(length);
        while Std.now() < end {
            std::hint::spin_loop();
        }
        if nogil {
            self.enter(me);
        } else {
            self.holding(me, false);
        }
    }

    fn charge(&self, _: &Record, _: u64) {}

    fn draw(&self, _: &Record, _: Stream) -> Option<u64> {
        None
    }

    fn set_interval(&self, _: &Record, interval: u64) {
        self.interval.store(interval, Relaxed);
        let slice = policy::inner_slice(self.unit, interval);
        self.lock.set_slice(slice, clock_sleeps(self.unit, slice));
    }

    fn interval(&self, _: &Record) -> u64 {
        self.interval.load(Relaxed)
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn stats(&self, me: &Record) -> Stats {
        let state = self.lock.state.lock();
        let now = Std.now();
        let lock = LockStats { contended_ns: state.contended(now), ..state.tally.clone() };
        let mut stats = Stats {
            policy: self.policy,
            interval_us: self.interval(me),
            unit: self.unit,
            simulated: false,
            elapsed_ns: now.saturating_sub(self.born),
            threads: state.roster.stats(ProcessId::MAIN, now),
            lock,
        };
        stats.sum_up();
        stats
    }

    fn watch(&self) {
        self.watched.store(true, Relaxed);
    }

    fn recording(&self, _: &Record) -> Option<Recording> {
        let state = self.lock.state.lock();
        Some(state.roster.recorder()?.read(Std.now()))
    }

    fn take_deadlock(&self, _: &Record) -> Option<Box<Deadlock>> {
        self.lock.state.lock().deadlock.take()
    }

    fn poke(&self, _: &Record, tid: Option<Tid>, bits: u32) {
        let state = self.lock.state.lock();
        for record in state.roster.iter().filter(|r| tid.is_none_or(|t| t == r.tid)) {
            record.breaker.fetch_or(bits, Relaxed);
        }
    }

    fn interrupt_main(&self, _: &Record) {
        self.lock.interrupt();
    }

    fn end_daemons(&self, me: &Record) {
        self.lock.end_daemons(me);
    }

    fn start_process(&self, _: &Record, _: &str) -> Result<Arc<Record>, SpawnError> {
        Err(SpawnError::NotSimulated)
    }

    fn end_process(&self, _: &Record, _: ProcessId, _: i32) -> bool {
        false
    }

    fn parent(&self, _: ProcessId) -> Option<ProcessId> {
        None
    }

    fn exit_code(&self, _: ProcessId) -> Option<i32> {
        None
    }
}
