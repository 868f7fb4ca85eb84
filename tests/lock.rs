//! Every lock policy against the same invariants, in both worlds; the kitchen. No scripts here: closures
//! over `Held` stand in for them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

mod held;

use held::*;
use kit::gil::policy::{self, POLICIES};
use kit::gil::{GilConfig, Held, Stats, World};
use kit::world::{Clock, Nanos, Tid, WaitOn, Wake};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

const ORDERS: [&str; 6] = ["pms", "psm", "mps", "msp", "spm", "smp"];

#[test]
fn kitchen_simulated_fifo_is_exact() {
    for (order, expected) in ORDERS.iter().zip([7, 8, 7, 7, 8, 8]) {
        let (took, _) = go(config("fifo", SIM), |held| kitchen(held, order, S));
        assert_eq!(took, expected * S, "{order}");
        for seed in 0..200 {
            let world = World::Sim { seed: Some(seed) };
            let (took, _) = go(config("fifo", world), |held| kitchen(held, order, S));
            assert_eq!(took, expected * S, "{order} seed {seed}");
        }
    }
}

#[test]
fn kitchen_simulated_cpython_reaches_all_legal_results() {
    let legal: [&[u64]; 6] = [&[6, 7], &[8, 9], &[6, 7], &[7, 8, 9], &[8, 9], &[8, 9]];
    for (order, legal) in ORDERS.iter().zip(legal) {
        let mut reached = BTreeSet::new();
        for seed in 0..200 {
            let world = World::Sim { seed: Some(seed) };
            let (took, _) = go(config("cpython", world), |held| kitchen(held, order, S));
            assert!(took % S < S / 100, "{order} seed {seed}: {took}");
            reached.insert(took / S);
        }
        let legal = legal.iter().copied().collect();
        assert_eq!(reached, legal, "{order}");
    }
}

/// On a machine that keeps our threads from a core for a whole interval the order is not determined, so
/// a run may be repeated; a wrong policy is wrong each time.
#[test]
fn kitchen_real_fifo() {
    for (order, expected) in [("pms", 7.0), ("smp", 8.0)] {
        let unit = 60 * MS;
        let mut results = Vec::new();
        let right = (0..60).any(|_| {
            let (took, _) = go(config("fifo", REAL), |held| kitchen(held, order, unit));
            results.push(took as f64 / unit as f64);
            (expected - 0.01..expected + 0.9).contains(&(took as f64 / unit as f64))
        });
        assert!(right, "{order}: {results:?}");
    }
}

/// Adds to a counter that is not atomic in any sense: a load and a store with a safe point's worth of
/// time between them. Only the lock keeps the sum right.
fn count(held: &mut Held, counter: &AtomicU64, turns: u64) {
    for _ in 0..turns {
        let value = counter.load(Relaxed);
        std::hint::spin_loop();
        counter.store(value + 1, Relaxed);
        held.charge(1);
        safe_point(held);
    }
}

#[test]
fn one_holder_at_a_time_and_counters_that_add_up() {
    for policy in policies() {
        for world in [REAL, SIM, World::Sim { seed: Some(7) }] {
            let turns = if world == REAL { 200_000 } else { 1_000 };
            let counter = Arc::new(AtomicU64::new(0));
            let config = GilConfig { interval_us: Some(20), unit_cost: 1_000, ..config(policy, world) };
            let shared = counter.clone();
            let (_, stats) = go(config, move |held| {
                let threads: Vec<Tid> = (0..6)
                    .map(|i| {
                        let counter = shared.clone();
                        start(held, &format!("t{i}"), Box::new(move |held| count(held, &counter, turns)))
                    })
                    .collect();
                for tid in threads {
                    join(held, tid);
                }
            });
            assert_eq!(counter.load(Relaxed), 6 * turns, "{policy} {world:?}");
            invariants(&stats);
            assert!(stats.lock.requests_set > 0, "{policy} {world:?}");
            assert!(stats.lock.requests_honoured > 0, "{policy} {world:?}");
            assert_eq!(stats.threads.len(), 7);
        }
    }
}

fn invariants(stats: &Stats) {
    let l = &stats.lock;
    assert!(l.held_ns <= stats.elapsed_ns, "one holder at most: {stats:?}");
    assert!(l.contended_ns <= stats.elapsed_ns);
    assert!(l.requests_honoured <= l.requests_set, "{stats:?}");
    assert!(l.handovers <= l.acquires, "{stats:?}");
    let requests: u64 = stats.threads.iter().map(|t| t.requests).sum();
    assert_eq!(requests, l.requests_set);
    for t in &stats.threads {
        let buckets = t.starting_ns + t.running_ns + t.holding_ns + t.waiting_ns + t.native_ns;
        let sum = buckets + t.blocked_all_ns();
        // In virtual time exactly; in real time a clock is read a little apart.
        let slack = if stats.simulated { 0 } else { t.lifetime_ns / 100 + MS };
        assert!(sum.abs_diff(t.lifetime_ns) <= slack, "{} {sum} {}: {t:?}", t.name, t.lifetime_ns);
    }
    let json = stats.json();
    assert_eq!(json["threads"].as_array().map(Vec::len), Some(stats.threads.len()));
    assert!(stats.render().contains(stats.policy));
}

