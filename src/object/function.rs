//! Functions, builtin functions, bound methods, generators.

use super::heap::Ref;
use super::kind::Trace;
use super::name::Name;
use super::types::{trace_all, traces_fields};
use super::value::Value;

/// A script function: bound code, defaults, captured cells.
pub struct Function {
    /// A `CodeObj`.
    pub code: Ref,
    /// The `Module` whose names are its globals.
    pub module: Ref,
    /// Tuple of defaults for the last positional parameters, or None.
    pub defaults: Value,
    /// Dict of defaults for keyword-only parameters, or None.
    pub kwdefaults: Value,
    /// Cells, in the order of the code's captures.
    pub closure: Box<[Value]>,
    pub name: Name,
    pub qualname: Box<str>,
    pub doc: Value,
    /// Dict of annotations as text, or None.
    pub annotations: Value,
    /// Attributes set by scripts (`f.calls = 0`), as (name, value).
    pub attrs: Vec<(Name, Value)>,
}

impl Trace for Function {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        f(&self.code);
        f(&self.module);
        trace_all(&self.closure, f);
        for v in [&self.defaults, &self.kwdefaults, &self.doc, &self.annotations] {
            trace_all(std::slice::from_ref(v), f);
        }
        for (_, v) in &self.attrs {
            trace_all(std::slice::from_ref(v), f);
        }
    }
    fn clear(&mut self) {
        self.closure = Box::new([]);
        self.defaults = Value::None;
        self.kwdefaults = Value::None;
        self.attrs.clear();
    }
}

/// A builtin function: a row of the native table, and what it is bound to (`Unbound` when to nothing).
pub struct Native {
    /// Index into the interpreter's row of natives.
    pub row: u32,
    pub this: Value,
}

/// A function with its first argument.
pub struct Method {
    pub func: Value,
    pub this: Value,
}

traces_fields! {
    Native { this }
    Method { func, this }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GenState {
    /// Not yet started: its registers hold the arguments.
    Created,
    Suspended,
    Running,
    Done,
}

/// A suspended script frame. While it runs, its registers lie on the thread's stack and `regs` is empty.
pub struct Generator {
    pub func: Value,
    pub regs: Box<[Value]>,
    /// Where to go on.
    pub pc: u32,
    /// The register that receives the value sent in.
    pub dst: u16,
    pub state: GenState,
    /// The exception being handled inside the frame when it was suspended.
    pub handled: Value,
    /// What it waits for in `yield from`, or Unbound.
    pub delegate: Value,
    pub name: Name,
    pub qualname: Box<str>,
}

impl Trace for Generator {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        trace_all(&self.regs, f);
        for v in [&self.func, &self.handled, &self.delegate] {
            trace_all(std::slice::from_ref(v), f);
        }
    }
    fn clear(&mut self) {
        self.regs = Box::new([]);
        drop(self.func.take());
        drop(self.handled.take());
        drop(self.delegate.take());
        self.state = GenState::Done;
    }
}
