//! Modules, functions and lambdas.

use super::consts::fold_all;
use super::scope::{Home, ScopeId, ScopeKind, Sym};
use super::unit::{Parts, Unit};
use super::{Context, Res};
use crate::bytecode::{Capture, Code, Const, Count, Instr, Params as CodeParams, Reg};
use crate::source::Span;
use crate::syntax::ast::*;
use std::sync::Arc;

/// Compiles the whole script.
pub fn module(cx: &Context) -> Res<Arc<Code>> {
    let ast = cx.ast;
    let mut unit = Unit::new(cx, 0, "<module>", "<module>".into(), &[]);
    let span = ast.body.first().map_or(Span::at(0), |&s| ast.stmt_span(s));
    let at = Span::at(span.lo);
    let doc: Option<Box<str>> = ast.docstring(&ast.body).map(Into::into);
    unit.namespace_head(&ast.body, doc.as_deref(), at)?;
    unit.body(&ast.body)?;
    let parts = Parts { doc, ..Parts::default() };
    unit.finish(at, parts)
}

/// What `__annotations__` holds: the text of the annotation, or the text that a string literal stands for.
pub fn annotation_text(ast: &Ast, e: E) -> &str {
    match ast.expr(e) {
        Expr::Str(text) => text,
        _ => ast.text(e),
    }
}

/// Does a block record annotations, in itself or in the blocks of its statements?
fn annotates(ast: &Ast, body: &[S]) -> bool {
    let all = |bodies: &[&[S]]| bodies.iter().any(|b| annotates(ast, b));
    body.iter().any(|&s| match ast.stmt(s) {
        Stmt::AnnAssign { simple, .. } => *simple,
        Stmt::If { branches, orelse } => branches.iter().any(|(_, b)| annotates(ast, b)) || annotates(ast, orelse),
        Stmt::While { body, orelse, .. } => all(&[body, orelse]),
        Stmt::For(f) => all(&[&f.body, &f.orelse]),
        Stmt::With(w) => annotates(ast, &w.body),
        Stmt::Try(t) => t.handlers.iter().any(|h| annotates(ast, &h.body)) || all(&[&t.body, &t.orelse, &t.finally]),
        _ => false,
    })
}

impl<'a> Unit<'a> {
    /// What a module or class body stores before its first statement.
    pub fn namespace_head(&mut self, body: &[S], doc: Option<&str>, span: Span) -> Res {
        let mark = self.mark();
        let value = self.temp();
        if let Some(doc) = doc {
            self.load_text(doc, value, span);
            self.store(self.cx.scopes.doc_sym, value, span);
        }
        if annotates(self.cx.ast, body) {
            self.empty_dict(value, span);
            self.store(self.cx.scopes.annotations_sym, value, span);
        }
        self.release(mark);
        Ok(())
    }

    /// The qualified name of what this block defines under a name.
    pub fn qualified(&self, name: &str, sym: Option<Sym>) -> String {
        let home = sym.and_then(|sym| self.scope().symbols.get(&sym));
        let global = home.is_some_and(|s| s.home == Home::Global);
        match self.scope().kind {
            _ if global => name.into(),
            ScopeKind::Module => name.into(),
            // CPython 3.11 names no <locals> inside a comprehension.
            ScopeKind::Class | ScopeKind::Comp(_) => format!("{}.{name}", self.qualname),
            ScopeKind::Function => {
                format!("{}.<locals>.{name}", self.qualname)
            }
        }
    }

    /// The registers here that hold the cells which an inner block captures.
    pub fn captures_of(&self, id: ScopeId, span: Span) -> Res<Box<[u16]>> {
        let mut found = Vec::new();
        for &sym in &self.cx.scopes.list[id].captures {
            match self.cell(sym) {
                Some(reg) => found.push(reg.0),
                None => {
                    let text = format!("internal: no cell for '{}'", self.cx.scopes.text(sym));
                    return self.error(span, text);
                }
            }
        }
        Ok(found.into())
    }

    /// Makes the cells and fetches the captured ones.
    pub fn prologue(&mut self, span: Span) {
        let cx = self.cx;
        let scope = self.scope();
        for (&sym, symbol) in &scope.symbols {
            if symbol.home == Home::Cell
                && let Some(reg) = self.cell(sym)
            {
                self.emit(span, Instr::MakeCell { reg });
            }
        }
        if scope.class_cell
            && let Some(reg) = self.cell(cx.scopes.class_sym)
        {
            self.emit(span, Instr::MakeCell { reg });
        }
        for (n, &sym) in scope.captures.iter().enumerate() {
            if scope.class_cell && sym == cx.scopes.class_sym {
                continue;
            }
            if let Some(dst) = self.cell(sym) {
                let n = Capture(n as u16);
                self.emit(span, Instr::LoadCapture { dst, n });
            }
        }
    }

    pub fn def_stmt(&mut self, s: S, d: &'a Def, span: Span) -> Res {
        let ast = self.cx.ast;
        let mark = self.mark();
        let sym = self.sym(d.name);
        let qualname = self.qualified(ast.name(d.name), Some(sym));
        let what = Function {
            id: self.cx.scopes.of_stmt(s),
            name: ast.name(d.name),
            qualname,
            params: &d.params,
            returns: d.returns,
            body: Inside::Body(&d.body),
            span: Span::new(span.lo, d.name_span.hi),
        };
        let first = self.decorators(&d.decorators)?;
        let direct = match self.target_in_register(sym) {
            Some(reg) if d.decorators.is_empty() => reg,
            _ => self.temp(),
        };
        self.function(what, direct)?;
        let made = self.decorate(&d.decorators, first, direct);
        self.store(sym, made, d.name_span);
        self.release(mark);
        Ok(())
    }

