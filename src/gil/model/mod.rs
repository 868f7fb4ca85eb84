//! One suite of invariants over every row of the table of policies, on the real driver's own code with other
//! primitives below it (`world::sync`), under two explorers of schedules.
//!
//! Time is a number that grows by one with each look at the clock; the lock's timer and the deadlines of waits
//! may fire at any step. Asked: at most one holder, and what it wrote reaches the next; no lost wake-up; progress
//! (a thread that waits for ever is reported by the explorer, or by the deadlock search); a forced switch; the order of
//! service where the policy promises one.
//!
//! Source: loom (`by_loom.rs`) after Norris and Demsky, "CDSChecker", OOPSLA 2013; shuttle (`by_shuttle.rs`) with
//! the PCT of Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
//! ASPLOS 2010. Not here: runs on threads of the system, 64 of them at a microsecond (`tests/lock.rs`).

mod by_loom;
mod by_shuttle;

use super::driver::{COUNT, DROP, RecordOf, Wait};
use super::lock::Lock;
use super::policy::POLICIES;
use super::stats::Bucket;
use crate::world::random::Random;
use crate::world::sync::{Monitor, Parker, Sync, Word};
use crate::world::{ProcessId, Tid, WaitKey, WaitOn, Wake};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Primitives whose schedules are explored.
trait Explorer: Sync {
    type Handle;
    fn new() -> Self;
    fn spawn(body: impl FnOnce() + Send + 'static) -> Self::Handle;
    fn join(handle: Self::Handle);
    /// Runs `body` under many schedules; `preemptions` bounds what is exhaustive.
    fn explore(preemptions: usize, body: impl Fn() + Send + std::marker::Sync + Copy + 'static);
}

/// Makes a test of each question.
macro_rules! suite {
    ($explorer:ident: $($question:ident),*) => {
        $(#[test]
        fn $question() {
            super::$question::<$explorer>();
        })*
    };
}
use suite;

type Me<S> = RecordOf<S>;

/// A lock with data that only it protects. The data are relaxed words: where the lock does not order
/// two accesses, loom also tries the old value.
struct Model<S: Explorer> {
    lock: Lock<S>,
    /// How many times somebody ran, and who was last.
    ran: S::Word,
    last: S::Word,
    ready: S::Word,
}

impl<S: Explorer> Model<S> {
    fn touch(&self, me: &Me<S>) {
        self.ran.store(self.ran.load(Relaxed) + 1, Relaxed);
        self.last.store(me.tid.0 + 1, Relaxed);
    }

    fn join(&self, me: &Me<S>, tid: Tid) {
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
                state.timer.clock_sleeps(0, None);
                state = self.lock.state.wait(state, None);
            }
        }
    }

    fn safe_point(&self, me: &Me<S>) -> bool {
        me.breaker.load(Relaxed) & (DROP | COUNT) != 0 && self.lock.safe_point(me)
    }
}

/// Starts a script thread, holding the lock.
fn start<S: Explorer>(
    model: &Arc<Model<S>>,
    body: impl FnOnce(&Model<S>, &Me<S>) + Send + 'static,
) -> (Tid, S::Handle) {
    let child = model.lock.enroll("child", false);
    let tid = child.tid;
    let model = model.clone();
    let thread = S::spawn(move || {
        model.lock.attach(&child);
        body(&model, &child);
        model.lock.exit(&child);
    });
    (tid, thread)
}

/// Explores `main` under every policy. `with_clock`: how many preemptions where a clock thread comes beside the
/// others.
fn explore<S: Explorer>(with_clock: usize, main: fn(&Arc<Model<S>>, &Me<S>)) {
    for row in POLICIES.iter().filter(|row| row.name != "off") {
        let clocked = row.name == "pypy";
        S::explore(if clocked { with_clock } else { 3 }, move || {
            let policy = (row.make)(if row.unit.counts() { 1 } else { 10 });
            let lock = Lock::new(S::new(), policy, 10, Random::new(1));
            let zero = || S::Word::new(0);
            let model = Arc::new(Model { lock, ran: zero(), last: zero(), ready: zero() });
            let me = model.lock.state.lock().roster.add(ProcessId::MAIN, "main", false, 0);
            let clock = (clocked && model.lock.clock_wanted()).then(|| {
                let model = model.clone();
                S::spawn(move || model.keep_time())
            });
            model.lock.attach(&me);
            main(&model, &me);
            model.lock.exit(&me);
            if let Some(clock) = clock {
                S::join(clock);
            }
        });
    }
}

