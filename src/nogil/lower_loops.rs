//! Loops to instructions: the test stands at the end, so that a turn has one jump.

use super::code::{Op, Reg, Ty};
use super::form::*;
use super::lower::{Loop, Lower, Res, Val};
use super::num::Num;

impl Lower<'_, '_> {
    pub(super) fn while_loop(&mut self, test: &Node, body: &[Statement], orelse: &[Statement]) -> Res<()> {
        let (top, next, end, over) = (self.label(), self.label(), self.label(), self.label());
        self.jump(test, false, over)?;
        self.here(top);
        self.loops.push(Loop { next, end });
        self.block(body)?;
        self.loops.pop();
        self.here(next);
        // The test again, so that a turn has one jump; the jump itself is a safe point.
        let again = self.label();
        self.jump(test, false, over)?;
        self.here(again);
        self.emit(Op::Back(top.0 as u32));
        self.here(over);
        self.block(orelse)?;
        self.here(end);
        Ok(())
    }

    pub(super) fn for_loop(&mut self, f: &For) -> Res<()> {
        let regs = self.temps(3)?;
        let row = match &f.over {
            Over::Range(args) => {
                self.range(args, regs)?;
                None
            }
            Over::Row(n) => {
                let row = self.expr(n)?;
                if !row.ty.is_row() {
                    return Err(self.wrong(f.span, &format!("a loop over {}", row.ty.name())));
                }
                let row = self.copied(row)?;
                let zero = self.constant(0);
                self.emit(Op::Const(regs, zero));
                Some(row)
            }
        };
        let (top, next, end, over) = (self.label(), self.label(), self.label(), self.label());
        self.span = f.span;
        let mut raw = Val { ty: Ty::Int, at: self.temp(Ty::Int)? };
        match row {
            None => {
                self.grow(f.var, Ty::Int, f.span)?;
                if self.drafts.all[self.me].vars[f.var] == Ty::Int {
                    raw.at = (f.var * 2) as Reg;
                }
                self.emit(Op::ForRange(regs, next.0 as u32));
                self.here(top);
                self.put_in_var(f.var, raw)?;
            }
            Some(row) => {
                self.emit(Op::Jump(next.0 as u32));
                self.here(top);
                let item = self.load(row, Val { ty: Ty::Int, at: regs })?;
                self.emit(Op::AddK(regs, regs, 1));
                self.grow(f.var, item.ty, f.span)?;
                self.put_in_var(f.var, item)?;
            }
        }
        self.loops.push(Loop { next, end });
        self.block(&f.body)?;
        self.loops.pop();
        self.here(next);
        self.span = f.span;
        match row {
            None => self.emit(Op::ForNext(regs, raw.at, top.0 as u32)),
            Some(row) => {
                let n = self.temp(Ty::Int)?;
                self.emit(Op::Len(n, row.at));
                self.emit(Op::JLeI(n, regs, over.0 as u32));
                self.emit(Op::Back(top.0 as u32));
            }
        }
        self.here(over);
        self.block(&f.orelse)?;
        self.here(end);
        Ok(())
    }

    /// start, stop, step into three registers.
    fn range(&mut self, args: &[Node], regs: Reg) -> Res<()> {
        let zero = self.constant(0);
        let one = self.constant(1);
        let free = self.next;
        let mut vals = Vec::new();
        for a in args {
            let v = self.expr(a)?;
            self.span = a.span;
            let v = self.index(v, false)?;
            vals.push(self.copied(v)?.at);
        }
        let (start, stop, step) = match vals[..] {
            [stop] => (None, stop, None),
            [start, stop] => (Some(start), stop, None),
            [start, stop, step, ..] => (Some(start), stop, Some(step)),
            [] => unreachable!("range has an argument"),
        };
        match start {
            Some(r) => self.emit(Op::Move(regs, r)),
            None => self.emit(Op::Const(regs, zero)),
        }
        self.emit(Op::Move(regs + 1, stop));
        match step {
            Some(r) => self.emit(Op::Move(regs + 2, r)),
            None => self.emit(Op::Const(regs + 2, one)),
        }
        self.next = free;
        Ok(())
    }
}

/// Can the end of the statements be reached?
pub(super) fn falls(all: &[Statement]) -> bool {
    match all.last() {
        Some(Statement::Return(..) | Statement::Raise(..)) => false,
        Some(Statement::If(branches, orelse)) => {
            orelse.is_empty() || falls(orelse) || branches.iter().any(|(_, b)| falls(b))
        }
        Some(Statement::While(test, body, _)) => !matches!(test.form, Form::Const(Num::Bool(true))) || has_break(body),
        _ => true,
    }
}

/// Does it leave the loop around it?
fn has_break(all: &[Statement]) -> bool {
    all.iter().any(|s| match s {
        Statement::Break => true,
        Statement::If(branches, orelse) => has_break(orelse) || branches.iter().any(|(_, b)| has_break(b)),
        Statement::While(_, _, orelse) => has_break(orelse),
        Statement::For(f) => has_break(&f.orelse),
        _ => false,
    })
}