    /// Evaluates decorators into consecutive temporaries; the first one.
    pub fn decorators(&mut self, decorators: &[E]) -> Res<Reg> {
        let first = self.temps(0);
        decorators.iter().try_for_each(|&e| self.fresh(e).map(|_| ()))?;
        Ok(first)
    }

    /// Calls the decorators from the innermost on; where the result is.
    pub fn decorate(&mut self, decorators: &[E], first: Reg, made: Reg) -> Reg {
        for (at, &e) in decorators.iter().enumerate().rev() {
            let base = Reg(first.0 + at as u16);
            // The result of one decorator is the argument of the one before it.
            let dst = base;
            let n = Count(1);
            self.emit(self.cx.ast.span(e), Instr::Call { dst, base, n });
        }
        if decorators.is_empty() { made } else { first }
    }

    pub fn lambda(&mut self, e: E, lambda: &'a Lambda, dst: Reg) -> Res {
        let what = Function {
            id: self.cx.scopes.of_expr(e),
            name: "<lambda>",
            qualname: self.qualified("<lambda>", None),
            params: &lambda.params,
            returns: None,
            body: Inside::Expr(lambda.body),
            span: self.cx.ast.span(e),
        };
        self.function(what, dst)
    }

    /// Compiles a function and makes it.
    #[inline(never)]
    fn function(&mut self, what: Function<'a>, dst: Reg) -> Res {
        let span = what.span;
        let mark = self.mark();
        let base = self.temps(2);
        let list = &what.params.list;
        let positional = |p: &&Param| matches!(p.kind, ParamKind::PosOnly | ParamKind::Normal);
        let defaults: Vec<E> = list.iter().filter(positional).filter_map(|p| p.default).collect();
        if defaults.is_empty() {
            self.emit(span, Instr::Unset { dst: base });
        } else if let Some(all) = fold_all(self.cx.ast, &defaults) {
            self.load_const(Const::Tuple(all), base, span);
        } else {
            self.tuple(&defaults, base, span)?;
        }
        let dict = Reg(base.0 + 1);
        let named: Vec<&Param> = list.iter().filter(|p| p.kind == ParamKind::KwOnly).collect();
        if named.iter().any(|p| p.default.is_some()) {
            self.empty_dict(dict, span);
            for (p, value) in named.iter().filter_map(|p| Some((p, p.default?))) {
                let inner = self.mark();
                let key = self.temp();
                let text = self.attr(p.name);
                self.load_text(&text, key, span);
                let src = self.operand(value)?;
                self.emit(span, Instr::SetItem { obj: dict, key, src });
                self.release(inner);
            }
        } else {
            self.emit(span, Instr::Unset { dst: dict });
        }
        let code = self.function_code(what)?;
        let code = self.konst(Const::Code(code));
        self.release(mark);
        self.emit(span, Instr::MakeFunction { dst, code, base });
        Ok(())
    }

    #[inline(never)]
    fn function_code(&self, what: Function<'a>) -> Res<Arc<Code>> {
        let cx = self.cx;
        let ast = cx.ast;
        let private = cx.scopes.list[what.id].private;
        let sym = |p: &Param| cx.scopes.sym(ast, private, p.name);
        let of = |kind| what.params.list.iter().filter(move |p| p.kind == kind);
        let order: Vec<Sym> =
            [ParamKind::PosOnly, ParamKind::Normal, ParamKind::KwOnly, ParamKind::Star, ParamKind::DoubleStar]
                .into_iter()
                .flat_map(|kind| of(kind).map(sym))
                .collect();
        let count = |kind| of(kind).count() as u16;
        let positional = count(ParamKind::PosOnly) + count(ParamKind::Normal);
        let params = CodeParams {
            names: order.iter().map(|&s| cx.scopes.text(s).into()).collect(),
            posonly: count(ParamKind::PosOnly),
            positional,
            kwonly: count(ParamKind::KwOnly),
            star: count(ParamKind::Star) > 0,
            double_star: count(ParamKind::DoubleStar) > 0,
        };
        let annotated = what.params.list.iter().filter_map(|p| {
            let text = annotation_text(ast, p.annotation?).into();
            Some((cx.scopes.text(sym(p)).into(), text))
        });
        let returns = what.returns.map(|e| ("return".into(), annotation_text(ast, e).into()));
        let mut unit = Box::new(Unit::new(cx, what.id, what.name, what.qualname, &order));
        unit.this = order.first().copied().filter(|_| positional > 0);
        unit.prologue(what.span);
        let mut doc = None;
        let late = match what.body {
            Inside::Body(body) => ast.part_at(body).cloned(),
            Inside::Expr(_) => None,
        };
        match what.body {
            Inside::Body(body) => {
                doc = ast.docstring(body).map(Into::into);
                unit.body(body)?;
            }
            Inside::Expr(e) => {
                let src = unit.operand(e)?;
                if !unit.scope().generator {
                    unit.emit(ast.span(e), Instr::Return { src });
                }
            }
        }
        let parts = Parts {
            simple: params.kwonly == 0 && !params.star && !params.double_star,
            params,
            captures: self.captures_of(what.id, what.span)?,
            doc,
            annotations: annotated.chain(returns).collect(),
            late,
        };
        unit.finish(what.span, parts)
    }
}

/// A function or lambda to compile.
struct Function<'a> {
    id: ScopeId,
    name: &'a str,
    qualname: String,
    params: &'a Params,
    returns: Option<E>,
    body: Inside<'a>,
    span: Span,
}

enum Inside<'a> {
    Body(&'a [S]),
    Expr(E),
}
