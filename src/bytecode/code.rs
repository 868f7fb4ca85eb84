//! Code as data: what one function, class body, module or comprehension compiles to.

use super::isa::Instr;
use crate::source::{Part, SourceFile, Span};
use num_bigint::BigInt;
use std::fmt;
use std::sync::Arc;

/// A constant. `Code` occurs as the operand of `MakeFunction`.
#[derive(Clone, Debug)]
pub enum Const {
    None,
    Bool(bool),
    Int(i64),
    Big(BigInt),
    Float(f64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Const]>),
    FrozenSet(Box<[Const]>),
    Ellipsis,
    Code(Arc<Code>),
}

/// The parameters of a function; registers hold them in the order of `names`: positional-only,
/// positional, keyword-only, then `*args`, then `**kwargs`.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pub names: Box<[Box<str>]>,
    pub posonly: u16,
    /// Positional parameters, the positional-only ones among them.
    pub positional: u16,
    pub kwonly: u16,
    pub star: bool,
    pub double_star: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeFlags {
    /// It yields: calling it makes a generator, an asynchronous one if it is a coroutine too.
    pub generator: bool,
    /// `async def`: calling it makes a coroutine.
    pub coroutine: bool,
    /// A class body: register 0 is the namespace (a `Module` object) that its names go to.
    pub class_body: bool,
    /// Parameters are plain positional ones, at most `positional`: the call needs no binding.
    pub simple: bool,
}

impl CodeFlags {
    /// Does calling it make an object that runs later?
    pub fn suspends(self) -> bool {
        self.generator || self.coroutine
    }
}

/// Instructions `from..to` are protected: an exception goes to `target` with the exception in `exc`.
/// Ranges are listed innermost first: the first that covers an instruction is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    pub from: u32,
    pub to: u32,
    pub target: u32,
    pub exc: u16,
}

/// One compiled unit.
#[derive(Debug)]
pub struct Code {
    pub name: Box<str>,
    pub qualname: Box<str>,
    pub file: Arc<SourceFile>,
    /// The line of its `def`, `class` or first statement.
    pub first_line: u32,
    pub instrs: Box<[Instr]>,
    /// Where each instruction comes from (B3).
    pub spans: Box<[Span]>,
    pub consts: Box<[Const]>,
    /// Names with a cache word each; a name may occur at several sites.
    pub sites: Box<[Box<str>]>,
    pub registers: u16,
    /// Names of the registers that are variables; empty text for others.
    pub locals: Box<[Box<str>]>,
    pub params: Params,
    pub handlers: Box<[Handler]>,
    /// For each captured cell: the register of the *enclosing* frame that holds the cell when the
    /// function is made.
    pub captures: Box<[u16]>,
    pub capture_names: Box<[Box<str>]>,
    pub flags: CodeFlags,
    pub doc: Option<Box<str>>,
    /// (parameter or "return", annotation text).
    pub annotations: Box<[(Box<str>, Box<str>)]>,
    /// The body is not compiled yet: what to compile before the first call. All else but the instructions,
    /// what belongs to them, `doc` and `flags` is as it will be.
    pub late: Option<Part>,
}

impl Code {
    /// Registers that hold cells of its own variables, which functions inside it share.
    pub fn cells(&self) -> Vec<u16> {
        let inner = self.consts.iter().filter_map(|c| match c {
            Const::Code(c) => Some(c),
            _ => None,
        });
        let mut all: Vec<u16> = inner.flat_map(|c| c.captures.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The line an instruction comes from.
    pub fn line(&self, pc: usize) -> u32 {
        self.file.line(self.spans[pc.min(self.spans.len() - 1)].lo)
    }
}

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn row(f: &mut fmt::Formatter<'_>, items: &[Const]) -> fmt::Result {
            for (i, c) in items.iter().enumerate() {
                write!(f, "{}{c}", if i > 0 { ", " } else { "" })?;
            }
            Ok(())
        }
        match self {
            Const::None => f.write_str("None"),
            Const::Bool(b) => f.write_str(if *b { "True" } else { "False" }),
            Const::Int(i) => write!(f, "{i}"),
            Const::Big(i) => write!(f, "{i}"),
            Const::Float(x) => write!(f, "{x:?}"),
            Const::Str(s) => write!(f, "{s:?}"),
            Const::Bytes(b) => write!(f, "b\"{}\"", b.escape_ascii()),
            Const::Tuple(items) => {
                f.write_str("(")?;
                row(f, items)?;
                f.write_str(")")
            }
            Const::FrozenSet(items) => {
                f.write_str("{")?;
                row(f, items)?;
                f.write_str("}")
            }
            Const::Ellipsis => f.write_str("..."),
            Const::Code(c) => write!(f, "<code {}>", c.qualname),
        }
    }
}
