//! The virtual machine: threads, frames, the loop, and everything that may run script code.
//!
//! A `Thread` has one register stack that never moves and a row of frames; a frame is data. Script
//! functions call each other without recursion in Rust (run.rs); a native that must call script code
//! (`sorted(key=f)`, `__eq__` from a dict) does so through `call.rs`, with no object open.
//!
//! R1: every register at or above the top frame's `top` is unset. R2: a counted reference in a register
//! is the register's own; windows are moved, not copied, and unset after the call. R3: an error is an
//! exception in `Thread::raised` and the mark `Raised` on the way out: whoever makes the mark has set it.
//! R4: registers and frames have their full capacity from the start and grow only within it (rows.rs), so a
//! register's address holds while the thread lives. R5: no object is open and no slice of registers alive across anything
//! that takes `&mut Thread`. R6: a look and what is done because of it are one opening, or what was seen is
//! looked at again in the opening that relies on it: with the lock off anything may happen between two.
//!
//! Here too is how natives are declared and called (native.rs): their rows are in `stdlib`.
//! Not here: modules and methods (`stdlib`), who holds the lock (`gil`).

mod anchors;
mod asynchronous;
pub mod attr;
pub mod bind;
pub mod call;
mod call_native;
pub mod children;
pub mod class;
pub mod errors;
pub mod exception_group;
mod explain;
mod format_exception;
pub mod frame;
pub mod generator;
mod hooks;
pub mod import;
pub mod interp;
mod introspect;
mod late;
mod linearize;
mod lookup;
pub mod make;
pub mod names;
mod names_dict;
pub mod native;
pub mod ops;
pub mod pipes;
pub mod report;
mod rows;
pub mod run;
pub mod set_attr;
mod slots;
pub mod statements;
pub mod thread;
mod top_level;
pub mod traceback;

pub use interp::Interp;
pub use native::{Call, NativeFn, NativeRow, Next};
pub use thread::{Raised, Res, Thread};
