//! The interpreter's loop, one kind of work at a time: script text in, run to its end.
//!
//!     cargo bench --bench dispatch
//!
//! Each measurement holds one start of the interpreter, which `start` measures alone.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // benches reach outside themselves

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kit::engine::{Config, Script, run};
use kit::gil::GilConfig;
use std::time::Duration;

/// Turns of each script's loop; what is shown per element is one turn.
const TURNS: u64 = 300_000;

/// Name, definitions, and the body of the loop.
const WORK: &[(&str, &str, &str)] = &[
    ("add", "s = 0", "s = s + i"),
    ("float", "x = 1.0", "x = x * 0.5 + 1.0"),
    ("compare and jump", "s = 0", "if i < 100: s = i"),
    ("list index", "a = [0] * 16", "a[3] = a[5]"),
    ("attribute", "class C: pass\n    o = C(); o.x = 0", "o.x = o.x + 1"),
    ("dict", "d = {'k': 0}", "d['k'] = i"),
    ("call", "def f(x): return x", "f(i)"),
    ("method call", "class C:\n        def m(self, x): return x\n    o = C()", "o.m(i)"),
    ("native call", "a = [1]", "len(a)"),
    ("instance", "class C:\n        def __init__(self, x): self.x = x", "C(i)"),
    ("str format", "s = ''", "s = f'{i}'"),
];

fn execute(text: &str) {
    let config = Config {
        script: Script::Text { name: "<bench>".to_string(), bytes: text.as_bytes().to_vec() },
        argv: vec!["bench".to_string()],
        params: vec![],
        gil: GilConfig::default(),
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: kit::world::disk::Writes::Overlay,
        colour: false,
    };
    let outcome = run(config).expect("the run starts");
    assert_eq!(outcome.code, 0, "{text}");
}

fn dispatch(c: &mut Criterion) {
    let mut group = c.benchmark_group("loop");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.bench_function("start", |b| b.iter(|| execute("pass")));
    group.throughput(Throughput::Elements(TURNS));
    let empty = format!("def main():\n    for i in range({TURNS}): pass\nmain()\n");
    group.bench_function("empty", |b| b.iter(|| execute(&empty)));
    for (name, setup, body) in WORK {
        let text = format!("def main():\n    {setup}\n    for i in range({TURNS}):\n        {body}\nmain()\n");
        group.bench_function(*name, |b| b.iter(|| execute(&text)));
    }
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
