//! Values as bytes and back: what a process sends to another, and what `pickle` writes.
//!
//! A *frame* is a header, globals, roots, more globals (wire.rs has THE table of tags). The encoder walks
//! values depth first; each object gets a memo number at the moment at which the decoder can create it, so
//! shared identity and cycles come back as they were. Things of importable modules travel by name; `fork`
//! sends the functions and classes of `__main__` by value, with the globals that they can name.
//!
//! Code travels as {file name, source text, path of constants} and the receiver compiles the text again
//! through the importer. Not as bytecode: the verifier guards the loop against what the compiler can emit
//! wrongly, not against an adversary (it does not know which register holds an iterator or a namespace),
//! while text is checked by the whole front end, is smaller, and finds code that the receiver has already.
//!
//! Invariants:
//! - P1: the n-th object that the encoder remembers is the n-th that the decoder remembers. What can be
//!   filled after it is made is remembered before its contents, what cannot (tuples, bound methods) after
//!   them, and then says whether a cycle has made it already.
//! - P2: the decoder allocates in proportion to the frame, whatever the frame says, and ends every
//!   malformed frame with `pickle.UnpicklingError`; it never panics. It opens no object while it reads.
//! - P3: what a frame can make is what a script can make: counts of cells and defaults fit the code, and
//!   code of class bodies and comprehensions is nobody's function.
//! - P4: a global that cannot travel takes nothing of itself into the frame: bytes, memo and names are
//!   cut back to where they were, and the receiver's loads of that name say why.
//! - P5: functions and classes of `__main__` share one module dict in the receiver: its `__main__`.
//!
//! Source of the memo and of the texts of errors: CPython 3.11's `_pickle.c`; of what `fork` sends: the
//! names that code loads, as cloudpickle finds them.
//!
//! Not here: starting processes and channels (`world`), `multiprocessing` and `pickle` themselves
//! (`stdlib`). A frame can call what it names: it is for processes that trust each other, as pickle's is.

mod decode;
mod encode;
mod make;
mod objects;
mod parts;
mod reach;
mod sources;
pub mod wire;

pub use decode::decode;
pub use parts::Parts;

use crate::object::module::Module;
use crate::object::{Name, Value, name};
use crate::vm::thread::Raised;
use crate::vm::{Res, Thread};
use indexmap::IndexSet;

/// What travels by name, and how much of an exception goes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// `pickle`: functions and classes by name, modules not at all, exceptions without chain.
    Pickle,
    /// Between processes: as `Pickle`, and modules, chains of exceptions, tracebacks as text.
    Named,
    /// The snapshot of `fork`: as `Named`, and what has no importable name travels by value.
    Fork,
    /// To a worker that has got a snapshot: as `Named`, and what it has no name for travels by value.
    Task,
}

impl Mode {
    /// Functions and classes may travel by value.
    pub fn whole(self) -> bool {
        matches!(self, Mode::Fork | Mode::Task)
    }
}

/// The globals of `__main__` that a process has.
pub type Known = IndexSet<Name, foldhash::fast::FixedState>;

/// Values for a process that has the same modules, `__main__` among them.
pub fn encode(th: &mut Thread, roots: &[Value]) -> Res<Vec<u8>> {
    encode_as(th, roots, Mode::Named)
}

/// The same in another mode.
pub fn encode_as(th: &mut Thread, roots: &[Value], mode: Mode) -> Res<Vec<u8>> {
    encode::encode(th, roots, mode, Known::default()).map(|(parts, _)| parts.whole())
}

/// A value for a process that has these globals of `__main__`; `None`: as for `encode`.
pub fn message(th: &mut Thread, v: &Value, known: Option<&Known>) -> Res<Parts> {
    let (mode, known) = known.map_or((Mode::Named, Known::default()), |known| (Mode::Task, known.clone()));
    encode::encode(th, std::slice::from_ref(v), mode, known).map(|(parts, _)| parts)
}

/// Values with what of `__main__` they, or anything in it, can name: for a process that has not run the script.
pub fn snapshot(th: &mut Thread, roots: &[Value]) -> Res<Vec<u8>> {
    encode_as(th, roots, Mode::Fork)
}

/// The same, and the names of the globals that the process gets.
pub fn snapshot_and_names(th: &mut Thread, roots: &[Value]) -> Res<(Vec<u8>, Known)> {
    encode::encode(th, roots, Mode::Fork, Known::default()).map(|(parts, names)| (parts.whole(), names))
}

/// All globals of `__main__` by name: what a process has that imports the script.
pub fn main_names(th: &mut Thread) -> Known {
    let main = th.interp.modules.with(&th.held, |m| m.get(name::MAIN).and_then(|m| m.as_ref().cloned()));
    match main {
        Some(main) if main.is::<Module>() => {
            main.with::<Module, _>(&th.held, |m| m.names.iter().map(|(n, _)| n).collect())
        }
        _ => Known::default(),
    }
}

/// Raises `PicklingError` or `UnpicklingError`, which are classes of the module `pickle`.
#[cold]
pub fn raise_pickle(th: &mut Thread, class: &str, text: &str) -> Raised {
    let made = th.import("pickle", true).and_then(|m| {
        let class = th.get_attr(&m, Name::of(class))?;
        let text = th.str(text);
        th.call(&class, &[text])
    });
    match made {
        Ok(e) => th.raise_value(e),
        Err(e) => e,
    }
}
