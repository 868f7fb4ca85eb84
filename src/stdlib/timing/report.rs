//! Where the time of a region went, in words.

use super::judge::Noise;
use super::{Part, Spent, waited_for_others};
use crate::gil::stats::Line;
use crate::world::{Nanos, WaitKind, sched};
use std::fmt::Write;

const BAR: usize = 42;
/// Threads shown one by one; the rest is counted.
const THREADS_MAX: usize = 12;

fn s(ns: Nanos) -> String {
    format!("{:.3} s", ns as f64 / 1e9)
}

/// What a thread did, longest first: how long, what, where.
fn rows(part: &Part) -> Vec<(Nanos, &'static str, String)> {
    let t = &part.stats;
    // What waiting for a core took is counted by the lock's books as running, or as waiting for the lock.
    let mut rows = vec![
        (t.running_ns, "ran", String::new()),
        (t.holding_ns, "held the lock in a native", String::new()),
        (t.waiting_ns + t.starting_ns, "waited for the lock", String::new()),
        (t.native_ns, "computed off the lock", String::new()),
    ];
    for (kind, ns) in WaitKind::ALL.iter().zip(t.blocked_ns) {
        rows.push((ns, said(*kind), lines(&t.lines, *kind)));
    }
    let sum: Nanos = rows.iter().map(|r| r.0).sum();
    rows.push((t.lifetime_ns.saturating_sub(sum), "unaccounted", String::new()));
    rows.retain(|r| r.0 > 0);
    rows.sort_by_key(|r| std::cmp::Reverse(r.0));
    rows
}

fn said(kind: WaitKind) -> &'static str {
    match kind {
        WaitKind::Sleep => "slept",
        WaitKind::Lock | WaitKind::RLock => "waited for a script lock",
        WaitKind::Message => "waited for a message",
        WaitKind::Response => "waited for an HTTP server",
        WaitKind::Permit => "waited for a lock of several processes",
        WaitKind::Condition => "waited for a condition",
        WaitKind::Semaphore => "waited for a semaphore",
        WaitKind::Event => "waited for an event",
        WaitKind::Barrier => "waited at a barrier",
        WaitKind::Queue => "waited for a queue",
        WaitKind::Future => "waited for a future",
        WaitKind::Loop => "had no task to run",
        WaitKind::Join => "joined threads",
        WaitKind::Io => "waited for data",
        WaitKind::Accept => "waited for a connection",
        WaitKind::Connect => "waited to be connected",
        WaitKind::Receive => "waited for data of a socket",
        WaitKind::Send => "waited for room in a socket",
        WaitKind::Ready => "waited for descriptors",
        WaitKind::Resolve => "looked up a name",
        WaitKind::File => "waited for a file",
        WaitKind::Child => "waited for a process",
    }
}

/// `boil() line 9, then fry() line 14`, longest first.
fn lines(all: &[Line], kind: WaitKind) -> String {
    let mut some: Vec<&Line> = all.iter().filter(|l| l.kind == kind && l.ns > 0).collect();
    some.sort_by_key(|l| std::cmp::Reverse(l.ns));
    let shown: Vec<String> = some.iter().take(4).map(|l| format!("{} ({})", l.place, s(l.ns))).collect();
    let more = if some.len() > 4 { format!(" and {} more lines", some.len() - 4) } else { String::new() };
    shown.join(", ") + &more
}

fn head(out: &mut String, what: &str, spent: &Spent, wanted: &str) {
    let digits = if spent.simulated { format!("{:.9} s", spent.took as f64 / 1e9) } else { s(spent.took) };
    let _ = writeln!(out, "timing {what}: {}:{}  expected {wanted}, took {digits}", spent.place.file, spent.place.line);
}

