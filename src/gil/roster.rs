//! The threads of one run: who is alive, and what the finished ones leave behind in the counters.

use super::driver::RecordOf;
use super::stats::ThreadStats;
use crate::world::deadlock::Deadlock;
use crate::world::sync::Sync;
use crate::world::wait_table::WaitTable;
use crate::world::{Nanos, Proof, Tid};
use std::sync::Arc;

/// Finished threads that keep a row of their own in the statistics; later ones are summed up in one.
const GONE_ROWS: usize = 256;

pub struct Roster<S: Sync> {
    /// By `Tid`; `None` once the thread has ended.
    threads: Vec<Option<Arc<RecordOf<S>>>>,
    live: usize,
    gone: Vec<(Tid, ThreadStats)>,
}

impl<S: Sync> Default for Roster<S> {
    fn default() -> Self {
        Roster { threads: Vec::new(), live: 0, gone: Vec::new() }
    }
}

impl<S: Sync> Roster<S> {
    pub fn add(&mut self, name: &str, daemon: bool, now: Nanos) -> Arc<RecordOf<S>> {
        let tid = Tid(u32::try_from(self.threads.len()).expect("fewer than 2^31 threads in one run"));
        let record = RecordOf::new(tid, name, daemon, now);
        self.threads.push(Some(record.clone()));
        self.live += 1;
        record
    }

    pub fn get(&self, t: Tid) -> Option<&Arc<RecordOf<S>>> {
        self.threads.get(t.0 as usize)?.as_ref()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<RecordOf<S>>> {
        self.threads.iter().flatten()
    }

    /// The thread ends, or never came to be.
    pub fn remove(&mut self, t: Tid, now: Nanos) {
        let Some(record) = self.threads.get_mut(t.0 as usize).and_then(Option::take) else {
            return;
        };
        self.live -= 1;
        let stats = record.account.read(&record.name, now);
        if self.gone.len() < GONE_ROWS {
            self.gone.push((t, stats));
        } else if let Some((_, rest)) = self.gone.last_mut() {
            rest.merge(&stats);
        }
    }

    pub fn name(&self, t: Tid) -> String {
        if let Some(record) = self.get(t) {
            return record.name.clone();
        }
        let gone = self.gone.iter().find(|(u, _)| *u == t);
        gone.map_or_else(|| format!("thread {}", t.0), |(_, stats)| stats.name.clone())
    }

    /// One row per thread in order of creation.
    pub fn stats(&self, now: Nanos) -> Vec<ThreadStats> {
        let mut rows: Vec<(Tid, ThreadStats)> = self.gone.clone();
        rows.extend(self.iter().map(|r| (r.tid, r.account.read(&r.name, now))));
        rows.sort_by_key(|(t, _)| *t);
        rows.into_iter().map(|(t, stats)| ThreadStats { tid: t.0, ..stats }).collect()
    }

    /// After `t` began to wait or ended: can everybody else still go on? A report that is not `certain`
    /// is a suspicion: a cycle through plain locks beside live threads.
    pub fn deadlock(&self, waits: &WaitTable, t: Tid, now: Nanos) -> Option<Deadlock> {
        let all = self.live > 0 && waits.stuck() == self.live;
        let cycle = waits.cycle(t);
        if cycle.is_none() && !all {
            return None;
        }
        let certain = all || matches!(cycle, Some((_, Proof::Cycle)));
        let path = cycle.map(|(path, _)| path).unwrap_or_default();
        Some(Deadlock::read(waits, &|u| self.name(u), now, &path, all, certain))
    }
}
