//! Frames: what a call in progress needs to go on.

use crate::bytecode::Instr;
use crate::object::code::CodeObj;

/// What happens when a frame returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// The result goes to the caller's register `dst`, the loop goes on with the caller.
    Script,
    /// The result leaves the loop: this frame was entered from Rust.
    Entry,
    /// `__init__` of a new instance: the result must be None, the instance goes to `dst`.
    Init,
    /// As `Init`, entered from Rust.
    InitEntry,
    /// A generator's frame, entered from Rust; register `func_at` holds the generator.
    Generator,
}

impl FrameKind {
    /// Does its return leave the loop?
    pub fn is_entry(self) -> bool {
        matches!(self, FrameKind::Entry | FrameKind::InitEntry | FrameKind::Generator)
    }
}

/// A call in progress. The code is kept alive by the function in the register below register 0.
#[derive(Clone, Copy)]
pub struct Frame {
    pub code: *const CodeObj,
    /// The code's first instruction: a return then need not ask the code for it.
    pub first: *const Instr,
    /// Index of the instruction that runs or, in a caller, of the call.
    pub pc: u32,
    /// Stack index of register 0; the function lies one below, and everything from there to `top` is
    /// unset at return. The new instance of an `Init` frame waits in `Thread::inits`.
    pub base: u32,
    /// The thread's `top` before this frame, restored when it goes.
    pub below: u32,
    /// Stack index in the caller that receives the result.
    pub dst: u32,
    pub kind: FrameKind,
}

impl Frame {
    pub fn func_at(&self) -> u32 {
        self.base - 1
    }
}