#[test]
fn after_a_request_another_waiter_is_next() {
    for policy in policies() {
        for world in [REAL, SIM].into_iter().filter(|world| !barges(policy, *world)) {
            let config = GilConfig { interval_us: Some(100), unit_cost: 10_000, ..config(policy, world) };
            let (ok, stats) = go(config, |held| {
                let last = Arc::new(AtomicU64::new(0));
                let bad = Arc::new(AtomicU64::new(0));
                let mut threads = Vec::new();
                for i in 1..=3u64 {
                    let (last, bad) = (last.clone(), bad.clone());
                    let body = move |held: &mut Held| {
                        let length = if world == REAL { 150 * MS } else { 60 * MS };
                        let end = held.now(Clock::Perf) + length;
                        while held.now(Clock::Perf) < end {
                            last.store(i, Relaxed);
                            held.charge(1);
                            if held.breaker().load(Relaxed) != 0 {
                                let before = held.stats_switches();
                                held.safe_point();
                                // It was asked and let go: somebody else has run meanwhile, unless all
                                // others have ended in the meantime.
                                let dropped = held.stats_switches() > before;
                                if dropped && last.load(Relaxed) == i && held.now(Clock::Perf) < end {
                                    bad.fetch_add(1, Relaxed);
                                }
                            }
                        }
                    };
                    threads.push(start(held, &i.to_string(), Box::new(body)));
                }
                for tid in threads {
                    join(held, tid);
                }
                bad.load(Relaxed)
            });
            // Main may be the next one, which leaves no mark; it runs a handful of times only.
            assert!(ok <= 8, "{policy} {world:?}: {ok} of {}", stats.lock.requests_honoured);
            let enough = if world == REAL { 0 } else { 20 };
            assert!(stats.lock.requests_honoured > enough, "{policy} {world:?} {}", stats.render());
        }
    }
}

/// A policy that gives a place in the queue at once also serves in that order, whatever the system does.
#[test]
fn who_came_first_is_served_first() {
    for policy in policies() {
        for world in [REAL, SIM, World::Sim { seed: Some(11) }] {
            let (order, _) = go(config(policy, world), |held| {
                let order = Arc::new(std::sync::Mutex::new(Vec::new()));
                let threads: Vec<Tid> = (0..8)
                    .map(|i| {
                        let order = order.clone();
                        start(held, &i.to_string(), Box::new(move |_| order.lock().unwrap().push(i)))
                    })
                    .collect();
                let all = held.eager();
                for tid in threads {
                    join(held, tid);
                }
                let order = order.lock().unwrap().clone();
                all.then_some(order)
            });
            assert!(order.is_none_or(|order| order == (0..8).collect::<Vec<_>>()), "{policy} {world:?}");
        }
    }
}

/// Many more threads than cores, and a slice that is over as soon as it begins.
#[test]
fn sixty_four_threads_at_a_microsecond() {
    for policy in policies() {
        let turns = 2_000;
        let counter = Arc::new(AtomicU64::new(0));
        let shared = counter.clone();
        let config = GilConfig { interval_us: slice(policy, 1), ..config(policy, REAL) };
        let (_, stats) = go(config, move |held| {
            let key = held.new_key();
            let threads: Vec<Tid> = (0..64)
                .map(|i| {
                    let counter = shared.clone();
                    let body = move |held: &mut Held| {
                        for _ in 0..4 {
                            count(held, &counter, turns / 4);
                            let until = held.now(Clock::Monotonic) + 50_000;
                            held.wait(WaitOn::Event { key }, Some(until), &|_| true);
                            held.wake(key, 3);
                            held.outside(|| ());
                        }
                    };
                    start(held, &format!("t{i}"), Box::new(body))
                })
                .collect();
            for tid in threads {
                join(held, tid);
            }
        });
        assert_eq!(counter.load(Relaxed), 64 * turns, "{policy}");
        invariants(&stats);
    }
}

trait Switches {
    fn stats_switches(&mut self) -> u64;
}

impl Switches for Held {
    /// How often this thread let go because it was asked to.
    fn stats_switches(&mut self) -> u64 {
        let tid = self.tid();
        self.stats().threads[tid.0 as usize].released[1]
    }
}

