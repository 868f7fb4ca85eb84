//! The payload of `queue.SimpleQueue`: items in order, and who waits for one.

use super::heap::Ref;
use super::kind::Trace;
use super::value::Value;
use std::collections::VecDeque;

pub struct SimpleQueue {
    /// The number of its wait key.
    pub key: u64,
    pub items: VecDeque<Value>,
    /// Threads between looking in vain and looking again: a put without any wakes nobody.
    pub waiting: u32,
}

impl Trace for SimpleQueue {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        self.items.iter().filter_map(Value::as_ref).for_each(f);
    }
    fn clear(&mut self) {
        self.items.clear();
    }
}
