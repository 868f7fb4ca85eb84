//! Opening: the mark that an object or a guarded state is in use, by whom with the lock off.
//!
//! With the lock off the mark is a lock: taken by a compare-and-swap, given back by a plain store; who
//! finds it taken spins, and after a while lets others run. Nothing blocks, waits or runs script code while
//! it has something open, so a spin is short. H8: what is opened while something else is open is of a lower
//! rank: an iterator before what it iterates, objects before the interpreter's tables. So two threads never
//! wait for each other. Debug builds check it on every opening with the lock off.

use crate::gil::off;
use std::cell::Cell;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// What is opened, in the order in which it may be: a later one inside an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    Iter = 3,
    Object = 2,
    /// A table of the interpreter.
    Table = 1,
}

/// Looks at a taken mark before the thread lets others run.
const SPINS: u32 = 100;

thread_local! {
    /// The thread's own mark: its number plus one. All that have not entered a heap share one, and so shut each
    /// other out.
    static MARK: Cell<u32> = const { Cell::new(u32::MAX) };
    /// Rank of what is open, innermost: the check of H8.
    static INNERMOST: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// The marks of this thread from now on.
pub(super) fn set_mark(number: u32) {
    MARK.set(number + 1);
}

/// The busy mark of what is open, taken off also on unwind (H3).
pub(super) struct Open<'a> {
    busy: &'a AtomicU32,
    #[cfg(debug_assertions)]
    outer: u32,
}

impl<'a> Open<'a> {
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn new(busy: &'a AtomicU32, rank: Rank) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = rank;
        #[cfg(debug_assertions)]
        let outer = if off() { check(rank) } else { 0 };
        if off() {
            let me = MARK.get();
            if busy.compare_exchange(0, me, Acquire, Relaxed).is_err() {
                await_free(busy, me);
            }
        } else {
            assert!(busy.load(Relaxed) == 0, "an open object is opened again");
            busy.store(1, Relaxed);
        }
        Open {
            busy,
            #[cfg(debug_assertions)]
            outer,
        }
    }
}

impl<'a> Open<'a> {
    /// The lock of a ring of nodes: innermost of all, and only with the lock off.
    #[inline]
    pub fn ring(lock: &'a AtomicU32) -> RingLock<'a> {
        let me = MARK.get();
        if lock.compare_exchange(0, me, Acquire, Relaxed).is_err() {
            await_free(lock, me);
        }
        RingLock(lock)
    }
}

/// A ring's lock, taken.
pub(super) struct RingLock<'a>(&'a AtomicU32);

impl Drop for RingLock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

#[cfg(debug_assertions)]
#[track_caller]
fn check(rank: Rank) -> u32 {
    let outer = INNERMOST.replace(rank as u32);
    assert!((rank as u32) < outer, "a {rank:?} is opened while rank {outer} is open");
    outer
}

#[cold]
#[inline(never)]
fn await_free(busy: &AtomicU32, me: u32) {
    let mut spins = 0;
    loop {
        let by = busy.load(Relaxed);
        if by == 0 && busy.compare_exchange_weak(0, me, Acquire, Relaxed).is_ok() {
            return;
        }
        assert!(by != me, "an open object is opened again");
        spins += 1;
        if spins % SPINS == 0 { crate::gil::pause() } else { std::hint::spin_loop() }
    }
}

impl Drop for Open<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        if off() {
            INNERMOST.set(self.outer);
        }
        self.busy.store(0, Release);
    }
}
