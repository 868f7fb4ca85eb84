//! From the tree of a script to the tree of a function without the lock; what does not fit is refused by name
//! and place.

use super::form::*;
use super::num::Num;
use crate::bytecode::Code;
use crate::source::Span;
use crate::syntax::ast::{Ast, Body, Def, E, Expr, ParamKind, S, Stmt};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a function cannot run without the lock, and where it says so.
#[derive(Debug)]
pub struct Refused {
    pub what: String,
    pub span: Span,
}

/// What a name that is no variable of the function stands for, as far as this goes.
pub enum Found {
    /// An int, a float or a bool.
    Number,
    /// The module `math`.
    Math,
    /// A builtin, or `math.` and one of its functions.
    Builtin(String),
    Kernel(Arc<Kernel>),
    /// The function that is being checked.
    Itself,
    Missing,
    /// Anything else: what it is.
    Other(String),
}

/// Where the function is, and what it was made with.
pub struct Place<'a> {
    pub code: &'a Arc<Code>,
    /// Defaults, by parameter.
    pub defaults: &'a dyn Fn(&str) -> Option<Result<Num, String>>,
    pub names: &'a dyn Fn(&str) -> Found,
}

pub(super) struct Checker<'a> {
    pub(super) ast: &'a Ast,
    place: &'a Place<'a>,
    pub(super) params: Vec<Param>,
    vars: Vec<Var>,
    numbers: Vec<String>,
    pub(super) kernels: Vec<Arc<Kernel>>,
    /// Variables that surely have a value here.
    set: BTreeSet<usize>,
}

type Res<T> = Result<T, Refused>;

/// Exceptions that such a function may raise.
const CLASSES: &[&str] = &[
    "ArithmeticError",
    "Exception",
    "IndexError",
    "NotImplementedError",
    "OverflowError",
    "RuntimeError",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
];

/// The function at a place as a tree of this folder.
pub fn check(place: &Place) -> Res<Kernel> {
    let whole = Span::at(0);
    let refused = |what: &str| Refused { what: what.to_string(), span: whole };
    let ast = crate::syntax::parse(&place.code.file).map_err(|_| refused("a function whose text is gone"))?;
    let Some((span, def)) = find(&ast, &ast.body, place) else {
        return Err(refused("a function without a def statement of its own"));
    };
    let mut c = Checker {
        ast: &ast,
        place,
        params: vec![],
        vars: vec![],
        numbers: vec![],
        kernels: vec![],
        set: BTreeSet::new(),
    };
    if def.is_async {
        return Err(c.refuse(def.name_span, "a coroutine"));
    }
    c.parameters(def)?;
    c.collect(&def.body);
    let body = c.body(&def.body)?;
    let head = ast.file.line_span(ast.file.line(span.lo));
    Ok(Kernel {
        name: place.code.name.to_string(),
        code: place.code.clone(),
        file: place.code.file.clone(),
        span: Span::new(span.lo, head.hi.max(span.lo)),
        params: c.params,
        vars: c.vars,
        body,
        numbers: c.numbers,
        kernels: c.kernels,
    })
}

/// The `def` of this line and name.
fn find<'a>(ast: &'a Ast, body: &[S], place: &Place) -> Option<(Span, &'a Def)> {
    body.iter().find_map(|s| {
        let stmt = ast.stmt(*s);
        if let Stmt::Def(d) = stmt
            && ast.stmt_line(*s) == place.code.first_line
            && ast.name(d.name) == &*place.code.name
        {
            return Some((ast.stmt_span(*s), &**d));
        }
        bodies(stmt).into_iter().find_map(|b| find(ast, b, place))
    })
}

/// The blocks inside a statement.
fn bodies(s: &Stmt) -> Vec<&Body> {
    match s {
        Stmt::If { branches, orelse } => branches.iter().map(|(_, b)| b).chain([orelse]).collect(),
        Stmt::While { body, orelse, .. } => vec![body, orelse],
        Stmt::For(f) => vec![&f.body, &f.orelse],
        Stmt::Try(t) => {
            let handlers = t.handlers.iter().map(|h| &h.body);
            [&t.body].into_iter().chain(handlers).chain([&t.orelse, &t.finally]).collect()
        }
        Stmt::With(w) => vec![&w.body],
        Stmt::Def(d) => vec![&d.body],
        Stmt::Class(c) => vec![&c.body],
        _ => vec![],
    }
}

