//! The iterators of `itertools`: what each has to remember between two items.
//!
//! A value that is not there (no item yet, nothing more to come) is `Unbound`.

use super::heap::Ref;
use super::kind::Trace;
use super::ty::TypeId;
use super::types::trace_all;
use super::value::Value;
use std::collections::VecDeque;

/// How the places of `Choice` move on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choose {
    Product,
    Permutations,
    Combinations,
    WithReplacement,
}

/// Rows of items chosen from pools, in lexicographic order of their places.
pub struct Choice {
    pub how: Choose,
    /// One pool for each place of a product, one for all places of the others.
    pub pools: Vec<Vec<Value>>,
    pub places: Vec<usize>,
    /// Of permutations: how many turns each place still has.
    pub turns: Vec<usize>,
    pub begun: bool,
    pub ended: bool,
}

pub enum Tool {
    Count {
        next: Value,
        step: Value,
    },
    Repeat {
        item: Value,
        left: Option<u64>,
    },
    Cycle {
        inner: Value,
        saved: Vec<Value>,
        at: usize,
    },
    Chain {
        outer: Value,
        inner: Value,
    },
    Accumulate {
        inner: Value,
        func: Value,
        total: Value,
        initial: Value,
    },
    Compress {
        data: Value,
        selectors: Value,
    },
    DropWhile {
        func: Value,
        inner: Value,
        begun: bool,
    },
    TakeWhile {
        func: Value,
        inner: Value,
    },
    FilterFalse {
        func: Value,
        inner: Value,
    },
    Starmap {
        func: Value,
        inner: Value,
    },
    /// `at` items have been taken from `inner`; the one at `next` is wanted.
    Slice {
        inner: Value,
        at: u64,
        next: u64,
        stop: u64,
        step: u64,
    },
    Pairwise {
        inner: Value,
        old: Value,
    },
    Longest {
        inner: Vec<Value>,
        fill: Value,
    },
    Choice(Choice),
    /// `item` and `key` are the newest of `inner`; `group` numbers the group that was given last, `target` is its key.
    GroupBy {
        inner: Value,
        func: Value,
        item: Value,
        key: Value,
        target: Value,
        group: u64,
    },
    /// Group `group` of `parent`.
    Grouper {
        parent: Value,
        key: Value,
        group: u64,
    },
    /// The iterator `place` over `source`.
    Tee {
        source: Value,
        place: usize,
    },
    /// Items that some of the iterators have not had yet: the first has number `first`; where each stands.
    TeeSource {
        inner: Value,
        waiting: VecDeque<Value>,
        first: u64,
        places: Vec<u64>,
    },
}

impl Tool {
    pub fn type_id(&self) -> TypeId {
        match self {
            Tool::Count { .. } => TypeId::Count,
            Tool::Repeat { .. } => TypeId::Repeat,
            Tool::Cycle { .. } => TypeId::Cycle,
            Tool::Chain { .. } => TypeId::Chain,
            Tool::Accumulate { .. } => TypeId::Accumulate,
            Tool::Compress { .. } => TypeId::Compress,
            Tool::DropWhile { .. } => TypeId::DropWhile,
            Tool::TakeWhile { .. } => TypeId::TakeWhile,
            Tool::FilterFalse { .. } => TypeId::FilterFalse,
            Tool::Starmap { .. } => TypeId::Starmap,
            Tool::Slice { .. } => TypeId::ISlice,
            Tool::Pairwise { .. } => TypeId::Pairwise,
            Tool::Longest { .. } => TypeId::ZipLongest,
            Tool::Choice(c) => match c.how {
                Choose::Product => TypeId::Product,
                Choose::Permutations => TypeId::Permutations,
                Choose::Combinations => TypeId::Combinations,
                Choose::WithReplacement => TypeId::CombinationsWithReplacement,
            },
            Tool::GroupBy { .. } => TypeId::GroupBy,
            Tool::Grouper { .. } => TypeId::Grouper,
            Tool::Tee { .. } => TypeId::Tee,
            Tool::TeeSource { .. } => TypeId::TeeSource,
        }
    }
}

impl Trace for Tool {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        let mut all = |values: &[&Value]| {
            for v in values {
                if let Value::Obj(r) = v {
                    f(r);
                }
            }
        };
        match self {
            Tool::Count { next: a, step: b }
            | Tool::Chain { outer: a, inner: b }
            | Tool::Compress { data: a, selectors: b }
            | Tool::DropWhile { func: a, inner: b, .. }
            | Tool::TakeWhile { func: a, inner: b }
            | Tool::FilterFalse { func: a, inner: b }
            | Tool::Starmap { func: a, inner: b }
            | Tool::Grouper { parent: a, key: b, .. }
            | Tool::Pairwise { inner: a, old: b } => all(&[a, b]),
            Tool::Repeat { item: a, .. } | Tool::Slice { inner: a, .. } | Tool::Tee { source: a, .. } => all(&[a]),
            Tool::Accumulate { inner, func, total, initial } => all(&[inner, func, total, initial]),
            Tool::GroupBy { inner, func, item, key, target, .. } => all(&[inner, func, item, key, target]),
            Tool::Cycle { inner, saved, .. } => {
                all(&[inner]);
                trace_all(saved, f);
            }
            Tool::Longest { inner, fill } => {
                all(&[fill]);
                trace_all(inner, f);
            }
            Tool::Choice(c) => c.pools.iter().for_each(|pool| trace_all(pool, f)),
            Tool::TeeSource { inner, waiting, .. } => {
                all(&[inner]);
                let (left, right) = waiting.as_slices();
                trace_all(left, f);
                trace_all(right, f);
            }
        }
    }
    /// Never called: the iterator that holds it becomes `Done`.
    fn clear(&mut self) {}
}

impl Choice {
    /// The next row.
    pub fn next_row(&mut self) -> Option<Vec<Value>> {
        if self.ended {
            return None;
        }
        if self.begun && !advance(self) {
            self.ended = true;
            return None;
        }
        self.begun = true;
        let row = |(i, at): (usize, &usize)| {
            let pool = if self.how == Choose::Product { &self.pools[i] } else { &self.pools[0] };
            pool[*at].clone()
        };
        let wanted = if self.how == Choose::Permutations { self.turns.len() } else { self.places.len() };
        Some(self.places[..wanted].iter().enumerate().map(row).collect())
    }
}

/// Moves the places on to the next row; false if there is none.
fn advance(c: &mut Choice) -> bool {
    let n = c.pools.first().map_or(0, Vec::len);
    let r = c.places.len();
    match c.how {
        Choose::Product => {
            for i in (0..r).rev() {
                c.places[i] += 1;
                if c.places[i] < c.pools[i].len() {
                    return true;
                }
                c.places[i] = 0;
            }
            false
        }
        Choose::Combinations => match (0..r).rev().find(|&i| c.places[i] != i + n - r) {
            Some(i) => {
                c.places[i] += 1;
                for j in i + 1..r {
                    c.places[j] = c.places[j - 1] + 1;
                }
                true
            }
            None => false,
        },
        Choose::WithReplacement => match (0..r).rev().find(|&i| c.places[i] + 1 != n) {
            Some(i) => {
                let next = c.places[i] + 1;
                c.places[i..].fill(next);
                true
            }
            None => false,
        },
        Choose::Permutations => {
            for i in (0..c.turns.len()).rev() {
                c.turns[i] -= 1;
                if c.turns[i] == 0 {
                    c.places[i..].rotate_left(1);
                    c.turns[i] = n - i;
                } else {
                    let j = n - c.turns[i];
                    c.places.swap(i, j);
                    return true;
                }
            }
            false
        }
    }
}
