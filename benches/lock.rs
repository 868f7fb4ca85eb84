//! The interpreter lock on the real driver: give and take alone, hand-over between two threads, and how
//! long after the interval a computing thread has handed over.
//!
//!     cargo bench --bench lock

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // benches reach outside themselves

use criterion::{Criterion, criterion_group, criterion_main};
use kit::gil::{GilConfig, Held, run};
use kit::world::{Clock, WaitOn};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Runs `body` as the main script thread of a run of its own.
fn as_main<R: Send>(interval_us: u64, body: impl FnOnce(&mut Held) -> R + Send) -> R {
    let config = GilConfig { interval_us: Some(interval_us), ..GilConfig::default() };
    run(config, |mut held| body(&mut held)).expect("the run starts")
}

fn safe_point(held: &mut Held) {
    if held.breaker().load(Relaxed) != 0 {
        held.safe_point();
    }
}

/// Runs `other` on a second thread while `body` runs, then joins it.
fn beside<R>(held: &mut Held, other: impl FnOnce(&mut Held) + Send + 'static, body: impl FnOnce(&mut Held) -> R) -> R {
    let tid = held.spawn("other", false, Box::new(move |mut held| other(&mut held))).expect("a thread");
    let r = body(held);
    held.wait(WaitOn::Join { tid }, None, &|_| true);
    r
}

fn elapsed(held: &mut Held, body: impl FnOnce(&mut Held)) -> Duration {
    let begin = held.now(Clock::Perf);
    body(held);
    Duration::from_nanos(held.now(Clock::Perf) - begin)
}

/// Gives the lock up and takes it again; nobody wants it. With the counters, which read the clock.
fn uncontended(c: &mut Criterion) {
    c.bench_function("give and take, alone", |b| {
        b.iter_custom(|n| {
            as_main(5000, |held| {
                elapsed(held, |held| {
                    for i in 0..n {
                        held.outside(|| black_box(i));
                    }
                })
            })
        })
    });
    c.bench_function("safe point, nobody asks", |b| {
        b.iter_custom(|n| {
            as_main(5000, |held| {
                elapsed(held, |held| {
                    for _ in 0..n {
                        safe_point(black_box(held));
                    }
                })
            })
        })
    });
}

/// Two threads yield to each other: each turn is two hand-overs, each of which wakes an OS thread.
fn hand_over(c: &mut Criterion) {
    c.bench_function("hand-over", |b| {
        b.iter_custom(|n| {
            let turns = n.div_ceil(2);
            let took = as_main(5_000_000, move |held| {
                let other = move |held: &mut Held| (0..turns).for_each(|_| held.yield_now());
                beside(held, other, |held| elapsed(held, |held| (0..turns).for_each(|_| held.yield_now())))
            });
            took.mul_f64(n as f64 / (2 * turns) as f64)
        })
    });
}

/// Two threads compute at an interval of 1 ms; what a switch takes beyond its interval.
fn request_to_switch(c: &mut Criterion) {
    const INTERVAL_US: u64 = 1000;
    let mut group = c.benchmark_group("request to switch");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.bench_function("at an interval of 1 ms", |b| {
        b.iter_custom(|n| {
            as_main(INTERVAL_US, move |held| {
                let end = Arc::new(AtomicBool::new(false));
                let seen = end.clone();
                let other = move |held: &mut Held| {
                    while !seen.load(Relaxed) {
                        safe_point(held);
                    }
                };
                beside(held, other, |held| {
                    let took = elapsed(held, |held| {
                        let begin = held.stats().lock.requests_honoured;
                        while held.stats().lock.requests_honoured < begin + n {
                            for _ in 0..10_000 {
                                safe_point(held);
                            }
                        }
                    });
                    end.store(true, Relaxed);
                    took.saturating_sub(Duration::from_micros(INTERVAL_US * n))
                })
            })
        })
    });
    group.finish();
}

criterion_group!(lock, uncontended, hand_over, request_to_switch);
criterion_main!(lock);
