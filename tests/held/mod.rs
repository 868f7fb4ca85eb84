//! What the tests of the lock share: a small library of threads, events and locks over `Held`.

#![allow(dead_code)] // each test uses a part of it

use kit::gil::policy::POLICIES;
use kit::gil::{GilConfig, Held, Stats, World, run};
use kit::world::{Clock, Nanos, Place, Tid, WaitKey, WaitOn, Wake};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

pub const MS: Nanos = 1_000_000;
pub const S: Nanos = 1_000 * MS;
pub const REAL: World = World::Real;
pub const SIM: World = World::Sim { seed: None };

pub fn config(policy: &str, world: World) -> GilConfig {
    GilConfig { policy: policy.to_string(), world, ..GilConfig::default() }
}

/// Runs `main` and gives back its result and the counters at its end.
pub fn go<R: Send>(config: GilConfig, main: impl FnOnce(&mut Held) -> R + Send) -> (R, Stats) {
    let body = |mut held: Held| {
        let r = main(&mut held);
        let stats = held.stats();
        (r, stats)
    };
    run(config, body).expect("the run starts")
}

/// The policies that run several threads.
pub fn policies() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|row| row.name).filter(|name| *name != "off")
}

/// Whether who must let go may have the lock back before any other gets it.
pub fn barges(policy: &str, world: World) -> bool {
    // In simulation without a seed nothing takes time, so the waiter is there first.
    policy == "ticks" && world != SIM
}

/// A slice of so many microseconds, or of one safe point where the policy counts those.
pub fn slice(policy: &str, us: u64) -> Option<u64> {
    let row = POLICIES.iter().find(|row| row.name == policy).expect("a row of the table");
    Some(if row.unit.counts() { 1 } else { us })
}

pub fn safe_point(held: &mut Held) {
    if held.breaker().load(Relaxed) != 0 {
        held.safe_point();
    }
}

pub fn sleep(held: &mut Held, length: Nanos) -> Wake {
    let until = held.now(Clock::Monotonic) + length;
    held.wait(WaitOn::Sleep {}, Some(until), &|_| true)
}

pub fn join(held: &mut Held, tid: Tid) -> Wake {
    held.wait(WaitOn::Join { tid }, None, &|_| true)
}

/// `threading.Event`, as far as these tests need it.
#[derive(Clone)]
pub struct Event(WaitKey, Arc<AtomicBool>);

impl Event {
    pub fn new(held: &mut Held) -> Event {
        Event(held.new_key(), Arc::default())
    }
    pub fn set(&self, held: &mut Held) {
        self.1.store(true, Relaxed);
        held.wake(self.0, usize::MAX);
    }
    pub fn wait(&self, held: &mut Held) {
        while !self.1.load(Relaxed) {
            held.wait(WaitOn::Event { key: self.0 }, None, &|_| !self.1.load(Relaxed));
        }
    }
}

/// `threading.Lock`: the owner's number plus one, or 0.
#[derive(Clone)]
pub struct Lock(WaitKey, Arc<AtomicU64>, Arc<str>, bool);

impl Lock {
    pub fn new(held: &mut Held, name: &str, reentrant: bool) -> Lock {
        Lock(held.new_key(), Arc::default(), name.into(), reentrant)
    }
    pub fn owner(&self) -> Option<Tid> {
        self.1.load(Relaxed).checked_sub(1).map(|t| Tid(t as u32))
    }
    pub fn acquire(&self, held: &mut Held, line: u32) -> Wake {
        let mut waited = false;
        while let Some(owner) = self.owner() {
            waited = true;
            let (key, owner, name) = (self.0, Some(owner), self.2.clone());
            let on = if self.3 { WaitOn::RLock { key, owner, name } } else { WaitOn::Lock { key, owner, name } };
            held.set_place(Place { file: "test.kit".into(), line, function: "eat".into() });
            let wake = held.wait(on, None, &|_| self.owner().is_some());
            if wake != Wake::Notified {
                return wake;
            }
        }
        self.1.store(u64::from(held.tid().0) + 1, Relaxed);
        if waited {
            held.took(self.0);
        }
        Wake::Notified
    }
    pub fn release(&self, held: &mut Held) {
        self.1.store(0, Relaxed);
        held.wake(self.0, 1);
    }
}

pub type Body = Box<dyn FnOnce(&mut Held) + Send>;

/// `Thread(target=body).start()`, with CPython's handshake where the policy is not eager.
pub fn start(held: &mut Held, name: &str, body: Body) -> Tid {
    let started = Event::new(held);
    let child = started.clone();
    let body = move |mut held: Held| {
        child.set(&mut held);
        body(&mut held);
    };
    let tid = held.spawn(name, false, Box::new(body)).expect("a thread");
    if !held.eager() {
        started.wait(held);
    }
    tid
}

pub fn c_sleep(held: &mut Held, length: Nanos) {
    held.sleep_holding(length);
    safe_point(held);
}

/// The article's dinner. Returns how long it took.
pub fn kitchen(held: &mut Held, order: &str, unit: Nanos) -> Nanos {
    let begin = held.now(Clock::Perf);
    let mut cooks = Vec::new();
    for cook in order.chars() {
        let body: Body = match cook {
            'p' => Box::new(move |held| {
                sleep(held, 3 * unit);
                sleep(held, unit);
            }),
            'm' => Box::new(move |held| {
                sleep(held, 2 * unit);
                c_sleep(held, unit);
                sleep(held, 2 * unit);
            }),
            _ => Box::new(move |held| {
                c_sleep(held, 3 * unit);
                c_sleep(held, unit);
            }),
        };
        cooks.push(start(held, &cook.to_string(), body));
        safe_point(held);
    }
    for cook in cooks {
        join(held, cook);
    }
    held.now(Clock::Perf) - begin
}
