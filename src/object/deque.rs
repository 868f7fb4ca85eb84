//! The payload of `collections.deque`: items in a ring, so both ends cost the same.

use super::heap::Ref;
use super::kind::Trace;
use super::types::{Attrs, trace_all};
use super::value::Value;
use std::collections::VecDeque;

#[derive(Default)]
pub struct Deque {
    pub items: VecDeque<Value>,
    /// How many items it holds at most: one more pushes out one at the other end.
    pub max: Option<usize>,
    /// Another number after each change of length or order: iterators compare it with what they began with.
    pub version: u64,
    pub attrs: Attrs,
}

impl Deque {
    /// Adds at the right; gives what was pushed out, which must die with the deque closed.
    #[inline]
    pub fn push(&mut self, v: Value) -> Option<Value> {
        self.version += 1;
        self.items.push_back(v);
        if self.max.is_some_and(|max| self.items.len() > max) { self.items.pop_front() } else { None }
    }
    pub fn pop_left(&mut self) -> Option<Value> {
        let first = self.items.pop_front();
        self.version += u64::from(first.is_some());
        first
    }
    /// Adds at the left, as `push`.
    #[inline]
    pub fn push_left(&mut self, v: Value) -> Option<Value> {
        self.version += 1;
        self.items.push_front(v);
        if self.max.is_some_and(|max| self.items.len() > max) { self.items.pop_back() } else { None }
    }
}

impl Trace for Deque {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        let (left, right) = self.items.as_slices();
        trace_all(left, f);
        trace_all(right, f);
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.items = VecDeque::new();
        self.attrs.clear();
    }
}
