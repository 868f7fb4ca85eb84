//! Statements.

use super::Res;
use super::scope::ScopeKind;
use super::unit::Unit;
use crate::bytecode::Instr;
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    pub fn body(&mut self, body: &'a [S]) -> Res {
        body.iter().try_for_each(|&s| self.stmt(s))
    }

    fn stmt(&mut self, s: S) -> Res {
        let ast = self.cx.ast;
        let span = ast.stmt_span(s);
        match ast.stmt(s) {
            Stmt::Expr(e) if self.cx.options.interactive && self.scope().kind == ScopeKind::Module => {
                let mark = self.mark();
                let src = self.fresh(*e)?;
                self.emit(span, Instr::Show { src });
                self.release(mark);
                Ok(())
            }
            Stmt::Expr(e) => self.effect(*e),
            Stmt::Assign { targets, value } => {
                self.assign(targets, *value, span)?;
                if matches!(self.cx.ast.expr(*value), Expr::None) {
                    self.hear(span);
                }
                Ok(())
            }
            Stmt::AugAssign { target, op, value } => self.aug_assign(*target, *op, *value, span),
            Stmt::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(*target, *annotation, *value, *simple, span)
            }
            Stmt::Return(value) => self.return_stmt(*value, span),
            Stmt::Delete(targets) => {
                self.delete_stmt(targets, span)?;
                self.hear(span);
                Ok(())
            }
            Stmt::Pass | Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::Break => self.break_stmt(span),
            Stmt::Continue => self.continue_stmt(span),
            Stmt::Raise { exc, cause } => self.raise_stmt(*exc, *cause, span),
            Stmt::Assert { test, msg } => self.assert_stmt(*test, *msg, span),
            Stmt::Import(names) => self.import(names),
            Stmt::ImportFrom { module, level, names } => self.import_from(s, *module, *level, names, span),
            Stmt::If { branches, orelse } => self.if_stmt(branches, orelse, span),
            Stmt::While { test, body, orelse } => self.while_stmt(*test, body, orelse, span),
            Stmt::For(f) if f.is_async => self.async_for(f),
            Stmt::For(f) => self.for_stmt(f),
            Stmt::Try(t) => self.try_stmt(t, span),
            Stmt::With(w) if w.is_async => self.async_with(&w.items, &w.body),
            Stmt::With(w) => self.with_stmt(&w.items, &w.body),
            Stmt::Def(d) => self.def_stmt(s, d, span),
            Stmt::Class(c) => self.class_stmt(s, c, span),
        }
    }

    #[inline(never)]
    fn delete_stmt(&mut self, targets: &'a [E], span: Span) -> Res {
        self.sweep(span);
        targets.iter().try_for_each(|&t| self.delete_target(t))
    }

    #[inline(never)]
    fn raise_stmt(&mut self, exc: Option<E>, cause: Option<E>, span: Span) -> Res {
        let mark = self.mark();
        let instr = match (exc, cause) {
            (Some(exc), Some(cause)) => {
                let src = self.operand(exc)?;
                let cause = self.operand(cause)?;
                Instr::RaiseFrom { src, cause }
            }
            (Some(exc), None) => {
                let src = self.operand(exc)?;
                Instr::Raise { src }
            }
            (None, _) => Instr::RaiseBare {},
        };
        self.release(mark);
        self.emit(span, instr);
        Ok(())
    }

    #[inline(never)]
    fn assert_stmt(&mut self, test: E, msg: Option<E>, span: Span) -> Res {
        if self.cx.options.explain_asserts {
            return self.explained_assert(test, msg, span);
        }
        let fine = self.asm.label();
        let tested = self.cx.ast.span(test);
        self.branch(test, true, fine)?;
        let mark = self.mark();
        let msg = match msg {
            Some(e) => self.operand(e)?,
            None => {
                let dst = self.temp();
                self.emit(span, Instr::Unset { dst });
                dst
            }
        };
        self.release(mark);
        self.emit(tested, Instr::AssertFail { msg });
        self.asm.bind(fine);
        Ok(())
    }

    #[inline(never)]
    fn if_stmt(&mut self, branches: &'a [(E, Body)], orelse: &'a [S], span: Span) -> Res {
        let end = self.asm.label();
        for (at, (test, body)) in branches.iter().enumerate() {
            let next = self.asm.label();
            self.branch(*test, false, next)?;
            self.body(body)?;
            if at + 1 < branches.len() || !orelse.is_empty() {
                self.asm.goto(span, end);
            }
            self.asm.bind(next);
        }
        self.body(orelse)?;
        self.asm.bind(end);
        Ok(())
    }
}
