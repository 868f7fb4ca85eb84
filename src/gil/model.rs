//! The real driver's protocol under loom: all interleavings of two and three threads, up to three
//! preemptions (fewer with a clock thread beside them). Time is a number that grows by one with each look at the clock; the lock's timer and the
//! deadlines of waits may fire at any step.

use super::driver::{COUNT, DROP, RecordOf, Wait};
use super::lock::Lock;
use super::policy::{POLICIES, Unit};
use super::stats::Bucket;
use crate::world::random::Random;
use crate::world::sync::{Monitor, Parker, Sync, Word};
use crate::world::work::Labour;
use crate::world::{Nanos, ProcessId, Tid, WaitKey, WaitOn, Wake};
use loom::sync::atomic::AtomicU32;
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use loom::thread::JoinHandle;
use std::sync::atomic::{AtomicU64, Ordering, Ordering::Relaxed};

struct Loom(AtomicU64);

impl Sync for Loom {
    type Word = AtomicU32;
    type Parker = Bed;
    type Monitor<T: Send + 'static> = Room<T>;
    fn now(&self) -> Nanos {
        self.0.fetch_add(1, Relaxed)
    }
}

impl Word for AtomicU32 {
    fn new(value: u32) -> Self {
        AtomicU32::new(value)
    }
    fn load(&self, order: Ordering) -> u32 {
        self.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.store(value, order);
    }
    fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        self.fetch_or(bits, order)
    }
    fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
        self.fetch_and(bits, order)
    }
    fn swap_if(&self, from: u32, to: u32, good: Ordering) -> bool {
        self.compare_exchange(from, to, good, Relaxed).is_ok()
    }
}

/// Where a thread sleeps: a flag that stays up until it is seen.
#[derive(Default)]
struct Bed(Mutex<bool>, Condvar);

impl Parker for Bed {
    fn bind(&self) {}
    fn park(&self, until: Option<Nanos>, _: Nanos) {
        if until.is_some() {
            return loom::thread::yield_now();
        }
        let mut up = self.0.lock().unwrap();
        while !*up {
            up = self.1.wait(up).unwrap();
        }
        *up = false;
    }
    fn unpark(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_one();
    }
    fn attend(&self, _: &Labour, _: Option<Nanos>, _: Nanos, _: &dyn Fn() -> bool) -> bool {
        unreachable!("no wait of the model has work to do")
    }
}

struct Room<T>(Mutex<T>, Condvar);

impl<T: Send + 'static> Monitor<T> for Room<T> {
    type Guard<'a> = MutexGuard<'a, T>;
    fn new(value: T) -> Self {
        Room(Mutex::new(value), Condvar::new())
    }
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
    fn wait<'a>(&'a self, guard: MutexGuard<'a, T>, _: Option<Nanos>) -> MutexGuard<'a, T> {
        self.1.wait(guard).unwrap()
    }
    fn notify(&self) {
        self.1.notify_one();
    }
}

type Me = RecordOf<Loom>;

/// A lock with data that only it protects. The data are relaxed words: where the lock does not order
/// two accesses, loom also tries the old value.
struct Model {
    lock: Lock<Loom>,
    /// How many times somebody ran, and who was last.
    ran: AtomicU32,
    last: AtomicU32,
    ready: AtomicU32,
}

impl Model {
    fn touch(&self, me: &Me) {
        self.ran.store(self.ran.load(Relaxed) + 1, Relaxed);
        self.last.store(me.tid.0 + 1, Relaxed);
    }

    fn join(&self, me: &Me, tid: Tid) {
        let on = WaitOn::Join { tid };
        let wake = self.lock.wait(me, Wait { on, until: None, place: None }, &|| true);
        assert_eq!(wake, Wake::Notified);
    }

    /// The lock's timer fires now, if there is anything for it to do.
    fn tick(&self) {
        let mut state = self.lock.state.lock();
        let picked = state.policy.due().and_then(|due| state.lapse(due));
        drop(state);
        if let Some(record) = picked {
            record.parker.unpark();
        }
    }

    /// The clock thread of a policy whose free lock waits for it: as soon as there is something to do.
    fn keep_time(&self) {
        let mut state = self.lock.state.lock();
        while !state.finished {
            if let Some(due) = state.policy.due() {
                if let Some(record) = state.lapse(due) {
                    record.parker.unpark();
                }
            } else {
                state.clock_until = Nanos::MAX;
                state = self.lock.state.wait(state, None);
            }
        }
    }

    fn safe_point(&self, me: &Me) -> bool {
        me.breaker.load(Relaxed) & (DROP | COUNT) != 0 && self.lock.safe_point(me)
    }
}

/// Starts a script thread, holding the lock.
fn start(model: &Arc<Model>, body: impl FnOnce(&Model, &Me) + Send + 'static) -> (Tid, JoinHandle<()>) {
    let child = model.lock.enroll("child", false);
    let tid = child.tid;
    let model = model.clone();
    let thread = loom::thread::Builder::new().stack_size(0x8000).spawn(move || {
        model.lock.attach(&child);
        body(&model, &child);
        model.lock.exit(&child);
    });
    (tid, thread.unwrap())
}

