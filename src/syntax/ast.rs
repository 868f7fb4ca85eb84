//! The tree: expressions and statements in two flat lists, named by index.
//!
//! Indices keep the nodes small, make dropping a tree a loop, and let the parser pass values of four
//! bytes around. Every node has its span; a span never includes parentheses that merely group.
//! `Body` without statements stands for an absent `else` or `finally`.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::source::{Part, SourceFile, Span};

/// An expression of one [`Ast`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct E(pub u32);

/// A statement of one [`Ast`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct S(pub u32);

/// A name of one [`Ast`]: equal names have equal indices. Dotted names (`a.b.c` of an import) are one name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Name(pub u32);

/// The statements of a block, in order.
pub type Body = Box<[S]>;

/// A whole script, or one expression (then `body` is empty).
pub struct Ast {
    pub file: Arc<SourceFile>,
    pub body: Body,
    /// The names, by [`Name`] index.
    pub names: Vec<Box<str>>,
    /// The functions whose bodies the tree lacks, in order (`source/outline.rs`).
    pub parts: Vec<Part>,
    exprs: Vec<ExprNode>,
    stmts: Vec<StmtNode>,
}

struct ExprNode {
    kind: Expr,
    span: Span,
    /// 1 + the depth of the deepest child: what a recursive walk of this node costs. At most [`MAX_DEPTH`].
    depth: u16,
    /// Stood in grouping parentheses: `(x): int` and `(x) += 1` differ from the bare forms.
    grouped: bool,
}

struct StmtNode {
    kind: Stmt,
    span: Span,
}

/// The deepest expression that parses; whoever walks a tree may recurse this far, plus once per
/// block (at most 100).
pub const MAX_DEPTH: u16 = 1000;

/// An expression.
#[derive(Debug)]
pub enum Expr {
    None,
    True,
    False,
    Ellipsis,
    Int(IntLit),
    Float(f64),
    /// The value of the literal: escapes are resolved, adjacent literals joined.
    Str(Box<str>),
    Bytes(Box<[u8]>),
    /// An f-string, or adjacent literals of which at least one is an f-string.
    FString(Box<[FPart]>),
    Name(Name),
    Tuple(Box<[E]>),
    List(Box<[E]>),
    Set(Box<[E]>),
    /// `{k: v, **m}`; an item without key is `**m`.
    Dict(Box<[(Option<E>, E)]>),
    Comp(Box<Comp>),
    Unary {
        op: UnaryOp,
        operand: E,
    },
    Binary {
        op: BinOp,
        left: E,
        right: E,
    },
    /// `a and b and c`, `a or b or c`: at least two values, flat.
    Bool {
        op: BoolOp,
        values: Box<[E]>,
    },
    /// `a < b <= c`: flat; at least one pair in `rest`.
    Compare {
        left: E,
        rest: Box<[(CmpOp, E)]>,
    },
    /// `then if test else orelse`
    Cond {
        test: E,
        then: E,
        orelse: E,
    },
    /// Arguments in source order.
    Call {
        func: E,
        args: Box<[Arg]>,
    },
    Attr {
        value: E,
        attr: Name,
    },
    /// `value[index]`; the index may be a [`Expr::Slice`] or a tuple that holds some.
    Index {
        value: E,
        index: E,
    },
    /// `lower:upper:step`, only inside an index.
    Slice {
        lower: Option<E>,
        upper: Option<E>,
        step: Option<E>,
    },
    /// `*value`, only inside a list, tuple, set, index, call or target.
    Starred(E),
    Lambda(Box<Lambda>),
    /// `name := value`; the target is a [`Expr::Name`].
    Walrus {
        target: E,
        value: E,
    },
    Await(E),
    Yield(Option<E>),
    YieldFrom(E),
}

/// An int literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntLit {
    Small(i64),
    /// Beyond 64 bits. Literals have no sign.
    Big(Box<BigInt>),
}

