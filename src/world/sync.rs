//! The primitives under the real driver, as a trait, so that loom can stand in for them in a test and
//! try all interleavings of the code that ships.

use super::work::Labour;
use super::{Clock, Nanos, clock, thread};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::ops::DerefMut;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// An atomic word.
pub trait Word: Send + std::marker::Sync + 'static {
    fn new(value: u32) -> Self;
    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
    fn fetch_or(&self, bits: u32, order: Ordering) -> u32;
    fn fetch_and(&self, bits: u32, order: Ordering) -> u32;
    fn swap_if(&self, from: u32, to: u32, good: Ordering) -> bool;
}

/// Where a thread sleeps. `park` may return for no reason.
pub trait Parker: Default + Send + std::marker::Sync + 'static {
    fn bind(&self);
    fn park(&self, until: Option<Nanos>, now: Nanos);
    fn unpark(&self);
    /// As `park`, but the thread wakes for its work, too, and does it. Says whether it is done; `over` says
    /// that somebody has ended the wait meanwhile.
    fn attend(&self, work: &Labour, until: Option<Nanos>, now: Nanos, over: &dyn Fn() -> bool) -> bool;
}

/// A mutex with one condition variable.
pub trait Monitor<T>: Send + std::marker::Sync + 'static {
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a,
        T: 'a;
    fn new(value: T) -> Self;
    fn lock(&self) -> Self::Guard<'_>;
    /// Waits for `notify` or for `length` nanoseconds; may return for no reason.
    fn wait<'a>(&'a self, guard: Self::Guard<'a>, length: Option<Nanos>) -> Self::Guard<'a>;
    fn notify(&self);
}

/// A set of primitives.
pub trait Sync: Sized + Send + std::marker::Sync + 'static {
    type Word: Word;
    type Parker: Parker;
    type Monitor<T: Send + 'static>: Monitor<T>;
    fn now(&self) -> Nanos;
    /// Goes into the kernel and back, as `sem_post` does while anybody waits, asleep or awake: for that long a lock
    /// that was a semaphore stood free.
    fn call_kernel(&self) {}
}

/// The primitives that ship.
pub struct Std;

impl Sync for Std {
    type Word = AtomicU32;
    type Parker = thread::Parker;
    type Monitor<T: Send + 'static> = StdMonitor<T>;
    fn now(&self) -> Nanos {
        clock::read(Clock::Monotonic)
    }
    fn call_kernel(&self) {
        thread::call_kernel();
    }
}

impl Word for AtomicU32 {
    fn new(value: u32) -> Self {
        AtomicU32::new(value)
    }
    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        self.load(order)
    }
    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        self.store(value, order);
    }
    #[inline]
    fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        self.fetch_or(bits, order)
    }
    #[inline]
    fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
        self.fetch_and(bits, order)
    }
    #[inline]
    fn swap_if(&self, from: u32, to: u32, good: Ordering) -> bool {
        self.compare_exchange(from, to, good, Ordering::Relaxed).is_ok()
    }
}

impl Parker for thread::Parker {
    fn bind(&self) {
        self.bind();
    }
    fn park(&self, until: Option<Nanos>, now: Nanos) {
        self.park(until, now);
    }
    fn unpark(&self) {
        self.unpark();
    }
    fn attend(&self, work: &Labour, until: Option<Nanos>, now: Nanos, over: &dyn Fn() -> bool) -> bool {
        self.attend(work, until, now, over)
    }
}

/// parking_lot's mutex and condition variable.
pub struct StdMonitor<T> {
    mutex: Mutex<T>,
    changed: Condvar,
}

impl<T: Send + 'static> Monitor<T> for StdMonitor<T> {
    type Guard<'a> = MutexGuard<'a, T>;
    fn new(value: T) -> Self {
        StdMonitor { mutex: Mutex::new(value), changed: Condvar::new() }
    }
    #[inline]
    fn lock(&self) -> MutexGuard<'_, T> {
        self.mutex.lock()
    }
    fn wait<'a>(&'a self, mut guard: MutexGuard<'a, T>, length: Option<Nanos>) -> MutexGuard<'a, T> {
        match length {
            None => self.changed.wait(&mut guard),
            Some(length) => drop(self.changed.wait_for(&mut guard, Duration::from_nanos(length))),
        }
        guard
    }
    fn notify(&self) {
        self.changed.notify_one();
    }
}
