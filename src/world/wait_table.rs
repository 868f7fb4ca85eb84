//! The wait table: who waits for what, since when, until when. Plain data under the driver's mutex.

use super::{EndedBy, Nanos, Place, ProcessId, Proof, Tid, WaitKey, WaitOn};
use foldhash::quality::FixedState;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// One thread's wait.
#[derive(Clone, Debug)]
pub struct Entry {
    pub process: ProcessId,
    pub on: WaitOn,
    pub since: Nanos,
    pub until: Option<Nanos>,
    pub place: Option<Place>,
    sequence: u64,
}

impl Entry {
    /// Who alone can end it (W3).
    pub fn ended_by(&self) -> EndedBy {
        if self.until.is_some() { EndedBy::Moment } else { self.on.kind().ended_by() }
    }

    /// Only another thread of its process can end it.
    pub fn stuck(&self) -> bool {
        self.ended_by() == EndedBy::Thread
    }
}

#[derive(Default)]
pub struct WaitTable {
    /// Read in no particular order; `iter` sorts.
    entries: HashMap<Tid, Entry, FixedState>,
    /// Waiters of each key, oldest first. A sleep has no key, so that ten thousand sleepers do not
    /// stand in each other's way.
    queues: BTreeMap<(WaitKey, u64), Tid>,
    /// Invariant: a key stands here only while somebody waits for it (W4).
    owners: BTreeMap<WaitKey, Tid>,
    /// By process: waits that only its own threads can end.
    stuck: Vec<usize>,
    /// Waits that only another process can end.
    across: usize,
    registered: u64,
}

impl WaitTable {
    pub fn register(
        &mut self,
        (process, t): (ProcessId, Tid),
        on: WaitOn,
        since: Nanos,
        until: Option<Nanos>,
        place: Option<Place>,
    ) {
        self.registered += 1;
        if let Some(key) = on.key() {
            self.queues.insert((key, self.registered), t);
            match on.owner() {
                Some(owner) => drop(self.owners.insert(key, owner)),
                None => drop(self.owners.remove(&key)),
            }
        }
        let entry = Entry { process, on, since, until, place, sequence: self.registered };
        self.count(&entry, 1);
        let before = self.entries.insert(t, entry);
        debug_assert!(before.is_none(), "W1: {t:?} waits already");
    }

    /// Ends a wait; the caller who gets the entry has decided how (W1).
    pub fn remove(&mut self, t: Tid) -> Option<Entry> {
        let entry = self.entries.remove(&t)?;
        self.count(&entry, -1);
        if let Some(key) = entry.on.key() {
            self.queues.remove(&(key, entry.sequence));
            if self.first(key).is_none() {
                self.owners.remove(&key);
            }
        }
        Some(entry)
    }

    /// Ends the oldest wait for `key`.
    pub fn wake_one(&mut self, key: WaitKey) -> Option<Tid> {
        self.owners.remove(&key);
        let t = self.first(key)?;
        self.remove(t);
        Some(t)
    }

    fn first(&self, key: WaitKey) -> Option<Tid> {
        self.queues.range((key, 0)..=(key, u64::MAX)).next().map(|(_, t)| *t)
    }

    /// `t` has taken what others may still be waiting for.
    pub fn took(&mut self, key: WaitKey, t: Tid) {
        if self.first(key).is_some() {
            self.owners.insert(key, t);
        }
    }

    pub fn get(&self, t: Tid) -> Option<&Entry> {
        self.entries.get(&t)
    }

    /// All who wait, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = (Tid, &Entry)> {
        let mut all: Vec<_> = self.entries.iter().map(|(t, e)| (*t, e)).collect();
        all.sort_by_key(|(t, _)| *t);
        all.into_iter()
    }

    fn count(&mut self, entry: &Entry, by: isize) {
        let add = |n: &mut usize| *n = n.checked_add_signed(by).expect("each wait is counted once");
        match entry.ended_by() {
            EndedBy::Moment => {}
            EndedBy::Process => add(&mut self.across),
            EndedBy::Thread => {
                let at = entry.process.index();
                self.stuck.resize(self.stuck.len().max(at + 1), 0);
                add(&mut self.stuck[at]);
            }
        }
    }

    /// How many waits in this process only its own threads can end.
    pub fn stuck(&self, process: ProcessId) -> usize {
        self.stuck.get(process.index()).copied().unwrap_or(0)
    }

    /// How many waits only another process can end.
    pub fn across(&self) -> usize {
        self.across
    }

    /// Who owns what `t` waits for, if that is known now.
    pub fn owner_for(&self, t: Tid) -> Option<Tid> {
        let entry = self.entries.get(&t)?;
        match entry.on {
            WaitOn::Join { tid } => Some(tid),
            _ => self.owners.get(&entry.on.key()?).copied(),
        }
    }

    /// The cycle of waits through `from`, and what it proves.
    pub fn cycle(&self, from: Tid) -> Option<(Vec<Tid>, Proof)> {
        let mut path = vec![];
        let mut proof = Proof::Cycle;
        let mut at = from;
        loop {
            let entry = self.entries.get(&at)?;
            if !entry.stuck() || path.contains(&at) {
                return None;
            }
            if entry.on.kind().proof() != Proof::Cycle {
                proof = Proof::Suspicion;
            }
            path.push(at);
            at = self.owner_for(at)?;
            if at == from {
                return Some((path, proof));
            }
        }
    }
}
