//! The loop: fetch an instruction, do it, go on. One `match`, no recursion for script calls.
//!
//! `pc` and `base` are raw: B1 (verified code) keeps every register, constant, site and jump in bounds,
//! R4 (a stack that never moves) keeps `base` valid. `OFF`: the lock is off, so fast paths that look
//! into shared objects are left to the ops, which open them. `COUNT`: instructions are charged block by
//! block to simulated time.
//!
//! Before anything that may raise, wait or look at the frame, `pc` is saved there. Fast paths are
//! inline; all else is in ops/, attr.rs, call.rs.
//!
//! A jump holds an empty `asm`, another at each place: it keeps the branch a branch. Made a choice between
//! two values of `pc`, or merged with its likes, the next fetch would wait for the comparison instead of
//! being guessed (fib: 14 % of the time).

mod fast;
mod main_loop;
mod rare;

pub(super) use self::fast::{IN_BUILTINS, IN_FIXED};
use self::main_loop::run_loop;
use super::thread::{Res, Thread};
use crate::gil::off;
use crate::object::Value;

/// Runs the top frame, an entry, until it returns. `inject`: begin by raising what is in flight.
pub(super) fn run(th: &mut Thread, inject: bool) -> Res<Value> {
    match (off(), th.counting) {
        (false, false) => run_loop::<false, false>(th, inject),
        (false, true) => run_loop::<false, true>(th, inject),
        (true, false) => run_loop::<true, false>(th, inject),
        (true, true) => run_loop::<true, true>(th, inject),
    }
}
