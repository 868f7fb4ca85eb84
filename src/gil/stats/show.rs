//! The counters as text and as data for programs.

use super::{Cause, Spread, Stats, ThreadStats};
use crate::gil::policy::{Unit, slice_text};
use crate::world::{Nanos, WaitKind};
use serde_json::{Value, json};
use std::fmt::Write;

impl Stats {
    /// The same as data for programs.
    pub fn json(&self) -> Value {
        let threads: Vec<_> = self.threads.iter().map(thread_json).collect();
        let l = &self.lock;
        json!({
            "policy": self.policy,
            "interval_us": self.unit.interval(self.interval_us),
            "check_interval": self.unit.checks(self.interval_us),
            "simulated": self.simulated,
            "elapsed_ns": self.elapsed_ns,
            "contention": self.contention(),
            "threads": threads,
            "lock": {
                "acquires": l.acquires, "held_ns": l.held_ns, "free_ns": self.free_ns(),
                "contended_ns": l.contended_ns, "handovers": l.handovers, "retakes": l.acquires - l.handovers,
                "released": causes(&l.released), "requests_set": l.requests_set,
                "requests_honoured": l.requests_honoured, "failed": l.failed,
                "forced_waits": l.forced_waits, "stops": l.stops,
                "wait_ns": spread_json(&l.waits), "slice_ns": spread_json(&l.slices),
            },
        })
    }

    /// The table that `--stats` prints.
    pub fn render(&self) -> String {
        let world = if self.simulated { "virtual" } else { "real" };
        let interval = match self.unit {
            Unit::None => String::new(),
            unit => format!("{}, ", slice_text(unit, self.interval_us)),
        };
        let elapsed = seconds(self.elapsed_ns);
        let mut text = format!("lock policy {}, {interval}{elapsed} s of {world} time\n\n", self.policy);
        let head = ["thread", "running", "holding", "waiting", "native", "blocked"];
        let tail = ["lock %", "block", "request", "yield", "longest wait", "longest hold"];
        let head = head.iter().chain(&tail).map(|h| h.to_string()).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        let share = |ns: Nanos| format!("{:.1}", 100.0 * ns as f64 / self.elapsed_ns.max(1) as f64);
        for t in &self.threads {
            let mut row = vec![t.name.clone()];
            let times = [t.running_ns, t.holding_ns, t.waiting_ns + t.starting_ns, t.native_ns, t.blocked_all_ns()];
            row.extend(times.map(seconds));
            row.push(share(t.held_ns()));
            row.extend(t.released[..3].iter().map(u64::to_string));
            row.extend([t.wait_ns_max, t.slice_ns_max].map(seconds));
            rows.push(row);
        }
        table(&mut text, &rows);
        let l = &self.lock;
        let _ = write!(
            text,
            "\nlock held {} % of the time; contention {} %: so long others waited for it\n\
             taken {} times, {} switches; requests {} set, {} honoured\n\
             {} waiters woken in vain, {} forced switches, {} stops at safe points\n",
            share(l.held_ns),
            share(l.contended_ns),
            l.acquires,
            l.handovers,
            l.requests_set,
            l.requests_honoured,
            l.failed,
            l.forced_waits,
            l.stops
        );
        for (what, spread) in [("waits for the lock", &l.waits), ("slices", &l.slices)] {
            let [p50, p99] = spread.quantiles([0.5, 0.99]);
            let _ = writeln!(
                text,
                "{what}: {}, p50 {} ms, p99 {} ms",
                spread.count(),
                milliseconds(p50),
                milliseconds(p99)
            );
        }
        text
    }
}

fn causes(released: &[u64; 4]) -> Value {
    let rows = Cause::WORDS.iter().zip(released);
    Value::Object(rows.map(|(word, n)| (word.to_string(), (*n).into())).collect())
}

fn spread_json(spread: &Spread) -> Value {
    let [p50, p99] = spread.quantiles([0.5, 0.99]);
    json!({ "count": spread.count(), "p50": p50, "p99": p99, "max": spread.top() })
}

fn thread_json(t: &ThreadStats) -> Value {
    let kinds = WaitKind::ALL.iter().zip(t.blocked_ns);
    let blocked: serde_json::Map<String, Value> =
        kinds.map(|(kind, ns)| (kind.word().to_string(), ns.into())).collect();
    let [p50, p99] = t.wait_spread.quantiles([0.5, 0.99]);
    json!({
        "name": t.name, "threads": t.threads, "lifetime_ns": t.lifetime_ns,
        "starting_ns": t.starting_ns, "running_ns": t.running_ns, "holding_ns": t.holding_ns,
        "waiting_ns": t.waiting_ns, "native_ns": t.native_ns, "blocked_ns": blocked,
        "acquires": t.acquires, "switches": t.switches, "released": causes(&t.released), "requests": t.requests,
        "failed": t.failed, "forced_waits": t.forced_waits, "stops": t.stops, "waits": t.waits(),
        "wait_ns_p50": p50, "wait_ns_p99": p99, "wait_ns_max": t.wait_ns_max,
        "slice_ns": spread_json(&t.slices), "slice_ns_max": t.slice_ns_max,
    })
}

fn seconds(ns: Nanos) -> String {
    format!("{:.3}", ns as f64 / 1e9)
}

fn milliseconds(ns: Nanos) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

/// Writes rows with the first column to the left and the others to the right.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let w = widths[c];
            let _ = if c == 0 { write!(line, "{cell:w$}") } else { write!(line, "  {cell:>w$}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
