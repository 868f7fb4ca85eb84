//! Expressions into registers.

use super::Res;
use super::compare::*;
use super::consts::fold;
use super::unit::Unit;
use crate::bytecode::{Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    /// The value of `e` into `dst`, which is written once and last if it is a variable (C1).
    pub fn expr_to(&mut self, e: E, dst: Reg) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(e);
        if let Some(c) = fold(ast, e) {
            self.load_const(c, dst, span);
            return Ok(());
        }
        match ast.expr(e) {
            Expr::Name(name) => {
                self.load(self.sym(*name), dst, span);
                Ok(())
            }
            Expr::Tuple(items) => self.tuple(items, dst, span),
            Expr::List(items) => self.list(items, dst, span),
            Expr::Set(items) => self.set(items, dst, span),
            Expr::Dict(items) => self.dict(items, dst, span),
            Expr::FString(parts) => self.fstring(parts, dst, span),
            Expr::Comp(comp) => self.comprehension(e, comp, dst),
            Expr::Unary { op, operand } => self.unary(*op, *operand, dst, span),
            Expr::Binary { .. } => self.binary(e, dst),
            Expr::Bool { op, values } => self.bool_value(*op, values, dst, span),
            Expr::Compare { left, rest } => self.compare_value(*left, rest, dst, span),
            Expr::Cond { test, then, orelse } => self.cond(*test, *then, *orelse, dst, span),
            Expr::Call { func, args } => self.call(*func, args, dst, span),
            Expr::Attr { value, attr } => self.attribute(*value, *attr, dst, span),
            Expr::Index { value, index } => self.item(*value, *index, dst, span),
            Expr::Slice { lower, upper, step } => self.slice([*lower, *upper, *step], dst, span),
            Expr::Starred(_) => self.error(span, "can't use starred expression here"),
            Expr::Lambda(lambda) => self.lambda(e, lambda, dst),
            Expr::Walrus { target, value } => self.walrus(*target, *value, dst, span),
            Expr::Await(value) => self.await_value(*value, dst, span),
            Expr::Yield(value) => self.yield_value(*value, dst, span),
            Expr::YieldFrom(value) => self.yield_from(*value, dst, span),
            Expr::None | Expr::True | Expr::False | Expr::Ellipsis => Ok(()),
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Bytes(_) => Ok(()),
        }
    }

    /// A register with the value of `e`: a variable's own, or a new temporary.
    pub fn operand(&mut self, e: E) -> Res<Reg> {
        if let Some(reg) = self.in_place(e) {
            return Ok(reg);
        }
        self.fresh(e)
    }

    /// The same, but `place` instead of a new temporary if it is one.
    pub fn operand_in(&mut self, e: E, place: Reg) -> Res<Reg> {
        if let Some(reg) = self.in_place(e) {
            return Ok(reg);
        }
        if !self.is_temp(place) {
            return self.fresh(e);
        }
        self.expr_to(e, place)?;
        Ok(place)
    }

    /// A new temporary with the value of `e`.
    pub fn fresh(&mut self, e: E) -> Res<Reg> {
        let made = self.temp();
        self.expr_to(e, made)?;
        Ok(made)
    }

    /// `dst` if half of a result may stand there, else a new temporary; `settle` moves it.
    pub fn draft(&mut self, dst: Reg) -> Reg {
        if self.is_temp(dst) { dst } else { self.temp() }
    }

    pub fn settle(&mut self, dst: Reg, src: Reg, span: Span) {
        if dst != src {
            self.emit(span, Instr::Move { dst, src });
        }
    }

    #[inline(never)]
    fn unary(&mut self, op: UnaryOp, operand: E, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        if op == UnaryOp::Not
            && let Expr::Compare { left, rest } = self.cx.ast.expr(operand)
            && let [(op, right)] = **rest
            && let Some(turned) = negated(op)
        {
            return self.compare_value(*left, &[(turned, right)], dst, span);
        }
        let a = self.operand_in(operand, dst)?;
        self.release(mark);
        self.emit(
            span,
            match op {
                UnaryOp::Not => Instr::Not { dst, a },
                UnaryOp::Neg => Instr::Neg { dst, a },
                UnaryOp::Pos => Instr::Pos { dst, a },
                UnaryOp::Invert => Instr::Invert { dst, a },
            },
        );
        Ok(())
    }

    /// A chain of operators leans to the left: it is walked by a loop.
    #[inline(never)]
    fn binary(&mut self, e: E, dst: Reg) -> Res {
        let ast = self.cx.ast;
        let mut chain = Vec::new();
        let mut first = e;
        while let Expr::Binary { op, left, right } = ast.expr(first) {
            if fold(ast, first).is_some() {
                break;
            }
            chain.push((first, *op, *right));
            first = *left;
        }
        let mark = self.mark();
        let mut a = self.operand_in(first, dst)?;
        while let Some((node, op, right)) = chain.pop() {
            let inner = self.mark();
            let b = match self.small(right) {
                Some(small) => Err(small),
                None => Ok(self.operand(right)?),
            };
            let to = if chain.is_empty() {
                dst
            } else if self.is_temp(a) {
                a
            } else {
                self.release(inner);
                self.draft(dst)
            };
            let span = ast.span(node);
            let instr = match b {
                Ok(b) => binary(op, to, a, b),
                Err(small) => match binary_small(op, to, a, small) {
                    Some(instr) => instr,
                    None => {
                        let b = self.fresh(right)?;
                        binary(op, to, a, b)
                    }
                },
            };
            self.emit(span, instr);
            self.release(inner.max(if self.is_temp(to) { to.0 as u32 + 1 } else { 0 }));
            a = to;
        }
        self.release(mark);
        Ok(())
    }

    #[inline(never)]
    fn bool_value(&mut self, op: BoolOp, values: &'a [E], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let out = self.draft(dst);
        let end = self.asm.label();
        for (at, &value) in values.iter().enumerate() {
            self.expr_to(value, out)?;
            if at + 1 < values.len() {
                self.jump_on(out, op == BoolOp::Or, end, span);
            }
        }
        self.asm.bind(end);
        self.release(mark);
        self.settle(dst, out, span);
        Ok(())
    }

    #[inline(never)]
    fn compare_value(&mut self, left: E, rest: &[(CmpOp, E)], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        if let [(op, right)] = *rest {
            let a = self.operand_in(left, dst)?;
            let b = self.container(op, right)?;
            self.release(mark);
            self.emit(span, compare(op, dst, a, b));
            return Ok(());
        }
        let out = self.draft(dst);
        let end = self.asm.label();
        let mut a = self.operand(left)?;
        for (at, &(op, right)) in rest.iter().enumerate() {
            let b = self.container(op, right)?;
            self.emit(span, compare(op, out, a, b));
            if at + 1 < rest.len() {
                self.jump_on(out, false, end, span);
            }
            a = b;
        }
        self.asm.bind(end);
        self.release(mark);
        self.settle(dst, out, span);
        Ok(())
    }

    #[inline(never)]
    fn cond(&mut self, test: E, then: E, orelse: E, dst: Reg, span: Span) -> Res {
        let (other, end) = (self.asm.label(), self.asm.label());
        self.branch(test, false, other)?;
        self.expr_to(then, dst)?;
        self.asm.goto(span, end);
        self.asm.bind(other);
        self.expr_to(orelse, dst)?;
        self.asm.bind(end);
        Ok(())
    }

    #[inline(never)]
    fn attribute(&mut self, value: E, attr: Name, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let obj = self.operand_in(value, dst)?;
        self.release(mark);
        let attr = self.attr(attr);
        let name = self.fresh_site(&attr);
        self.emit(span, Instr::LoadAttr { dst, obj, name });
        Ok(())
    }

    #[inline(never)]
    fn item(&mut self, value: E, index: E, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let obj = self.operand_in(value, dst)?;
        let instr = match self.small(index) {
            Some(key) => Instr::GetItemI { dst, obj, key },
            None => {
                let key = self.operand(index)?;
                Instr::GetItem { dst, obj, key }
            }
        };
        self.release(mark);
        self.emit(span, instr);
        Ok(())
    }

    #[inline(never)]
    fn slice(&mut self, parts: [Option<E>; 3], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let base = self.temps(3);
        for (at, part) in parts.into_iter().enumerate() {
            let to = Reg(base.0 + at as u16);
            match part {
                Some(e) => self.expr_to(e, to)?,
                None => self.emit(span, Instr::LoadNone { dst: to }),
            }
        }
        self.release(mark);
        self.emit(span, Instr::BuildSlice { dst, base });
        Ok(())
    }

    #[inline(never)]
    fn walrus(&mut self, target: E, value: E, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let src = self.operand_in(value, dst)?;
        self.store_to(target, src)?;
        self.release(mark);
        self.settle(dst, src, span);
        Ok(())
    }

    #[inline(never)]
    fn yield_value(&mut self, value: Option<E>, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let src = match value {
            Some(e) => self.operand_in(e, dst)?,
            None => {
                let none = self.draft(dst);
                self.emit(span, Instr::LoadNone { dst: none });
                none
            }
        };
        self.release(mark);
        self.emit(span, Instr::Yield { dst, src });
        Ok(())
    }

    #[inline(never)]
    fn yield_from(&mut self, value: E, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let iter = self.temp();
        let src = self.operand_in(value, iter)?;
        self.emit(span, Instr::GetIter { dst: iter, src });
        self.wait_for(iter, dst, span);
        self.release(mark);
        Ok(())
    }
}

/// The comparison that is `not` this one, where no method of a script decides it.
fn negated(op: CmpOp) -> Option<CmpOp> {
    Some(match op {
        CmpOp::Is => CmpOp::IsNot,
        CmpOp::IsNot => CmpOp::Is,
        CmpOp::In => CmpOp::NotIn,
        CmpOp::NotIn => CmpOp::In,
        _ => return None,
    })
}
