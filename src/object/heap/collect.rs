//! The cycle collector: trial deletion over the list of nodes.
//!
//! Source: Bacon and Rajan, "Concurrent Cycle Collection in Reference Counted Systems", ECOOP 2001, in
//! the synchronous form that CPython's `gcmodule.c` uses: subtract from each node's count the references
//! that come from other nodes; what is left over comes from registers and natives; what those cannot
//! reach is dead. It runs at a safe point, with all other threads at safe points and no object open (H3).
//! With the lock off that is the world standing still (`Held::alone`). Every reference in a register is counted, so registers need no scan.
#![allow(unsafe_code)]

use super::{COLLECT_AFTER, HeapRoot, LOCAL, Local, Ref, WANTS_COLLECTION, ask, clear_payload, trace_payload};
use crate::gil::{Held, Still, off};
use hashbrown::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

type Counts = HashMap<usize, u32, foldhash::fast::FixedState>;

/// When the last collection was, for threads that did not make it.
#[derive(Default)]
pub(super) struct Census {
    collections: AtomicU32,
    enough: AtomicUsize,
}

fn begin_anew(l: &Local, collections: u32, enough: usize) {
    l.made.set(0);
    l.enough.set(enough);
    l.collections.set(collections);
}

/// This thread has made as many nodes as it may before a collection: it asks for one, unless another
/// thread has made one meanwhile.
#[cold]
pub(super) fn enough(l: &Local) {
    if let Some(census) = &*l.census.borrow()
        && off()
    {
        let number = census.collections.load(Relaxed);
        if number != l.collections.get() {
            return begin_anew(l, number, census.enough.load(Relaxed).max(COLLECT_AFTER));
        }
    }
    ask(l, WANTS_COLLECTION);
}

impl HeapRoot {
    /// Frees what only dead cycles refer to; says how many nodes that were.
    pub fn collect(&self, held: &mut Held) -> usize {
        held.alone(|alone| self.collect_alone(alone))
    }

    fn collect_alone(&self, held: &Still) -> usize {
        let mut outside: Counts = HashMap::default();
        self.for_each(held, |r| {
            if !r.is_immortal() {
                outside.insert(r.address(), r.count());
            }
        });
        self.for_each(held, |r| {
            if !r.is_immortal() {
                trace_payload(r, &mut |to| {
                    if let Some(n) = outside.get_mut(&to.address()) {
                        *n = n.saturating_sub(1);
                    }
                });
            }
        });
        let mut work: Vec<Ref> = Vec::new();
        self.for_each(held, |r| {
            if r.is_immortal() || outside.get(&r.address()).is_some_and(|n| *n > 0) {
                work.push(r.clone());
            }
        });
        for r in &work {
            outside.remove(&r.address());
        }
        while let Some(r) = work.pop() {
            trace_payload(&r, &mut |to| {
                if outside.remove(&to.address()).is_some() {
                    work.push(to.clone());
                }
            });
        }
        let mut dead: Vec<Ref> = Vec::new();
        self.for_each(held, |r| {
            if outside.contains_key(&r.address()) {
                dead.push(r.clone());
            }
        });
        for r in &dead {
            clear_payload(r);
        }
        LOCAL.with(|l| {
            let enough = COLLECT_AFTER.max(self.live(held));
            self.census.enough.store(enough, Relaxed);
            let number = self.census.collections.fetch_add(1, Relaxed) + 1;
            begin_anew(l, number, enough);
        });
        dead.len()
    }
}
