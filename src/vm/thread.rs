//! A script thread: token, registers, frames, the exception in flight.

use super::interp::Interp;
use super::rows::{Frames, Registers, rows};
use crate::gil::Held;
use crate::object::{Ref, Value};
use crate::world::thread::{MAIN_STACK_BYTES, STACK_BYTES};
use std::sync::atomic::Ordering::Relaxed;

/// The mark that an exception is in flight (R3). Only errors.rs makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised(pub(super) ());

/// The result of whatever may raise.
pub type Res<T> = Result<T, Raised>;

/// Registers of the main thread: 128 MiB of address space, touched only as far as used. A script that
/// sets the recursion limit to a million gets there, unless its functions have many variables.
const MAIN_VALUES: usize = 1 << 23;
/// Registers of any other thread, unless the recursion limit was raised before it began.
const THREAD_VALUES: usize = 1 << 16;
/// Frames per register: what a row of frames has room for, whatever the recursion limit is set to.
const VALUES_PER_FRAME: usize = 8;

/// CPython's `sys.getrecursionlimit()`.
pub const RECURSION_LIMIT: u32 = 1000;
/// Levels of calls through natives and of nested data: 8 KiB of the system's stack each, 64 where nothing is optimized.
const LEVELS_PER_MIB: usize = if cfg!(debug_assertions) { 16 } else { 125 };

pub struct Thread {
    pub held: Held,
    pub interp: &'static Interp,
    pub(super) frames: Frames,
    pub(super) stack: Registers,
    pub(super) top: u32,
    /// New instances whose `__init__` runs, innermost last.
    pub(super) inits: Vec<Value>,
    /// Entries into the loop from Rust that have not returned; with the frames they count against `limit`.
    pub depth: u32,
    pub limit: u32,
    /// What `depth` may reach, whatever the limit: each level takes some of the system's stack.
    pub(super) depth_max: u32,
    /// Instructions cost simulated time.
    pub counting: bool,
    /// The exception in flight, else `Unbound` (R3).
    pub(super) raised: Value,
    /// The loop was left by a `yield`: taken by who resumed the generator, which may be running elsewhere by then.
    pub(super) yielded: bool,
    /// The exception being handled (`sys.exc_info`), else None.
    pub handled: Value,
    /// Objects whose repr is being made in this thread, against cycles.
    pub in_repr: Vec<Ref>,
    /// The script-level `Thread` object, set by `threading`.
    pub object: Value,
    /// What Ctrl-C calls at a safe point in place of raising KeyboardInterrupt there, else None.
    pub on_interrupt: Value,
    /// What is called with an asynchronous generator before its first step, and with one that nobody refers to any
    /// more (PEP 525), else None: an event loop's.
    pub generator_hooks: [Value; 2],
    /// The process must end with this exit code: set by the deadlock report, `exit` of a daemon.
    pub ending: Option<Ending>,
}

/// Why a thread unwinds without a script exception that `except` could catch.
#[derive(Clone, Debug)]
pub enum Ending {
    /// A daemon thread at the end of the program.
    Daemon,
    /// All threads wait for each other: the report has the words.
    Deadlock(String),
}

impl Thread {
    pub fn new(held: Held, interp: &'static Interp) -> Thread {
        interp.heap.enter(&held);
        let limit = interp.recursion_limit.load(Relaxed);
        let values = if held.is_main() || limit > RECURSION_LIMIT { MAIN_VALUES } else { THREAD_VALUES };
        let stack = if held.is_main() { MAIN_STACK_BYTES } else { STACK_BYTES };
        let depth_max = ((stack >> 20) * LEVELS_PER_MIB) as u32;
        let (stack, frames) = rows(values, values / VALUES_PER_FRAME);
        Thread {
            held,
            interp,
            frames,
            stack,
            top: 0,
            inits: Vec::new(),
            depth: 0,
            limit,
            depth_max,
            counting: false,
            raised: Value::Unbound,
            yielded: false,
            handled: Value::None,
            in_repr: Vec::new(),
            object: Value::None,
            on_interrupt: Value::None,
            generator_hooks: [Value::None, Value::None],
            ending: None,
        }
    }

    /// Index of the first register that nothing uses (R1).
    #[inline(always)]
    pub fn top(&self) -> u32 {
        self.top
    }

    /// Makes registers up to `top` exist, unset. False when the stack is full.
    #[inline(always)]
    pub(super) fn reserve(&mut self, top: u32) -> bool {
        top as usize <= self.stack.len() || self.grow(top as usize)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, top: usize) -> bool {
        let most = self.stack.capacity();
        if top > most {
            return false;
        }
        // A thread that calls little touches one page, one that calls deep comes here rarely.
        let new = (top + self.stack.len().clamp(64, 512)).min(most);
        // Within the capacity, so nothing moves (R4).
        self.stack.grow_to(new);
        true
    }

    /// A copy of a register.
    #[inline(always)]
    pub fn reg(&self, at: u32) -> Value {
        self.stack[at as usize].clone()
    }
    #[inline(always)]
    pub fn set_reg(&mut self, at: u32, v: Value) {
        self.stack[at as usize] = v;
    }
    #[inline(always)]
    pub fn take_reg(&mut self, at: u32) -> Value {
        self.stack[at as usize].take()
    }

    /// Unsets registers `from..to`. What dies there dies now.
    pub(super) fn unset(&mut self, from: u32, to: u32) {
        for at in from..to {
            drop(self.take_reg(at));
        }
    }

    /// Ends the thread's part in the heap: registers first, then the heap itself.
    pub fn finish(mut self) -> Held {
        self.frames.clear();
        self.inits.clear();
        self.stack.clear();
        self.raised = Value::Unbound;
        self.handled = Value::None;
        self.object = Value::None;
        self.in_repr.clear();
        self.interp.heap.leave(&self.held);
        self.held
    }
}
