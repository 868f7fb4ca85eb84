//! Simulated processes: each has a lock of its own, all share virtual time. No scripts here: closures
//! over `Held` stand in for them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

mod held;

use held::*;
use kit::gil::policy::POLICIES;
use kit::gil::{GilConfig, Held, SpawnError, Stats, World};
use kit::world::{Clock, Nanos, Place, ProcessId, WaitKey, WaitOn, Wake};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// `Process(target=body).start()`.
fn process(held: &mut Held, name: &str, body: Body) -> ProcessId {
    process_with_code(
        held,
        name,
        Box::new(|held| {
            body(held);
            0
        }),
    )
}

fn process_with_code(held: &mut Held, name: &str, body: Box<dyn FnOnce(&mut Held) -> i32 + Send>) -> ProcessId {
    held.spawn_process(name, Box::new(|mut held| body(&mut held))).expect("a process")
}

/// `Process.join()`.
fn join_process(held: &mut Held, id: ProcessId) -> Wake {
    held.set_place(Place { file: "test.kit".into(), line: 9, function: "cook".into() });
    held.wait(WaitOn::Child { key: WaitKey::Process(id) }, None, &|_| true)
}

fn worlds() -> impl Iterator<Item = World> {
    std::iter::once(SIM).chain((0..50).map(|seed| World::Sim { seed: Some(seed) }))
}

/// The dinner with a process per dish: nobody stands in anybody's way, so the longest dish decides.
fn kitchen_of_processes(held: &mut Held) -> Nanos {
    let begin = held.now(Clock::Perf);
    let pasta: Body = Box::new(|held| {
        sleep(held, 3 * S);
        sleep(held, S);
    });
    let meat: Body = Box::new(|held| {
        sleep(held, 2 * S);
        c_sleep(held, S);
        sleep(held, 2 * S);
    });
    let salad: Body = Box::new(|held| {
        c_sleep(held, 3 * S);
        c_sleep(held, S);
    });
    let cooks = [("salad", salad), ("meat", meat), ("pasta", pasta)];
    let cooks = cooks.map(|(name, body)| process(held, name, body));
    for cook in cooks {
        join_process(held, cook);
        assert_eq!(held.process_exit_code(cook), Some(0));
    }
    held.now(Clock::Perf) - begin
}

#[test]
fn kitchen_of_processes_takes_as_long_as_its_longest_dish() {
    for row in POLICIES {
        for world in worlds() {
            let (took, _) = go(config(row.name, world), kitchen_of_processes);
            if !(row.make)(0).eager() && world != SIM {
                // Who is woken takes the lock himself: a seed draws how long he needs to come to his feet.
                assert!((5 * S..5 * S + S / 100).contains(&took), "{took}");
            } else {
                assert_eq!(took, 5 * S, "{} {world:?}", row.name);
            }
        }
    }
}

#[test]
fn computing_overlaps_between_processes_and_not_between_threads() {
    for policy in policies() {
        for world in [SIM, World::Sim { seed: Some(3) }] {
            let stamps = Arc::new(Mutex::new(Vec::new()));
            let log = stamps.clone();
            let (took, stats) = go(config(policy, world), move |held| {
                let begin = held.now(Clock::Perf);
                let children: Vec<ProcessId> = (1..=3u64)
                    .map(|i| {
                        let log = log.clone();
                        let body = move |held: &mut Held| {
                            for turn in 0..4u64 {
                                c_sleep(held, i * S / 2);
                                log.lock().unwrap().push((held.now(Clock::Perf) - begin, i, turn));
                            }
                            let threads =
                                [1, 2].map(|t| start(held, &t.to_string(), Box::new(|held| c_sleep(held, S))));
                            let _ = threads.map(|t| join(held, t));
                            assert_eq!(held.stats().threads.len(), 3, "a process counts its own threads");
                            assert_eq!(held.now(Clock::Process), 0, "c_sleep is no CPU time");
                        };
                        process(held, &format!("p{i}"), Box::new(body))
                    })
                    .collect();
                for id in children {
                    join_process(held, id);
                }
                held.now(Clock::Perf) - begin
            });
            assert!((8 * S..8 * S + S / 100).contains(&took), "{policy} {world:?} {took}");
            assert_eq!(stats.threads.len(), 1);
            assert_eq!(stats.lock.handovers, 0, "nobody else wants the lock of the first process");
            let stamps = stamps.lock().unwrap();
            assert_eq!(stamps.len(), 12);
            assert!(stamps.is_sorted_by_key(|(at, ..)| *at), "what happens later is seen later: {stamps:?}");
        }
    }
}

