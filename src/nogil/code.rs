//! What a function without the lock is lowered to: instructions on typed registers.
//!
//! A register is 64 bits: an int, the bits of a float, 0 or 1, or the number of a row. A value of type `Any` takes
//! two: its tag, then its bits. A frame is a window of 256 registers; the window of a function that is called begins
//! where the caller has put the arguments, two registers each, and its results come back to the same place.

use super::cells::Item;
use super::form::{Builtin, Kernel, Raised};
use super::num::Num;
use crate::object::pure::math::{One, Two};
use crate::source::Span;
use crate::syntax::ast::{BinOp, CmpOp, UnaryOp};
use std::sync::Arc;

/// What is known of a value before the program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    /// Nothing yet: no value comes here, as far as the program is lowered.
    Never,
    None,
    Bool,
    Int,
    Float,
    /// One of the four above, which is found in its tag; or unset.
    Any,
    Row(Item),
}

impl Ty {
    pub fn of(n: Num) -> Ty {
        match n {
            Num::None => Ty::None,
            Num::Bool(_) => Ty::Bool,
            Num::Int(_) => Ty::Int,
            Num::Float(_) => Ty::Float,
        }
    }
    /// The narrowest type of both (N3); `None`: a row is no number.
    pub fn join(self, other: Ty) -> Option<Ty> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Ty::Never, t) | (t, Ty::Never) => Some(t),
            (Ty::Row(_), _) | (_, Ty::Row(_)) => None,
            _ => Some(Ty::Any),
        }
    }
    pub fn is_whole(self) -> bool {
        matches!(self, Ty::Bool | Ty::Int)
    }
    pub fn is_row(self) -> bool {
        matches!(self, Ty::Row(_))
    }
    pub fn name(self) -> &'static str {
        match self {
            Ty::Never => "nothing",
            Ty::None => "None",
            Ty::Bool => "a bool",
            Ty::Int => "an int",
            Ty::Float => "a float",
            Ty::Any => "a number of any type",
            Ty::Row(_) => "an array",
        }
    }
}

/// The tags of `Any`.
pub mod tag {
    pub const UNSET: u64 = 0;
    pub const NONE: u64 = 1;
    pub const BOOL: u64 = 2;
    pub const INT: u64 = 3;
    pub const FLOAT: u64 = 4;
}

/// The tag and the bits of a number.
pub fn bits_of(n: Num) -> (u64, u64) {
    match n {
        Num::None => (tag::NONE, 0),
        Num::Bool(b) => (tag::BOOL, u64::from(b)),
        Num::Int(i) => (tag::INT, i as u64),
        Num::Float(x) => (tag::FLOAT, x.to_bits()),
    }
}

/// The number of a tag and bits.
pub fn num_of(t: u64, bits: u64) -> Num {
    match t {
        tag::BOOL => Num::Bool(bits != 0),
        tag::INT => Num::Int(bits as i64),
        tag::FLOAT => Num::Float(f64::from_bits(bits)),
        _ => Num::None,
    }
}

/// A register of the frame's window (N4).
pub type Reg = u8;

