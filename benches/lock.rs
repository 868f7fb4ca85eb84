//! The lock's three costs: taking and giving it uncontended, handing it over, and the time from a
//! request to the switch. `cargo bench --bench lock`.

use criterion::{Criterion, criterion_group, criterion_main};
use kit::gil::{GilConfig, Held, run};
use kit::world::{Clock, Nanos, WaitOn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Measures something inside a run under `fifo`.
fn measure(interval_us: u64, main: impl FnOnce(&mut Held) -> Nanos + Send) -> Duration {
    let config = GilConfig {
        interval_us: Some(interval_us),
        ..GilConfig::default()
    };
    Duration::from_nanos(run(config, |mut held| main(&mut held)).expect("the run starts"))
}

fn uncontended(held: &mut Held, rounds: u64) -> Nanos {
    let begin = held.now(Clock::Perf);
    for _ in 0..rounds {
        held.outside(|| ());
    }
    held.now(Clock::Perf) - begin
}

/// Two threads pass a turn to and fro; each round is two hand-overs.
fn handover(held: &mut Held, rounds: u64) -> Nanos {
    let (mine, theirs) = (held.new_key(), held.new_key());
    let turn = Arc::new(AtomicU64::new(0));
    let other = turn.clone();
    let body = move |mut held: Held| {
        for _ in 0..rounds {
            while other.load(Relaxed) == 0 {
                let still = |_: &Held| other.load(Relaxed) == 0;
                held.wait(WaitOn::Queue { key: theirs }, None, &still);
            }
            other.store(0, Relaxed);
            held.wake(mine, 1);
        }
    };
    held.spawn("other", true, Box::new(body)).expect("a thread");
    let begin = held.now(Clock::Perf);
    for _ in 0..rounds {
        turn.store(1, Relaxed);
        held.wake(theirs, 1);
        while turn.load(Relaxed) == 1 {
            let still = |_: &Held| turn.load(Relaxed) == 1;
            held.wait(WaitOn::Queue { key: mine }, None, &still);
        }
    }
    held.now(Clock::Perf) - begin
}

/// Two threads look at their breaker words only. Each round is a slice of 1 ms: what exceeds that is
/// the way from the request to the next holder's first step.
fn request(held: &mut Held, rounds: u64) -> Nanos {
    let done = Arc::new(AtomicBool::new(false));
    let other = done.clone();
    let body = move |mut held: Held| {
        while !other.load(Relaxed) {
            if held.breaker().load(Relaxed) != 0 {
                held.safe_point();
            }
        }
    };
    held.spawn("other", true, Box::new(body)).expect("a thread");
    let begin = held.now(Clock::Perf);
    let mut slices = 0;
    while slices < rounds {
        if held.breaker().load(Relaxed) != 0 {
            held.safe_point();
            slices += 2;
        }
    }
    done.store(true, Relaxed);
    held.now(Clock::Perf) - begin
}

fn benches(c: &mut Criterion) {
    c.bench_function("take and give", |b| {
        b.iter_custom(|rounds| measure(5_000, |held| uncontended(held, rounds)));
    });
    c.bench_function("two hand-overs", |b| {
        b.iter_custom(|rounds| measure(5_000, |held| handover(held, rounds)));
    });
    let mut slices = c.benchmark_group("slices");
    slices.sample_size(10);
    slices.bench_function("a slice of 1 ms", |b| {
        b.iter_custom(|rounds| measure(1_000, |held| request(held, rounds)));
    });
}

criterion_group!(lock, benches);
criterion_main!(lock);