/// A frame in each direction, woken across processes; who sends first has an answer in the same instant.
#[test]
fn processes_wake_each_other() {
    for policy in policies() {
        let (answers, _) = go(config(policy, SIM), |held| {
            let (to, from) = (held.new_key(), held.new_key());
            let (question, answer) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (q, a) = (question.clone(), answer.clone());
            let body = move |held: &mut Held| {
                for _ in 0..5 {
                    while q.load(Relaxed) == 0 {
                        held.wait(WaitOn::Child { key: to }, None, &|_| q.load(Relaxed) == 0);
                    }
                    let n = q.swap(0, Relaxed);
                    c_sleep(held, n * MS);
                    a.store(n * n, Relaxed);
                    held.wake(from, 1);
                }
            };
            let child = process(held, "worker", Box::new(body));
            let mut answers = Vec::new();
            for n in 1..=5 {
                question.store(n, Relaxed);
                held.wake(to, 1);
                while answer.load(Relaxed) == 0 {
                    held.wait(WaitOn::Child { key: from }, None, &|_| answer.load(Relaxed) == 0);
                }
                answers.push((answer.swap(0, Relaxed), held.now(Clock::Perf)));
            }
            join_process(held, child);
            answers
        });
        assert_eq!(answers, [(1, MS), (4, 3 * MS), (9, 6 * MS), (16, 10 * MS), (25, 15 * MS)], "{policy}");
    }
}

#[test]
fn exit_codes_and_the_end_of_what_is_left() {
    for policy in policies() {
        go(config(policy, SIM), |held| {
            let child = process_with_code(
                held,
                "seven",
                Box::new(|held| {
                    held.spawn("daemon", true, Box::new(|mut held| drop(sleep(&mut held, 3600 * S))))
                        .expect("a thread");
                    process(held, "grandchild", Box::new(|held| drop(sleep(held, 3600 * S))));
                    sleep(held, S);
                    7
                }),
            );
            assert_eq!(held.process_exit_code(child), None);
            assert_eq!(join_process(held, child), Wake::Notified);
            assert_eq!(held.process_exit_code(child), Some(7));
            let grandchild = ProcessId(3);
            assert_eq!(held.process_exit_code(grandchild), Some(-9), "it ends with who started it");
            assert_eq!(held.now(Clock::Perf), S);
            // Joining what has ended takes no time.
            assert_eq!(join_process(held, child), Wake::Notified);
            assert_eq!(join_process(held, grandchild), Wake::Notified);
            // The one left behind ends with the first process.
            process(held, "left", Box::new(|held| drop(sleep(held, 3600 * S))));
            sleep(held, S);
        });
    }
}

#[test]
fn a_killed_process_does_nothing_more() {
    for policy in policies() {
        for signal in [-9, -15] {
            let marks = Arc::new(AtomicU64::new(0));
            let mark = marks.clone();
            go(config(policy, SIM), move |held| {
                let body = move |held: &mut Held| {
                    let other = mark.clone();
                    let sleeper = move |held: &mut Held| {
                        sleep(held, 5 * S);
                        other.fetch_add(1, Relaxed);
                    };
                    start(held, "sleeper", Box::new(sleeper));
                    loop {
                        c_sleep(held, 400 * MS);
                        mark.fetch_add(1, Relaxed);
                    }
                };
                let child = process(held, "busy", Box::new(body));
                let waiter = move |held: &mut Held| {
                    assert_eq!(join_process(held, child), Wake::Notified);
                    assert_eq!(held.now(Clock::Perf) / MS, 1000);
                };
                let waiter = start(held, "waiter", Box::new(waiter));
                sleep(held, S);
                held.end_process(child, signal);
                assert_eq!(held.process_exit_code(child), Some(signal));
                join(held, waiter);
                sleep(held, 10 * S);
                held.end_process(child, 1);
                assert_eq!(held.process_exit_code(child), Some(signal), "it has ended already");
                // Who waits for the lock under `pypy` looks for it every 0.1 ms.
                let late = if policy == "pypy" { MS } else { 0 };
                assert!((11 * S..=11 * S + late).contains(&held.now(Clock::Perf)), "{policy}");
            });
            assert_eq!(marks.load(Relaxed), 2, "{policy}");
        }
    }
}

