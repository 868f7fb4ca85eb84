//! Code bound to a module of one interpreter: its constants as values, its names interned, its caches.
//!
//! Plain code (`bytecode::Code`) is data that may travel and be shared; what is filled in while running
//! lives here, per interpreter.

use super::heap::Ref;
use super::kind::Trace;
use super::name::Name;
use super::types::trace_all;
use super::value::Value;
use crate::bytecode::{Code, Instr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

pub struct CodeObj {
    pub code: Arc<Code>,
    /// `code.instrs`, for the loop: one load less on each call.
    pub first: *const Instr,
    pub registers: u16,
    /// Number of parameters of a function that is called with exactly these, in order, without binding;
    /// `NOT_PLAIN` for all others.
    pub plain: u16,
    pub consts: Box<[Value]>,
    /// Interned `code.sites`.
    pub sites: Box<[Name]>,
    /// One cache word per site: see vm/cache.rs.
    pub caches: Box<[AtomicU64]>,
    /// Interned names of parameters, in register order.
    pub params: Box<[Name]>,
    pub module: Ref,
    /// For each constant that is a row (n, names...) of a keyword call: the row with its names interned.
    pub keywords: Box<[Keywords]>,
    /// Of code without its body: the code with it, once a call has needed it.
    pub whole: OnceLock<Ref>,
}

/// No call of this function goes without binding.
pub const NOT_PLAIN: u16 = u16::MAX;

/// The arguments of a keyword call: their number, and the names of the last ones.
#[derive(Default)]
pub struct Keywords {
    pub n: u32,
    pub names: Box<[Name]>,
}

impl Keywords {
    pub fn parts(&self) -> (u32, &[Name]) {
        (self.n, &self.names)
    }
}

impl Trace for CodeObj {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        trace_all(&self.consts, f);
        self.whole.get().into_iter().for_each(&mut *f);
        f(&self.module);
    }
    fn clear(&mut self) {}
}
