//! The processes of a simulation: each has a lock of its own; all share the time, the baton, the events.
//!
//! A process ends at one moment of virtual time, whether by its own will or not: its threads are struck
//! from every table there and then, none of them gets the baton again, and who waits for the process
//! wakes. Its OS threads stay parked and its memory stays as it is, as in G6. What a process has started
//! ends with it, killed, as in the real world (`world/child.rs`).

use super::driver::{self, Record};
use super::events::{Ended, State};
use super::policy::LockPolicy;
use super::stats::LockStats;
use crate::trace;
use crate::world::deadlock::{Deadlock, Everybody};
use crate::world::{Nanos, ProcessId, Tid, WaitKey, WaitOn};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The exit code of a process that is killed: minus the number of SIGKILL.
const KILLED: i32 = -9;

/// One process: its lock and what counts for it alone.
pub struct Process {
    pub policy: Box<dyn LockPolicy>,
    /// The policy's slice, in its unit.
    pub interval: u64,
    /// Safe points left of the slice, where the policy counts them.
    pub points: u64,
    pub tally: LockStats,
    /// The pending `Lapse`: its moment and its number.
    pub lapse: Option<(Nanos, u64)>,
    pub last_owner: Option<Tid>,
    pub born: Nanos,
    /// A report for its main thread.
    pub deadlock: Option<Box<Deadlock>>,
    name: String,
    pub parent: Option<ProcessId>,
    main: Tid,
    /// Set when it has ended.
    exit_code: Option<i32>,
    contended_since: Option<Nanos>,
}

impl Process {
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    /// Keeps the counter of contention up to date.
    pub fn note_contention(&mut self, at: Nanos) {
        let contended = self.policy.holder().is_some() && self.policy.waiters() > 0;
        match (contended, self.contended_since) {
            (true, None) => self.contended_since = Some(at),
            (false, Some(since)) => {
                self.tally.contended_ns += at.saturating_sub(since);
                self.contended_since = None;
            }
            _ => {}
        }
    }

    /// Time during which the lock was held while somebody waited for it.
    pub fn contended(&self, at: Nanos) -> Nanos {
        self.tally.contended_ns + self.contended_since.map_or(0, |since| at.saturating_sub(since))
    }
}

impl State {
    /// A new process and its main thread, which does not want the lock yet.
    pub fn new_process(
        &mut self,
        name: &str,
        parent: Option<ProcessId>,
        (policy, interval, policy_name): (Box<dyn LockPolicy>, u64, &str),
        at: Nanos,
    ) -> Arc<Record> {
        let count = u32::try_from(self.processes.len()).expect("fewer than 2^32 processes in one run");
        let id = ProcessId(count + 1);
        if let Some(recorder) = self.roster.recorder() {
            recorder.process(trace::recording::Process {
                pid: id.0,
                parent: parent.map_or(0, |p| p.0),
                name: name.to_string(),
                policy: policy_name.to_string(),
                interval_us: interval,
                born: at,
            });
        }
        let record = self.enroll(id, "MainThread", false, at);
        self.processes.push(Process {
            points: policy.points(),
            policy,
            interval,
            tally: LockStats::default(),
            lapse: None,
            last_owner: Some(record.tid),
            born: at,
            deadlock: None,
            name: name.to_string(),
            parent,
            main: record.tid,
            exit_code: None,
            contended_since: None,
        });
        record
    }

    pub fn exit_code(&self, id: ProcessId) -> Option<i32> {
        self.processes.get(id.index())?.exit_code
    }

    /// The main thread of a process, which is what one waits for when one waits for its end.
    pub fn main_of(&self, id: ProcessId) -> Option<Tid> {
        self.processes.get(id.index()).map(|p| p.main)
    }

    /// Ends a process and whatever it has started. Nothing happens if it has ended before.
    pub fn end_process(&mut self, id: ProcessId, code: i32, at: Nanos) {
        if self.processes.get(id.index()).is_none_or(|p| p.exit_code.is_some()) {
            return;
        }
        self.processes[id.index()].exit_code = Some(code);
        let children = (1..).map(ProcessId).zip(&self.processes);
        let children: Vec<ProcessId> = children.filter(|(_, p)| p.parent == Some(id)).map(|(c, _)| c).collect();
        for child in children {
            self.end_process(child, KILLED, at);
        }
        let threads: Vec<Tid> = self.roster.iter().filter(|r| r.process == id).map(|r| r.tid).collect();
        for t in threads {
            self.waits.remove(t);
            self.roster.remove(t, at);
        }
        let process = &mut self.processes[id.index()];
        process.lapse = None;
        let main = process.main;
        self.wake(WaitKey::Process(id), usize::MAX, at);
        // What it had open is closed: who waits for a message looks again.
        let waits = self.waits.iter().filter(|(_, e)| matches!(e.on, WaitOn::Message { .. }));
        let keys: Vec<WaitKey> = waits.filter_map(|(_, e)| e.on.key()).collect();
        for key in keys {
            self.wake(key, usize::MAX, at);
        }
        self.look_for_deadlock(main, at);
    }

    /// How messages call a thread: with its process as soon as there are several.
    pub fn full_name(&self, t: Tid) -> String {
        let name = self.roster.name(t);
        if self.processes.len() == 1 { name } else { format!("{}/{name}", self.process(t).name) }
    }

    /// After `t` began to wait or ended: can everybody else still go on? A process whose threads all wait
    /// for each other is told so itself. What no process can end (each waits for another one) is told to
    /// the first process.
    pub fn look_for_deadlock(&mut self, t: Tid, at: Nanos) {
        let id = self.process_of(t);
        let names = |u| self.full_name(u);
        let own = self.roster.deadlock(&self.waits, (id, t), at, &names);
        let (report, to) = match own {
            Some(report) if self.processes.len() > 1 => {
                (Deadlock { within: Some(self.process(t).name.clone()), ..report }, id)
            }
            Some(report) => (report, id),
            None if self.arrivals == 0 && self.roster.all_stuck(&self.waits) => {
                (self.nobody_can_go_on(at), ProcessId::MAIN)
            }
            None => return,
        };
        let report = Deadlock { simulated: Some((at, self.seed())), ..report };
        if report.certain {
            return self.tell(report, to, at);
        }
        if !std::mem::replace(&mut self.warned, true) {
            self.warning = Some(report);
        }
    }

    fn nobody_can_go_on(&self, at: Nanos) -> Deadlock {
        let names = |u| self.full_name(u);
        Deadlock::read(&self.waits, &names, at, &[], Some(Everybody { within: None }), true)
    }

    /// The heap is empty and threads are alive. The counts find every deadlock earlier, when the last
    /// wait begins; this is the same statement from the other side.
    pub fn nothing_left(&mut self, at: Nanos) {
        assert!(self.waits.get(Tid::MAIN).is_some(), "no event left, but the main thread could run");
        let report = self.nobody_can_go_on(at);
        self.tell(Deadlock { simulated: Some((at, self.seed())), ..report }, ProcessId::MAIN, at);
    }

    /// Hands a report to the main thread of a process.
    fn tell(&mut self, report: Deadlock, to: ProcessId, at: Nanos) {
        let process = &mut self.processes[to.index()];
        process.deadlock = Some(Box::new(report));
        let main = process.main;
        if self.waits.remove(main).is_some() {
            self.end_wait(main, Ended::Deadlocked, at);
            self.settle(main, at);
        } else if let Some(main) = self.roster.get(main) {
            main.breaker.fetch_or(driver::DEADLOCK, Relaxed);
        }
    }
}
