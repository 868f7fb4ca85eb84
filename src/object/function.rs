//! Functions, builtin functions, bound methods, generators.

use super::heap::Ref;
use super::kind::Trace;
use super::name::Name;
use super::ty::TypeId;
use super::types::{trace_all, traces_fields};
use super::value::Value;
use crate::bytecode::CodeFlags;

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

/// What a suspended frame belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GenKind {
    Generator,
    Coroutine,
    AsyncGenerator,
}

impl GenKind {
    pub fn of(flags: CodeFlags) -> GenKind {
        match (flags.generator, flags.coroutine) {
            (true, true) => GenKind::AsyncGenerator,
            (false, true) => GenKind::Coroutine,
            _ => GenKind::Generator,
        }
    }
    /// As messages name it.
    pub fn text(self) -> &'static str {
        match self {
            GenKind::Generator => "generator",
            GenKind::Coroutine => "coroutine",
            GenKind::AsyncGenerator => "async generator",
        }
    }
    pub fn type_id(self) -> TypeId {
        match self {
            GenKind::Generator => TypeId::Generator,
            GenKind::Coroutine => TypeId::Coroutine,
            GenKind::AsyncGenerator => TypeId::AsyncGenerator,
        }
    }
}

/// A suspended script frame. While it runs, its registers lie on the thread's stack and those here are unset.
pub struct Generator {
    pub func: Value,
    /// The function's code when the generator was made.
    pub code: Ref,
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
    pub kind: GenKind,
    /// Asynchronous generators: an `__anext__`, `asend`, `athrow` or `aclose` of it is under way.
    pub busy: bool,
    /// Asynchronous generators: over, or being closed.
    pub closed: bool,
    /// Asynchronous generators: the thread's event loop knows of it.
    pub hooked: bool,
}

impl Trace for Generator {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        f(&self.code);
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

/// What an `Awaiter` does when it is driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Await {
    /// `coroutine.__await__()`: drives the coroutine itself.
    Coroutine,
    /// `__anext__()` and `asend(arg)` of an asynchronous generator.
    Send,
    /// `athrow(arg)`.
    Throw,
    Close,
    /// `anext(it, arg)`: `of` is what `__anext__()` gave, `arg` the answer at the end.
    Default,
    /// `asyncio.sleep(of, arg)`: hands itself out, or None where `of` is at most 0; the task that waits for it
    /// then takes the place of the delay in `of`, until the moment has come. The result is `arg`.
    Sleep,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AwaitState {
    New,
    Begun,
    Over,
}

/// What `await` delegates to where the language makes the awaitable: an operation on a generator.
pub struct Awaiter {
    pub what: Await,
    pub state: AwaitState,
    pub of: Value,
    pub arg: Value,
}

traces_fields! {
    Awaiter { of, arg }
}
