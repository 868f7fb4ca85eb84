//! The threads of one run: who is alive, and what the finished ones leave behind in the counters.

use super::driver::{self, RecordOf};
use super::stats::{ThreadStats, bump};
use crate::trace::{Event, Log, Recorder};
use crate::world::deadlock::{Deadlock, Everybody};
use crate::world::sync::{Sync, Word};
use crate::world::wait_table::WaitTable;
use crate::world::{Nanos, ProcessId, Proof, Tid};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Finished threads that keep a row of their own in the statistics; later ones are summed up in one.
const GONE_ROWS: usize = 256;

pub struct Roster<S: Sync> {
    /// By `Tid`; `None` once the thread has ended.
    threads: Vec<Option<Arc<RecordOf<S>>>>,
    /// By `ProcessId`.
    processes: Vec<Group>,
    /// With `--trace`: where threads get their logs, and the log of the locks.
    recorder: Option<(Arc<Recorder>, Arc<Log>)>,
}

/// The threads of one process.
#[derive(Default)]
struct Group {
    live: usize,
    gone: Vec<(Tid, ThreadStats)>,
}

impl<S: Sync> Default for Roster<S> {
    fn default() -> Self {
        Roster { threads: Vec::new(), processes: Vec::new(), recorder: None }
    }
}

impl<S: Sync> Roster<S> {
    /// Records from now on; before the first thread.
    pub fn record(&mut self, recorder: Option<&Arc<Recorder>>) {
        self.recorder = recorder.map(|r| (r.clone(), r.lock()));
    }

    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref().map(|(recorder, _)| &**recorder)
    }

    /// The holder is asked to let go; `by` waits for that.
    pub fn ask(&self, holder: Tid, by: Option<Tid>, now: Nanos) {
        let Some(record) = self.get(holder) else { return };
        record.breaker.fetch_or(driver::DROP, Relaxed);
        bump(&record.account.requests, 1);
        if let Some((_, log)) = &self.recorder {
            log.record(now, Event::Requested { holder: holder.0, by: by.map_or(0, |t| t.0 + 1) });
        }
    }

    /// A new thread; the first one of a process is its main thread.
    pub fn add(&mut self, process: ProcessId, name: &str, daemon: bool, now: Nanos) -> Arc<RecordOf<S>> {
        let tid = Tid(u32::try_from(self.threads.len()).expect("fewer than 2^31 threads in one run"));
        let main = process.index() == self.processes.len();
        if main {
            self.processes.push(Group::default());
        }
        let log = self.recorder.as_ref().map(|(r, _)| r.thread(process.index() as u32, tid.0, name));
        let record = RecordOf::new(tid, (process, main), name, daemon, now, log);
        record.account.trace(now, |_| Event::Started {});
        self.threads.push(Some(record.clone()));
        self.processes[process.index()].live += 1;
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
        record.account.trace(now, |_| Event::Exited {});
        let group = &mut self.processes[record.process.index()];
        group.live -= 1;
        let stats = record.account.read(&record.name, now);
        if group.gone.len() < GONE_ROWS {
            group.gone.push((t, stats));
        } else if let Some((_, rest)) = group.gone.last_mut() {
            rest.merge(&stats);
        }
    }

    pub fn name(&self, t: Tid) -> String {
        if let Some(record) = self.get(t) {
            return record.name.clone();
        }
        let gone = self.processes.iter().flat_map(|p| &p.gone).find(|(u, _)| *u == t);
        gone.map_or_else(|| format!("thread {}", t.0), |(_, stats)| stats.name.clone())
    }

    /// One row per thread of a process in order of creation.
    pub fn stats(&self, process: ProcessId, now: Nanos) -> Vec<ThreadStats> {
        let mut rows: Vec<(Tid, ThreadStats)> = self.processes[process.index()].gone.clone();
        let live = self.iter().filter(|r| r.process == process);
        rows.extend(live.map(|r| (r.tid, r.account.read(&r.name, now))));
        rows.sort_by_key(|(t, _)| *t);
        rows.into_iter().map(|(t, stats)| ThreadStats { tid: t.0, ..stats }).collect()
    }

    /// After `t` began to wait or ended: can all others of its process still go on? A report that is not
    /// `certain` is a suspicion: a cycle through plain locks beside live threads.
    pub fn deadlock(
        &self,
        waits: &WaitTable,
        (process, t): (ProcessId, Tid),
        now: Nanos,
        names: &dyn Fn(Tid) -> String,
    ) -> Option<Deadlock> {
        let live = self.processes[process.index()].live;
        let all = live > 0 && waits.stuck(process) == live;
        // Who waits for a plain lock of its own waits for another thread to release it: a handshake.
        let cycle = waits.cycle(t).filter(|(path, proof)| path.len() > 1 || *proof == Proof::Cycle);
        if cycle.is_none() && !all {
            return None;
        }
        let certain = all || matches!(cycle, Some((_, Proof::Cycle)));
        let path = cycle.map(|(path, _)| path).unwrap_or_default();
        let everybody = all.then_some(Everybody { within: Some(process) });
        Some(Deadlock::read(waits, names, now, &path, everybody, certain))
    }

    /// Whether no thread of any process can go on. Right only where all processes are seen: in simulation.
    pub fn all_stuck(&self, waits: &WaitTable) -> bool {
        let processes = (1..).map(ProcessId).zip(&self.processes);
        let (live, stuck) = processes.fold((0, 0), |(l, s), (id, p)| (l + p.live, s + waits.stuck(id)));
        live > 0 && stuck + waits.across() == live
    }
}