/// Takes and gives, fast and slow, exclude each other and carry each other's writes.
fn at_most_one_holder<S: Explorer>() {
    explore::<S>(2, |model, main| {
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
        S::join(thread);
    });
}

fn at_most_one_holder_of_three<S: Explorer>() {
    explore::<S>(1, |model, main| {
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
        S::join(a_thread);
        S::join(b_thread);
    });
}

/// A wait whose reason goes away is woken, whatever the order: a lost wake-up would be reported by loom
/// as threads that wait for ever, or by the deadlock search.
fn no_lost_wake_up<S: Explorer>() {
    explore::<S>(2, |model, main| {
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
        S::join(thread);
    });
}

/// The deadline and the wake may meet at any step: exactly one of them ends the wait.
fn a_deadline_and_a_wake_meet<S: Explorer>() {
    explore::<S>(2, |model, main| {
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
        S::join(thread);
    });
}

/// After a requested release another waiter runs next. The timer fires at any step, on a thread of its
/// own.
fn a_request_makes_another_waiter_next<S: Explorer>() {
    explore::<S>(2, |model, main| {
        let clock = {
            let model = model.clone();
            S::spawn(move || model.tick())
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
        S::join(clock);
        S::join(thread);
    });
}

/// Without a clock thread: the waiter itself sees to it that a holder which only computes is asked. Where slices are
/// not time the holder counts.
fn a_waiter_keeps_the_time<S: Explorer>() {
    explore::<S>(0, |model, main| {
        // A barging holder may keep the lock for ever, if the waiter is unlucky each time.
        let barges = model.lock.state.lock().policy.barges();
        let (tid, thread) = start(model, move |model, me| {
            while !barges && model.ready.load(Relaxed) == 0 {
                // For no time: others may go on.
                me.parker.park(Some(0), 0);
                model.safe_point(me);
            }
        });
        model.lock.give(main, Bucket::Native);
        model.lock.take(main);
        model.ready.store(1, Relaxed);
        model.join(main, tid);
        S::join(thread);
    });
}

/// Where the policy gives a place in the queue at once, threads that only come and go are served in that order.
fn who_came_first_is_served_first<S: Explorer>() {
    explore::<S>(1, |model, main| {
        let comes = |model: &Model<S>, me: &Me<S>| {
            model.touch(me);
            model.ready.store(model.ready.load(Relaxed) * 8 + me.tid.0, Relaxed);
        };
        let (a, a_thread) = start(model, comes);
        let (b, b_thread) = start(model, comes);
        model.join(main, a);
        model.join(main, b);
        let order = model.ready.load(Relaxed);
        let eager = model.lock.eager;
        assert!(order == a.0 * 8 + b.0 || !eager && order == b.0 * 8 + a.0, "{order:o}");
        S::join(a_thread);
        S::join(b_thread);
    });
}

/// Five threads that take, give, wait, wake, let go when asked and yield. Each runs all its steps, one at a time.
fn a_crowd<S: Explorer>() {
    explore::<S>(0, |model, main| {
        let key = WaitKey::Object(1);
        let started: Vec<(Tid, S::Handle)> = (0..4u32)
            .map(|i| {
                start(model, move |model, me| {
                    for turn in 0..3 {
                        model.touch(me);
                        model.safe_point(me);
                        match (i + turn) % 4 {
                            0 => {
                                model.lock.give(me, Bucket::Native);
                                model.lock.take(me);
                            }
                            1 => {
                                let wait = Wait { on: WaitOn::Event { key }, until: Some(40), place: None };
                                let wake = model.lock.wait(me, wait, &|| true);
                                assert!(matches!(wake, Wake::Notified | Wake::TimedOut), "{wake:?}");
                            }
                            2 => drop(model.lock.wake(key, 1)),
                            _ => model.lock.yield_now(me),
                        }
                        model.touch(me);
                    }
                })
            })
            .collect();
        let clock = {
            let model = model.clone();
            S::spawn(move || (0..4).for_each(|_| model.tick()))
        };
        for (tid, thread) in started {
            model.join(main, tid);
            S::join(thread);
        }
        assert_eq!(model.ran.load(Relaxed), 4 * 3 * 2);
        S::join(clock);
    });
}