#[test]
fn a_process_can_end_itself() {
    go(config("fifo", SIM), |held| {
        let after = Arc::new(AtomicBool::new(false));
        let mark = after.clone();
        let body = move |held: &mut Held| {
            sleep(held, S);
            held.end_process(held.process(), 3);
            mark.store(true, Relaxed);
        };
        let child = process(held, "p", Box::new(body));
        join_process(held, child);
        assert_eq!((held.process_exit_code(child), after.load(Relaxed)), (Some(3), false));
        held.end_process(ProcessId::MAIN, 1);
        assert_eq!(held.process_exit_code(ProcessId::MAIN), None, "the first process does not end so");
    });
}

/// Its own lock, twice: the process is told, the others go on.
#[test]
fn a_deadlock_inside_a_process_is_its_own() {
    for policy in policies() {
        let (text, _) = go(config(policy, SIM), |held| {
            let told = Arc::new(Mutex::new(String::new()));
            let tell = told.clone();
            let body = move |held: &mut Held| {
                sleep(held, S);
                let lock = Lock::new(held, "fork", false);
                lock.acquire(held, 3);
                match lock.acquire(held, 4) {
                    Wake::Deadlock(report) => {
                        *tell.lock().unwrap() = report.to_string();
                        71
                    }
                    other => panic!("{other:?}"),
                }
            };
            let child = process_with_code(held, "Process-1", Box::new(body));
            start(held, "beside", Box::new(|held| drop(sleep(held, 9 * S))));
            assert_eq!(join_process(held, child), Wake::Notified);
            assert_eq!(held.process_exit_code(child), Some(71));
            told.lock().unwrap().clone()
        });
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(first, "deadlock: the only thread left waits for ever in Process-1 (virtual time 1.000 s)");
        assert!(text.contains("Process-1/MainThread  wants  lock \"fork\""), "{text}");
    }
}

/// Each waits for the other: no thread of the run can go on.
#[test]
fn a_deadlock_across_processes_is_told_to_the_first() {
    for policy in policies() {
        for world in [SIM, World::Sim { seed: Some(5) }] {
            let (text, _) = go(config(policy, world), |held| {
                let key = held.new_key();
                let body = move |held: &mut Held| {
                    sleep(held, S);
                    held.wait(WaitOn::Child { key }, None, &|_| true);
                };
                let child = process(held, "Process-1", Box::new(body));
                match join_process(held, child) {
                    Wake::Deadlock(report) => report.to_string(),
                    other => panic!("{other:?}"),
                }
            });
            assert!(text.starts_with("deadlock: all 2 threads wait for ever (virtual time 1.000"), "{text}");
            assert!(text.contains("MainProcess/MainThread  joins  Process-1/MainThread  line 9 in cook()"), "{text}");
            assert!(text.contains("Process-1/MainThread    waits  for another process"), "{text}");
        }
    }
}

/// The other process still computes, so nobody is stuck until it has ended without a word.
#[test]
fn a_process_that_goes_on_keeps_the_others_from_a_deadlock() {
    let (wake, _) = go(config("fifo", SIM), |held| {
        let key = held.new_key();
        process(held, "p", Box::new(|held| c_sleep(held, 2 * S)));
        let wake = held.wait(WaitOn::Child { key }, None, &|_| true);
        assert_eq!(held.now(Clock::Perf), 2 * S);
        wake
    });
    assert!(matches!(wake, Wake::Deadlock(_)), "{wake:?}");
}

