//! The payload of an event loop's agenda: what is ready, and what is to be at a moment.

use super::heap::Ref;
use super::kind::Trace;
use super::types::trace_all;
use super::value::Value;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

pub struct Agenda {
    /// The class of tasks that are driven here; anything else on the agenda is a handle.
    pub task_class: Value,
    /// Called with a handle whose turn it is.
    pub run_handle: Value,
    /// Called with a callback that has raised, its future and the error.
    pub callback_raised: Value,
    pub ready: VecDeque<Value>,
    pub timers: BinaryHeap<Timer>,
    /// Of the next timer: of those due at one moment the older one is first.
    pub number: u64,
    /// Timers that were cancelled and are still listed.
    pub cancelled: usize,
    /// The task that runs now, or None.
    pub current: Value,
    /// `run` comes back after each round.
    pub halted: bool,
    /// Where tasks of a shape have the fields that a step needs.
    pub fields: (u32, [u32; 3]),
}

/// What becomes ready at a moment of the loop's clock, in seconds.
pub struct Timer {
    pub when: f64,
    pub number: u64,
    pub item: Value,
}

impl Ord for Timer {
    /// The heap gives its greatest: that is the earliest.
    fn cmp(&self, other: &Timer) -> Ordering {
        other.when.total_cmp(&self.when).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Timer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Timer) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}

impl Agenda {
    pub fn at(&mut self, when: f64, item: Value) {
        self.number += 1;
        self.timers.push(Timer { when, number: self.number, item });
    }
}

impl Trace for Agenda {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        let (left, right) = self.ready.as_slices();
        trace_all(left, f);
        trace_all(right, f);
        self.timers.iter().filter_map(|t| t.item.as_ref()).for_each(&mut *f);
        [&self.task_class, &self.run_handle, &self.callback_raised, &self.current]
            .into_iter()
            .filter_map(|v| v.as_ref())
            .for_each(f);
    }
    fn clear(&mut self) {
        self.ready.clear();
        self.timers.clear();
        drop((self.task_class.take(), self.run_handle.take(), self.callback_raised.take(), self.current.take()));
    }
}
