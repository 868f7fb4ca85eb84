//! Under shuttle: random schedules, and such as PCT draws (a few changes of priority at random steps, which finds
//! what needs just those). It sees no weak memory, but has room for more threads.

use super::{Explorer, suite};
use crate::world::Nanos;
use crate::world::sync::{Monitor, Parker, Sync, Word};
use crate::world::work::Labour;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::AtomicU32;
use shuttle::sync::{Condvar, Mutex, MutexGuard};
use shuttle::thread::JoinHandle;
use shuttle::{Config, Runner};
use std::sync::atomic::{AtomicU64, Ordering, Ordering::Relaxed};

struct Shuttle(AtomicU64);

impl Sync for Shuttle {
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
            return shuttle::thread::yield_now();
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

/// Stack of a thread of the model; nothing is optimized here.
const STACK: usize = 0x20000;
/// Schedules of each sort for one policy and one question.
const SCHEDULES: usize = 60;
/// Changes of priority in a schedule of PCT, and one.
const DEPTH: usize = 4;
/// The same schedules each time.
const SEED: u64 = 7;

fn run(scheduler: impl Scheduler + 'static, body: impl Fn() + Send + std::marker::Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK;
    Runner::new(scheduler, config).run(body);
}

impl Explorer for Shuttle {
    type Handle = JoinHandle<()>;

    fn new() -> Shuttle {
        Shuttle(AtomicU64::new(0))
    }

    fn spawn(body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        shuttle::thread::spawn(body)
    }

    fn join(handle: JoinHandle<()>) {
        handle.join().unwrap();
    }

    fn explore(_: usize, body: impl Fn() + Send + std::marker::Sync + Copy + 'static) {
        run(RandomScheduler::new_from_seed(SEED, SCHEDULES), body);
        run(PctScheduler::new_from_seed(SEED, DEPTH, SCHEDULES), body);
    }
}

suite!(Shuttle: at_most_one_holder, at_most_one_holder_of_three, no_lost_wake_up, a_deadline_and_a_wake_meet,
    a_request_makes_another_waiter_next, a_waiter_keeps_the_time, who_came_first_is_served_first, a_crowd);
