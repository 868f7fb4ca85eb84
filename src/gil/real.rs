//! First body of the real driver: one mutex, one condition variable, no policy yet.

use super::driver::{Driver, Record, RecordOf, Wait};
use super::held::SpawnError;
use super::stats::Stats;
use super::sync::{Monitor, Std, StdMonitor, Sync};
use crate::world::deadlock::Deadlock;
use crate::world::wait_table::WaitTable;
use crate::world::{Clock, Nanos, Stream, Tid, WaitKey, Wake, clock, thread};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct State {
    held: bool,
    waits: WaitTable,
    woken: BTreeSet<Tid>,
    live: BTreeSet<Tid>,
    next: u32,
}

pub struct Real {
    state: StdMonitor<State>,
    keys: AtomicU64,
    interval_us: AtomicU64,
    policy: &'static str,
}

pub fn start(config: &super::GilConfig) -> Arc<Real> {
    let state = State {
        held: false,
        waits: WaitTable::default(),
        woken: BTreeSet::new(),
        live: BTreeSet::new(),
        next: 0,
    };
    Arc::new(Real {
        state: Monitor::new(state),
        keys: AtomicU64::new(0),
        interval_us: AtomicU64::new(config.interval_us.unwrap_or(5000)),
        policy: config.policy,
    })
}

impl Real {
    pub fn main(&self) -> Arc<Record> {
        self.add("MainThread", false)
    }
    fn add(&self, name: &str, daemon: bool) -> Arc<Record> {
        let mut s = self.state.lock();
        let tid = Tid(s.next);
        s.next += 1;
        s.live.insert(tid);
        RecordOf::new(tid, name, daemon, Std.now())
    }
    fn take(&self) {
        let mut s = self.state.lock();
        while s.held {
            s = self.state.wait(s, Some(1_000_000));
        }
        s.held = true;
    }
    fn give(&self) {
        self.state.lock().held = false;
        self.state.notify();
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
        false
    }
    fn now(&self, _: &Record, which: Clock) -> Nanos {
        clock::read(which)
    }
    fn attach(&self, _: &Record) {
        self.take();
    }
    fn exit(&self, me: &Record) {
        self.wake(me, WaitKey::Thread(me.tid), usize::MAX);
        let mut s = self.state.lock();
        s.live.remove(&me.tid);
        s.held = false;
    }
    fn enroll(&self, _: &Record, name: &str, daemon: bool) -> Result<Arc<Record>, SpawnError> {
        Ok(self.add(name, daemon))
    }
    fn disown(&self, child: &Record) {
        self.state.lock().live.remove(&child.tid);
    }
    fn is_alive(&self, tid: Tid) -> bool {
        self.state.lock().live.contains(&tid)
    }
    fn safe_point(&self, _: &Record) {}
    fn yield_now(&self, _: &Record) {
        self.give();
        self.take();
    }
    fn wait(&self, me: &Record, wait: Wait, still: &dyn Fn() -> bool) -> Wake {
        let mut s = self.state.lock();
        if !still()
            || matches!(wait.on, crate::world::WaitOn::Join { tid } if !s.live.contains(&tid))
        {
            return Wake::Notified;
        }
        s.waits
            .register(me.tid, wait.on, Std.now(), wait.until, wait.place);
        s.held = false;
        let wake = loop {
            s = self.state.wait(s, Some(100_000));
            if s.woken.remove(&me.tid) {
                break Wake::Notified;
            }
            if wait.until.is_some_and(|until| Std.now() >= until) {
                s.waits.remove(me.tid);
                break Wake::TimedOut;
            }
        };
        drop(s);
        self.take();
        wake
    }
    fn wake(&self, _: &Record, key: WaitKey, n: usize) -> usize {
        let mut s = self.state.lock();
        let mut woken = 0;
        while woken < n {
            let Some(t) = s.waits.wake_one(key) else {
                break;
            };
            s.woken.insert(t);
            woken += 1;
        }
        woken
    }
    fn took(&self, me: &Record, key: WaitKey) {
        self.state.lock().waits.took(key, me.tid);
    }
    fn new_key(&self) -> WaitKey {
        WaitKey::Object(self.keys.fetch_add(1, Relaxed))
    }
    fn leave(&self, _: &Record) {
        self.give();
    }
    fn enter(&self, _: &Record) {
        self.take();
    }
    fn holding(&self, _: &Record, _: bool) {}
    fn sleep_holding(&self, _: &Record, length: Nanos) {
        thread::sleep(length);
    }
    fn spin(&self, _: &Record, length: Nanos, nogil: bool) {
        if nogil {
            self.give();
        }
        let end = Std.now() + length;
        while Std.now() < end {
            std::hint::spin_loop();
        }
        if nogil {
            self.take();
        }
    }
    fn charge(&self, _: &Record, _: u64) {}
    fn draw(&self, _: &Record, _: Stream) -> Option<u64> {
        None
    }
    fn set_interval(&self, _: &Record, interval_us: u64) {
        self.interval_us.store(interval_us, Relaxed);
    }
    fn interval_us(&self) -> u64 {
        self.interval_us.load(Relaxed)
    }
    fn stats(&self, _: &Record) -> Stats {
        Stats {
            policy: self.policy,
            interval_us: self.interval_us(),
            ..Stats::default()
        }
    }
    fn take_deadlock(&self) -> Option<Box<Deadlock>> {
        None
    }
    fn poke(&self, _: Option<Tid>, _: u32) {}
    fn end_daemons(&self, _: &Record) {}
}
