//! Statements.

use crate::source::Span;

use super::super::ast::*;
use super::Builder;

/// A `def` without its decorators.
pub struct Def {
    pub is_async: bool,
    pub name: Name,
    pub name_span: Span,
    pub params: Params,
    pub returns: Option<E>,
    pub body: Vec<S>,
}

impl Builder<'_> {
    /// A simple statement.
    pub fn stmt(&mut self, kind: Stmt, lo: u32, hi: u32) -> S {
        self.refuse_as_items();
        self.ast.push_stmt(kind, Span::new(lo, hi))
    }

    /// A compound statement, which ends where its last block does.
    fn compound(&mut self, kind: Stmt, lo: u32, last: Option<S>) -> S {
        self.refuse_as_items();
        let hi = last.map_or(lo, |stmt| self.ast.stmt_span(stmt).hi);
        self.ast.push_stmt(kind, Span::new(lo, hi.max(lo)))
    }

    pub fn expr_stmt(&mut self, value: E) -> Stmt {
        self.refuse_lone_star(value);
        Stmt::Expr(value)
    }

    pub fn import_from(&mut self, (level, module): (u32, Option<Name>), names: Vec<Alias>) -> Stmt {
        Stmt::ImportFrom { module, level, names: names.into() }
    }

    pub fn if_stmt(&mut self, lo: u32, branches: Vec<(E, Vec<S>)>, orelse: Option<Vec<S>>) -> S {
        let orelse: Body = orelse.unwrap_or_default().into();
        let branches: Box<[(E, Body)]> = branches.into_iter().map(|(test, body)| (test, body.into())).collect();
        let last = branches.last().and_then(|(_, body)| body.last().copied());
        let last = orelse.last().copied().or(last);
        self.compound(Stmt::If { branches, orelse }, lo, last)
    }

    pub fn while_stmt(&mut self, lo: u32, test: E, body: Vec<S>, orelse: Option<Vec<S>>) -> S {
        let orelse = orelse.unwrap_or_default();
        let last = last_of(&[&body, &orelse]);
        self.compound(Stmt::While { test, body: body.into(), orelse: orelse.into() }, lo, last)
    }

    pub fn for_stmt(&mut self, lo: u32, is_async: bool, target: E, iter: E, body: Vec<S>, orelse: Option<Vec<S>>) -> S {
        self.refuse_lone_star(iter);
        let orelse = orelse.unwrap_or_default();
        let last = last_of(&[&body, &orelse]);
        let kind = For { is_async, target, iter, body: body.into(), orelse: orelse.into() };
        self.compound(Stmt::For(Box::new(kind)), lo, last)
    }

    pub fn try_stmt(
        &mut self,
        lo: u32,
        body: Vec<S>,
        handlers: Vec<Handler>,
        orelse: Option<Vec<S>>,
        finally: Option<Vec<S>>,
    ) -> S {
        let count = handlers.len();
        for handler in handlers.iter().take(count.saturating_sub(1)) {
            if handler.class.is_none() {
                let span = Span::new(handler.span.lo, handler.span.lo + "except".len() as u32);
                self.wrong(span, "default 'except:' must be last");
            }
        }
        let (orelse, finally) = (orelse.unwrap_or_default(), finally.unwrap_or_default());
        let handled = handlers.last().map_or(&[][..], |handler| &handler.body);
        let last = last_of(&[&body, handled, &orelse, &finally]);
        let kind = Try { body: body.into(), handlers: handlers.into(), orelse: orelse.into(), finally: finally.into() };
        self.compound(Stmt::Try(Box::new(kind)), lo, last)
    }

    pub fn handler(&mut self, lo: u32, class: Option<E>, name: Option<Name>, body: Vec<S>) -> Handler {
        let hi = body.last().map_or(lo, |&stmt| self.ast.stmt_span(stmt).hi);
        Handler { class, name, body: body.into(), span: Span::new(lo, hi) }
    }

    pub fn with_stmt(&mut self, lo: u32, is_async: bool, items: Vec<WithItem>, body: Vec<S>) -> S {
        let last = last_of(&[&body]);
        let kind = With { is_async, items: items.into(), body: body.into() };
        self.compound(Stmt::With(Box::new(kind)), lo, last)
    }

    pub fn class(&mut self, name: Name, name_span: Span, args: Option<(Vec<Arg>, bool)>, body: Vec<S>) -> Class {
        let args = self.arguments(args.unwrap_or_default());
        for arg in &args {
            if self.is_bare_generator(arg.value()) {
                self.wrong(self.ast.span(arg.value()), "invalid syntax");
            }
        }
        Class { name, name_span, args: args.into(), body: body.into(), decorators: [].into() }
    }

    pub fn class_stmt(&mut self, lo: u32, decorators: Vec<E>, mut class: Class) -> S {
        class.decorators = decorators.into();
        let last = last_of(&[&class.body]);
        self.compound(Stmt::Class(Box::new(class)), lo, last)
    }

    pub fn def_stmt(&mut self, lo: u32, decorators: Vec<E>, def: Def) -> S {
        let Def { is_async, name, name_span, params, returns, body } = def;
        let last = last_of(&[&body]);
        let (body, decorators) = (body.into(), decorators.into());
        let def = super::super::ast::Def { is_async, name, name_span, params, returns, body, decorators };
        self.compound(Stmt::Def(Box::new(def)), lo, last)
    }
}

/// The last statement of the last block that has one.
fn last_of(blocks: &[&[S]]) -> Option<S> {
    blocks.iter().rev().find_map(|block| block.last().copied())
}
