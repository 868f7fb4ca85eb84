//! `await`, `async for`, `async with`: a delegation to what an awaitable gives.

use super::Res;
use super::unit::Unit;
use super::unwind::Exit;
use crate::bytecode::{Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn await_value(&mut self, value: E, dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let iter = self.temp();
        let src = self.operand_in(value, iter)?;
        self.emit(span, Instr::GetAwaitable { dst: iter, src });
        self.wait_for(iter, dst, span);
        self.release(mark);
        Ok(())
    }

    /// Delegates to the iterator in a temporary. What is sent in while it lasts goes through the result's
    /// register, so that is never a variable (C1).
    #[inline(never)]
    pub fn wait_for(&mut self, iter: Reg, dst: Reg, span: Span) {
        let place = if self.is_temp(dst) { dst } else { self.temp() };
        self.emit(span, Instr::YieldFrom { dst: place, iter });
        if place != iter {
            self.emit(span, Instr::Unset { dst: iter });
        }
        if place != dst {
            self.emit(span, Instr::Move { dst, src: place });
            self.emit(span, Instr::Unset { dst: place });
        }
    }

    /// The head of an asynchronous loop: binds the next item, or ends in `finish_items`.
    #[inline(never)]
    fn next_item(&mut self, iter: Reg, target: E, span: Span) -> Res<Head> {
        self.asm.forget(&self.fragile);
        let before = self.asm.state.clone();
        let top = self.asm.here();
        self.open(Exit::Guard, span)?;
        let mark = self.mark();
        let (dst, next) = (self.temp(), self.temp());
        self.emit(span, Instr::GetANext { dst: next, iter });
        self.wait_for(next, dst, span);
        let region = self.close();
        self.store_to(target, dst)?;
        self.release(mark);
        Ok(Head { before, top, region })
    }

    /// Goes back for the next item; at StopAsyncIteration control goes on behind.
    #[inline(never)]
    fn finish_items(&mut self, head: Head, iter: Reg, exc: Reg, span: Span) {
        self.back(span, head.top);
        self.arrive(&head.region, &head.before, exc);
        self.emit(span, Instr::EndAsyncFor { exc });
        self.emit(span, Instr::Unset { dst: iter });
    }

    #[inline(never)]
    pub fn async_for(&mut self, f: &'a For) -> Res {
        let span = self.cx.ast.span(f.iter);
        let mark = self.mark();
        let (iter, exc) = (self.temp(), self.temp());
        let src = self.operand_in(f.iter, iter)?;
        self.emit(span, Instr::GetAIter { dst: iter, src });
        let (brk, cont) = (self.asm.label(), self.asm.label());
        let head = self.next_item(iter, f.target, span)?;
        self.open(Exit::Loop { brk, cont, iter: Some(iter) }, span)?;
        self.body(&f.body)?;
        self.close();
        self.asm.bind(cont);
        self.finish_items(head, iter, exc, span);
        self.release(mark);
        self.body(&f.orelse)?;
        self.asm.bind(brk);
        Ok(())
    }

    /// One `async for` of a comprehension and what stands to the right of it.
    #[inline(never)]
    pub fn async_clause(&mut self, comp: &'a Comp, clause: &'a Clause, at: usize, made: Reg) -> Res {
        let mark = self.mark();
        let span = self.cx.ast.span(clause.iter);
        let (iter, exc) = (self.temp(), self.temp());
        if at == 0 {
            self.emit(span, Instr::Move { dst: iter, src: Reg(0) });
        } else {
            let src = self.operand_in(clause.iter, iter)?;
            self.emit(span, Instr::GetAIter { dst: iter, src });
        }
        let cont = self.asm.label();
        let head = self.next_item(iter, clause.target, span)?;
        for &test in &clause.ifs {
            self.branch(test, false, cont)?;
        }
        self.clause(comp, at + 1, made)?;
        self.asm.bind(cont);
        self.finish_items(head, iter, exc, span);
        self.release(mark);
        Ok(())
    }

    #[inline(never)]
    pub fn async_with(&mut self, items: &'a [WithItem], body: &'a [S]) -> Res {
        let Some((item, rest)) = items.split_first() else {
            return self.body(body);
        };
        let span = self.cx.ast.span(item.context);
        let mark = self.mark();
        let (base, saved, exc) = (self.temp(), self.temp(), self.temp());
        let inner = self.mark();
        let (value, entered) = (self.temp(), self.temp());
        let src = self.operand_in(item.context, value)?;
        self.emit(span, Instr::AsyncEnter { dst: entered, base, src });
        self.wait_for(entered, value, span);
        let before = self.asm.state.clone();
        self.open(Exit::AsyncWith(base), span)?;
        match item.target {
            Some(target) => self.store_to(target, value)?,
            None => self.emit(span, Instr::Unset { dst: value }),
        }
        self.release(inner);
        self.async_with(rest, body)?;
        let region = self.close();
        let (end, quiet) = (self.asm.label(), self.asm.label());
        self.async_exit(base, span);
        self.asm.goto(span, end);
        self.open_handler(&region, &before, (saved, exc), span)?;
        let (dst, left) = (self.temp(), self.temp());
        self.emit(span, Instr::AsyncExit { dst: left, base, exc });
        self.wait_for(left, dst, span);
        self.jump_on(dst, true, quiet, span);
        let handler = self.close();
        self.tail(&handler, &before, (saved, exc), span);
        self.asm.bind(quiet);
        self.leave_handler(saved, exc, span);
        self.asm.bind(end);
        self.release(mark);
        Ok(())
    }

    /// Leaves an `async with` without an exception.
    #[inline(never)]
    pub fn async_exit(&mut self, base: Reg, span: Span) {
        let mark = self.mark();
        let (none, dst) = (self.temp(), self.temp());
        self.emit(span, Instr::Unset { dst: none });
        self.emit(span, Instr::AsyncExit { dst, base, exc: none });
        self.wait_for(dst, none, span);
        self.emit(span, Instr::Unset { dst: none });
        self.release(mark);
    }
}

/// Where an asynchronous loop begins, and what of it may end the loop.
struct Head {
    before: Option<super::assemble::Bits>,
    top: super::assemble::Label,
    region: super::assemble::Region,
}
