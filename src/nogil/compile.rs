//! From trees to a program for one signature: all functions that it needs, lowered again until no type grows (N3).

use super::code::{Proc, Program, Ret, Ty};
use super::form::Kernel;
use super::lower::Lower;
use crate::source::{SourceFile, Span};
use std::sync::Arc;

/// Why a function cannot run with arguments of these types.
#[derive(Debug)]
pub struct Mistyped {
    pub what: String,
    pub file: Arc<SourceFile>,
    pub function: String,
    pub span: Span,
}

/// A function on the way to being lowered.
pub(super) struct Draft {
    pub kernel: Arc<Kernel>,
    pub args: Vec<Ty>,
    /// Types of its variables so far.
    pub vars: Vec<Ty>,
    pub ret: Ret,
    /// Constants that have a register of their own, which is filled on entry.
    pub pool: Vec<u64>,
    pub done: Option<Proc>,
}

/// The functions of a program while it is made.
pub(super) struct Drafts<'a> {
    pub all: Vec<Draft>,
    kernels: &'a [Arc<Kernel>],
    numbers: &'a [Vec<Ty>],
    /// A type has grown, or there is a new function: everything is lowered once more.
    pub changed: bool,
}

/// More functions of one program than this are refused.
const PROCS_MAX: usize = 1000;

impl Drafts<'_> {
    /// The function for these arguments, entered if it is new.
    pub fn find(&mut self, kernel: &Arc<Kernel>, args: &[Ty]) -> Option<usize> {
        if let Some(at) = self.all.iter().position(|d| Arc::ptr_eq(&d.kernel, kernel) && d.args == args) {
            return Some(at);
        }
        if self.all.len() >= PROCS_MAX {
            return None;
        }
        let mut vars = args.to_vec();
        // Where a variable may be unset its register says so.
        vars.extend(kernel.vars[args.len()..].iter().map(|v| if v.may_be_unset { Ty::Any } else { Ty::Never }));
        self.all.push(Draft {
            kernel: kernel.clone(),
            args: args.to_vec(),
            vars,
            ret: Ret::Unknown,
            pool: vec![],
            done: None,
        });
        self.changed = true;
        Some(self.all.len() - 1)
    }

    /// Where a kernel's numbers begin among all, and their types.
    pub fn numbers(&self, kernel: &Arc<Kernel>) -> (usize, &[Ty]) {
        let at = self.kernels.iter().position(|k| Arc::ptr_eq(k, kernel)).expect("a kernel that the first one reaches");
        (self.numbers[..at].iter().map(Vec::len).sum(), &self.numbers[at])
    }
}

/// A kernel and all that it calls, the first first.
pub fn reach(kernel: &Arc<Kernel>) -> Vec<Arc<Kernel>> {
    let mut all = vec![kernel.clone()];
    let mut at = 0;
    while at < all.len() {
        for k in all[at].kernels.clone() {
            if !all.iter().any(|x| Arc::ptr_eq(x, &k)) {
                all.push(k);
            }
        }
        at += 1;
    }
    all
}

/// The program of the first of `kernels` (as `reach` gives them) for arguments of these types; `numbers`: types of the
/// numbers that each kernel reads.
pub fn compile(kernels: &[Arc<Kernel>], args: &[Ty], numbers: &[Vec<Ty>]) -> Result<Program, Mistyped> {
    let mut drafts = Drafts { all: vec![], kernels, numbers, changed: true };
    drafts.find(&kernels[0], args);
    while drafts.changed {
        drafts.changed = false;
        let mut at = 0;
        while at < drafts.all.len() {
            let proc = Lower::run(&mut drafts, at)?;
            drafts.all[at].done = Some(proc);
            at += 1;
        }
    }
    let procs = drafts.all.into_iter().map(|d| d.done.expect("lowered")).collect();
    Ok(Program { procs })
}
