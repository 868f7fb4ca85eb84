//! THE table of what a sweep measures of each run, whatever the script reports beside it.

use crate::engine::Better;
use crate::engine::counts::Counts;
use crate::world::Nanos;

/// What a run leaves behind, for the rows to read.
pub struct Ended {
    /// From the script's first instruction to the end of its last thread.
    pub wall_ns: Nanos,
    /// The counters of its process and of all that it started.
    pub all: Counts,
}

/// One figure.
pub struct Figure {
    /// In JSON and CSV, where times are seconds.
    pub key: &'static str,
    /// Over the column.
    pub title: &'static str,
    pub unit: &'static str,
    /// What a value is multiplied by to be shown in `unit`.
    pub scale: f64,
    /// Counts of switches and requests are neither good nor bad.
    pub better: Option<Better>,
    pub read: fn(&Ended) -> f64,
}

fn seconds(ns: Nanos) -> f64 {
    ns as f64 / 1e9
}

/// The figures, in the order of the columns.
pub const FIGURES: &[Figure] = &[
    Figure {
        key: "wall_s",
        title: "wall",
        unit: "s",
        scale: 1.0,
        better: Some(Better::Lower),
        read: |e| seconds(e.wall_ns),
    },
    Figure {
        key: "cpu_s",
        title: "CPU",
        unit: "s",
        scale: 1.0,
        better: Some(Better::Lower),
        read: |e| seconds(e.all.cpu_ns),
    },
    Figure { key: "switches", title: "switches", unit: "", scale: 1.0, better: None, read: |e| e.all.switches as f64 },
    Figure { key: "requests", title: "requests", unit: "", scale: 1.0, better: None, read: |e| e.all.requests as f64 },
    Figure {
        key: "contention",
        title: "contention",
        unit: "%",
        scale: 1e2,
        better: Some(Better::Lower),
        read: |e| e.all.contended_ns as f64 / e.all.elapsed_ns.max(1) as f64,
    },
    Figure {
        key: "wait_p50_s",
        title: "wait p50",
        unit: "ms",
        scale: 1e3,
        better: Some(Better::Lower),
        read: |e| seconds(e.all.waits.quantiles([0.5])[0]),
    },
    Figure {
        key: "wait_p99_s",
        title: "wait p99",
        unit: "ms",
        scale: 1e3,
        better: Some(Better::Lower),
        read: |e| seconds(e.all.waits.quantiles([0.99])[0]),
    },
    Figure {
        key: "longest_wait_s",
        title: "longest wait",
        unit: "ms",
        scale: 1e3,
        better: Some(Better::Lower),
        read: |e| seconds(e.all.longest_wait_ns),
    },
];
