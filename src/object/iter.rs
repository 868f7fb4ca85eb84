//! The builtin iterators, one payload for all: the state that `next` moves on.

use super::heap::Ref;
use super::kind::Trace;
use super::tools::Tool;
use super::types::{Part, trace_all};
use super::value::Value;
use num_bigint::BigInt;

/// Where an iterator stands. `Done` is final: an exhausted iterator stays exhausted.
pub enum Iter {
    Done,
    List {
        list: Ref,
        at: usize,
    },
    Tuple {
        tuple: Ref,
        at: usize,
    },
    /// `at` is a byte offset.
    Str {
        text: Ref,
        at: usize,
    },
    Bytes {
        bytes: Ref,
        at: usize,
    },
    Range {
        next: i64,
        left: i64,
        step: i64,
    },
    /// Of a range beyond 64 bits: next, how many are left, step.
    LongRange(Box<[BigInt; 3]>),
    /// `at` items have been given; `version` is the deque's at the start.
    Deque {
        deque: Ref,
        at: usize,
        version: u64,
        reversed: bool,
    },
    /// The iterators of `itertools`.
    Tool(Box<Tool>),
    /// `size` is the dict's at the start; another size later is a RuntimeError.
    Dict {
        dict: Ref,
        part: Part,
        at: usize,
        size: usize,
        reversed: bool,
    },
    Set {
        set: Ref,
        at: usize,
        size: usize,
    },
    Enumerate {
        inner: Value,
        count: Value,
    },
    Zip {
        inner: Vec<Value>,
        strict: bool,
    },
    Map {
        func: Value,
        inner: Vec<Value>,
    },
    Filter {
        func: Value,
        inner: Value,
    },
    /// By `__getitem__` and falling index; `at` counts down from the length.
    Reversed {
        seq: Value,
        at: i64,
    },
    /// By `__getitem__` and rising index, until IndexError.
    Sequence {
        seq: Value,
        at: i64,
    },
    /// `iter(callable, sentinel)`.
    Calls {
        func: Value,
        sentinel: Value,
    },
}

impl Trace for Iter {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        let one = std::slice::from_ref;
        match self {
            Iter::Done | Iter::Range { .. } | Iter::LongRange(_) => {}
            Iter::Deque { deque, .. } => f(deque),
            Iter::Tool(tool) => tool.trace(f),
            Iter::List { list: r, .. } | Iter::Tuple { tuple: r, .. } | Iter::Str { text: r, .. } => f(r),
            Iter::Bytes { bytes: r, .. } | Iter::Dict { dict: r, .. } | Iter::Set { set: r, .. } => f(r),
            Iter::Enumerate { inner: a, count: b }
            | Iter::Filter { func: a, inner: b }
            | Iter::Calls { func: a, sentinel: b } => {
                trace_all(one(a), f);
                trace_all(one(b), f);
            }
            Iter::Zip { inner, .. } => trace_all(inner, f),
            Iter::Map { func, inner } => {
                trace_all(one(func), f);
                trace_all(inner, f);
            }
            Iter::Reversed { seq, .. } | Iter::Sequence { seq, .. } => trace_all(one(seq), f),
        }
    }
    fn clear(&mut self) {
        *self = Iter::Done;
    }
}
