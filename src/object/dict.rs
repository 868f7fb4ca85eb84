//! The payload of dict.

use super::heap::Ref;
use super::kind::Trace;
use super::pure::pydict::PyDict;
use super::types::{Attrs, trace_all};
use super::value::Value;

#[derive(Default)]
pub struct Dict {
    pub table: PyDict<Value, Value>,
    pub attrs: Attrs,
}

impl Trace for Dict {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        for (k, v) in self.table.iter() {
            trace_all(std::slice::from_ref(k), f);
            trace_all(std::slice::from_ref(v), f);
        }
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.table = PyDict::default();
        self.attrs.clear();
    }
}
