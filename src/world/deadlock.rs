//! What a deadlock report says: who waits for what, held by whom, at which line.

use super::wait_table::WaitTable;
use super::{Nanos, Place, ProcessId, Tid, WaitKind};
use std::fmt::{self, Write};

/// One thread that cannot go on.
#[derive(Clone, PartialEq, Debug)]
pub struct Stuck {
    pub tid: Tid,
    pub name: String,
    /// What it does, in words: `wants  lock "fork"`, `joins  waiter-1`.
    pub wants: String,
    /// Who holds it, where that is known.
    pub held_by: Option<String>,
    /// What it holds that others of this report want.
    pub holds: Vec<String>,
    pub place: Option<Place>,
    pub waited: Nanos,
}

/// Every waiting thread there is, or all of one process.
#[derive(Clone, Copy, Debug)]
pub struct Everybody {
    pub within: Option<ProcessId>,
}

/// Threads that wait for each other for ever.
#[derive(Clone, PartialEq, Debug)]
pub struct Deadlock {
    pub threads: Vec<Stuck>,
    /// A cycle by names, `a -> "fork" -> b -> "knife" -> a`; empty if owners are not known.
    pub cycle: String,
    /// How many of `threads`, the first ones, form the cycle.
    pub in_cycle: usize,
    /// All live threads are stuck, not only those of a cycle.
    pub all: bool,
    /// Certain, or only suspected (a cycle through plain locks beside live threads).
    pub certain: bool,
    /// In a simulation of several processes: the one whose threads these are, if they are of one.
    pub within: Option<String>,
    /// In simulation: the virtual moment and the seed.
    pub simulated: Option<(Nanos, Option<u64>)>,
}

impl Deadlock {
    /// Reads the report off the table. `cycle` holds the threads of a cycle found by `WaitTable::cycle`;
    /// `all` adds every other waiter, or those of one process.
    pub fn read(
        table: &WaitTable,
        names: &dyn Fn(Tid) -> String,
        now: Nanos,
        cycle: &[Tid],
        all: Option<Everybody>,
        certain: bool,
    ) -> Deadlock {
        let mut tids: Vec<Tid> = cycle.to_vec();
        if let Some(Everybody { within }) = all {
            let others = table.iter().filter(|(_, e)| within.is_none_or(|p| p == e.process));
            tids.extend(others.map(|(t, _)| t).filter(|t| !cycle.contains(t)));
        }
        let threads = tids
            .iter()
            .filter_map(|&t| {
                let entry = table.get(t)?;
                let holds = tids.iter().filter(|&&u| table.owner_for(u) == Some(t));
                let holds = holds
                    .filter_map(|&u| table.get(u))
                    .filter(|e| !matches!(e.on.kind(), WaitKind::Join | WaitKind::Child));
                let mut holds: Vec<String> = holds.map(|e| thing(e.on.kind(), e.on.name())).collect();
                holds.dedup();
                let join = matches!(entry.on.kind(), WaitKind::Join | WaitKind::Child);
                let owner = table.owner_for(t).map(names);
                Some(Stuck {
                    tid: t,
                    name: names(t),
                    wants: match (entry.on.kind(), &owner) {
                        (WaitKind::Join | WaitKind::Child, Some(owner)) => format!("joins  {owner}"),
                        (WaitKind::Lock | WaitKind::RLock, _) => {
                            format!("wants  {}", thing(entry.on.kind(), entry.on.name()))
                        }
                        (kind, _) => format!("waits  for {}", thing(kind, entry.on.name())),
                    },
                    held_by: owner.filter(|_| !join),
                    holds,
                    place: entry.place.clone(),
                    waited: now.saturating_sub(entry.since),
                })
            })
            .collect();
        Deadlock {
            threads,
            cycle: cycle_text(table, names, cycle),
            in_cycle: cycle.len(),
            all: all.is_some(),
            certain,
            within: None,
            simulated: None,
        }
    }
}

fn thing(kind: WaitKind, name: &str) -> String {
    if !name.is_empty() {
        return format!("{} \"{name}\"", kind.word());
    }
    if kind == WaitKind::Child {
        return "another process".to_string();
    }
    let article = if kind == WaitKind::Event { "an" } else { "a" };
    format!("{article} {}", kind.word())
}

fn cycle_text(table: &WaitTable, names: &dyn Fn(Tid) -> String, cycle: &[Tid]) -> String {
    let mut text = String::new();
    for &t in cycle {
        let _ = write!(text, "{} -> ", names(t));
        if let Some(entry) = table.get(t).filter(|e| !e.on.name().is_empty()) {
            let _ = write!(text, "\"{}\" -> ", entry.on.name());
        }
    }
    if let Some(&first) = cycle.first() {
        text.push_str(&names(first));
    }
    text
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = if self.in_cycle > 0 { self.in_cycle } else { self.threads.len() };
        match (self.certain, n) {
            (true, 1) if self.in_cycle > 0 => write!(f, "deadlock: a thread waits for what it holds itself")?,
            (true, 1) => write!(f, "deadlock: the only thread left waits for ever")?,
            (true, _) if self.cycle.is_empty() => write!(f, "deadlock: all {n} threads wait for ever")?,
            (true, _) => write!(f, "deadlock: {n} threads wait for each other")?,
            (false, 1) => write!(f, "possible deadlock: a thread waits for a lock that it holds itself")?,
            (false, _) => write!(f, "possible deadlock: {n} threads wait for each other's locks")?,
        }
        if let Some(process) = &self.within {
            write!(f, " in {process}")?;
        }
        if let Some((at, seed)) = self.simulated {
            write!(f, " (virtual time {} s", Seconds(at))?;
            if let Some(seed) = seed {
                write!(f, ", seed {seed}")?;
            }
            f.write_char(')')?;
        }
        f.write_str("\n\n")?;
        let width = self.threads.iter().map(|t| t.name.len()).max().unwrap_or(0);
        for t in &self.threads {
            write!(f, "  {:width$}  {}", t.name, t.wants)?;
            if let Some(holder) = &t.held_by {
                write!(f, "  held by {holder}")?;
            }
            if let Some(place) = &t.place {
                write!(f, "  {place}")?;
            }
            writeln!(f, "  waiting {:.1} s", t.waited as f64 / 1e9)?;
            for held in &t.holds {
                writeln!(f, "  {:width$}  holds  {held}", "")?;
            }
        }
        if !self.cycle.is_empty() {
            write!(f, "\n  cycle: {}\n", self.cycle)?;
        }
        Ok(())
    }
}

/// Nanoseconds as seconds with all digits, grouped: `3.000 214 000`, trailing groups of zeros left out.
struct Seconds(Nanos);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.0 % 1_000_000_000;
        write!(f, "{}.{:03}", self.0 / 1_000_000_000, rest / 1_000_000)?;
        if !rest.is_multiple_of(1_000_000) {
            write!(f, " {:03}", rest / 1000 % 1000)?;
        }
        if !rest.is_multiple_of(1000) {
            write!(f, " {:03}", rest % 1000)?;
        }
        Ok(())
    }
}
