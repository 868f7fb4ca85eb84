//! `while` and `for`: the test stands at the bottom, where the one backward jump is.

use super::Res;
use super::assemble::LATER;
use super::unit::Unit;
use super::unwind::Exit;
use crate::bytecode::Instr;
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    pub fn while_stmt(&mut self, test: E, body: &'a [S], orelse: &'a [S], span: Span) -> Res {
        let (brk, cont, out) = (self.asm.label(), self.asm.label(), self.asm.label());
        let constant = self.constant_truth(test);
        self.branch(test, false, out)?;
        self.asm.forget(&self.fragile);
        let top = self.asm.here();
        let iter = None;
        self.open(Exit::Loop { brk, cont, iter }, span)?;
        self.body(body)?;
        self.close();
        self.asm.bind(cont);
        match constant {
            Some(true) => self.back(self.cx.ast.span(test), top),
            Some(false) => {}
            None => self.loop_while(test, top)?,
        }
        self.asm.bind(out);
        self.body(orelse)?;
        self.asm.bind(brk);
        Ok(())
    }

    pub fn for_stmt(&mut self, f: &'a For) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(f.iter);
        let mark = self.mark();
        let iter = self.temps(3);
        let src = match ast.expr(f.iter) {
            // Nobody can change the list of `for x in [1, 2]`.
            Expr::List(_) => self.container(CmpOp::In, f.iter)?,
            _ => self.operand_in(f.iter, iter)?,
        };
        self.emit(span, Instr::ForPrep { iter, src });
        self.release(iter.0 as u32 + 3);
        self.asm.forget(&self.fragile);
        let (brk, cont, out) = (self.asm.label(), self.asm.label(), self.asm.label());
        let direct = self.target_register(f.target);
        let inner = self.mark();
        let dst = match direct {
            Some(reg) => reg,
            None => self.temp(),
        };
        self.jump(span, Instr::ForEnter { iter, dst, by: LATER }, out);
        let top = self.asm.here();
        self.store_to(f.target, dst)?;
        self.release(inner);
        let exit = Exit::Loop { brk, cont, iter: Some(iter) };
        self.open(exit, span)?;
        self.body(&f.body)?;
        self.close();
        self.asm.bind(cont);
        let bottom = Instr::ForLoop { iter, dst, by: LATER };
        self.asm.jump_back(span, bottom, top);
        self.asm.bind(out);
        self.release(mark);
        self.body(&f.orelse)?;
        self.asm.bind(brk);
        Ok(())
    }
}
