//! Waiting and waking under every lock policy, in both worlds; deadlocks; seeds.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

mod held;

use held::*;
use kit::gil::{GilConfig, Held, World};
use kit::world::{Clock, Place, WaitOn, Wake};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Producers and consumers around three slots. Without deadlines: a lost wake-up would be a deadlock,
/// which the search would name.
#[test]
fn bounded_buffer_loses_no_wake_up() {
    for policy in policies() {
        for (world, items) in [(REAL, 4_000), (SIM, 400), (World::Sim { seed: Some(3) }, 400)] {
            for interval_us in [1, 20, 5_000] {
                let config = GilConfig { interval_us: Some(interval_us), unit_cost: 500, ..config(policy, world) };
                let (taken, _) = go(config, |held| buffer(held, items));
                assert_eq!(taken, 4 * items, "{policy} {world:?} {interval_us}");
            }
        }
    }
}

fn buffer(held: &mut Held, items: u64) -> u64 {
    let (full, empty) = (held.new_key(), held.new_key());
    let fill = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    for i in 0..8 {
        let (fill, taken) = (fill.clone(), taken.clone());
        let put = i % 2 == 0;
        let body = move |held: &mut Held| {
            for _ in 0..items {
                let (mine, theirs) = if put { (full, empty) } else { (empty, full) };
                let blocked = || fill.load(Relaxed) == if put { 3 } else { 0 };
                while blocked() {
                    let wake = held.wait(WaitOn::Queue { key: mine }, None, &|_| blocked());
                    assert_eq!(wake, Wake::Notified);
                }
                if put {
                    fill.store(fill.load(Relaxed) + 1, Relaxed);
                } else {
                    fill.store(fill.load(Relaxed) - 1, Relaxed);
                    taken.store(taken.load(Relaxed) + 1, Relaxed);
                }
                held.wake(theirs, 1);
                held.charge(1);
                safe_point(held);
            }
        };
        threads.push(start(held, &i.to_string(), Box::new(body)));
    }
    for tid in threads {
        assert_eq!(join(held, tid), Wake::Notified);
    }
    taken.load(Relaxed)
}

#[test]
fn still_is_asked_after_registering() {
    for world in [REAL, SIM] {
        go(config("fifo", world), |held| {
            let key = held.new_key();
            let asked = std::cell::Cell::new(0);
            let wake = held.wait(WaitOn::Queue { key }, None, &|_| {
                asked.set(asked.get() + 1);
                false
            });
            assert_eq!((wake, asked.get()), (Wake::Notified, 1));
            // The entry is gone: there is nobody to wake.
            assert_eq!(held.wake(key, usize::MAX), 0);
        });
    }
}

#[test]
fn timed_waits_and_wakes() {
    for policy in policies() {
        for world in [REAL, SIM] {
            go(config(policy, world), |held| {
                let key = held.new_key();
                let until = held.now(Clock::Monotonic) + 5 * MS;
                assert_eq!(held.wait(WaitOn::Event { key }, Some(until), &|_| true), Wake::TimedOut);
                assert!(held.now(Clock::Monotonic) >= until);
                let waker = move |held: &mut Held| {
                    sleep(held, 5 * MS);
                    assert_eq!(held.wake(key, 1), 1);
                };
                let tid = start(held, "waker", Box::new(waker));
                let until = held.now(Clock::Monotonic) + 60 * S;
                assert_eq!(held.wait(WaitOn::Event { key }, Some(until), &|_| true), Wake::Notified);
                assert_eq!(join(held, tid), Wake::Notified);
                // A second join of an ended thread returns at once.
                assert_eq!(join(held, tid), Wake::Notified);
                assert!(!held.is_alive(tid));
            });
        }
    }
}

fn deadlock_of_two(held: &mut Held, reentrant: bool, bystander: bool) -> String {
    let fork = Lock::new(held, "fork", reentrant);
    let knife = Lock::new(held, "knife", reentrant);
    let mut threads = Vec::new();
    let begun = Arc::new(AtomicU32::new(0));
    if bystander {
        let busy = |held: &mut Held| {
            for _ in 0..20 {
                sleep(held, 100 * MS);
            }
        };
        held.spawn("busy", true, Box::new(move |mut held| busy(&mut held))).expect("a thread");
    }
    for (name, first, second, line) in [("waiter-1", &knife, &fork, 11), ("waiter-2", &fork, &knife, 17)] {
        let (first, second, begun) = (first.clone(), second.clone(), begun.clone());
        let eat = move |held: &mut Held| {
            first.acquire(held, line);
            begun.fetch_add(1, Relaxed);
            sleep(held, 20 * MS);
            while begun.load(Relaxed) < 2 {
                sleep(held, MS);
            }
            second.acquire(held, line + 1);
            second.release(held);
            first.release(held);
        };
        threads.push(start(held, name, Box::new(eat)));
    }
    for tid in threads {
        held.set_place(Place { file: "test.kit".into(), line: 30, function: "<module>".into() });
        if let Wake::Deadlock(report) = join(held, tid) {
            assert!(report.certain);
            return report.to_string();
        }
    }
    panic!("no deadlock found");
}

