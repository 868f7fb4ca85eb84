//! Every lock policy against the same invariants, in both worlds; the kitchen; deadlocks. No scripts
//! here: closures over `Held` stand in for them, with small locks and events as a library would build.

use kit::gil::policy::POLICIES;
use kit::gil::{GilConfig, Held, SpawnError, Stats, World, run};
use kit::world::{Clock, Nanos, Place, Tid, WaitKey, WaitOn, Wake};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;
const REAL: World = World::Real;
const SIM: World = World::Sim { seed: None };

fn config(policy: &str, world: World) -> GilConfig {
    GilConfig { policy: policy.to_string(), world, ..GilConfig::default() }
}

/// Runs `main` and gives back its result and the counters at its end.
fn go<R: Send>(config: GilConfig, main: impl FnOnce(&mut Held) -> R + Send) -> (R, Stats) {
    let body = |mut held: Held| {
        let r = main(&mut held);
        let stats = held.stats();
        (r, stats)
    };
    run(config, body).expect("the run starts")
}

/// The policies that run several threads.
fn policies() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|row| row.name).filter(|name| *name != "off")
}

fn safe_point(held: &mut Held) {
    if held.breaker().load(Relaxed) != 0 {
        held.safe_point();
    }
}

fn sleep(held: &mut Held, length: Nanos) -> Wake {
    let until = held.now(Clock::Monotonic) + length;
    held.wait(WaitOn::Sleep {}, Some(until), &|_| true)
}

fn join(held: &mut Held, tid: Tid) -> Wake {
    held.wait(WaitOn::Join { tid }, None, &|_| true)
}

/// `threading.Event`, as far as these tests need it.
#[derive(Clone)]
struct Event(WaitKey, Arc<AtomicBool>);

impl Event {
    fn new(held: &mut Held) -> Event {
        Event(held.new_key(), Arc::default())
    }
    fn set(&self, held: &mut Held) {
        self.1.store(true, Relaxed);
        held.wake(self.0, usize::MAX);
    }
    fn wait(&self, held: &mut Held) {
        while !self.1.load(Relaxed) {
            held.wait(WaitOn::Event { key: self.0 }, None, &|_| !self.1.load(Relaxed));
        }
    }
}

/// `threading.Lock`: the owner's number plus one, or 0.
#[derive(Clone)]
struct Lock(WaitKey, Arc<AtomicU64>, Arc<str>, bool);

impl Lock {
    fn new(held: &mut Held, name: &str, reentrant: bool) -> Lock {
        Lock(held.new_key(), Arc::default(), name.into(), reentrant)
    }
    fn owner(&self) -> Option<Tid> {
        self.1.load(Relaxed).checked_sub(1).map(|t| Tid(t as u32))
    }
    fn acquire(&self, held: &mut Held, line: u32) -> Wake {
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
    fn release(&self, held: &mut Held) {
        self.1.store(0, Relaxed);
        held.wake(self.0, 1);
    }
}

type Body = Box<dyn FnOnce(&mut Held) + Send>;

/// `Thread(target=body).start()`, with CPython's handshake where the policy is not eager.
fn start(held: &mut Held, name: &str, body: Body) -> Tid {
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

fn c_sleep(held: &mut Held, length: Nanos) {
    held.sleep_holding(length);
    safe_point(held);
}

/// The article's dinner. Returns how long it took.
fn kitchen(held: &mut Held, order: &str, unit: Nanos) -> Nanos {
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

#[test]
fn kitchen_real_fifo() {
    for (order, expected) in [("pms", 7.0), ("smp", 8.0)] {
        let unit = 60 * MS;
        let (took, _) = go(config("fifo", REAL), |held| kitchen(held, order, unit));
        let took = took as f64 / unit as f64;
        assert!((expected - 0.01..expected + 0.9).contains(&took), "{order}: {took}");
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
        for world in [REAL, SIM] {
            let config = GilConfig { interval_us: Some(100), unit_cost: 10_000, ..config(policy, world) };
            let (ok, stats) = go(config, |held| {
                let last = Arc::new(AtomicU64::new(0));
                let bad = Arc::new(AtomicU64::new(0));
                let mut threads = Vec::new();
                for i in 1..=3u64 {
                    let (last, bad) = (last.clone(), bad.clone());
                    let body = move |held: &mut Held| {
                        let end = held.now(Clock::Perf) + 60 * MS;
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
            assert!(stats.lock.requests_honoured > 20, "{policy} {world:?} {}", stats.render());
        }
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
        for world in [REAL, SIM] {
            go(config(policy, world), |held| {
                let ran = Arc::new(AtomicBool::new(false));
                let mark = ran.clone();
                let body = move |held: &mut Held| {
                    sleep(held, 2 * MS);
                    mark.store(true, Relaxed);
                };
                let tid = start(held, "other", Box::new(body));
                // Lets the other one begin its sleep.
                sleep(held, MS / 2);
                safe_point(held);
                let seen = ran.load(Relaxed);
                held.sleep_holding(30 * MS);
                assert_eq!(ran.load(Relaxed), seen, "{policy} {world:?}");
                assert_ne!(held.breaker().load(Relaxed), 0, "a request waits");
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
        for interval_us in [500, 5_000] {
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
            let interval = interval_us * 1000;
            assert!((interval..=interval + 10_000).contains(&median), "{policy} {interval_us}: {slices:?}");
        }
    }
}

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

fn deadlock_of_two(held: &mut Held, reentrant: bool, bystander: bool) -> String {
    let fork = Lock::new(held, "fork", reentrant);
    let knife = Lock::new(held, "knife", reentrant);
    let mut threads = Vec::new();
    if bystander {
        let busy = |held: &mut Held| {
            for _ in 0..20 {
                sleep(held, 100 * MS);
            }
        };
        held.spawn("busy", true, Box::new(move |mut held| busy(&mut held))).expect("a thread");
    }
    for (name, first, second, line) in [("waiter-1", &knife, &fork, 11), ("waiter-2", &fork, &knife, 17)] {
        let (first, second) = (first.clone(), second.clone());
        let eat = move |held: &mut Held| {
            first.acquire(held, line);
            sleep(held, 20 * MS);
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
    for policy in policies() {
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
            held.set_switch_interval(1_000);
            held.sleep_holding(50 * MS);
            safe_point(held);
            assert!(done.load(Relaxed), "{policy}");
            join(held, tid);
        });
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
fn off_runs_one_thread() {
    let (error, _) = go(config("off", REAL), |held| {
        held.outside(|| ());
        held.spawn("second", false, Box::new(|_| ())).expect_err("one thread only")
    });
    assert!(matches!(error, SpawnError::Off));
    assert!(error.to_string().contains("free threads come later"));
    assert!(kit::gil::off());
}