/// An instruction: the result's register first, then the operands'. Letters: I ints, F floats, K a constant in the
/// instruction; `to` is the number of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Const(Reg, u16),
    /// Index into the program's numbers.
    Number(Reg, u16),
    Move(Reg, Reg),
    Move2(Reg, Reg),
    AddI(Reg, Reg, Reg),
    SubI(Reg, Reg, Reg),
    MulI(Reg, Reg, Reg),
    FloorDivI(Reg, Reg, Reg),
    ModI(Reg, Reg, Reg),
    PowI(Reg, Reg, Reg),
    AndI(Reg, Reg, Reg),
    OrI(Reg, Reg, Reg),
    XorI(Reg, Reg, Reg),
    ShlI(Reg, Reg, Reg),
    ShrI(Reg, Reg, Reg),
    DivI(Reg, Reg, Reg),
    AddK(Reg, Reg, i32),
    NegI(Reg, Reg),
    InvertI(Reg, Reg),
    AbsI(Reg, Reg),
    AddF(Reg, Reg, Reg),
    SubF(Reg, Reg, Reg),
    MulF(Reg, Reg, Reg),
    DivF(Reg, Reg, Reg),
    FloorDivF(Reg, Reg, Reg),
    ModF(Reg, Reg, Reg),
    PowF(Reg, Reg, Reg),
    NegF(Reg, Reg),
    AbsF(Reg, Reg),
    IntFloat(Reg, Reg),
    LtI(Reg, Reg, Reg),
    LeI(Reg, Reg, Reg),
    EqI(Reg, Reg, Reg),
    NeI(Reg, Reg, Reg),
    LtF(Reg, Reg, Reg),
    LeF(Reg, Reg, Reg),
    EqF(Reg, Reg, Reg),
    NeF(Reg, Reg, Reg),
    Not(Reg, Reg),
    JLtI(Reg, Reg, u32),
    JLeI(Reg, Reg, u32),
    JEqI(Reg, Reg, u32),
    JNeI(Reg, Reg, u32),
    JLtK(Reg, i16, u32),
    JLeK(Reg, i16, u32),
    JGtK(Reg, i16, u32),
    JGeK(Reg, i16, u32),
    JEqK(Reg, i16, u32),
    JNeK(Reg, i16, u32),
    JLtF(Reg, Reg, u32),
    JLeF(Reg, Reg, u32),
    /// Jumps unless a < b, also beside NaN.
    JNotLtF(Reg, Reg, u32),
    JNotLeF(Reg, Reg, u32),
    JEqF(Reg, Reg, u32),
    JNeF(Reg, Reg, u32),
    JIf(Reg, u32),
    JIfNot(Reg, u32),
    Jump(u32),
    /// Closes a loop (N5).
    Back(u32),
    /// start, stop, step in three registers become next, step, left; goes to the `ForNext` of the loop.
    ForRange(Reg, u32),
    /// The next number into the register, or past the loop (N5).
    ForNext(Reg, Reg, u32),
    Load(Reg, Reg, Reg),
    StoreI(Reg, Reg, Reg),
    StoreF(Reg, Reg, Reg),
    StoreAny(Reg, Reg, Reg),
    Len(Reg, Reg),
    /// A value of one type as `Any`: result, value, tag.
    Box(Reg, Reg, u8),
    /// Only the tag.
    Tag(Reg, u8),
    /// Raises UnboundLocalError if the variable in the register is unset.
    IsSet(Reg, u16),
    BinAny(BinOp, Reg, Reg, Reg),
    UnAny(UnaryOp, Reg, Reg),
    CmpAny(CmpOp, Reg, Reg, Reg),
    TruthAny(Reg, Reg),
    /// An `Any` as an argument of range, or (1) as the index of a row.
    IndexAny(Reg, Reg, u8),
    /// An `Any` as an argument of a function of floats.
    RealAny(Reg, Reg),
    /// A builtin on one or two values of type `Any`; the result is `Any`.
    BuiltinAny(Builtin, Reg, Reg, Reg),
    Math1(u16, Reg, Reg),
    Math2(u16, Reg, Reg, Reg),
    Call(u16, Reg),
    /// So many values from the register on, two registers each.
    Return(Reg, u8),
    Raise(u16),
}

const _: () = assert!(size_of::<Op>() == 8);

/// What a function returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ret {
    Unknown,
    One(Ty),
    Tuple(Vec<Ty>),
}

/// A function for arguments of certain types.
pub struct Proc {
    pub kernel: Arc<Kernel>,
    pub args: Vec<Ty>,
    pub ret: Ret,
    pub code: Vec<Op>,
    /// Where each instruction comes from.
    pub spans: Vec<Span>,
    pub consts: Vec<u64>,
    pub raises: Vec<Raised>,
    pub math1: Vec<One>,
    pub math2: Vec<Two>,
    /// Where the first number of its kernel is among the program's.
    pub numbers_at: usize,
}

/// A function and all that it calls, for one signature. The first is the one to run.
pub struct Program {
    pub procs: Vec<Proc>,
}
