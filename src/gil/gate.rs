//! The gate of a run without a lock: how many threads touch objects, and how one makes all others stand.
//!
//! A thread is *inside* while it is attached: the bits of `word` below `STOP` count those inside. Who waits
//! or works off the lock is outside. To stop the world a thread sets `STOP`, asks all others to come to a
//! safe point (the drop bit of their breaker words) and waits until it is alone inside; nobody gets in
//! while `STOP` stands. No object is open at a safe point (H3), so whoever stops the world finds all closed.
//!
//! | step | operation | ordering |
//! |---|---|---|
//! | get in | add 1 unless STOP stands | Acquire: sees what a stopper has done |
//! | get out | subtract 1; if STOP stands, tell the stopper under the mutex | Release: the stopper sees our work |
//! | stop | set STOP, ask all, wait for a count of 1 | Acquire |
//! | resume | clear STOP under the mutex, wake all | Release |

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

const STOP: u32 = 1 << 31;

/// On a cache line of its own: every wait passes it twice.
#[derive(Default)]
#[repr(align(64))]
pub struct Gate {
    word: AtomicU32,
    mutex: Mutex<()>,
    changed: Condvar,
}

impl Gate {
    /// Returns inside; waits while the world stands still.
    pub fn enter(&self) {
        let more = |w: u32| if w & STOP == 0 { Some(w + 1) } else { None };
        while self.word.fetch_update(Acquire, Relaxed, more).is_err() {
            self.await_change(|w| w & STOP == 0);
        }
    }

    pub fn leave(&self) {
        if self.word.fetch_sub(1, Release) & STOP != 0 {
            // Under the mutex, so that the stopper has either not looked yet or is waiting.
            let _guard = self.mutex.lock();
            self.changed.notify_all();
        }
    }

    /// At a safe point of a thread inside: stands while another stops the world.
    pub fn stand(&self) {
        if self.word.load(Relaxed) & STOP != 0 {
            self.leave();
            self.enter();
        }
    }

    /// Returns alone inside. `ask` makes all other threads come to a safe point.
    pub fn stop(&self, ask: impl FnOnce()) {
        while self.word.fetch_or(STOP, Acquire) & STOP != 0 {
            self.stand();
        }
        ask();
        self.await_change(|w| w == STOP | 1);
    }

    pub fn resume(&self) {
        let _guard = self.mutex.lock();
        self.word.fetch_and(!STOP, Release);
        self.changed.notify_all();
    }

    fn await_change(&self, come: impl Fn(u32) -> bool) {
        let mut guard = self.mutex.lock();
        while !come(self.word.load(Acquire)) {
            self.changed.wait(&mut guard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::thread;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn who_stops_the_world_is_alone() {
        let gate = Arc::new(Gate::default());
        let inside = Arc::new(AtomicU32::new(0));
        let asked = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicU32::new(3));
        for _ in 0..3 {
            let (gate, inside, asked, left) = (gate.clone(), inside.clone(), asked.clone(), left.clone());
            let body = move || {
                for i in 0..2000 {
                    gate.enter();
                    inside.fetch_add(1, Relaxed);
                    if i % 16 == 0 {
                        inside.fetch_sub(1, Relaxed);
                        gate.stop(|| asked.store(true, Relaxed));
                        assert_eq!(inside.load(Relaxed), 0);
                        gate.resume();
                        inside.fetch_add(1, Relaxed);
                    }
                    inside.fetch_sub(1, Relaxed);
                    gate.leave();
                }
                left.fetch_sub(1, Release);
            };
            thread::start("gate", thread::STACK_BYTES, Box::new(body)).unwrap();
        }
        while left.load(Acquire) > 0 {
            thread::pause();
        }
        assert!(asked.load(Relaxed));
        assert_eq!(gate.word.load(Relaxed), 0);
    }
}