impl Checker<'_> {
    pub(super) fn refuse(&self, span: Span, what: &str) -> Refused {
        Refused { what: what.to_string(), span }
    }
    pub(super) fn var(&self, name: &str) -> Option<usize> {
        self.vars.iter().position(|v| v.name == name)
    }
    pub(super) fn find(&self, name: &str) -> Found {
        (self.place.names)(name)
    }
    pub(super) fn number(&mut self, name: &str) -> usize {
        self.numbers.iter().position(|n| n == name).unwrap_or_else(|| {
            self.numbers.push(name.to_string());
            self.numbers.len() - 1
        })
    }

    fn parameters(&mut self, def: &Def) -> Res<()> {
        for p in &def.params.list {
            let name = self.ast.name(p.name).to_string();
            if matches!(p.kind, ParamKind::Star | ParamKind::DoubleStar) {
                return Err(self.refuse(p.span, &format!("the parameter *{name}")));
            }
            let default = match (self.place.defaults)(&name) {
                Some(Err(what)) => {
                    return Err(self.refuse(p.span, &format!("the default of '{name}', which is {what}")));
                }
                Some(Ok(n)) => Some(n),
                None => None,
            };
            self.params.push(Param {
                name: name.clone(),
                default,
                by_keyword_only: p.kind == ParamKind::KwOnly,
                by_position_only: p.kind == ParamKind::PosOnly,
            });
            self.set.insert(self.vars.len());
            self.vars.push(Var { name, may_be_unset: false });
        }
        Ok(())
    }

    /// Enters all names that the function assigns.
    fn collect(&mut self, body: &[S]) {
        for s in body {
            let targets: Vec<E> = match self.ast.stmt(*s) {
                Stmt::Assign { targets, .. } => targets.to_vec(),
                Stmt::AugAssign { target, .. } => vec![*target],
                Stmt::AnnAssign { target, .. } => vec![*target],
                Stmt::For(f) => vec![f.target],
                _ => vec![],
            };
            for t in targets {
                self.collect_target(t);
            }
            for b in bodies(self.ast.stmt(*s)) {
                self.collect(b);
            }
        }
    }

    fn collect_target(&mut self, e: E) {
        match self.ast.expr(e) {
            Expr::Name(n) => {
                let name = self.ast.name(*n);
                if self.var(name).is_none() {
                    self.vars.push(Var { name: name.to_string(), may_be_unset: false });
                }
            }
            Expr::Tuple(items) | Expr::List(items) => items.iter().for_each(|e| self.collect_target(*e)),
            _ => {}
        }
    }

    fn body(&mut self, body: &[S]) -> Res<Vec<Statement>> {
        let mut out = Vec::new();
        for (i, s) in body.iter().enumerate() {
            if i == 0 && self.ast.docstring(body).is_some() {
                continue;
            }
            self.statement(*s, &mut out)?;
        }
        Ok(out)
    }

    fn statement(&mut self, s: S, out: &mut Vec<Statement>) -> Res<()> {
        let span = self.ast.stmt_span(s);
        match self.ast.stmt(s) {
            Stmt::Pass => {}
            Stmt::Expr(e) => {
                let node = self.read(*e)?;
                out.push(Statement::Expr(node));
            }
            Stmt::Assign { targets, value } => self.assign(targets, *value, out)?,
            Stmt::AnnAssign { target, value: Some(value), .. } => self.assign(&[*target], *value, out)?,
            Stmt::AnnAssign { .. } => {}
            Stmt::AugAssign { target, op, value } => {
                if op.text() == "@" {
                    return Err(self.refuse(span, "the operator @="));
                }
                let value = self.read(*value)?;
                if let Expr::Name(n) = self.ast.expr(*target) {
                    let var = self.var(self.ast.name(*n)).expect("collected");
                    self.reads(var);
                }
                let target = self.target(*target)?;
                out.push(Statement::Update(target, *op, value, span));
            }
            Stmt::Return(value) => {
                let (nodes, tuple) = match value.map(|e| (e, self.ast.expr(e))) {
                    None => (vec![Node { form: Form::Const(Num::None), span }], false),
                    Some((_, Expr::Tuple(items))) => {
                        let items = items.clone();
                        (items.iter().map(|e| self.read(*e)).collect::<Res<Vec<_>>>()?, true)
                    }
                    Some((e, _)) => (vec![self.read(e)?], false),
                };
                out.push(Statement::Return(nodes, tuple, span));
                self.never();
            }
            Stmt::If { branches, orelse } => self.branches(branches, orelse, out)?,
            Stmt::While { test, body, orelse } => {
                let test = self.read(*test)?;
                let before = self.set.clone();
                let body = self.body(body)?;
                self.set = before;
                let orelse = self.body(orelse)?;
                out.push(Statement::While(test, body, orelse));
            }
            Stmt::For(f) => {
                let node = self.over(f)?;
                out.push(node);
            }
            Stmt::Break | Stmt::Continue => {
                out.push(if matches!(self.ast.stmt(s), Stmt::Break) { Statement::Break } else { Statement::Continue });
                self.never();
            }
            Stmt::Assert { test, msg } => {
                let test = self.read(*test)?;
                let msg = match msg.map(|e| (e, self.ast.expr(e))) {
                    None => None,
                    Some((_, Expr::Str(text))) => Some(text.to_string()),
                    Some((e, _)) => return Err(self.refuse(self.ast.span(e), "an assertion's text that is computed")),
                };
                out.push(Statement::Assert(test, msg));
            }
            Stmt::Raise { exc: Some(e), cause: None } => {
                let raised = self.raised(*e)?;
                out.push(Statement::Raise(raised, span));
                self.never();
            }
            other => return Err(self.refuse(self.head(s, span), what(other))),
        }
        Ok(())
    }

    /// A statement's first line.
    fn head(&self, s: S, span: Span) -> Span {
        let line = self.ast.file.line_span(self.ast.stmt_line(s));
        Span::new(span.lo, span.hi.min(line.hi).max(span.lo))
    }

    /// What follows is not reached: all variables count as set there.
    fn never(&mut self) {
        self.set = (0..self.vars.len()).collect();
    }

    /// An expression, with a note of variables that it may find unset.
    fn read(&mut self, e: E) -> Res<Node> {
        let node = self.node(e)?;
        self.note(&node);
        Ok(node)
    }

    fn reads(&mut self, var: usize) {
        if !self.set.contains(&var) {
            self.vars[var].may_be_unset = true;
        }
    }

    fn note(&mut self, node: &Node) {
        match &node.form {
            Form::Const(_) | Form::Number(_) => {}
            Form::Var(v) => self.reads(*v),
            Form::Unary(_, a) => self.note(a),
            Form::Binary(_, a, b) => [a, b].into_iter().for_each(|n| self.note(n)),
            Form::Bool(_, all) | Form::Call(_, all) => all.iter().for_each(|n| self.note(n)),
            Form::Compare(a, rest) => {
                self.note(a);
                rest.iter().for_each(|(_, n)| self.note(n));
            }
            Form::Cond(parts) => parts.iter().for_each(|n| self.note(n)),
            Form::Index(parts) => parts.iter().for_each(|n| self.note(n)),
        }
    }

    fn branches(&mut self, branches: &[(E, Body)], orelse: &[S], out: &mut Vec<Statement>) -> Res<()> {
        let mut all = Vec::new();
        let mut after: Option<BTreeSet<usize>> = None;
        let mut join = |set: &BTreeSet<usize>| {
            after = Some(match after.take() {
                None => set.clone(),
                Some(a) => a.intersection(set).copied().collect(),
            });
        };
        for (test, body) in branches {
            let test = self.read(*test)?;
            let before = self.set.clone();
            let body = self.body(body)?;
            join(&self.set);
            self.set = before;
            all.push((test, body));
        }
        let orelse = self.body(orelse)?;
        join(&self.set);
        self.set = after.unwrap_or_default();
        out.push(Statement::If(all, orelse));
        Ok(())
    }

    fn over(&mut self, f: &crate::syntax::ast::For) -> Res<Statement> {
        let span = self.ast.span(f.iter);
        if f.is_async {
            return Err(self.refuse(span, "async for"));
        }
        let var = match self.ast.expr(f.target) {
            Expr::Name(n) => self.var(self.ast.name(*n)).expect("collected"),
            _ => return Err(self.refuse(self.ast.span(f.target), "a loop over anything but one variable")),
        };
        let over = match self.ast.expr(f.iter) {
            Expr::Call { func, args } if self.is_range(*func) => {
                let mut nodes = Vec::new();
                for a in args {
                    let crate::syntax::ast::Arg::Pos(e) = a else {
                        return Err(self.refuse(span, "range() with named arguments"));
                    };
                    nodes.push(self.read(*e)?);
                }
                if !(1..=3).contains(&nodes.len()) {
                    return Err(self.refuse(span, &format!("'range' with {} arguments", nodes.len())));
                }
                Over::Range(nodes)
            }
            Expr::Name(_) => Over::Row(self.read(f.iter)?),
            _ => return Err(self.refuse(span, "a loop over anything but range() or an array")),
        };
        let before = self.set.clone();
        self.set.insert(var);
        let body = self.body(&f.body)?;
        self.set = before;
        let orelse = self.body(&f.orelse)?;
        Ok(Statement::For(Box::new(For { var, over, body, orelse, span })))
    }

    fn is_range(&self, func: E) -> bool {
        let Expr::Name(n) = self.ast.expr(func) else { return false };
        let name = self.ast.name(*n);
        self.var(name).is_none() && matches!(self.find(name), Found::Builtin(b) if b == "range")
    }

    fn assign(&mut self, targets: &[E], value: E, out: &mut Vec<Statement>) -> Res<()> {
        let several = |c: &Self, e: E| match c.ast.expr(e) {
            Expr::Tuple(items) | Expr::List(items) => Some(items.clone()),
            _ => None,
        };
        if let [one] = targets
            && let Some(items) = several(self, *one)
        {
            let values = match self.ast.expr(value) {
                Expr::Tuple(values) => Some(values.clone()),
                _ => None,
            };
            let Some(values) = values else {
                let node = self.read(value)?;
                if !matches!(node.form, Form::Call(Callee::Kernel(_) | Callee::Itself, _)) {
                    return Err(self.refuse(node.span, "unpacking of anything but a call or a row of values"));
                }
                let targets = items.iter().map(|t| self.target(*t)).collect::<Res<Vec<_>>>()?;
                out.push(Statement::Unpack(targets, node));
                return Ok(());
            };
            if values.len() != items.len() {
                return Err(self.refuse(self.ast.span(value), "unpacking of another number of values"));
            }
            let values = values.iter().map(|v| self.read(*v)).collect::<Res<Vec<_>>>()?;
            let targets = items.iter().map(|t| self.target(*t)).collect::<Res<Vec<_>>>()?;
            out.push(Statement::Several(targets, values));
            return Ok(());
        }
        let node = self.read(value)?;
        let [first, rest @ ..] = targets else { return Ok(()) };
        // `a = b = x`: the others get what the first one got, if that is a variable.
        let at = match self.ast.expr(*first) {
            Expr::Name(n) => self.var(self.ast.name(*n)),
            _ => None,
        };
        let t = self.target(*first)?;
        out.push(Statement::Assign(t, node));
        for r in rest {
            let Some(at) = at else {
                return Err(self.refuse(self.ast.span(*first), "several targets of which the first is no variable"));
            };
            let span = self.ast.span(*first);
            let t = self.target(*r)?;
            out.push(Statement::Assign(t, Node { form: Form::Var(at), span }));
        }
        Ok(())
    }

    fn target(&mut self, e: E) -> Res<Target> {
        let span = self.ast.span(e);
        match self.ast.expr(e) {
            Expr::Name(n) => {
                let var = self.var(self.ast.name(*n)).expect("collected");
                self.set.insert(var);
                Ok(Target::Var(var))
            }
            Expr::Index { value, index } => {
                let (value, index) = (*value, *index);
                if matches!(self.ast.expr(index), Expr::Slice { .. } | Expr::Tuple(_)) {
                    return Err(self.refuse(self.ast.span(index), "a slice or several indices"));
                }
                Ok(Target::Item(self.read(value)?, self.read(index)?, span))
            }
            Expr::Attr { attr, .. } => {
                Err(self.refuse(span, &format!("assignment to the attribute '{}'", self.ast.name(*attr))))
            }
            _ => Err(self.refuse(span, "this target of an assignment")),
        }
    }

    /// `raise ValueError("text")`, with or without text.
    fn raised(&self, e: E) -> Res<Raised> {
        let span = self.ast.span(e);
        let (class, text) = match self.ast.expr(e) {
            Expr::Call { func, args } => match &args[..] {
                [] => (*func, None),
                [crate::syntax::ast::Arg::Pos(t)] => match self.ast.expr(*t) {
                    Expr::Str(text) => (*func, Some(text.to_string())),
                    _ => return Err(self.refuse(span, "an exception whose text is computed")),
                },
                _ => return Err(self.refuse(span, "an exception with several arguments")),
            },
            _ => (e, None),
        };
        let name = match self.ast.expr(class) {
            Expr::Name(n) => self.ast.name(*n),
            _ => "",
        };
        let known = CLASSES.iter().find(|c| **c == name).filter(|_| self.var(name).is_none());
        let known = known.filter(|_| matches!(self.find(name), Found::Builtin(_)));
        match known {
            Some(class) => Ok(Raised { class, text }),
            None => Err(self.refuse(span, "raise of anything but a builtin exception of a number's kind")),
        }
    }
}

/// How a statement that does not fit is called.
fn what(s: &Stmt) -> &'static str {
    match s {
        Stmt::Delete(_) => "del",
        Stmt::Raise { .. } => "raise without an exception, or from another",
        Stmt::Global(_) => "a global statement",
        Stmt::Nonlocal(_) => "a nonlocal statement",
        Stmt::Import(_) | Stmt::ImportFrom { .. } => "an import",
        Stmt::Try(_) => "try",
        Stmt::With(_) => "with",
        Stmt::Def(_) => "a function inside it",
        Stmt::Class(_) => "a class",
        _ => "this statement",
    }
}
