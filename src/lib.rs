//! Kit: a small scripting language with a real global interpreter lock.
//!
//! Text goes one way: source → tokens → tree → bytecode → VM → objects. Beside it stand the lock
//! (`gil`) and the world (`world`), through which alone the outside is reached.
//!
//! Layers: a folder imports only folders above it in this list; `tests/tidy.rs` holds the table.

pub mod bytecode;
pub mod cli;
pub mod compile;
pub mod engine;
pub mod explore;
pub mod gil;
pub mod nogil;
pub mod object;
pub mod process;
pub mod source;
pub mod stdlib;
pub mod syntax;
pub mod trace;
pub mod vm;
pub mod world;