/// Explores `main`, which has two threads, under every policy.
fn explore(main: fn(&Arc<Model>, &Me)) {
    explore_within(2, main);
}

/// `with_clock`: how many preemptions where a clock thread comes beside the others.
fn explore_within(with_clock: usize, main: fn(&Arc<Model>, &Me)) {
    for row in POLICIES.iter().filter(|row| row.name != "off") {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(if row.name == "pypy" { with_clock } else { 3 });
        builder.check(move || {
            let whole = move || {
                let policy = (row.make)(if row.unit == Unit::Checks { 1 } else { 10 });
                let lock = Lock::new(Loom(AtomicU64::new(0)), policy, 10, Random::new(1));
                let zero = || AtomicU32::new(0);
                let model = Arc::new(Model { lock, ran: zero(), last: zero(), ready: zero() });
                let me = model.lock.state.lock().roster.add(ProcessId::MAIN, "main", false, 0);
                let clock = (row.name == "pypy" && model.lock.clock_wanted()).then(|| {
                    let model = model.clone();
                    loom::thread::spawn(move || model.keep_time())
                });
                model.lock.attach(&me);
                main(&model, &me);
                model.lock.exit(&me);
                if let Some(clock) = clock {
                    clock.join().unwrap();
                }
            };
            let thread = loom::thread::Builder::new().stack_size(0x8000).spawn(whole);
            thread.unwrap().join().unwrap();
        });
    }
}

/// Takes and gives, fast and slow, exclude each other and carry each other's writes.
#[test]
fn at_most_one_holder() {
    explore(|model, main| {
        let (tid, thread) = start(model, |model, me| {
            for _ in 0..2 {
                model.touch(me);
                model.lock.give(me, Bucket::Native);
                model.lock.take(me);
            }
            model.touch(me);
        });
        model.touch(main);
        model.lock.give(main, Bucket::Native);
        model.lock.take(main);
        model.touch(main);
        model.join(main, tid);
        assert_eq!(model.ran.load(Relaxed), 5);
        thread.join().unwrap();
    });
}

#[test]
fn at_most_one_holder_of_three() {
    explore_within(1, |model, main| {
        let (a, a_thread) = start(model, |model, me| {
            model.touch(me);
            model.lock.give(me, Bucket::Native);
            model.lock.take(me);
            model.touch(me);
        });
        let (b, b_thread) = start(model, |model, me| model.touch(me));
        model.touch(main);
        model.join(main, a);
        model.join(main, b);
        assert_eq!(model.ran.load(Relaxed), 4);
        a_thread.join().unwrap();
        b_thread.join().unwrap();
    });
}

/// A wait whose reason goes away is woken, whatever the order: a lost wake-up would be reported by loom
/// as threads that wait for ever, or by the deadlock search.
#[test]
fn no_lost_wake_up() {
    explore(|model, main| {
        let key = WaitKey::Object(1);
        let (tid, thread) = start(model, move |model, me| {
            model.ready.store(1, Relaxed);
            model.lock.wake(key, 1);
            model.touch(me);
        });
        while model.ready.load(Relaxed) == 0 {
            let wait = Wait { on: WaitOn::Event { key }, until: None, place: None };
            let wake = model.lock.wait(main, wait, &|| model.ready.load(Relaxed) == 0);
            assert_eq!(wake, Wake::Notified);
        }
        model.join(main, tid);
        thread.join().unwrap();
    });
}

/// The deadline and the wake may meet at any step: exactly one of them ends the wait.
#[test]
fn a_deadline_and_a_wake_meet() {
    explore(|model, main| {
        let key = WaitKey::Object(1);
        let (tid, thread) = start(model, move |model, me| {
            model.touch(me);
            let woken = model.lock.wake(key, 1);
            model.ready.store(woken as u32, Relaxed);
        });
        let wait = Wait { on: WaitOn::Event { key }, until: Some(12), place: None };
        let wake = model.lock.wait(main, wait, &|| true);
        model.touch(main);
        model.join(main, tid);
        assert_eq!(u32::from(wake == Wake::Notified), model.ready.load(Relaxed), "{wake:?}");
        thread.join().unwrap();
    });
}

/// After a requested release another waiter runs next. The timer fires at any step, on a thread of its
/// own.
#[test]
fn a_request_makes_another_waiter_next() {
    explore(|model, main| {
        let clock = {
            let model = model.clone();
            loom::thread::spawn(move || model.tick())
        };
        let (tid, thread) = start(model, |model, me| {
            model.touch(me);
            if model.safe_point(me) {
                model.touch(me);
            }
        });
        for _ in 0..2 {
            model.touch(main);
            let before = model.ran.load(Relaxed);
            // A waiter is registered before the request can be made, so a request means a waiter.
            if model.safe_point(main) && !model.lock.state.lock().policy.barges() {
                assert_ne!(before, model.ran.load(Relaxed), "the waiter has run");
                assert_ne!(model.last.load(Relaxed), 1, "another one than the one that dropped");
            }
        }
        model.join(main, tid);
        clock.join().unwrap();
        thread.join().unwrap();
    });
}
