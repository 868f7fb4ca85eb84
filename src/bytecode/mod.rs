//! Instructions and code: what the compiler makes, the verifier checks and the VM runs.
//!
//! A register machine. An instruction is eight bytes: a number and up to three 16-bit fields, an
//! ordinary Rust enum, so one `match` dispatches without decoding. Code is plain data (`Send`, no
//! objects): it may travel to another process and be shared by simulated ones.
//!
//! B1: code that runs has passed `verify`: registers are below `registers`, jumps land on instructions
//! of the same code, constants, sites and captures exist; the loop relies on it. B2: only rows marked
//! `checks` look at the thread's breaker word: function entry, backward jumps, calls.
//! B3: every instruction has a span in the source.

pub mod code;
pub mod disassemble;
pub mod isa;
pub mod operand;
pub mod verify;

pub use code::{Code, CodeFlags, Const, Handler, Params};
pub use isa::Instr;
pub use operand::*;
