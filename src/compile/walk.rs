//! The first walk over statements and expressions; the marks themselves are set in `scope.rs`.

use super::Res;
use super::scope::{Collector, ScopeKind};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Collector<'a> {
    pub(super) fn body(&mut self, body: &'a [S]) -> Res {
        body.iter().try_for_each(|&s| self.stmt(s))
    }

    fn opt(&mut self, e: Option<E>) -> Res {
        e.map_or(Ok(()), |e| self.expr(e))
    }

    fn all(&mut self, list: &'a [E]) -> Res {
        list.iter().try_for_each(|&e| self.expr(e))
    }

    /// Marks the block as one that awaits, or refuses: `what` belongs into asynchronous functions.
    #[inline(never)]
    fn awaits(&mut self, what: &str, span: Span) -> Res {
        let asynchronous = self.now().coroutine;
        match self.now().kind {
            // Whether a comprehension may await is asked where it ends.
            ScopeKind::Comp(_) => self.now().coroutine = true,
            ScopeKind::Function if asynchronous => {}
            // A module that awaits is the body of a coroutine (`Thread::run_module`).
            ScopeKind::Module => self.now().coroutine = true,
            ScopeKind::Class if what == "'await'" => return self.error(span, "'await' outside function"),
            _ if what.starts_with('\'') => return self.error(span, format!("{what} outside async function")),
            _ => return self.error(span, format!("{what} outside of an asynchronous function")),
        }
        Ok(())
    }

    fn stmt(&mut self, s: S) -> Res {
        let ast = self.ast;
        let span = ast.stmt_span(s);
        match ast.stmt(s) {
            Stmt::Expr(e) => self.expr(*e),
            Stmt::Assign { targets, value } => {
                self.expr(*value)?;
                targets.iter().try_for_each(|&t| self.target(t))
            }
            Stmt::AugAssign { target, value, .. } => {
                self.target(*target)?;
                self.expr(*value)
            }
            Stmt::AnnAssign { target, value, simple, .. } => self.annotated(*target, *value, *simple),
            Stmt::Return(value) => self.opt(*value),
            Stmt::Delete(targets) => targets.iter().try_for_each(|&t| {
                self.target(t)?;
                self.fragile(t);
                Ok(())
            }),
            Stmt::Pass | Stmt::Break | Stmt::Continue => Ok(()),
            Stmt::Raise { exc, cause } => {
                self.opt(*exc)?;
                self.opt(*cause)
            }
            Stmt::Global(names) => self.declare(names, true, span),
            Stmt::Nonlocal(names) => self.declare(names, false, span),
            Stmt::Assert { test, msg } => {
                self.expr(*test)?;
                self.opt(*msg)
            }
            Stmt::Import(names) => names.iter().try_for_each(|a| self.alias(a)),
            Stmt::ImportFrom { names, .. } => {
                if names.is_empty() && self.now().kind != ScopeKind::Module {
                    return self.error(span, "import * only allowed at module level");
                }
                names.iter().try_for_each(|a| self.alias(a))
            }
            Stmt::If { branches, orelse } => {
                for (test, body) in branches {
                    self.expr(*test)?;
                    self.body(body)?;
                }
                self.body(orelse)
            }
            Stmt::While { test, body, orelse } => {
                self.expr(*test)?;
                self.body(body)?;
                self.body(orelse)
            }
            Stmt::For(f) => self.for_stmt(f, span),
            Stmt::Try(t) => self.try_stmt(t),
            Stmt::With(w) => self.with_stmt(w, span),
            Stmt::Def(d) => self.def(s, d),
            Stmt::Class(c) => self.class(s, c),
        }
    }

    fn annotated(&mut self, target: E, value: Option<E>, simple: bool) -> Res {
        if let Expr::Name(name) = *self.ast.expr(target) {
            let span = self.ast.span(target);
            let sym = self.sym(name);
            let m = *self.marks(sym);
            if (m.global || m.nonlocal) && simple && self.now().kind != ScopeKind::Module {
                let how = if m.global { "global" } else { "nonlocal" };
                let text = format!("annotated name '{}' can't be {how}", self.ast.name(name));
                return self.error(span, text);
            }
            if simple || value.is_some() {
                self.bind(name, span)?;
                self.marks(sym).annotated |= simple;
            }
        } else {
            self.target(target)?;
        }
        self.opt(value)
    }

    fn fragile(&mut self, target: E) {
        match self.ast.expr(target) {
            Expr::Name(name) => {
                let sym = self.sym(*name);
                self.marks(sym).fragile = true;
            }
            Expr::Tuple(items) | Expr::List(items) => items.iter().for_each(|&t| self.fragile(t)),
            _ => {}
        }
    }

    fn alias(&mut self, alias: &'a Alias) -> Res {
        match alias.asname {
            Some(name) => self.bind(name, alias.span),
            None => {
                let first = self.ast.name(alias.name).split('.').next().unwrap_or("");
                match self.first_name(first) {
                    Some(name) => self.bind(name, alias.span),
                    None => {
                        let sym = self.intern(first);
                        self.marks(sym).bound = true;
                        Ok(())
                    }
                }
            }
        }
    }

    fn for_stmt(&mut self, f: &'a For, span: Span) -> Res {
        if f.is_async {
            self.awaits("'async for'", span)?;
        }
        self.target(f.target)?;
        self.expr(f.iter)?;
        self.body(&f.body)?;
        self.body(&f.orelse)
    }

    fn try_stmt(&mut self, t: &'a Try) -> Res {
        self.body(&t.body)?;
        for h in &t.handlers {
            self.opt(h.class)?;
            if let Some(name) = h.name {
                self.bind(name, h.span)?;
                let sym = self.sym(name);
                self.marks(sym).fragile = true;
            }
            self.body(&h.body)?;
        }
        self.body(&t.orelse)?;
        self.body(&t.finally)
    }

    fn with_stmt(&mut self, w: &'a With, span: Span) -> Res {
        if w.is_async {
            self.awaits("'async with'", span)?;
        }
        for item in &w.items {
            self.expr(item.context)?;
            item.target.map_or(Ok(()), |t| self.target(t))?;
        }
        self.body(&w.body)
    }

    #[inline(never)]
    fn defaults(&mut self, params: &'a Params) -> Res {
        let mut defaults = params.list.iter().filter_map(|p| p.default);
        defaults.try_for_each(|e| self.expr(e))
    }

    #[inline(never)]
    fn params(&mut self, params: &'a Params) -> Res {
        for p in &params.list {
            let sym = self.sym(p.name);
            if self.marks(sym).param {
                let text = format!("duplicate argument '{}' in function definition", self.ast.name(p.name));
                return self.error(p.span, text);
            }
            self.bind(p.name, p.span)?;
            self.marks(sym).param = true;
        }
        Ok(())
    }

    fn def(&mut self, s: S, d: &'a Def) -> Res {
        self.bind(d.name, d.name_span)?;
        self.defaults(&d.params)?;
        self.all(&d.decorators)?;
        let id = self.enter(ScopeKind::Function);
        self.remember_stmt(s, id);
        self.now().coroutine = d.is_async;
        self.params(&d.params)?;
        self.body(&d.body)?;
        if self.ast.part_at(&d.body).is_some_and(|part| part.names_class) {
            self.use_class_cell();
        }
        self.leave();
        Ok(())
    }

    fn class(&mut self, s: S, c: &'a Class) -> Res {
        self.bind(c.name, c.name_span)?;
        self.args(&c.args)?;
        self.all(&c.decorators)?;
        let outer = self.private.replace(c.name);
        let id = self.enter(ScopeKind::Class);
        self.remember_stmt(s, id);
        self.body(&c.body)?;
        self.leave();
        self.private = outer;
        Ok(())
    }

    #[inline(never)]
    fn args(&mut self, args: &'a [Arg]) -> Res {
        for arg in args {
            match arg {
                Arg::Pos(e) | Arg::Star(e) | Arg::DoubleStar(e) => self.expr(*e)?,
                Arg::Keyword { name, value, span } => {
                    if self.ast.name(*name) == "__debug__" {
                        return self.error(*span, "cannot assign to __debug__");
                    }
                    self.expr(*value)?
                }
            }
        }
        Ok(())
    }

    /// What an assignment, a `for`, a `with`, a `del` binds.
    #[inline(never)]
    fn target(&mut self, e: E) -> Res {
        match self.ast.expr(e) {
            Expr::Name(name) => self.bind(*name, self.ast.span(e)),
            Expr::Tuple(items) | Expr::List(items) => items.iter().try_for_each(|&t| self.target(t)),
            Expr::Starred(inner) => self.target(*inner),
            Expr::Attr { attr, .. } if self.ast.name(*attr) == "__debug__" => {
                self.error(self.ast.span(e), "cannot assign to __debug__")
            }
            _ => {
                let before = std::mem::replace(&mut self.in_target, false);
                self.expr(e)?;
                self.in_target = before;
                Ok(())
            }
        }
    }

    #[inline(never)]
    pub(super) fn expr(&mut self, e: E) -> Res {
        let ast = self.ast;
        match ast.expr(e) {
            Expr::None | Expr::True | Expr::False | Expr::Ellipsis => Ok(()),
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Bytes(_) => Ok(()),
            Expr::FString(parts) => self.fparts(parts),
            Expr::Name(name) => {
                self.use_name(*name);
                Ok(())
            }
            Expr::Tuple(items) | Expr::List(items) | Expr::Set(items) => self.all(items),
            Expr::Dict(items) => items.iter().try_for_each(|(key, value)| {
                self.opt(*key)?;
                self.expr(*value)
            }),
            Expr::Comp(comp) => self.comp(e, comp),
            Expr::Unary { operand, .. } => self.expr(*operand),
            Expr::Binary { left, right, .. } => self.each(&[*left, *right]),
            Expr::Bool { values, .. } => self.all(values),
            Expr::Compare { left, rest } => {
                self.expr(*left)?;
                rest.iter().try_for_each(|(_, e)| self.expr(*e))
            }
            Expr::Cond { test, then, orelse } => self.each(&[*test, *then, *orelse]),
            Expr::Call { func, args } => {
                self.expr(*func)?;
                self.args(args)
            }
            Expr::Attr { value, .. } | Expr::Starred(value) => self.expr(*value),
            Expr::Index { value, index } => self.each(&[*value, *index]),
            Expr::Slice { lower, upper, step } => {
                [lower, upper, step].into_iter().flatten().try_for_each(|e| self.each(&[*e]))
            }
            Expr::Lambda(lambda) => self.lambda(e, lambda),
            Expr::Walrus { target, value } => self.walrus(*target, *value, ast.span(e)),
            Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => self.suspends(e),
        }
    }

    /// Several parts of one expression: a function of its own keeps the frame of `expr`, which recurses
    /// as deep as expressions are, small.
    #[inline(never)]
    fn each(&mut self, parts: &[E]) -> Res {
        parts.iter().try_for_each(|&e| self.expr(e))
    }

    /// `await`, `yield`, `yield from`.
    #[inline(never)]
    fn suspends(&mut self, e: E) -> Res {
        let span = self.ast.span(e);
        let value = match self.ast.expr(e) {
            Expr::Await(value) => {
                self.awaits("'await'", span)?;
                Some(*value)
            }
            Expr::YieldFrom(value) => {
                self.delegates(span)?;
                Some(*value)
            }
            Expr::Yield(value) => {
                self.yields(span)?;
                *value
            }
            _ => None,
        };
        self.opt(value)
    }

    #[inline(never)]
    fn delegates(&mut self, span: Span) -> Res {
        self.yields(span)?;
        if self.now().coroutine {
            return self.error(span, "'yield from' inside async function");
        }
        Ok(())
    }

    #[inline(never)]
    fn yields(&mut self, span: Span) -> Res {
        let what = match self.now().kind {
            ScopeKind::Function => {
                self.now().generator = true;
                return Ok(());
            }
            ScopeKind::Module | ScopeKind::Class => "outside function",
            ScopeKind::Comp(CompKind::List) => "inside list comprehension",
            ScopeKind::Comp(CompKind::Set) => "inside set comprehension",
            ScopeKind::Comp(CompKind::Dict) => "inside dict comprehension",
            ScopeKind::Comp(CompKind::Generator) => "inside generator expression",
        };
        self.error(span, format!("'yield' {what}"))
    }

    #[inline(never)]
    fn fparts(&mut self, parts: &'a [FPart]) -> Res {
        for part in parts {
            if let FPart::Field(field) = part {
                self.expr(field.value)?;
                self.fparts(field.spec.as_deref().unwrap_or(&[]))?;
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn lambda(&mut self, e: E, lambda: &'a Lambda) -> Res {
        self.defaults(&lambda.params)?;
        let id = self.enter(ScopeKind::Function);
        self.remember_expr(e, id);
        self.params(&lambda.params)?;
        self.expr(lambda.body)?;
        self.leave();
        Ok(())
    }

    #[inline(never)]
    fn comp(&mut self, e: E, comp: &'a Comp) -> Res {
        self.iterable(comp.clauses[0].iter)?;
        let id = self.enter(ScopeKind::Comp(comp.kind));
        self.remember_expr(e, id);
        self.now().generator = comp.kind == CompKind::Generator;
        self.now().coroutine = comp.clauses.iter().any(|c| c.is_async);
        for (at, clause) in comp.clauses.iter().enumerate() {
            let before = std::mem::replace(&mut self.in_target, true);
            self.target(clause.target)?;
            self.in_target = false;
            if at > 0 {
                self.iterable(clause.iter)?;
            }
            self.all(&clause.ifs)?;
            self.in_target = before;
        }
        let before = std::mem::replace(&mut self.in_target, false);
        comp.value.map_or(Ok(()), |v| self.expr(v))?;
        self.expr(comp.elt)?;
        self.in_target = before;
        let asynchronous = self.now().coroutine && comp.kind != CompKind::Generator;
        self.leave();
        if asynchronous {
            self.awaits("asynchronous comprehension", self.ast.span(e))?;
        }
        Ok(())
    }
}
