//! Exceptions: payload, and the trail that a traceback is printed from.

use super::heap::Ref;
use super::kind::Trace;
use super::types::{Attrs, trace_all};
use super::value::Value;
use crate::bytecode::Code;
use std::sync::Arc;

/// One line of a traceback: the code and the instruction it had reached.
#[derive(Clone)]
pub struct TraceEntry {
    pub code: Arc<Code>,
    pub pc: u32,
}

pub struct Exception {
    /// Tuple.
    pub args: Value,
    pub cause: Value,
    pub context: Value,
    pub suppress_context: bool,
    /// Innermost frame first, as it is gathered while unwinding.
    pub trail: Vec<TraceEntry>,
    /// `StopIteration.value`, `SystemExit.code`, `AttributeError.name`, `OSError` fields: by class.
    pub extra: Vec<(super::name::Name, Value)>,
    /// List of notes or None.
    pub notes: Value,
    pub attrs: Attrs,
}

impl Trace for Exception {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        for v in [&self.args, &self.cause, &self.context, &self.notes] {
            trace_all(std::slice::from_ref(v), f);
        }
        for (_, v) in &self.extra {
            trace_all(std::slice::from_ref(v), f);
        }
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.cause = Value::None;
        self.context = Value::None;
        self.extra.clear();
        self.attrs.clear();
    }
}
