//! Targets: assignment in all its forms, and `del`.

use super::Res;
use super::compare::{augmented, augmented_small};
use super::consts::fold;
use super::scope::{ScopeKind, Sym};
use super::unit::{Unit, Var};
use crate::bytecode::{Const, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    /// Stores a register to any target.
    pub fn store_to(&mut self, target: E, src: Reg) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(target);
        let mark = self.mark();
        match ast.expr(target) {
            Expr::Name(name) => self.store(self.sym(*name), src, span),
            Expr::Attr { value, attr } => {
                let obj = self.operand(*value)?;
                let attr = self.attr(*attr);
                let name = self.fresh_site(&attr);
                self.emit(span, Instr::StoreAttr { obj, src, name });
            }
            Expr::Index { value, index } => {
                let obj = self.operand(*value)?;
                let key = self.operand(*index)?;
                self.emit(span, Instr::SetItem { obj, key, src });
            }
            Expr::Tuple(items) | Expr::List(items) => self.unpack(items, src, span)?,
            Expr::Starred(_) => {
                let text = "starred assignment target must be in a list or tuple";
                return self.error(span, text);
            }
            _ => return self.error(span, "cannot assign to expression"),
        }
        self.release(mark);
        Ok(())
    }

    pub fn assign(&mut self, targets: &'a [E], value: E, span: Span) -> Res {
        let ast = self.cx.ast;
        let mark = self.mark();
        if let ([target], Expr::Tuple(values)) = (targets, ast.expr(value))
            && let Expr::Tuple(items) | Expr::List(items) = ast.expr(*target)
            && self.pairs(items, values)
        {
            return self.assign_pairs(items, values);
        }
        let src = match self.target_register(targets[0]) {
            Some(reg) if !self.is_rebound(reg) => {
                self.expr_to(value, reg)?;
                reg
            }
            _ => self.operand(value)?,
        };
        targets.iter().try_for_each(|&t| self.store_to(t, src))?;
        self.release(mark);
        if matches!(fold(ast, value), Some(Const::None)) {
            self.sweep(span);
        }
        Ok(())
    }

    /// Can `a, b = c, d` go without a tuple?
    fn pairs(&self, targets: &[E], values: &[E]) -> bool {
        let ast = self.cx.ast;
        let star = |e: &E| matches!(ast.expr(*e), Expr::Starred(_));
        targets.len() == values.len() && targets.len() <= 8 && !targets.iter().chain(values).any(star)
    }

    /// All values first, then all stores from left to right.
    fn assign_pairs(&mut self, targets: &'a [E], values: &[E]) -> Res {
        let mark = self.mark();
        let mut sources = Vec::new();
        for (at, &value) in values.iter().enumerate() {
            let before = &targets[..at];
            let stays = match self.variable_of(value) {
                Some(sym) => !before.iter().any(|&t| self.may_bind(t, sym)),
                None => false,
            };
            sources.push(if stays { self.operand(value)? } else { self.fresh(value)? });
        }
        for (&target, &src) in targets.iter().zip(&sources) {
            self.store_to(target, src)?;
        }
        self.release(mark);
        Ok(())
    }

    fn variable_of(&self, e: E) -> Option<Sym> {
        match *self.cx.ast.expr(e) {
            Expr::Name(name) => Some(self.sym(name)),
            _ => None,
        }
    }

    fn may_bind(&self, target: E, sym: Sym) -> bool {
        match self.cx.ast.expr(target) {
            Expr::Name(name) => self.sym(*name) == sym,
            Expr::Tuple(items) | Expr::List(items) => items.iter().any(|&t| self.may_bind(t, sym)),
            Expr::Starred(inner) => self.may_bind(*inner, sym),
            _ => false,
        }
    }

    pub fn aug_assign(&mut self, target: E, op: BinOp, value: E, span: Span) -> Res {
        let ast = self.cx.ast;
        let mark = self.mark();
        match ast.expr(target) {
            Expr::Name(name) => {
                let sym = self.sym(*name);
                match self.var(sym) {
                    Var::Register(reg) if !self.is_rebound(reg) => {
                        self.check_bound(reg, sym, ast.span(target));
                        self.augment(op, reg, value, span)?;
                    }
                    _ => {
                        let old = self.temp();
                        self.load(sym, old, ast.span(target));
                        self.augment(op, old, value, span)?;
                        self.store(sym, old, span);
                    }
                }
            }
            Expr::Attr { value: of, attr } => {
                let obj = self.operand(*of)?;
                let dst = self.temp();
                let attr = self.attr(*attr);
                let name = self.fresh_site(&attr);
                self.emit(ast.span(target), Instr::LoadAttr { dst, obj, name });
                self.augment(op, dst, value, span)?;
                let name = self.fresh_site(&attr);
                let src = dst;
                self.emit(ast.span(target), Instr::StoreAttr { obj, src, name });
            }
            Expr::Index { value: of, index } => {
                let obj = self.operand(*of)?;
                let key = self.operand(*index)?;
                let dst = self.temp();
                self.emit(ast.span(target), Instr::GetItem { dst, obj, key });
                self.augment(op, dst, value, span)?;
                let src = dst;
                self.emit(ast.span(target), Instr::SetItem { obj, key, src });
            }
            _ => {
                let text = "illegal expression for augmented assignment";
                return self.error(ast.span(target), text);
            }
        }
        self.release(mark);
        Ok(())
    }

    /// `R[reg] op= value`
    fn augment(&mut self, op: BinOp, reg: Reg, value: E, span: Span) -> Res {
        let small = self.small(value);
        let instr = match small.and_then(|b| augmented_small(op, reg, reg, b)) {
            Some(instr) => instr,
            None => {
                let b = self.operand(value)?;
                augmented(op, reg, reg, b)
            }
        };
        self.emit(span, instr);
        Ok(())
    }

    pub fn ann_assign(&mut self, target: E, annotation: E, value: Option<E>, simple: bool, span: Span) -> Res {
        let ast = self.cx.ast;
        let mark = self.mark();
        if let Some(value) = value {
            self.assign_one(target, value)?;
        }
        match ast.expr(target) {
            Expr::Name(name) if simple => {
                let kind = self.scope().kind;
                if matches!(kind, ScopeKind::Module | ScopeKind::Class) {
                    let src = self.temp();
                    self.load_text(super::function::annotation_text(ast, annotation), src, span);
                    let (obj, key) = (self.temp(), self.temp());
                    self.load(self.cx.scopes.annotations_sym, obj, span);
                    let text = self.attr(*name);
                    self.load_text(&text, key, span);
                    self.emit(span, Instr::SetItem { obj, key, src });
                }
            }
            // Without a value the parts of the target are read all the same.
            Expr::Attr { value: of, .. } if value.is_none() => self.effect(*of)?,
            Expr::Index { value: of, index } if value.is_none() => {
                self.effect(*of)?;
                self.effect(*index)?;
            }
            _ => {}
        }
        self.release(mark);
        Ok(())
    }

    fn assign_one(&mut self, target: E, value: E) -> Res {
        let src = match self.target_register(target) {
            Some(reg) if !self.is_rebound(reg) => {
                self.expr_to(value, reg)?;
                reg
            }
            _ => self.operand(value)?,
        };
        self.store_to(target, src)
    }

    /// Evaluates and forgets.
    pub fn effect(&mut self, e: E) -> Res {
        let mark = self.mark();
        let constant = fold(self.cx.ast, e).is_some();
        if !constant && self.in_place(e).is_none() {
            let src = self.fresh(e)?;
            if self.cx.coroutines && matches!(self.cx.ast.expr(e), Expr::Call { .. }) {
                self.emit(self.cx.ast.span(e), Instr::Forget { src });
            }
        }
        self.release(mark);
        Ok(())
    }

    /// What a name's old value has to say, it says at the statement that ended it.
    pub fn hear(&mut self, span: Span) {
        if self.cx.coroutines {
            let mark = self.mark();
            let src = self.temp();
            self.emit(span, Instr::Unset { dst: src });
            self.emit(span, Instr::Forget { src });
            self.release(mark);
        }
    }

    pub fn delete_target(&mut self, target: E) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(target);
        let mark = self.mark();
        match ast.expr(target) {
            Expr::Name(name) => self.delete(self.sym(*name), span),
            Expr::Attr { value, attr } => {
                let obj = self.operand(*value)?;
                let attr = self.attr(*attr);
                let name = self.fresh_site(&attr);
                self.emit(span, Instr::DeleteAttr { obj, name });
            }
            Expr::Index { value, index } => {
                let obj = self.operand(*value)?;
                let key = self.operand(*index)?;
                self.emit(span, Instr::DelItem { obj, key });
            }
            Expr::Tuple(items) | Expr::List(items) => {
                items.iter().try_for_each(|&t| self.delete_target(t))?;
            }
            _ => return self.error(span, "cannot delete expression"),
        }
        self.release(mark);
        Ok(())
    }
}