#[test]
fn a_holder_inside_c_sleep_is_not_interrupted() {
    for policy in policies() {
        for world in [REAL, SIM].into_iter().filter(|world| !barges(policy, *world)) {
            let config = GilConfig { interval_us: slice(policy, 5_000), ..config(policy, world) };
            go(config, |held| {
                let ran = Arc::new(AtomicBool::new(false));
                let mark = ran.clone();
                let body = move |held: &mut Held| {
                    sleep(held, 20 * MS);
                    mark.store(true, Relaxed);
                };
                let tid = start(held, "other", Box::new(body));
                // Lets the other one begin its sleep.
                sleep(held, MS / 2);
                // On a busy machine it may wake up late.
                for _ in 0..50 {
                    let before = ran.load(Relaxed);
                    held.sleep_holding(40 * MS);
                    assert_eq!(ran.load(Relaxed), before, "{policy} {world:?}");
                    if before || held.breaker().load(Relaxed) != 0 {
                        break;
                    }
                }
                safe_point(held);
                assert!(ran.load(Relaxed), "{policy} {world:?}");
                join(held, tid);
            });
        }
    }
}

#[test]
fn one_thread_alone_never_sees_a_request() {
    for row in POLICIES.iter().filter(|row| row.name != "off") {
        for world in [REAL, SIM] {
            let (_, stats) = go(config(row.name, world), |held| {
                let end = held.now(Clock::Perf) + 20 * MS;
                while held.now(Clock::Perf) < end {
                    held.spin(MS, false);
                    assert_eq!(held.breaker().load(Relaxed), 0);
                    held.outside(|| ());
                    held.yield_now();
                }
            });
            assert_eq!(stats.lock.requests_set, 0);
            assert_eq!(stats.threads[0].requests, 0);
            assert_eq!(stats.lock.handovers, 0, "{} {world:?}", row.name);
        }
    }
}

#[test]
fn the_slice_is_the_interval() {
    for policy in policies() {
        for interval_us in [500, 1_000] {
            let config = GilConfig { interval_us: Some(interval_us), unit_cost: 10_000, ..config(policy, SIM) };
            let (slices, _) = go(config, |held| {
                let stamps = Arc::new(std::sync::Mutex::new(Vec::<(u64, Nanos)>::new()));
                let mut threads = Vec::new();
                for i in 0..2 {
                    let stamps = stamps.clone();
                    let body = move |held: &mut Held| {
                        let end = held.now(Clock::Perf) + 100 * MS;
                        while held.now(Clock::Perf) < end {
                            let now = held.now(Clock::Perf);
                            let mut stamps = stamps.lock().unwrap();
                            if stamps.last().is_none_or(|(who, _)| *who != i) {
                                stamps.push((i, now));
                            }
                            drop(stamps);
                            held.charge(1);
                            safe_point(held);
                        }
                    };
                    threads.push(start(held, &i.to_string(), Box::new(body)));
                }
                for tid in threads {
                    join(held, tid);
                }
                let stamps = stamps.lock().unwrap();
                let mut slices: Vec<Nanos> = stamps.windows(2).map(|w| w[1].1 - w[0].1).collect();
                slices.sort_unstable();
                slices
            });
            let median = slices[slices.len() / 2];
            // A safe point costs ten microseconds here.
            let unit = policy::find(policy).expect("a row of the table").unit;
            let slice = policy::inner_slice(unit, interval_us);
            let interval = if unit.counts() { slice * 10_000 } else { slice };
            assert!((interval..=interval + 10_000).contains(&median), "{policy} {interval_us}: {slices:?}");
        }
    }
}