/// A comprehension or generator expression.
#[derive(Debug)]
pub struct Comp {
    pub kind: CompKind,
    /// The element; the key of a dict comprehension.
    pub elt: E,
    /// The value of a dict comprehension, and only there.
    pub value: Option<E>,
    /// At least one.
    pub clauses: Box<[Clause]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompKind {
    List,
    Set,
    Dict,
    Generator,
}

/// `async? for target in iter if … if …`
#[derive(Debug)]
pub struct Clause {
    pub is_async: bool,
    pub target: E,
    pub iter: E,
    pub ifs: Box<[E]>,
}

/// A piece of an f-string. Texts are not empty and never adjacent.
#[derive(Debug)]
pub enum FPart {
    Text(Box<str>),
    Field(Box<FField>),
}

/// `{value!conversion:spec}`. The debug form `{value=}` arrives as a text before the field, and
/// with the conversion `!r` if it names neither conversion nor spec.
#[derive(Debug)]
pub struct FField {
    pub value: E,
    pub conversion: Option<Conversion>,
    /// The format spec, itself with fields; `None` without a colon.
    pub spec: Option<Box<[FPart]>>,
    /// From `{` to `}`.
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    Str,
    Repr,
    Ascii,
}

/// An argument of a call or a base of a class.
#[derive(Debug)]
pub enum Arg {
    Pos(E),
    /// `*value`
    Star(E),
    /// `name=value`; the span is the whole argument's.
    Keyword {
        name: Name,
        value: E,
        span: Span,
    },
    /// `**value`
    DoubleStar(E),
}

#[derive(Debug)]
pub struct Lambda {
    pub params: Params,
    pub body: E,
}

/// The parameters of a function: positional-only, then normal, then `*args`, then keyword-only, then `**kwargs`.
#[derive(Debug, Default)]
pub struct Params {
    pub list: Box<[Param]>,
}

#[derive(Debug)]
pub struct Param {
    pub kind: ParamKind,
    pub name: Name,
    pub default: Option<E>,
    /// Kept for its text: [`Ast::text`].
    pub annotation: Option<E>,
    /// Of the name alone.
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParamKind {
    /// Before `/`.
    PosOnly,
    Normal,
    /// `*args`
    Star,
    /// After `*` or `*args`.
    KwOnly,
    /// `**kwargs`
    DoubleStar,
}

/// A statement. The span of a compound statement ends with its last inner statement; decorators
/// stand outside the span of what they decorate, as `lineno` of CPython's tree.
#[derive(Debug)]
pub enum Stmt {
    Expr(E),
    /// `a = b = value`: targets from left to right.
    Assign {
        targets: Box<[E]>,
        value: E,
    },
    AugAssign {
        target: E,
        op: BinOp,
        value: E,
    },
    AnnAssign {
        target: E,
        /// Kept for its text: [`Ast::text`].
        annotation: E,
        value: Option<E>,
        /// A bare name: only then the annotation is recorded in `__annotations__`.
        simple: bool,
    },
    Return(Option<E>),
    Delete(Box<[E]>),
    Pass,
    Break,
    Continue,
    /// `raise exc from cause`
    Raise {
        exc: Option<E>,
        cause: Option<E>,
    },
    Global(Box<[Name]>),
    Nonlocal(Box<[Name]>),
    Assert {
        test: E,
        msg: Option<E>,
    },
    Import(Box<[Alias]>),
    /// `from ..module import names`; `names` is empty for `*`; `level` counts the dots.
    ImportFrom {
        module: Option<Name>,
        level: u32,
        names: Box<[Alias]>,
    },
    /// `if` and all its `elif`s, flat.
    If {
        branches: Box<[(E, Body)]>,
        orelse: Body,
    },
    While {
        test: E,
        body: Body,
        orelse: Body,
    },
    For(Box<For>),
    Try(Box<Try>),
    With(Box<With>),
    Def(Box<Def>),
    Class(Box<Class>),
}

#[derive(Debug)]
pub struct For {
    pub is_async: bool,
    pub target: E,
    pub iter: E,
    pub body: Body,
    pub orelse: Body,
}

#[derive(Debug)]
pub struct Try {
    pub body: Body,
    pub handlers: Box<[Handler]>,
    pub orelse: Body,
    pub finally: Body,
}

/// `except class as name:`; a handler without class catches all and is the last one.
#[derive(Debug)]
pub struct Handler {
    pub class: Option<E>,
    pub name: Option<Name>,
    pub body: Body,
    pub span: Span,
}

#[derive(Debug)]
pub struct With {
    pub is_async: bool,
    /// At least one.
    pub items: Box<[WithItem]>,
    pub body: Body,
}

#[derive(Debug)]
pub struct WithItem {
    pub context: E,
    pub target: Option<E>,
}

#[derive(Debug)]
pub struct Def {
    pub is_async: bool,
    pub name: Name,
    pub name_span: Span,
    pub params: Params,
    /// Kept for its text: [`Ast::text`].
    pub returns: Option<E>,
    pub body: Body,
    /// From the outermost to the innermost.
    pub decorators: Box<[E]>,
}

#[derive(Debug)]
pub struct Class {
    pub name: Name,
    pub name_span: Span,
    /// Bases and keywords, in source order.
    pub args: Box<[Arg]>,
    pub body: Body,
    pub decorators: Box<[E]>,
}

/// `name as asname` of an import.
#[derive(Debug)]
pub struct Alias {
    /// Dotted in `import a.b.c`.
    pub name: Name,
    pub asname: Option<Name>,
    pub span: Span,
}

macro_rules! operators {
    ($(#[$doc:meta])* $enum:ident { $($op:ident $text:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $enum { $($op),* }

        impl $enum {
            pub const ALL: &[$enum] = &[$($enum::$op),*];

            /// As it is written.
            pub fn text(self) -> &'static str {
                match self { $($enum::$op => $text),* }
            }
        }
    };
}

operators! {
    /// Operators of two values, also those of `op=`.
    BinOp {
        Add "+" Sub "-" Mul "*" Div "/" FloorDiv "//" Mod "%" Pow "**" MatMul "@"
        BitAnd "&" BitOr "|" BitXor "^" Shl "<<" Shr ">>"
    }
}
operators! {
    /// Operators of one value.
    UnaryOp { Not "not" Neg "-" Pos "+" Invert "~" }
}
operators! {
    /// Operators that may leave their second value unread.
    BoolOp { And "and" Or "or" }
}
operators! {
    /// Comparisons.
    CmpOp {
        Eq "==" NotEq "!=" Lt "<" LtE "<=" Gt ">" GtE ">=" Is "is" IsNot "is not" In "in" NotIn "not in"
    }
}

impl Ast {
    pub(super) fn new(file: &Arc<SourceFile>) -> Ast {
        Ast {
            file: file.clone(),
            body: Body::default(),
            names: Vec::new(),
            parts: Vec::new(),
            exprs: Vec::new(),
            stmts: Vec::new(),
        }
    }