#[test]
fn intervals_belong_to_processes() {
    go(config("fifo", SIM), |held| {
        held.set_switch_interval(700);
        let body = |held: &mut Held| {
            assert_eq!(held.switch_interval(), 700, "as it was at the start");
            held.set_switch_interval(900);
            sleep(held, S);
        };
        let child = process(held, "p", Box::new(body));
        sleep(held, S / 2);
        assert_eq!(held.switch_interval(), 700);
        join_process(held, child);
    });
}

/// A mixed run: threads and processes that sleep, compute, draw and wake; what each saw, in order.
fn mixed(held: &mut Held) -> Vec<(u32, Nanos, u64)> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut children = Vec::new();
    for i in 0..4u64 {
        let log = log.clone();
        let body = move |held: &mut Held| {
            let threads = [0, 1, 2].map(|t| {
                let log = log.clone();
                let body = move |held: &mut Held| {
                    for _ in 0..20 {
                        let draw = held.draw(kit::world::Stream::Script) % 1000;
                        held.charge(draw);
                        safe_point(held);
                        match draw % 3 {
                            0 => drop(sleep(held, (i + t) * MS / 3)),
                            1 => c_sleep(held, MS / 7),
                            _ => held.yield_now(),
                        }
                        log.lock().unwrap().push((held.tid().0, held.now(Clock::Perf), draw));
                    }
                };
                start(held, &t.to_string(), Box::new(body))
            });
            let _ = threads.map(|t| join(held, t));
        };
        children.push(process(held, &i.to_string(), Box::new(body)));
    }
    sleep(held, 2 * MS);
    held.end_process(children[3], -9);
    for child in children {
        join_process(held, child);
    }
    let log = log.lock().unwrap();
    log.clone()
}

#[test]
fn the_same_seed_gives_the_same_run_of_processes() {
    for policy in policies() {
        let mut different = BTreeSet::new();
        for world in worlds() {
            let run = || {
                let config = GilConfig { unit_cost: 1_000, interval_us: Some(100), ..config(policy, world) };
                let (log, stats) = go(config, mixed);
                (log, stats.json().to_string())
            };
            let first = run();
            assert_eq!(first, run(), "{policy} {world:?}");
            different.insert(first.0);
        }
        assert!(different.len() > 5, "{policy}: seeds make a difference");
    }
}

#[test]
fn the_counters_of_a_process_add_up() {
    fn check(stats: &Stats) {
        for t in &stats.threads {
            let buckets = t.starting_ns + t.running_ns + t.holding_ns + t.waiting_ns + t.native_ns;
            assert_eq!(buckets + t.blocked_all_ns(), t.lifetime_ns, "{}", t.name);
        }
        assert!(stats.lock.held_ns <= stats.elapsed_ns);
    }
    for policy in policies() {
        let config = GilConfig { unit_cost: 1_000, interval_us: Some(100), ..config(policy, SIM) };
        let (_, stats) = go(config, |held| {
            let children: Vec<ProcessId> = (0..2)
                .map(|i| {
                    let body = |held: &mut Held| {
                        sleep(held, S);
                        let threads = [0, 1].map(|t| {
                            let body = |held: &mut Held| {
                                for _ in 0..2_000 {
                                    held.charge(1);
                                    safe_point(held);
                                }
                            };
                            start(held, &t.to_string(), Box::new(body))
                        });
                        let _ = threads.map(|t| join(held, t));
                        let stats = held.stats();
                        check(&stats);
                        assert_eq!(stats.threads.len(), 3);
                        assert!(stats.lock.requests_honoured > 10, "{}", stats.render());
                        assert!(stats.elapsed_ns < S + 5 * MS, "{}", stats.elapsed_ns);
                        assert_eq!(held.now(Clock::Process), 4 * MS);
                    };
                    process(held, &i.to_string(), Box::new(body))
                })
                .collect();
            for id in children {
                join_process(held, id);
            }
            assert_eq!(held.now(Clock::Process), 0);
        });
        check(&stats);
    }
}

#[test]
fn a_real_run_has_no_processes_inside() {
    go(config("fifo", REAL), |held| {
        assert_eq!(held.process(), ProcessId::MAIN);
        assert!(held.is_main());
        let refused = held.spawn_process("p", Box::new(|_| 0));
        assert!(matches!(refused, Err(SpawnError::NotSimulated)));
    });
}
