//! `try` and `with`: protected ranges and their handlers.
//!
//! A handler makes its exception the handled one and saves the one that was handled before; every way
//! out restores it, also the way by another exception: therefore each handler is itself a range whose
//! handler ends in `tail`.

use super::Res;
use super::assemble::{Bits, Region};
use super::unit::Unit;
use super::unwind::Exit;
use crate::bytecode::{Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    pub fn try_stmt(&mut self, t: &'a Try, span: Span) -> Res {
        if t.finally.is_empty() { self.try_except(t, span) } else { self.try_finally(t, span) }
    }

    /// Opens a handler: exceptions of `region` arrive, what they interrupted is dropped.
    pub fn open_handler(
        &mut self,
        region: &Region,
        before: &Option<Bits>,
        (saved, exc): (Reg, Reg),
        span: Span,
    ) -> Res {
        self.arrive(region, before, exc);
        self.emit(span, Instr::EnterHandler { saved, exc });
        self.open(Exit::Handler { saved, exc }, span)?;
        self.sweep(span);
        Ok(())
    }

    /// The end of a handler that goes on raising; what its body raises arrives here too.
    pub fn tail(&mut self, region: &Region, before: &Option<Bits>, (saved, exc): (Reg, Reg), span: Span) {
        self.arrive_also(region, before, exc);
        self.emit(span, Instr::ExitHandler { saved });
        self.emit(span, Instr::Reraise { exc });
    }

    /// As `arrive`, where control may also come from above.
    fn arrive_also(&mut self, region: &Region, before: &Option<Bits>, exc: Reg) {
        if self.asm.is_dead() {
            return self.arrive(region, before, exc);
        }
        self.asm.handle(region, exc);
        let state = before.clone();
        if let (Some(now), Some(before)) = (&mut self.asm.state, state) {
            now.keep(&before);
        }
    }

    fn try_finally(&mut self, t: &'a Try, span: Span) -> Res {
        let mark = self.mark();
        let regs = (self.temp(), self.temp());
        let before = self.asm.state.clone();
        self.open(Exit::Finally(&t.finally), span)?;
        if t.handlers.is_empty() {
            self.body(&t.body)?;
        } else {
            self.try_except(t, span)?;
        }
        let region = self.close();
        let end = self.asm.label();
        self.finally_copy(&t.finally, span)?;
        self.asm.goto(span, end);
        self.open_handler(&region, &before, regs, span)?;
        self.finally_copy(&t.finally, span)?;
        let inner = self.close();
        self.tail(&inner, &before, regs, span);
        self.asm.bind(end);
        self.release(mark);
        Ok(())
    }

    fn try_except(&mut self, t: &'a Try, span: Span) -> Res {
        let mark = self.mark();
        let regs @ (saved, exc) = (self.temp(), self.temp());
        let before = self.asm.state.clone();
        self.open(Exit::Guard, span)?;
        self.body(&t.body)?;
        let region = self.close();
        let (end, tail) = (self.asm.label(), self.asm.label());
        self.body(&t.orelse)?;
        self.asm.goto(span, end);
        self.open_handler(&region, &before, regs, span)?;
        for handler in &t.handlers {
            let next = self.asm.label();
            if let Some(class) = handler.class {
                let inner = self.mark();
                let dst = self.temp();
                let class = self.operand_in(class, dst)?;
                let at = self.cx.ast.span(handler.class.unwrap_or(E(0)));
                self.emit(at, Instr::MatchExc { dst, exc, class });
                self.release(inner);
                self.jump_on(dst, false, next, at);
            }
            let Some(name) = handler.name else {
                self.body(&handler.body)?;
                self.leave_handler(saved, exc, handler.span);
                self.asm.goto(span, end);
                self.asm.bind(next);
                continue;
            };
            let sym = self.sym(name);
            self.store(sym, exc, handler.span);
            self.open(Exit::Name(sym), handler.span)?;
            self.body(&handler.body)?;
            let named = self.close();
            self.forget(sym, handler.span);
            self.leave_handler(saved, exc, handler.span);
            self.asm.goto(span, end);
            self.arrive(&named, &before, exc);
            self.forget(sym, handler.span);
            self.asm.goto(handler.span, tail);
            self.asm.bind(next);
        }
        let inner = self.close();
        self.asm.bind(tail);
        self.tail(&inner, &before, regs, span);
        self.asm.bind(end);
        self.release(mark);
        Ok(())
    }

    pub fn with_stmt(&mut self, items: &'a [WithItem], body: &'a [S]) -> Res {
        let Some((item, rest)) = items.split_first() else {
            return self.body(body);
        };
        let span = self.cx.ast.span(item.context);
        let mark = self.mark();
        let (base, regs) = (self.temp(), (self.temp(), self.temp()));
        let inner = self.mark();
        let value = self.temp();
        let src = self.operand_in(item.context, value)?;
        let direct = item.target.and_then(|t| self.target_register(t));
        let dst = direct.unwrap_or(value);
        self.emit(span, Instr::WithEnter { dst, base, src });
        let before = self.asm.state.clone();
        self.open(Exit::With(base), span)?;
        if let Some(target) = item.target {
            self.store_to(target, dst)?;
        }
        self.release(inner);
        self.with_stmt(rest, body)?;
        let region = self.close();
        let (end, quiet) = (self.asm.label(), self.asm.label());
        self.emit(span, Instr::WithExit { base });
        self.asm.goto(span, end);
        let (saved, exc) = regs;
        self.open_handler(&region, &before, regs, span)?;
        let dst = self.temp();
        self.emit(span, Instr::WithExitExc { dst, base, exc });
        self.jump_on(dst, true, quiet, span);
        let handler = self.close();
        self.tail(&handler, &before, regs, span);
        self.asm.bind(quiet);
        self.leave_handler(saved, exc, span);
        self.asm.bind(end);
        self.release(mark);
        Ok(())
    }
}