    pub fn expr(&self, e: E) -> &Expr {
        &self.exprs[e.0 as usize].kind
    }

    pub fn stmt(&self, s: S) -> &Stmt {
        &self.stmts[s.0 as usize].kind
    }

    pub fn name(&self, name: Name) -> &str {
        &self.names[name.0 as usize]
    }

    pub fn span(&self, e: E) -> Span {
        self.exprs[e.0 as usize].span
    }

    pub fn stmt_span(&self, s: S) -> Span {
        self.stmts[s.0 as usize].span
    }

    /// The line, from 1, on which an expression begins.
    pub fn line(&self, e: E) -> u32 {
        self.file.line(self.span(e).lo)
    }

    /// The line on which a statement begins; of a decorated one, the line of `def` or `class`.
    pub fn stmt_line(&self, s: S) -> u32 {
        self.file.line(self.stmt_span(s).lo)
    }

    /// The last line of a statement.
    pub fn stmt_end_line(&self, s: S) -> u32 {
        self.file.line(self.stmt_span(s).hi)
    }

    /// The source text of an expression: an annotation's value.
    pub fn text(&self, e: E) -> &str {
        self.file.slice(self.span(e))
    }

    /// The docstring of a body.
    pub fn docstring(&self, body: &[S]) -> Option<&str> {
        let Stmt::Expr(e) = self.stmt(*body.first()?) else {
            return None;
        };
        if let Expr::Str(text) = self.expr(*e) { Some(text) } else { None }
    }

    /// How deep a recursive walk of this expression goes.
    pub fn depth(&self, e: E) -> u16 {
        self.exprs[e.0 as usize].depth
    }

    pub(super) fn is_grouped(&self, e: E) -> bool {
        self.exprs[e.0 as usize].grouped
    }

    pub(super) fn set_grouped(&mut self, e: E) {
        self.exprs[e.0 as usize].grouped = true;
    }

    pub(super) fn set_span(&mut self, e: E, span: Span) {
        self.exprs[e.0 as usize].span = span;
    }

    pub(super) fn push_expr(&mut self, kind: Expr, span: Span, depth: u16) -> E {
        self.exprs.push(ExprNode { kind, span, depth, grouped: false });
        E(self.exprs.len() as u32 - 1)
    }

    pub(super) fn push_stmt(&mut self, kind: Stmt, span: Span) -> S {
        self.stmts.push(StmtNode { kind, span });
        S(self.stmts.len() as u32 - 1)
    }

    /// Puts the whole body into a class of this name.
    pub(super) fn enclose(&mut self, class: &str) {
        let known = self.names.iter().position(|n| **n == *class);
        let at = known.unwrap_or_else(|| {
            self.names.push(class.into());
            self.names.len() - 1
        });
        let span = self.body.first().map_or(Span::at(0), |&s| self.stmt_span(s));
        let body = std::mem::take(&mut self.body);
        let (args, decorators) = ([].into(), [].into());
        let class = Class { name: Name(at as u32), name_span: Span::at(span.lo), args, body, decorators };
        let s = self.push_stmt(Stmt::Class(Box::new(class)), span);
        self.body = [s].into();
    }

    /// The function that begins with this statement, if its body was left out.
    pub fn part_at(&self, body: &[S]) -> Option<&Part> {
        let at = self.stmt_span(*body.first()?).lo;
        let found = self.parts.binary_search_by_key(&at, |p| p.marker).ok()?;
        Some(&self.parts[found])
    }

    /// The number of expressions and of statements.
    pub fn counts(&self) -> (usize, usize) {
        (self.exprs.len(), self.stmts.len())
    }
}