/// The report of a bound that was missed.
pub fn failed(spent: &Spent, wanted: &str) -> String {
    let mut out = String::new();
    head(&mut out, "failed", spent, wanted);
    if let Some(own) = spent.threads.first() {
        let _ = writeln!(out, "\n  where the {} went (the thread that measured)", s(spent.took));
        for (ns, what, lines) in rows(own) {
            let _ = writeln!(out, "    {:>10}  {}", s(ns), format!("{what:<26}{lines}").trim_end());
        }
        let noise = match spent.noise {
            Noise::Known(noise) => format!("(noise: {}; the machine is not the cause)", s(noise)),
            Noise::Unknown { .. } => "(this kernel does not count it)".to_string(),
        };
        if !spent.simulated {
            let _ = writeln!(out, "    {:>10}  {:<26}{noise}", s(own.delay_ns), "waited for a core");
        }
    }
    threads(&mut out, spent);
    for line in likely(spent) {
        let _ = writeln!(out, "  likely: {line}");
    }
    out.trim_end().to_string()
}

fn threads(out: &mut String, spent: &Spent) {
    let _ = writeln!(out, "  threads");
    let width = spent.threads.iter().take(THREADS_MAX).map(|p| p.stats.name.chars().count()).max().unwrap_or(0);
    for part in spent.threads.iter().take(THREADS_MAX) {
        let rows = rows(part);
        let all: Nanos = rows.iter().map(|r| r.0).sum();
        let long = (BAR as u128 * u128::from(all) / u128::from(spent.took.max(1))).min(BAR as u128) as usize;
        let mut words: Vec<String> = rows.iter().take(4).map(|(ns, what, _)| format!("{what} {}", s(*ns))).collect();
        if part.delay_ns > 0 {
            words.push(format!("waited for a core {}", s(part.delay_ns)));
        }
        let _ = writeln!(out, "    {:<width$}  {:<BAR$}  {}", part.stats.name, "#".repeat(long), words.join(", "));
    }
    match spent.threads.len() {
        0 | 1 => out.push_str("    (no other thread ran)\n"),
        n if n > THREADS_MAX => {
            let _ = writeln!(out, "    and {} more", n - THREADS_MAX);
        }
        _ => {}
    }
}

/// Shapes that are recognised: each is a share of the whole time.
fn likely(spent: &Spent) -> Vec<String> {
    let much = |ns: Nanos| ns > spent.took / 5;
    let mut found = Vec::new();
    let slept = |p: &Part| p.stats.blocked_ns[WaitKind::Sleep as usize];
    if let [only] = &spent.threads[..]
        && slept(only) > spent.took / 5 * 4
    {
        let calls = only.stats.lines.iter().filter(|l| l.kind == WaitKind::Sleep && l.ns > 0).count();
        if calls > 1 {
            found.push(
                "the calls ran one after the other in one thread; if threads were meant, run() may have been \
                 called instead of start()"
                    .to_string(),
            );
        }
    }
    let lost: Nanos = spent.threads.iter().map(|p| p.stats.waiting_ns).sum();
    for p in spent.threads.iter().filter(|p| much(p.stats.holding_ns)) {
        if much(lost) {
            found.push(format!(
                "{} kept the lock inside a native for {} while others waited for it",
                p.stats.name,
                s(p.stats.holding_ns)
            ));
        }
    }
    let computing = spent.threads.iter().filter(|p| much(p.stats.running_ns)).count();
    if computing > 1 && much(lost) {
        found.push(format!("{computing} threads compute under one lock: they take turns and gain nothing"));
    }
    found
}

/// The report of a bound whose miss the machine may explain.
pub fn inconclusive(spent: &Spent, wanted: &str) -> String {
    let mut out = String::new();
    head(&mut out, "inconclusive", spent, wanted);
    match spent.noise {
        Noise::Known(noise) => {
            let _ = writeln!(out, "    {} of it our threads were ready but the OS ran something else", s(noise));
            let _ = writeln!(out, "    {}; without it: {}", sched::load(), s(spent.took.saturating_sub(noise)));
        }
        Noise::Unknown { .. } => {
            let _ = writeln!(
                out,
                "    the kernel does not say how long threads waited for a core, and the machine is busy"
            );
            let _ = writeln!(out, "    {}", sched::load());
        }
    }
    if let Some(own) = spent.threads.first() {
        let _ = writeln!(
            out,
            "    {} waited for a core itself, and for other threads {}",
            s(own.delay_ns),
            s(waited_for_others(&own.stats))
        );
    }
    out.trim_end().to_string()
}
