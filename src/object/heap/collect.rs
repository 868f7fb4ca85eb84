//! The cycle collector: trial deletion over the list of nodes.
//!
//! Source: Bacon and Rajan, "Concurrent Cycle Collection in Reference Counted Systems", ECOOP 2001, in
//! the synchronous form that CPython's `gcmodule.c` uses: subtract from each node's count the references
//! that come from other nodes; what is left over comes from registers and natives; what those cannot
//! reach is dead. It runs at a safe point of the one thread that holds the lock, with no object open
//! (H3). Every reference in a register is counted, so registers need no scan.
#![allow(unsafe_code)]

use super::{COLLECT_AFTER, HeapRoot, LOCAL, Ref, clear_payload, trace_payload};
use crate::gil::Held;
use hashbrown::HashMap;

type Counts = HashMap<usize, u32, foldhash::fast::FixedState>;

impl HeapRoot {
    /// Frees what only dead cycles refer to; says how many nodes that were.
    pub fn collect(&self, held: &Held) -> usize {
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
            l.made.set(0);
            l.enough.set(COLLECT_AFTER.max(self.live(held)));
        });
        dead.len()
    }
}
