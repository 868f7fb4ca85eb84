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
use crate::object::types::Derived;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// A collection that finds less than one dead node in so many was hardly worth it.
const SOME: usize = 16;

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

/// This thread has as many more nodes as it may have before a collection: it asks for one, unless another
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

/// The collector's mark of an object: 0 for what is not in question, else one more than the references to it that have
/// not been found in nodes. It is kept in the busy mark, which is 0 while no object is open (H3), and made 0 again.
fn mark(r: &Ref) -> u32 {
    r.header().busy.load(Relaxed)
}

fn set(r: &Ref, mark: u32) {
    r.header().busy.store(mark, Relaxed);
}

/// Marks a node that is met for the first time; says whether it is in question: what is immortal is not.
fn in_question(r: &Ref) -> bool {
    if r.is_immortal() {
        return false;
    }
    if mark(r) == 0 {
        set(r, 1 + r.count());
    }
    true
}

/// A node or value leads here.
fn found(to: &Ref, values: &mut Vec<Ref>) {
    if to.kind().is_node() && !in_question(to) {
        return;
    }
    match mark(to) {
        0 if !to.is_immortal() && Derived::at(to).is_some() => {
            set(to, to.count().max(1));
            values.push(to.clone());
        }
        0 | 1 => {}
        n => set(to, n - 1),
    }
}

/// What an object leads to, also if it is no node but an int, float, str or bytes of a script class.
fn trace_value(r: &Ref, f: &mut dyn FnMut(&Ref)) {
    match Derived::at(r) {
        Some(d) if !r.kind().is_node() => d.visit(f),
        _ => trace_payload(r, f),
    }
}

impl HeapRoot {
    /// Frees what only dead cycles refer to; says how many nodes that were.
    pub fn collect(&self, held: &mut Held) -> usize {
        held.alone(|alone| self.collect_alone(alone))
    }

    fn collect_alone(&self, held: &Still) -> usize {
        let mut nodes = 0;
        // Ints and texts of script classes: no nodes, but they lead to their class, and join when they are met.
        let mut values: Vec<Ref> = Vec::new();
        self.for_each(held, |r| {
            nodes += 1;
            if in_question(r) {
                trace_payload(r, &mut |to| found(to, &mut values));
            }
        });
        let mut at = 0;
        while at < values.len() {
            let value = values[at].clone();
            trace_value(&value, &mut |to| found(to, &mut values));
            at += 1;
        }
        let mut work: Vec<Ref> = Vec::new();
        let mut reach = |r: &Ref| {
            set(r, 0);
            work.push(r.clone());
            // At once, not all roots first: what an object leads to lies near it, most of the time.
            while let Some(r) = work.pop() {
                trace_value(&r, &mut |to| {
                    if mark(to) != 0 {
                        set(to, 0);
                        work.push(to.clone());
                    }
                });
            }
        };
        values.iter().filter(|v| mark(v) > 1).for_each(&mut reach);
        self.for_each(held, |r| {
            if r.is_immortal() || mark(r) > 1 {
                reach(r);
            }
        });
        let mut dead: Vec<Ref> = Vec::new();
        self.for_each(held, |r| {
            if mark(r) != 0 {
                set(r, 0);
                dead.push(r.clone());
            }
        });
        for v in &values {
            set(v, 0);
        }
        for r in &dead {
            clear_payload(r);
        }
        LOCAL.with(|l| {
            // As many more as are alive, or twice as many if this found next to nothing: the work stays in proportion.
            let alive = nodes - dead.len();
            let enough = COLLECT_AFTER.max(if dead.len() < nodes / SOME { 2 * alive } else { alive });
            self.census.enough.store(enough, Relaxed);
            let number = self.census.collections.fetch_add(1, Relaxed) + 1;
            begin_anew(l, number, enough);
        });
        dead.len()
    }
}