#[test]
fn deadlock_is_found_and_told() {
    for policy in policies() {
        for world in [REAL, SIM] {
            let (report, _) = go(config(policy, world), |held| deadlock_of_two(held, false, false));
            for part in ["wants  lock \"fork\"", "wants  lock \"knife\"", "line 12 in eat()", "line 30"] {
                assert!(report.contains(part), "{policy} {world:?} {part}:\n{report}");
            }
            let (report, _) = go(config(policy, world), |held| deadlock_of_two(held, true, true));
            assert!(report.starts_with("deadlock: 2 threads wait for each other"), "{report}");
            assert!(!report.contains("busy"), "{report}");
        }
    }
    let (report, _) = go(config("fifo", SIM), |held| deadlock_of_two(held, false, false));
    assert_eq!(
        report,
        "deadlock: 2 threads wait for each other (virtual time 0.020 s)

  waiter-2    wants  lock \"knife\"  held by waiter-1  line 18 in eat()  waiting 0.0 s
              holds  lock \"fork\"
  waiter-1    wants  lock \"fork\"  held by waiter-2  line 12 in eat()  waiting 0.0 s
              holds  lock \"knife\"
  MainThread  joins  waiter-1  line 30  waiting 0.0 s

  cycle: waiter-2 -> \"knife\" -> waiter-1 -> \"fork\" -> waiter-2
"
    );
}

#[test]
fn a_lonely_wait_is_a_deadlock() {
    for world in [REAL, SIM] {
        let (wake, _) = go(config("fifo", world), |held| {
            let key = held.new_key();
            held.wait(WaitOn::Event { key }, None, &|_| true)
        });
        let Wake::Deadlock(report) = wake else { panic!("{wake:?}") };
        assert!(report.to_string().starts_with("deadlock: the only thread left waits for ever"), "{report}");
    }
}

#[test]
fn owners_that_change_hands_make_no_false_cycle() {
    for policy in policies() {
        for seed in 0..20 {
            let world = World::Sim { seed: Some(seed) };
            let config = GilConfig { interval_us: Some(5), unit_cost: 1_000, ..config(policy, world) };
            go(config, |held| {
                // All take both locks in the same order: no deadlock is possible.
                let (a, b) = (Lock::new(held, "a", true), Lock::new(held, "b", true));
                let mut threads = Vec::new();
                for i in 0..4 {
                    let (a, b) = (a.clone(), b.clone());
                    let body = move |held: &mut Held| {
                        for _ in 0..30 {
                            assert_eq!(a.acquire(held, 1), Wake::Notified);
                            held.charge(3);
                            safe_point(held);
                            assert_eq!(b.acquire(held, 2), Wake::Notified);
                            held.charge(2);
                            safe_point(held);
                            b.release(held);
                            a.release(held);
                            safe_point(held);
                        }
                    };
                    threads.push(start(held, &i.to_string(), Box::new(body)));
                }
                for tid in threads {
                    assert_eq!(join(held, tid), Wake::Notified);
                }
            });
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for policy in policies() {
        let counters = |seed| {
            let world = World::Sim { seed: Some(seed) };
            let config = GilConfig { interval_us: Some(20), unit_cost: 700, ..config(policy, world) };
            let (_, stats) = go(config, |held| buffer(held, 100));
            stats.json().to_string()
        };
        assert_eq!(counters(5), counters(5), "{policy}");
    }
    let differ = (0..20).map(|seed| {
        let world = World::Sim { seed: Some(seed) };
        let config = GilConfig { unit_cost: 700, ..config("cpython", world) };
        go(config, |held| buffer(held, 100)).1.json().to_string()
    });
    assert!(differ.collect::<BTreeSet<_>>().len() > 1, "seeds make a difference");
}

/// What watches something for the run wakes it without the lock: no wake is lost, whether the wait or the
/// wake comes first.
#[test]
fn a_thread_outside_the_run_wakes_a_wait() {
    for policy in policies() {
        let rounds = go(config(policy, REAL), |held| {
            for round in 0..200 {
                let (key, waker) = (held.new_key(), held.waker());
                let done = Arc::new(AtomicU64::new(0));
                let told = done.clone();
                let outside = std::thread::spawn(move || {
                    told.store(1, Relaxed);
                    waker.wake(key);
                });
                while done.load(Relaxed) == 0 {
                    let wake = held.wait(WaitOn::Child { key }, None, &|_| done.load(Relaxed) == 0);
                    assert_eq!(wake, Wake::Notified, "{policy} {round}");
                }
                outside.join().expect("the watcher ends");
            }
            200
        });
        assert_eq!(rounds.0, 200);
    }
}