#[test]
fn outside_runs_without_the_lock() {
    for policy in policies() {
        go(config(policy, REAL), |held| {
            let done = Arc::new(AtomicBool::new(false));
            let mark = done.clone();
            let tid = start(held, "other", Box::new(move |_| mark.store(true, Relaxed)));
            held.outside(|| {
                while !done.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            join(held, tid);
        });
    }
    let (took, stats) = go(config("fifo", SIM), |held| {
        let begin = held.now(Clock::Perf);
        let threads: Vec<Tid> =
            (0..3).map(|i| start(held, &i.to_string(), Box::new(|held| held.spin(S, true)))).collect();
        for tid in threads {
            join(held, tid);
        }
        held.now(Clock::Perf) - begin
    });
    assert_eq!(took, S, "no number of cores is modelled: native work overlaps");
    assert_eq!(stats.threads[1].native_ns, S);
}

#[test]
fn yield_gives_the_lock_away_if_anybody_waits() {
    for policy in policies() {
        for world in [REAL, SIM] {
            let (order, stats) = go(config(policy, world), |held| {
                let turn = Arc::new(AtomicU64::new(0));
                let mark = turn.clone();
                let tid = start(held, "other", Box::new(move |_| mark.store(1, Relaxed)));
                held.yield_now();
                let order = turn.load(Relaxed);
                join(held, tid);
                order
            });
            assert_eq!(order, 1, "{policy} {world:?}");
            if policy == "fifo" {
                assert_eq!(stats.threads[0].released[2], 1);
            }
        }
    }
}

#[test]
fn daemons_are_told_and_do_not_hold_up_the_end() {
    for policy in policies() {
        for world in [REAL, SIM] {
            let ended = Arc::new(AtomicU64::new(0));
            let mark = ended.clone();
            go(config(policy, world), move |held| {
                let key = held.new_key();
                let daemon = move |mut held: Held| {
                    let wake = held.wait(WaitOn::Queue { key }, None, &|_| true);
                    assert_eq!(wake, Wake::Exiting);
                    mark.fetch_add(1, Relaxed);
                };
                let tid = held.spawn("daemon", true, Box::new(daemon)).expect("a thread");
                held.spawn("sleeper", true, Box::new(|mut held| drop(sleep(&mut held, 3600 * S)))).expect("a thread");
                sleep(held, 2 * MS);
                held.end_daemons();
                join(held, tid);
            });
            assert_eq!(ended.load(Relaxed), 1, "{policy} {world:?}");
        }
    }
}

#[test]
fn changing_the_interval_reaches_those_who_wait() {
    for policy in policies().filter(|policy| !barges(policy, REAL)) {
        go(config(policy, REAL), |held| {
            held.set_switch_interval(3_600_000_000);
            assert_eq!(held.switch_interval(), 3_600_000_000);
            let done = Arc::new(AtomicBool::new(false));
            let mark = done.clone();
            let tid = held.spawn("other", false, Box::new(move |_| mark.store(true, Relaxed))).expect("a thread");
            // The other one waits for the lock by now; nobody asks for an hour.
            held.sleep_holding(20 * MS);
            safe_point(held);
            assert!(!done.load(Relaxed), "{policy}");
            // Longer than it has waited: who was to look in an hour must hear of it.
            held.set_switch_interval(slice(policy, 200_000).expect("a number"));
            for _ in 0..50 {
                held.sleep_holding(20 * MS);
                if held.breaker().load(Relaxed) != 0 {
                    break;
                }
            }
            safe_point(held);
            assert!(done.load(Relaxed), "{policy}");
            join(held, tid);
        });
    }
}

#[test]
fn many_sleepers() {
    for (world, n) in [(REAL, 300), (SIM, 2_000)] {
        let (took, _) = go(config("fifo", world), move |held| {
            let begin = held.now(Clock::Perf);
            let threads: Vec<Tid> =
                (0..n).map(|_| start(held, "s", Box::new(|held| drop(sleep(held, 200 * MS))))).collect();
            for tid in threads {
                join(held, tid);
            }
            held.now(Clock::Perf) - begin
        });
        assert!(took >= 200 * MS);
        assert!(world == REAL || took == 200 * MS, "{took}");
    }
}

#[test]
fn off_runs_threads_at_once() {
    // In virtual time: what two threads burn at the same time takes as long as the longer one, and they wait
    // and wake as ever.
    for world in [SIM, World::Sim { seed: Some(3) }] {
        let (took, stats) = go(config("off", world), |held| {
            let key = held.new_key();
            let begin = held.now(Clock::Perf);
            let woken = start(
                held,
                "woken",
                Box::new(move |held| {
                    held.spin(S, false);
                    assert_eq!(held.wait(WaitOn::Event { key }, None, &|_| true), Wake::Notified);
                    held.sleep_holding(S);
                }),
            );
            let waker = start(
                held,
                "waker",
                Box::new(move |held| {
                    held.spin(2 * S, false);
                    held.wake(key, 1);
                    held.spin(2 * S, false);
                }),
            );
            join(held, woken);
            join(held, waker);
            held.now(Clock::Perf) - begin
        });
        assert!((4 * S..4 * S + MS).contains(&took), "{took}");
        assert!(stats.threads.iter().all(|t| t.waiting_ns < MS), "{stats:?}");
        assert_eq!(stats.lock.requests_set, 0);
    }
    // Two threads that are inside at the same moment, which no lock allows; then one that stops the others.
    let met = Arc::new(AtomicU32::new(0));
    let (alone, _) = go(config("off", REAL), move |held| {
        let meet = |met: &AtomicU32, held: &mut Held| {
            met.fetch_add(1, Relaxed);
            while met.load(Relaxed) < 3 {
                drop(held.safe_point());
            }
        };
        let threads: Vec<Tid> = (0..2)
            .map(|_| {
                let met = met.clone();
                start(held, "t", Box::new(move |held| meet(&met, held)))
            })
            .collect();
        while met.load(Relaxed) < 2 {
            kit::gil::pause();
        }
        let alone = held.alone(|_| met.fetch_add(1, Relaxed));
        for tid in threads {
            join(held, tid);
        }
        alone
    });
    assert_eq!(alone, 2);
    assert!(kit::gil::off());
}
