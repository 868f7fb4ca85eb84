//! What the child processes of a run counted, added up.
//!
//! Each process has a lock of its own, so the sums are over locks: switches, requests, waits, the time that somebody
//! waited while another thread had the lock. A process that is killed counts for nothing.

use super::{Config, Outcome, parts};
use crate::gil::Stats;
use crate::gil::stats::Spread;
use crate::world::{Nanos, host};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The sums.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub processes: u64,
    pub cpu_ns: Nanos,
    /// How long they ran, all together.
    pub elapsed_ns: Nanos,
    pub switches: u64,
    pub requests: u64,
    pub contended_ns: Nanos,
    pub longest_wait_ns: Nanos,
    pub waits: Spread,
}

impl Counts {
    /// Those of one process.
    pub fn of(stats: &Stats, cpu_ns: Nanos) -> Counts {
        Counts {
            processes: 1,
            cpu_ns,
            elapsed_ns: stats.elapsed_ns,
            switches: stats.lock.handovers,
            requests: stats.lock.requests_set,
            contended_ns: stats.lock.contended_ns,
            longest_wait_ns: stats.threads.iter().map(|t| t.wait_ns_max).max().unwrap_or(0),
            waits: stats.lock.waits.clone(),
        }
    }

    pub fn add(&mut self, other: &Counts) {
        self.processes += other.processes;
        self.cpu_ns += other.cpu_ns;
        self.elapsed_ns += other.elapsed_ns;
        self.switches += other.switches;
        self.requests += other.requests;
        self.contended_ns += other.contended_ns;
        self.longest_wait_ns = self.longest_wait_ns.max(other.longest_wait_ns);
        self.waits.add(&other.waits);
    }

    pub fn json(&self) -> Json {
        json!({
            "processes": self.processes,
            "cpu_ns": self.cpu_ns,
            "elapsed_ns": self.elapsed_ns,
            "switches": self.switches,
            "requests": self.requests,
            "contended_ns": self.contended_ns,
            "longest_wait_ns": self.longest_wait_ns,
            "waits": self.waits.rows(),
        })
    }

    fn read(bytes: &[u8]) -> Option<Counts> {
        let j: Json = serde_json::from_slice(bytes).ok()?;
        let n = |key: &str| j[key].as_u64();
        let row = |n: &Json| n.as_u64().and_then(|n| u32::try_from(n).ok());
        Some(Counts {
            processes: n("processes")?,
            cpu_ns: n("cpu_ns")?,
            elapsed_ns: n("elapsed_ns")?,
            switches: n("switches")?,
            requests: n("requests")?,
            contended_ns: n("contended_ns")?,
            longest_wait_ns: n("longest_wait_ns")?,
            waits: Spread::of_rows(j["waits"].as_array()?.iter().map(row).collect::<Option<_>>()?),
        })
    }
}

/// A folder for the counters of one run's children.
pub fn folder() -> PathBuf {
    parts::folder("counts")
}

/// A child's last act, if its parent wants to know.
pub fn leave(config: &Config, outcome: &Outcome) -> std::io::Result<()> {
    /// Processes of a simulation share the number of the real one.
    static LEFT: AtomicU32 = AtomicU32::new(0);
    let (Some(folder), Some(stats)) = (&config.counts, &outcome.stats) else { return Ok(()) };
    let name = format!("{}-{}", host::process_id(), LEFT.fetch_add(1, Relaxed));
    parts::leave(folder, &name, Counts::of(stats, outcome.cpu_ns).json().to_string().as_bytes())
}

/// The sum over the children of a run that has ended.
pub fn gather(folder: &Path) -> std::io::Result<Counts> {
    let mut sum = Counts::default();
    parts::gather(folder, |_, bytes| {
        if let Some(counts) = Counts::read(&bytes) {
            sum.add(&counts);
        }
    })?;
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use crate::gil::stats::Spread;

    #[test]
    fn they_travel_and_add_up() {
        let one = Counts {
            processes: 1,
            cpu_ns: 2,
            elapsed_ns: 3,
            switches: 4,
            requests: 5,
            contended_ns: 6,
            longest_wait_ns: 7,
            waits: Spread::of_rows(vec![0, 8]),
        };
        let mut sum = Counts::read(one.json().to_string().as_bytes()).unwrap();
        sum.add(&Counts { longest_wait_ns: 9, waits: Spread::of_rows(vec![1, 2, 3]), ..one });
        assert_eq!((sum.processes, sum.switches, sum.longest_wait_ns), (2, 8, 9));
        assert_eq!(sum.waits.rows(), [1, 10, 3]);
        assert!(Counts::read(b"{}").is_none());
    }
}
