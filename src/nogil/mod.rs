//! Functions that run without the interpreter lock: `numba.njit`, `kit.nogil`.
//!
//! Such a function touches numbers and rows of numbers, nothing else. When it is decorated, its text is read
//! again and turned into a tree of its own (`check` to `form`), which has no node for anything else: what does not
//! fit is refused there, by name and place. At the first call with arguments of certain types that tree is
//! lowered for these types (`compile`, `lower`) to a program of typed registers (`code`), as numba compiles a
//! function once for each signature, and a loop (`run`) runs it while other threads have the lock.
//!
//! N1: nothing here refers to an object, so nothing here needs the lock; rows are `cells`, whose items are
//! atomic, so that threads which write the same item make a wrong number and nothing worse.
//! N2: the answer is Python's to the bit: a register whose value may be of several types carries the type with
//! it (`Any`) and is computed as Python does (`num`, over `object::pure`). An int that leaves 64 bits raises
//! OverflowError; it never wraps.
//! N3: types are found by lowering again until no variable's type grows; they only grow (`Ty::join`), and
//! there are few, so that ends.
//! N4: a frame has 256 registers, named by one byte, so no access in the loop is out of range.
//! N5: the loop looks at the stop flag at every backward jump and every call; it ends there with `Stopped` and
//! leaves the rows as they are.
//!
//! Source of the idea: numba's nopython mode; of the loop: `bytecode`, with registers that have types.
//!
//! Not here: what a name of the function's module stands for, and making arguments of objects (`stdlib::nogil`);
//! machine code.

pub mod cells;
mod check;
mod check_expr;
pub mod code;
pub mod compile;
pub mod form;
mod lower;
mod lower_call;
mod lower_expr;
pub mod num;
pub mod run;

pub use check::{Found, Place, Refused, check};
