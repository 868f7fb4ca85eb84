//! The tree of a function that runs without the lock: what `check` lets through, names resolved (N1).

use super::num::Num;
use crate::bytecode::Code;
use crate::object::pure::math::{One, Two};
use crate::source::{SourceFile, Span};
use crate::syntax::ast::{BinOp, BoolOp, CmpOp, UnaryOp};
use std::sync::Arc;

/// A function as it was when it was decorated.
pub struct Kernel {
    pub name: String,
    /// What it is as an ordinary function: for tracebacks.
    pub code: Arc<Code>,
    pub file: Arc<SourceFile>,
    /// Of its `def` line.
    pub span: Span,
    pub params: Vec<Param>,
    /// Variables; the first are the parameters.
    pub vars: Vec<Var>,
    pub body: Vec<Statement>,
    /// Names of its module, or of the function around it, whose numbers it reads when it is called.
    pub numbers: Vec<String>,
    /// Functions of this kind that it calls.
    pub kernels: Vec<Arc<Kernel>>,
}

pub struct Param {
    pub name: String,
    pub default: Option<Num>,
    pub by_keyword_only: bool,
    pub by_position_only: bool,
}

pub struct Var {
    pub name: String,
    /// It may be read before it has a value: its register says whether it has one.
    pub may_be_unset: bool,
}

pub struct Node {
    pub form: Form,
    pub span: Span,
}

/// An expression.
pub enum Form {
    Const(Num),
    Var(usize),
    /// Index into `Kernel::numbers`.
    Number(usize),
    Unary(UnaryOp, Box<Node>),
    Binary(BinOp, Box<Node>, Box<Node>),
    Bool(BoolOp, Vec<Node>),
    Compare(Box<Node>, Vec<(CmpOp, Node)>),
    /// test, then, else
    Cond(Box<[Node; 3]>),
    /// row, index
    Index(Box<[Node; 2]>),
    Call(Callee, Vec<Node>),
}

#[derive(Clone, Copy)]
pub enum Callee {
    Builtin(Builtin),
    /// A function of one float, by its name.
    Math1(One, &'static str),
    Math2(Two, &'static str),
    /// Index into `Kernel::kernels`.
    Kernel(usize),
    /// The function itself.
    Itself,
}

macro_rules! builtins {
    ($($(#[doc = $doc:literal])* $id:ident $name:literal $least:literal $most:literal)*) => {
        /// Builtin functions, and functions of `math` that give no float.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Builtin { $($(#[doc = $doc])* $id),* }

        impl Builtin {
            /// By its full name.
            pub fn find(name: &str) -> Option<Builtin> {
                match name { $($name => Some(Builtin::$id),)* _ => None }
            }
            pub fn name(self) -> &'static str {
                match self { $(Builtin::$id => $name),* }
            }
            /// How few and how many arguments.
            pub fn arity(self) -> (usize, usize) {
                match self { $(Builtin::$id => ($least, $most)),* }
            }
        }
    };
}

builtins! {
    Abs "abs" 1 1
    Min "min" 2 16
    Max "max" 2 16
    Int "int" 0 1
    Float "float" 0 1
    Bool "bool" 0 1
    Len "len" 1 1
    Pow "pow" 2 2
    Round "round" 1 2
    Floor "math.floor" 1 1
    Ceil "math.ceil" 1 1
    Trunc "math.trunc" 1 1
    IsNan "math.isnan" 1 1
    IsInf "math.isinf" 1 1
    IsFinite "math.isfinite" 1 1
    Isqrt "math.isqrt" 1 1
    Gcd "math.gcd" 2 2
}

/// A statement.
pub enum Statement {
    Assign(Target, Node),
    /// `a, b = x, y`: all values first.
    Several(Vec<Target>, Vec<Node>),
    /// `a, b = f(x)`: a call of a function that returns so many.
    Unpack(Vec<Target>, Node),
    /// target, operator, value
    Update(Target, BinOp, Node, Span),
    Expr(Node),
    /// One value, or a tuple of several.
    Return(Vec<Node>, bool, Span),
    If(Vec<(Node, Vec<Statement>)>, Vec<Statement>),
    While(Node, Vec<Statement>, Vec<Statement>),
    For(Box<For>),
    Break,
    Continue,
    Assert(Node, Option<String>),
    Raise(Raised, Span),
}

/// What `raise` raises.
#[derive(Clone, Debug)]
pub struct Raised {
    pub class: &'static str,
    pub text: Option<String>,
}

pub enum Target {
    Var(usize),
    /// row, index, place
    Item(Node, Node, Span),
}

pub struct For {
    pub var: usize,
    pub over: Over,
    pub body: Vec<Statement>,
    pub orelse: Vec<Statement>,
    /// Of what it goes over.
    pub span: Span,
}

pub enum Over {
    Range(Vec<Node>),
    Row(Node),
}
