//! Conditions as jumps: fused comparisons, short circuits, and the test at the bottom of a loop.

use super::Res;
use super::assemble::{LATER, Label};
use super::compare::*;
use super::consts::{fold, truth};
use super::unit::Unit;
use crate::bytecode::{Instr, LongJump, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    /// The truth of a condition that is constant.
    pub fn constant_truth(&self, e: E) -> Option<bool> {
        truth(&fold(self.cx.ast, e)?)
    }

    /// Jumps to `to` if the truth of `e` is `want`, else goes on.
    pub fn branch(&mut self, e: E, want: bool, to: Label) -> Res {
        let ast = self.cx.ast;
        if let Some(is) = self.constant_truth(e) {
            if is == want {
                self.asm.goto(ast.span(e), to);
            }
            return Ok(());
        }
        match ast.expr(e) {
            Expr::Unary { op: UnaryOp::Not, operand } => self.branch(*operand, !want, to),
            Expr::Bool { op, values } => self.branch_bool(*op, values, want, to),
            Expr::Compare { left, rest } => self.branch_compare(e, *left, rest, want, to),
            _ => self.branch_value(e, want, to),
        }
    }

    #[inline(never)]
    fn branch_value(&mut self, e: E, want: bool, to: Label) -> Res {
        let mark = self.mark();
        let src = self.operand(e)?;
        self.release(mark);
        self.jump_on(src, want, to, self.cx.ast.span(e));
        Ok(())
    }

    pub fn jump_on(&mut self, src: Reg, want: bool, to: Label, span: Span) {
        let by = LATER;
        let instr = if want { Instr::JumpIf { src, by } } else { Instr::JumpIfNot { src, by } };
        self.jump(span, instr, to);
    }

    #[inline(never)]
    fn branch_bool(&mut self, op: BoolOp, values: &'a [E], want: bool, to: Label) -> Res {
        // What the first value that decides makes of the whole.
        let decides = op == BoolOp::Or;
        let (&last, rest) = values.split_last().expect("at least two values");
        if decides == want {
            rest.iter().try_for_each(|&v| self.branch(v, want, to))?;
            return self.branch(last, want, to);
        }
        let end = self.asm.label();
        rest.iter().try_for_each(|&v| self.branch(v, !want, end))?;
        self.branch(last, want, to)?;
        self.asm.bind(end);
        Ok(())
    }

    #[inline(never)]
    fn branch_compare(&mut self, e: E, left: E, rest: &'a [(CmpOp, E)], want: bool, to: Label) -> Res {
        let span = self.cx.ast.span(e);
        let mark = self.mark();
        let end = self.asm.label();
        let mut a = self.operand(left)?;
        for (at, &(op, right)) in rest.iter().enumerate() {
            let last = at + 1 == rest.len();
            let out = if want { end } else { to };
            if last && want {
                self.compare_jump(op, a, right, true, to, span)?;
            } else if last {
                self.compare_jump(op, a, right, false, out, span)?;
            } else {
                let b = self.operand(right)?;
                self.compare_regs(op, a, b, false, out, span);
                a = b;
            }
        }
        self.asm.bind(end);
        self.release(mark);
        Ok(())
    }

    /// Jumps if the truth of `a op right` is `want`.
    fn compare_jump(&mut self, op: CmpOp, a: Reg, right: E, want: bool, to: Label, span: Span) -> Res {
        if let Some(instr) = self.none_test(op, a, right, want) {
            self.jump(span, instr, to);
            return Ok(());
        }
        if fuses(op)
            && let Some(small) = self.small(right)
            && let Some(instr) = unless_small(op, a, small)
        {
            self.fused(instr, want, to, span);
            return Ok(());
        }
        let b = self.container(op, right)?;
        self.compare_regs(op, a, b, want, to, span);
        Ok(())
    }

    /// `x is None`: the jump that tests it.
    fn none_test(&self, op: CmpOp, src: Reg, right: E, want: bool) -> Option<Instr> {
        let is = match (op, self.cx.ast.expr(right)) {
            (CmpOp::Is, Expr::None) => want,
            (CmpOp::IsNot, Expr::None) => !want,
            _ => return None,
        };
        let by = LATER;
        Some(if is { Instr::JumpIfNone { src, by } } else { Instr::JumpIfNotNone { src, by } })
    }

    fn compare_regs(&mut self, op: CmpOp, a: Reg, b: Reg, want: bool, to: Label, span: Span) {
        if let Some(instr) = unless(op, a, b) {
            return self.fused(instr, want, to, span);
        }
        let mark = self.mark();
        let src = self.temp();
        self.emit(span, compare(op, src, a, b));
        self.release(mark);
        self.jump_on(src, want, to, span);
    }

    /// A jump that is taken when its comparison fails, or around a jump.
    fn fused(&mut self, unless: Instr, want: bool, to: Label, span: Span) {
        if !want {
            return self.jump(span, unless, to);
        }
        let skip = self.asm.label();
        self.jump(span, unless, skip);
        self.asm.goto(span, to);
        self.asm.bind(skip);
    }

    /// The test at the bottom of a loop: back to `top` while `e`, else goes on.
    pub fn loop_while(&mut self, e: E, top: Label) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(e);
        match ast.expr(e) {
            Expr::Bool { op, values } => {
                let (&last, rest) = values.split_last().expect("at least two values");
                let out = self.asm.label();
                for &value in rest {
                    match op {
                        BoolOp::And => self.branch(value, false, out)?,
                        BoolOp::Or => self.loop_while(value, top)?,
                    }
                }
                self.loop_while(last, top)?;
                self.asm.bind(out);
                Ok(())
            }
            Expr::Compare { left, rest } if rest.len() == 1 && fuses(rest[0].0) => {
                let (op, right) = rest[0];
                let mark = self.mark();
                let a = self.operand(*left)?;
                let instr = match self.small(right) {
                    Some(b) => looped_small(op, a, b),
                    None => {
                        let b = self.operand(right)?;
                        looped(op, a, b)
                    }
                };
                self.release(mark);
                self.asm.jump_back(span, instr.expect("fuses"), top);
                Ok(())
            }
            Expr::Compare { .. } | Expr::Unary { op: UnaryOp::Not, .. } => {
                let out = self.asm.label();
                self.branch(e, false, out)?;
                self.back(span, top);
                self.asm.bind(out);
                Ok(())
            }
            _ => {
                let mark = self.mark();
                let src = self.operand(e)?;
                self.release(mark);
                self.asm.jump_back(span, Instr::LoopIf { src, by: LATER }, top);
                Ok(())
            }
        }
    }

    pub fn back(&mut self, span: Span, top: Label) {
        let by = LongJump(0);
        self.asm.jump_back(span, Instr::JumpBack { by }, top);
    }
}
