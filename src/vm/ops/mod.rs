//! What operators and protocols mean: everything that may run script code through a dunder method.
//!
//! Each function takes the thread and clones or references of values that lie outside its registers
//! (R5). Builtin types are decided by kind first; script classes by `Thread::lookup_special`. A payload
//! is opened only around plain work on it; before anything that may call back, what is needed is copied
//! out and the object closed; after a call back the object is looked at anew.

pub mod arith;
pub mod compare;
pub mod convert;
pub mod format;
pub mod hash;
pub mod item;
pub mod iter;
pub mod repr;
pub mod table;
pub mod unpack;
